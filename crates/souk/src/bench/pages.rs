//! Measures the pages that strangers open first, on a large catalogue: their times at a fixed rate, and their compressed size.
//!
//! Every page is asked for when it is due, whether or not those before it are answered, so a stall counts for all pages in it. The
//! visitors bring nothing with them, like the first visit of a browser. Searches and products hardly repeat.

use super::{
    load::{Tally, Times},
    prepare,
    products::{self, GeneratedProduct, SeededRandom},
    report,
    search::{PATIENCE, keywords, until_built},
    server::{Scratch, Server},
};
use crate::{
    api_client::{Api, raw, request},
    style,
};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use contracts::catalog::{CategoryNode, GET_PRODUCT_BY_SKU, LIST_CATEGORIES};
use hyper::Method;
use platform::http::encode_text;
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, interval},
};

#[derive(Args)]
pub struct Pages {
    /// Products in the catalogue
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    products: u64,
    /// Pages per second, of all kinds together
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    rate: u64,
    /// Seconds to measure
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds of warm-up before
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// Folder that keeps the data and the index for another run [default: a temporary folder]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Products whose pages are opened.
const OPENED: u64 = 2_000;

pub async fn run(options: Pages) -> Result<()> {
    let scratch = Scratch::new(options.data_dir.clone())?;
    prepare::fill(&scratch.path, (0..options.products).collect(), 0, 0).await?;
    let server = Server::start("serve", &scratch.path).await?;
    let api = server.program.api.clone();
    until_built(&api, options.products, server.started).await?;
    prepare::print_progress("events delivered", server.settle(PATIENCE).await?);
    let shop = Shop::read(&api, options.products).await?;
    let (warm_up, seconds) = (Duration::from_secs(options.warm_up), Duration::from_secs(options.seconds));
    let measured = drive(&api, &shop, options.rate, (warm_up, seconds), &server).await?;
    let mut sizes = Vec::new();
    for kind in KINDS {
        sizes.push(Files::of(&api, &shop.address(kind, &mut shop.random(0))).await.with_context(|| kind.name())?);
    }
    report(&options, &measured, &sizes);
    server.stop().await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Home,
    Category,
    Search,
    Product,
}

const KINDS: [Kind; 4] = [Kind::Home, Kind::Category, Kind::Search, Kind::Product];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Home => "home",
            Kind::Category => "category",
            Kind::Search => "search",
            Kind::Product => "product",
        }
    }
}

/// What the addresses of the pages are made of.
struct Shop {
    products: u64,
    categories: Vec<String>,
    opened: Vec<String>,
}

impl Shop {
    async fn read(api: &Api, products: u64) -> Result<Shop> {
        let mut categories = Vec::new();
        let mut nodes: Vec<CategoryNode> = api.must(request(&LIST_CATEGORIES)).await?.items;
        while let Some(node) = nodes.pop() {
            categories.push(node.category_id.to_string());
            nodes.extend(node.children);
        }
        let mut opened = Vec::new();
        let mut random = SeededRandom::new(products::SEED, u64::from_be_bytes(*b"products"));
        for _ in 0..OPENED.min(products) {
            let sku = GeneratedProduct::of(random.below(products)).sku();
            opened.push(api.must(request(&GET_PRODUCT_BY_SKU).path(sku)).await?.product_id.to_string());
        }
        Ok(Shop { products, categories, opened })
    }

    /// The choices of one visit. Those of different visits are independent.
    fn random(&self, visit: u64) -> SeededRandom {
        SeededRandom::new(products::SEED ^ u64::from_be_bytes(*b"visitors"), visit)
    }

    fn address(&self, kind: Kind, random: &mut SeededRandom) -> String {
        let one_of = |ids: &[String], random: &mut SeededRandom| ids[random.below(ids.len() as u64) as usize].clone();
        match kind {
            Kind::Home => "/".to_owned(),
            Kind::Category => format!("/categories/{}", one_of(&self.categories, random)),
            Kind::Search => {
                let mut text = String::new();
                encode_text(&keywords(&GeneratedProduct::of(random.below(self.products)), random), &mut text);
                format!("/search?q={text}")
            }
            Kind::Product => format!("/products/{}", one_of(&self.opened, random)),
        }
    }
}

