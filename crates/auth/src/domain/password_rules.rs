//! Passwords that a new one must not be (NIST SP 800-63B, section 5.1.1.2): the common ones, which are tried first, and those
//! that follow from the account. There are no rules of composition, and accounts that have such a password still log in.

use contracts::{
    secret::NewPassword,
    text::{Email, Name, Violation},
};
use std::{collections::HashSet, sync::LazyLock};

/// The most common passwords of at least 8 characters, the most common first; `scripts/derive-tables` derives it.
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// The name of the shop.
const SHOP: &str = "souk";

/// Rows of the alphabet and of keyboards.
const RUNS: &[&str] =
    &["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop"];

/// Repetitions up to this length are refused. The length of a longer one is a secret by itself.
const LONGEST_REPETITION: usize = 64;
/// The longest part whose repetition makes no password, in ASCII and in all the characters of Unicode.
const LONGEST_UNIT: (usize, usize) = (4, 2);
/// The fewest characters of a word of the account that a password must not consist of.
const SHORTEST_OWN: usize = 3;

/// Checks a new password of the account with this address and name.
///
/// # Errors
/// `PASSWORD_TOO_COMMON`, `PASSWORD_CONTAINS_IDENTITY`.
pub fn check(password: &NewPassword, email: &Email, name: Option<&Name>) -> Result<(), Violation> {
    let typed = password.reveal().trim().to_lowercase();
    let common = |detail: &str| Err(Violation::new("PASSWORD_TOO_COMMON", detail));
    if is_repetition(&typed) {
        return common("must not be the same few characters again and again");
    }
    if is_run(&typed) {
        return common("must not be a row of the alphabet or the keyboard");
    }
    if COMMON.contains(typed.as_str()) {
        return common("must not be a password that many people have: it is among the first that are tried");
    }
    match is_own(&typed, email, name) {
        true => Err(Violation::new("PASSWORD_CONTAINS_IDENTITY", "must not be your e-mail address, your name or the shop's name")),
        false => Ok(()),
    }
}

/// Whether a text is blank, or a few characters repeated, the last time perhaps in part.
fn is_repetition(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let longest_unit = if text.is_ascii() { LONGEST_UNIT.0 } else { LONGEST_UNIT.1 };
    let repeats = |unit: usize| characters.iter().skip(unit).eq(characters.iter().take(characters.len().saturating_sub(unit)));
    characters.len() <= LONGEST_REPETITION && (1..=longest_unit).any(repeats)
}

/// Whether a text is one or two parts of [`RUNS`], forwards or backwards.
fn is_run(text: &str) -> bool {
    let backwards: String = text.chars().rev().collect();
    let run = |part: &str| RUNS.iter().any(|run| run.contains(part));
    let halves = |text: &str| text.char_indices().any(|(at, _)| run(&text[..at]) && run(&text[at..]));
    halves(text) || halves(&backwards)
}

/// Whether a text is the account's address, a part of it, its name or the shop's, once or several times. Digits around it do
/// not count, but for the name: `mara1` names nobody.
fn is_own(text: &str, email: &Email, name: Option<&Name>) -> bool {
    if Email::parse(text).as_ref() == Ok(email) {
        return true;
    }
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let consists_of = |text: &str, word: &str| {
        let word = letters(word);
        word.chars().count() >= SHORTEST_OWN && text.contains(&word) && text.replace(&word, "").is_empty()
    };
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let text = letters(text);
    let bare = text.trim_matches(|c: char| c.is_numeric());
    name.is_some_and(|name| consists_of(&text, name))
        || [email, local, domain, SHOP].into_iter().any(|word| consists_of(&text, word) || consists_of(bare, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(password: &str) -> Option<&'static str> {
        let (email, name) = (Email::parse("mara.klein7@bücher.example").unwrap(), Name::parse("Mara Groß").unwrap());
        check(&NewPassword::parse(password).unwrap(), &email, Some(&name)).err().map(|violation| violation.code)
    }

    #[test]
    fn common_passwords_are_refused() {
        for common in [
            "password",
            "PassWord",
            "12345678",
            "password1",
            "iloveyou1",
            " password ",
            "ｐａｓｓｗｏｒｄ",
            "        ",
            "\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}",
            "aaaaaaaa",
            "éééééééé",
            "abababab",
            "abcabcabc",
            "12341234",
            "12121212121",
            "........",
            "87654321",
            "abcdefgh",
            "hgfedcba",
            "qwertyuiop",
            "poiuytrewq",
            "12345678910",
            "abcd1234",
            "1234qwer",
            "qwertz123456",
            "1q2w3e4r",
        ] {
            assert_eq!(code(common), Some("PASSWORD_TOO_COMMON"), "{common:?}");
        }
    }

    #[test]
    fn words_of_the_account_are_refused() {
        for own in [
            "mara.klein7@bücher.example",
            "MARA.KLEIN7@xn--bcher-kva.example",
            "mara.klein7",
            "mara-klein7!",
            "maraklein7maraklein7",
            "xn--bcher-kva.example",
            "mara groß",
            "Mara.Groß!",
            "maragroßmaragroß",
            "souk!souk",
            "Souk2026!",
            "SoukSouk17",
        ] {
            assert_eq!(code(own), Some("PASSWORD_CONTAINS_IDENTITY"), "{own:?}");
        }
    }

    #[test]
    fn every_other_password_is_taken() {
        for good in [
            "correct horse battery staple",
            "correct horse",
            "Str0ng-pass-1",
            "a long password",
            "a long enough password",
            "demo-seller-1",
            "Tr0ub4dor&3",
            "mara klein und der wal",
            "souk-admin-2026",
            "пароль от лавки",
            "短い合言葉は八文字",
            "🐎🔋📎🐎🔋📎🐎🔋",
            "9f1c2ab7",
            "maraxgroß",
            "MaraGroß1",
            "test-password-123",
        ] {
            assert_eq!(code(good), None, "{good:?}");
        }
        assert_eq!(code(&"ü".repeat(200)), None);
    }

    #[test]
    fn short_words_of_an_account_do_not_count() {
        let (email, name) = (Email::parse("a@b.example").unwrap(), Name::parse("A").unwrap());
        assert_eq!(check(&NewPassword::parse("a 1234 0987").unwrap(), &email, Some(&name)), Ok(()));
    }

    #[test]
    fn the_list_holds_what_could_be_typed() {
        assert!(COMMON.len() > 5_000);
        assert!(COMMON.iter().all(|entry| entry.chars().count() >= 8 && *entry == entry.to_lowercase()));
    }
}
