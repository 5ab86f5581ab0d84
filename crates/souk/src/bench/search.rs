//! Searching a grown catalogue: how long the index takes to be built from events, what it needs, and how fast it answers
//! under load. What is searched for are words of the goods, drawn from the seed, so every run asks the same. Two of
//! three are new among 20,000 of their kind: answers kept for repeated ones help little.

use super::{
    http::Api,
    load::{self, Client, Measured},
    prepare::{self, ADMIN},
    products::{self, GeneratedProduct, SeededRandom},
    report,
    server::{Memory, Scratch, Server},
};
use crate::style;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use hyper::Method;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

#[derive(Args)]
pub struct Search {
    /// Products that are searched
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    products: u64,
    /// Searchers at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..))]
    clients: u64,
    /// Seconds that are measured, for each kind of search
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds before each, that are not
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Where the platform's data lies and stays; the next run finds the index built [default: a temporary folder]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// How long building the index, and then coming to rest, may take.
const PATIENCE: Duration = Duration::from_secs(900);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Searches of each kind that are looked at before the load, for how much they find.
const PROBES: u64 = 100;

pub async fn run(options: Search) -> Result<()> {
    let scratch = Scratch::new(options.data_dir.clone())?;
    let fresh = prepare::fill(&scratch.path, (0..options.products).collect(), 0, 0).await?;
    let server = Server::serve(&scratch.path).await?;
    let api = Api::new(&server.base);
    let built_after = until_built(&api, options.products, server.started).await?;
    prepare::print_progress("events carried", server.settle(PATIENCE).await?);
    let found = api.must(Method::GET, "/search?limit=1", &[], None).await?["total"].as_u64();
    if found != Some(products::listing_count(options.products)) {
        bail!("a search for everything finds {found:?} hits, and there are {} things", products::listing_count(options.products));
    }
    let index = Index {
        // One that was there already was not built from events now.
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

/// What the index took and takes.
struct Index {
    built_after: Option<Duration>,
    bytes: u64,
    memory: Option<Memory>,
}

/// Waits until all products can be found; how long after `started` that was.
async fn until_built(api: &Api, products: u64, started: Instant) -> Result<Duration> {
    let admin = api.log_in(ADMIN).await?;
    while started.elapsed() < PATIENCE {
        let state = admin.must(Method::GET, "/admin/search", &[], None).await?;
        if state["products"].as_u64() == Some(products) {
            return Ok(started.elapsed());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    bail!("not all products can be found after {} s", PATIENCE.as_secs())
}

/// All bytes of the files below a folder.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { size(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

/// The ids of the departments, by name.
async fn categories(api: &Api) -> Result<HashMap<String, String>> {
    let tree = api.must(Method::GET, "/categories", &[], None).await?;
    let roots = tree["items"].as_array().context("a tree")?;
    let entry = |node: &Value| Some((node["name"].as_str()?.to_owned(), node["categoryId"].as_str()?.to_owned()));
    Ok(roots.iter().filter_map(entry).collect())
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

/// Searches for one thing after the other.
struct Searcher {
    api: Api,
    kind: Kind,
    products: u64,
    categories: Arc<HashMap<String, String>>,
    random: SeededRandom,
}

impl Searcher {
    fn new(api: &Api, kind: Kind, products: u64, number: u64, categories: &Arc<HashMap<String, String>>) -> Searcher {
        let random = SeededRandom::new(products::SEED ^ u64::from_be_bytes(*b"searches"), number * KINDS.len() as u64 + kind as u64);
        Searcher { api: api.clone(), kind, products, categories: categories.clone(), random }
    }

    /// The next search: for a good that exists.
    fn path(&mut self) -> String {
        let random = &mut self.random;
        let product = GeneratedProduct::of(random.below(self.products));
        match self.kind {
            Kind::Keyword => format!("/search?q={}", encoded(&keywords(&product, random))),
            Kind::Filtered => {
                let (words, category) = (encoded(&few_words(&product, random)), &self.categories[product.department.name]);
                let (from, to) = (product.price_amount / 4, product.price_amount * 4);
                format!("/search?q={words}&category={category}&minPrice={from}&maxPrice={to}&attr.colour={}", encoded(product.colour))
            }
            Kind::Cheapest => format!("/search?q={}&sort=price", encoded(&keywords(&product, random))),
            Kind::Suggest => format!("/search/suggest?q={}", encoded(&beginning(&product, random))),
        }
    }
}

impl Client for Searcher {
    async fn run_once(&mut self) -> Result<(), String> {
        let path = self.path();
        let reply = self.api.send(Method::GET, &path, &[], None).await.map_err(|error| error.to_string())?;
        if reply.status.is_success() { Ok(()) } else { Err(format!("{} {}", reply.status.as_u16(), reply.json()["code"])) }
    }
}

/// What people type: a kind of thing and something about it, or a name. One search of ten is misspelt.
fn keywords(product: &GeneratedProduct, random: &mut SeededRandom) -> String {
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

/// What people type who narrow it down by filters: it finds much.
fn few_words(product: &GeneratedProduct, random: &mut SeededRandom) -> String {
    if random.one_in(2) { product.noun.to_owned() } else { format!("{} {}", product.material, product.noun) }
}

/// Two upstreaming letters change places.
fn misspelt(text: &str, random: &mut SeededRandom) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let first = 1 + random.below(letters.len() as u64 - 2) as usize;
    letters.swap(first, first + 1);
    letters.into_iter().collect()
}

/// What is typed so far of a title.
fn beginning(product: &GeneratedProduct, random: &mut SeededRandom) -> String {
    let title = product.title();
    let skipped = random.below(3) as usize;
    let rest = title.splitn(skipped + 1, ' ').last().unwrap_or_default();
    rest.chars().take(2 + random.below(10) as usize).collect()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// How many hits, or suggestions, a search has on average.
async fn probe(mut searchers: Vec<Searcher>) -> Result<f64> {
    let searcher = searchers.first_mut().context("a searcher")?;
    let mut hits = 0;
    for _ in 0..PROBES {
        let path = searcher.path();
        let answer = searcher.api.must(Method::GET, &path, &[], None).await?;
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
        report::title(format_args!("search: {products} products, {} things with their variants", products::listing_count(*products)));
        match index.built_after {
            Some(took) => report::figure(took.as_secs_f64(), 1, "s from the start of the platform until all were found, from events"),
            None => println!("  {:>10}  the index was there already", "–"),
        }
        report::figure(report::megabytes(index.bytes), 1, "MB of index on the disk");
        if let (Some(resident), Some(highest), Some(loaded)) = (resident, highest, loaded) {
            report::figure(resident, 0, format_args!("MB of server memory then, {highest:.0} at its highest; {loaded:.0} under load"));
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
    use std::collections::HashSet;

    #[test]
    fn searches_are_the_same_in_every_run_and_hardly_repeat() {
        let categories: HashMap<String, String> = products::categories().unwrap().into_iter().map(|c| (c.slug.clone(), c.slug)).collect();
        let categories = Arc::new(categories);
        let api = Api::new("http://localhost");
        for kind in KINDS {
            let paths = |number| {
                let mut searcher = Searcher::new(&api, kind, 100_000, number, &categories);
                (0..1_000).map(|_| searcher.path()).collect::<Vec<String>>()
            };
            assert_eq!(paths(3), paths(3));
            assert_ne!(paths(3), paths(4));
            // Suggestions are not kept, so that they may repeat.
            let least = if matches!(kind, Kind::Suggest) { 5_000 } else { 13_500 };
            let different: HashSet<String> = (0..20).flat_map(paths).collect();
            assert!(different.len() > least, "{kind:?}: {}", different.len());
        }
    }

    #[test]
    fn what_is_searched_for_stands_in_an_address() {
        assert_eq!(encoded("t-shirt, \u{e9}"), "t%2Dshirt%2C%20%C3%A9");
    }
}
