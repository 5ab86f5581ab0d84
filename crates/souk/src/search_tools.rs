//! `souk search`: tools for the search index.

use crate::{admin, config::ToolFlags, demo::catalogue, style::green};
use anyhow::Result;
use clap::Subcommand;
use platform::testing::TempFolder;

#[derive(Subcommand)]
pub enum Search {
    /// Rebuild the index while the present one answers; the running program does it, or the next one that starts.
    Rebuild(ToolFlags),
    /// Measure the relevance of searches in the demo catalogue (nDCG@10).
    Relevance,
}

pub async fn run(command: Search) -> Result<()> {
    match command {
        Search::Rebuild(flags) => {
            let (_, databases) = admin::open(flags)?;
            let generation = search::rebuild(&databases["search"]).await?;
            println!("{} the index will be rebuilt as generation {generation}", green("✓"));
            Ok(())
        }
        Search::Relevance => {
            let folder = TempFolder::new();
            let report = search::relevance(folder.path(), &catalogue::text("products.jsonl")?, &catalogue::text("categories.json")?)?;
            println!("{report}");
            Ok(())
        }
    }
}
