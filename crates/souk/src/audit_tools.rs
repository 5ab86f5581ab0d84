//! `souk audit`: verifies the audit log and prints its head.

use crate::{
    admin::open,
    config::{Config, ToolFlags},
    platform_run::Databases,
    style::{dim, green, red},
};
use anyhow::{Context as _, Result, bail};
use audit::{ChainKey, Head};
use clap::Subcommand;
use platform::{master_key::MasterKey, outbox};

#[derive(Subcommand)]
pub enum Audit {
    /// Verify that no entry of the audit log was changed, moved, added or removed.
    Verify {
        /// A head noted earlier, as `souk audit head` printed it: the log must still have that entry
        #[arg(long, value_name = "POSITION:HASH")]
        head: Option<Head>,
        #[command(flatten)]
        flags: ToolFlags,
    },
    /// Print the head of the audit log, to be noted outside of this installation.
    Head(ToolFlags),
}

/// The result of verifying the log and of comparing it with what the services announced.
pub(crate) struct Verified {
    /// Names the head, or says that there is nothing to verify.
    pub summary: String,
    pub faults: Vec<String>,
    pub notes: Vec<String>,
}

/// Verifies the log. Without the secret that is a fault, unless nothing was recorded yet.
pub(crate) async fn verify(config: &Config, databases: &Databases, noted: Option<Head>) -> Result<Verified> {
    let log = &databases["audit"];
    let Some(key) = config.master_key()? else {
        let (faults, notes) = match audit::is_begun(log).await? {
            true => (vec![missing_secret(config)], Vec::new()),
            false => (Vec::new(), vec![format!("there is no {} yet; the first start makes it", MasterKey::FILE)]),
        };
        return Ok(Verified { summary: "audit log, without a key".to_owned(), faults, notes });
    };
    let unreadable = "the audit log cannot be read";
    let audit::Report { checked, head, mut faults, mut notes } =
        audit::verify(log, &ChainKey::new(&key), noted).await.context(unreadable)?;
    let (missing, known_less) = audit::compare_counts(log, databases.values()).await.context(unreadable)?;
    faults.extend(missing);
    // Whoever made the secret began the log, too. Without its positions nothing else shows that it was emptied.
    if !audit::is_begun(log).await? && any_event(databases).await? {
        faults.push("the log is empty, and events were announced: it was emptied".to_owned());
    }
    notes.extend(known_less);
    let head = head.map(|head| format!(", head {head}")).unwrap_or_default();
    Ok(Verified { summary: format!("audit log of {checked} events{head}"), faults, notes })
}

async fn any_event(databases: &Databases) -> Result<bool> {
    for db in databases.values() {
        if outbox::newest(db).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn missing_secret(config: &Config) -> String {
    let path = config.data_dir.join(MasterKey::FILE);
    format!("{} is missing: without it the audit log cannot be verified; put it back from a backup", path.display())
}

pub async fn run(command: Audit) -> Result<()> {
    match command {
        Audit::Verify { head, flags } => {
            let (config, databases) = open(flags)?;
            let Verified { summary, faults, notes } = verify(&config, &databases, head).await?;
            for note in notes {
                println!("  {}", dim(note));
            }
            if !faults.is_empty() {
                println!("{} {summary}", red("✗"));
                for fault in &faults {
                    println!("  {fault}");
                }
                bail!("the audit log is not intact");
            }
            println!("{} {summary}: intact", green("✓"));
            Ok(())
        }
        Audit::Head(flags) => {
            let (config, databases) = open(flags)?;
            let Some(key) = config.master_key()? else { bail!("{}", missing_secret(&config)) };
            match audit::head(&databases["audit"], &ChainKey::new(&key)).await? {
                Ok(head) => println!("{head}"),
                Err(fault) => bail!("{fault}"),
            }
            Ok(())
        }
    }
}
