//! The countries that forms offer. The API takes every country; one that is not listed is shown by its code.

use crate::texts::Language;

/// Code (ISO 3166-1 alpha-2), English and German name, in the order of the English names.
const COUNTRIES: &[(&str, &str, &str)] = &[
    ("AR", "Argentina", "Argentinien"),
    ("AU", "Australia", "Australien"),
    ("AT", "Austria", "Österreich"),
    ("BE", "Belgium", "Belgien"),
    ("BR", "Brazil", "Brasilien"),
    ("BG", "Bulgaria", "Bulgarien"),
    ("CA", "Canada", "Kanada"),
    ("HR", "Croatia", "Kroatien"),
    ("CY", "Cyprus", "Zypern"),
    ("CZ", "Czechia", "Tschechien"),
    ("DK", "Denmark", "Dänemark"),
    ("EE", "Estonia", "Estland"),
    ("FI", "Finland", "Finnland"),
    ("FR", "France", "Frankreich"),
    ("DE", "Germany", "Deutschland"),
    ("GR", "Greece", "Griechenland"),
    ("HU", "Hungary", "Ungarn"),
    ("IS", "Iceland", "Island"),
    ("IN", "India", "Indien"),
    ("IE", "Ireland", "Irland"),
    ("IT", "Italy", "Italien"),
    ("JP", "Japan", "Japan"),
    ("LV", "Latvia", "Lettland"),
    ("LI", "Liechtenstein", "Liechtenstein"),
    ("LT", "Lithuania", "Litauen"),
    ("LU", "Luxembourg", "Luxemburg"),
    ("MT", "Malta", "Malta"),
    ("MX", "Mexico", "Mexiko"),
    ("NL", "Netherlands", "Niederlande"),
    ("NZ", "New Zealand", "Neuseeland"),
    ("NO", "Norway", "Norwegen"),
    ("PL", "Poland", "Polen"),
    ("PT", "Portugal", "Portugal"),
    ("RO", "Romania", "Rumänien"),
    ("SG", "Singapore", "Singapur"),
    ("SK", "Slovakia", "Slowakei"),
    ("SI", "Slovenia", "Slowenien"),
    ("ZA", "South Africa", "Südafrika"),
    ("KR", "South Korea", "Südkorea"),
    ("ES", "Spain", "Spanien"),
    ("SE", "Sweden", "Schweden"),
    ("CH", "Switzerland", "Schweiz"),
    ("TR", "Türkiye", "Türkei"),
    ("GB", "United Kingdom", "Vereinigtes Königreich"),
    ("US", "United States", "Vereinigte Staaten"),
];

/// The country that is assumed before an address is known.
pub const DEFAULT: &str = "DE";

/// Returns the name of a country; its code when it is not listed.
pub fn name(language: Language, code: &str) -> String {
    let country = COUNTRIES.iter().find(|(known, ..)| *known == code);
    country.map_or(code, |(_, english, german)| if language == Language::German { german } else { english }).to_owned()
}

/// Returns code and name of each, sorted by name, with the chosen one even when it is not listed.
pub fn choices(language: Language, chosen: &str) -> Vec<(String, String)> {
    let codes = COUNTRIES.iter().map(|(code, ..)| *code);
    let other = Some(chosen).filter(|chosen| !chosen.is_empty() && COUNTRIES.iter().all(|(code, ..)| code != chosen));
    let mut choices: Vec<_> = codes.chain(other).map(|code| (code.to_owned(), name(language, code))).collect();
    choices.sort_by_key(|(_, name)| name.replace('Ö', "O"));
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_sorted_and_keep_what_was_chosen() {
        let german = choices(Language::German, "PE");
        assert_eq!(german.len(), COUNTRIES.len() + 1);
        let place = |code: &str| german.iter().position(|(other, _)| other == code).unwrap();
        assert!(place("NO") < place("AT") && place("AT") < place("PE") && place("PE") < place("PL"));
        assert_eq!(choices(Language::English, "DE").len(), COUNTRIES.len());
        assert_eq!((&*name(Language::English, "DE"), &*name(Language::German, "XX")), ("Germany", "XX"));
    }
}
