//! The tools around a running or a stopped platform. They work on the databases themselves, so an empty installation
//! can be given its first administrator.

use crate::{
    config::{Config, Flags},
    documents,
    platform_run::{self, Databases},
    style::{bold, dim, green},
};
use anyhow::{Context as _, Result, bail};
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
    /// Make an administrator. The password is read from standard input.
    Create {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "Administrator")]
        name: String,
        /// Read the password from standard input (the only way there is: arguments show in process lists)
        #[arg(long, required = true)]
        password_stdin: bool,
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Subcommand)]
pub enum Client {
    /// Make a client and print its secret, once.
    Create {
        /// Its name, such as `carrier`
        #[arg(long)]
        id: String,
        /// What it may do
        #[arg(long = "scope", required = true, value_parser = PossibleValuesParser::new(SCOPES))]
        scopes: Vec<String>,
        #[command(flatten)]
        flags: Flags,
    },
    /// List the clients and what they may do.
    List(Flags),
    /// End a client: it gets no more tokens, and the last one ends within minutes.
    Remove {
        /// Its name
        #[arg(long)]
        id: String,
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Args)]
pub struct Events {
    #[command(subcommand)]
    command: Option<EventsCommand>,
}

#[derive(Subcommand)]
enum EventsCommand {
    /// List events that services set aside because they could not consume them.
    Parked(Flags),
    /// Let set-aside events be tried again, or deliver everything since an instant once more.
    Replay {
        /// One event that was set aside
        #[arg(long, value_name = "ID", conflicts_with = "since")]
        event: Option<EventId>,
        /// Deliver again what occurred at this instant or later (RFC 3339); known events change nothing
        #[arg(long, value_name = "TIME", required_unless_present = "event")]
        since: Option<Timestamp>,
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Subcommand)]
pub enum Audit {
    /// Walk the whole log and check every link of its chain.
    Verify(Flags),
}

/// The databases, made if they are not there and migrated if they are older.
fn open_or_make(flags: Flags) -> Result<(Config, Databases)> {
    let config = flags.resolve()?;
    let databases = platform_run::databases(&config, OutdatedSchema::Migrate)?;
    Ok((config, databases))
}

/// The databases of an installation. The platform may be running on them.
///
/// # Errors
/// When there is none at the data directory, or an older one: a tool that looks makes and changes nothing.
pub(crate) fn open(flags: Flags) -> Result<(Config, Databases)> {
    let config = flags.resolve()?;
    if !config.data_dir.join(DATABASES).is_dir() {
        bail!("there is no installation in {}; name its folder with --data-dir, or start one with `souk serve`", config.data_dir.display());
    }
    let databases = platform_run::databases(&config, OutdatedSchema::Refuse)?;
    Ok((config, databases))
}

/// What was refused and why, for a person.
fn refused(what: &str) -> impl Fn(Violation) -> anyhow::Error {
    move |refused| anyhow::anyhow!("{what} {}", refused.detail)
}

/// # Errors
/// When the password or the e-mail is refused, or the database cannot be written.
pub async fn admin(command: Admin) -> Result<()> {
    let Admin::Create { email, name, password_stdin: _, flags } = command;
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).context("the password cannot be read from standard input")?;
    let password = NewPassword::parse(password.trim_end_matches(['\r', '\n'])).map_err(refused("the password"))?;
    let email = Email::parse(&email).map_err(refused("the e-mail"))?;
    let name = Name::parse(&name).map_err(refused("the name"))?;
    let (config, databases) = open_or_make(flags)?;
    let settings = config.settings.section("auth")?;
    let id = operator::create_admin(&databases["auth"], &settings, email.clone(), &password, name).await?;
    println!("{} {email} is an administrator {}", green("✓"), dim(format!("(user {id})")));
    Ok(())
}

/// # Errors
/// When the client to make exists or the one to remove does not, or the database cannot be read or written.
pub async fn client(command: Client) -> Result<()> {
    match command {
        Client::Create { id, scopes, flags } => {
            let (_, databases) = open_or_make(flags)?;
            let names: Vec<&str> = scopes.iter().map(String::as_str).collect();
            let secret = operator::create_client(&databases["auth"], &id, &names).await?;
            println!("{} client {} may {}", green("✓"), bold(&id), scopes.join(", "));
            println!("  secret: {}", secret.reveal());
            println!("  {}", dim("It is shown this once. POST /api/v1/auth/token gives tokens for it."));
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

/// # Errors
/// When a database cannot be migrated.
pub async fn migrate(flags: Flags) -> Result<()> {
    let (config, databases) = open_or_make(flags)?;
    println!("{} {} databases in {} have the current schema", green("✓"), databases.len(), config.data_dir.display());
    Ok(())
}

/// Where the audit log's chain is broken, if it is.
pub(crate) fn broken(chain: &contracts::audit::ChainReport) -> Result<(), String> {
    match chain.broken_at {
        None => Ok(()),
        Some(position) => Err(format!("the chain is broken at position {position}")),
    }
}

fn tell(aside: &FailedEvent) {
    println!("{}  {} {}, {} attempts", bold(aside.event.event_id), aside.service, aside.status, aside.attempts);
    println!("  {} of {} {}", aside.event.event_type, aside.event.aggregate_type, aside.event.aggregate_id);
    println!("  {}", dim(&aside.error));
}

/// # Errors
/// When a database cannot be read or written.
pub async fn events(events: Events) -> Result<()> {
    match events.command {
        None => documents::events(),
        Some(EventsCommand::Parked(flags)) => {
            let (_, databases) = open(flags)?;
            let mut total = 0;
            for db in databases.values() {
                inbox::walk_failed_events(db, |aside| {
                    total += 1;
                    tell(aside);
                })
                .await?;
            }
            println!("{total} events are set aside");
            Ok(())
        }
        Some(EventsCommand::Replay { event: Some(id), flags, .. }) => {
            let (_, databases) = open(flags)?;
            for db in databases.values() {
                if inbox::replay(db, id).await? {
                    println!("{} {} tries event {id} again", green("✓"), db.service());
                    return Ok(());
                }
            }
            bail!("no service has set aside an event {id}, or it waits behind an earlier one")
        }
        Some(EventsCommand::Replay { since, flags, .. }) => {
            let since = since.context("--since or --event")?;
            let (_, databases) = open(flags)?;
            let oldest = Env::system().now().before(INBOX_KEPT);
            if since < oldest {
                bail!("events are known for {} days: what occurred before {oldest} would take effect twice", INBOX_KEPT.as_secs() / 86_400);
            }
            for (producer, outbox) in &databases {
                let position = outbox::position_before(outbox, since).await?;
                for (consumer, inbox) in &databases {
                    // Who does not hear the producer is at its beginning.
                    if position < inbox::position(inbox, producer).await? {
                        inbox::set_position(inbox, producer, position).await?;
                        println!("{} {consumer} hears {producer} again from position {position}", green("✓"));
                    }
                }
            }
            Ok(())
        }
    }
}

/// # Errors
/// When the chain is broken, or the database cannot be read.
pub async fn audit(command: Audit) -> Result<()> {
    let Audit::Verify(flags) = command;
    let (_, databases) = open(flags)?;
    let chain = audit::verify(&databases["audit"]).await?;
    match broken(&chain) {
        Ok(()) => {
            println!("{} {} events, and every link of the chain holds", green("✓"), chain.checked);
            Ok(())
        }
        Err(wrong) => bail!("{wrong}"),
    }
}
