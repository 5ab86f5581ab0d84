//! What is left of an erased user in the log.

use super::*;
use contracts::auth::UserErased;

async fn payloads(log: &Harness) -> Vec<String> {
    let read = async |tx: &mut Tx| tx.query("SELECT payload FROM events ORDER BY position", &[], |row| row.next::<String>()).await;
    log.db().read(read).await.unwrap_or_else(|error: Error| panic!("{error}"))
}

#[tokio::test]
async fn an_erased_user_is_in_no_payload_and_the_chain_verifies() {
    let log = log().await;
    let (mara, ivo): (UserId, UserId) = (log.id(), log.id());
    log.deliver(registered(mara)).await;
    log.deliver(UserRegistered { name: "Ivo".into(), ..registered(ivo) }).await;
    log.deliver(locked(mara)).await;
    let export = log.get(&format!("/internal/personal-data/{mara}")).service("user").send().await.expect(200).json();
    assert_eq!(export["events"].as_array().unwrap().len(), 2);
    assert_eq!(export["events"][0]["payload"]["name"], "Mara");
    log.deliver(UserErased { user_id: mara, guest_id: None }).await;
    let payloads = payloads(&log).await;
    assert!(!payloads[0].contains("Mara") && !payloads[0].contains("example.com"), "{}", payloads[0]);
    assert!(payloads[0].contains(&mara.to_string()) && payloads[0].contains("roles"), "{}", payloads[0]);
    assert!(payloads[1].contains("Ivo"), "{}", payloads[1]);
    let Report { checked, faults, .. } = report(&log).await;
    assert_eq!((checked, faults), (4, Vec::<String>::new()));
    // The event again, as after a rewind.
    log.deliver(UserErased { user_id: mara, guest_id: None }).await;
    assert_eq!(report(&log).await.faults, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_else_can_take_anything_out_of_a_payload() {
    for change in [
        "UPDATE events SET payload = '{}' WHERE position = 1",
        "UPDATE events SET payload = '{}', erasure_tag = payload_digest WHERE position = 2",
        "UPDATE events SET erasure_tag = NULL WHERE position = 1",
        "UPDATE events SET payload = (SELECT payload FROM events e WHERE e.position = 1), \
         erasure_tag = (SELECT erasure_tag FROM events e WHERE e.position = 1) WHERE position = 2",
    ] {
        let log = log().await;
        let mara: UserId = log.id();
        log.deliver(registered(mara)).await;
        log.deliver(registered(log.id())).await;
        log.deliver(UserErased { user_id: mara, guest_id: None }).await;
        assert_eq!(report(&log).await.faults, Vec::<String>::new());
        tamper(&log, change).await;
        assert_eq!(report(&log).await.faults.len(), 1, "{change}");
    }
}
