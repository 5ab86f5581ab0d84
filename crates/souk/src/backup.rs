//! `souk backup`: a consistent copy of an installation, whether it runs or not.
//!
//! Mails are copied first, then the databases as they are at one instant ([`platform::db::snapshot`]), then the secret and the other
//! files of the data directory. A mail is written after its row and a picture before it, so every mail of a copy has its row, by which
//! an erasure finds it, and every row its picture. The search index is not among them: it is made of a database, and the first start
//! makes it anew. The copy gets its name only when the doctor has checked it and its manifest is written.

use crate::{
    admin::find_installation,
    config::{Config, ToolFlags},
    doctor,
    new_folder::{self, Digest, NewFolder},
    platform_run, services,
    style::{bold, dim, green, red},
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use contracts::time::Timestamp;
use notification::MAILBOX;
use platform::{
    db::{OutdatedSchema, person_keys, snapshot},
    env::Env,
    master_key::MasterKey,
    runtime::DATABASES,
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Args)]
pub struct Backup {
    /// The folder of the copy. It must be empty or not exist
    #[arg(value_name = "DIR")]
    into: PathBuf,
    #[command(flatten)]
    flags: ToolFlags,
}

/// Entries of the data directory that are not copied with its other files: databases and mails, which have their turn, and what is no part
/// of a copy: the lock of the running program, the search index, and the file that keeps space on the disk.
const LEFT_OUT: [&str; 5] = [DATABASES, MAILBOX, "lock", "search", "reserve"];

/// The file with the keys of persons, which are in no copied database.
pub const PERSON_KEYS: &str = "person-keys.json";

/// The file that makes a folder a backup.
pub const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;

/// What a backup consists of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// The instant of the databases.
    pub taken_at: Timestamp,
    pub files: Vec<FileEntry>,
}

