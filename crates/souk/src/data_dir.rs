//! The data directory: one program at a time uses it, and only its owner reads it.

use anyhow::{Context as _, Result, bail};
use notification::MAILBOX;
use platform::{env::Env, master_key::MasterKey, runtime::DATABASES};
use std::{
    fs::{self, File, Permissions, TryLockError},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Duration,
};

/// The file that is deleted when the disk is full.
pub const RESERVE: &str = "reserve";

/// Keeps other programs out of the data directory until it is dropped or the process ends.
pub struct DataDirLock {
    _folder: File,
    _file: File,
}

/// Locks the data directory: two programs would deliver the same events and write the same index. Waits a little for a
/// program that is ending. The folder itself is locked, since a file in it can be removed; the file `lock` is for programs that
/// lock only that.
pub async fn lock(env: &Env, folder: &Path) -> Result<DataDirLock> {
    let unusable = || format!("the data directory {} cannot be used", folder.display());
    fs::create_dir_all(folder).with_context(unusable)?;
    let locked = lock_file(env, File::open(folder).with_context(unusable)?, folder).await?;
    restrict(folder).with_context(unusable)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).with_context(unusable)?;
    Ok(DataDirLock { _folder: locked, _file: lock_file(env, file, folder).await? })
}

async fn lock_file(env: &Env, file: File, folder: &Path) -> Result<File> {
    for pause in [100, 400, 1_500] {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => env.sleep(Duration::from_millis(pause)).await,
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("the data directory {} cannot be locked", folder.display()));
            }
        }
    }
    bail!("the data directory {} is in use by another souk; stop it, or choose another with --data-dir", folder.display())
}

/// Lets files that the process creates be read by their owner alone.
pub fn restrict_new_files() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Takes the permissions of others from the data directory and from what earlier programs wrote there.
fn restrict(folder: &Path) -> io::Result<()> {
    let mode = fs::metadata(folder)?.permissions().mode();
    // A folder for everybody, such as the one for temporary files, is not the program's own.
    if mode & 0o1000 == 0 {
        restrict_one(folder, mode)?;
    }
    let names = services().chain([DATABASES, MAILBOX, MasterKey::FILE, RESERVE, "lock", "demo.json"]);
    for name in names {
        restrict_all(&folder.join(name))?;
    }
    Ok(())
}

fn services() -> impl Iterator<Item = &'static str> {
    contracts::SERVICE_NAMES.iter().copied()
}

/// Restricts a file, or a folder with all that it holds. Links are not followed.
fn restrict_all(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // Another program may remove a file meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.is_symlink() {
        return Ok(());
    }
    restrict_one(path, metadata.permissions().mode())?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            restrict_all(&entry?.path())?;
        }
    }
    Ok(())
}

fn restrict_one(path: &Path, mode: u32) -> io::Result<()> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(mode & 0o7700)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(target: "souk", path = %path.display(), %error, "others can read this, and its owner is another user");
            Ok(())
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::testing::TempFolder;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_data_directory_is_locked_for_one_program_even_without_the_lock_file() {
        let folder = TempFolder::new();
        let data_dir = folder.path().join("data");
        let first = lock(&Env::system(), &data_dir).await.unwrap();
        for _ in 0..2 {
            let refused = lock(&Env::system(), &data_dir).await.err().expect("it is locked").to_string();
            assert!(refused.contains("is in use by another souk"), "{refused}");
            fs::remove_file(data_dir.join("lock")).unwrap_or_default();
        }
        drop(first);
        lock(&Env::system(), &data_dir).await.unwrap();
    }

    #[tokio::test]
    async fn a_program_that_locks_only_the_file_keeps_others_out() {
        let folder = TempFolder::new();
        let older = File::create(folder.path().join("lock")).unwrap();
        older.try_lock().unwrap();
        assert!(lock(&Env::system(), folder.path()).await.is_err());
    }

    #[tokio::test]
    async fn what_exists_can_be_read_by_its_owner_alone() {
        let folder = TempFolder::new();
        let data_dir = folder.path().join("data");
        let open = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        fs::create_dir_all(data_dir.join("db")).unwrap();
        fs::create_dir_all(data_dir.join("search/index")).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "x").unwrap();
        open(&elsewhere, 0o644);
        std::os::unix::fs::symlink(&elsewhere, data_dir.join("db/link")).unwrap();
        let files = ["db/auth.db", "db/auth.db-wal", "search/index/segment", "installation.secret"].map(|name| data_dir.join(name));
        for file in &files {
            fs::write(file, "x").unwrap();
            open(file, 0o644);
        }
        let folders = ["", "db", "search", "search/index"].map(|name| data_dir.join(name));
        folders.iter().for_each(|folder| open(folder, 0o755));
        lock(&Env::system(), &data_dir).await.unwrap();
        for folder in folders {
            assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        }
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        assert_eq!(mode(&elsewhere), 0o644, "a link is not followed");
    }

    #[tokio::test]
    async fn a_folder_for_everybody_stays_so() {
        let folder = TempFolder::new();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        lock(&Env::system(), folder.path()).await.unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o7777, 0o1777);
    }
}