/// The outcomes of one kind of page.
struct Outcomes {
    tally: Tally,
    /// The bytes of the compressed answers: all together, and the longest.
    bytes: u64,
    longest: u64,
}

struct Measured {
    /// By kind.
    outcomes: Vec<Outcomes>,
    /// How long after its moment a page was asked for. Much of it shows a driver that had no processor.
    late: Times,
    processor_seconds: Option<f64>,
}

/// Opens a page as a browser does that was never here. Returns the bytes of the compressed answer.
async fn open(api: &Api, address: &str) -> Result<u64, String> {
    let page = raw(Method::GET, &format!("/{address}")).header("accept", "text/html").header("accept-encoding", "gzip");
    let answer = api.send(page).await.map_err(|error| error.to_string())?;
    if answer.status.is_success() { Ok(answer.body.len() as u64) } else { Err(format!("{} of a page", answer.status.as_u16())) }
}

/// Asks for the kinds of pages in turn, at this rate, for the time of warm-up and then for the measured time.
async fn drive(api: &Api, shop: &Shop, rate: u64, (warm_up, seconds): (Duration, Duration), server: &Server) -> Result<Measured> {
    let mut outcomes = Vec::new();
    for _ in KINDS {
        outcomes.push(Outcomes { tally: Tally::new()?, bytes: 0, longest: 0 });
    }
    let (mut late, mut used_before) = (Times::new()?, None);
    let mut visits = JoinSet::new();
    let mut due = interval(Duration::from_secs(1) / u32::try_from(rate)?);
    let begin = Instant::now() + warm_up;
    for visit in 0.. {
        let moment = due.tick().await;
        if moment >= begin + seconds {
            break;
        }
        let counts = moment >= begin;
        if counts {
            used_before = used_before.or_else(|| server.processor_seconds());
            late.record(moment.elapsed());
        }
        let kind = KINDS[(visit % KINDS.len() as u64) as usize];
        let (api, address) = (api.clone(), shop.address(kind, &mut shop.random(visit)));
        visits.spawn(async move {
            let began = Instant::now();
            let outcome = open(&api, &address).await;
            (kind, counts, outcome, began.elapsed())
        });
        while let Some(visited) = visits.try_join_next() {
            count(&mut outcomes, visited?);
        }
    }
    let used = server.processor_seconds();
    while let Some(visited) = visits.join_next().await {
        count(&mut outcomes, visited?);
    }
    Ok(Measured { outcomes, late, processor_seconds: used.zip(used_before).map(|(used, before)| used - before) })
}

fn count(outcomes: &mut [Outcomes], (kind, counts, outcome, took): (Kind, bool, Result<u64, String>, Duration)) {
    if let (true, Some(of_kind)) = (counts, outcomes.get_mut(kind as usize)) {
        let bytes = *outcome.as_ref().unwrap_or(&0);
        of_kind.bytes += bytes;
        of_kind.longest = of_kind.longest.max(bytes);
        of_kind.tally.count(outcome.map(|_| ()), took);
    }
}

/// The compressed sizes of the styles and scripts that a page loads.
struct Files {
    styles: u64,
    scripts: u64,
}

impl Files {
    async fn of(api: &Api, address: &str) -> Result<Files> {
        let answer = api.send(raw(Method::GET, &format!("/{address}")).header("accept", "text/html")).await?;
        let html = String::from_utf8(answer.body.to_vec())?;
        let mut files = Files { styles: 0, scripts: 0 };
        for (sum, beginning) in [(&mut files.styles, "<link rel=\"stylesheet\" href=\""), (&mut files.scripts, "<script src=\"")] {
            for address in linked(&html, beginning) {
                *sum += open(api, address).await.map_err(anyhow::Error::msg).with_context(|| address.to_owned())?;
            }
        }
        if files.styles == 0 {
            bail!("{address} loads no style sheet");
        }
        Ok(files)
    }
}

/// The addresses that follow a text, each up to the end of its attribute.
fn linked<'a>(html: &'a str, beginning: &str) -> Vec<&'a str> {
    html.split(beginning).skip(1).filter_map(|rest| rest.split_once('"')).map(|(address, _)| address).collect()
}

