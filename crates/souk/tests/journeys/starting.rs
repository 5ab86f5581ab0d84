//! The program from its start to its end, as seen by clients.

use super::server::{PROGRAM, command};
use contracts::{
    catalog::LIST_PRODUCTS,
    machine::Machine as _,
    order::{LIST_ALL_ORDERS, LIST_ORDERS, OrderStatus},
    user::LIST_ADDRESSES,
};
use hyper::Method;
use platform::{telemetry::FAMILIES, testing::TempFolder};
use souk::{
    api_client::{Api, Reply, raw, request},
    child::Program,
    demo,
};
use std::{fs::File, path::Path, time::Duration};
use tokio::time::Instant;

/// Limit for the first start of the demo in a debug build.
const PATIENCE: Duration = Duration::from_secs(120);

fn start_demo(folder: &Path) -> Program {
    Program::start(PROGRAM, &["demo", "--log", "error"], folder, &[]).expect("it starts")
}

/// Sends a request over a new connection until `enough` of its answer, which is `None` without a connection.
async fn poll(api: &Api, path: &str, enough: impl Fn(Option<&Reply>) -> bool) -> Option<Reply> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = api.reconnected().send(raw(Method::GET, path)).await.ok();
        if enough(answer.as_ref()) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path} does not change");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn probes_are_answered_from_the_start_to_the_end() {
    let folder = TempFolder::new();
    let mut program = start_demo(folder.path());
    let api = program.api.clone();
    let alive = poll(&api, "//healthz", |answer| answer.is_some()).await.unwrap();
    assert_eq!(alive.status, 200);
    let starting = api.reconnected().send(raw(Method::GET, "//readyz")).await.unwrap();
    let reasons = starting.json()["reasons"].to_string();
    assert!(starting.status == 503 && reasons.contains("being"), "{} {reasons}", starting.status);
    let early = api.reconnected().send(request(&LIST_PRODUCTS)).await.unwrap();
    assert_eq!(early.problem(), (503, "DEPENDENCY_UNAVAILABLE".to_owned()));
    let browser = raw(Method::GET, "//cart").header("accept", "text/html").header("accept-language", "de");
    let page = api.reconnected().send(browser).await.unwrap();
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(page.status == 503 && html.contains("Der Laden öffnet gleich"), "{html}");
    let style = html.split("stylesheet\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("it has a style sheet").to_owned();
    assert_eq!(api.reconnected().send(raw(Method::GET, &format!("/{style}"))).await.unwrap().status, 200, "{style}");

    poll(&api, "//readyz", |answer| answer.is_some_and(|reply| reply.status == 200)).await;
    let products = api.reconnected().must(request(&LIST_PRODUCTS).query("limit", 1)).await.unwrap();
    assert_eq!(products.items.len(), 1, "the first accepted request finds products");
    for (probe, status) in [("//healthz", 200), ("//readyz", 200), ("//metrics", 200), ("//api/v1/products", 404)] {
        assert_eq!(program.operations.send(raw(Method::GET, probe)).await.unwrap().status, status, "{probe}");
    }
    check_metrics(&program.operations.send(raw(Method::GET, "//metrics")).await.unwrap());
    let customer = api.log_in(demo::CUSTOMER).await.unwrap();
    assert_eq!(customer.must(request(&LIST_ADDRESSES)).await.unwrap().items.len(), 1);
    let order = customer.must(request(&LIST_ORDERS)).await.unwrap().items.remove(0);
    assert!(!matches!(order.status, OrderStatus::PaymentFailed | OrderStatus::Cancelled), "{}", order.status);
    let shown = shown(&api).await;
    assert_eq!(
        shown,
        ["4 orders", "ACTIVE", "ACTIVE", "PENDING", "PUBLISHED", "PUBLISHED", "APPROVED", "REFUNDED", "PAID", "PAID", "PAID"]
    );

    program.terminate().expect("kill runs");
    let stopping = poll(&api, "//readyz", |answer| answer.is_none_or(|reply| reply.status != 200)).await;
    let reasons = stopping.expect("connections are still accepted").json()["reasons"].to_string();
    assert!(reasons.contains("stopping"), "{reasons}");
    assert!(program.wait().await.expect("it ends").success());

    let marker = folder.path().join("demo.json");
    std::fs::write(&marker, "").unwrap();
    let mut program = start_demo(folder.path());
    program.until_ready().await.expect("it is ready");
    assert!(std::fs::read_to_string(&marker).unwrap().contains("products"), "an incomplete marker is replaced");
    assert_eq!(self::shown(&program.api).await, shown, "the start that completes a demo makes nothing again");
}

