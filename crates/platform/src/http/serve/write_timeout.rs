//! Ends the connection of a client that does not read its answers: a write that makes no progress for a while fails.

use std::{
    future::Future as _,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// A stream whose writes fail with [`io::ErrorKind::TimedOut`] when none made progress for `timeout`.
pub(super) struct WriteTimeoutStream<T> {
    stream: T,
    timeout: Duration,
    /// Runs while a write waits. It is reused, because a reset is cheaper than a new timer.
    timer: Option<Pin<Box<Sleep>>>,
    waits: bool,
}

impl<T> WriteTimeoutStream<T> {
    pub(super) fn new(stream: T, timeout: Duration) -> WriteTimeoutStream<T> {
        WriteTimeoutStream { stream, timeout, timer: None, waits: false }
    }

    /// Whether a write waits for the client.
    pub(super) fn is_blocked(&self) -> bool {
        self.waits
    }

    /// The outcome of a write, or a time-out.
    fn check_progress<R>(&mut self, poller: &mut Context<'_>, tried: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if tried.is_ready() {
            self.waits = false;
            return tried;
        }
        #[expect(clippy::disallowed_methods, reason = "a timer that is polled and reset; network timing has no frozen clock")]
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.timeout)));
        if !self.waits {
            timer.as_mut().reset(Instant::now() + self.timeout);
            self.waits = true;
        }
        ready!(timer.as_mut().poll(poller));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answers")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WriteTimeoutStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, poller: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(poller, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteTimeoutStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, poller: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(poller, bytes);
        self.check_progress(poller, tried)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, poller: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(poller, slices);
        self.check_progress(poller, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_flush(poller);
        self.check_progress(poller, tried)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_shutdown(poller);
        self.check_progress(poller, tried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test(start_paused = true)]
    async fn only_a_write_without_progress_times_out() {
        let (near, mut far) = tokio::io::duplex(8);
        let mut near = WriteTimeoutStream::new(near, Duration::from_secs(30));
        let reader = async {
            // Eight bytes each 29 seconds are slow, and progress.
            for _ in 0..4 {
                let _ = tokio::time::timeout(Duration::from_secs(29), std::future::pending::<()>()).await;
                far.read_exact(&mut [0; 8]).await.unwrap();
            }
        };
        let began = Instant::now();
        let (written, ()) = tokio::join!(near.write_all(&[0; 40]), reader);
        written.unwrap();
        assert!(began.elapsed() >= Duration::from_secs(4 * 29));
        let began = Instant::now();
        assert_eq!(near.write_all(&[0; 40]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), 30);
    }
}