fn report(options: &Pages, measured: &Measured, files: &[Files]) {
    let Pages { products, rate, seconds, .. } = options;
    let processors = measured.processor_seconds.map(|used| used / *seconds as f64);
    let rows: Vec<_> =
        KINDS.into_iter().zip(&measured.outcomes).zip(files).map(|((kind, outcomes), files)| (kind, outcomes, files)).collect();
    let all = |outcomes: &Outcomes, files: &Files| outcomes.longest + files.styles + files.scripts;
    let figures = json!({
        "products": products,
        "pagesPerSecond": rate,
        "seconds": seconds,
        "serverProcessors": processors,
        "lateP99Ms": measured.late.millis(0.99),
        "pages": rows.iter().map(|(kind, outcomes, files)| json!({
            "page": kind.name(),
            "answered": outcomes.tally.done,
            "p50Ms": outcomes.tally.times.millis(0.5),
            "p95Ms": outcomes.tally.times.millis(0.95),
            "p99Ms": outcomes.tally.times.millis(0.99),
            "maxMs": outcomes.tally.times.millis(1.0),
            "htmlBytes": outcomes.bytes / outcomes.tally.done.max(1),
            "longestHtmlBytes": outcomes.longest,
            "styleBytes": files.styles,
            "scriptBytes": files.scripts,
            "errors": outcomes.tally.errors,
        })).collect::<Vec<_>>(),
    });
    report::print(options.json, &figures, || {
        report::title(format_args!("pages: {products} products, {rate} pages/s for {seconds} s"));
        let heads = ["p50 ms", "p95 ms", "p99 ms", "max ms", "HTML kB", "longest", "with CSS and script"];
        println!("{}", style::dim(format!("{:12}{}", "", heads.map(|head| format!("{head:>9}")).concat())));
        let kilobytes = |bytes: u64| bytes as f64 / 1_000.0;
        for (kind, outcomes, files) in &rows {
            let times = [0.5, 0.95, 0.99, 1.0].map(|share| format!("{:>9.1}", outcomes.tally.times.millis(share))).concat();
            let sizes = [outcomes.bytes / outcomes.tally.done.max(1), outcomes.longest, all(outcomes, files)];
            println!("{:12}{times}{}", kind.name(), sizes.map(|bytes| format!("{:>9.1}", kilobytes(bytes))).concat());
        }
        if let Some(files) = files.first() {
            println!("  {:>8.1}  kB of script, compressed; {:.1} kB of styles", kilobytes(files.scripts), kilobytes(files.styles));
        }
        if let Some(processors) = processors {
            report::figure(processors, 2, "processors of the server");
        }
        report::figure(measured.late.millis(0.99), 1, "ms late, at most, 99 of 100 pages were asked for");
        let mut errors = BTreeMap::new();
        for (text, count) in measured.outcomes.iter().flat_map(|outcomes| &outcomes.tally.errors) {
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
    fn visits_are_the_same_in_every_run_and_hardly_repeat() {
        let ids = |count: usize| (0..count).map(|id| id.to_string()).collect();
        let shop = Shop { products: 100_000, categories: ids(40), opened: ids(2_000) };
        let of = |kind, visits: u64| (0..visits).map(|visit| shop.address(kind, &mut shop.random(visit))).collect::<Vec<_>>();
        let different = |kind| of(kind, 1_500).into_iter().collect::<HashSet<_>>().len();
        assert_eq!(KINDS.map(|kind| of(kind, 50)), KINDS.map(|kind| of(kind, 50)));
        assert_eq!((different(Kind::Home), different(Kind::Category)), (1, 40));
        assert!(different(Kind::Search) > 1_000, "{}", different(Kind::Search));
        assert!(different(Kind::Product) > 1_000, "{}", different(Kind::Product));
    }

    #[test]
    fn the_files_of_a_page_are_read_from_it() {
        let html = r#"<link rel="stylesheet" href="/a.css"><link rel="icon" href="/b"><link rel="stylesheet" href="/c.css">"#;
        assert_eq!(linked(html, "<link rel=\"stylesheet\" href=\""), ["/a.css", "/c.css"]);
    }
}
