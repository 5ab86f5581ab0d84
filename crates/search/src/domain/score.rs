//! Scores of matches.
//!
//! A score is an integer that depends only on the product and the search: in which fields each word was found, and how. It
//! uses no frequencies and no averages, so merges, inserts and deletions do not change it. Therefore a cursor with the score
//! and the id of the last hit continues exactly after it.

/// How a word of the search matches a word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchKind {
    /// The same word.
    Exact,
    /// Another form of the word.
    Stem,
    /// A longer word that begins with it.
    Prefix,
    /// A similar spelling.
    Fuzzy,
}

/// The field in which a word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Title,
    Brand,
    /// The description, the attributes and the names of the categories.
    Body,
}

/// Returns the points of one word. Only points of the title are odd, which [`is_title`] relies on.
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

/// For two adjacent words of the search that are adjacent in the title.
pub const PAIR: u32 = 250;
/// For products in stock, to rank them before equal ones that are not.
pub const IN_STOCK: u32 = 20;
/// For a title that begins with the text, in suggestions only.
pub const TITLE_PREFIX: u32 = 2_000;
/// For the whole SKU. It outranks everything else.
pub const SKU: u32 = 1_000_000;
/// For the beginning of the SKU.
pub const SKU_START: u32 = 1_200;
/// For the middle of the SKU.
pub const SKU_MIDDLE: u32 = 500;

/// Scores the share of the title that the search names. A product whose title is only the search ranks first.
#[must_use]
pub fn coverage(words_found: u8, title_words: u8) -> u32 {
    u32::from(words_found.min(title_words)) * 300 / u32::from(title_words.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_the_title_exceed_those_of_the_brand_and_the_body() {
        for kind in [MatchKind::Exact, MatchKind::Stem, MatchKind::Prefix, MatchKind::Fuzzy] {
            assert!(points(Field::Title, kind) > points(Field::Brand, kind));
            assert!(points(Field::Brand, kind) > points(Field::Body, kind));
            assert!(is_title(points(Field::Title, kind)) && !is_title(points(Field::Brand, kind)) && !is_title(points(Field::Body, kind)));
        }
        assert!(points(Field::Title, MatchKind::Exact) > points(Field::Title, MatchKind::Stem));
        assert!(points(Field::Title, MatchKind::Prefix) > points(Field::Title, MatchKind::Fuzzy));
    }

    /// Cursors contain scores, so with other numbers an open cursor would skip or repeat hits.
    #[test]
    fn the_points_are_fixed() {
        let all = [MatchKind::Exact, MatchKind::Stem, MatchKind::Prefix, MatchKind::Fuzzy];
        assert_eq!(all.map(|kind| points(Field::Title, kind)), [1001, 901, 601, 401]);
        assert_eq!(all.map(|kind| points(Field::Brand, kind)), [800, 720, 480, 320]);
        assert_eq!(all.map(|kind| points(Field::Body, kind)), [300, 270, 180, 120]);
        assert_eq!([coverage(1, 4), coverage(2, 4), coverage(0, 4), coverage(1, 7)], [75, 150, 0, 42]);
    }

    #[test]
    fn coverage_is_full_when_the_title_equals_the_search() {
        assert_eq!(coverage(1, 1), 300);
        assert!(coverage(1, 4) < coverage(2, 4));
        assert_eq!(coverage(3, 2), 300);
        assert_eq!(coverage(0, 0), 0);
    }
}
