//! What is true: what a word is, what may be asked, and what a match is worth. No index, no I/O, no clock.

pub mod highlight;
pub mod query;
pub mod score;
pub mod text;
