//! What the program prints about itself.

#[cfg(test)]
mod architecture_page;
mod configuration;
#[cfg(test)]
mod services_page;

pub use configuration::configuration_markdown;

use crate::{config::Flags, out, platform_run};
use anyhow::Result;
use platform::{http::openapi, runtime::Runtime, testing::TempFolder};

/// The OpenAPI description, as the gateway serves it.
///
/// # Errors
/// When the services do not start.
pub async fn openapi() -> Result<()> {
    print(&describe(&started(&TempFolder::new()).await?))
}

/// Every service at rest, its data in `folder`: routes and consumers belong to started services.
async fn started(folder: &TempFolder) -> Result<Runtime> {
    let config = Flags { data_dir: Some(folder.path().to_owned()), ..Flags::default() }.resolve()?;
    platform_run::start(&config, false).await
}

fn describe(runtime: &Runtime) -> serde_json::Value {
    let operations: Vec<_> = runtime.operations.iter().map(|(_, operation)| operation.clone()).collect();
    openapi::document(&operations, "Souk", env!("CARGO_PKG_VERSION"))
}

/// The catalogue of events.
///
/// # Errors
/// When standard output cannot be written.
pub fn events() -> Result<()> {
    print(&contracts::registry::events_json())
}

/// The catalogue of error codes.
///
/// # Errors
/// When standard output cannot be written.
pub fn problems() -> Result<()> {
    print(&contracts::registry::problems_json())
}

fn print(value: &serde_json::Value) -> Result<()> {
    println!("{value:#}");
    out::finish()
}