/// How many orders the demo shows, and the statuses of its promotions, reviews, returns and payouts.
async fn shown(api: &Api) -> Vec<String> {
    let admin = api.log_in(demo::ADMIN).await.unwrap();
    let mut found = vec![format!("{} orders", admin.must(request(&LIST_ALL_ORDERS)).await.unwrap().items.len())];
    for path in ["/promotions", "/admin/reviews", "/admin/returns", "/admin/payouts"] {
        let page = admin.send(raw(Method::GET, path)).await.unwrap().json();
        let mut statuses: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|item| item["status"].as_str().unwrap().to_owned()).collect();
        statuses.sort();
        found.extend(statuses);
    }
    found
}

/// Checks that every family has its lines HELP and TYPE, and that those of a demo are there.
fn check_metrics(reply: &Reply) {
    let text = std::str::from_utf8(&reply.body).unwrap();
    let families = |line: &str| -> Vec<String> {
        text.lines().filter_map(|found| found.strip_prefix(line)?.split(' ').next()).map(str::to_owned).collect()
    };
    let (helped, typed) = (families("# HELP "), families("# TYPE "));
    for sample in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = sample.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| name.strip_suffix(part))
            .filter(|family| typed.iter().any(|name| name == family));
        let family = family.unwrap_or(name);
        assert!(helped.iter().any(|name| name == family) && typed.iter().any(|name| name == family), "{sample}");
        assert!(FAMILIES.iter().any(|known| known.name == family), "{sample} is not in the table");
    }
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("{series}: {text}"));
        line.trim().parse().unwrap()
    };
    let orders: f64 = OrderStatus::STATES.iter().map(|status| value(&format!("souk_orders{{status=\"{}\"}}", status.as_str()))).sum();
    assert!(orders >= 1.0);
    assert!(value("souk_db_commit_duration_seconds_count{service=\"order\"}") >= 1.0);
    for series in [
        "souk_events_unread{producer=\"order\",consumer=\"audit\"}",
        "souk_events_unread_age_seconds{producer=\"order\",consumer=\"audit\"}",
        "souk_db_queued_units{service=\"catalog\"}",
        "souk_payments{status=\"AUTHORIZED\"}",
        "souk_payment_transactions_open{status=\"UNKNOWN\"}",
        "souk_notifications_unsent{channel=\"EMAIL\"}",
        "souk_notifications_unsent_age_seconds{channel=\"WEBHOOK\"}",
        "souk_failed_events{service=\"audit\",status=\"PARKED\"}",
    ] {
        assert!(value(series) >= 0.0, "{series}");
    }
    assert!(value("process_start_time_seconds") > 1.7e9 && text.contains("souk_build_info{version=\""), "{text}");
}

#[tokio::test]
async fn every_line_is_json_when_the_log_format_is_json() {
    let folder = TempFolder::new();
    let output = folder.path().join("output");
    let lines = || {
        let text = std::fs::read_to_string(&output).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{text}")));
        lines.collect::<Vec<_>>()
    };
    let run = |arguments: &[&str]| {
        let file = File::create(&output).unwrap();
        let mut command = command(arguments);
        command.env("SOUK_LOG", "info").env("SOUK_DATA_DIR", folder.path().join("data"));
        command.stdout(file.try_clone().unwrap()).stderr(file);
        command
    };
    let free = ["--listen", "localhost:0", "--ops-listen", "localhost:0", "--log-format", "json"];
    let mut child = run(&[&["serve"][..], &free].concat()).spawn().expect("it starts");
    let deadline = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(&output).unwrap().contains("\"listening\"") {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "{:?}", lines());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    std::process::Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success(), "{:?}", lines());
    let started = lines();
    assert!(started.len() > 1 && started.iter().any(|line| line["address"].to_string().contains("http://127.0.0.1:")), "{started:?}");
    for faulty in [&["serve", "--listen", "nowhere"][..], &["serve", "--unknown"], &["demo", "--only", "order"], &["serve", "--log", "a=b"]]
    {
        assert!(!run(&[faulty, &free[4..]].concat()).status().unwrap().success());
        assert_eq!(lines().iter().map(|line| line["level"].clone()).collect::<Vec<_>>(), ["ERROR"], "{faulty:?}");
    }
}
