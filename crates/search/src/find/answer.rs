//! The hits of a page, written down.

use super::sift::Hit;
use crate::{
    Error,
    domain::{
        mark::{self, Sought},
        text::Analyzer,
    },
    index::{Address, Facet, Stored, View, group_term},
};
use contracts::{
    catalog::GroupOption,
    ids::ProductGroupId,
    search::{Highlights, SearchHit},
};

/// How many values of an option are listed at most.
const MOST_VALUES: usize = 50;

/// The hits as they are shown.
///
/// # Errors
/// When the index cannot be read.
pub fn items(view: &View, hits: &[Hit], sought: &Sought, analyzer: &mut Analyzer) -> Result<Vec<SearchHit>, Error> {
    hits.iter().map(|hit| item(view, hit.address, sought, analyzer)).collect()
}

fn item(view: &View, address: Address, sought: &Sought, analyzer: &mut Analyzer) -> Result<SearchHit, Error> {
    let Stored { mut hit, description, options } = view.stored(address)?;
    if !sought.words.is_empty() {
        hit.highlights =
            Highlights { title: mark::whole(&hit.title, sought, analyzer), description: mark::around(&description, sought, analyzer) };
    }
    if let Some(group) = hit.product_group_id {
        let variants = variants(view, group)?;
        hit.variant_count = u32::try_from(variants.len()).unwrap_or(u32::MAX).max(1);
        hit.options = list_options(view, options, &variants);
    }
    Ok(hit)
}

/// The variants of a group that are on sale, the oldest first.
fn variants(view: &View, group: ProductGroupId) -> Result<Vec<Address>, Error> {
    let mut variants = view.holding(&group_term(&view.fields, group))?;
    variants.sort_unstable_by_key(|address| view.columns(*address).ids[address.doc as usize]);
    Ok(variants)
}

/// In what the variants differ, with the values there are.
fn list_options(view: &View, names: Vec<String>, variants: &[Address]) -> Vec<GroupOption> {
    let known = view.labels.read();
    let list = |name: String| {
        let facet = known.find_facet(&Facet::Attribute(name.clone()));
        let mut values: Vec<&str> = Vec::new();
        for address in variants {
            let labels = view.columns(*address).labels(address.doc).iter();
            let own = labels.filter(|label| Some(known.facet_of(**label)) == facet).map(|label| known.value(*label));
            for value in own {
                if values.len() < MOST_VALUES && !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        GroupOption { name, values: values.into_iter().map(str::to_owned).collect() }
    };
    names.into_iter().map(list).collect()
}
