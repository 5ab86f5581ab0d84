//! Profiles: creation and changes.

use super::{registered, start};
use contracts::{
    auth::{EmailChanged, EmailVerified, Role, RolesChanged},
    ids::UserId,
    user::{PreferencesChanged, UserUpdated},
};
use platform::testing::Harness;
use serde_json::json;

#[tokio::test]
async fn a_profile_begins_with_the_users_own_request() {
    let h = start().await;
    let user: UserId = h.id();
    let first = h.get("/users/me").customer(user).send().await.expect(200);
    assert_eq!(first.json()["email"], format!("{user}@example.com"));
    // A token has no name: the address is used.
    assert_eq!((first.json()["name"].clone(), first.json()["phone"].clone()), (first.json()["email"].clone(), json!(null)));
    assert_eq!(first.json()["roles"], json!(["CUSTOMER"]));
    assert_eq!(h.get("/users/me").customer(user).send().await.body, first.body);
    assert!(h.emitted().await.is_empty(), "the registration emitted everyone already");
}

/// Creates a profile: by the event, the call or the user's own request.
async fn create(h: &Harness, user: UserId, way: char) {
    match way {
        'e' => {
            h.deliver(registered(user, "mara@example.com", "Mara")).await;
        }
        'c' => {
            let body = json!({"email": "mara@example.com", "name": "Mara", "roles": ["CUSTOMER"]});
            h.put(&format!("/internal/users/{user}"), &body).service("auth").send().await.expect(200);
        }
        _ => {
            h.get("/users/me").customer(user).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_profile_is_created_once_and_gets_its_name_from_the_first_source_that_has_it() {
    let h = start().await;
    for order in ["ecr", "erc", "cer", "cre", "rec", "rce"] {
        let user: UserId = h.id();
        let (mut named, mut etag) = (false, String::new());
        for way in order.chars().chain(order.chars().filter(|way| *way != 'e')) {
            create(&h, user, way).await;
            let profile = h.get("/users/me").customer(user).send().await.expect(200);
            let tells_name = way != 'r';
            if named {
                assert_eq!(profile.header("etag"), etag, "{order}: {way} changed a profile that had its name");
            }
            named |= tells_name;
            etag = profile.header("etag").to_owned();
            assert_eq!(profile.json()["name"] == "Mara", named, "{order}: {way}");
        }
    }
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_registration_names_a_profile_without_a_name_and_announces_it() {
    let h = start().await;
    let user: UserId = h.id();
    let created = h.get("/users/me").customer(user).send().await.expect(200);
    // A change of another field keeps the name provisional.
    h.patch("/users/me", &json!({"phone": "+49 421 123456"})).customer(user).send().await.expect(200);
    let registration = h.deliver(registered(user, "mara@example.com", "Mara")).await;
    let named = h.get("/users/me").customer(user).send().await.expect(200);
    assert_eq!((named.json()["name"].clone(), named.json()["phone"].clone()), (json!("Mara"), json!("+49 421 123456")));
    assert_ne!(named.header("etag"), created.header("etag"));
    let emitted = h.emitted_of::<UserUpdated>().await;
    assert_eq!(emitted.last().map(|event| event.name.as_str()), Some("Mara"));

    // After the inbox row was deleted, the same registration does not replace the name that the user chose.
    h.patch("/users/me", &json!({"name": "Mara K."})).customer(user).send().await.expect(200);
    let again = contracts::event::Envelope { event_id: h.id(), ..registration };
    h.deliver_envelope(again).await;
    assert_eq!(h.get("/users/me").customer(user).send().await.json()["name"], "Mara K.");
}

#[tokio::test]
async fn a_user_who_chose_the_address_as_a_name_keeps_it() {
    let h = start().await;
    let user: UserId = h.id();
    let address = format!("{user}@example.com");
    h.patch("/users/me", &json!({"name": address})).customer(user).send().await.expect(200);
    h.deliver(registered(user, &address, "Mara")).await;
    assert_eq!(h.get("/users/me").customer(user).send().await.json()["name"], address.as_str());
}

#[tokio::test]
async fn many_first_requests_at_once_make_one_profile() {
    let h = start().await;
    let user: UserId = h.id();
    let get = || h.get("/users/me").customer(user).send();
    let answers = tokio::join!(get(), get(), get(), get(), get(), get(), get(), get());
    assert_eq!(answers.0.expect(200).body, answers.7.expect(200).body);
    let all = h.get("/users").admin().send().await.expect(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_is_announced_once() {
    let h = start().await;
    let user: UserId = h.id();
    let change = json!({"name": "  Mara  ", "phone": "+49 421 123456"});
    let changed = h.patch("/users/me", &change).customer(user).send().await.expect(200);
    assert_eq!((changed.json()["name"].clone(), changed.json()["phone"].clone()), (json!("Mara"), json!("+49 421 123456")));
    // The same values again, and none at all: no new version, no event.
    for nothing_new in [change, json!({})] {
        let again = h.patch("/users/me", &nothing_new).customer(user).send().await.expect(200);
        assert_eq!((&again.body, again.header("etag")), (&changed.body, changed.header("etag")));
    }
    let cleared = h.patch("/users/me", &json!({"phone": null})).customer(user).send().await.expect(200);
    assert_eq!((cleared.json()["name"].clone(), cleared.json()["phone"].clone()), (json!("Mara"), json!(null)));

    let emitted = h.emitted_of::<UserUpdated>().await;
    assert_eq!(emitted.iter().map(|event| event.phone.as_deref()).collect::<Vec<_>>(), [Some("+49 421 123456"), None]);
    assert!(emitted.iter().all(|event| event.user_id == user && event.name == "Mara" && event.roles == [Role::Customer]));
    // The phone number is part of the preferences event.
    let numbers = h.emitted_of::<PreferencesChanged>().await;
    assert_eq!(numbers.iter().map(|event| event.phone.as_deref()).collect::<Vec<_>>(), [Some("+49 421 123456"), None]);
}

#[tokio::test]
async fn a_stale_copy_is_refused_with_the_present_version() {
    let h = start().await;
    let user: UserId = h.id();
    let first = h.get("/users/me").customer(user).send().await.expect(200);
    let old = first.header("etag");
    let change = |name: &str, tag: &str| h.patch("/users/me", &json!({"name": name})).customer(user).header("if-match", tag).send();
    let second = change("Mara", old).await.expect(200);
    assert_ne!(second.header("etag"), old);
    let refused = change("Eve", old).await.expect_problem(412, "PRECONDITION_FAILED");
    assert_eq!(refused.header("etag"), second.header("etag"));
    assert_eq!(h.get("/users/me").customer(user).send().await.json()["name"], "Mara");
    let unchanged = h.get("/users/me").customer(user).header("if-none-match", second.header("etag")).send().await;
    unchanged.expect(304);
}

#[tokio::test]
async fn roles_follow_the_account_and_an_older_event_never_overtakes_a_newer() {
    let h = start().await;
    let user: UserId = h.id();
    h.deliver(registered(user, "mara@example.com", "Mara")).await;
    let changed = |roles: &[Role]| RolesChanged { user_id: user, roles: roles.to_vec(), changed_by: None };
    let mut older = h.deliver(changed(&[Role::Seller, Role::Customer])).await;
    let newer = h.deliver(changed(&[Role::Customer, Role::Admin])).await;
    // The same event twice, and an old event delivered again after its inbox row was deleted.
    h.deliver_envelope(newer).await;
    older.event_id = h.id();
    h.deliver_envelope(older).await;
    let roles = h.get(&format!("/users/{user}")).admin().send().await.expect(200).json()["roles"].clone();
    assert_eq!(roles, json!(["CUSTOMER", "ADMIN"]));
    let emitted: Vec<_> = h.emitted_of::<UserUpdated>().await.into_iter().map(|event| event.roles).collect();
    assert_eq!(emitted, [vec![Role::Customer, Role::Seller], vec![Role::Customer, Role::Admin]]);
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn roles_that_stay_the_same_are_no_change() {
    let h = start().await;
    let user: UserId = h.id();
    h.deliver(registered(user, "mara@example.com", "Mara")).await;
    let before = h.get("/users/me").customer(user).send().await;
    h.deliver(RolesChanged { user_id: user, roles: vec![Role::Customer], changed_by: None }).await;
    assert_eq!(h.get("/users/me").customer(user).send().await.header("etag"), before.header("etag"));
    assert!(h.emitted().await.is_empty());
}

#[tokio::test]
async fn a_bad_profile_is_refused_and_nothing_changes() {
    let h = start().await;
    let user: UserId = h.id();
    let before = h.get("/users/me").customer(user).send().await.expect(200).body;
    for (bad, pointer) in [
        (json!({"name": null}), "/name"),
        (json!({"name": ""}), "/name"),
        (json!({"name": "x".repeat(101)}), "/name"),
        (json!({"name": "a\u{202e}b"}), "/name"),
        (json!({"name": 7}), "/name"),
        (json!({"phone": "call me"}), "/phone"),
        (json!({"phone": ""}), "/phone"),
        (json!({"roles": ["ADMIN"]}), "/roles"),
        (json!({"email": "other@example.com"}), "/email"),
        (json!({"userId": user}), "/userId"),
    ] {
        let refused = h.patch("/users/me", &bad).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{bad}");
    }
    for (content_type, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "\"name\"", 422),
        ("application/json", "{\"name\":\"a\",\"name\":\"b\"}", 422),
        ("text/plain", "{}", 415),
    ] {
        h.request(axum::http::Method::PATCH, "/users/me").raw(content_type, body).customer(user).send().await.expect(status);
    }
    h.patch("/users/me", &json!({"name": "Eve"})).customer(user).header("if-match", "v1").send().await.expect(400);
    assert_eq!(h.get("/users/me").customer(user).send().await.body, before);
    assert!(h.emitted().await.is_empty());
}

#[tokio::test]
async fn the_address_follows_the_account_and_older_events_change_nothing() {
    let h = start().await;
    let user: UserId = h.id();
    h.deliver(registered(user, "mara@example.com", "Mara")).await;
    let shown = async || {
        let profile = h.get("/users/me").customer(user).send().await.expect(200).json();
        (profile["email"].as_str().unwrap().to_owned(), profile["emailVerified"].as_bool().unwrap())
    };
    assert_eq!(shown().await, ("mara@example.com".to_owned(), false));
    let verified = |email: &str| EmailVerified { user_id: user, email: email.into() };
    h.deliver(verified("mara@example.com")).await;
    assert_eq!(shown().await, ("mara@example.com".to_owned(), true));
    let changed = EmailChanged { user_id: user, email: "new@example.com".into(), previous_email: "mara@example.com".into() };
    let (changed, late) = (h.envelope(&changed), h.envelope(&verified("mara@example.com")));
    h.deliver_envelope(changed).await;
    h.deliver(verified("new@example.com")).await;
    let mut repeated = late;
    repeated.sequence = 1;
    h.deliver_envelope(repeated).await;
    assert_eq!(shown().await, ("new@example.com".to_owned(), true));
    assert_eq!(h.get("/users?query=new@example.com").admin().send().await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    let last = h.emitted_of::<UserUpdated>().await.pop().unwrap();
    assert_eq!((last.email.as_str(), last.email_verified), ("new@example.com", true));
}

#[tokio::test]
async fn integrators_save_an_external_id_and_metadata() {
    let h = start().await;
    let (user, other): (UserId, UserId) = (h.id(), h.id());
    h.get("/users/me").customer(user).send().await.expect(200);
    h.get("/users/me").customer(other).send().await.expect(200);
    let path = format!("/users/{user}");
    let saved = json!({"externalId": "ERP-1", "metadata": {"tier": "gold"}});
    h.patch(&path, &saved).customer(user).send().await.expect_problem(403, "FORBIDDEN");
    let answer = h.patch(&path, &saved).admin().send().await.expect(200);
    assert_eq!((&answer.json()["externalId"], &answer.json()["metadata"]), (&saved["externalId"], &saved["metadata"]));
    let stale = h.patch(&path, &json!({"externalId": null})).admin().header("if-match", "\"9\"");
    stale.send().await.expect_problem(412, "PRECONDITION_FAILED");
    let own = json!({"externalId": "MINE-1", "metadata": {"note": "mine"}});
    let answer = h.patch("/users/me", &own).customer(other).send().await.expect(200).json();
    assert_eq!((&answer["externalId"], &answer["metadata"]), (&own["externalId"], &own["metadata"]));
    for (query, count) in [
        ("externalId=ERP-1", 1),
        ("externalId=ERP-2", 0),
        ("externalId=MINE-1", 1),
        ("externalId=ERP-1&role=CUSTOMER", 1),
        ("externalId=ERP-1&role=ADMIN", 0),
    ] {
        let found = h.get(&format!("/users?{query}")).admin().send().await.expect(200).json();
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{query}");
    }
    assert!(h.emitted().await.is_empty(), "nobody else needs to know");
}
