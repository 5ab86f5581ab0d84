//! Turns a product into a document of the index.

use super::{labels::Facet, schema::Fields, tree::Tree};
use crate::{
    Error,
    domain::{
        compounds::Density,
        score,
        text::{Analyzer, Terms, bare_sku, title_prefixes, trigrams},
    },
};
use contracts::{
    catalog::{CategoryRef, Product},
    ids::{ProductGroupId, ProductId, Uuid},
    money::Currency,
    review::Rating,
    search::{Highlights, SearchHit},
};
use serde::{Deserialize, Serialize};
use tantivy::{TantivyDocument, Term, schema::Field};

/// The length of the description's beginning that every hit shows, in characters.
const SUMMARY: usize = 200;

/// The stored part of a document, from which hits are built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stored {
    /// The hit without highlights, options and variant count, which depend on the search or on other products.
    pub hit: SearchHit,
    /// The whole description.
    pub description: String,
    /// The names of the attributes in which the variants of its group differ.
    pub options: Vec<String>,
}

/// The term that identifies a product's document.
pub fn id_term(fields: &Fields, id: ProductId) -> Term {
    Term::from_field_bytes(fields.id, id.0.as_bytes())
}

/// The term that the variants of a group share. It is the whole id, because sellers choose ids freely.
pub fn group_term(fields: &Fields, group: ProductGroupId) -> Term {
    Term::from_field_bytes(fields.group, group.0.as_bytes())
}

/// Returns the letters of a currency code as a number.
#[must_use]
pub fn currency_number(currency: Currency) -> u32 {
    currency.as_str().bytes().fold(0, |number, letter| number << 8 | u32::from(letter))
}

/// The bits of a [`rating_number`] that hold the number of reviews.
const COUNT_BITS: u32 = 20;

/// Returns a rating as one number: the better one is greater, and among equals the one with more reviews.
#[must_use]
pub fn rating_number(rating: Rating) -> i64 {
    rating.average_hundredths << COUNT_BITS | rating.count.min((1 << COUNT_BITS) - 1)
}

/// Returns the least number of ratings with this average.
#[must_use]
pub fn least_rating_number(average_hundredths: i64) -> i64 {
    average_hundredths << COUNT_BITS
}

/// Builds the document of a product. `stock` says whether any is in stock; `None` while that is unknown.
pub fn document(
    fields: &Fields,
    product: &Product,
    stock: Option<bool>,
    tree: &Tree,
    analyzer: &mut Analyzer,
) -> Result<TantivyDocument, Error> {
    let mut doc = TantivyDocument::default();
    let path = product.category_id.map_or_else(Vec::new, |category| tree.path(category, &product.category_path));
    let stored = stored(product, stock, &path);
    let stored = serde_json::to_vec(&stored).map_err(|_| Error::Content("JSON"))?;
    doc.add_bytes(fields.stored, &stored);

    let title = analyzer.terms(&product.title, Density::Full);
    doc.add_u64(fields.title_words, title.count as u64);
    add_terms(&mut doc, fields.pairs, &title.pairs);
    let body = body(product, &path);
    let of_title: Vec<String> = title_prefixes(&title.first).collect();
    let terms =
        [title, analyzer.terms(product.brand.as_deref().unwrap_or_default(), Density::Full), analyzer.terms(&body, Density::Sparse)];
    for (texts, terms) in fields.texts.iter().zip(&terms) {
        add_terms(&mut doc, texts.words, &terms.words);
        if let Some(stems) = texts.stems {
            add_terms(&mut doc, stems, &terms.stems);
        }
        add_terms(&mut doc, texts.prefixes, prefixes(texts.field, terms));
    }
    add_terms(&mut doc, fields.texts[0].prefixes, &of_title);

    let bare = bare_sku(&product.sku);
    doc.add_text(fields.sku, &bare);
    let mut grams: Vec<&str> = trigrams(&bare).collect();
    grams.sort_unstable();
    grams.dedup();
    doc.add_text(fields.sku_grams, grams.join(" "));
    doc.add_text(fields.sku_column, &bare);

    let (high, low) = product.product_id.0.as_u64_pair();
    doc.add_bytes(fields.id, product.product_id.0.as_bytes());
    doc.add_u64(fields.id_high, high);
    doc.add_u64(fields.id_low, low);
    // In the columns the nil id means that there is no group.
    let group = product.product_group_id.map_or_else(Uuid::nil, |group| group.0);
    let (high, low) = group.as_u64_pair();
    if !group.is_nil() {
        doc.add_bytes(fields.group, group.as_bytes());
    }
    doc.add_u64(fields.group_high, high);
    doc.add_u64(fields.group_low, low);
    doc.add_u64(fields.currency, u64::from(currency_number(product.currency)));
    doc.add_i64(fields.price, product.price_amount);
    doc.add_i64(fields.created, product.created_at.0);
    doc.add_bool(fields.in_stock, stock.unwrap_or(false));
    doc.add_i64(fields.rating, rating_number(product.rating));
    for label in labels(product, &path) {
        doc.add_text(fields.labels, label);
    }
    Ok(doc)
}

