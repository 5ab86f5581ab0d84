//! The first page, categories, searches and the pages of sellers.

mod filters;

use super::{Card, Frame, failed, page, see_other};
use crate::{Site, api::Failure, session::Visitor};
use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use contracts::{
    catalog::{CategoryNode, LIST_CATEGORIES},
    search::{SEARCH_PRODUCTS, SearchResults},
    seller::{GET_SELLER, PublicSeller},
};
use filters::{Chip, Facet, Filters, Parameters};

/// Products in a row of the first page, and in the picture beside its title.
const ROW: usize = 5;
const PICTURES: usize = 6;
/// Products on a page of a search.
const HITS: usize = 24;

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(home))
        .route("/search", get(search))
        .route("/sellers/{seller}", get(seller))
        .route("/categories/{categoryId}", get(category))
}

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
    canonical: String,
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
    page(&site, &visitor, &Home { frame, categories, pictures, well_rated, newest, canonical: site.address("/") })
}

fn category_link(category: &CategoryNode) -> Link {
    Link { label: category.name.clone(), href: format!("/categories/{}", category.category_id) }
}

/// What a list of products is limited to, besides the filters of its address.
enum Scope {
    Everything,
    Seller(PublicSeller),
    /// The path to the category, the category itself last, and the categories below it.
    Category(Vec<Link>, Vec<Link>),
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    frame: Frame,
    title: String,
    summary: String,
    path: Vec<Link>,
    below: Vec<Link>,
    base: String,
    total: u64,
    hits: Vec<Card>,
    facets: Vec<Facet>,
    chips: Vec<Chip>,
    /// The list without any filter.
    bare: String,
    /// Name and text of each order.
    sorts: [(&'static str, &'static str); 5],
    sort: String,
    /// What a change of the order keeps, and what one of the price keeps.
    kept: Parameters,
    kept_beside_price: Parameters,
    price_from: String,
    price_to: String,
    spelling: Option<Link>,
    without_last: Option<(Link, u64)>,
    next: Option<String>,
    seller: Option<PublicSeller>,
    seller_stars: String,
    canonical: String,
    is_first: bool,
}

pub async fn search(State(site): State<Site>, visitor: Visitor, Query(parameters): Query<Parameters>) -> Response {
    show(&site, visitor, "/search", parameters, Scope::Everything).await
}

pub async fn seller(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path(seller): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let caller = visitor.caller();
    match site.0.api.call(&caller, &GET_SELLER).path(&seller).send().await {
        Ok(seller) => {
            let base = format!("/sellers/{}", seller.slug);
            show(&site, visitor, &base, parameters, Scope::Seller(seller)).await
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

pub async fn category(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let caller = visitor.caller();
    let tree = match site.0.api.call(&caller, &LIST_CATEGORIES).send().await {
        Ok(tree) => tree,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let Some(path) = path_to(&tree.items, &id) else { return failed(&site, &mut visitor, &Failure::not_found()) };
    let below = path.last().map_or_else(Vec::new, |node| node.children.iter().map(category_link).collect());
    let scope = Scope::Category(path.iter().map(|node| category_link(node)).collect(), below);
    show(&site, visitor, &format!("/categories/{id}"), parameters, scope).await
}

/// Returns the categories from a root to the one with this id.
fn path_to<'a>(nodes: &'a [CategoryNode], id: &str) -> Option<Vec<&'a CategoryNode>> {
    nodes.iter().find_map(|node| {
        if node.category_id.to_string() == id {
            return Some(vec![node]);
        }
        let mut path = path_to(&node.children, id)?;
        path.insert(0, node);
        Some(path)
    })
}

async fn show(site: &Site, mut visitor: Visitor, base: &str, parameters: Parameters, scope: Scope) -> Response {
    let filters = Filters::of(base, parameters);
    let caller = visitor.caller();
    let mut call = site.0.api.call(&caller, &SEARCH_PRODUCTS).query("limit", HITS);
    match &scope {
        Scope::Everything => {}
        Scope::Seller(seller) => call = call.query("sellerId", seller.seller_id),
        Scope::Category(..) => call = call.query("category", base.rsplit('/').next().unwrap_or_default()),
    }
    for (name, value) in filters.for_api() {
        call = call.query(&name, value);
    }
    let found = match call.send().await {
        Ok(found) => found,
        // The cursor of a page of an older index, or no cursor at all: the list begins again.
        Err(failure) if failure.is_about_the_form() && !filters.value("cursor").is_empty() => {
            return see_other(site, &visitor, &filters.without("cursor"));
        }
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let mut frame = Frame::of(&mut visitor);
    let (t, language) = (frame.t, frame.lang);
    frame.query = filters.value("q").to_owned();
    let mut path = Vec::new();
    let (mut below, mut seller) = (Vec::new(), None);
    let title = match scope {
        Scope::Seller(found) => {
            let name = found.shop_name.clone();
            seller = Some(found);
            name
        }
        Scope::Category(nodes, children) => {
            (path, below) = (nodes, children);
            path.pop().map(|node| node.label).unwrap_or_default()
        }
        Scope::Everything if frame.query.is_empty() => t.all_goods.to_owned(),
        Scope::Everything => format!("{} \u{201c}{}\u{201d}", t.results_for, frame.query),
    };
    let help = found.help.as_ref();
    let template = Search {
        summary: match &seller {
            Some(seller) => crate::structured::summary(&seller.description, &seller.shop_name),
            None => format!("{title} · {}", t.home_text),
        },
        seller_stars: seller
            .as_ref()
            .filter(|seller| seller.rating.count > 0)
            .map_or_else(String::new, |seller| crate::format::stars(language, seller.rating)),
        spelling: help
            .and_then(|help| help.spelling.as_ref())
            .map(|spelling| Link { label: spelling.text.clone(), href: filters.with("q", &spelling.text) }),
        without_last: help
            .and_then(|help| help.without_last_filter.as_ref())
            .filter(|lifted| filters.has(&lifted.parameter))
            .map(|lifted| (Link { label: filters.label_of(&lifted.parameter, t), href: filters.without(&lifted.parameter) }, lifted.total)),
        next: found.next_cursor.as_ref().map(|cursor| filters.with("cursor", cursor)),
        facets: filters.facets(t, &found, matches!(below.len(), 0) && path.is_empty() && seller.is_none()),
        chips: filters.chips(t, language, &found),
        bare: filters.bare(),
        sorts: [
            ("relevance", t.sort_relevance),
            ("price", t.sort_price),
            ("-price", t.sort_price_down),
            ("newest", t.sort_newest),
            ("rating", t.sort_rating),
        ],
        sort: filters.value("sort").to_owned(),
        kept: filters.beside(&["sort"]),
        kept_beside_price: filters.beside(&["priceFrom", "priceTo"]),
        price_from: filters.value("priceFrom").to_owned(),
        price_to: filters.value("priceTo").to_owned(),
        total: found.total,
        hits: found.items.iter().map(|hit| Card::of(language, hit)).collect(),
        canonical: site.address(&filters.canonical()),
        is_first: filters.value("cursor").is_empty(),
        base: base.to_owned(),
        title,
        path,
        below,
        seller,
        frame,
    };
    page(site, &visitor, &template)
}
