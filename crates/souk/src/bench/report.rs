//! Prints the results of benchmarks as text or JSON.

use crate::style;
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Display};

/// Prints `figures` as JSON, or calls `text`.
pub fn print(json: bool, figures: &Value, text: impl FnOnce()) {
    if json {
        println!("{figures:#}");
    } else {
        text();
    }
}

pub fn title(text: impl Display) {
    println!("{}", style::bold(text));
}

/// Prints a number with its meaning.
pub fn figure(value: f64, decimals: usize, meaning: impl Display) {
    println!("  {value:>10.decimals$}  {meaning}");
}

/// Prints the count of each error, or that there was none.
pub fn errors(errors: &BTreeMap<String, u64>) {
    if errors.is_empty() {
        println!("  {}  errors", style::green(format_args!("{:>10}", 0)));
    }
    for (text, count) in errors {
        println!("  {}  {text}", style::red(format_args!("{count:>10}")));
    }
}

pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
