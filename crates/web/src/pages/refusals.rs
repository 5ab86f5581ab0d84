//! The pages of requests that no page answers: refused before they reached one, failed in one, or sent while the program starts.

use super::{Frame, Message, answer, unwritten};
use crate::texts::Language;
use askama::Template as _;
use axum::{
    http::{HeaderValue, StatusCode},
    response::Response,
};

/// Says that a request was refused or failed.
pub fn refused(accept_language: Option<&HeaderValue>, status: StatusCode, correlation_id: &str) -> Response {
    let frame = Frame::of_anyone(Language::accepted(accept_language));
    let t = frame.t;
    let (title, text) = match status {
        StatusCode::NOT_FOUND => (t.not_found, t.not_found_text),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => (t.busy, t.busy_text),
        StatusCode::PAYLOAD_TOO_LARGE => (t.too_large, t.too_large_text),
        _ if status.is_client_error() => (t.refused, t.refused_text),
        _ => (t.failed, t.failed_text),
    };
    // The number names an entry of the log, where the cause stands.
    let correlation_id = if status.is_server_error() { correlation_id } else { "" };
    written(&Message { frame, title, text: text.to_owned(), correlation_id: correlation_id.to_owned(), is_starting: false })
}

/// Says that the program is starting. The page opens again by itself; without scripts by its link.
pub fn starting(accept_language: Option<&HeaderValue>) -> Response {
    let frame = Frame::of_anyone(Language::accepted(accept_language));
    let (title, text) = (frame.t.starting, frame.t.starting_text.to_owned());
    written(&Message { frame, title, text, correlation_id: String::new(), is_starting: true })
}

fn written(message: &Message) -> Response {
    message.render().map_or_else(|error| unwritten(&error), answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn text(answer: Response) -> String {
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("img-src"));
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn each_kind_of_refusal_has_its_words() {
        let german = HeaderValue::from_static("de");
        for (status, words, has_number) in [
            (404, "There is no such page", false),
            (500, "Something went wrong", true),
            (502, "Something went wrong", true),
            (503, "We are busy right now", true),
            (413, "This is too large", false),
            (403, "This did not work", false),
        ] {
            let page = text(refused(None, StatusCode::from_u16(status).unwrap(), "number-7")).await;
            assert!(page.contains(&format!("<h1>{words}</h1>")) && page.contains("number-7") == has_number, "{status}: {page}");
        }
        assert!(text(refused(Some(&german), StatusCode::NOT_FOUND, "")).await.contains("<h1>Diese Seite gibt es nicht</h1>"));
        let page = text(starting(Some(&german))).await;
        assert!(page.contains("data-reload") && page.contains("Der Laden öffnet gleich"), "{page}");
    }
}
