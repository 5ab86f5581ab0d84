//! What a match is worth.
//!
//! A hit's score is a whole number made of the product and the search text alone: where each word of the search was
//! found, and how. Nothing of other products is in it (no frequencies, no averages), so that a product's score is the
//! same in every part of the index, before and after any merge, insert or deletion. That is what lets a cursor that
//! names the last hit's score and id go on exactly there.

/// How a word of the search was found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchKind {
    /// As it is.
    Exact,
    /// In another form.
    Stem,
    /// As the beginning of a longer word.
    Prefix,
    /// Spelled nearly the same.
    Fuzzy,
}

/// Where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Title,
    Brand,
    /// The description, the attributes and the names of the categories.
    Body,
}

/// The points of one word. Those of the title are odd: [`is_title`] tells them by it.
#[must_use]
pub const fn points(field: Field, kind: MatchKind) -> u16 {
    let kind = match kind {
        MatchKind::Exact => 10,
        MatchKind::Stem => 9,
        MatchKind::Prefix => 6,
        MatchKind::Fuzzy => 4,
    };
    match field {
        Field::Title => kind * 100 + 1,
        Field::Brand => kind * 80,
        Field::Body => kind * 30,
    }
}

/// Whether these are the points of a word found in the title.
#[must_use]
pub const fn is_title(points: u16) -> bool {
    points % 2 == 1
}

/// Two words of the search that follow each other in the title too.
pub const PAIR: u32 = 250;
/// What can be bought at once goes before what is the same and cannot.
pub const IN_STOCK: u32 = 20;
/// The whole search is the SKU: nothing goes before it.
pub const SKU: u32 = 1_000_000;
/// The SKU begins with the search.
pub const SKU_START: u32 = 1_200;
/// The search is in the middle of the SKU.
pub const SKU_MIDDLE: u32 = 500;

/// The share of the title that the search names: the more, the more the product is just that.
#[must_use]
pub fn coverage(words_found: u8, title_words: u8) -> u32 {
    u32::from(words_found.min(title_words)) * 300 / u32::from(title_words.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_weighs_more_than_the_brand_and_that_more_than_the_rest() {
        for kind in [MatchKind::Exact, MatchKind::Stem, MatchKind::Prefix, MatchKind::Fuzzy] {
            assert!(points(Field::Title, kind) > points(Field::Brand, kind));
            assert!(points(Field::Brand, kind) > points(Field::Body, kind));
            assert!(is_title(points(Field::Title, kind)) && !is_title(points(Field::Brand, kind)) && !is_title(points(Field::Body, kind)));
        }
        assert!(points(Field::Title, MatchKind::Exact) > points(Field::Title, MatchKind::Stem));
        assert!(points(Field::Title, MatchKind::Prefix) > points(Field::Title, MatchKind::Fuzzy));
    }

    #[test]
    fn a_title_that_is_just_the_search_covers_it_wholly() {
        assert_eq!(coverage(1, 1), 300);
        assert!(coverage(1, 4) < coverage(2, 4));
        assert_eq!(coverage(3, 2), 300);
        assert_eq!(coverage(0, 0), 0);
    }
}
