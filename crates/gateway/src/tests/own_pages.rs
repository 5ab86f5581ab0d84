use super::*;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _},
};

#[tokio::test]
async fn readyz_lists_what_is_missing() {
    let missing = Arc::new(Mutex::new(vec!["the database of order is not there".to_owned()]));
    let reasons = missing.clone();
    let site = Builder { ready: Arc::new(move || reasons.lock().unwrap().clone()), ..build() }.start();
    assert_eq!(site.get("/healthz").await.status, 200);
    let unready = site.get("/readyz").await;
    assert_eq!((unready.status, unready.header("retry-after")), (503, "1"));
    assert_eq!(unready.json()["reasons"], json!(["the database of order is not there"]));
    missing.lock().unwrap().clear();
    let ready = site.get("/readyz").await;
    assert_eq!((ready.status, ready.header("cache-control")), (200, "no-store"));
}

#[tokio::test]
async fn before_the_services_are_ready_only_probes_succeed() {
    let (gate, setup, site) = Builder { ready: Arc::new(|| vec!["starting".to_owned()]), ..build() }.starting();
    assert_eq!(site.get("/healthz").await.status, 200);
    let unready = site.get("/readyz").await;
    assert_eq!((unready.status, unready.json()["reasons"].clone()), (503, json!(["starting"])));
    for path in ["/api/v1/orders", "/api/v1/openapi.json", "/"] {
        let early = site.request("GET", path, &[("x-correlation-id", "early")]).await;
        early.is_problem("DEPENDENCY_UNAVAILABLE");
        assert_eq!((early.status, early.header("retry-after"), early.header("x-correlation-id")), (503, "1", "early"), "{path}");
        assert_eq!(early.header("x-content-type-options"), "nosniff");
    }
    gate.open(setup);
    assert_eq!(site.get("/api/v1/openapi.json").await.status, 200);
    assert_eq!(site.get("/readyz").await.status, 503, "opening the gate does not make the platform ready");
}

