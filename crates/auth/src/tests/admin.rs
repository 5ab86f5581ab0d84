use super::*;
use contracts::auth::{AccountStatus, RolesChanged, UserLocked, UserUnlocked};
use platform::http::{Operation, openapi::Grant};
use std::sync::Arc;

#[tokio::test]
async fn roles_take_effect_at_the_next_refresh() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    let account: Account = auth.set_roles(&admin, mara.user_id, &[Role::Admin, Role::Customer]).await.expect(200).read();
    assert_eq!(account.roles, [Role::Customer, Role::Admin]);
    assert_eq!((account.email.as_str(), account.status), ("mara@example.com", AccountStatus::Active));

    let roles = |token: String| {
        let verifier = auth.runtime.verifier.clone();
        async move { verifier.verify(&token).await.unwrap().roles.clone() }
    };
    assert_eq!(roles(mara.access_token.reveal().into()).await, [Role::Customer]);
    assert_eq!(roles(auth.refresh(&mara).await.access_token.reveal().into()).await, [Role::Customer, Role::Admin]);

    // The same roles again change nothing and emit nothing.
    auth.set_roles(&admin, mara.user_id, &[Role::Customer, Role::Admin]).await.expect(200);
    let emitted = auth.emitted_of::<RolesChanged>().await;
    let expected = RolesChanged { user_id: mara.user_id, roles: vec![Role::Customer, Role::Admin], changed_by: Some(admin.user_id) };
    assert_eq!(emitted, [expected]);
}

#[tokio::test]
async fn locks_from_before_they_were_announced_are_announced_once_at_the_next_start() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let (locked, unlocked) = (auth.register("mara").await.user_id, auth.register("sam").await.user_id);
    auth.act(&admin, locked, "lock").await.expect(200);
    for user in [locked, unlocked] {
        let sql = "INSERT INTO unannounced_locks (user_id) VALUES ($1)";
        let written = auth.db().write(async move |tx| tx.execute(sql, platform::params![user]).await);
        written.await.map_err(|error: platform::db::Error| error).unwrap();
    }
    let by = |locked_by| UserLocked { user_id: locked, locked_by };
    let auth = Auth(cheap().resume(auth.0.kill()).await);
    assert_eq!(auth.emitted_of::<UserLocked>().await, [by(Some(admin.user_id)), by(None)]);
    let auth = Auth(cheap().resume(auth.0.kill()).await);
    assert_eq!(auth.emitted_of::<UserLocked>().await.len(), 2, "the next start announces nothing");
}

#[tokio::test]
async fn roles_are_a_set_of_known_words() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    for (roles, pointer) in [
        (json!([]), "/roles"),
        (json!(["CUSTOMER", "CUSTOMER"]), "/roles/1"),
        (json!(["ROOT"]), "/roles/0"),
        (json!(["customer"]), "/roles/0"),
        (json!(["CUSTOMER", "SELLER", "ADMIN", "CUSTOMER"]), "/roles"),
        (json!("ADMIN"), "/roles"),
        (json!(null), "/roles"),
    ] {
        let path = format!("/auth/users/{}/roles", mara.user_id);
        let answer = auth.put(&path, &json!({"roles": roles})).bearer(admin.access_token.reveal()).send().await;
        let answer = answer.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{roles}: {}", answer.json());
    }
}

#[tokio::test]
async fn a_locked_account_neither_logs_in_nor_refreshes_until_it_is_unlocked() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    for _ in 0..2 {
        let account: Account = auth.act(&admin, mara.user_id, "lock").await.expect(200).read();
        assert_eq!(account.status, AccountStatus::Locked);
    }
    assert_eq!(auth.emitted_of::<UserLocked>().await, [UserLocked { user_id: mara.user_id, locked_by: Some(admin.user_id) }]);
    auth.refresh_is_refused(&mara).await;
    auth.try_login("mara", PASSWORD).await.expect_problem(401, "INVALID_CREDENTIALS");
    auth.advance(5 * DAY);
    auth.complete().await;
    auth.try_login("mara", PASSWORD).await.expect_problem(401, "INVALID_CREDENTIALS");

    let admin = auth.login("ada").await;
    for _ in 0..2 {
        let account: Account = auth.act(&admin, mara.user_id, "unlock").await.expect(200).read();
        assert_eq!(account.status, AccountStatus::Active);
    }
    assert_eq!(auth.emitted_of::<UserUnlocked>().await, [UserUnlocked { user_id: mara.user_id, unlocked_by: Some(admin.user_id) }]);
    auth.refresh_is_refused(&mara).await;
    auth.login("mara").await;
}

