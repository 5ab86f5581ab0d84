//! Measures the search of a large catalogue: the time to build the index from events, its size, and searches under load.
//!
//! The searches are words of the products, chosen by the seed, so they are the same in every run. Two of three are new among
//! 20,000 of their kind, so a cache of answers helps little.

use super::{
    load::{self, Client, Measured},
    prepare::{self, ADMIN},
    products::{self, GeneratedProduct, SeededRandom},
    report,
    server::{Memory, Scratch, Server},
};
use crate::{
    api_client::{Api, ApiRequest, request},
    style,
};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use contracts::{
    catalog::LIST_CATEGORIES,
    ids::CategoryId,
    search::{GET_SEARCH_INDEX, SEARCH_PRODUCTS, SUGGEST_SEARCHES},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

#[derive(Args)]
pub struct Search {
    /// Products in the catalogue
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    products: u64,
    /// Concurrent clients
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..))]
    clients: u64,
    /// Seconds to measure, for each kind of search
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds of warm-up before each
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Folder that keeps the data and the index for another run [default: a temporary folder]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Limit for building the index, and for becoming idle after that.
pub const PATIENCE: Duration = Duration::from_secs(900);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Searches of each kind whose hits are counted before the load.
const PROBES: u64 = 100;

pub async fn run(options: Search) -> Result<()> {
    let scratch = Scratch::new(options.data_dir.clone())?;
    let fresh = prepare::fill(&scratch.path, (0..options.products).collect(), 0, 0).await?;
    let server = Server::start("serve", &scratch.path).await?;
    let api = server.program.api.clone();
    let built_after = until_built(&api, options.products, server.started).await?;
    prepare::print_progress("events delivered", server.settle(PATIENCE).await?);
    let found = api.must(request(&SEARCH_PRODUCTS).query("limit", 1)).await?.total;
    if found != products::listing_count(options.products) {
        bail!(
            "a search for everything finds {found} hits, but there are {} products without their variants",
            products::listing_count(options.products)
        );
    }
    let index = Index {
        // Unknown for an index of an earlier run.
        built_after: fresh.then_some(built_after),
        bytes: size(&scratch.path.join("search"))?,
        memory: server.memory(),
    };
    let categories = Arc::new(categories(&api).await?);
    let mut kinds = Vec::new();
    for kind in KINDS {
        let searchers = |count| (0..count).map(|number| Searcher::new(&api, kind, options.products, number, &categories)).collect();
        let hits = probe(searchers(1)).await.with_context(|| format!("trying {}", kind.name()))?;
        let (warm_up, seconds) = (Duration::from_secs(options.warm_up), Duration::from_secs(options.seconds));
        let measured = load::drive(searchers(options.clients), warm_up, seconds, Some(&server)).await?;
        kinds.push((kind, hits, measured));
    }
    report(&options, &index, &kinds);
    server.stop().await
}

/// The cost of the index.
struct Index {
    built_after: Option<Duration>,
    bytes: u64,
    memory: Option<Memory>,
}

/// Waits until all products can be found. Returns the time since `started`.
pub async fn until_built(api: &Api, products: u64, started: Instant) -> Result<Duration> {
    let admin = api.log_in(ADMIN).await?;
    while started.elapsed() < PATIENCE {
        if admin.must(request(&GET_SEARCH_INDEX)).await?.products == products {
            return Ok(started.elapsed());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    bail!("not all products can be found after {} s", PATIENCE.as_secs())
}

/// The size of all files below a folder.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { size(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

/// Returns the ids of the root categories by name.
async fn categories(api: &Api) -> Result<HashMap<String, CategoryId>> {
    let roots = api.must(request(&LIST_CATEGORIES)).await?.items;
    Ok(roots.into_iter().map(|node| (node.name, node.category_id)).collect())
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Keyword,
    Filtered,
    Cheapest,
    Suggest,
}

const KINDS: [Kind; 4] = [Kind::Keyword, Kind::Filtered, Kind::Cheapest, Kind::Suggest];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Keyword => "keyword",
            Kind::Filtered => "keyword, filters, facets",
            Kind::Cheapest => "keyword, by price",
            Kind::Suggest => "suggest",
        }
    }
}

