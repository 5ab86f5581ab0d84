//! How administrators find users.

use super::{registered, start};
use platform::testing::Harness;
use std::time::Duration;

async fn names(h: &Harness, query: &str) -> Vec<String> {
    let mut text = String::new();
    platform::http::encode_text(query, &mut text);
    let found = h.get(&format!("/users?limit=100&query={text}")).admin().send().await.expect(200).json();
    found["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn with_users(users: &[(&str, &str)]) -> Harness {
    let h = start().await;
    for (email, name) in users {
        h.deliver(registered(h.id(), email, name)).await;
        h.advance(Duration::from_millis(1));
    }
    h
}

#[tokio::test]
async fn users_are_found_by_a_part_of_their_e_mail_or_name() {
    let h = with_users(&[
        ("mara@example.com", "Mara Klein"),
        ("tamara@example.org", "Tamara Groß"),
        ("joe_1@example.com", "100% Joe\\"),
        ("joex1@example.com", "Joe X"),
    ])
    .await;
    assert_eq!(names(&h, "MARA").await, ["Tamara Groß", "Mara Klein"]);
    assert_eq!(names(&h, "klein").await, ["Mara Klein"]);
    assert_eq!(names(&h, "example.com").await, ["Joe X", "100% Joe\\", "Mara Klein"]);
    assert_eq!(names(&h, "nobody").await, Vec::<String>::new());
    assert_eq!(names(&h, "").await.len(), 4);
    // What means something to LIKE means itself here.
    assert_eq!(names(&h, "joe_").await, ["100% Joe\\"]);
    assert_eq!(names(&h, "%").await, ["100% Joe\\"]);
    assert_eq!(names(&h, "\\").await, ["100% Joe\\"]);
    // A whole address finds its user and not those whose address contains it; one that nobody has is a text like any other.
    assert_eq!(names(&h, "Mara@Example.com").await, ["Mara Klein"]);
    assert_eq!(names(&h, "ara@example.org").await, ["Tamara Groß"]);
    // E-mail and name are two texts.
    assert_eq!(names(&h, "example.com mara").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_changed_name_is_found_and_the_old_one_no_longer() {
    let h = start().await;
    let user = h.id();
    h.patch("/users/me", &serde_json::json!({"name": "Ada"})).customer(user).send().await.expect(200);
    assert_eq!(names(&h, "ada").await, ["Ada"]);
    assert_eq!(names(&h, "somebody").await, Vec::<String>::new());
}

#[tokio::test]
async fn the_list_goes_page_by_page_from_the_newest() {
    let users: Vec<_> = (0..25).map(|number| (format!("u{number}@example.com"), format!("User {number}"))).collect();
    let users: Vec<_> = users.iter().map(|(email, name)| (email.as_str(), name.as_str())).collect();
    let h = with_users(&users).await;
    let first = h.get("/users?query=user&limit=10").admin().send().await.expect(200).json();
    let cursor = first["nextCursor"].as_str().unwrap();
    // Somebody who registers in between does not shift the pages.
    h.deliver(registered(h.id(), "late@example.com", "User late")).await;
    let second = h.get(&format!("/users?query=user&limit=100&cursor={cursor}")).admin().send().await.expect(200).json();
    let seen: Vec<_> = [&first, &second].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
    let wanted: Vec<_> = (0..25).rev().map(|number| format!("User {number}")).collect();
    assert_eq!(seen.iter().map(|user| user["name"].as_str().unwrap()).collect::<Vec<_>>(), wanted);
    assert!(second["nextCursor"].is_null());
    h.get(&format!("/users?query=other&cursor={cursor}")).admin().send().await.expect_problem(400, "BAD_CURSOR");
    h.get("/users?name=x").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    h.get(&format!("/users?query={}", "x".repeat(201))).admin().send().await.expect_problem(422, "INVALID_REQUEST");
}
