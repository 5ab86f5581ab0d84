//! The tools of the command line.

use super::server::{Server, command, run};
use contracts::payment::PaymentMethod;
use platform::testing::TempFolder;
use serde_json::json;
use std::process::Stdio;

#[test]
fn a_tool_that_reads_creates_no_installation() {
    let folder = TempFolder::new();
    let nowhere = folder.path().join("nowhere");
    for arguments in
        [&["doctor"][..], &["events", "parked"], &["events", "list"], &["audit", "verify"], &["search", "rebuild"], &["client", "list"]]
    {
        let (succeeded, output) = run(&nowhere, arguments, "");
        assert!(!succeeded && output.contains("there is no installation in"), "{arguments:?}: {output}");
        assert!(!nowhere.exists(), "{arguments:?}");
    }
    let (succeeded, output) = run(&nowhere, &["migrate"], "");
    assert!(succeeded, "{output}");
    for arguments in [&["doctor"][..], &["events", "parked"], &["events", "list"], &["audit", "verify"], &["client", "list"]] {
        let (succeeded, output) = run(&nowhere, arguments, "");
        assert!(succeeded, "{arguments:?}: {output}");
    }
}

#[test]
fn a_closed_pipe_ends_the_output_without_an_error() {
    for arguments in [&["problems"][..], &["openapi"]] {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success() && ended.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_to_a_full_disk_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let ended = command(&["problems"]).stdout(full).stderr(Stdio::piped()).output().expect("it ends");
    let output = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && output.contains("standard output cannot be written"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_can_be_created_listed_and_removed_while_the_platform_runs() {
    let server = Server::start().await;
    let tool = |arguments: &[&str]| run(server.folder.path(), arguments, "");
    let (succeeded, output) = tool(&["client", "create", "--id", "carrier", "--scope", "shipping:everything"]);
    assert!(!succeeded && output.contains("shipping:events"), "the scopes are listed: {output}");
    let (succeeded, output) = tool(&["client", "create", "--id", "carrier", "--scope", "shipping:events"]);
    assert!(succeeded, "{output}");
    assert!(output.contains("secret: "), "{output}");
    let (_, listed) = tool(&["client", "list"]);
    assert!(listed.contains("carrier") && listed.contains("shipping:events") && listed.contains("1 client\n"), "{listed}");
    let (succeeded, output) = tool(&["client", "remove", "--id", "carrier"]);
    assert!(succeeded, "{output}");
    let (_, listed) = tool(&["client", "list"]);
    assert!(listed.contains("0 clients"), "{listed}");
    let (succeeded, output) = tool(&["client", "remove", "--id", "carrier"]);
    assert!(!succeeded && output.contains("there is no client carrier"), "{output}");
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_an_order_are_listed_while_the_platform_runs() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LISTED-1", 1_000, 5).await;
    let buyer = server.customer("listed").await;
    buyer.add(product, 1).await;
    let order = buyer.order(PaymentMethod::Ok, "k").await.order_id.to_string();
    let list = |arguments: &[&str]| run(server.folder.path(), &[&["events", "list"], arguments].concat(), "");
    let (succeeded, output) = list(&["--aggregate", &order]);
    let place = |event: &str| output.find(event).unwrap_or_else(|| panic!("{event} is not in {output}"));
    assert!(succeeded && place("OrderCreated") < place("OrderConfirmed"), "oldest first: {output}");
    assert!(!output.contains("StockChanged"), "{output}");
    let (_, newest) = list(&["--limit", "1", "--service", "order", "--type", "OrderCreated", "--json"]);
    let event: serde_json::Value = serde_json::from_str(&newest).expect("one line of JSON");
    assert_eq!((&event["aggregateId"], &event["payload"]["orderId"], &event["producer"]), (&json!(order), &json!(order), &json!("order")));
    assert!(event["position"].as_i64() > Some(0), "{event}");
    let correlation = event["correlationId"].as_str().expect("text");
    let (_, of_request) = list(&["--correlation", correlation, "--limit", "10000"]);
    assert!(of_request.contains("OrderCreated") && of_request.contains("PaymentAuthorized"), "{of_request}");
    assert_eq!(list(&["--since", "2999-01-01T00:00:00Z"]), (true, String::new()));
    for (wrong, named) in
        [("--type=OrderMade", "there is no such type"), ("--service=orders", "possible values"), ("--limit=0", "1..=10000")]
    {
        let (succeeded, output) = list(&[wrong]);
        assert!(!succeeded && output.contains(named), "{wrong}: {output}");
    }
    server.stop_and_check().await;
}

#[test]
fn the_demo_is_not_loaded_into_another_installation() {
    let folder = TempFolder::new();
    assert!(run(folder.path(), &["migrate"], "").0);
    let (succeeded, output) = run(folder.path(), &["demo", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"], "");
    assert!(!succeeded && output.contains("is no demo"), "{output}");
}

#[test]
fn only_variables_of_souk_must_be_utf_8() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let folder = TempFolder::new();
    let migrate = |variable: &str| {
        let broken = OsStr::from_bytes(&[0xff]);
        command(&["migrate"]).env("SOUK_DATA_DIR", folder.path()).env(variable, broken).output().expect("it ends")
    };
    assert!(migrate("LS_COLORS").status.success());
    for ours in ["SOUK_AUTH_ISSUER", "SOUK_LISTEN"] {
        let refused = migrate(ours);
        let output = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && output.contains(ours) && !output.contains("panicked"), "{output}");
    }
}

#[test]
fn an_invalid_log_filter_stops_the_start() {
    let folder = TempFolder::new();
    let (succeeded, output) = run(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--log", "order=loud"], "");
    assert!(!succeeded && output.contains("--log") && output.contains("order=loud"), "{output}");
}

/// The long options that the help of a subcommand shows, and the names of its subcommands.
fn help(path: &[&str]) -> (Vec<String>, Vec<String>) {
    let ended = command(&[path, &["--help"]].concat()).output().expect("it ends");
    let text = String::from_utf8(ended.stdout).expect("it is text");
    assert!(ended.status.success(), "{path:?}: {text}");
    let own = |line: &str| line.trim_start().trim_start_matches("-h, ").trim_start_matches("-V, ").split(' ').next().unwrap().to_owned();
    let options = text.lines().map(own).filter(|word| word.starts_with("--")).collect();
    let commands = text.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    // A line that continues a description is indented further.
    let commands = commands.lines().filter(|line| !line.starts_with("   ")).map(own).collect();
    (options, commands)
}

#[test]
fn the_help_of_a_subcommand_shows_its_own_flags_only() {
    let mut paths = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = paths.pop() {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let (options, commands) = help(&words);
        let serves = matches!(words.first(), Some(&("serve" | "demo" | "bench")));
        for of_serve in ["--listen", "--ops-listen", "--rate-limits", "--log", "--log-format", "--events", "--only"] {
            assert!(serves || !options.iter().any(|option| option == of_serve), "{path:?}: {of_serve}");
        }
        seen += 1;
        paths.extend(commands.into_iter().map(|command| [path.clone(), vec![command]].concat()));
    }
    assert!(seen >= 20, "only {seen} subcommands were found");
    for tool in [&["doctor", "--listen", "127.0.0.1:1"][..], &["events", "parked", "--rate-limits", "off"]] {
        let refused = command(tool).output().expect("it ends");
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("unexpected argument"), "{tool:?}");
    }
}

#[test]
fn a_tool_reads_the_variables_of_serve_and_refuses_wrong_ones() {
    let folder = TempFolder::new();
    let migrate = |value: &str| {
        let ended = command(&["migrate"]).env("SOUK_DATA_DIR", folder.path()).env("SOUK_LISTEN", value).output().expect("it ends");
        (ended.status.success(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    assert_eq!(migrate("localhost:8080"), (true, String::new()));
    let (succeeded, output) = migrate("8080");
    assert!(!succeeded && output.contains("8080") && output.contains("--listen"), "{output}");
}

#[test]
fn replay_without_a_choice_names_both() {
    for arguments in [
        &["events", "replay"][..],
        &["events", "replay", "--event", "01890000-0000-7000-8000-000000000001", "--since", "2026-01-01T00:00:00Z"],
    ] {
        let ended = command(arguments).output().expect("it ends");
        let output = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && output.contains("--event <ID>") && output.contains("--since <TIME>"), "{output}");
    }
}
