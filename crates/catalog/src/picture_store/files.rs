//! Files in the data directory, in 256 folders named after the end of the picture's id.

use super::{PictureStore, StoreError, Stored};
use contracts::catalog::PictureName;
use platform::{
    atomic_file,
    env::{Env, LockUnpoisoned as _},
};
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// The folder below that of the service.
const FOLDER: &str = "pictures";

/// The store in a folder. One process uses it at a time: the lock of the data directory sees to that.
#[derive(Clone)]
pub struct FileStore {
    env: Env,
    folder: Arc<PathBuf>,
    /// Excludes other writers, as [`atomic_file::write`] asks for.
    writing: Arc<Mutex<()>>,
}

impl FileStore {
    /// `folder` is that of the service. It is created with the first picture.
    #[must_use]
    pub fn new(env: Env, folder: &Path) -> FileStore {
        FileStore { env, folder: Arc::new(folder.join(FOLDER)), writing: Arc::default() }
    }

    /// Where a file is. The end of an id is evenly distributed.
    pub fn path(&self, name: PictureName) -> PathBuf {
        let id = name.picture_id.to_string();
        self.folder.join(&id[id.len() - 2..]).join(name.to_string())
    }

    /// Runs `work`, which blocks.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(FileStore) -> io::Result<T> + Send + 'static) -> Result<T, StoreError> {
        let store = self.clone();
        match self.env.spawn_blocking(move || work(store)).await {
            Ok(done) => done.map_err(|error| StoreError(error.to_string())),
            Err(_) => Err(StoreError("the work ended unexpectedly".to_owned())),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let _writing = self.writing.lock_unpoisoned();
        // A file has its name only when it is complete.
        if path.exists() {
            return Ok(());
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            // The name of each folder is stored in the one above.
            for above in folder.ancestors().skip(1).take(3) {
                File::open(above)?.sync_all()?;
            }
        }
        atomic_file::write(path, bytes)
    }
}

impl PictureStore for FileStore {
    fn put(&self, name: PictureName, bytes: Vec<u8>) -> Stored<'_, ()> {
        Box::pin(self.run(move |store| store.write(&store.path(name), &bytes)))
    }

    fn get(&self, name: PictureName) -> Stored<'_, Option<Vec<u8>>> {
        Box::pin(self.run(move |store| found(fs::read(store.path(name)))))
    }

    fn has(&self, name: PictureName) -> Stored<'_, bool> {
        Box::pin(self.run(move |store| store.path(name).try_exists()))
    }

    fn delete(&self, name: PictureName) -> Stored<'_, ()> {
        Box::pin(self.run(move |store| found(fs::remove_file(store.path(name))).map(|_| ())))
    }
}

/// Makes a missing file `None`.
fn found<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}
