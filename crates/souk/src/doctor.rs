//! `souk doctor`: checks an installation and prints what is wrong.
//!
//! Each service checks its own data; [`consistency`] compares the data of several services. The platform may run meanwhile:
//! what changes during the check is reported as in progress.

mod consistency;

use crate::{
    admin::{chain_fault, open},
    config::ToolFlags,
    style::{dim, green, red},
};
use anyhow::{Result, bail};
use platform::{db::Db, inbox, outbox};
use std::time::Duration;

/// How far in the future the newest event may be before the clock counts as wrong.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// Prints results and counts faults.
#[derive(Default)]
struct Report {
    faults: usize,
}

impl Report {
    /// Prints the result of one check, with a line for each fault.
    fn check(&mut self, what: &str, faults: &[String]) {
        self.faults += faults.len();
        println!("{} {what}", if faults.is_empty() { green("✓") } else { red("✗") });
        for fault in faults {
            println!("  {fault}");
        }
    }

    /// Prints what is not a fault.
    fn notes(notes: &[String]) {
        for note in notes {
            println!("  {}", dim(note));
        }
    }
}

pub async fn run(flags: ToolFlags) -> Result<()> {
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
    let orders = consistency::check(db("order"), db("payment"), db("inventory"), db("shipping")).await?;
    report.check(&orders.heading(), &orders.faults);
    Report::notes(&orders.notes());
    let chain = audit::verify(db("audit")).await?;
    report.check(&format!("audit log of {} events", chain.checked), &faults_of(chain_fault(&chain)));
    match report.faults {
        0 => Ok(()),
        1 => bail!("1 thing needs attention"),
        faults => bail!("{faults} things need attention"),
    }
}

fn faults_of(checked: Result<(), impl ToString>) -> Vec<String> {
    checked.err().map(|wrong| wrong.to_string()).into_iter().collect()
}

/// Whether the service failed to consume events.
async fn failed_events(db: &Db) -> Result<Vec<String>> {
    let failed: u64 = inbox::count_failed_events(db).await?.iter().map(|(_, count)| count).sum();
    Ok(if failed == 0 { Vec::new() } else { vec![format!("{failed} events failed; see `souk events parked`")] })
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