#[tokio::test]
async fn the_api_description_is_served_with_an_entity_tag() {
    let site = site();
    let got = site.get("/api/v1/openapi.json").await;
    let document = got.json();
    assert_eq!((got.header("content-type"), &document["openapi"]), ("application/json", &json!("3.1.0")));
    assert!(document["paths"]["/orders"]["get"].is_object() && document["paths"]["/internal/secret"].is_null());
    let again = site.request("GET", "/api/v1/openapi.json", &[("if-none-match", got.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert!(got.header("cache-control").contains("max-age"));
    let packed = site.request("GET", "/api/v1/openapi.json", &[("accept-encoding", "gzip")]).await;
    assert_eq!((packed.header("content-encoding"), packed.header("etag")), ("gzip", got.header("etag")));
    assert!(packed.body.len() < got.body.len());
}

#[tokio::test]
async fn the_docs_page_has_no_external_resources_and_no_inline_scripts() {
    let site = site();
    let page = site.get("/api/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let text = page.text();
    assert!(!text.contains("://") && !text.contains("<style") && !text.contains(" style=") && !text.contains(" on"), "{text}");
    let mut links = 0;
    for part in text.split([' ', '>']).filter_map(|part| part.strip_prefix("src=\"").or_else(|| part.strip_prefix("href=\""))) {
        let path = part.trim_end_matches('"');
        if path.starts_with('/') {
            links += 1;
            let got = site.request("GET", path, &[("accept-encoding", "gzip")]).await;
            assert_eq!(got.status, 200, "{path}");
        }
    }
    assert!(links >= 6, "{text}");
    assert!(!text.split("<script").skip(1).any(|script| !script.trim_start().starts_with("src=")));
    let start = site.get("/api/docs/docs.js").await.text();
    assert!(start.contains("validatorUrl: null") && !start.contains("://"), "{start}");
}

#[tokio::test]
async fn the_bundle_is_served_compressed() {
    let site = site();
    for (path, kind) in
        [("/api/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"), ("/api/docs/swagger-ui.css", "text/css; charset=utf-8")]
    {
        let got = site.request("GET", path, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!((got.status, got.header("content-type"), got.header("content-encoding")), (200, kind, "gzip"), "{path}");
        assert!(
            got.body.starts_with(&[0x1f, 0x8b])
                && got.header("etag").starts_with("W/\"")
                && got.header("cache-control").contains("max-age")
        );
        assert_eq!(site.get(path).await.header("content-encoding"), "gzip", "without Accept-Encoding every encoding is accepted");
        let refused = site.request("GET", path, &[("accept-encoding", "identity")]).await;
        assert_eq!(refused.status, 406);
        refused.is_problem("NOT_ACCEPTABLE");
    }
    for missing in ["/api/docs/", "/api/docs/other.js", "/api/docs/../style.css", "/api/docs/swagger-ui.css.gz", "/api/docs/a/b"] {
        assert_eq!(site.get(missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn the_type_of_a_problem_is_the_address_of_its_page() {
    let site = site();
    let problem = site.get("/api/v1/nothing").await.json();
    let path = problem["type"].as_str().unwrap();
    let page = site.request("GET", path, &[("accept", "text/html,*/*;q=0.8")]).await;
    assert_eq!((page.status, page.header("content-type"), page.header("vary")), (200, "text/html; charset=utf-8", "Accept"));
    assert!(page.text().contains("NOT_FOUND") && page.text().contains(problem["title"].as_str().unwrap()));
    let row = site.request("GET", path, &[("accept", "application/json")]).await.json();
    assert_eq!((&row["code"], &row["status"], &row["type"]), (&json!("NOT_FOUND"), &json!(404), &problem["type"]));
    site.get("/problems/no-such-thing").await.is_problem("NOT_FOUND");
    let list = site.request("GET", "/problems", &[("accept", "application/json")]).await.json();
    assert_eq!(list["problems"].as_array().unwrap().len(), contracts::problem::Code::ALL.len());
    let listed = site.get("/problems").await.text();
    for code in contracts::problem::Code::ALL {
        assert!(listed.contains(&format!("href=\"/problems/{}\"", code.slug())), "{code:?}");
        assert_eq!(site.get(&format!("/problems/{}", code.slug())).await.status, 200, "{code:?}");
    }
}

#[tokio::test]
async fn the_landing_page_links_to_every_page() {
    let site = site();
    let page = site.get("/").await;
    assert_eq!(page.status, 200);
    for path in ["/api/docs", "/api/v1/openapi.json", "/problems", "/healthz", "/readyz", "/api/style.css"] {
        assert!(page.text().contains(&format!("href=\"{path}\"")), "{path}");
        assert_eq!(site.get(path).await.status, 200, "{path}");
    }
}

/// The pages of a shop that says which one it shows.
fn browser_pages() -> crate::BrowserPages {
    crate::BrowserPages {
        refused: |language, status, correlation_id| {
            let language = language.map(|language| language.to_str().unwrap().to_owned());
            Html(format!("refused {} {correlation_id} {}", status.as_u16(), language.unwrap_or_default())).into_response()
        },
        starting: |_| Html("starting").into_response(),
        files: Router::new().route("/assets/style.css", axum::routing::get(|| async { "a {}" })),
    }
}

#[tokio::test]
async fn a_browser_gets_pages_instead_of_problem_documents() {
    let extra = Router::new()
        .route(
            "/panic",
            axum::routing::get(|| async {
                if true {
                    panic!("oh")
                }
            }),
        )
        .route("/own", axum::routing::get(|| async { (StatusCode::CONFLICT, Html("an own page")) }));
    let site = Builder { browser_pages: Some(browser_pages()), extra, ..build() }.start();
    let headers = [("accept", "text/html,*/*;q=0.8"), ("x-correlation-id", "mine"), ("accept-language", "de")];
    for (path, status, text) in [
        ("/panic", 500, "refused 500 mine de"),
        ("/%2e%2e", 404, "refused 404 mine de"),
        ("/%zz", 400, "refused 400 mine de"),
        ("/own", 409, "an own page"),
    ] {
        let shown = site.request("GET", path, &headers).await;
        assert_eq!((shown.status, &*shown.text()), (status, text), "{path}");
        assert_eq!((shown.header("content-type"), shown.header("x-correlation-id")), ("text/html; charset=utf-8", "mine"));
        assert!(shown.header("content-security-policy").contains("script-src 'self'"), "{path}");
    }
    for (path, headers) in [("/panic", &headers[1..]), ("/api/v1/nowhere", &headers[..]), ("/api/v1/orders/%zz", &headers)] {
        let shown = site.request("GET", path, headers).await;
        assert_eq!(shown.header("content-type"), "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn a_browser_is_told_that_the_program_is_starting() {
    let (_, _, site) =
        Builder { browser_pages: Some(browser_pages()), ready: Arc::new(|| vec!["starting".to_owned()]), ..build() }.starting();
    let headers = [("accept", "text/html")];
    let page = site.request("GET", "/cart", &headers).await;
    assert_eq!((page.status, &*page.text(), page.header("retry-after")), (503, "starting", "1"));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(site.get("/assets/style.css").await.text(), "a {}", "the page is not without its styles");
    for (path, headers) in [("/cart", &[][..]), ("/api/v1/orders", &headers)] {
        site.request("GET", path, headers).await.is_problem("DEPENDENCY_UNAVAILABLE");
    }
    let probe = site.request("GET", "/readyz", &headers).await;
    assert_eq!(probe.json()["reasons"], json!(["starting"]));
}

#[tokio::test]
async fn administrators_read_the_state_of_the_installation_and_nobody_else_does() {
    let failed = || async { Json(json!({"items": [{"status": "PARKED"}, {"status": "RETRYING"}], "nextCursor": null})) };
    let order = Router::new().route("/admin/parked-events/order", get(failed));
    let mut builder = build();
    builder.services.insert("order", Upstream::InProcess(order));
    let site = builder.start();
    let path = "/api/v1/admin/system";
    let nobody = site.get(path).await;
    nobody.is_problem("UNAUTHENTICATED");
    let (_, customer) = site.customer();
    site.request("GET", path, &[("authorization", &customer)]).await.is_problem("FORBIDDEN");

    let claims = Claims::user(&site.env, site.env.new_id(), &[contracts::auth::Role::Admin], Duration::from_secs(600));
    let admin = format!("Bearer {}", site.key.sign(&claims));
    let answer = site.request("GET", path, &[("authorization", &admin)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let state: contracts::system::SystemStatus = serde_json::from_value(answer.json()).unwrap();
    let names: Vec<_> = state.services.iter().map(|service| service.service.as_str()).collect();
    assert_eq!(names, SERVICE_NAMES);
    let answering: Vec<_> = state.services.iter().filter(|service| service.answers).collect();
    let [order] = answering[..] else { panic!("the others do not know the path: {answering:?}") };
    assert_eq!((order.service.as_str(), order.failed_events.parked, order.failed_events.retrying), ("order", 1, 1));
    assert_eq!((order.replicas, order.ready_replicas), (1, 1));
    assert_eq!((state.requests.requests, state.requests.failed), (2, 0), "those that were refused before");
    assert_eq!(state.last_day.iter().map(|span| span.requests).collect::<Vec<_>>(), [2]);
    assert!(state.requests.p99_micros >= state.requests.median_micros && state.requests.median_micros.is_some());
}
