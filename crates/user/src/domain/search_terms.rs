//! The search terms of users: prefixes of the words in e-mail and name, and a term for each role and the status.

use contracts::{
    auth::{AccountStatus, Role},
    user::User,
};
use platform::folding::fold;
use std::collections::BTreeSet;

/// The most characters of a word that are indexed. A longer word is found by these.
pub const MAX_WORD_CHARS: usize = 16;

/// Returns the distinct words of a text: runs of letters and digits, folded and cut at [`MAX_WORD_CHARS`].
fn words(text: &str) -> BTreeSet<String> {
    let text = fold(text);
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(MAX_WORD_CHARS).collect()).collect()
}

/// Returns every prefix of every word of this e-mail and name.
fn search_prefixes(email: &str, name: &str) -> BTreeSet<String> {
    let mut search_prefixes = BTreeSet::new();
    for word in words(email).into_iter().chain(words(name)) {
        let ends = word.char_indices().map(|(at, character)| at + character.len_utf8());
        search_prefixes.extend(ends.map(|end| word[..end].to_owned()));
    }
    search_prefixes
}

/// The term of a user with this role. No word contains a colon.
#[must_use]
pub fn role_term(role: Role) -> String {
    format!("role:{}", role.as_str())
}

/// The term of a user whose account has this status.
#[must_use]
pub fn status_term(status: AccountStatus) -> String {
    format!("status:{}", status.as_str())
}

/// Returns every term by which a user is found.
#[must_use]
pub fn search_terms(user: &User) -> BTreeSet<String> {
    let mut terms = search_prefixes(&user.email, &user.name);
    terms.extend(user.roles.iter().copied().map(role_term));
    terms.insert(status_term(user.status));
    terms
}

/// Returns the words that a user must have among its [`search_prefixes`] to match this text, or none when the text has
/// no word. Words that are a prefix of another word are left out, because they add nothing.
#[must_use]
pub fn query_words(text: &str) -> Vec<String> {
    let words = words(text);
    let is_implied = |word: &&String| words.iter().any(|other| other != *word && other.starts_with(word.as_str()));
    words.iter().filter(|word| !is_implied(word)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_by_their_prefixes() {
        let all = search_prefixes("Mara.K@ex.org", "Mara Groß");
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(all, ["e", "ex", "g", "gr", "gro", "gros", "gross", "k", "m", "ma", "mar", "mara", "o", "or", "org"]);
        assert_eq!(query_words(" KLEIN, mara; mar"), ["klein", "mara"]);
        assert_eq!(query_words("%_\\ "), Vec::<String>::new());
        assert_eq!(query_words(&"x".repeat(40)), ["x".repeat(MAX_WORD_CHARS)]);
        assert_eq!(query_words("mara maranatha"), ["maranatha"], "the longer word implies the shorter one");
    }

    proptest! {
        #[test]
        fn every_user_is_found_by_its_own_texts(email in "[a-zA-Z0-9.+_-]{1,40}@[a-z0-9-]{1,20}\\.[a-z]{2,10}", name in "\\PC{1,60}", cut in 0_usize..60) {
            let search_prefixes = search_prefixes(&email, &name);
            for text in [&email, &name, &name.to_lowercase(), &fold(&name).chars().take(cut).collect::<String>()] {
                prop_assert!(query_words(text).iter().all(|word| search_prefixes.contains(word)), "{text:?} of {name:?}");
            }
            prop_assert!(search_prefixes.iter().all(|prefix| (1..=MAX_WORD_CHARS).contains(&prefix.chars().count())));
        }
    }
}
