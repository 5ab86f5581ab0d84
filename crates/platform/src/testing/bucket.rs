//! A bucket of an S3-compatible store.

use crate::{env::LockUnpoisoned as _, hex};
use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// A bucket for tests. It checks the form of a request, the id of the key and the digest of the body, and not the signature.
pub struct TestBucket {
    /// Its address, as the settings have it.
    pub url: String,
    /// `None` for the bucket of a server.
    objects: Option<Objects>,
}

impl TestBucket {
    /// The id and the secret of the key.
    pub const KEY: &str = "S3RVER";

    /// Returns the bucket that `SOUK_TEST_S3` names, as `scripts/s3` prints it, else one in the memory of this process.
    pub async fn open() -> TestBucket {
        #[expect(clippy::disallowed_methods, reason = "where the server of the test is, no configuration of the program")]
        match std::env::var("SOUK_TEST_S3") {
            Ok(url) => TestBucket { url, objects: None },
            Err(_) => TestBucket::in_memory().await,
        }
    }

    /// Starts a server with one bucket, which ends with the runtime of the test.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn in_memory() -> TestBucket {
        let objects = Objects::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}/pictures", listener.local_addr().expect("it is bound"));
        let router = Router::new().fallback(answer).with_state(objects.clone());
        #[expect(clippy::disallowed_methods, reason = "it is another program than the one that is tested")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        TestBucket { url, objects: Some(objects) }
    }

    /// Returns the names of the objects of a bucket in memory.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.objects.iter().flat_map(|objects| objects.lock_unpoisoned().keys().cloned().collect::<Vec<_>>()).collect()
    }
}

async fn answer(State(objects): State<Objects>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 64 << 20).await else { return StatusCode::BAD_REQUEST.into_response() };
    if let Err(code) = check(&head.headers, &body) {
        return refused(StatusCode::FORBIDDEN, code);
    }
    let Some(name) = head.uri.path().strip_prefix("/pictures/").map(str::to_owned) else {
        return refused(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    let mut objects = objects.lock_unpoisoned();
    match head.method {
        Method::PUT => {
            objects.insert(name, body);
            StatusCode::OK.into_response()
        }
        Method::DELETE => {
            objects.remove(&name);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::GET | Method::HEAD => match objects.get(&name) {
            Some(object) => object.clone().into_response(),
            None => refused(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn check(headers: &HeaderMap, body: &Bytes) -> Result<(), &'static str> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scope = header("authorization").strip_prefix("AWS4-HMAC-SHA256 Credential=").ok_or("AccessDenied")?;
    if scope.split('/').next() != Some(TestBucket::KEY) {
        return Err("InvalidAccessKeyId");
    }
    if header("x-amz-content-sha256") != hex::encode(&Sha256::digest(body)) {
        return Err("XAmzContentSHA256Mismatch");
    }
    if header("x-amz-date").is_empty() { Err("AccessDenied") } else { Ok(()) }
}

fn refused(status: StatusCode, code: &str) -> Response {
    (status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>")).into_response()
}
