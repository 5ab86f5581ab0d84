//! One address and one password in several spellings.

use super::*;
use crate::{hashing, store::accounts};

/// `email` and `password` as they are typed.
async fn try_login(auth: &Auth, email: &str, password: &str) -> TestResponse {
    auth.post("/auth/login", &json!({"email": email, "password": password})).send().await
}

async fn try_register(auth: &Auth, email: &str, password: &str) -> TestResponse {
    auth.post("/auth/register", &json!({"email": email, "password": password, "name": "Mara"})).send().await
}

#[tokio::test]
async fn every_spelling_of_an_address_is_one_account() {
    let auth = start().await;
    for spellings in [
        ["jos\u{e9}@shop.example", "jose\u{301}@shop.example", "JOSE\u{301}@Shop.Example"],
        ["x@bücher.example", "x@xn--bcher-kva.example", "X@BU\u{308}CHER.EXAMPLE"],
    ] {
        let user: Tokens = try_register(&auth, spellings[0], PASSWORD).await.expect(201).read();
        for spelling in spellings {
            try_register(&auth, spelling, PASSWORD).await.expect_problem(409, "EMAIL_TAKEN");
            assert_eq!(try_login(&auth, spelling, PASSWORD).await.expect(200).read::<Tokens>().user_id, user.user_id, "{spelling}");
        }
        auth.post("/auth/password/forgot", &json!({"email": spellings[2]})).send().await.expect(202);
        auth.settle().await;
    }
    assert_eq!(auth.emitted_of::<contracts::auth::PasswordResetRequested>().await.len(), 2);
}

#[tokio::test]
async fn addresses_that_name_no_mailbox_open_no_account() {
    let auth = start().await;
    for bad in
        ["a@1.2.3.4", "a@check.123", "a@[1.2.3.4]", "bo\u{ad}ss@shop.example", "bo\u{3164}ss@shop.example", "bo\u{e0061}ss@shop.example"]
    {
        let refused = try_register(&auth, bad, PASSWORD).await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/email", "{bad}");
    }
    for good in ["a@example.test", "a@shop.example", "a@shop.invalid", "a@my.localhost"] {
        try_register(&auth, good, PASSWORD).await.expect(201);
    }
}

/// Stores an address as a former version did.
async fn store_email(auth: &Auth, user: UserId, email: &'static str) {
    let write = async move |tx: &mut platform::db::Tx| -> Result<(), platform::db::Error> {
        tx.execute("UPDATE credentials SET email = $1 WHERE user_id = $2", platform::params![email, user]).await.map(|_| ())
    };
    auth.db().write(write).await.unwrap();
}

#[tokio::test]
async fn accounts_of_former_versions_log_in_in_every_spelling() {
    let auth = start().await;
    let (jose, x, number, soft) = (auth.register("a").await, auth.register("b").await, auth.register("c").await, auth.register("d").await);
    store_email(&auth, jose.user_id, "jose\u{301}@shop.example").await;
    store_email(&auth, x.user_id, "x@bücher.example").await;
    store_email(&auth, number.user_id, "a@1.2.3.4").await;
    store_email(&auth, soft.user_id, "bo\u{ad}ss@shop.example").await;
    let auth = Auth(cheap().resume(auth.0.kill()).await);
    for (user, spelling) in [
        (&jose, "jose\u{301}@shop.example"),
        (&jose, "jos\u{e9}@shop.example"),
        (&x, "x@bücher.example"),
        (&x, "x@xn--bcher-kva.example"),
        (&number, "A@1.2.3.4"),
        (&soft, "bo\u{ad}ss@shop.example"),
    ] {
        assert_eq!(try_login(&auth, spelling, PASSWORD).await.expect(200).read::<Tokens>().user_id, user.user_id, "{spelling}");
    }
}

#[tokio::test]
async fn of_two_accounts_with_one_address_the_older_logs_in_and_the_other_keeps_its_login() {
    let auth = start().await;
    let older = auth.register("a").await;
    auth.advance(MINUTE);
    let newer = auth.register("b").await;
    store_email(&auth, older.user_id, "x@bücher.example").await;
    store_email(&auth, newer.user_id, "x@bu\u{308}cher.example").await;
    let auth = Auth(cheap().resume(auth.0.kill()).await);
    for spelling in ["x@bücher.example", "x@bu\u{308}cher.example"] {
        assert_eq!(try_login(&auth, spelling, PASSWORD).await.expect(200).read::<Tokens>().user_id, older.user_id);
    }
    auth.refresh(&newer).await;
}

const NFD: &str = "cre\u{301}me bru\u{302}le\u{301}e";
const NFC: &str = "cr\u{e9}me br\u{fb}l\u{e9}e";

#[tokio::test]
async fn a_password_opens_the_account_from_every_keyboard() {
    let auth = start().await;
    for (email, made, typed) in [("a@shop.example", NFC, NFD), ("b@shop.example", NFD, NFC)] {
        let tokens: Tokens = try_register(&auth, email, made).await.expect(201).read();
        for password in [made, typed] {
            try_login(&auth, email, password).await.expect(200);
        }
        auth.change_password(&tokens, typed, "another long password").await.expect(204);
    }
}

#[tokio::test]
async fn a_hash_of_the_typed_password_is_replaced_at_the_next_login() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let old = hashing::hash_blocking(&auth.env, &cheap_settings(), NFD).unwrap();
    let user = mara.user_id;
    auth.db()
        .write(async move |tx| {
            let account = accounts::lock(tx, user).await?.expect("the account exists");
            accounts::set_password(tx, &account, &old).await
        })
        .await
        .unwrap();
    auth.try_login("mara", NFC).await.expect_problem(401, "INVALID_CREDENTIALS");
    auth.advance(MINUTE);
    auth.try_login("mara", NFD).await.expect(200);
    auth.try_login("mara", NFC).await.expect(200);
}

#[tokio::test]
async fn a_password_that_many_have_is_refused_wherever_one_is_set() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    for (password, code) in [
        ("password", "PASSWORD_TOO_COMMON"),
        ("12345678", "PASSWORD_TOO_COMMON"),
        ("        ", "PASSWORD_TOO_COMMON"),
        ("aaaaaaaa", "PASSWORD_TOO_COMMON"),
        ("mara@example.com", "PASSWORD_CONTAINS_IDENTITY"),
    ] {
        let body = json!({"email": "mara@example.com", "password": password, "name": "Mara"});
        let refused = auth.post("/auth/register", &body).send().await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!("/password"), &json!(code)), "{password}");
        let refused = auth.change_password(&mara, PASSWORD, password).await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!("/newPassword"), &json!(code)), "{password}");
        let (address, password) = (Email::parse("mara@example.com").unwrap(), NewPassword::parse(password).unwrap());
        let refused = operator::create_admin(auth.db(), &cheap_settings(), address, &password, Name::parse("Mara").unwrap()).await;
        assert!(matches!(refused, Err(crate::Error::PasswordRefused(..))), "{refused:?}");
    }
    // An account that has such a password logs in still.
    let (old, user) = (hashing::hash_blocking(&auth.env, &cheap_settings(), "password").unwrap(), mara.user_id);
    auth.db()
        .write(async move |tx| {
            let account = accounts::lock(tx, user).await?.expect("the account exists");
            accounts::set_password(tx, &account, &old).await
        })
        .await
        .unwrap();
    auth.try_login("mara", "password").await.expect(200);
}
