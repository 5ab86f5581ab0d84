//! Colours of the output, when it is a terminal, and the error message of the program.

use platform::telemetry::{self, LogFormat};
use std::{
    fmt::Display,
    io::{IsTerminal as _, Write as _},
};

fn paint(code: &str, text: impl Display) -> String {
    if std::io::stdout().is_terminal() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
}

pub fn bold(text: impl Display) -> String {
    paint("1", text)
}
pub fn dim(text: impl Display) -> String {
    paint("2", text)
}
pub fn green(text: impl Display) -> String {
    paint("32", text)
}
pub fn red(text: impl Display) -> String {
    paint("31", text)
}
pub fn cyan(text: impl Display) -> String {
    paint("36", text)
}

/// Prints the error and its causes on standard error. A failure to print is ignored: the exit code reports the error too.
pub fn fail(error: &anyhow::Error) {
    let mut err = std::io::stderr().lock();
    if telemetry::format() == LogFormat::Json {
        let _ = writeln!(err, "{}", telemetry::json_line("ERROR", "souk", &format!("{error:#}"), &[]));
        return;
    }
    let _ = writeln!(err, "souk: {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(err, "  because {cause}");
    }
}
