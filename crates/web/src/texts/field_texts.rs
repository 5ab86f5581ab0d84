//! The words of fields that a visitor meets outside of a form: columns of files, and the places of a table that is typed as lines.

use super::Language;

/// Field, English, German.
const FIELDS: &[(&str, &str, &str)] = &[
    // Columns of CSV files.
    ("sku", "SKU", "Artikelnummer"),
    ("title", "Title", "Titel"),
    ("description", "Description", "Beschreibung"),
    ("categoryId", "Category", "Kategorie"),
    ("brand", "Brand", "Marke"),
    ("priceAmount", "Price", "Preis"),
    ("currency", "Currency", "Währung"),
    ("taxClass", "Tax class", "Steuerklasse"),
    ("status", "Status", "Zustand"),
    ("images", "Pictures", "Bilder"),
    ("attributes", "Attributes", "Merkmale"),
    ("productGroupId", "Group of variants", "Gruppe von Varianten"),
    ("options", "Options", "Auswahl"),
    ("externalId", "External id", "Eigene Kennung"),
    ("metadata", "Notes", "Notizen"),
    ("availableQty", "Units", "Stück"),
    ("lowStockThreshold", "Low from", "Knapp ab"),
    ("productId", "Product", "Produkt"),
    // Lines of tables.
    ("country", "Country", "Land"),
    ("state", "State", "Bundesland"),
    ("basisPoints", "Rate", "Satz"),
];

/// Returns the words of a field. An unknown one is shown as it is.
pub fn field_words(language: Language, field: &str) -> &str {
    let known = FIELDS.iter().find(|(known, _, _)| *known == field);
    known.map_or(field, |(_, english, german)| if language == Language::German { german } else { english })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_words() {
        assert_eq!(field_words(Language::German, "priceAmount"), "Preis");
        assert_eq!(field_words(Language::English, "colour"), "colour");
        for (at, (field, english, german)) in FIELDS.iter().enumerate() {
            assert!(!english.is_empty() && !german.is_empty() && FIELDS[at + 1..].iter().all(|(other, ..)| other != field), "{field}");
        }
    }
}
