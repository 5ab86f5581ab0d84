//! The first page, categories, searches and the pages of sellers.

mod filters;
mod window;

use super::{Card, Frame, failed, page, see_other};
use crate::{
    Site,
    api::{Caller, Failure},
    format,
    seen::Seen,
    session::Visitor,
    texts::{Language, Texts, goods_words},
};
use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::{get, post},
};
use contracts::{
    catalog::{CategoryNode, LIST_CATEGORIES, LIST_PRODUCTS, Product},
    ids::{ProductGroupId, ProductId},
    search::SEARCH_PRODUCTS,
    seller::{GET_SELLER, PublicSeller},
};
use filters::{Chip, Facet, Filters, Parameters};
use std::collections::{BTreeMap, BTreeSet};
pub use window::KeptWindow;

/// Products in a row of the first page, and pictures beside its title.
const ROW: usize = 5;
const PICTURES: usize = 6;
/// Products that are read for the newest, of which variants of one group are shown once.
pub const NEWEST: usize = 24;
/// A row of goods that have been rated needs so many.
const LEAST: usize = 3;
/// Products on a page of a search.
const HITS: usize = 24;

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(home))
        .route("/seen/forget", post(forget_seen))
        .route("/search", get(search))
        .route("/sellers/{seller}", get(seller))
        .route("/categories/{categoryId}", get(category))
}

/// A name and where it leads.
pub struct Link {
    pub label: String,
    pub href: String,
}

/// A picture beside the title of the first page: a category, or a product in a shop that has not enough of them.
struct HeroPicture {
    label: String,
    href: String,
    image: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    categories: Vec<Link>,
    pictures: Vec<HeroPicture>,
    has_captions: bool,
    well_rated: Vec<Card>,
    newest: Vec<Card>,
    seen: Vec<Card>,
    canonical: String,
}

pub async fn home(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let (caller, api, language) = (visitor.stranger(), &site.0.api, visitor.language);
    let categories = async {
        let categories = api.call(&caller, &LIST_CATEGORIES).send().await?.items;
        let window = site.0.window.read(&site, &caller, &categories).await;
        let wanted = [visitor.seen.ids(), &window.well_rated].concat();
        Ok((categories, products_of(&site, &caller, &wanted).await, window))
    };
    let newest = api.call(&caller, &LIST_PRODUCTS).query("limit", NEWEST).send();
    let ((categories, known, window), newest) = match tokio::join!(categories, newest) {
        (Ok(categories), Ok(newest)) => (categories, newest.items),
        (Err(failure), _) | (_, Err(failure)) => return failed(&site, &mut visitor, &failure),
    };
    let card = |product: &Product| Card::of_product(language, product);
    let cards_of = |ids: &[ProductId]| ids.iter().filter_map(|id| known.get(id)).map(card).collect::<Vec<_>>();
    let mut newest: Vec<Card> = one_of_each_group(&newest, &[]).map(card).collect();
    let picture_of = |node: &CategoryNode| {
        let image = window.pictures.get(&node.category_id)?.clone();
        Some(HeroPicture { label: goods_words(language, &node.name).to_owned(), href: format!("/categories/{}", node.category_id), image })
    };
    let mut pictures: Vec<HeroPicture> = categories.iter().filter_map(picture_of).collect();
    let has_captions = pictures.len() >= PICTURES;
    if !has_captions {
        let first = newest.drain(..PICTURES.min(newest.len()));
        let of_product =
            |card: Card| Some(HeroPicture { href: format!("/products/{}", card.product_id), label: card.title, image: card.image? });
        pictures = first.filter_map(of_product).collect();
    }
    pictures.truncate(PICTURES);
    newest.truncate(ROW);
    let template = Home {
        categories: category_links(language, &categories),
        pictures,
        has_captions,
        well_rated: enough(cards_of(&window.well_rated)),
        newest,
        seen: cards_of(visitor.seen.ids()),
        canonical: site.address("/"),
        frame: Frame::of(&mut visitor),
    };
    page(&site, &visitor, &template)
}

/// Returns the first product of each group, without those of some groups.
pub fn one_of_each_group<'a>(products: &'a [Product], without: &'a [ProductGroupId]) -> impl Iterator<Item = &'a Product> {
    let mut known: BTreeSet<ProductGroupId> = without.iter().copied().collect();
    products.iter().filter(move |product| product.product_group_id.is_none_or(|group| known.insert(group)))
}

/// Returns a row, or nothing when it would look broken with the few that it has.
fn enough(cards: Vec<Card>) -> Vec<Card> {
    if cards.len() < LEAST { Vec::new() } else { cards }
}

