//! `souk doctor`: whether everything is as it must be, in plain words.
//!
//! Each service's books are its own to check; what only shows between services is checked here ([`consistency`]). It may run
//! beside the platform: what moves while it is looked at is told as being in progress.

mod consistency;

use crate::{
    admin::{broken, open},
    config::Flags,
    style::{dim, green, red},
};
use anyhow::{Result, bail};
use platform::{db::Db, inbox, outbox};
use std::time::Duration;

/// How far the newest event may lie in the future before the clock counts as wrong.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// What was found so far.
#[derive(Default)]
struct Report {
    faults: usize,
}

impl Report {
    /// One thing that was checked, and a sentence for each fault.
    fn check(&mut self, what: &str, faults: &[String]) {
        self.faults += faults.len();
        println!("{} {what}", if faults.is_empty() { green("✓") } else { red("✗") });
        for fault in faults {
            println!("  {fault}");
        }
    }

    /// What is no fault and good to know.
    fn note(notes: &[String]) {
        for note in notes {
            println!("  {}", dim(note));
        }
    }
}

/// # Errors
/// When something is wrong.
pub async fn run(flags: Flags) -> Result<()> {
    let (config, databases) = match open(flags) {
        Ok(opened) => opened,
        Err(error) => {
            println!("{} the platform cannot start", red("✗"));
            return Err(error);
        }
    };
    let mut report = Report::default();
    report.check(&format!("configuration, data in {}", config.data_dir.display()), &[]);
    for (name, db) in &databases {
        report.check(&format!("database {name}"), &faults_of(db.check().await));
        report.check(&format!("events of {name}"), &failed_events(db).await?);
        report.check(&format!("clock against {name}"), &clock(db).await?);
    }
    let db = |name: &str| &databases[name];
    report.check("stock: available, reserved and sold add up", &inventory::check_consistency(db("inventory")).await?);
    report.check("money: payments and the provider's ledger agree", &payment::check_consistency(db("payment")).await?);
    let consistency = consistency::check(db("order"), db("payment"), db("inventory"), db("shipping")).await?;
    report.check(&consistency.heading(), &consistency.faults);
    Report::note(&consistency.notes());
    let chain = audit::verify(db("audit")).await?;
    report.check(&format!("audit log of {} events", chain.checked), &faults_of(broken(&chain)));
    match report.faults {
        0 => Ok(()),
        1 => bail!("1 thing needs attention"),
        faults => bail!("{faults} things need attention"),
    }
}

fn faults_of(checked: Result<(), impl ToString>) -> Vec<String> {
    checked.err().map(|wrong| wrong.to_string()).into_iter().collect()
}

/// Events that the service could not consume.
async fn failed_events(db: &Db) -> Result<Vec<String>> {
    let parked: u64 = inbox::count_failed_events(db).await?.iter().map(|(_, count)| count).sum();
    Ok(if parked == 0 { Vec::new() } else { vec![format!("{parked} events are set aside; see `souk events parked`")] })
}

/// Whether the newest event lies in the future: then the clock jumped back.
async fn clock(db: &Db) -> Result<Vec<String>> {
    let (newest, now) = (outbox::newest(db).await?, db.now());
    Ok(match newest {
        Some(event) if event.occurred_at > now.after(CLOCK_TOLERANCE) => {
            vec![format!("it is {now}, and the newest event says {}", event.occurred_at)]
        }
        _ => Vec::new(),
    })
}
