//! Reads uploaded pictures on threads of its own, and keeps their files in a [`PictureStore`].

use crate::{
    Error, Settings,
    domain::picture::{self, EncodedPicture},
    picture_store::{FileStore, PictureStore, S3Store},
    store,
};
use contracts::{
    catalog::{PictureName, PictureSize},
    ids::PictureId,
    problem::{Code, Fault},
};
use platform::{
    db::Db,
    env::Env,
    http::Problem,
    pool::{self, Pool},
    service::{Ctx, StartError},
};
use std::{path::Path, sync::Arc, time::Duration};

/// How long one request to the store may take.
const STORE_TIME: Duration = Duration::from_secs(15);
/// When an upload is worth another try.
const PAUSE: Duration = Duration::from_secs(2);

/// What uploads need.
pub struct Pictures {
    env: Env,
    readers: Pool,
    store: Arc<dyn PictureStore>,
    max_pixels: u64,
    pub per_seller: usize,
}

impl Pictures {
    /// # Errors
    /// When the system gives no thread.
    pub fn open(ctx: &Ctx, settings: &Settings) -> Result<Pictures, StartError> {
        let store: Arc<dyn PictureStore> = match settings.bucket()? {
            Some(bucket) => Arc::new(S3Store::new(ctx.env.clone(), bucket)),
            None => Arc::new(FileStore::new(ctx.env.clone(), &ctx.folder)),
        };
        if settings.pictures_s3_url.is_none() && !ctx.db.is_embedded() {
            tracing::warn!(
                target: "catalog", folder = %ctx.folder.display(),
                "uploaded pictures are kept in the data directory of this process: other processes of catalog do not have them, unless \
                 they share this folder; set pictures_s3_url of [catalog] to keep them in an S3-compatible store"
            );
        }
        Ok(Pictures {
            env: ctx.env.clone(),
            readers: Pool::start(&ctx.env, "pictures", settings.pictures_at_once, settings.pictures_waiting)?,
            store,
            max_pixels: settings.picture_pixels,
            per_seller: settings.pictures_per_seller,
        })
    }

    /// Makes every size of an uploaded picture.
    ///
    /// # Errors
    /// 422 for a file that is no picture to keep, 503 when too many wait.
    pub async fn encode(&self, file: impl AsRef<[u8]> + Send + 'static) -> Result<EncodedPicture, Problem> {
        let max_pixels = self.max_pixels;
        match self.readers.run(move || picture::encode(file.as_ref(), max_pixels)).await {
            Ok(Ok(encoded)) => Ok(encoded),
            Ok(Err(refusal)) => Err(Problem::invalid(vec![Fault::at("/file", refusal.code(), refusal.to_string())])),
            Err(pool::Error::Full) => Err(Problem::new(Code::OVERLOADED).detail("too many pictures wait to be read").retry_after(PAUSE)),
            // A decoder that panics has met a file that it does not handle.
            Err(pool::Error::Lost) => Err(Problem::invalid(vec![Fault::at("/file", "DAMAGED", "cannot be read")])),
        }
    }

    /// Stores every size.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn put(&self, picture_id: PictureId, encoded: EncodedPicture) -> Result<(), Error> {
        for size in encoded.sizes {
            let name = PictureName { picture_id, size: size.size, format: encoded.format };
            self.within(self.store.put(name, size.bytes)).await?;
        }
        Ok(())
    }

    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn get(&self, name: PictureName) -> Result<Option<Vec<u8>>, Error> {
        self.within(self.store.get(name)).await
    }

    /// Removes a file, if there is one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn delete(&self, name: PictureName) -> Result<(), Error> {
        self.within(self.store.delete(name)).await
    }

    async fn within<T>(&self, request: crate::picture_store::Stored<'_, T>) -> Result<T, Error> {
        let outcome = tokio::select! {
            outcome = request => outcome,
            () = self.env.sleep(STORE_TIME) => Err(crate::picture_store::StoreError("no answer in time".to_owned())),
        };
        outcome.inspect_err(|error| tracing::warn!(target: "catalog", %error, "a picture was not stored or read")).map_err(Error::Store)
    }
}

/// Finds the files that products show and that are not in the data directory, for the doctor. `folder` is that of the service.
/// Returns a sentence for each of the first `limit`.
///
/// # Errors
/// Those of the database.
pub async fn find_missing_pictures(db: &Db, folder: &Path, limit: usize) -> Result<Vec<String>, Error> {
    const PAGE: i64 = 500;
    let files = FileStore::new(db.env().clone(), folder);
    let (mut missing, mut after) = (Vec::new(), None);
    loop {
        let page = db.read(async move |tx| Ok::<_, Error>(store::list_shown(tx, after, PAGE).await?)).await?;
        let Some(last) = page.last() else { return Ok(missing) };
        after = Some(last.picture_id);
        for picture in &page {
            for size in PictureSize::ALL.iter().copied() {
                let path = files.path(PictureName { picture_id: picture.picture_id, size, format: picture.format });
                if !path.exists() {
                    missing.push(format!("{} is missing: upload the picture again, or take it off its product", path.display()));
                }
            }
            if missing.len() >= limit {
                return Ok(missing);
            }
        }
    }
}
