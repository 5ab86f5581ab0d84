//! The rules of the repository that no lint can hold. They are tests, in `tests/tidy.rs`.