/// Reads products by their ids. Those that are not on sale any more are left out, and all of them when catalog does not answer, because
/// the page is good without them.
async fn products_of(site: &Site, caller: &Caller, ids: &[ProductId]) -> BTreeMap<ProductId, Product> {
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let wanted: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let call = site.0.api.call(caller, &LIST_PRODUCTS).query("ids", wanted.join(",")).query("limit", ids.len());
    let found = call.send().await.map_or_else(|_| Vec::new(), |page| page.items);
    found.into_iter().map(|product| (product.product_id, product)).collect()
}

/// Forgets what this browser saw.
async fn forget_seen(State(site): State<Site>, mut visitor: Visitor) -> Response {
    visitor.seen = Seen::default();
    see_other(&site, &visitor, "/")
}

fn category_link(language: Language, category: &CategoryNode) -> Link {
    Link { label: goods_words(language, &category.name).to_owned(), href: format!("/categories/{}", category.category_id) }
}

fn category_links(language: Language, categories: &[CategoryNode]) -> Vec<Link> {
    categories.iter().map(|category| category_link(language, category)).collect()
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
    total_words: String,
    hits: Vec<Card>,
    facets: Vec<Facet>,
    chips: Vec<Chip>,
    /// The list without any filter.
    bare: String,
    /// Name and text of each order.
    sorts: Vec<(&'static str, &'static str)>,
    sort: String,
    /// What a change of the order keeps, and what one of the price keeps.
    kept: Parameters,
    kept_beside_price: Parameters,
    price_from: String,
    price_to: String,
    /// Categories, when a search found nothing.
    elsewhere: Vec<Link>,
    spelling: Option<Link>,
    without_last: Option<(Link, u64)>,
    next: Option<String>,
    seller: Option<PublicSeller>,
    seller_stars: String,
    canonical: String,
    is_first: bool,
}

impl Search {
    fn count(&self, number: &u64) -> String {
        format::count(self.frame.lang, *number)
    }
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
    let language = visitor.language;
    let below = path.last().map_or_else(Vec::new, |node| category_links(language, &node.children));
    let scope = Scope::Category(path.iter().map(|node| category_link(language, node)).collect(), below);
    show(&site, visitor, &format!("/categories/{id}"), parameters, scope).await
}

/// The categories of the first level; none when catalog does not answer.
async fn api_categories(site: &Site, caller: &Caller) -> Vec<CategoryNode> {
    site.0.api.call(caller, &LIST_CATEGORIES).send().await.map_or_else(|_| Vec::new(), |tree| tree.items)
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

/// The orders of a list. Without a text nothing matches better than anything else, and the newest come first.
fn sorts(t: &Texts, has_text: bool) -> Vec<(&'static str, &'static str)> {
    let relevance = has_text.then_some(("relevance", t.sort_relevance));
    let others = [("newest", t.sort_newest), ("rating", t.sort_rating), ("price", t.sort_price), ("-price", t.sort_price_down)];
    relevance.into_iter().chain(others).collect()
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
    let is_lost = found.items.is_empty() && matches!(scope, Scope::Everything);
    // Whoever finds nothing is shown where things are.
    let categories = if is_lost { api_categories(site, &caller).await } else { Vec::new() };
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
        Scope::Everything => format!("{} {}", t.results_for, format::quoted(language, &frame.query)),
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
            .map_or_else(String::new, |seller| format::stars(language, seller.rating)),
        spelling: help
            .and_then(|help| help.spelling.as_ref())
            .map(|spelling| Link { label: spelling.text.clone(), href: filters.with("q", &spelling.text) }),
        without_last: help.and_then(|help| help.without_last_filter.as_ref()).filter(|lifted| filters.has(&lifted.parameter)).map(
            |lifted| {
                (Link { label: filters.label_of(&lifted.parameter, t, language), href: filters.without(&lifted.parameter) }, lifted.total)
            },
        ),
        next: found.next_cursor.as_ref().map(|cursor| filters.with("cursor", cursor)),
        facets: filters.facets(t, language, &found, matches!(below.len(), 0) && path.is_empty() && seller.is_none()),
        chips: filters.chips(t, language, &found),
        bare: filters.bare(),
        sorts: sorts(t, !frame.query.is_empty()),
        sort: filters.value("sort").to_owned(),
        kept: filters.beside(&["sort"]),
        kept_beside_price: filters.beside(&["priceFrom", "priceTo"]),
        price_from: filters.value("priceFrom").to_owned(),
        price_to: filters.value("priceTo").to_owned(),
        total: found.total,
        total_words: format::count(language, found.total),
        hits: found.items.iter().map(|hit| Card::of(language, hit)).collect(),
        canonical: site.address(&filters.canonical()),
        is_first: filters.value("cursor").is_empty(),
        base: base.to_owned(),
        title,
        elsewhere: category_links(language, &categories),
        path,
        below,
        seller,
        frame,
    };
    page(site, &visitor, &template)
}
