//! `souk doctor`: checks an installation and prints what is wrong.
//!
//! Each service checks its own data; [`consistency`] compares the data of several services. The platform may run meanwhile:
//! what changes during the check is reported as in progress. The doctor changes nothing and makes no file.

mod consistency;
mod event_broker;
mod ledger;
mod marketplace;
mod pending_events;
#[cfg(test)]
mod sample;

use crate::{
    admin::open,
    audit_tools,
    config::{Config, ToolFlags},
    platform_run::Databases,
    style::{dim, green, red},
};
use anyhow::{Result, bail};
use clap::Args;
use platform::{
    db::Db,
    inbox::{self, Rewind},
    outbox,
};
use std::{fmt::Display, time::Duration};

#[derive(Args)]
pub struct Doctor {
    /// Print every check, not a line for each area that is well
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    flags: ToolFlags,
}

/// How far in the future the newest event may be before the clock counts as wrong.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);
/// Notes of a check that are printed at most, unless all are wanted.
const MAX_NOTES: usize = 3;

/// Missing pictures that are named at most.
const MAX_MISSING: usize = 20;

/// One check: what was checked, a sentence for each fault, and what is no fault.
struct Check {
    what: String,
    faults: Vec<String>,
    notes: Vec<String>,
}

impl Check {
    fn new(what: impl Into<String>, faults: Vec<String>) -> Check {
        Check { what: what.into(), faults, notes: Vec::new() }
    }

    fn print(&self, verbose: bool) {
        println!("{} {}", if self.faults.is_empty() { green("✓") } else { red("✗") }, self.what);
        for fault in &self.faults {
            println!("  {fault}");
        }
        let shown = if verbose { self.notes.len() } else { self.notes.len().min(MAX_NOTES) };
        for note in &self.notes[..shown] {
            println!("  {}", dim(note));
        }
        if shown < self.notes.len() {
            println!("  {}", dim(format_args!("{} more; --verbose prints them", self.notes.len() - shown)));
        }
    }
}

/// Checks of one kind.
struct Area {
    /// What is well when all of them are.
    summary: String,
    checks: Vec<Check>,
}

/// The result of the examination of an installation.
pub struct Examination(Vec<Area>);

impl Examination {
    /// How many faults were found.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.0.iter().flat_map(|area| &area.checks).map(|check| check.faults.len()).sum()
    }

    /// Prints a line for each area that is well and every fault; or every check.
    fn print(&self, verbose: bool) {
        for Area { summary, checks } in &self.0 {
            // Without an event broker there is nothing to say about one.
            if checks.is_empty() {
                continue;
            }
            let is_well = checks.iter().all(|check| check.faults.is_empty());
            if is_well && !verbose && checks.len() > 1 {
                println!("{} {summary}", green("✓"));
                continue;
            }
            for check in checks.iter().filter(|check| verbose || checks.len() == 1 || !check.faults.is_empty()) {
                check.print(verbose);
            }
        }
    }

    /// Prints the checks that found faults.
    pub fn print_faults(&self) {
        for check in self.0.iter().flat_map(|area| &area.checks).filter(|check| !check.faults.is_empty()) {
            check.print(false);
        }
    }
}

pub async fn run(doctor: Doctor) -> Result<()> {
    let (config, databases) = match open(doctor.flags) {
        Ok(opened) => opened,
        Err(error) => {
            println!("{} the platform cannot start", red("✗"));
            return Err(error);
        }
    };
    let examination = examine(&config, &databases).await;
    examination.print(doctor.verbose);
    match examination.faults() {
        0 => Ok(()),
        1 => bail!("1 thing needs attention"),
        faults => bail!("{faults} things need attention"),
    }
}