/// A client that searches.
struct Searcher {
    api: Api,
    kind: Kind,
    products: u64,
    categories: Arc<HashMap<String, CategoryId>>,
    random: SeededRandom,
}

impl Searcher {
    fn new(api: &Api, kind: Kind, products: u64, number: u64, categories: &Arc<HashMap<String, CategoryId>>) -> Searcher {
        let random = SeededRandom::new(products::SEED ^ u64::from_be_bytes(*b"searches"), number * KINDS.len() as u64 + kind as u64);
        Searcher { api: api.clone(), kind, products, categories: categories.clone(), random }
    }

    /// Builds the next search, for words of a product that exists.
    fn next_request(&mut self) -> ApiRequest {
        let random = &mut self.random;
        let product = GeneratedProduct::of(random.below(self.products));
        let search = request(&SEARCH_PRODUCTS);
        match self.kind {
            Kind::Keyword => search.query("q", keywords(&product, random)).untyped(),
            Kind::Filtered => search
                .query("q", few_words(&product, random))
                .query("category", self.categories[product.department.name])
                .query("minPrice", product.price_amount / 4)
                .query("maxPrice", product.price_amount * 4)
                .query("attr.colour", product.colour)
                .untyped(),
            Kind::Cheapest => search.query("q", keywords(&product, random)).query("sort", "price").untyped(),
            Kind::Suggest => request(&SUGGEST_SEARCHES).query("q", beginning(&product, random)).untyped(),
        }
    }
}

impl Client for Searcher {
    async fn run_once(&mut self) -> Result<(), String> {
        let request = self.next_request();
        let reply = self.api.send(request).await.map_err(|error| error.to_string())?;
        if reply.status.is_success() { Ok(()) } else { Err(format!("{} {}", reply.status.as_u16(), reply.problem().1)) }
    }
}

/// A typical search text: a noun with properties, or a name. One of ten is misspelt.
pub fn keywords(product: &GeneratedProduct, random: &mut SeededRandom) -> String {
    let GeneratedProduct { brand, series, style, material, noun, colour, .. } = product;
    let text = match random.below(8) {
        0 => (*noun).to_owned(),
        1 | 2 => format!("{brand} {series}"),
        3 | 4 => format!("{brand} {noun}"),
        5 => format!("{colour} {material} {noun}"),
        6 => format!("{style} {material} {noun}"),
        _ => format!("{colour} {style} {noun}"),
    };
    if random.one_in(10) { misspelt(&text, random) } else { text }
}

/// A search text that finds many products, for use with filters.
fn few_words(product: &GeneratedProduct, random: &mut SeededRandom) -> String {
    if random.one_in(2) { product.noun.to_owned() } else { format!("{} {}", product.material, product.noun) }
}

/// Swaps two adjacent letters.
fn misspelt(text: &str, random: &mut SeededRandom) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let first = 1 + random.below(letters.len() as u64 - 2) as usize;
    letters.swap(first, first + 1);
    letters.into_iter().collect()
}

/// The beginning of a title, for suggestions.
fn beginning(product: &GeneratedProduct, random: &mut SeededRandom) -> String {
    let title = product.title();
    let skipped = random.below(3) as usize;
    let rest = title.splitn(skipped + 1, ' ').last().unwrap_or_default();
    rest.chars().take(2 + random.below(10) as usize).collect()
}

/// Counts the hits or suggestions of a search, on average.
async fn probe(mut searchers: Vec<Searcher>) -> Result<f64> {
    let searcher = searchers.first_mut().context("a searcher")?;
    let mut hits = 0;
    for _ in 0..PROBES {
        let request = searcher.next_request();
        let answer = searcher.api.must(request).await?;
        hits += answer["total"].as_u64().or(answer["items"].as_array().map(|items| items.len() as u64)).context("hits")?;
    }
    Ok(hits as f64 / PROBES as f64)
}

