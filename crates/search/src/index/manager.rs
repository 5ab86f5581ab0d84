//! Manages the indexes: the live one, the one being built, and the view that searches use.

use super::{
    folder::{Folder, Payload},
    tree::Tree,
    view::View,
};
use crate::{
    Error,
    domain::text::{Analyzer, Language},
    store::{Batch, IndexPosition, Progress},
};
use contracts::ids::UserId;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// The manager, shared by searches and the indexing worker.
pub struct IndexManager {
    root: PathBuf,
    language: Language,
    writer_bytes: usize,
    /// `None` until an index is complete for the first time.
    view: RwLock<Option<Arc<View>>>,
    /// A copy of the progress, so that readers need not wait for a commit.
    status: Mutex<Status>,
    state: Mutex<State>,
}

/// The state of indexing. The indexing thread holds its lock during a commit.
struct State {
    /// The index that answers.
    live: Option<Folder>,
    /// The index that will replace it.
    next: Option<Folder>,
    tree: Arc<Tree>,
    /// The last change that `tree` contains.
    tree_change: i64,
    /// Sorted.
    suspended_sellers: Arc<Vec<UserId>>,
    analyzer: Analyzer,
    views: u64,
}

/// The progress of the indexes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// Generation and position of the live index; `None` while there is none.
    pub live: Option<(i64, IndexPosition)>,
    /// The same of the index that is being built.
    pub next: Option<(i64, IndexPosition)>,
    /// The number of products that can be found.
    pub products: u64,
    /// The last change of the tree that paths reflect.
    pub tree_change: i64,
}