#[tokio::test]
async fn an_administrator_ends_a_lock_by_failed_logins() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    auth.fail_logins("mara", 10).await;
    let account: Account = auth.act(&admin, mara.user_id, "unlock").await.expect(200).read();
    assert_eq!((account.status, account.failed_login_count), (AccountStatus::Active, 0));
    auth.login("mara").await;
    auth.complete().await;
    assert_eq!(auth.emitted_of::<UserUnlocked>().await, [UserUnlocked { user_id: mara.user_id, unlocked_by: Some(admin.user_id) }]);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let auth = start().await;
    let ada = auth.admin("ada").await;
    auth.set_roles(&ada, ada.user_id, &[Role::Customer]).await.expect_problem(409, "LAST_ADMIN");
    auth.act(&ada, ada.user_id, "lock").await.expect_problem(409, "LAST_ADMIN");
    auth.set_roles(&ada, ada.user_id, &[Role::Admin]).await.expect(200);

    let grace = auth.admin("grace").await;
    auth.act(&ada, grace.user_id, "lock").await.expect(200);
    // A locked administrator does not count.
    auth.set_roles(&ada, ada.user_id, &[Role::Customer]).await.expect_problem(409, "LAST_ADMIN");
    auth.act(&ada, grace.user_id, "unlock").await.expect(200);
    auth.set_roles(&ada, ada.user_id, &[Role::Customer]).await.expect(200);
}

#[tokio::test]
async fn administrators_that_demote_each_other_at_once_leave_one() {
    let auth = Arc::new(start().await);
    let (ada, grace) = (auth.admin("ada").await, auth.admin("grace").await);
    let (one, two) = (auth.set_roles(&ada, grace.user_id, &[Role::Customer]), auth.set_roles(&grace, ada.user_id, &[Role::Customer]));
    let (one, two) = tokio::join!(one, two);
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    // The second request comes from a former administrator.
    assert_eq!(statuses, [200, 403]);
}

#[tokio::test]
async fn a_former_administrator_can_do_nothing_with_a_token_that_is_still_valid() {
    let auth = start().await;
    let (ada, grace) = (auth.admin("ada").await, auth.admin("grace").await);
    auth.set_roles(&ada, grace.user_id, &[Role::Customer]).await.expect(200);
    auth.set_roles(&grace, grace.user_id, &[Role::Admin]).await.expect_problem(403, "FORBIDDEN");
    auth.act(&grace, ada.user_id, "lock").await.expect_problem(403, "FORBIDDEN");
    let eve = auth.admin("eve").await;
    auth.act(&ada, eve.user_id, "lock").await.expect(200);
    auth.act(&eve, eve.user_id, "unlock").await.expect_problem(403, "FORBIDDEN");
    assert_eq!(auth.set_roles(&ada, eve.user_id, &[Role::Admin]).await.expect(200).json()["status"], "LOCKED");
}

#[tokio::test]
async fn accounts_that_are_not_there_are_404() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let unknown: UserId = auth.id();
    auth.set_roles(&admin, unknown, &[Role::Customer]).await.expect_problem(404, "NOT_FOUND");
    for verb in ["lock", "unlock"] {
        auth.act(&admin, unknown, verb).await.expect_problem(404, "NOT_FOUND");
        let path = format!("/auth/users/me/{verb}");
        let answer = auth.request(axum::http::Method::POST, &path).bearer(admin.access_token.reveal()).send().await;
        answer.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn every_route_but_the_public_ones_refuses_anonymous_callers() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let open = [
        "/auth/register",
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
        "/auth/password/forgot",
        "/auth/password/reset",
        "/auth/email/verify",
        "/auth/email/verify/resend",
        "/auth/token",
        "/.well-known/jwks.json",
    ];
    let all = auth.runtime.operations.iter().map(|(_, operation)| operation.clone());
    let operations: Vec<Operation> = all.filter(|operation| operation.tag == "auth").collect();
    assert_eq!(operations.len(), 24);
    for operation in operations {
        assert_eq!(operation.access().anonymous, open.contains(&operation.path), "{}", operation.path);
        if open.contains(&operation.path) {
            continue;
        }
        let path = operation.path.replace("{userId}", &mara.user_id.to_string()).replace("{sessionId}", &mara.user_id.to_string());
        let path = path.replace("{apiKeyId}", &mara.user_id.to_string());
        let ask = || auth.request(operation.method.clone(), &path);
        ask().send().await.expect_problem(401, "UNAUTHENTICATED");
        if !operation.access().grants.contains(&Grant::User) {
            ask().bearer(mara.access_token.reveal()).send().await.expect_problem(403, "FORBIDDEN");
        }
    }
}

#[tokio::test]
async fn the_command_line_makes_accounts_on_an_empty_installation() {
    let auth = start().await;
    let ada = auth.admin("ada").await;
    let identity = auth.runtime.verifier.verify(ada.access_token.reveal()).await.unwrap();
    assert_eq!(identity.roles, [Role::Customer, Role::Admin]);
    let (address, password) = (Email::parse(&email("ada")).unwrap(), NewPassword::parse(PASSWORD).unwrap());
    let again = operator::create_admin(auth.db(), &cheap_settings(), address, &password, Name::parse("Ada").unwrap()).await;
    assert!(matches!(again, Err(crate::Error::EmailTaken)));
    let found = operator::find_account(auth.db(), &Email::parse("ADA@example.com").unwrap()).await.unwrap();
    assert_eq!(found, Some(ada.user_id));
    assert_eq!(operator::find_account(auth.db(), &Email::parse(&email("sam")).unwrap()).await.unwrap(), None);
    let address = Email::parse(&email("sam")).unwrap();
    operator::create_account(auth.db(), &cheap_settings(), address, &password, Name::parse("Sam").unwrap(), &[Role::Seller]).await.unwrap();
    let sam = auth.login("sam").await;
    assert_eq!(auth.account(&ada, sam.user_id).await.roles, [Role::Seller]);
}