/// Checks everything.
pub async fn examine(config: &Config, databases: &Databases) -> Examination {
    let (mut files, mut events, mut clocks) = (Vec::new(), Vec::new(), Vec::new());
    for (name, db) in databases {
        files.push(Check::new(format!("database {name}"), faults_of(db.check().await)));
        events.push(Check::new(format!("events of {name}"), or_fault(failed_events(db).await)));
        clocks.push(Check::new(format!("clock against {name}"), or_fault(clock(db).await)));
    }
    let db = |name: &str| &databases[name];
    let stock = or_fault(inventory::check_consistency(db("inventory")).await);
    let money = or_fault(payment::check_consistency(db("payment")).await);
    let orders = match consistency::check(db("order"), db("payment"), db("inventory"), db("shipping")).await {
        Ok(orders) => Check { what: orders.heading(), notes: orders.notes(), faults: orders.faults },
        Err(error) => Check::new("orders", or_fault(Err(error))),
    };
    let ledger = ledger::Sources { ledger: db("payout"), payments: db("payment"), orders: db("order"), returns: db("returns") };
    let ledger = match ledger::check(ledger).await {
        Ok((what, faults)) => Check::new(what, faults),
        Err(error) => Check::new("ledger", or_fault(Err(error))),
    };
    let sources = marketplace::Sources { orders: db("order"), promotions: db("promotion"), returns: db("returns") };
    let marketplace =
        Check::new("marketplace: uses of promotions and returned units agree with orders", or_fault(marketplace::check(sources).await));
    let pictures = pictures(config, db("catalog")).await;
    let log = match audit_tools::verify(config, databases, None).await {
        Ok(log) => Check { what: log.summary, faults: log.faults, notes: log.notes },
        Err(error) => Check::new("audit log", or_fault(Err(error))),
    };
    let positions = match positions(databases).await {
        Ok(positions) => positions,
        Err(error) => Check::new("positions", or_fault(Err(error))),
    };
    let (broker, streams) = event_broker::check(config, databases).await;
    let single = |check: Check| Area { summary: String::new(), checks: vec![check] };
    Examination(vec![
        single(Check::new(format!("configuration, data in {}", config.data_dir.display()), Vec::new())),
        Area { summary: format!("{} databases", files.len()), checks: files },
        Area { summary: "events: every one was consumed or is on its way".to_owned(), checks: events },
        Area { summary: "NATS: version and settings".to_owned(), checks: broker },
        Area { summary: "streams: each is a copy of its outbox, and every consumer can read on".to_owned(), checks: streams },
        single(positions),
        Area { summary: "clock".to_owned(), checks: clocks },
        single(Check::new("stock: available, reserved and sold add up", stock)),
        single(Check::new("money: payments and the provider's ledger agree", money)),
        single(orders),
        single(ledger),
        single(marketplace),
        single(pictures),
        single(log),
    ])
}

/// Whether the files of pictures are where the settings say: all in the data directory, or a sample in a bucket.
async fn pictures(config: &Config, db: &Db) -> Check {
    let what = "pictures: every file that a product shows is there";
    let settings = match config.settings.section::<catalog::Settings>("catalog") {
        Ok(settings) => settings,
        Err(error) => return Check::new(what, or_fault(Err(error))),
    };
    let found = catalog::find_missing_pictures(db, &settings, &config.data_dir.join("catalog"), MAX_MISSING).await;
    let (looked_for, is_sample) = found.as_ref().map_or((0, false), |found| (found.looked_for, found.is_sample));
    let check = Check::new(what, or_fault(found.map(|found| found.missing)));
    match settings.pictures_s3_url {
        None => check,
        Some(bucket) => {
            let of_them = if is_sample { "a sample of them" } else { "all of them" };
            let note = format!("their files are in the bucket {bucket}: {looked_for} pictures, {of_them}, were looked for there");
            Check { notes: vec![note], ..check }
        }
    }
}

/// Makes a check that failed a fault, so that the others still run.
fn or_fault(found: Result<Vec<String>, impl Display>) -> Vec<String> {
    found.unwrap_or_else(|error| vec![format!("cannot be checked: {error}")])
}

fn faults_of(checked: Result<(), impl ToString>) -> Vec<String> {
    checked.err().map(|wrong| wrong.to_string()).into_iter().collect()
}

/// Whether the service failed to consume events.
async fn failed_events(db: &Db) -> Result<Vec<String>> {
    let failed: u64 = inbox::count_failed_events(db).await?.iter().map(|(_, count)| count).sum();
    Ok(if failed == 0 { Vec::new() } else { vec![format!("{failed} events failed; see `souk events parked`")] })
}

/// Whether services stand on events that their producers do not have, and which went back from such.
async fn positions(databases: &Databases) -> Result<Check> {
    let mut check = Check::new("positions: every consumer stands on an event that its producer has", Vec::new());
    for (name, db) in databases {
        for producer in databases.values() {
            check.faults.extend(inbox::find_disagreement(db, producer).await?.map(|sentence| format!("{name}: {sentence}")));
        }
        let sentence = |Rewind { producer, from, at }| {
            format!("{name} went back from position {from} of {producer} at {at}, because the database of {producer} was older or new")
        };
        check.notes.extend(inbox::list_rewinds(db).await?.into_iter().map(sentence));
    }
    Ok(check)
}

/// Whether the newest event is in the future: then the clock was set back.
async fn clock(db: &Db) -> Result<Vec<String>> {
    let (newest, now) = (outbox::newest(db).await?, db.now());
    Ok(match newest {
        Some(event) if event.occurred_at > now.after(CLOCK_TOLERANCE) => {
            vec![format!("it is {now}, and the newest event is from {}", event.occurred_at)]
        }
        _ => Vec::new(),
    })
}
