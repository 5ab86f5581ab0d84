//! The role SELLER follows the seller's record.

use super::*;
use contracts::{
    auth::{ExistingSellerFound, RolesChanged},
    seller::{SellerApproved, SellerReinstated, SellerSuspended},
};

fn approved(seller_id: UserId) -> SellerApproved {
    SellerApproved { seller_id, shop_name: "Lamps".into(), slug: "lamps".into(), approved_by: None }
}

/// The roles of a token, and whether it names a seller's record.
async fn claims(auth: &Auth, tokens: &Tokens) -> (Vec<Role>, bool) {
    let identity = auth.runtime.verifier.verify(tokens.access_token.reveal()).await.unwrap();
    assert!(identity.seller.is_none_or(|seller| seller == tokens.user_id));
    (identity.roles.clone(), identity.seller.is_some())
}

#[tokio::test]
async fn the_role_follows_the_record_and_the_claim_outlives_a_suspension() {
    let auth = start().await;
    let (mara, admin) = (auth.register("mara").await, auth.id());
    let user = mara.user_id;
    auth.deliver(approved(user)).await;
    assert_eq!(claims(&auth, &mara).await, (vec![Role::Customer], false), "a token stays as it was signed");
    let selling = auth.refresh(&mara).await;
    assert_eq!(claims(&auth, &selling).await, (vec![Role::Customer, Role::Seller], true));

    auth.deliver(SellerSuspended { seller_id: user, reason: None, suspended_by: Some(admin) }).await;
    auth.advance(Duration::from_secs(2));
    assert_eq!(claims(&auth, &selling).await, (vec![Role::Customer], true), "the role ends with the next list of revocations");
    let suspended = auth.refresh(&selling).await;
    assert_eq!(claims(&auth, &suspended).await, (vec![Role::Customer], true));

    auth.deliver(SellerReinstated { seller_id: user, reinstated_by: Some(admin) }).await;
    assert_eq!(claims(&auth, &auth.login("mara").await).await, (vec![Role::Customer, Role::Seller], true));

    let all = auth.emitted_of::<RolesChanged>().await;
    let told: Vec<_> = all.iter().map(|event| (event.roles.contains(&Role::Seller), event.changed_by)).collect();
    assert_eq!(told, [(true, None), (false, Some(admin)), (true, Some(admin))]);
    assert!(auth.emitted_of::<ExistingSellerFound>().await.is_empty());
}

#[tokio::test]
async fn an_approval_that_is_told_again_changes_nothing() {
    let auth = start().await;
    let user = auth.register("mara").await.user_id;
    for _ in 0..2 {
        auth.deliver(approved(user)).await;
    }
    assert_eq!(auth.emitted_of::<RolesChanged>().await.len(), 1);
}

#[tokio::test]
async fn administrators_neither_give_nor_take_the_role() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await.user_id;
    auth.set_roles(&admin, mara, &[Role::Customer, Role::Seller]).await.expect_problem(409, "ROLE_MANAGED_BY_SELLER");
    auth.deliver(approved(mara)).await;
    for roles in [&[Role::Customer][..], &[Role::Customer, Role::Admin]] {
        auth.set_roles(&admin, mara, roles).await.expect_problem(409, "ROLE_MANAGED_BY_SELLER");
    }
    // The other roles change as before.
    let account: Account = auth.set_roles(&admin, mara, &[Role::Seller, Role::Admin]).await.expect(200).read();
    assert_eq!(account.roles, [Role::Seller, Role::Admin]);
}

#[tokio::test]
async fn accounts_that_sold_before_there_were_records_are_announced_once() {
    let auth = start().await;
    let (mara, sam) = (auth.register("mara").await.user_id, auth.register("sam").await.user_id);
    for user in [mara, sam] {
        let sql = "INSERT INTO account_roles (user_id, role) VALUES ($1, 'SELLER')";
        let added = auth.db().write(async move |tx| tx.execute(sql, platform::params![user]).await);
        added.await.map_err(|error: platform::db::Error| error).unwrap();
    }
    let auth = Auth(cheap().resume(auth.0.kill()).await);
    let mut found: Vec<_> = auth.emitted_of::<ExistingSellerFound>().await.into_iter().map(|event| event.user_id).collect();
    let mut expected = vec![mara, sam];
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    // The answer of the seller service finds the role there.
    auth.deliver(approved(mara)).await;
    assert_eq!(claims(&auth, &auth.login("mara").await).await, (vec![Role::Customer, Role::Seller], true));
    assert!(auth.emitted_of::<RolesChanged>().await.is_empty());
    let auth = Auth(cheap().resume(auth.0.kill()).await);
    assert_eq!(auth.emitted_of::<ExistingSellerFound>().await.len(), 2, "the next start announces nothing");
}

async fn check(auth: &Auth, user: UserId, password: &str) -> contracts::auth::PasswordCheck {
    let secret = platform::master_key::MasterKey::new([7; 32]).client_secret("seller");
    let form = format!("grant_type=client_credentials&client_id=seller&client_secret={secret}");
    let request = auth.request(axum::http::Method::POST, "/auth/token").raw("application/x-www-form-urlencoded", form);
    let token = request.send().await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
    let path = format!("/internal/auth/users/{user}/password-check");
    auth.post(&path, &json!({"password": password})).bearer(&token).send().await.expect(200).read()
}

#[tokio::test]
async fn a_password_is_checked_for_a_service_and_guesses_are_slowed_down() {
    use contracts::auth::PasswordVerdict::{Blocked, Locked, Right, Wrong};
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    let path = format!("/internal/auth/users/{}/password-check", mara.user_id);
    let body = json!({"password": PASSWORD});
    auth.post(&path, &body).bearer(mara.access_token.reveal()).send().await.expect_problem(403, "FORBIDDEN");
    assert_eq!(check(&auth, mara.user_id, PASSWORD).await.verdict, Right);
    assert_eq!(check(&auth, auth.id(), PASSWORD).await.verdict, Wrong, "without an account");
    for _ in 0..5 {
        assert_eq!(check(&auth, mara.user_id, WRONG).await.verdict, Wrong);
    }
    let blocked = check(&auth, mara.user_id, PASSWORD).await;
    assert_eq!((blocked.verdict, blocked.retry_after_seconds), (Blocked, Some(1)), "the right one is not checked either");
    // It is the same counter as that of a change of the password.
    auth.change_password(&mara, PASSWORD, "another long password").await.expect_problem(429, "RATE_LIMITED");
    auth.advance(Duration::from_secs(1));
    assert_eq!(check(&auth, mara.user_id, PASSWORD).await.verdict, Right);
    auth.act(&admin, mara.user_id, "lock").await.expect(200);
    assert_eq!(check(&auth, mara.user_id, PASSWORD).await.verdict, Locked);
}
