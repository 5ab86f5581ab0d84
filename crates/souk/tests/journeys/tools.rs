//! The tools around the platform, from the command line.

use super::server::{Server, command, run};
use platform::testing::TempFolder;
use std::process::Stdio;

#[test]
fn a_tool_that_looks_makes_nothing_to_look_at() {
    let folder = TempFolder::new();
    let nowhere = folder.path().join("nowhere");
    for arguments in [&["doctor"][..], &["events", "parked"], &["audit", "verify"], &["search", "rebuild"], &["client", "list"]] {
        let (fine, said) = run(&nowhere, arguments, "");
        assert!(!fine && said.contains("there is no installation in"), "{arguments:?}: {said}");
        assert!(!nowhere.exists(), "{arguments:?}");
    }
    let (fine, said) = run(&nowhere, &["migrate"], "");
    assert!(fine, "{said}");
    for arguments in [&["doctor"][..], &["events", "parked"], &["audit", "verify"], &["client", "list"]] {
        let (fine, said) = run(&nowhere, arguments, "");
        assert!(fine, "{arguments:?}: {said}");
    }
}

#[test]
fn a_reader_that_has_enough_ends_the_output_and_nothing_else() {
    for arguments in [&["problems"][..], &["openapi"]] {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success() && ended.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_a_full_disk_does_not_take_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let ended = command(&["problems"]).stdout(full).stderr(Stdio::piped()).output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("standard output cannot be written"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_made_listed_and_ended_while_the_platform_runs() {
    let server = Server::start().await;
    let tool = |arguments: &[&str]| run(server.folder.path(), arguments, "");
    let (fine, said) = tool(&["client", "create", "--id", "carrier", "--scope", "shipping:everything"]);
    assert!(!fine && said.contains("shipping:events"), "what there is, is said: {said}");
    let (fine, said) = tool(&["client", "create", "--id", "carrier", "--scope", "shipping:events"]);
    assert!(fine, "{said}");
    assert!(said.contains("secret: "), "{said}");
    let (_, listed) = tool(&["client", "list"]);
    assert!(listed.contains("carrier") && listed.contains("shipping:events") && listed.contains("1 client\n"), "{listed}");
    let (fine, said) = tool(&["client", "remove", "--id", "carrier"]);
    assert!(fine, "{said}");
    let (_, listed) = tool(&["client", "list"]);
    assert!(listed.contains("0 clients"), "{listed}");
    let (fine, said) = tool(&["client", "remove", "--id", "carrier"]);
    assert!(!fine && said.contains("there is no client carrier"), "{said}");
    server.stop_and_check();
}

#[test]
fn a_demo_is_not_loaded_into_the_data_of_a_platform_that_is_none() {
    let folder = TempFolder::new();
    assert!(run(folder.path(), &["migrate"], "").0);
    let (fine, said) = run(folder.path(), &["demo", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"], "");
    assert!(!fine && said.contains("is no demo"), "{said}");
}

#[test]
fn a_variable_that_is_not_text_matters_only_where_it_is_ours() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let folder = TempFolder::new();
    let migrate = |variable: &str| {
        let broken = OsStr::from_bytes(&[0xff]);
        command(&["migrate"]).env("SOUK_DATA_DIR", folder.path()).env(variable, broken).output().expect("it ends")
    };
    assert!(migrate("LS_COLORS").status.success());
    for ours in ["SOUK_AUTH_ISSUER", "SOUK_LISTEN"] {
        let refused = migrate(ours);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(ours) && !said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_filter_of_log_lines_that_is_none_stops_the_start() {
    let folder = TempFolder::new();
    let (fine, said) = run(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--log", "order=loud"], "");
    assert!(!fine && said.contains("--log") && said.contains("order=loud"), "{said}");
}
