//! The service through its entry points.

mod access;
mod addresses;
mod erasing;
mod preferences;
mod profile;
mod search;

use contracts::{auth::Role, auth::UserRegistered, ids::UserId};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

async fn start() -> Harness {
    Harness::of(crate::service()).start().await
}

fn registered(user_id: UserId, email: &str, name: &str) -> UserRegistered {
    UserRegistered { user_id, email: email.into(), name: name.into(), roles: vec![Role::Customer] }
}

/// A body with the required fields of an address.
fn street(street: &str) -> Value {
    json!({"country": "DE", "city": "Bremen", "zip": "28195", "street": street, "number": "7"})
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Adds an address and lets a millisecond pass, so that the next one is newer.
async fn add(h: &Harness, user: UserId, body: &Value) -> TestResponse {
    let answer = h.post("/users/me/addresses", body).customer(user).send().await;
    h.advance(Duration::from_millis(1));
    answer
}

async fn add_street(h: &Harness, user: UserId, name: &str) -> String {
    add(h, user, &street(name)).await.expect(201).json()["addressId"].as_str().unwrap().to_owned()
}

/// Returns the streets of a user's addresses, newest first, with `S` and `B` for the defaults of each.
async fn address_book(h: &Harness, user: UserId) -> Vec<String> {
    let list = h.get("/users/me/addresses?limit=100").customer(user).send().await.expect(200).json();
    let flag = |item: &Value, name: &str, mark: &'static str| if item[name] == true { mark } else { "" };
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| {
            let marks = format!("{}{}", flag(item, "isDefaultShipping", "S"), flag(item, "isDefaultBilling", "B"));
            format!("{} {marks}", item["street"].as_str().unwrap()).trim_end().to_owned()
        })
        .collect()
}
