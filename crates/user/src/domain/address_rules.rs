//! What an address in a country must have, by Google's address metadata (`scripts/tables`).
//!
//! The table says which fields a country requires and how its postal codes look. Postal codes get the spelling of the
//! country's examples. Where a country requires a state and its states have codes, the code or the name must be one of them;
//! elsewhere a state is taken as it is. A country without postal codes takes any.

use contracts::{
    countries,
    problem::Fault,
    text::{ShortText, characters::nfkc},
    user::WriteAddress,
};
use platform::folding::fold;
use regex::Regex;
use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

static COUNTRIES: LazyLock<HashMap<&'static str, Rules>> =
    LazyLock::new(|| countries::TABLE.lines().map(|line| (&line[..2], Rules::parse(line))).collect());

/// The rules of a country; see `scripts/tables/README.md` for the columns.
struct Rules {
    code: &'static str,
    /// `A` street, `C` city, `S` state, `Z` postal code.
    required: &'static str,
    used: &'static str,
    pattern: &'static str,
    compiled: OnceLock<Regex>,
    /// What is written before a postal code on a letter.
    prefix: &'static str,
    examples: &'static str,
    /// `CODE=Name`, separated by bars.
    states: &'static str,
}

impl Rules {
    fn parse(line: &'static str) -> Rules {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        Rules {
            code: next(),
            required: next(),
            used: next(),
            pattern: next(),
            compiled: OnceLock::new(),
            prefix: next(),
            examples: next(),
            states: next(),
        }
    }

    /// Whether a text is a postal code in a spelling that the country has.
    fn fits(&self, zip: &str) -> bool {
        let compile = || Regex::new(&format!("(?-u)^(?:{})$", self.pattern)).expect("a test compiles every pattern");
        self.compiled.get_or_init(compile).is_match(zip)
    }

    /// Returns the postal code in the spelling of the examples, where one has the same letters and digits.
    fn zip(&self, typed: &str) -> Option<String> {
        let typed: String =
            nfkc(typed).to_uppercase().chars().map(|c| if matches!(c, '\u{2010}'..='\u{2015}') { '-' } else { c }).collect();
        let prefixes = [self.prefix.trim_end_matches('-'), self.code].into_iter().filter(|prefix| !prefix.is_empty());
        let stripped = prefixes.filter_map(|prefix| typed.strip_prefix(prefix)).find_map(|rest| rest.strip_prefix(['-', ' ']));
        [Some(typed.as_str()), stripped].into_iter().flatten().find_map(|text| self.spelled(text.trim()))
    }

    fn spelled(&self, text: &str) -> Option<String> {
        let bare: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let is_separated = |example: &&str| example.contains([' ', '-']) && shape(example) == shape(&bare);
        let spelled = self.examples.split(',').find(is_separated).map(|example| {
            let mut characters = bare.chars();
            example.chars().map(|c| if c.is_ascii_alphanumeric() { characters.next().unwrap_or(c) } else { c }).collect()
        });
        // In some countries the code of the country is a part of it.
        let prefixed = format!("{}-{bare}", self.code);
        spelled.into_iter().chain([text.to_owned(), bare, prefixed]).find(|zip| self.fits(zip))
    }

    /// Returns the state: the code where a code was given, else the name.
    fn state(&self, typed: &str) -> Option<String> {
        let code = fold(typed);
        let wanted = code.strip_prefix(&fold(&format!("{}-", self.code))).unwrap_or(&code);
        let mut states = self.states.split('|').filter_map(|state| state.split_once('='));
        states.find_map(
            |(code, name)| {
                if wanted == fold(code) { Some(code.to_owned()) } else { (fold(typed) == fold(name)).then(|| typed.to_owned()) }
            },
        )
    }
}

/// Returns the text with each letter as `A` and each digit as `9`, without anything else.
fn shape(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| if c.is_ascii_digit() { '9' } else { 'A' }).collect()
}

