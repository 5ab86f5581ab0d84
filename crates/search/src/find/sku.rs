//! Matches SKUs: the whole, the beginning and the middle, with or without hyphens.
//!
//! A part with letters only is treated as a word, because most words occur inside some SKU by chance. It is searched inside
//! SKUs only when nothing else was found.

use crate::{
    Error,
    domain::{score, text::trigrams},
    index::{Columns, View},
};
use tantivy::{
    SegmentReader,
    postings::TermInfo,
    schema::{Field, IndexRecordOption},
};

/// Which parts of a SKU match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Parts with a digit. Letters alone must be the whole SKU.
    Digits,
    /// All parts.
    Anything,
}

/// Longer texts cannot be SKUs.
const LONGEST: usize = 64;
/// Shorter parts are not searched.
const SHORTEST: usize = 3;

/// Returns the documents of a segment whose SKU contains `wanted`, in order, with their scores.
///
/// # Errors
/// When the index cannot be read.
pub fn matches(
    view: &View,
    reader: &SegmentReader,
    columns: &Columns,
    wanted: &str,
    strictness: Strictness,
) -> Result<Vec<(u32, u32)>, Error> {
    if wanted.is_empty() || wanted.len() > LONGEST {
        return Ok(Vec::new());
    }
    let parts = strictness == Strictness::Anything || wanted.bytes().any(|byte| byte.is_ascii_digit());
    let (field, info) = if parts && wanted.len() >= SHORTEST {
        (view.fields.sku_grams, rarest_gram(view, reader, wanted)?)
    } else {
        (view.fields.sku, reader.inverted_index(view.fields.sku)?.terms().get(wanted)?)
    };
    let Some(info) = info else { return Ok(Vec::new()) };
    list(reader, field, &info, |doc| worth(columns.sku(doc), wanted))
}

fn list(reader: &SegmentReader, field: Field, info: &TermInfo, worth: impl Fn(u32) -> Option<u32>) -> Result<Vec<(u32, u32)>, Error> {
    let mut found = Vec::new();
    let mut postings = reader.inverted_index(field)?.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    while !postings.docs().is_empty() {
        found.extend(postings.docs().iter().filter_map(|doc| Some((*doc, worth(*doc)?))));
        postings.advance();
    }
    Ok(found)
}

/// Returns the rarest posting list among the trigrams of `wanted`; `None` when a trigram occurs in no SKU.
fn rarest_gram(view: &View, reader: &SegmentReader, wanted: &str) -> Result<Option<TermInfo>, Error> {
    let inverted = reader.inverted_index(view.fields.sku_grams)?;
    let mut rarest: Option<TermInfo> = None;
    for gram in trigrams(wanted) {
        let Some(info) = inverted.terms().get(gram)? else { return Ok(None) };
        if rarest.as_ref().is_none_or(|known| info.doc_freq < known.doc_freq) {
            rarest = Some(info);
        }
    }
    Ok(rarest)
}

/// Returns the score of a SKU that contains `wanted`; `None` for other SKUs.
fn worth(sku: &str, wanted: &str) -> Option<u32> {
    if sku == wanted {
        Some(score::SKU)
    } else if sku.starts_with(wanted) {
        Some(score::SKU_START)
    } else {
        sku.contains(wanted).then_some(score::SKU_MIDDLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_sku_scores_more_than_its_beginning_and_its_middle() {
        let worth = |wanted| worth("abc12def", wanted);
        assert_eq!(worth("abc12def"), Some(score::SKU));
        assert_eq!(worth("abc12"), Some(score::SKU_START));
        assert_eq!([worth("c12d"), worth("def")], [Some(score::SKU_MIDDLE); 2]);
        assert_eq!([worth("xyz"), worth("abc12defg")], [None; 2]);
    }
}
