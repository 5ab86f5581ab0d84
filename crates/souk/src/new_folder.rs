//! A folder that appears under its name when it is complete, or not at all.

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The folder under a hidden name beside its place. It is locked, and deleted when it is dropped before [`NewFolder::publish`].
pub struct NewFolder {
    pub path: PathBuf,
    place: PathBuf,
    lock: Option<File>,
}

impl NewFolder {
    /// Begins the folder that will be at `place`, readable by its owner alone. What an interrupted run left is deleted.
    pub fn begin(place: &Path) -> Result<NewFolder> {
        let place = std::path::absolute(place).with_context(|| format!("{} is no path", place.display()))?;
        let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else { bail!("{} cannot be a new folder", place.display()) };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".part");
        let path = parent.join(hidden);
        let unusable = || format!("{} cannot be written", path.display());
        fs::create_dir_all(parent).with_context(unusable)?;
        match create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error).with_context(unusable),
            _ => {}
        }
        let lock = File::open(&path).with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another souk is writing {}", path.display()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        for entry in fs::read_dir(&path).with_context(unusable)? {
            let entry = entry.with_context(unusable)?;
            let is_folder = entry.file_type().with_context(unusable)?.is_dir();
            let removed = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
            removed.with_context(unusable)?;
        }
        Ok(NewFolder { path, place, lock: Some(lock) })
    }

    /// Creates a folder in it, with those above.
    pub fn create_folder(&self, name: &Path) -> Result<()> {
        let path = self.path.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).with_context(|| format!("{} cannot be created", path.display()))
    }

    /// Gives it its name, where there is nothing or an empty folder.
    pub fn publish(mut self) -> Result<()> {
        let unusable = || format!("{} cannot be written", self.place.display());
        sync_folders(&self.path).with_context(unusable)?;
        fs::rename(&self.path, &self.place).with_context(unusable)?;
        self.lock = None;
        sync_parent(&self.place).with_context(unusable)
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // The next run deletes what stays.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Flushes the names in a folder and in those below.
fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Flushes the name of `path`.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// Size and SHA-256 of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    pub bytes: u64,
    pub sha256: String,
}

/// Reads a file to its end and digests it.
pub fn digest(path: &Path) -> io::Result<Digest> {
    read(path, |_| Ok(()))
}

/// Copies a file to a new one that is readable by its owner alone, flushes it, and digests it.
pub fn copy(from: &Path, to: &Path) -> io::Result<Digest> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    let digest = read(from, |bytes| file.write_all(bytes))?;
    file.sync_all()?;
    Ok(digest)
}

fn read(path: &Path, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Digest> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest { bytes, sha256: platform::hex::encode(&hash.finalize()) }),
            count => {
                hash.update(&buffer[..count]);
                each(&buffer[..count])?;
                bytes += count as u64;
            }
        }
    }
}