/// Checks an address by the rules of its country and returns it with its postal code and state in the country's spelling.
///
/// # Errors
/// A fault for each field: `REQUIRED`, `INVALID_ZIP`, `INVALID_STATE`.
pub fn check(mut address: WriteAddress) -> Result<WriteAddress, Vec<Fault>> {
    let Some(rules) = COUNTRIES.get(&*address.country) else { return Ok(address) };
    let mut faults = Vec::new();
    let fields = [('C', "city", &address.city), ('S', "state", &address.state), ('Z', "zip", &address.zip)];
    for (letter, name, text) in fields {
        if text.is_empty() && rules.required.contains(letter) {
            faults.push(Fault::at(format!("/{name}"), "REQUIRED", format!("must not be empty in an address in {}", rules.code)));
        }
    }
    let short = |text: String| ShortText::parse(&text).expect("it is no longer than the text that was given");
    if !address.zip.is_empty() && rules.used.contains('Z') && !rules.pattern.is_empty() {
        match rules.zip(&address.zip) {
            Some(zip) => address.zip = short(zip),
            None => {
                let examples: Vec<&str> = rules.examples.split(',').take(2).collect();
                let detail = format!("must be a postal code of {} such as {}", rules.code, examples.join(" or "));
                faults.push(Fault::at("/zip", "INVALID_ZIP", detail));
            }
        }
    }
    if !address.state.is_empty() && !rules.states.is_empty() {
        match rules.state(&address.state) {
            Some(state) => address.state = short(state),
            None => {
                let example = rules.states.split('|').next().unwrap_or_default().replace('=', " or ");
                let detail = format!("must be a state of {} by code or name, such as {example}", rules.code);
                faults.push(Fault::at("/state", "INVALID_STATE", detail));
            }
        }
    }
    if faults.is_empty() { Ok(address) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Returns the state and the postal code, or pointer and code of each fault.
    fn checked(country: &str, state: &str, zip: &str) -> Result<(String, String), Vec<(String, String)>> {
        let body = json!({"country": country, "state": state, "city": "City", "zip": zip, "street": "Street"});
        match check(serde_json::from_value(body).unwrap()) {
            Ok(address) => Ok((address.state.into_string(), address.zip.into_string())),
            Err(faults) => Err(faults.into_iter().map(|fault| (fault.pointer.unwrap_or_default(), fault.code.to_string())).collect()),
        }
    }

    fn refused(pointer: &str, code: &str) -> Result<(String, String), Vec<(String, String)>> {
        Err(vec![(pointer.to_owned(), code.to_owned())])
    }

    fn taken(state: &str, zip: &str) -> Result<(String, String), Vec<(String, String)>> {
        Ok((state.to_owned(), zip.to_owned()))
    }

    #[test]
    fn every_pattern_compiles_and_takes_its_examples() {
        for rules in COUNTRIES.values().filter(|rules| !rules.pattern.is_empty()) {
            for example in rules.examples.split(',').filter(|example| !example.is_empty() && !example.contains(':')) {
                assert!(rules.fits(example), "{} {example}", rules.code);
                assert_eq!(rules.zip(&example.to_lowercase()).as_deref(), Some(example), "{}", rules.code);
            }
        }
        assert!(COUNTRIES.len() > 240);
    }

    #[test]
    fn addresses_of_each_country_are_taken() {
        for (country, state, zip) in [
            ("DE", "BE", "10115"),
            ("DE", "", "10115"),
            ("DE", "Berlin", "10115"),
            ("BR", "SP", "01310-100"),
            ("US", "NY", "10001"),
            ("US", "California", "90001-1234"),
            ("GB", "", "SW1A 1AA"),
            ("GB", "England", "M1 1AE"),
            ("FR", "Île-de-France", "75001"),
            ("NL", "NH", "1012 JS"),
            ("CA", "ON", "K1A 0B1"),
            ("JP", "Tōkyō", "150-0001"),
            ("IN", "MH", "400001"),
            ("IT", "Lazio", "00144"),
            ("ES", "Madrid", "28039"),
            ("AE", "Dubai", ""),
            ("AE", "Dubai", "00000"),
            ("HK", "Kowloon", ""),
            ("IE", "", ""),
            ("IE", "", "D02 AF30"),
            ("PA", "", ""),
            ("PL", "", "00-950"),
            ("SE", "", "114 55"),
            ("KP", "", "x"),
            ("PR", "", "00930"),
            ("XK", "", "10000"),
        ] {
            assert_eq!(checked(country, state, zip), taken(state, zip), "{country}");
        }
    }

    #[test]
    fn what_a_country_requires_must_be_there() {
        assert_eq!(checked("US", "", "10001"), refused("/state", "REQUIRED"));
        assert_eq!(checked("DE", "", ""), refused("/zip", "REQUIRED"));
        assert_eq!(checked("CA", "ON", ""), refused("/zip", "REQUIRED"));
        assert_eq!(checked("AE", "", ""), refused("/state", "REQUIRED"));
        let nothing: Value = json!({"country": "US", "street": "Street"});
        let faults = check(serde_json::from_value(nothing).unwrap()).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.clone().unwrap_or_default()).collect();
        assert_eq!(pointers, ["/city", "/state", "/zip"], "all at once");
        // Singapore and Japan name no city.
        assert!(check(serde_json::from_value(json!({"country": "SG", "zip": "546080", "street": "Street"})).unwrap()).is_ok());
    }

    #[test]
    fn what_a_country_does_not_have_is_refused() {
        for (country, state, zip) in [
            ("DE", "", "ABC"),
            ("DE", "", "1011"),
            ("DE", "", "101155"),
            ("US", "NY", "123"),
            ("US", "NY", "1000A"),
            ("GB", "", "12345"),
            ("GB", "", "ZZ1 1AA"),
            ("FR", "", "7500"),
            ("CA", "ON", "12345"),
            ("NL", "", "12345"),
            ("BR", "SP", "123"),
            ("JP", "Tokyo", "1500"),
        ] {
            assert_eq!(checked(country, state, zip), refused("/zip", "INVALID_ZIP"), "{country} {zip}");
        }
        for (country, state, zip) in [
            ("US", "XX", "10001"),
            ("US", "Bavaria", "10001"),
            ("CA", "NY", "K1A 0B1"),
            ("AU", "CA", "2060"),
            ("BR", "London", "01310-100"),
        ] {
            assert_eq!(checked(country, state, zip), refused("/state", "INVALID_STATE"), "{country} {state}");
        }
    }

    #[test]
    fn codes_get_the_spelling_of_the_country() {
        for (country, state, zip, wanted_state, wanted_zip) in [
            ("GB", "", "sw1a1aa", "", "SW1A 1AA"),
            ("GB", "", "m1  1ae", "", "M1 1AE"),
            ("NL", "", "1012js", "", "1012 JS"),
            ("CA", "on", "k1a-0b1", "ON", "K1A 0B1"),
            ("US", "us-ny", "100011234", "NY", "10001-1234"),
            ("US", "new york", "10001", "new york", "10001"),
            ("BR", "SAO PAULO", "01310100", "SAO PAULO", "01310-100"),
            ("JP", "東京都", "１５０ー０００１", "東京都", "150-0001"),
            ("DE", "", "DE-10115", "", "10115"),
            ("DE", "", "１０１１５", "", "10115"),
            ("LU", "", "L-1234", "", "1234"),
            ("CH", "", "CH 8000", "", "8000"),
            ("PL", "", "00950", "", "00-950"),
        ] {
            assert_eq!(checked(country, state, zip), taken(wanted_state, wanted_zip), "{country} {zip}");
        }
    }
}
