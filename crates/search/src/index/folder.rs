//! One index on the disk: its folder, its writer, and how far it has come.

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
use contracts::ids::Uuid;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, directory::MmapDirectory, indexer::IndexWriterOptions,
    store::Compressor,
};

/// What the last commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Payload {
    /// The database that it was made from.
    pub lineage: Uuid,
    pub generation: i64,
    /// How words were made.
    pub language: String,
    /// Everything up to here is in it.
    pub reached: IndexPosition,
    /// Whether it ever held everything there was: then it may answer.
    pub complete: bool,
}

impl Payload {
    /// Of an index that holds nothing yet: what it takes in will be in the tree as it is now, or as it is then.
    #[must_use]
    pub fn empty(progress: Progress, language: Language) -> Payload {
        let Progress { lineage, generation, tree_change, .. } = progress;
        let reached = IndexPosition { documents: DocumentPosition::default(), tree: TreePosition::after_change(tree_change) };
        Payload { lineage, generation, language: language.name().to_owned(), reached, complete: false }
    }
}

const PREFIX: &str = "index-";

/// An index that is being kept up to date. Dropping it closes its files.
pub struct Folder {
    path: PathBuf,
    index: Index,
    reader: IndexReader,
    /// None after a failure: the next batch opens another one.
    writer: Option<IndexWriter>,
    writer_bytes: usize,
    pub fields: Fields,
    pub payload: Payload,
}

impl Folder {
    /// Where the index of this generation lies.
    #[must_use]
    pub fn path(root: &Path, generation: i64) -> PathBuf {
        root.join(format!("{PREFIX}v{}-g{generation}", schema::VERSION))
    }

    /// Every folder below `root` that is or was an index, of whatever schema.
    #[must_use]
    pub fn list(root: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        let is_index = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(PREFIX);
        entries.filter(is_index).map(|entry| entry.path()).collect()
    }

    /// Makes an empty index, in place of whatever lies there.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(root: &Path, payload: Payload, writer_bytes: usize) -> Result<Folder, Error> {
        let path = Folder::path(root, payload.generation);
        Folder::remove(&path)?;
        std::fs::create_dir_all(&path)?;
        let settings = IndexSettings {
            // A page's documents are read from everywhere: unpacking whole blocks for them costs more than the disk's space.
            docstore_compression: Compressor::None,
            docstore_blocksize: 4 << 10,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let directory = MmapDirectory::open(&path).map_err(tantivy::TantivyError::from)?;
        Index::create(directory, schema::schema().0, settings)?;
        let mut folder = Folder::open(path, Some(payload), writer_bytes)?;
        // From its first commit on it says what it is.
        let nothing = Batch { documents: Vec::new(), reached: folder.payload.reached };
        folder.commit(nothing, &Tree::default(), &mut Analyzer::new(Language::ENGLISH), false)?;
        Ok(folder)
    }

    /// Opens the index of a folder. Without `payload` it takes the one of the last commit.
    ///
    /// # Errors
    /// When it is not an index of this schema with a payload.
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

    /// Removes an index from the disk. Views that are open keep their files.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn remove(path: &Path) -> Result<(), Error> {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Closes the index and removes it. A folder that cannot be removed is left to the next start, which tries again.
    pub fn discard(self) {
        // A merge under way would go on to write into the folder while it is being removed.
        let merged = self.writer.map_or(Ok(()), IndexWriter::wait_merging_threads).map_err(Error::from);
        if let Err(error) = merged.and_then(|()| Folder::remove(&self.path)) {
            tracing::warn!(target: "search", folder = %self.path.display(), %error, "an index of no use any more cannot be removed");
        }
    }

    /// Takes a batch in, in one commit that says how far it reaches. `complete` when nothing is left to take in.
    ///
    /// # Errors
    /// When the index cannot be written. Then nothing of the batch counts, and it may be tried again.
    pub fn commit(&mut self, batch: Batch, tree: &Tree, analyzer: &mut Analyzer, complete: bool) -> Result<(), Error> {
        let outcome = self.try_commit(batch, tree, analyzer, complete);
        if outcome.is_err() {
            // A writer that failed once is not to be trusted again; what it had not committed is gone with it.
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
            if let Some(product) = &entry.product {
                writer.add_document(document(&fields, product, entry.in_stock, tree, analyzer)?)?;
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

    /// What the index holds after its last commit, and after the merges since.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn searcher(&self) -> Result<Searcher, Error> {
        self.reader.reload()?;
        Ok(self.reader.searcher())
    }

    /// Whether a merge has put segments in the place of those that `searcher` looks at.
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
