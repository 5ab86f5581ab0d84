//! The rules of search: words, queries, scores and highlights. No index, no I/O, no clock.

pub mod compounds;
pub mod highlight;
pub mod query;
pub mod score;
pub mod splitting;
pub mod text;
