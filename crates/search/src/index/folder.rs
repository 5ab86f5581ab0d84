//! One index on disk: its folder, its writer and its position.

use super::{
    document::{document, id_term},
    schema::{self, Fields},
    tree::Tree,
};
use crate::{
    Error,
    domain::text::{Analyzer, Language},
    store::{Batch, DocumentPosition, IndexPosition, Progress, TreePosition},
};
use contracts::{ids::Uuid, review::Rating};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, directory::MmapDirectory, indexer::IndexWriterOptions,
    store::Compressor,
};

/// The payload of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Payload {
    /// The database that it was made from.
    pub lineage: Uuid,
    pub generation: i64,
    /// The language of its words.
    pub language: String,
    /// Everything up to this position is indexed.
    pub reached: IndexPosition,
    /// Whether it was ever complete. Only then it may answer.
    pub complete: bool,
}

impl Payload {
    /// Returns the payload of an empty index. Its products will be indexed with the current tree, so it starts after all changes
    /// of the tree.
    #[must_use]
    pub fn empty(progress: Progress, language: Language) -> Payload {
        let Progress { lineage, generation, tree_change, .. } = progress;
        let reached = IndexPosition { documents: DocumentPosition::default(), tree: TreePosition::after_change(tree_change) };
        Payload { lineage, generation, language: language.name().to_owned(), reached, complete: false }
    }
}

const PREFIX: &str = "index-";

/// An open index. Dropping it closes its files.
pub struct Folder {
    path: PathBuf,
    index: Index,
    reader: IndexReader,
    /// `None` after a failure. The next batch opens a new writer.
    writer: Option<IndexWriter>,
    writer_bytes: usize,
    pub fields: Fields,
    pub payload: Payload,
}

impl Folder {
    /// Returns the path of the index of this generation.
    #[must_use]
    pub fn path(root: &Path, generation: i64) -> PathBuf {
        root.join(format!("{PREFIX}v{}-g{generation}", schema::VERSION))
    }

    /// Returns all folders below `root` that are or were an index of any schema.
    #[must_use]
    pub fn list(root: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        let is_index = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(PREFIX);
        entries.filter(is_index).map(|entry| entry.path()).collect()
    }

    /// Creates an empty index and replaces what is there.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(root: &Path, payload: Payload, writer_bytes: usize) -> Result<Folder, Error> {
        let path = Folder::path(root, payload.generation);
        Folder::remove(&path)?;
        std::fs::create_dir_all(&path)?;
        let settings = IndexSettings {
            // The documents of a page are scattered: decompressing whole blocks for them costs more than the disk space saved.
            docstore_compression: Compressor::None,
            docstore_blocksize: 4 << 10,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let directory = MmapDirectory::open(&path).map_err(tantivy::TantivyError::from)?;
        Index::create(directory, schema::schema().0, settings)?;
        let mut folder = Folder::open(path, Some(payload), writer_bytes)?;
        // The first commit stores the payload.
        let nothing = Batch { documents: Vec::new(), reached: folder.payload.reached };
        folder.commit(nothing, &Tree::default(), &mut Analyzer::new(Language::ENGLISH), false)?;
        Ok(folder)
    }

    /// Opens an index. Without `payload` it reads the one of the last commit.
    ///
    /// # Errors
    /// When the folder has no index of this schema with a payload.
    pub fn open(path: PathBuf, payload: Option<Payload>, writer_bytes: usize) -> Result<Folder, Error> {
        let (schema, fields) = schema::schema();
        let mut index = Index::open_in_dir(&path)?;
        if index.schema() != schema {
            return Err(Error::Content("this schema"));
        }
        index.set_tokenizers(schema::tokenizers());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let payload = match payload {
            Some(payload) => payload,
            None => read_payload(&index)?,
        };
        Ok(Folder { path, index, reader, writer: None, writer_bytes, fields, payload })
    }

    /// Removes an index from the disk. Open views keep their files.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn remove(path: &Path) -> Result<(), Error> {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Closes the index and removes it. If that fails, the next start tries again.
    pub fn discard(self) {
        // A running merge would write into the folder while it is removed.
        let merged = self.writer.map_or(Ok(()), IndexWriter::wait_merging_threads).map_err(Error::from);
        if let Err(error) = merged.and_then(|()| Folder::remove(&self.path)) {
            tracing::warn!(target: "search", folder = %self.path.display(), %error, "an obsolete index cannot be removed");
        }
    }

    /// Indexes a batch in one commit, which records its position. `complete` says that nothing is left to index.
    ///
    /// # Errors
    /// When the index cannot be written. The batch is then not indexed and may be repeated.
    pub fn commit(&mut self, batch: Batch, tree: &Tree, analyzer: &mut Analyzer, complete: bool) -> Result<(), Error> {
        let outcome = self.try_commit(batch, tree, analyzer, complete);
        if outcome.is_err() {
            // A writer is not used after a failure. Its uncommitted changes are lost with it.
            self.writer = None;
            self.payload = read_payload(&self.index).unwrap_or_else(|_| self.payload.clone());
        }
        outcome
    }

    fn try_commit(&mut self, batch: Batch, tree: &Tree, analyzer: &mut Analyzer, complete: bool) -> Result<(), Error> {
        let fields = self.fields;
        let mut payload = self.payload.clone();
        let writer = self.writer()?;
        for entry in batch.documents {
            writer.delete_term(id_term(&fields, entry.product_id));
            let stock = entry.stock();
            if let Some(mut product) = entry.product {
                product.rating = Rating { average_hundredths: entry.rating_average, count: entry.rating_count };
                writer.add_document(document(&fields, &product, stock, tree, analyzer)?)?;
            }
        }
        payload.reached = batch.reached;
        payload.complete |= complete;
        let text = serde_json::to_string(&payload).map_err(|_| Error::Content("a payload"))?;
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&text);
        commit.commit()?;
        self.payload = payload;
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut IndexWriter, Error> {
        if self.writer.is_none() {
            let options = IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1);
            self.writer = Some(self.index.writer_with_options(options.memory_budget_per_thread(self.writer_bytes).build())?);
        }
        self.writer.as_mut().ok_or(Error::Content("a writer"))
    }

    /// Returns a searcher over the last commit and the merges since.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn searcher(&self) -> Result<Searcher, Error> {
        self.reader.reload()?;
        Ok(self.reader.searcher())
    }

    /// Whether a merge has replaced segments that `searcher` uses.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn has_merged(&self, searcher: &Searcher) -> Result<bool, Error> {
        let mut present = self.index.searchable_segment_ids()?;
        let mut shown: Vec<_> = searcher.segment_readers().iter().map(tantivy::SegmentReader::segment_id).collect();
        present.sort_unstable();
        shown.sort_unstable();
        Ok(present != shown)
    }
}

fn read_payload(index: &Index) -> Result<Payload, Error> {
    let text = index.load_metas()?.payload.ok_or(Error::Content("a payload"))?;
    serde_json::from_str(&text).map_err(|_| Error::Content("a payload"))
}