/// Prefixes from the body are indexed from three letters on; shorter ones match too much.
fn prefixes(field: score::Field, terms: &Terms) -> impl Iterator<Item = &String> {
    let least = if field == score::Field::Body { 3 } else { 1 };
    terms.prefixes.iter().filter(move |start| start.len() >= least)
}

fn add_terms<'a>(doc: &mut TantivyDocument, field: Field, terms: impl IntoIterator<Item = &'a String>) {
    let mut text = String::new();
    for term in terms {
        text.push_str(term);
        text.push(' ');
    }
    if !text.is_empty() {
        doc.add_text(field, text);
    }
}

/// Returns all searchable text other than title and brand.
fn body(product: &Product, path: &[CategoryRef]) -> String {
    let mut body = format!("{}\n.\n{}", product.description, product.sku);
    for (name, value) in &product.attributes {
        // The separator keeps adjacent texts from forming a compound.
        body.push_str("\n.\n");
        body.push_str(name);
        body.push_str("\n.\n");
        body.push_str(value);
    }
    for category in path {
        body.push_str("\n.\n");
        body.push_str(&category.name);
    }
    body
}

fn labels(product: &Product, path: &[CategoryRef]) -> Vec<String> {
    let mut labels: Vec<String> = path.iter().map(|category| Facet::Category.label(&category.category_id.to_string())).collect();
    labels.extend(product.brand.iter().map(|brand| Facet::Brand.label(brand)));
    labels.extend(product.seller_id.iter().map(|seller| Facet::Seller.label(&seller.to_string())));
    labels.extend(product.attributes.iter().map(|(name, value)| Facet::Attribute(name.clone()).label(value)));
    labels
}

fn stored(product: &Product, stock: Option<bool>, path: &[CategoryRef]) -> Stored {
    let category = path.last();
    let hit = SearchHit {
        product_id: product.product_id,
        sku: product.sku.clone(),
        title: product.title.clone(),
        summary: summary(&product.description),
        price_amount: product.price_amount,
        currency: product.currency,
        category: category.map(|category| category.category_id.to_string()),
        category_name: category.map(|category| category.name.clone()),
        brand: product.brand.clone(),
        image: product.images.first().cloned(),
        attributes: product.attributes.clone(),
        seller_id: product.seller_id,
        in_stock: stock.unwrap_or(false),
        stock_known: stock.is_some(),
        rating: product.rating,
        product_group_id: product.product_group_id,
        options: Vec::new(),
        variant_count: 1,
        highlights: Highlights::default(),
        created_at: product.created_at,
    };
    Stored { hit, description: product.description.clone(), options: product.options.clone() }
}

/// Returns the beginning of the description on one line, cut at a word.
fn summary(description: &str) -> String {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(SUMMARY) else { return line };
    let cut = line[..end].rfind(' ').unwrap_or(end);
    format!("{}…", &line[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_rating_has_a_greater_number_whatever_the_counts() {
        let number = |average_hundredths, count| rating_number(Rating { average_hundredths, count });
        assert!(number(0, 0) < number(100, 1) && number(100, i64::MAX) < number(101, 1) && number(500, 2) > number(500, 1));
        assert!(number(400, 1) >= least_rating_number(400) && number(399, i64::MAX) < least_rating_number(400));
    }

    #[test]
    fn a_summary_ends_at_a_word() {
        assert_eq!(summary("Short.\n  Two lines."), "Short. Two lines.");
        let long = summary(&"wörd ".repeat(100));
        assert!(long.ends_with("wörd…") && long.chars().count() <= SUMMARY + 1, "{long}");
        assert_eq!(summary(&"x".repeat(300)).chars().count(), SUMMARY + 1);
    }
}
