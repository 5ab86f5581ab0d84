//! Countries and their states, by Google's address metadata (`scripts/tables`).

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A line for each country; see `scripts/tables/README.md` for the columns.
pub const TABLE: &str = include_str!("countries.tsv");

/// Returns the code of a state, which an address may name by its code or by its name: `CA` for `CA`, `California` and `US-CA` in US.
/// `None` for a country whose states have no codes here, and for a state that it does not have.
#[must_use]
pub fn state_code(country: &str, state: &str) -> Option<&'static str> {
    let states = states(country)?;
    let wanted = letters(state);
    let without_country = wanted.strip_prefix(&letters(country)).unwrap_or_default();
    let all = || states.split('|').filter_map(|state| state.split_once('='));
    let found = all().find(|(code, name)| wanted == letters(code) || wanted == letters(name));
    found.or_else(|| all().find(|(code, _)| without_country == letters(code))).map(|(code, _)| code)
}

/// Whether the states of a country have codes here.
#[must_use]
pub fn has_state_codes(country: &str) -> bool {
    states(country).is_some()
}

fn states(country: &str) -> Option<&'static str> {
    let line = TABLE.lines().find(|line| line.split('\t').next() == Some(country))?;
    line.split('\t').nth(6).filter(|states| !states.is_empty())
}

/// Returns the letters and digits of a text in lower case, without accents.
fn letters(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    decomposed.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_by_its_code_and_its_name() {
        for (country, state, code) in [
            ("US", "CA", Some("CA")),
            ("US", "california", Some("CA")),
            ("US", "US-CA", Some("CA")),
            ("US", "New York", Some("NY")),
            ("US", "Ontario", None),
            ("US", "", None),
            ("CA", "ON", Some("ON")),
            ("CA", "Quebec", Some("QC")),
            ("BR", "São Paulo", Some("SP")),
            ("BR", "sao paulo", Some("SP")),
            ("DE", "Bayern", None),
            ("XX", "CA", None),
        ] {
            assert_eq!(state_code(country, state), code, "{country} {state}");
        }
        assert!(has_state_codes("US") && !has_state_codes("DE"));
    }
}
