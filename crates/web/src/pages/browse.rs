//! The first page, categories, searches and the pages of sellers.

use super::{Card, Frame, failed, page};
use crate::{Site, format, session::Visitor};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use contracts::{
    catalog::{CategoryNode, LIST_CATEGORIES},
    search::{FacetValue, SEARCH_PRODUCTS, SearchResults},
    seller::{GET_SELLER, PublicSeller},
};
use platform::http::encode_text;

/// Products in a row of the first page, and in the picture beside its title.
const ROW: usize = 5;
const PICTURES: usize = 6;
/// Products on a page of a search.
const HITS: usize = 24;
/// Values of a facet that are shown.
const FACET_VALUES: usize = 8;

/// A name and where it leads.
pub struct Link {
    pub label: String,
    pub href: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    categories: Vec<Link>,
    pictures: Vec<Card>,
    well_rated: Vec<Card>,
    newest: Vec<Card>,
}

pub async fn home(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let (caller, api, language) = (visitor.caller(), &site.0.api, visitor.language);
    let search = |sort: &'static str, limit: usize| api.call(&caller, &SEARCH_PRODUCTS).query("sort", sort).query("limit", limit).send();
    let categories = api.call(&caller, &LIST_CATEGORIES).send();
    let (categories, rated, newest) = tokio::join!(categories, search("rating", ROW), search("newest", PICTURES + ROW));
    let cards = |found: SearchResults| found.items.iter().map(|hit| Card::of(language, hit)).collect::<Vec<_>>();
    let (categories, well_rated, mut newest) = match (categories, rated.map(cards), newest.map(cards)) {
        (Ok(categories), Ok(rated), Ok(newest)) => (categories, rated, newest),
        (Err(failure), ..) | (_, Err(failure), _) | (.., Err(failure)) => return failed(&site, &mut visitor, &failure),
    };
    let pictures = newest.drain(..PICTURES.min(newest.len())).collect();
    let categories = categories.items.iter().map(category_link).collect();
    let well_rated = well_rated.into_iter().filter(|card| card.reviews > 0).collect();
    let frame = Frame::of(&mut visitor);
    page(&site, &visitor, &Home { frame, categories, pictures, well_rated, newest })
}

fn category_link(category: &CategoryNode) -> Link {
    Link { label: category.name.clone(), href: format!("/search?category={}", category.category_id) }
}

/// The parameters of a search, in their order.
type Parameters = Vec<(String, String)>;

/// A chosen filter and the search without it.
struct Chip {
    label: String,
    without: String,
}

/// A value of a facet, and the search with it or without it.
struct Choice {
    label: String,
    count: u64,
    is_chosen: bool,
    href: String,
}

struct Facet {
    name: String,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    frame: Frame,
    title: String,
    total: u64,
    hits: Vec<Card>,
    facets: Vec<Facet>,
    chips: Vec<Chip>,
    /// The search without any filter.
    bare: String,
    /// Name and text of each order.
    sorts: Vec<(&'static str, &'static str)>,
    sort: String,
    /// What a change of the order keeps.
    kept: Parameters,
    spelling: Option<Link>,
    next: Option<String>,
    seller: Option<PublicSeller>,
}

fn address(parameters: &[(String, String)]) -> String {
    let mut address = String::from("/search");
    for (index, (name, value)) in parameters.iter().enumerate() {
        address.push(if index == 0 { '?' } else { '&' });
        encode_text(name, &mut address);
        address.push('=');
        encode_text(value, &mut address);
    }
    address
}

/// Parameters that are no filters.
fn is_filter(name: &str) -> bool {
    !matches!(name, "q" | "sort" | "cursor" | "limit")
}

pub async fn search(State(site): State<Site>, visitor: Visitor, Query(parameters): Query<Parameters>) -> Response {
    show(&site, visitor, parameters, None).await
}

