//! Standard output. A reader that has enough, as `head` has, ends the output and nothing else: what is printed later goes
//! nowhere, and the program goes on to its own end. Any other failure is told there.

use std::{
    fmt,
    io::{self, Write as _},
    sync::OnceLock,
};

/// Why nothing more is written.
static ENDED: OnceLock<io::Error> = OnceLock::new();

/// As the standard library's `println!`, which panics when nobody reads on. Every `println!` of this crate is this one.
macro_rules! println {
    () => { $crate::out::line(format_args!("")) };
    ($($text:tt)+) => { $crate::out::line(format_args!($($text)+)) };
}

/// Writes one line.
pub fn line(text: fmt::Arguments<'_>) {
    write(|out| writeln!(out, "{text}"));
}

/// Has `writer` write to standard output, unless that has ended.
pub fn write(writer: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) {
    if ENDED.get().is_none()
        && let Err(error) = writer(&mut io::stdout().lock())
    {
        // Whoever was first has said why.
        let _ = ENDED.set(error);
    }
}

/// Says whether everything was written that somebody wanted to read.
///
/// # Errors
/// When standard output could not be written, such as to a full disk.
pub fn finish() -> anyhow::Result<()> {
    write(|out| out.flush());
    match ENDED.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(anyhow::anyhow!("standard output cannot be written: {error}")),
        _ => Ok(()),
    }
}
