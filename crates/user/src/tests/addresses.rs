//! Address books: defaults, bounds, versions.

use super::{add, add_street, address_book, start, street, with};
use contracts::{ids::UserId, user::Address};
use serde_json::json;

#[tokio::test]
async fn an_address_is_kept_as_it_was_given() {
    let h = start().await;
    let user: UserId = h.id();
    let body = json!({
        "label": "Work", "country": "BR", "state": "SP", "city": "São Paulo", "zip": "01310-100", "street": "Avenida Paulista",
        "number": "1578", "complement": "Sala 12", "recipient": "João Souza", "company": "Souza Ltda.", "phone": "+55 11 5555-0100",
    });
    let made = add(&h, user, &body).await.expect(201);
    let id = made.json()["addressId"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/api/v1/users/me/addresses/{id}"));
    let mut wanted = with(body, &json!({"addressId": id, "userId": user}));
    wanted["isDefaultShipping"] = true.into();
    wanted["isDefaultBilling"] = true.into();
    assert_eq!(made.json(), wanted);
    let read = h.get(&format!("/users/me/addresses/{id}")).customer(user).send().await.expect(200);
    assert_eq!((read.json(), read.header("etag")), (wanted.clone(), made.header("etag")));
    // The order service reads the same address for its snapshot.
    let contact = h.get(&format!("/internal/users/{user}/contact")).service("notification").send().await.expect(200).json();
    assert_eq!(contact["preferences"], json!({"emailEnabled": true, "smsEnabled": false, "webhookUrl": null, "channels": {}}));
    assert!(contact["email"].as_str().is_some_and(|email| email.contains('@')), "{contact}");
    let snapshot = h.get(&format!("/internal/users/{user}/addresses/{id}")).service("order").send().await.expect(200);
    assert_eq!(serde_json::to_value(snapshot.read::<Address>()).unwrap(), wanted);
}

#[tokio::test]
async fn a_missing_field_has_its_default() {
    let h = start().await;
    let user: UserId = h.id();
    let made = add(&h, user, &json!({"country": "DE", "city": "Bremen", "street": "Am Wall", "zip": "28195"})).await.expect(201).json();
    assert_eq!(made["label"], "Home");
    for absent in ["recipient", "company", "phone"] {
        assert!(made[absent].is_null(), "{absent}");
    }
    for empty in ["state", "number", "complement"] {
        assert_eq!(made[empty], "", "{empty}");
    }
}

#[tokio::test]
async fn while_there_is_an_address_there_is_one_default_of_each_kind() {
    let h = start().await;
    let user: UserId = h.id();
    let a = add_street(&h, user, "a").await;
    assert_eq!(address_book(&h, user).await, ["a SB"]);
    add_street(&h, user, "b").await;
    assert_eq!(address_book(&h, user).await, ["b", "a SB"]);
    let c = add(&h, user, &with(street("c"), &json!({"isDefaultShipping": true}))).await.expect(201);
    assert_eq!(c.json()["isDefaultShipping"], true);
    assert_eq!(address_book(&h, user).await, ["c S", "b", "a B"]);

    // A request that does not set a default does not remove it: only another address does.
    let kept = h.put(&format!("/users/me/addresses/{a}"), &street("a2")).customer(user).send().await.expect(200);
    assert_eq!((kept.json()["isDefaultBilling"].clone(), kept.json()["street"].clone()), (json!(true), json!("a2")));
    let both = with(street("a3"), &json!({"isDefaultShipping": true, "isDefaultBilling": true}));
    h.put(&format!("/users/me/addresses/{a}"), &both).customer(user).send().await.expect(200);
    assert_eq!(address_book(&h, user).await, ["c", "b", "a3 SB"]);

    h.delete(&format!("/users/me/addresses/{a}")).customer(user).send().await.expect(204);
    assert_eq!(address_book(&h, user).await, ["c SB", "b"]);
    let c = c.json()["addressId"].as_str().unwrap().to_owned();
    h.delete(&format!("/users/me/addresses/{c}")).customer(user).send().await.expect(204);
    assert_eq!(address_book(&h, user).await, ["b SB"]);
    h.delete(&format!("/users/me/addresses/{c}")).customer(user).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn the_last_address_can_be_deleted_and_the_next_is_the_default_again() {
    let h = start().await;
    let user: UserId = h.id();
    let a = add_street(&h, user, "a").await;
    h.delete(&format!("/users/me/addresses/{a}")).customer(user).send().await.expect(204);
    assert!(address_book(&h, user).await.is_empty());
    add_street(&h, user, "b").await;
    assert_eq!(address_book(&h, user).await, ["b SB"]);
}

#[tokio::test]
async fn new_defaults_at_once_leave_one_default() {
    let h = start().await;
    let user: UserId = h.id();
    let add = |name: &str| {
        let body = with(street(name), &json!({"isDefaultShipping": true, "isDefaultBilling": true}));
        h.post("/users/me/addresses", &body).customer(user).send()
    };
    let made = tokio::join!(add("a"), add("b"), add("c"), add("d"), add("e"), add("f"));
    for answer in [made.0, made.1, made.2, made.3, made.4, made.5] {
        answer.expect(201);
    }
    let streets = address_book(&h, user).await;
    assert_eq!((streets.len(), streets.iter().filter(|street| street.ends_with(" SB")).count()), (6, 1), "{streets:?}");
}

#[tokio::test]
async fn an_address_book_holds_fifty() {
    let h = start().await;
    let user: UserId = h.id();
    for number in 0..50 {
        add_street(&h, user, &format!("{number}")).await;
    }
    add(&h, user, &street("one more")).await.expect_problem(409, "TOO_MANY_ADDRESSES");
    // The book of another user is not full.
    add_street(&h, h.id(), "elsewhere").await;

    let mut seen = Vec::new();
    let mut path = "/users/me/addresses?limit=20".to_owned();
    loop {
        let page = h.get(&path).customer(user).send().await.expect(200);
        seen.extend(page.json()["items"].as_array().unwrap().iter().map(|item| item["street"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.json()["nextCursor"].as_str().map(str::to_owned) else { break };
        assert!(page.header("link").contains("rel=\"next\""));
        path = format!("/users/me/addresses?limit=20&cursor={cursor}");
    }
    let newest_first: Vec<_> = (0..50).rev().map(|number| number.to_string()).collect();
    assert_eq!(seen, newest_first);
    h.get(&path).customer(h.id()).send().await.expect_problem(400, "BAD_CURSOR");
}

#[tokio::test]
async fn a_copy_is_stale_after_its_default_moved_to_another_address() {
    let h = start().await;
    let user: UserId = h.id();
    let a = add_street(&h, user, "a").await;
    let path = format!("/users/me/addresses/{a}");
    let old = h.get(&path).customer(user).send().await.header("etag").to_owned();
    add(&h, user, &with(street("b"), &json!({"isDefaultShipping": true}))).await.expect(201);
    let stale = h.put(&path, &street("a2")).customer(user).header("if-match", &old).send().await;
    let present = stale.expect_problem(412, "PRECONDITION_FAILED").header("etag").to_owned();
    h.delete(&path).customer(user).header("if-match", &old).send().await.expect_problem(412, "PRECONDITION_FAILED");
    assert_eq!(address_book(&h, user).await, ["b S", "a B"]);
    let changed = h.put(&path, &street("a2")).customer(user).header("if-match", &present).send().await.expect(200);
    // The same body again makes no new version.
    let again = h.put(&path, &street("a2")).customer(user).send().await.expect(200);
    assert_eq!((again.header("etag"), &again.body), (changed.header("etag"), &changed.body));
    h.delete(&path).customer(user).header("if-match", again.header("etag")).send().await.expect(204);
}

#[tokio::test]
async fn a_key_makes_one_address() {
    let h = start().await;
    let user: UserId = h.id();
    let post = |body: &serde_json::Value| h.post("/users/me/addresses", body).customer(user).key("k-1").send();
    let a = street("a");
    let (first, second, third) = tokio::join!(post(&a), post(&a), post(&a));
    let answers = [first.expect(201), second.expect(201), third.expect(201)];
    assert!(answers.iter().all(|answer| (&answer.body, answer.header("etag")) == (&answers[0].body, answers[0].header("etag"))));
    let replayed = answers.iter().filter(|answer| answer.header("idempotency-replayed") == "true");
    assert_eq!(replayed.count(), 2, "any of them was the first");
    post(&street("b")).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(address_book(&h, user).await, ["a SB"]);
}

#[tokio::test]
async fn a_bad_address_is_refused_and_nothing_is_stored() {
    let h = start().await;
    let user: UserId = h.id();
    for (field, bad) in [
        ("country", json!("Germany")),
        ("country", json!("de")),
        ("country", json!(null)),
        ("city", json!("")),
        ("street", json!("x".repeat(201))),
        ("street", json!("a\nb")),
        ("zip", json!(28195)),
        ("label", json!("   ")),
        ("isDefaultShipping", json!("yes")),
        ("userId", json!(user)),
        ("addressId", json!(user)),
    ] {
        let refused = add(&h, user, &with(street("a"), &json!({field: bad}))).await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{field}"), "{bad}");
    }
    add(&h, user, &json!({"country": "DE", "city": "Bremen"})).await.expect_problem(422, "INVALID_REQUEST");
    for path in ["/users/me/addresses?limit=0", "/users/me/addresses?limit=101", "/users/me/addresses?limit=x"] {
        h.get(path).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
    }
    h.get("/users/me/addresses?cursor=made-up").customer(user).send().await.expect_problem(400, "BAD_CURSOR");
    assert!(address_book(&h, user).await.is_empty());
}

#[tokio::test]
async fn an_address_is_checked_by_the_rules_of_its_country() {
    let h = start().await;
    let user: UserId = h.id();
    let us = json!({"country": "US", "state": "NY", "city": "New York", "zip": "100011234", "street": "Broadway"});
    let made = add(&h, user, &us).await.expect(201).json();
    assert_eq!(made["zip"], "10001-1234");
    let path = format!("/users/me/addresses/{}", made["addressId"].as_str().unwrap());
    for (change, pointer, code) in [
        (json!({"state": ""}), "/state", "REQUIRED"),
        (json!({"state": "Bavaria"}), "/state", "INVALID_STATE"),
        (json!({"zip": "123"}), "/zip", "INVALID_ZIP"),
        (json!({"city": ""}), "/city", "REQUIRED"),
        (json!({"country": "DE", "zip": "ABC"}), "/zip", "INVALID_ZIP"),
    ] {
        let body = with(us.clone(), &change);
        let replace = h.put(&path, &body).customer(user).send().await;
        for refused in [add(&h, user, &body).await, replace] {
            let error = refused.expect_problem(422, "INVALID_REQUEST").json()["errors"][0].clone();
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{change}");
        }
    }
    add(&h, user, &json!({"country": "AE", "state": "Dubai", "street": "Al Wasl Road"})).await.expect(201);
}

#[tokio::test]
async fn the_profiles_name_receives_parcels_unless_the_address_names_somebody() {
    let h = start().await;
    let user: UserId = h.id();
    h.patch("/users/me", &json!({"name": "Mara Klein"})).customer(user).send().await.expect(200);
    for (recipient, expected) in [(json!(null), "Mara Klein"), (json!("Joe"), "Joe")] {
        let made = add(&h, user, &with(street("a"), &json!({"recipient": recipient, "company": null}))).await.expect(201).json();
        assert_eq!(made["recipient"], recipient);
        let path = format!("/internal/users/{user}/addresses/{}", made["addressId"].as_str().unwrap());
        assert_eq!(h.get(&path).service("order").send().await.expect(200).json()["recipient"], expected);
    }
}
