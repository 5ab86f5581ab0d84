//! Commands for a running or a stopped platform. They use the databases directly, so that they can create the first
//! administrator of an empty installation.

use crate::{
    config::{Config, ToolFlags},
    documents, event_list,
    platform_run::{self, Databases},
    style::{bold, dim, green},
};
use anyhow::{Context as _, Result, bail};
use audit::ChainKey;
use auth::operator;
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use contracts::{
    auth::SCOPES,
    ids::EventId,
    secret::NewPassword,
    text::{Email, Name, Violation},
    time::Timestamp,
};
use platform::{
    db::OutdatedSchema,
    env::Env,
    inbox::{self, FailedEvent},
    outbox,
    runtime::{DATABASES, INBOX_KEPT},
};
use std::io::Read as _;

#[derive(Subcommand)]
pub enum Admin {
    /// Create an administrator. The password is read from standard input.
    Create {
        /// The e-mail to log in with
        #[arg(long)]
        email: String,
        /// The name of the person
        #[arg(long, default_value = "Administrator")]
        name: String,
        /// Read the password from standard input (an argument would be visible in process lists)
        #[arg(long, required = true)]
        password_stdin: bool,
        #[command(flatten)]
        flags: ToolFlags,
    },
}

#[derive(Subcommand)]
pub enum Client {
    /// Create a client and print its secret, once.
    Create {
        /// Its name, such as `carrier`
        #[arg(long)]
        id: String,
        /// A scope that it may have; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = PossibleValuesParser::new(SCOPES))]
        scopes: Vec<String>,
        #[command(flatten)]
        flags: ToolFlags,
    },
    /// List the clients and their scopes.
    List(ToolFlags),
    /// Remove a client: it gets no more tokens, and its last token expires within minutes.
    Remove {
        /// Its name
        #[arg(long)]
        id: String,
        #[command(flatten)]
        flags: ToolFlags,
    },
}

#[derive(Args)]
pub struct Events {
    #[command(subcommand)]
    command: Option<EventsCommand>,
}

#[derive(Subcommand)]
enum EventsCommand {
    /// List the newest events that the services announced, oldest of them first.
    List(event_list::ListEvents),
    /// List failed events: events that a service could not consume.
    Parked(ToolFlags),
    /// Let a consumer go on without events that its producer's stream and outbox do not have any more.
    Skip {
        /// The service that consumes
        #[arg(long, value_name = "SERVICE", value_parser = PossibleValuesParser::new(contracts::SERVICE_NAMES))]
        consumer: String,
        /// The service whose events it misses
        #[arg(long, value_name = "SERVICE", value_parser = PossibleValuesParser::new(contracts::SERVICE_NAMES))]
        producer: String,
        #[command(flatten)]
        flags: ToolFlags,
    },
    /// Retry a failed event, or deliver all events since an instant again.
    Replay {
        #[command(flatten)]
        which: Replayed,
        #[command(flatten)]
        flags: ToolFlags,
    },
}

/// The events to replay: one of the two must be given.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Replayed {
    /// Retry this failed event; `souk events parked` lists them
    #[arg(long, value_name = "ID")]
    event: Option<EventId>,
    /// Deliver again all events that occurred at this instant or later (RFC 3339); events already consumed change nothing
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
}

/// Opens the databases; creates and migrates them if necessary.
fn open_or_create(flags: ToolFlags) -> Result<(Config, Databases)> {
    let config = flags.resolve()?;
    let databases = platform_run::databases(&config, OutdatedSchema::Migrate)?;
    Ok((config, databases))
}

/// Opens the databases of an installation, on which the platform may be running. It fails for a data directory without
/// databases or with an older schema: a tool that reads creates and changes nothing.
pub(crate) fn open(flags: ToolFlags) -> Result<(Config, Databases)> {
    let config = flags.resolve()?;
    find_installation(&config)?;
    let databases = platform_run::databases(&config, OutdatedSchema::Refuse)?;
    Ok((config, databases))
}

/// Checks that the data directory has databases, if they are embedded.
pub(crate) fn find_installation(config: &Config) -> Result<()> {
    if config.servers.is_none() && !config.data_dir.join(DATABASES).is_dir() {
        bail!("there is no installation in {}; name its folder with --data-dir, or start one with `souk serve`", config.data_dir.display());
    }
    Ok(())
}

/// Returns an error that names what was rejected, and why.
fn rejected(what: &str) -> impl Fn(Violation) -> anyhow::Error {
    move |violation| anyhow::anyhow!("{what} {}", violation.detail)
}

pub async fn admin(command: Admin) -> Result<()> {
    let Admin::Create { email, name, password_stdin: _, flags } = command;
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).context("the password cannot be read from standard input")?;
    let password = NewPassword::parse(password.trim_end_matches(['\r', '\n'])).map_err(rejected("the password"))?;
    let email = Email::parse(&email).map_err(rejected("the e-mail"))?;
    let name = Name::parse(&name).map_err(rejected("the name"))?;
    let (config, databases) = open_or_create(flags)?;
    let settings = config.settings.section("auth")?;
    let id = operator::create_admin(&databases["auth"], &settings, email.clone(), &password, name).await?;
    println!("{} {email} is an administrator {}", green("✓"), dim(format!("(user {id})")));
    Ok(())
}

