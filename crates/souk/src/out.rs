//! Standard output. When the reader closes the pipe, as `head` does, later output is dropped and the program continues.
//! [`finish`] reports every other failure.

use std::{
    fmt,
    io::{self, Write as _},
    sync::OnceLock,
};

/// The first failure; nothing is written after it.
static ENDED: OnceLock<io::Error> = OnceLock::new();

/// Replaces the standard library's `println!`, which panics on a closed pipe, in this whole crate.
macro_rules! println {
    () => { $crate::out::line(format_args!("")) };
    ($($text:tt)+) => { $crate::out::line(format_args!($($text)+)) };
}

/// Writes one line.
pub fn line(text: fmt::Arguments<'_>) {
    write(|out| writeln!(out, "{text}"));
}

/// Calls `writer` with standard output, unless writing failed before.
pub fn write(writer: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) {
    if ENDED.get().is_none()
        && let Err(error) = writer(&mut io::stdout().lock())
    {
        // An earlier failure is kept.
        let _ = ENDED.set(error);
    }
}

/// Flushes the output and checks that all of it was written.
pub fn finish() -> anyhow::Result<()> {
    write(|out| out.flush());
    match ENDED.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(anyhow::anyhow!("standard output cannot be written: {error}")),
        _ => Ok(()),
    }
}