/// A file of the backup. The path is relative and has `/` between its parts.
#[derive(Debug, Serialize, Deserialize)]
pub struct FileEntry {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

impl FileEntry {
    fn new(path: String, Digest { bytes, sha256 }: Digest) -> FileEntry {
        FileEntry { path, bytes, sha256 }
    }
}

impl Manifest {
    /// Reads the manifest of a backup. Its paths stay below the folder.
    pub fn read(folder: &Path) -> Result<Manifest> {
        let path = folder.join(MANIFEST);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!("{} is no backup: it has no {MANIFEST}", folder.display()),
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        let manifest: Manifest = serde_json::from_slice(&text).with_context(|| format!("{} is no manifest of a backup", path.display()))?;
        ensure!(manifest.format == FORMAT, "{} has the format {}, which this program does not know", path.display(), manifest.format);
        let is_plain = |path: &str| path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        let odd = manifest.files.iter().find(|file| !is_plain(&file.path));
        ensure!(odd.is_none(), "{} names a file outside of the backup", path.display());
        Ok(manifest)
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

pub async fn run(backup: Backup) -> Result<()> {
    let config = backup.flags.resolve()?;
    refuse_servers(&config, "copied", "`pg_basebackup` of the server copies all of them at one instant, and `pg_dump` one by one")?;
    find_installation(&config)?;
    let into = backup.into;
    ensure!(is_empty_or_absent(&into)?, "{} is not empty; name a folder that is empty or does not exist", into.display());
    ensure!(!is_below(&into, &config.data_dir)?, "{} is in the data directory itself; name a folder elsewhere", into.display());
    let folder = NewFolder::begin(&into)?;
    let mut files = Vec::new();
    if config.data_dir.join(MAILBOX).is_dir() {
        folder.create_folder(Path::new(MAILBOX))?;
        copy_files(&config.data_dir, Path::new(MAILBOX), &folder, &mut files)?;
    }
    let (taken_at, databases) = copy_databases(&config, &folder)?;
    copy_files(&config.data_dir, Path::new(""), &folder, &mut files)?;
    ensure!(
        files.iter().any(|file| file.path == MasterKey::FILE),
        "{} is missing, and a copy without it could not be used",
        config.data_dir.join(MasterKey::FILE).display()
    );
    let faults = check(&config, &folder.path).await?;
    close_databases(&folder.path.join(DATABASES), &databases).await?;
    let keys = person_keys::take(&folder.path.join(DATABASES), &databases).context("the keys of persons cannot be kept apart")?;
    platform::atomic_file::write(&folder.path.join(PERSON_KEYS), &serde_json::to_vec_pretty(&keys)?)
        .with_context(|| format!("{PERSON_KEYS} cannot be written"))?;
    files.push(FileEntry::new(PERSON_KEYS.to_owned(), new_folder::digest(&folder.path.join(PERSON_KEYS))?));
    for name in databases {
        let path = format!("{DATABASES}/{name}");
        let digest = new_folder::digest(&folder.path.join(&path)).with_context(|| format!("{path} cannot be read"))?;
        files.push(FileEntry::new(path, digest));
    }
    let manifest = Manifest { format: FORMAT, program: format!("souk {}", env!("CARGO_PKG_VERSION")), taken_at, files };
    let text = serde_json::to_vec_pretty(&manifest)?;
    platform::atomic_file::write(&folder.path.join(MANIFEST), &text).context("the manifest cannot be written")?;
    folder.publish()?;
    println!("{} backup of {} in {}", green("✓"), config.data_dir.display(), bold(into.display()));
    println!("  {} files, {}, as of {taken_at}", manifest.files.len(), size(manifest.bytes()));
    if let Some(bucket) = config.settings.section::<catalog::Settings>(contracts::catalog::NAME)?.pictures_s3_url {
        println!(
            "  {}",
            dim(format_args!("Uploaded pictures are in the bucket {bucket} and not in it: copy the bucket by its own tools."))
        );
    }
    println!("  {}", dim("It holds installation.secret: keep it as safe as the installation itself."));
    println!("  {}", dim(format_args!("{PERSON_KEYS} makes readable what events say about persons: keep only the newest one.")));
    println!(
        "  {}",
        dim(format_args!("Put it back with `souk restore {} --data-dir FOLDER`; the search index is made anew then.", into.display()))
    );
    match faults {
        0 => Ok(()),
        faults => bail!("the backup is complete, and the doctor found {faults} faults in it, which the installation has, too"),
    }
}

/// Fails when the databases are on a server, whose own tools copy them.
pub(crate) fn refuse_servers(config: &Config, done: &str, instead: &str) -> Result<()> {
    match &config.servers {
        None => Ok(()),
        Some(_) => bail!("the databases on {} are not {done} by this program: {instead}", config.databases_shown()),
    }
}

/// Copies every database. Returns the instant of the copies and their names.
fn copy_databases(config: &Config, folder: &NewFolder) -> Result<(Timestamp, Vec<String>)> {
    let from = config.data_dir.join(DATABASES);
    let names = snapshot::list_databases(&from).with_context(|| format!("{} cannot be read", from.display()))?;
    for service in services::all() {
        let name = format!("{}.db", service.name);
        ensure!(names.contains(&name), "{} is missing; `souk doctor` says more", from.join(name).display());
    }
    folder.create_folder(Path::new(DATABASES))?;
    let env = Env::system();
    let taken_at = env.now();
    snapshot::copy_databases(&env, &from, &names, &folder.path.join(DATABASES)).context("the databases cannot be copied")?;
    Ok((taken_at, names))
}

/// Copies the other files of the data directory below `relative`. A file that disappears meanwhile is left out.
fn copy_files(data_dir: &Path, relative: &Path, folder: &NewFolder, files: &mut Vec<FileEntry>) -> Result<()> {
    let from = data_dir.join(relative);
    let unreadable = || format!("{} cannot be read", from.display());
    for entry in fs::read_dir(&from).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let (name, path) = (entry.file_name(), relative.join(entry.file_name()));
        let is_left_out = relative.as_os_str().is_empty() && LEFT_OUT.iter().any(|left_out| name == *left_out);
        // Hidden files are not complete yet.
        if is_left_out || name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let metadata = match fs::metadata(entry.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata.with_context(unreadable)?,
        };
        if metadata.is_dir() {
            folder.create_folder(&path)?;
            copy_files(data_dir, &path, folder, files)?;
        }
        // A pipe or a socket has no content to copy.
        if !metadata.is_file() {
            continue;
        }
        let Some(text) = path.to_str() else { bail!("{} is no UTF-8", data_dir.join(path).display()) };
        match new_folder::copy(&data_dir.join(&path), &folder.path.join(&path)) {
            Ok(digest) => files.push(FileEntry::new(text.to_owned(), digest)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{text} cannot be copied")),
        }
    }
    Ok(())
}

/// Lets the doctor check the data directory `folder`, and prints the faults. Returns their number.
pub async fn check(config: &Config, folder: &Path) -> Result<usize> {
    let config = Config { data_dir: folder.to_owned(), ..config.clone() };
    let databases = match platform_run::databases(&config, OutdatedSchema::Refuse) {
        Ok(databases) => databases,
        Err(error) => {
            println!("{} the doctor cannot check the copy: {error}", red("✗"));
            return Ok(1);
        }
    };
    let examination = doctor::examine(&config, &databases).await;
    examination.print_faults();
    Ok(examination.faults())
}

/// Waits until the doctor's connections are closed, which deletes the logs that they share. The doctor writes nothing, so a log
/// that stays is empty.
async fn close_databases(folder: &Path, names: &[String]) -> Result<()> {
    let logs: Vec<PathBuf> = names.iter().flat_map(|name| ["-wal", "-shm"].map(|log| folder.join(format!("{name}{log}")))).collect();
    for _ in 0..CLOSE_POLLS {
        if !logs.iter().any(|log| log.exists()) {
            return Ok(());
        }
        Env::system().sleep(CLOSE_POLL).await;
    }
    for log in logs {
        match fs::remove_file(&log) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", log.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

const CLOSE_POLL: Duration = Duration::from_millis(10);
const CLOSE_POLLS: u32 = 500;

pub fn is_empty_or_absent(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("{} cannot be used", folder.display())),
    }
}

/// Whether `path`, which may not exist, is `folder` or below it.
fn is_below(path: &Path, folder: &Path) -> Result<bool> {
    let folder = folder.canonicalize().with_context(|| format!("{} cannot be used", folder.display()))?;
    let absolute = std::path::absolute(path)?;
    let existing = absolute.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    Ok(existing.is_some_and(|existing| existing.starts_with(&folder)))
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