impl IndexManager {
    /// Opens the indexes below `root`. The newest complete index of this database becomes the live one. The unfinished index
    /// of the wanted generation is kept, and all others are removed.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(root: &Path, language: Language, writer_bytes: usize, progress: Progress) -> Result<IndexManager, Error> {
        std::fs::create_dir_all(root)?;
        let (mut live, mut next): (Option<Folder>, Option<Folder>) = (None, None);
        for path in Folder::list(root) {
            let folder = Folder::open(path.clone(), None, writer_bytes);
            match folder.ok().filter(|folder| is_usable(folder, &path, root, language, progress)) {
                Some(folder) if folder.payload.complete => {
                    let older = match &live {
                        Some(known) if known.payload.generation > folder.payload.generation => Some(folder),
                        _ => live.replace(folder),
                    };
                    if let Some(older) = older {
                        older.discard();
                    }
                }
                Some(folder) if folder.payload.generation == progress.generation => next = Some(folder),
                _ => Folder::remove(&path)?,
            }
        }
        let state = State {
            live,
            next,
            tree: Arc::default(),
            tree_change: -1,
            suspended_sellers: Arc::default(),
            analyzer: Analyzer::new(language),
            views: 0,
        };
        let manager = IndexManager {
            root: root.to_owned(),
            language,
            writer_bytes,
            view: RwLock::default(),
            status: Mutex::default(),
            state: Mutex::new(state),
        };
        manager.prepare_generation(progress)?;
        Ok(manager)
    }

    /// Returns the view for a search.
    ///
    /// # Errors
    /// [`Error::Building`] while there is no complete index.
    pub fn view(&self) -> Result<Arc<View>, Error> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Building)
    }

    /// Returns the progress at the end of the last operation.
    #[must_use]
    pub fn status(&self) -> Status {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_status(&self, state: &State) {
        let of = |folder: &Option<Folder>| folder.as_ref().map(|folder| (folder.payload.generation, folder.payload.reached));
        let status = Status {
            live: of(&state.live),
            next: of(&state.next),
            products: self.view().map_or(0, |view| view.products()),
            tree_change: state.tree_change,
        };
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// Runs `work` on the state and records the progress, also after a failure.
    fn with_state(&self, work: impl FnOnce(&mut State) -> Result<(), Error>) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = work(&mut state);
        self.record_status(&state);
        outcome
    }

    /// Starts the index of the wanted generation, unless it is live or already being built.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn prepare_generation(&self, progress: Progress) -> Result<(), Error> {
        self.with_state(|state| {
            let is = |folder: &Option<Folder>| folder.as_ref().is_some_and(|folder| folder.payload.generation == progress.generation);
            if is(&state.live) || is(&state.next) {
                return Ok(());
            }
            if let Some(overtaken) = state.next.take() {
                overtaken.discard();
            }
            let payload = Payload::empty(progress, self.language);
            state.next = Some(Folder::create(&self.root, payload, self.writer_bytes)?);
            Ok(())
        })
    }

    /// Replaces the category tree. The next view uses it.
    ///
    /// # Errors
    /// None. The result has the type of the other operations.
    pub fn set_tree(&self, tree: Tree, change: i64) -> Result<(), Error> {
        self.with_state(|state| {
            state.tree = Arc::new(tree);
            state.tree_change = change;
            Ok(())
        })
    }

    /// Replaces the sellers whose products the next view leaves out. They are sorted.
    ///
    /// # Errors
    /// None. The result has the type of the other operations.
    pub fn set_suspended_sellers(&self, sellers: Vec<UserId>) -> Result<(), Error> {
        self.with_state(|state| {
            if *state.suspended_sellers != sellers {
                state.suspended_sellers = Arc::new(sellers);
            }
            Ok(())
        })
    }

    /// Indexes a batch into the live index and publishes it to searches. An empty batch publishes merges and the first view;
    /// its position is stored with the next commit.
    ///
    /// # Errors
    /// When the index cannot be written or read.
    pub fn update_live(&self, batch: Batch) -> Result<(), Error> {
        self.with_state(|state| {
            let Some(live) = &mut state.live else { return Ok(()) };
            let shown = self.view().ok();
            if !batch.documents.is_empty() {
                live.commit(batch, &state.tree, &mut state.analyzer, true)?;
                return self.publish_view(state, shown.as_deref());
            }
            live.payload.reached = batch.reached;
            if let Some(view) = &shown
                && Arc::ptr_eq(&view.tree, &state.tree)
                && Arc::ptr_eq(&view.suspended_sellers, &state.suspended_sellers)
                && !live.has_merged(&view.searcher)?
            {
                return Ok(());
            }
            self.publish_view(state, shown.as_deref())
        })
    }

    /// Indexes a batch into the index that is being built. With `last` it is complete: it becomes the live index, and the
    /// previous one is removed.
    ///
    /// # Errors
    /// When the index cannot be written or read.
    pub fn build(&self, batch: Batch, last: bool) -> Result<(), Error> {
        self.with_state(|state| {
            let Some(next) = &mut state.next else { return Ok(()) };
            next.commit(batch, &state.tree, &mut state.analyzer, last)?;
            if !last {
                return Ok(());
            }
            let before = std::mem::replace(&mut state.live, state.next.take());
            // Another index numbers its segments anew, so nothing of the previous view can be reused.
            self.publish_view(state, None)?;
            if let Some(before) = before {
                before.discard();
            }
            Ok(())
        })
    }

    fn publish_view(&self, state: &mut State, before: Option<&View>) -> Result<(), Error> {
        let Some(live) = &state.live else { return Ok(()) };
        state.views += 1;
        let suspended_sellers = state.suspended_sellers.clone();
        let view = View::open(state.views, live.searcher()?, live.fields, state.tree.clone(), suspended_sellers, before)?;
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(view));
        Ok(())
    }
}

/// Whether the index belongs to this database and was made with the current settings.
fn is_usable(folder: &Folder, path: &Path, root: &Path, language: Language, progress: Progress) -> bool {
    let payload = &folder.payload;
    payload.lineage == progress.lineage
        && payload.reached.documents.change <= progress.changes
        && payload.reached.tree.change <= progress.tree_change
        && payload.generation <= progress.generation
        && payload.language == language.name()
        && *path == Folder::path(root, payload.generation)
}
