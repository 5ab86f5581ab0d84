//! The index: made from the documents table, disposable, and never the truth.
//!
//! An index is a folder `index-v<schema>-g<generation>`. Its last commit says in its payload up to which change of
//! which database it holds everything, so that after a crash it is continued exactly there; documents are replaced by
//! their id, so that taking one in again changes nothing. What cannot be continued (another schema or language, another
//! database, a broken file) is made anew beside the one that answers, which goes on until the new one holds everything.

mod columns;
mod document;
mod folder;
mod labels;
mod manager;
mod schema;
mod tree;
mod view;

pub use columns::Columns;
pub use document::{Stored, currency_number, group_term};
pub use labels::{Facet, LabelTable};
pub use manager::IndexManager;
pub use tree::Tree;
pub use view::{Address, View};
