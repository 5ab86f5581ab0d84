//! Answers 408 to a client that begins a request and does not send its head in time, and ends the connection. The HTTP
//! library has a time-out for heads as well; it closes the connection without an answer, and it also counts idle time.

use super::{pace::Pace, refusal, write_timeout::WriteTimeoutStream};
use axum::body::Bytes;
use contracts::problem::Code;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    future::Future as _,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// The requests of one connection that are being answered. While there is one, what arrives is its body.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchanges(Arc<AtomicUsize>);

/// One request that is being answered, until it is dropped.
pub(super) struct Exchange(Exchanges);

impl Exchanges {
    pub(super) fn begin(&self) -> Exchange {
        self.0.fetch_add(1, Ordering::Relaxed);
        Exchange(self.clone())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer. Its end is the end of the exchange.
pub(super) struct AnswerBody {
    body: axum::body::Body,
    _exchange: Exchange,
}

impl AnswerBody {
    pub(super) fn new(body: axum::body::Body, exchange: Exchange) -> AnswerBody {
        AnswerBody { body, _exchange: exchange }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;
    fn poll_frame(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(poller)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that reads the heads of requests within [`Pace`].
pub(super) struct HeadTimeoutStream<T> {
    stream: WriteTimeoutStream<T>,
    pace: Pace,
    exchanges: Exchanges,
    /// When the first byte of the head arrived that is being read, and how many did.
    head: Option<(Instant, u64)>,
    /// Runs while a head is awaited, and is reused.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> HeadTimeoutStream<T> {
    pub(super) fn new(stream: WriteTimeoutStream<T>, pace: Pace, exchanges: Exchanges) -> HeadTimeoutStream<T> {
        HeadTimeoutStream { stream, pace, exchanges, head: None, timer: None }
    }

    /// Whether the time for the head is over. Registers the task otherwise.
    #[expect(clippy::disallowed_methods, reason = "a timer that is polled and reset; network timing has no frozen clock")]
    fn poll_slow(&mut self, poller: &mut Context<'_>) -> Poll<()> {
        let Some((began, received)) = self.head else { return Poll::Pending };
        let deadline = self.pace.deadline(began, received);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(poller)
    }

    /// Sends the refusal, if the socket takes it at once. No answer is in progress, so nothing else is being written.
    fn refuse(&mut self, poller: &mut Context<'_>) {
        metrics::counter!("souk_http_slow_requests_total", "part" => "head").increment(1);
        if !self.stream.is_blocked() {
            let answer = refusal::raw(Code::REQUEST_TIMEOUT, "the head of the request did not arrive in time");
            let _ = Pin::new(&mut self.stream).poll_write(poller, &answer);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for HeadTimeoutStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, poller: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(poller, buffer);
        if self.exchanges.0.load(Ordering::Relaxed) > 0 {
            self.head = None;
            return read;
        }
        if read.is_ready() {
            let arrived = (buffer.filled().len() - before) as u64;
            if arrived > 0 {
                let (_, received) = self.head.get_or_insert_with(|| (Instant::now(), 0));
                *received += arrived;
            }
            return read;
        }
        if self.poll_slow(poller).is_pending() {
            return Poll::Pending;
        }
        self.head = None;
        self.refuse(poller);
        // The end of the input ends the connection.
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HeadTimeoutStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, poller: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(poller, bytes)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, poller: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(poller, slices)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(poller)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(poller)
    }
}
