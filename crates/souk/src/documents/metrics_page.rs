//! Generates `docs/metrics.md` from the table of metrics.

use platform::telemetry::{FAMILIES, Family};
use std::fmt::Write as _;

const ABOUT: &str = "\
# Metrics

This page is generated from the table in `crates/platform/src/telemetry/families.rs`. `UPDATE_DOCS=1 cargo test -p souk --lib`
updates it. [operations.md](operations.md) says which of them deserve an alert.

`GET /metrics` on the operations port (`--ops-listen`, default `127.0.0.1:9090`) answers in the Prometheus text format.
Histograms also have the series `_bucket`, `_sum` and `_count`. A counter begins at 0 with each start of the program. Gauges of
what is stored, such as `souk_orders`, are read from the databases at each request. A series appears with its first value.

| metric | kind | labels | meaning |
| --- | --- | --- | --- |
";

fn metrics_markdown() -> String {
    let mut page = ABOUT.to_owned();
    for Family { name, kind, labels, help } in FAMILIES {
        let _ = writeln!(page, "| `{name}` | {} | {} | {help} |", kind.as_str(), labels.join(", "));
    }
    page
}

#[test]
fn docs_metrics_md_is_fresh() {
    super::assert_fresh("metrics.md", &metrics_markdown());
}
