//! Applications and profiles.

use super::*;
use contracts::{
    auth::ExistingSellerFound,
    page::Page,
    seller::{PublicSeller, SellerApplied, SellerApproved, SellerUpdated},
};

#[tokio::test]
async fn an_application_is_a_record_that_only_its_user_and_administrators_see() {
    let h = start().await;
    let user: UserId = h.id();
    let body = json!({
        "shopName": "Café & Söhne", "legalName": "Café GmbH", "country": "DE", "contactEmail": "Office@Example.com",
        "description": "Two lines.\nOf text.", "payoutAccount": "DE02 1203 0000 0000 2020 51",
    });
    let answer = h.post("/sellers", &body).customer(user).send().await.expect(201);
    assert_eq!(answer.header("location"), "/api/v1/sellers/me");
    let seller: Seller = answer.read();
    assert_eq!((seller.seller_id, seller.status, seller.slug.as_str()), (user, SellerStatus::Applied, "cafe-sohne"));
    assert_eq!((seller.payout_account.as_deref(), seller.payouts_held_until), (Some("****2051"), None));
    assert_eq!((seller.contact_email.as_deref(), seller.approved_at), (Some("office@example.com"), None));
    assert_eq!(own(&h, user).await, seller);
    for named in [user.to_string(), seller.slug.clone()] {
        h.get(&format!("/sellers/{named}")).send().await.expect_problem(404, "NOT_FOUND");
        h.get(&format!("/sellers/{named}")).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    let all: Page<Seller> = h.get("/admin/sellers?status=APPLIED").admin().send().await.expect(200).read();
    assert_eq!(all.items, [seller]);
    h.get("/sellers/me").customer(h.id()).send().await.expect_problem(404, "NOT_FOUND");
    let told = h.emitted_of::<SellerApplied>().await;
    assert_eq!(told, [SellerApplied { seller_id: user, shop_name: "Café & Söhne".into(), slug: "cafe-sohne".into() }]);
}

#[tokio::test]
async fn a_user_applies_once_also_twice_at_once() {
    let h = start().await;
    let user: UserId = h.id();
    let send = |key: &str| h.post("/sellers", &application("Lamps")).customer(user).key(key).send();
    let (one, two, three) = tokio::join!(send("k-1"), send("k-2"), send("k-3"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16(), three.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    send("k-4").await.expect_problem(409, "SELLER_EXISTS");
    act(&h, user, "reject").await.expect(200);
    send("k-5").await.expect_problem(409, "SELLER_EXISTS");
    assert_eq!(h.emitted_of::<SellerApplied>().await.len(), 1);
}

#[tokio::test]
async fn the_same_key_gets_the_first_answer_again() {
    let h = start().await;
    let user: UserId = h.id();
    let send = |body: Value| h.post("/sellers", &body).customer(user).key("k-1").send();
    let first = send(application("Lamps")).await.expect(201);
    let again = send(application("Lamps")).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), again.body == first.body), ("true", true));
    send(application("Chairs")).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn shops_of_one_name_have_slugs_of_their_own() {
    let h = start().await;
    let mut slugs = std::collections::HashSet::new();
    for expected in ["lamps", "lamps-2", "lamps-3", "lamps-4", "lamps-5", "lamps-6", "lamps-7", "lamps-8", "lamps-9"] {
        let slug = apply(&h, h.id(), "Lamps!").await.slug;
        assert_eq!(slug, expected);
        slugs.insert(slug);
    }
    for _ in 0..3 {
        let slug = apply(&h, h.id(), "Lamps").await.slug;
        assert!(slug.starts_with("lamps-") && slug.len() > "lamps-10".len() && slugs.insert(slug.clone()), "{slug}");
    }
    let (one, two) = (h.id(), h.id());
    let (one, two) = tokio::join!(apply(&h, one, "Chairs"), apply(&h, two, "chairs"));
    assert_ne!(one.slug, two.slug);
    // A name in the form of a numbered slug is taken as well.
    assert_eq!(apply(&h, h.id(), "Lamps 2").await.slug, "lamps-2-2");
}

#[tokio::test]
async fn everyone_reads_the_profiles_of_approved_sellers() {
    let h = start().await;
    let (lamps, chairs) = (approved(&h, "Lamps").await, approved(&h, "Chairs").await);
    apply(&h, h.id(), "Tables").await;
    let page: Page<PublicSeller> = h.get("/sellers?limit=1").send().await.expect(200).read();
    assert_eq!(page.items.iter().map(|seller| seller.seller_id).collect::<Vec<_>>(), [chairs]);
    let next = format!("/sellers?limit=1&cursor={}", page.next_cursor.unwrap());
    let page: Page<PublicSeller> = h.get(&next).send().await.expect(200).read();
    assert_eq!((page.items[0].seller_id, page.next_cursor), (lamps, None));
    let by_slug = h.get("/sellers/lamps").send().await.expect(200);
    assert_eq!(by_slug.body, h.get(&format!("/sellers/{lamps}")).send().await.expect(200).body);
    let shown = by_slug.json();
    let fields: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["country", "description", "rating", "sellerId", "shopName", "since", "slug"], "nothing that is private");
    assert_eq!(shown["rating"], json!({"averageHundredths": 0, "count": 0}));
    for nobody in [h.id::<UserId>().to_string(), "chairs-2".into(), "Lamps".into(), "la--mps".into(), "..".into(), "x".repeat(61)] {
        h.get(&format!("/sellers/{nobody}")).send().await.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_profile_is_changed_by_its_seller_and_the_slug_stays() {
    let h = start().await;
    let user = approved(&h, "Lamps").await;
    let read = h.get("/sellers/me").customer(user).send().await.expect(200);
    let change = json!({"shopName": "Better Lamps", "description": "New.", "contactEmail": null});
    let patch = |tag: &str| h.patch("/sellers/me", &change).customer(user).header("if-match", tag).send();
    let changed = patch(read.header("etag")).await.expect(200);
    let seller: Seller = changed.read();
    assert_eq!((seller.shop_name.as_str(), seller.slug.as_str(), seller.description.as_str()), ("Better Lamps", "lamps", "New."));
    patch(read.header("etag")).await.expect_problem(412, "PRECONDITION_FAILED");
    let same = h.patch("/sellers/me", &change).customer(user).send().await.expect(200);
    assert_eq!(same.header("etag"), changed.header("etag"), "no difference makes no version");
    assert_eq!(h.get("/sellers/lamps").send().await.expect(200).json()["shopName"], "Better Lamps");
    let expected = SellerUpdated {
        seller_id: user,
        shop_name: "Better Lamps".into(),
        slug: "lamps".into(),
        description: "New.".into(),
        country: Some("DE".into()),
    };
    assert_eq!(h.emitted_of::<SellerUpdated>().await, [expected]);
    h.patch("/sellers/me", &change).customer(h.id()).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place() {
    let h = start().await;
    let user: UserId = h.id();
    for (field, value, pointer) in [
        ("shopName", json!(""), "/shopName"),
        ("shopName", json!("x".repeat(101)), "/shopName"),
        ("shopName", json!("two\nlines"), "/shopName"),
        ("shopName", json!(null), "/shopName"),
        ("legalName", json!(7), "/legalName"),
        ("country", json!("XX"), "/country"),
        ("contactEmail", json!("nobody"), "/contactEmail"),
        ("description", json!("x".repeat(5_001)), "/description"),
        ("payoutAccount", json!("abc"), "/payoutAccount"),
        ("payoutAccount", json!("kontó-1234"), "/payoutAccount"),
        ("payoutAccount", json!("1".repeat(65)), "/payoutAccount"),
        ("status", json!("APPROVED"), "/status"),
        ("currentPassword", json!("x"), "/currentPassword"),
    ] {
        let mut body = application("Lamps");
        body[field] = value.clone();
        let answer = h.post("/sellers", &body).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{field} {value}");
        assert!(field != "payoutAccount" || !String::from_utf8_lossy(&answer.body).contains(value.as_str().unwrap()), "it is not repeated");
    }
    let mut body = application("Lamps");
    body.as_object_mut().unwrap().remove("payoutAccount");
    h.post("/sellers", &body).customer(user).send().await.expect_problem(422, "INVALID_REQUEST");
    assert!(h.emitted().await.is_empty());
    h.get("/admin/sellers?status=GONE").admin().send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn accounts_that_sold_before_there_were_records_get_approved_ones() {
    let h = start().await;
    let (old, applied, rejected) = (h.id(), h.id(), h.id());
    apply(&h, applied, "Applied").await;
    apply(&h, rejected, "Rejected").await;
    act(&h, rejected, "reject").await.expect(200);
    for user_id in [old, applied, rejected, old] {
        h.deliver(ExistingSellerFound { user_id }).await;
    }
    for user in [old, applied, rejected] {
        let seller = own(&h, user).await;
        assert_eq!((seller.seller_id, seller.status), (user, SellerStatus::Approved));
    }
    let seller = own(&h, old).await;
    assert_eq!((seller.payout_account, seller.country, seller.legal_name), (None, None, None));
    let told: Vec<_> = h.emitted_of::<SellerApproved>().await.into_iter().map(|event| event.seller_id).collect();
    assert_eq!(told, [old, applied, rejected]);
    // A suspension of such a seller is not undone by an event that is delivered again.
    act(&h, old, "suspend").await.expect(200);
    h.deliver(ExistingSellerFound { user_id: old }).await;
    assert_eq!(own(&h, old).await.status, SellerStatus::Suspended);
}

#[tokio::test]
async fn the_rating_of_reviews_is_shown_in_the_profile() {
    use contracts::review::{Rating, SellerRatingChanged};
    let h = start().await;
    let seller = approved(&h, "Lamps").await;
    let tag = h.get("/sellers/me").customer(seller).send().await.header("etag").to_owned();
    for seller_id in [seller, h.id()] {
        h.deliver(SellerRatingChanged { seller_id, rating: Rating { average_hundredths: 450, count: 2 } }).await;
    }
    assert_eq!(h.get("/sellers/lamps").send().await.expect(200).json()["rating"], json!({"averageHundredths": 450, "count": 2}));
    assert_eq!(h.get("/sellers/me").customer(seller).send().await.header("etag"), tag, "a copy makes no version");
}
