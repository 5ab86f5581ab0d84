//! The tools around the platform, from the command line.

use super::house::{House, run};
use platform::testing::TempFolder;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_made_listed_and_ended_while_the_platform_runs() {
    let house = House::open().await;
    let tool = |arguments: &[&str]| run(house.folder.path(), arguments, "");
    let (fine, said) = tool(&["client", "create", "--id", "carrier", "--scope", "shipping:everything"]);
    assert!(!fine && said.contains("shipping:events"), "what there is, is said: {said}");
    let (fine, said) = tool(&["client", "create", "--id", "carrier", "--scope", "shipping:events"]);
    assert!(fine, "{said}");
    assert!(said.contains("secret: "), "{said}");
    let (_, listed) = tool(&["client", "list"]);
    assert!(listed.contains("carrier") && listed.contains("shipping:events") && listed.contains("1 client"), "{listed}");
    let (fine, said) = tool(&["client", "remove", "--id", "carrier"]);
    assert!(fine, "{said}");
    let (_, listed) = tool(&["client", "list"]);
    assert!(listed.contains("0 clients"), "{listed}");
    let (fine, said) = tool(&["client", "remove", "--id", "carrier"]);
    assert!(!fine && said.contains("there is no client carrier"), "{said}");
    house.close();
}
