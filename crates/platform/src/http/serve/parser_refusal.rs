//! Gives the refusals of the HTTP library a problem document. Its parser answers a head that it cannot read by itself, with a
//! status and no body, before any router sees the request.

use super::refusal;
use contracts::problem::Code;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that replaces an answer of the parser as it is written.
pub(super) struct ParserRefusalStream<T> {
    stream: T,
    /// What is still to be sent of the answer that took the place of the parser's.
    rest: Vec<u8>,
}

impl<T: AsyncWrite + Unpin> ParserRefusalStream<T> {
    pub(super) fn new(stream: T) -> ParserRefusalStream<T> {
        ParserRefusalStream { stream, rest: Vec::new() }
    }

    fn poll_rest(&mut self, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(poller, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

/// The answer in place of `written`, if that is a whole answer of the parser: a refusal with no header but these three, whereas
/// every answer of a service names its correlation id.
fn replacement(written: &[u8]) -> Option<Vec<u8>> {
    let (code, detail) = match written.get(..13)? {
        b"HTTP/1.1 400 " => (Code::MALFORMED_REQUEST, "the head of the request is not valid HTTP/1.1"),
        b"HTTP/1.1 414 " => (Code::URI_TOO_LONG, "the address of the request is too long"),
        b"HTTP/1.1 431 " => (Code::HEADERS_TOO_LARGE, "the head of the request has too many headers, or is too large"),
        _ => return None,
    };
    let head = std::str::from_utf8(written).ok()?.strip_suffix("\r\n\r\n")?;
    let is_own = |line: &str| ["connection: close", "content-length: 0"].contains(&line) || line.starts_with("date: ");
    head.split("\r\n").skip(1).all(is_own).then(|| refusal::raw(code, detail))
}

impl<T: AsyncRead + Unpin> AsyncRead for ParserRefusalStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, poller: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(poller, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ParserRefusalStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, poller: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_rest(poller))?;
        match replacement(bytes) {
            Some(answer) => {
                self.rest = answer;
                Poll::Ready(Ok(bytes.len()))
            }
            None => Pin::new(&mut self.stream).poll_write(poller, bytes),
        }
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, poller: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match slices {
            [only] => self.poll_write(poller, only),
            _ => {
                ready!(self.poll_rest(poller))?;
                Pin::new(&mut self.stream).poll_write_vectored(poller, slices)
            }
        }
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(poller))?;
        Pin::new(&mut self.stream).poll_flush(poller)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(poller))?;
        Pin::new(&mut self.stream).poll_shutdown(poller)
    }
}
