//! Reads uploaded pictures on threads of its own, and keeps their files in a [`PictureStore`].

use crate::{
    Error, Settings,
    domain::picture::{self, EncodedPicture},
    picture_store::{Bucket, FileStore, PictureStore, S3Store, StoreError, Stored},
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
        let store = store_of(&ctx.env, settings.bucket()?, &ctx.folder);
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
            within(&self.env, self.store.put(name, size.bytes)).await?;
        }
        Ok(())
    }

    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn get(&self, name: PictureName) -> Result<Option<Vec<u8>>, Error> {
        within(&self.env, self.store.get(name)).await
    }

    /// Removes a file, if there is one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn delete(&self, name: PictureName) -> Result<(), Error> {
        within(&self.env, self.store.delete(name)).await
    }
}

/// The files that products show and that were not found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingPictures {
    /// A sentence for each.
    pub missing: Vec<String>,
    /// How many pictures were looked for.
    pub looked_for: usize,
    /// Whether there are others, because a bucket is asked for a sample only.
    pub is_sample: bool,
}

/// Looks for the files that products show, for the doctor: in `folder`, that of the service, for all of them, or in the bucket of the
/// settings for a sample. It ends after `limit` missing files.
///
/// # Errors
/// Those of the database and of the store.
pub async fn find_missing_pictures(db: &Db, settings: &Settings, folder: &Path, limit: usize) -> Result<MissingPictures, Error> {
    const PAGE: i64 = 500;
    /// Pictures that a bucket is asked for: their ids are made of their content, so the first ones are a sample.
    const SAMPLE: usize = 100;
    let bucket = settings.bucket().map_err(|reason| Error::Store(StoreError(reason)))?;
    let most = if bucket.is_some() { SAMPLE } else { usize::MAX };
    let place = settings.pictures_s3_url.clone().unwrap_or_else(|| folder.display().to_string());
    let store = store_of(db.env(), bucket, folder);
    let (mut found, mut after) = (MissingPictures::default(), None);
    loop {
        let page = db.read(async move |tx| Ok::<_, Error>(store::list_shown(tx, after, PAGE).await?)).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.picture_id);
        for picture in &page {
            if found.looked_for == most {
                return Ok(MissingPictures { is_sample: true, ..found });
            }
            found.looked_for += 1;
            for size in PictureSize::ALL.iter().copied() {
                let name = PictureName { picture_id: picture.picture_id, size, format: picture.format };
                if !within(db.env(), store.has(name)).await? {
                    found.missing.push(format!("{name} is missing in {place}: upload the picture again, or take it off its product"));
                }
            }
            if found.missing.len() >= limit {
                return Ok(found);
            }
        }
    }
}

fn store_of(env: &Env, bucket: Option<Bucket>, folder: &Path) -> Arc<dyn PictureStore> {
    match bucket {
        Some(bucket) => Arc::new(S3Store::new(env.clone(), bucket)),
        None => Arc::new(FileStore::new(env.clone(), folder)),
    }
}

/// Waits for a store as long as one request may take.
async fn within<T>(env: &Env, request: Stored<'_, T>) -> Result<T, Error> {
    let outcome = tokio::select! {
        outcome = request => outcome,
        () = env.sleep(STORE_TIME) => Err(StoreError("no answer in time".to_owned())),
    };
    outcome.inspect_err(|error| tracing::warn!(target: "catalog", %error, "a picture was not stored or read")).map_err(Error::Store)
}
