//! The `souk` program: runs the marketplace, and the tools for its data.

use clap::{Parser, Subcommand};
use contracts::ids::Uuid;
use platform::{
    context::Context,
    env::Env,
    telemetry::{self, LogFormat},
};
use souk::{admin, audit_tools, backup, bench, config, data_dir, demo, doctor, documents, out, restore, search_tools, serve, style};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A digital marketplace in one process, on embedded databases.
#[derive(Parser)]
#[command(name = "souk", version, about, max_term_width = 100, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole platform in one process.
    Serve(serve::Serve),
    /// Run the platform with the demo's products, stock and accounts, and print what to try.
    Demo(config::Flags),
    /// Manage administrators.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Manage clients that get service tokens, such as a carrier.
    #[command(subcommand)]
    Client(admin::Client),
    /// Migrate every database to the current schema.
    Migrate(config::ToolFlags),
    /// Check configuration, databases, consistency and clock, and print what is wrong.
    Doctor(doctor::Doctor),
    /// Copy an installation, whether it runs or not, and check the copy.
    Backup(backup::Backup),
    /// Make a data directory of a backup.
    Restore(restore::Restore),
    /// Manage the search index.
    #[command(subcommand)]
    Search(search_tools::Search),
    /// Measure the platform under load.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Print the OpenAPI 3.1 description of the API.
    Openapi {
        /// Of the operations that only services call.
        #[arg(long)]
        internal: bool,
    },
    /// Print the catalogue of events with their JSON Schemas, or manage failed events.
    Events(admin::Events),
    /// Print the catalogue of error codes.
    Problems,
    /// Verify the audit log, or print its head.
    #[command(subcommand)]
    Audit(audit_tools::Audit),
}

fn main() -> ExitCode {
    data_dir::restrict_new_files();
    let arguments: Vec<_> = std::env::args_os().collect();
    telemetry::set_format(config::requested_log_format(&arguments));
    if let Err(error) = config::variables() {
        style::fail(&error);
        return ExitCode::FAILURE;
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && telemetry::format() == LogFormat::Json => {
            style::fail(&anyhow::Error::msg(error.to_string()));
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            style::fail(&anyhow::Error::from(error).context("cannot start the runtime"));
            return ExitCode::FAILURE;
        }
    };
    // The correlation id separates what a command writes from what requests write.
    let context = Context::new(format!("command-{}", Env::system().new_id::<Uuid>()));
    let outcome = runtime.block_on(context.scope(async {
        match arguments.command {
            Command::Serve(serve) => serve::run(serve).await,
            Command::Demo(flags) => demo::run(flags).await,
            Command::Admin(command) => admin::admin(command).await,
            Command::Client(command) => admin::client(command).await,
            Command::Migrate(flags) => admin::migrate(flags).await,
            Command::Doctor(doctor) => doctor::run(doctor).await,
            Command::Backup(backup) => backup::run(backup).await,
            Command::Restore(restore) => restore::run(restore).await,
            Command::Search(command) => search_tools::run(command).await,
            Command::Bench(bench) => bench::run(bench).await,
            Command::Openapi { internal } => documents::openapi(internal).await,
            Command::Events(events) => admin::events(events).await,
            Command::Problems => documents::print(&contracts::registry::problems_json()),
            Command::Audit(command) => audit_tools::run(command).await,
        }
    }));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match outcome.and_then(|()| out::finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            style::fail(&error);
            ExitCode::FAILURE
        }
    }
}
