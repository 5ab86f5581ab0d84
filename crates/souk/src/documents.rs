//! Documents that are generated from the program.

#[cfg(test)]
mod architecture_page;
mod configuration;
#[cfg(test)]
mod services_page;

pub use configuration::configuration_markdown;

use crate::{config::Flags, out, platform_run};
use anyhow::Result;
use platform::{http::openapi, runtime::Runtime, testing::TempFolder};

/// Prints the OpenAPI description that the gateway serves.
///
/// # Errors
/// When the services do not start.
pub async fn openapi() -> Result<()> {
    print(&describe(&started(&TempFolder::new()).await?))
}

/// Starts every service without background work, with its data in `folder`: routes exist only in started services.
async fn started(folder: &TempFolder) -> Result<Runtime> {
    let config = Flags { data_dir: Some(folder.path().to_owned()), ..Flags::default() }.resolve()?;
    platform_run::start(&config, false).await
}

fn describe(runtime: &Runtime) -> serde_json::Value {
    let operations: Vec<_> = runtime.operations.iter().map(|(_, operation)| operation.clone()).collect();
    openapi::document(&operations, "Souk", env!("CARGO_PKG_VERSION"))
}

/// Prints the event types.
///
/// # Errors
/// When standard output cannot be written.
pub fn events() -> Result<()> {
    print(&contracts::registry::events_json())
}

/// Prints the error codes.
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