pub async fn seller(State(site): State<Site>, mut visitor: Visitor, Path(seller): Path<String>) -> Response {
    let caller = visitor.caller();
    match site.0.api.call(&caller, &GET_SELLER).path(&seller).send().await {
        Ok(seller) => {
            let parameters = vec![("sellerId".to_owned(), seller.seller_id.to_string())];
            show(&site, visitor, parameters, Some(seller)).await
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

async fn show(site: &Site, mut visitor: Visitor, parameters: Parameters, seller: Option<PublicSeller>) -> Response {
    // A form sends its empty fields as well.
    let parameters: Parameters = parameters.into_iter().filter(|(name, value)| !value.is_empty() && name != "limit").collect();
    let caller = visitor.caller();
    let mut call = site.0.api.call(&caller, &SEARCH_PRODUCTS).query("limit", HITS);
    for (name, value) in &parameters {
        call = call.query(name, value);
    }
    let found = match call.send().await {
        Ok(found) => found,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let mut frame = Frame::of(&mut visitor);
    let (t, language) = (frame.t, frame.lang);
    let value_of = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    frame.query = value_of("q").unwrap_or_default();
    let kept: Parameters = parameters.iter().filter(|(name, _)| name != "cursor").cloned().collect();
    let title = match (&seller, &*frame.query) {
        (Some(seller), _) => seller.shop_name.clone(),
        (None, "") => t.all_goods.to_owned(),
        (None, query) => format!("{} \u{201c}{query}\u{201d}", t.results_for),
    };
    let next = found.next_cursor.as_ref().map(|cursor| address(&[&kept[..], &[("cursor".to_owned(), cursor.clone())]].concat()));
    let spelling = found.help.as_ref().and_then(|help| help.spelling.as_ref()).map(|spelling| {
        let corrected: Parameters =
            kept.iter().map(|(name, value)| (name.clone(), if name == "q" { spelling.text.clone() } else { value.clone() })).collect();
        Link { label: spelling.text.clone(), href: address(&corrected) }
    });
    let mut facets =
        vec![facet(t.category, "category", &found.facets.category, &kept), facet(t.brand, "brand", &found.facets.brand, &kept)];
    facets.extend(found.facets.attributes.iter().map(|(name, values)| facet(name, &format!("attr.{name}"), values, &kept)));
    facets.retain(|facet| facet.choices.len() > 1 || facet.choices.iter().any(|choice| choice.is_chosen));
    let chips = if seller.is_some() { Vec::new() } else { chips(&kept, &found) };
    let bare: Parameters = kept.iter().filter(|(name, _)| !is_filter(name)).cloned().collect();
    let sorts = vec![
        ("relevance", t.sort_relevance),
        ("price", t.sort_price),
        ("-price", t.sort_price_down),
        ("newest", t.sort_newest),
        ("rating", t.sort_rating),
    ];
    let template = Search {
        title,
        total: found.total,
        hits: found.items.iter().map(|hit| Card::of(language, hit)).collect(),
        facets,
        chips,
        bare: address(&bare),
        sorts,
        sort: value_of("sort").unwrap_or_else(|| "relevance".into()),
        kept: kept.into_iter().filter(|(name, _)| name != "sort" && name != "q").collect(),
        spelling,
        next,
        seller,
        frame,
    };
    page(site, &visitor, &template)
}

fn facet(name: &str, parameter: &str, values: &[FacetValue], kept: &[(String, String)]) -> Facet {
    let choices = values.iter().take(FACET_VALUES).map(|value| {
        let is_this = |(name, chosen): &&(String, String)| name == parameter && *chosen == value.value;
        let is_chosen = kept.iter().any(|pair| is_this(&pair));
        let changed: Parameters = if is_chosen {
            kept.iter().filter(|pair| !is_this(pair)).cloned().collect()
        } else {
            [kept, &[(parameter.to_owned(), value.value.clone())]].concat()
        };
        Choice { label: value.label.clone(), count: value.count, is_chosen, href: address(&changed) }
    });
    Facet { name: format::attribute(name), choices: choices.collect() }
}

/// The chosen filters, each with the label that its facet gives it.
fn chips(kept: &[(String, String)], found: &SearchResults) -> Vec<Chip> {
    let of_facets = found.facets.category.iter().chain(&found.facets.brand).chain(found.facets.attributes.values().flatten());
    let labels: Vec<&FacetValue> = of_facets.collect();
    let filters = kept.iter().enumerate().filter(|(_, (name, _))| is_filter(name));
    filters
        .map(|(index, (_, value))| {
            let label = labels.iter().find(|facet| facet.value == *value).map_or_else(|| value.clone(), |facet| facet.label.clone());
            let without: Parameters = kept.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, pair)| pair.clone()).collect();
            Chip { label, without: address(&without) }
        })
        .collect()
}
