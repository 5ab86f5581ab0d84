//! A CSV file as the body of an answer, made page by page while the client reads it.

use crate::{
    db::Error,
    http::{DescribeAnswer, describe::OperationBuilder},
};
use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Makes the pages of a file.
pub trait CsvPages: Send + Sized + 'static {
    /// Returns the next page, or none after the last.
    fn next(&mut self) -> impl Future<Output = Result<Option<String>, Error>> + Send;
}

/// A file of this name. One page is in memory at a time; the next is made when the client took the one before.
pub struct CsvStream<P> {
    pub name: &'static str,
    pub pages: P,
}

type Making<P> = Pin<Box<dyn Future<Output = (P, Result<Option<String>, Error>)> + Send>>;

struct Pages<P>(Option<Making<P>>);

impl<P: CsvPages> Pages<P> {
    fn make(mut pages: P) -> Making<P> {
        Box::pin(async move {
            let page = pages.next().await;
            (pages, page)
        })
    }
}

impl<P: CsvPages> HttpBody for Pages<P> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(making) = &mut self.0 else { return Poll::Ready(None) };
        let (pages, page) = ready!(making.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(match page {
            Ok(Some(page)) => {
                self.0 = Some(Pages::make(pages));
                Some(Ok(Frame::data(page.into())))
            }
            Ok(None) => None,
            // The connection breaks off, so that nobody takes a part for the whole.
            Err(error) => Some(Err(error)),
        })
    }
}

impl<P: CsvPages> IntoResponse for CsvStream<P> {
    fn into_response(self) -> Response {
        let mut answer = Response::new(Body::new(Pages(Some(Pages::make(self.pages))).boxed_unsync()));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        if let Ok(value) = HeaderValue::try_from(disposition) {
            answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
        }
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        answer
    }
}

impl<P> DescribeAnswer for CsvStream<P> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.csv_answer(200, "The file. A failure breaks the connection off, so that a part of the file is not taken for the whole.");
    }
}
