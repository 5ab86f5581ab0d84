//! Documents that are generated from the program.

#[cfg(test)]
mod api_description;
#[cfg(test)]
mod architecture_page;
mod configuration;
#[cfg(test)]
mod metrics_page;
#[cfg(test)]
mod services_page;

pub use configuration::configuration_markdown;

use crate::{config::Config, out, platform_run};
use anyhow::Result;
use platform::{
    http::{Operation, openapi},
    runtime::Runtime,
    testing::TempFolder,
};
#[cfg(test)]
use std::collections::BTreeSet;

/// Prints an OpenAPI description that the gateway serves: of the public operations, or of those that only services call.
pub async fn openapi(internal: bool) -> Result<()> {
    let document = if internal { openapi::internal_document } else { openapi::document };
    print(&describe(&started(&TempFolder::new()).await?, document))
}

/// The operations of all services, for a process that runs none of them.
pub async fn all_operations() -> Result<Vec<Operation>> {
    Ok(operations(&started(&TempFolder::new()).await?))
}

/// Starts every service without background work, with its data in `folder`: routes exist only in started services.
async fn started(folder: &TempFolder) -> Result<Runtime> {
    platform_run::start(&Config::embedded(folder.path()), false).await
}

/// The operations of the services of this process, and that of the gateway.
pub fn operations(runtime: &Runtime) -> Vec<Operation> {
    runtime.operations.iter().map(|(_, operation)| operation.clone()).chain(gateway::operations()).collect()
}

fn describe(runtime: &Runtime, document: fn(&[Operation], &str, &str) -> serde_json::Value) -> serde_json::Value {
    document(&operations(runtime), "Souk", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeSet<(String, String)> {
    pairs.map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
}

#[cfg(test)]
#[track_caller]
fn assert_same<T: Ord + std::fmt::Debug>(page: &str, written: &BTreeSet<T>, program: &BTreeSet<T>) {
    let (missing, extra): (Vec<_>, Vec<_>) = (program.difference(written).collect(), written.difference(program).collect());
    assert!(missing.is_empty() && extra.is_empty(), "{page} lacks {missing:#?} and must not have {extra:#?}");
}

/// Checks that a generated page of `docs` is up to date, or writes it when that is asked for.
#[cfg(test)]
#[track_caller]
fn assert_fresh(page: &str, fresh: &str) {
    let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    let update = std::env::var("UPDATE_DOCS").is_ok();
    if update {
        std::fs::write(&path, fresh).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == fresh, "docs/{page} is stale; update it with: UPDATE_DOCS=1 cargo test -p souk --lib");
}

pub fn print(value: &serde_json::Value) -> Result<()> {
    println!("{value:#}");
    out::finish()
}
