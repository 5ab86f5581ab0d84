//! Builds the hits of a page.

use super::collector::Hit;
use crate::{
    Error,
    domain::{
        highlight::{self, HighlightTerms},
        text::Analyzer,
    },
    index::{Address, Facet, Stored, View, group_term},
};
use contracts::{
    catalog::GroupOption,
    ids::ProductGroupId,
    search::{Highlights, SearchHit},
};

/// The maximum number of values of an option.
const MAX_OPTION_VALUES: usize = 50;

/// Returns the hits of the answer.
///
/// # Errors
/// When the index cannot be read.
pub fn list_hits(view: &View, hits: &[Hit], highlight_terms: &HighlightTerms, analyzer: &mut Analyzer) -> Result<Vec<SearchHit>, Error> {
    hits.iter().map(|hit| show_hit(view, hit.address, highlight_terms, analyzer)).collect()
}

fn show_hit(view: &View, address: Address, highlight_terms: &HighlightTerms, analyzer: &mut Analyzer) -> Result<SearchHit, Error> {
    let Stored { mut hit, description, options } = view.stored(address)?;
    if !highlight_terms.words.is_empty() {
        hit.highlights = Highlights {
            title: highlight::highlight_all(&hit.title, highlight_terms, analyzer),
            description: highlight::highlight_excerpt(&description, highlight_terms, analyzer),
        };
    }
    if let Some(group) = hit.product_group_id {
        let variants = variants(view, group)?;
        hit.variant_count = u32::try_from(variants.len()).unwrap_or(u32::MAX).max(1);
        hit.options = list_options(view, options, &variants);
    }
    Ok(hit)
}

/// Returns the variants of a group that are on sale, oldest first.
fn variants(view: &View, group: ProductGroupId) -> Result<Vec<Address>, Error> {
    let mut variants = view.holding(&group_term(&view.fields, group))?;
    variants.sort_unstable_by_key(|address| view.columns(*address).ids[address.doc as usize]);
    Ok(variants)
}

/// Returns the options in which the variants differ, with their values.
fn list_options(view: &View, names: Vec<String>, variants: &[Address]) -> Vec<GroupOption> {
    let known = view.labels.read();
    let list = |name: String| {
        let facet = known.find_facet(&Facet::Attribute(name.clone()));
        let mut values: Vec<&str> = Vec::new();
        for address in variants {
            let labels = view.columns(*address).labels(address.doc).iter();
            let own = labels.filter(|label| Some(known.facet_of(**label)) == facet).map(|label| known.value(*label));
            for value in own {
                if values.len() < MAX_OPTION_VALUES && !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        GroupOption { name, values: values.into_iter().map(str::to_owned).collect() }
    };
    names.into_iter().map(list).collect()
}
