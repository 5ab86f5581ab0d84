//! The desk of the one who indexes: which index answers, which one is being built, and the view that searches take.

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
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// One for the service; searches and the indexing worker share it.
pub struct IndexManager {
    root: PathBuf,
    language: Language,
    writer_bytes: usize,
    /// None until an index holds everything for the first time.
    view: RwLock<Option<Arc<View>>>,
    /// How far it is, for those who must not wait for a commit to end.
    status: Mutex<Status>,
    state: Mutex<State>,
}

/// What indexing works on. Its lock is held while a batch is committed, by the thread that indexes.
struct State {
    /// The index that answers.
    live: Option<Folder>,
    /// The one that is being made to take its place.
    next: Option<Folder>,
    tree: Arc<Tree>,
    /// The change up to which `tree` is right.
    tree_change: i64,
    analyzer: Analyzer,
    views: u64,
}

/// How far the indices are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// Of the index that answers; none while there is none.
    pub live: Option<(i64, IndexPosition)>,
    /// Of the index that is being built.
    pub next: Option<(i64, IndexPosition)>,
    /// The products that can be found.
    pub products: u64,
    /// The change of the tree up to which paths are right.
    pub tree_change: i64,
}

impl IndexManager {
    /// Opens what lies below `root`: the newest index of this database that once held everything answers; others are
    /// removed, but for the wanted one that is not finished.
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
        let state = State { live, next, tree: Arc::default(), tree_change: -1, analyzer: Analyzer::new(language), views: 0 };
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

    /// What searches look at.
    ///
    /// # Errors
    /// [`Error::Building`] while no index holds everything.
    pub fn view(&self) -> Result<Arc<View>, Error> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Building)
    }

    /// How far it was when the last work on it ended.
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

    /// Works on the state, and notes how far that came, also when it failed half-way.
    fn with_state(&self, work: impl FnOnce(&mut State) -> Result<(), Error>) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = work(&mut state);
        self.record_status(&state);
        outcome
    }

    /// Begins the index that is wanted, unless it answers already or is under way.
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

    /// The tree of categories as it is since this change. Views have it from the next one on.
    ///
    /// # Errors
    /// None: it is work like any other.
    pub fn set_tree(&self, tree: Tree, change: i64) -> Result<(), Error> {
        self.with_state(|state| {
            state.tree = Arc::new(tree);
            state.tree_change = change;
            Ok(())
        })
    }

    /// Takes a batch into the index that answers, and shows it to searches. An empty batch shows what merges left, and
    /// what is shown for the first time; how far it reached is noted by the next commit.
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
                && !live.has_merged(&view.searcher)?
            {
                return Ok(());
            }
            self.publish_view(state, shown.as_deref())
        })
    }

    /// Takes a batch into the index that is being built. With `last` it holds everything and takes over; the one before
    /// is removed.
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
            // Another index numbers its segments anew: nothing of the view before is of use.
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
        let view = View::open(state.views, live.searcher()?, live.fields, state.tree.clone(), before)?;
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(view));
        Ok(())
    }
}

/// Whether the index is one of this database, made as it would be made now.
fn is_usable(folder: &Folder, path: &Path, root: &Path, language: Language, progress: Progress) -> bool {
    let payload = &folder.payload;
    payload.lineage == progress.lineage
        && payload.reached.documents.change <= progress.changes
        && payload.reached.tree.change <= progress.tree_change
        && payload.generation <= progress.generation
        && payload.language == language.name()
        && *path == Folder::path(root, payload.generation)
}