pub async fn client(command: Client) -> Result<()> {
    match command {
        Client::Create { id, scopes, flags } => {
            let (_, databases) = open_or_create(flags)?;
            let names: Vec<&str> = scopes.iter().map(String::as_str).collect();
            let secret = operator::create_client(&databases["auth"], &id, &names).await?;
            println!("{} client {} may {}", green("✓"), bold(&id), scopes.join(", "));
            println!("  secret: {}", secret.reveal());
            println!("  {}", dim("It is not shown again. POST /api/v1/auth/token gives tokens for it."));
        }
        Client::List(flags) => {
            let (_, databases) = open(flags)?;
            let clients = operator::list_clients(&databases["auth"]).await?;
            for client in &clients {
                println!("{}  {}  {}", bold(&client.client_id), client.scopes, dim(format!("since {}", client.created_at)));
            }
            println!("{} {}", clients.len(), if clients.len() == 1 { "client" } else { "clients" });
        }
        Client::Remove { id, flags } => {
            let (_, databases) = open(flags)?;
            if !operator::remove_client(&databases["auth"], &id).await? {
                bail!("there is no client {id}");
            }
            println!("{} client {} gets no more tokens", green("✓"), bold(&id));
        }
    }
    Ok(())
}

pub async fn migrate(flags: ToolFlags) -> Result<()> {
    let (config, databases) = open_or_create(flags)?;
    if let Some(key) = config.master_key()? {
        let entries = audit::upgrade(&databases["audit"], &ChainKey::new(&key)).await?;
        if entries > 0 {
            println!("{} {entries} entries of the audit log were chained anew, with a key", green("✓"));
        }
    }
    println!("{} {} databases in {} have the current schema", green("✓"), databases.len(), config.databases_shown());
    Ok(())
}

fn print_failed_event(failed: &FailedEvent) {
    println!("{}  {} {}, {} attempts", bold(failed.event.event_id), failed.service, failed.status, failed.attempts);
    println!("  {} of {} {}", failed.event.event_type, failed.event.aggregate_type, failed.event.aggregate_id);
    println!("  {}", dim(&failed.error));
}

pub async fn events(events: Events) -> Result<()> {
    match events.command {
        None => documents::print(&contracts::registry::events_json()),
        Some(EventsCommand::List(list)) => event_list::run(list).await,
        Some(EventsCommand::Parked(flags)) => {
            let (_, databases) = open(flags)?;
            let mut total = 0;
            for db in databases.values() {
                inbox::walk_failed_events(db, |failed| {
                    total += 1;
                    print_failed_event(failed);
                })
                .await?;
            }
            println!("{total} failed events");
            Ok(())
        }
        Some(EventsCommand::Skip { consumer, producer, flags }) => skip(&consumer, &producer, flags).await,
        Some(EventsCommand::Replay { which: Replayed { event: Some(id), .. }, flags }) => {
            let (_, databases) = open(flags)?;
            for db in databases.values() {
                if inbox::replay(db, id).await? {
                    println!("{} {} retries event {id}", green("✓"), db.service());
                    return Ok(());
                }
            }
            bail!("there is no failed event {id}, or it waits for an earlier one")
        }
        Some(EventsCommand::Replay { which: Replayed { since, .. }, flags }) => {
            let since = since.expect("one of the group is required");
            let (config, databases) = open(flags)?;
            let broker = platform_run::broker(&config).await?;
            let oldest = Env::system().now().before(INBOX_KEPT);
            if since < oldest {
                bail!(
                    "consumed events are remembered for {} days: events from before {oldest} would take effect twice",
                    INBOX_KEPT.as_secs() / 86_400
                );
            }
            for (producer, outbox) in &databases {
                let mut position = outbox::position_before(outbox, since).await?;
                if let Some(broker) = &broker
                    && let Some(stream) = broker.find_stream(producer).await?
                {
                    // What the stream does not have cannot be delivered.
                    position = position.max(stream.first - 1);
                }
                for (consumer, inbox) in &databases {
                    // The position of a service that does not consume from the producer is 0.
                    if position < inbox::position(inbox, producer).await? {
                        inbox::set_position(inbox, outbox, position).await?;
                        println!("{} {consumer} consumes {producer} again from position {position}", green("✓"));
                    }
                }
            }
            Ok(())
        }
    }
}

async fn skip(consumer: &str, producer: &str, flags: ToolFlags) -> Result<()> {
    let (config, databases) = open(flags)?;
    let Some(broker) = platform_run::broker(&config).await? else {
        bail!("events stay within the process, where none is lost; there is nothing to skip");
    };
    let (inbox, outbox) = (&databases[consumer], &databases[producer]);
    let Some(stream) = broker.find_stream(producer).await? else { bail!("there is no stream of {producer}; start a process that runs it") };
    let position = inbox::position(inbox, outbox.service()).await?;
    if stream.first <= position + 1 {
        println!("{} {consumer} stands at {position} of {producer}, and can read on: nothing is skipped", green("✓"));
        return Ok(());
    }
    inbox::set_position(inbox, outbox, stream.first - 1).await?;
    println!("{} {consumer} goes on with event {} of {producer}, without {} events", green("✓"), stream.first, stream.first - 1 - position);
    println!("  {}", dim("`souk doctor` finds what they would have changed."));
    Ok(())
}
