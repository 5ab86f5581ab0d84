//! The service through its entry points.

mod access;
mod applying;
mod deciding;
mod payout_account;

use crate::service;
use axum::{Json, Router, extract::Path, routing::post};
use contracts::{
    ids::UserId,
    seller::{Seller, SellerStatus},
};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&service(), env!("CARGO_MANIFEST_DIR"));
}

async fn start() -> Harness {
    Harness::of(service()).start().await
}

fn application(shop_name: &str) -> Value {
    json!({"shopName": shop_name, "legalName": "Nordlicht GmbH", "country": "DE", "payoutAccount": "po_ok"})
}

/// Applies, and lets a millisecond pass, so that the next user is newer.
async fn apply(h: &Harness, user: UserId, shop_name: &str) -> Seller {
    h.advance(Duration::from_millis(1));
    h.post("/sellers", &application(shop_name)).customer(user).send().await.expect(201).read()
}

async fn act(h: &Harness, seller: UserId, verb: &str) -> TestResponse {
    h.post(&format!("/admin/sellers/{seller}/{verb}"), &json!({"reason": "because"})).admin().send().await
}

/// Makes an approved seller.
async fn approved(h: &Harness, shop_name: &str) -> UserId {
    let user = h.id();
    apply(h, user, shop_name).await;
    act(h, user, "approve").await.expect(200);
    user
}

async fn own(h: &Harness, user: UserId) -> Seller {
    h.get("/sellers/me").customer(user).send().await.expect(200).read()
}
