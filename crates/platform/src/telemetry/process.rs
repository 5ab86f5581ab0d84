//! Figures of this process, in the names that Prometheus' own clients use.

use super::families::find;
use crate::{env::Env, rlimit};
use std::{fmt::Write as _, fs};

/// Linux counts processor time in hundredths of a second on every architecture that Rust's standard library supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes the figures in the Prometheus text format. `started_at` is in seconds since 1970.
pub(super) fn render(text: &mut String, started_at: f64) {
    let figures = [
        ("process_cpu_seconds_total", cpu_seconds()),
        ("process_resident_memory_bytes", status("VmRSS:").map(|kilobytes| kilobytes * 1024.0)),
        ("process_threads", status("Threads:")),
        ("process_open_fds", fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64)),
        ("process_max_fds", Some(rlimit::allow(0) as f64)),
        ("process_start_time_seconds", Some(started_at)),
    ];
    for (name, value) in figures {
        if let (Some(value), Some(family)) = (value, find(name)) {
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}\n{name} {value}\n", family.help, family.kind.as_str());
        }
    }
}

/// The present instant in seconds since 1970.
pub(super) fn seconds_now() -> f64 {
    Env::system().now().0 as f64 / 1e6
}

/// User and system time, the 14th and 15th field. The second field, a name in parentheses, may hold blanks.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// The number of a line of `/proc/self/status`.
fn status(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_this_process_are_plausible() {
        let mut text = String::new();
        render(&mut text, seconds_now());
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap_or_else(|| panic!("{name}: {text}"));
            line.parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6 && value("process_threads") >= 1.0, "{text}");
        assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") <= value("process_max_fds"), "{text}");
        assert!(value("process_cpu_seconds_total") >= 0.0 && value("process_start_time_seconds") > 1.7e9, "{text}");
        assert_eq!(text.matches("# HELP process_").count(), text.matches("# TYPE process_").count());
    }
}
