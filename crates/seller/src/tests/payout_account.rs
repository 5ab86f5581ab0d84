//! The payout account: masked, encrypted, and changed by the password alone.

use super::*;
use contracts::seller::{PayoutDetails, SellerPayoutAccountChanged, SellerUpdated};

const HOLD: Duration = Duration::from_secs(72 * 3_600);

/// Auth as the tests script it: the answer to the next checks, and the passwords it was asked about.
#[derive(Clone)]
struct Passwords {
    answer: Arc<Mutex<Value>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Passwords {
    fn new() -> Passwords {
        Passwords { answer: Arc::new(Mutex::new(json!({"verdict": "RIGHT", "retryAfterSeconds": null}))), asked: Arc::default() }
    }

    fn answer(&self, verdict: &str, retry_after: Option<u64>) {
        *self.answer.lock().unwrap() = json!({"verdict": verdict, "retryAfterSeconds": retry_after});
    }

    fn router(&self) -> Router {
        let this = self.clone();
        Router::new().route(
            "/internal/auth/users/{userId}/password-check",
            post(async move |Path(user): Path<String>, Json(body): Json<Value>| {
                this.asked.lock().unwrap().push(format!("{user} {}", body["password"].as_str().unwrap()));
                Json(this.answer.lock().unwrap().clone())
            }),
        )
    }
}

async fn start_with(passwords: &Passwords) -> Harness {
    Harness::of(service()).upstream("auth", passwords.router()).start().await
}

async fn details(h: &Harness, seller: UserId) -> PayoutDetails {
    h.get(&format!("/internal/sellers/{seller}/payout-details")).service("payout").send().await.expect(200).read()
}

fn change(account: &str) -> Value {
    json!({"payoutAccount": account, "currentPassword": "a long password"})
}

#[tokio::test]
async fn another_account_needs_the_password_and_holds_payouts_for_three_days() {
    let passwords = Passwords::new();
    let h = start_with(&passwords).await;
    let user = approved(&h, "Lamps").await;
    let before = details(&h, user).await;
    assert_eq!((before.payout_account.unwrap().reveal(), before.payouts_held_until), ("po_ok", None));

    let patch = |body: Value| h.patch("/sellers/me", &body).customer(user).send();
    let refused = patch(json!({"payoutAccount": "po_fails"})).await.expect_problem(422, "INVALID_REQUEST").json();
    assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!("/currentPassword"), &json!("REQUIRED")));
    assert!(passwords.asked.lock().unwrap().is_empty());

    let changed: Seller = patch(change("po_fails")).await.expect(200).read();
    let until = h.env.now().after(HOLD);
    assert_eq!((changed.payout_account.as_deref(), changed.payouts_held_until), (Some("****ls"), Some(until)));
    assert_eq!(*passwords.asked.lock().unwrap(), [format!("{user} a long password")]);
    let after = details(&h, user).await;
    assert_eq!((after.payout_account.unwrap().reveal(), after.payouts_held_until), ("po_fails", Some(until)));
    let event = SellerPayoutAccountChanged { seller_id: user, payouts_held_until: until };
    assert_eq!(h.emitted_of::<SellerPayoutAccountChanged>().await, std::slice::from_ref(&event));

    // The same account again holds nothing; a further one begins the hold anew.
    h.advance(Duration::from_secs(3_600));
    assert_eq!(patch(change("po_fails")).await.expect(200).read::<Seller>().payouts_held_until, Some(until));
    let later = h.env.now().after(HOLD);
    assert_eq!(patch(change("po_timeout")).await.expect(200).read::<Seller>().payouts_held_until, Some(later));
    assert_eq!(
        h.emitted_of::<SellerPayoutAccountChanged>().await,
        [event, SellerPayoutAccountChanged { seller_id: user, payouts_held_until: later }]
    );
    h.advance(HOLD);
    assert_eq!((own(&h, user).await.payouts_held_until, details(&h, user).await.payouts_held_until), (None, None));
    assert!(h.emitted_of::<SellerUpdated>().await.is_empty(), "nothing public changed");
}

#[tokio::test]
async fn a_password_that_is_not_right_changes_nothing() {
    let passwords = Passwords::new();
    let h = start_with(&passwords).await;
    let user = approved(&h, "Lamps").await;
    let before = own(&h, user).await;
    let body = json!({"shopName": "Other", "payoutAccount": "po_fails", "currentPassword": "guess"});
    let patch = || h.patch("/sellers/me", &body).customer(user).send();
    passwords.answer("WRONG", None);
    assert_eq!(patch().await.expect_problem(422, "WRONG_PASSWORD").json()["errors"][0]["pointer"], "/currentPassword");
    passwords.answer("BLOCKED", Some(16));
    assert_eq!(patch().await.expect_problem(429, "RATE_LIMITED").header("retry-after"), "16");
    passwords.answer("LOCKED", None);
    patch().await.expect_problem(403, "FORBIDDEN");
    *passwords.answer.lock().unwrap() = json!({"nonsense": true});
    patch().await.expect_problem(500, "INTERNAL_ERROR");
    assert_eq!(own(&h, user).await, before);
    assert!(h.emitted_of::<SellerPayoutAccountChanged>().await.is_empty());
}

#[tokio::test]
async fn the_account_is_in_no_event_and_no_column_in_clear() {
    let passwords = Passwords::new();
    let h = start_with(&passwords).await;
    let user: UserId = h.id();
    let (first, second) = ("DE02120300000000202051", "DE02100100100006820101");
    let mut body = application("Lamps");
    body["payoutAccount"] = first.into();
    h.post("/sellers", &body).customer(user).key("k-1").send().await.expect(201);
    h.patch("/sellers/me", &change(second)).customer(user).send().await.expect(200);
    for event in h.emitted().await {
        assert!(!event.payload.get().contains("DE02") && !event.payload.get().contains("0101"), "{}", event.payload.get());
    }
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    let stored = h.stored().await;
    for (place, bytes) in &stored {
        assert!(!holds(bytes, first) && !holds(bytes, second), "{place}");
    }
    assert!(stored.iter().any(|(_, bytes)| holds(bytes, "Lamps")), "the database was read");
}

#[tokio::test]
async fn only_payout_reads_the_account() {
    let h = start().await;
    let user = approved(&h, "Lamps").await;
    let path = format!("/internal/sellers/{user}/payout-details");
    h.get(&path).send().await.expect_problem(401, "UNAUTHENTICATED");
    h.get(&path).customer(user).send().await.expect_problem(403, "FORBIDDEN");
    h.get(&path).admin().send().await.expect_problem(403, "FORBIDDEN");
    h.get(&path).service("order").send().await.expect_problem(403, "FORBIDDEN");
    h.get(&format!("/internal/sellers/{}/payout-details", h.id::<UserId>()))
        .service("payout")
        .send()
        .await
        .expect_problem(404, "NOT_FOUND");
    act(&h, user, "suspend").await.expect(200);
    assert_eq!(details(&h, user).await.status, SellerStatus::Suspended);
}
