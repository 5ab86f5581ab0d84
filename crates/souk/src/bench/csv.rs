//! Measures a large CSV file of products: its check, its import, its export, and the import of what was exported, with the highest
//! memory of the platform in each. A file of a tenth of the rows is measured first, on a platform of its own: memory that does not
//! depend on the rows is about the same in both.

use super::{
    prepare::{self, ADMIN},
    report,
    server::{Scratch, Server},
};
use crate::{
    api_client::{Api, request},
    style,
};
use anyhow::{Result, ensure};
use clap::Args;
use contracts::{
    catalog::{CREATE_CATEGORY, CreateCategory, EXPORT_PRODUCTS, GET_IMPORT, IMPORT_FILE, Import, ImportStatus},
    ids::CategoryId,
};
use serde_json::{Value, json};
use std::{fmt::Write as _, time::Duration};
use tokio::time::Instant;

#[derive(Args)]
pub struct Csv {
    /// Rows of the file; a tenth of them is measured first
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    rows: u64,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

const PATIENCE: Duration = Duration::from_secs(3_600);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// One thing that was done with a file.
struct Step {
    name: &'static str,
    took: Duration,
    /// The size of the file.
    bytes: usize,
    /// The highest resident memory of the platform meanwhile, in bytes; `None` where `/proc` does not exist.
    memory: Option<u64>,
}

pub async fn run(options: Csv) -> Result<()> {
    let mut measured = Vec::new();
    for rows in [options.rows / 10, options.rows] {
        measured.push((rows, measure(rows).await?));
    }
    print(options.json, &measured);
    Ok(())
}

async fn measure(rows: u64) -> Result<Vec<Step>> {
    let scratch = Scratch::new(None)?;
    prepare::fill(&scratch.path, Vec::new(), 0, 0).await?;
    let server = Server::start("serve", &scratch.path).await?;
    let api = server.program.api.log_in(ADMIN).await?;
    let category = CreateCategory { name: "Lamps".parse()?, parent_category_id: None };
    let category = api.must(request(&CREATE_CATEGORY).body(&category)).await?.category_id;
    let file = file_of(rows, category);
    let mut steps = Vec::new();
    for mode in ["check", "apply"] {
        import(&server, &api, &mut steps, (if mode == "check" { "check" } else { "import" }, mode), file.clone().into_bytes(), |done| {
            done.created == rows.cast_signed()
        })
        .await?;
    }
    // The events of the import are delivered meanwhile, to audit and search among others.
    let delivered = server.settle(PATIENCE).await?;
    prepare::print_progress(format_args!("{rows} rows: events delivered"), delivered);
    let exported = export(&server, &api, &mut steps).await?;
    import(&server, &api, &mut steps, ("import again", "apply"), exported, |done| done.unchanged == rows.cast_signed()).await?;
    server.stop().await?;
    Ok(steps)
}

/// Imports a file and waits for its end.
async fn import(
    server: &Server,
    api: &Api,
    steps: &mut Vec<Step>,
    (name, mode): (&'static str, &str),
    file: Vec<u8>,
    is_expected: impl Fn(&Import) -> bool,
) -> Result<()> {
    let (bytes, began) = (file.len(), begin(server));
    let begun: Import = api.must(request(&IMPORT_FILE).query("kind", "products").query("mode", mode).bytes("text/csv", file)).await?;
    let done = until_done(api, &begun).await?;
    ensure!(is_expected(&done), "{name}: not every row is as expected: {done:?}");
    steps.push(Step { name, took: began.elapsed(), bytes, memory: highest(server) });
    Ok(())
}

/// Exports all products, and returns the file.
async fn export(server: &Server, api: &Api, steps: &mut Vec<Step>) -> Result<Vec<u8>> {
    let began = begin(server);
    let reply = api.send(request(&EXPORT_PRODUCTS)).await?;
    ensure!(reply.status.is_success(), "the export failed: {}", reply.status);
    let bytes = reply.body.to_vec();
    steps.push(Step { name: "export", took: began.elapsed(), bytes: bytes.len(), memory: highest(server) });
    Ok(bytes)
}

/// Forgets the highest memory so far.
fn begin(server: &Server) -> Instant {
    // Where it cannot be written, the highest of all steps so far is shown.
    let _ = std::fs::write(format!("/proc/{}/clear_refs", server.program.id()), "5");
    Instant::now()
}

fn highest(server: &Server) -> Option<u64> {
    server.memory().map(|memory| memory.highest)
}

async fn until_done(api: &Api, begun: &Import) -> Result<Import> {
    let began = Instant::now();
    loop {
        let import = api.must(request(&GET_IMPORT).path(begun.import_id)).await?;
        if import.status != ImportStatus::Running {
            ensure!(import.status == ImportStatus::Done, "the import ended in {}", import.status);
            return Ok(import);
        }
        ensure!(began.elapsed() < PATIENCE, "the import is not done after {} s", PATIENCE.as_secs());
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn file_of(rows: u64, category: CategoryId) -> String {
    let mut file = "sku,title,description,categoryId,brand,priceAmount,currency,status\r\n".to_owned();
    for number in 0..rows {
        let price = 1_000 + number % 9_000;
        // Writing to a String never fails.
        let _ = write!(file, "CSV-{number:06},\"Lamp, number {number}\",A lamp of oak and glass.,{category},Maker,{price},EUR,ACTIVE\r\n");
    }
    file
}

fn print(json: bool, measured: &[(u64, Vec<Step>)]) {
    let megabytes = |bytes: usize| report::megabytes(bytes as u64);
    let shown = |rows: u64, step: &Step| {
        let Step { name, took, bytes, memory } = step;
        json!({
            "rows": rows, "step": name, "seconds": took.as_secs_f64(), "rowsPerSecond": rows as f64 / took.as_secs_f64(),
            "fileMb": megabytes(*bytes), "serverMemoryHighestMb": memory.map(report::megabytes),
        })
    };
    let figures: Vec<Value> = measured.iter().flat_map(|(rows, steps)| steps.iter().map(|step| shown(*rows, step))).collect();
    report::print(json, &Value::from(figures), || {
        report::title("CSV files of products");
        println!("{}", style::dim(format!("{:>10}  {:14}{:>10}{:>12}{:>10}{:>14}", "rows", "", "s", "rows/s", "file MB", "memory MB")));
        for (rows, steps) in measured {
            for Step { name, took, bytes, memory } in steps {
                let (seconds, memory) = (took.as_secs_f64(), memory.map_or(f64::NAN, report::megabytes));
                println!("{rows:>10}  {name:14}{seconds:>10.1}{:>12.0}{:>10.1}{memory:>14.0}", *rows as f64 / seconds, megabytes(*bytes));
            }
        }
    });
}