fn report(options: &Search, index: &Index, kinds: &[(Kind, f64, Measured)]) {
    let Search { products, clients, seconds, .. } = options;
    let (resident, highest) = index.memory.map(|memory| (report::megabytes(memory.resident), report::megabytes(memory.highest))).unzip();
    let loaded = kinds.last().and_then(|(_, _, measured)| measured.memory).map(|memory| report::megabytes(memory.highest));
    let per_second = |measured: &Measured| measured.tally.done as f64 / *seconds as f64;
    let figures = json!({
        "products": products,
        "things": products::listing_count(*products),
        "clients": clients,
        "seconds": seconds,
        "builtAfterSeconds": index.built_after.map(|took| took.as_secs_f64()),
        "indexMb": report::megabytes(index.bytes),
        "serverMemoryMb": resident,
        "serverMemoryHighestWhileBuildingMb": highest,
        "serverMemoryHighestMb": loaded,
        "searches": kinds.iter().map(|(kind, hits, measured)| json!({
            "kind": kind.name(),
            "hitsPerSearch": hits,
            "searchesPerSecond": per_second(measured),
            "p50Ms": measured.tally.times.millis(0.5),
            "p99Ms": measured.tally.times.millis(0.99),
            "maxMs": measured.tally.times.millis(1.0),
            "serverProcessors": measured.processor_seconds.map(|used| used / *seconds as f64),
            "errors": measured.tally.errors,
        })).collect::<Vec<_>>(),
    });
    report::print(options.json, &figures, || {
        report::title(format_args!("search: {products} products, {} without their variants", products::listing_count(*products)));
        match index.built_after {
            Some(took) => report::figure(took.as_secs_f64(), 1, "s from the start of the platform until the index is built from events"),
            None => println!("  {:>10}  the index existed already", "–"),
        }
        report::figure(report::megabytes(index.bytes), 1, "MB of index on disk");
        if let (Some(resident), Some(highest), Some(loaded)) = (resident, highest, loaded) {
            report::figure(resident, 0, format_args!("MB of server memory then, {highest:.0} at most; {loaded:.0} under load"));
        }
        println!(
            "{}",
            style::dim(format!(
                "{:27}{:>10}{:>9}{:>9}{:>9}{:>12}",
                format!("{clients} clients, {seconds} s each"),
                "per s",
                "p50 ms",
                "p99 ms",
                "max ms",
                "hits"
            ))
        );
        for (kind, hits, measured) in kinds {
            let millis = |share| measured.tally.times.millis(share);
            println!(
                "{:27}{:>10.0}{:>9.1}{:>9.1}{:>9.1}{hits:>12.1}",
                kind.name(),
                per_second(measured),
                millis(0.5),
                millis(0.99),
                millis(1.0)
            );
        }
        let mut errors = BTreeMap::new();
        for (text, count) in kinds.iter().flat_map(|(_, _, measured)| &measured.tally.errors) {
            *errors.entry(text.clone()).or_default() += count;
        }
        report::errors(&errors);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ids::Uuid;
    use std::collections::HashSet;

    #[test]
    fn searches_are_the_same_in_every_run_and_hardly_repeat() {
        let categories: HashMap<String, CategoryId> =
            products::categories().unwrap().into_iter().map(|c| (c.slug, CategoryId(Uuid::nil()))).collect();
        let categories = Arc::new(categories);
        let api = Api::new("http://localhost");
        for kind in KINDS {
            let paths = |number| {
                let mut searcher = Searcher::new(&api, kind, 100_000, number, &categories);
                (0..1_000).map(|_| searcher.next_request().path).collect::<Vec<String>>()
            };
            assert_eq!(paths(3), paths(3));
            assert_ne!(paths(3), paths(4));
            // Suggestions are not cached, so they may repeat.
            let least = if matches!(kind, Kind::Suggest) { 5_000 } else { 13_500 };
            let different: HashSet<String> = (0..20).flat_map(paths).collect();
            assert!(different.len() > least, "{kind:?}: {}", different.len());
        }
    }
}
