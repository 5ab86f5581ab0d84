//! `souk restore`: makes a data directory of a backup.

use crate::{
    backup::{self, Manifest, PERSON_KEYS, is_empty_or_absent, refuse_servers, size},
    config::ToolFlags,
    data_dir,
    new_folder::{self, NewFolder},
    style::{bold, dim, green},
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use contracts::ids::Uuid;
use platform::{
    db::person_keys,
    env::Env,
    personal::{ERASED_SINCE, ORDERS_ERASED_SINCE},
    runtime::DATABASES,
};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

#[derive(Args)]
pub struct Restore {
    /// The folder that `souk backup` made
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Move an existing data directory aside; without this it must be empty or not exist
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    flags: ToolFlags,
}

pub async fn run(restore: Restore) -> Result<()> {
    let config = restore.flags.resolve()?;
    refuse_servers(&config, "restored", "`pg_restore` restores what `pg_dump` wrote")?;
    let (from, target) = (restore.from, config.data_dir.clone());
    let manifest = Manifest::read(&from)?;
    let is_free = is_free(&target)?;
    if !is_free && !restore.replace {
        bail!("{} is not empty; name another folder with --data-dir, or move it aside with --replace", target.display());
    }
    // Nobody starts on the old data meanwhile.
    let _lock = if target.exists() { Some(data_dir::lock(&Env::system(), &target).await?) } else { None };

    let erased = Erased::of(&target)?;
    let folder = NewFolder::begin(&target)?;
    for file in &manifest.files {
        let path = Path::new(&file.path);
        if let Some(parent) = path.parent() {
            folder.create_folder(parent)?;
        }
        let copied = match new_folder::copy(&from.join(path), &folder.path.join(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!("the backup is damaged: {} is missing", file.path),
            copied => copied.with_context(|| format!("{} cannot be copied", file.path))?,
        };
        ensure!(
            copied.bytes == file.bytes && copied.sha256 == file.sha256,
            "the backup is damaged: {} is not as it was when the backup was made",
            file.path
        );
    }
    let (users, orders) = put_person_keys(&folder, &manifest, &erased)?;
    let aside = if is_free { None } else { Some(move_aside(&target)?) };
    if is_free && target.exists() {
        remove_lock(&target)?;
    }
    if let Err(error) = folder.publish() {
        if let Some(aside) = &aside {
            fs::rename(aside, &target).with_context(|| format!("{error:#}; the former data is in {}", aside.display()))?;
        }
        return Err(error);
    }
    println!("{} {} restored from {}", green("✓"), bold(target.display()), from.display());
    println!("  {} files, {}, as of {}, made by {}", manifest.files.len(), size(manifest.bytes()), manifest.taken_at, manifest.program);
    if let Some(aside) = aside {
        println!("  the former data is in {}", aside.display());
    }
    for (count, what) in [(users, "users who were"), (orders, "orders of guests that were")].into_iter().filter(|(count, _)| *count > 0) {
        println!("  {count} {what} erased since are erased again at the next start, before it answers requests");
    }
    let faults = backup::check(&config, &target).await?;
    println!("  {}", dim(format_args!("What was done after {} is not in it.", manifest.taken_at)));
    println!("  {}", dim(format_args!("Start it with `souk serve --data-dir {}`; the search index is made anew.", target.display())));
    match faults {
        0 => Ok(()),
        faults => bail!("the data is restored, and the doctor found {faults} faults in it"),
    }
}

/// Who was erased in a data directory.
struct Erased {
    users: BTreeSet<Uuid>,
    /// Orders of guests, who have no account.
    orders: BTreeSet<Uuid>,
}

impl Erased {
    fn of(data_dir: &Path) -> Result<Erased> {
        let read = |service: &str| {
            let database = data_dir.join(DATABASES).join(service).with_extension("db");
            match database.exists() {
                true => person_keys::list_erased(&database)
                    .with_context(|| format!("who was erased cannot be read from {}", database.display())),
                false => Ok(BTreeSet::new()),
            }
        };
        let users = read(contracts::auth::NAME)?;
        // Both are noted in the database of orders.
        let orders = read(contracts::order::NAME)?.difference(&users).copied().collect();
        Ok(Erased { users, orders })
    }
}

/// Moves the keys of persons back into the restored databases, without those of persons who were erased since, and lets the next start
/// erase these persons. Returns the number of users and of orders.
fn put_person_keys(folder: &NewFolder, manifest: &Manifest, erased: &Erased) -> Result<(usize, usize)> {
    let (path, databases) = (folder.path.join(PERSON_KEYS), folder.path.join(DATABASES));
    // A backup of an earlier version has the keys in its databases.
    let keys = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        text => serde_json::from_slice(&text?).with_context(|| format!("{PERSON_KEYS} cannot be read"))?,
    };
    let in_folder = |file: &backup::FileEntry| file.path.strip_prefix(DATABASES)?.strip_prefix('/').map(str::to_owned);
    let names: Vec<String> = manifest.files.iter().filter_map(in_folder).collect();
    person_keys::put(&databases, &names, &keys, &erased.users.union(&erased.orders).copied().collect())
        .context("the keys of persons cannot be put back")?;
    if path.exists() {
        fs::remove_file(&path).with_context(|| format!("{PERSON_KEYS} cannot be removed"))?;
    }
    let restored = Erased::of(&folder.path)?;
    let note = |erased: &BTreeSet<Uuid>, restored: &BTreeSet<Uuid>, file: &str| -> Result<usize> {
        let since: Vec<String> = erased.difference(restored).map(ToString::to_string).collect();
        if !since.is_empty() {
            platform::atomic_file::write(&folder.path.join(file), since.join("\n").as_bytes())
                .with_context(|| format!("{file} cannot be written"))?;
        }
        Ok(since.len())
    };
    Ok((note(&erased.users, &restored.users, ERASED_SINCE)?, note(&erased.orders, &restored.orders, ORDERS_ERASED_SINCE)?))
}

/// Whether nothing is lost when the folder is replaced: it is absent, empty, or holds only the lock of a start that failed.
fn is_free(target: &Path) -> Result<bool> {
    if is_empty_or_absent(target)? {
        return Ok(true);
    }
    let entries = fs::read_dir(target).with_context(|| format!("{} cannot be read", target.display()))?;
    Ok(entries.map_while(Result::ok).all(|entry| entry.file_name() == LOCK))
}

const LOCK: &str = "lock";

fn remove_lock(target: &Path) -> Result<()> {
    match fs::remove_file(target.join(LOCK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be emptied", target.display()))
        }
        _ => Ok(()),
    }
}

/// Renames the data directory, and returns its new name.
fn move_aside(target: &Path) -> Result<PathBuf> {
    let unusable = || format!("{} cannot be moved aside", target.display());
    let absolute = std::path::absolute(target).with_context(unusable)?;
    let mut name = absolute.file_name().with_context(unusable)?.to_owned();
    // A name without the characters that shells and other systems give a meaning.
    name.push(format!(".before-restore-{}", Env::system().now().to_string().replace([':', '.'], "-")));
    let aside = absolute.with_file_name(name);
    fs::rename(&absolute, &aside).with_context(unusable)?;
    new_folder::sync_parent(&aside).with_context(unusable)?;
    Ok(aside)
}
