//! The index, which is derived from the table `documents` and can be deleted at any time.
//!
//! An index is a folder `index-v<schema>-g<generation>`. The payload of its last commit names the database and the last
//! change that it contains, so indexing continues exactly there after a crash. Documents are replaced by id, so indexing one
//! twice changes nothing. An index that cannot be continued (another schema, language or database, or a broken file) is
//! rebuilt; the live index answers until the new one is complete.

mod columns;
mod document;
mod folder;
mod labels;
mod manager;
mod schema;
mod tree;
mod view;

pub use columns::Columns;
pub use document::{Stored, currency_number, group_term, least_rating_number};
pub use labels::{Facet, LabelTable};
pub use manager::IndexManager;
pub use tree::Tree;
pub use view::{Address, View};
