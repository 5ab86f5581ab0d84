//! SKUs: the whole one, its beginning, and any part of its middle, with or without hyphens.

use crate::{
    Error,
    domain::{
        score,
        text::{bare_sku, trigrams},
    },
    index::{Columns, View},
};
use tantivy::{SegmentReader, postings::TermInfo, schema::IndexRecordOption};

/// What counts as the middle of a SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// A part with a digit may begin anywhere; letters alone must be whole parts between hyphens, because most words
    /// stand within some SKU by chance.
    Parts,
    /// Anything.
    Anything,
}

/// Searches longer than any SKU are none.
const LONGEST: usize = 64;

/// The documents of a segment whose SKU has `wanted` in it, in order, and what that is worth.
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
    let (field, info) = if wanted.len() < 3 {
        (view.fields.sku, reader.inverted_index(view.fields.sku)?.terms().get(wanted)?)
    } else {
        (view.fields.sku_grams, rarest_gram(view, reader, wanted)?)
    };
    let Some(info) = info else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut postings = reader.inverted_index(field)?.read_block_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
    while !postings.docs().is_empty() {
        found.extend(postings.docs().iter().filter_map(|doc| Some((*doc, worth(columns.sku(*doc), wanted, strictness)?))));
        postings.advance();
    }
    Ok(found)
}

/// The list of the rarest three signs of `wanted`; none when some are in no SKU.
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

/// What it is worth that a SKU has `wanted` in it; none when it has not.
fn worth(sku: &str, wanted: &str, strictness: Strictness) -> Option<u32> {
    let bare = bare_sku(sku);
    if bare == wanted {
        return Some(score::SKU);
    }
    if bare.starts_with(wanted) {
        return Some(score::SKU_START);
    }
    let anywhere = strictness == Strictness::Anything || wanted.bytes().any(|byte| byte.is_ascii_digit());
    let is_in = if anywhere { bare.contains(wanted) } else { is_whole_parts(sku, wanted) };
    is_in.then_some(score::SKU_MIDDLE)
}

/// Whether `wanted` is one or several whole parts of the SKU.
fn is_whole_parts(sku: &str, wanted: &str) -> bool {
    let parts: Vec<String> = sku.split(|c: char| !c.is_ascii_alphanumeric()).map(bare_sku).collect();
    (0..parts.len()).any(|first| {
        let mut rest = wanted;
        for part in &parts[first..] {
            match rest.strip_prefix(part.as_str()) {
                Some("") => return true,
                Some(left) => rest = left,
                None => return false,
            }
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_sku_goes_before_its_beginning_and_that_before_its_middle() {
        for (wanted, strict, lax) in [
            ("abc12def", Some(score::SKU), Some(score::SKU)),
            ("abc12", Some(score::SKU_START), Some(score::SKU_START)),
            ("ab", Some(score::SKU_START), Some(score::SKU_START)),
            ("c12d", Some(score::SKU_MIDDLE), Some(score::SKU_MIDDLE)),
            ("def", Some(score::SKU_MIDDLE), Some(score::SKU_MIDDLE)),
            ("de", None, Some(score::SKU_MIDDLE)),
            ("ef", None, Some(score::SKU_MIDDLE)),
            ("xyz", None, None),
            ("abc12defg", None, None),
        ] {
            assert_eq!(worth("ABC-12.DEF", wanted, Strictness::Parts), strict, "{wanted}");
            assert_eq!(worth("ABC-12.DEF", wanted, Strictness::Anything), lax, "{wanted}");
        }
    }
}
