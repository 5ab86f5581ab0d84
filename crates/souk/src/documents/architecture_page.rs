//! Compares the first diagram of `docs/architecture.md`, which is drawn by hand, with the program: a solid arrow shows
//! calls, a dotted one events. What the gateway forwards to each service is drawn once for all.

use super::{assert_same, owned, started};
use platform::testing::TempFolder;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../../../docs/architecture.md");

/// Pairs of services, from and to.
type Arrows = BTreeSet<(String, String)>;

/// Returns the arrows of the diagram that are drawn as `shaft` and start at one of `services`.
fn drawn(shaft: &str, services: &BTreeSet<&str>) -> Arrows {
    let diagram = PAGE.split("```mermaid\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has a diagram");
    let mut arrows = Arrows::new();
    for (from, to) in diagram.lines().filter_map(|line| line.split_once(&format!(" {shaft}"))) {
        // A label is between two bars.
        let to = to.rsplit('|').next().unwrap_or(to);
        for from in from.split('&').map(str::trim).filter(|from| services.contains(from)) {
            for to in to.split('&').map(str::trim) {
                assert!(arrows.insert((from.to_owned(), to.to_owned())), "{from} {shaft} {to} is drawn twice");
            }
        }
    }
    arrows
}

#[tokio::test]
async fn the_diagram_shows_exactly_the_calls_and_events_between_services() {
    let folder = TempFolder::new();
    let runtime = started(&folder).await.unwrap();
    // The revocations of tokens are read by every service.
    let calls = contracts::registry::calls()
        .filter(|call| call.name != "LIST_REVOCATIONS")
        .flat_map(|call| call.from.iter().map(|from| (*from, call.service)))
        .filter(|(from, _)| *from != "gateway");
    let called = owned(calls);
    let producers: BTreeMap<_, _> = contracts::registry::events().map(|kind| (kind.event_type, kind.producer)).collect();
    let consumed = owned(runtime.consumed_event_types().map(|(service, event)| (producers[event], service)));
    let services: BTreeSet<&str> = called.iter().chain(&consumed).flat_map(|(from, to)| [from.as_str(), to.as_str()]).collect();
    assert_same("the diagram", &drawn("-->", &services), &called);
    assert_same("the diagram", &drawn("-.->", &services), &consumed);
}
