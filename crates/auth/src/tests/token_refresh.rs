use super::*;
use crate::store::accounts;
use contracts::auth::AccountStatus;
use std::sync::Arc;

/// How long a used token gives tokens still.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_refresh_token_works_once_and_gives_the_next() {
    let auth = start().await;
    let first = auth.register("mara").await;
    let mut tokens = first.clone();
    for _ in 0..5 {
        let next = auth.refresh(&tokens).await;
        assert_ne!(next.refresh_token, tokens.refresh_token);
        assert_ne!(next.access_token, tokens.access_token);
        assert_eq!(next.user_id, first.user_id);
        tokens = next;
    }
    let identity = |token: String| {
        let verifier = auth.runtime.verifier.clone();
        async move { verifier.verify(&token).await.unwrap() }
    };
    let (one, last) = (identity(first.access_token.reveal().into()).await, identity(tokens.access_token.reveal().into()).await);
    assert_eq!(one.session, last.session, "it is the same login");
}

#[tokio::test]
async fn a_second_use_revokes_every_token_of_the_login() {
    let auth = start().await;
    let first = auth.register("mara").await;
    let other_login = auth.login("mara").await;
    let second = auth.refresh(&first).await;
    let third = auth.refresh(&second).await;
    auth.advance(GRACE);
    auth.refresh_is_refused(&first).await;
    auth.refresh_is_refused(&third).await;
    auth.refresh_is_refused(&second).await;
    // Another login of the same user is another family.
    auth.refresh(&other_login).await;
}

#[tokio::test]
async fn two_uses_at_once_both_give_tokens_and_a_later_one_revokes_the_family() {
    let auth = Arc::new(start().await);
    for round in 0..10 {
        let tokens = auth.register(&format!("mara{round}")).await;
        let mut tasks = auth.env.task_set();
        for _ in 0..2 {
            let (auth, token) = (auth.clone(), tokens.refresh_token.clone());
            tasks.spawn(async move { auth.try_refresh(token.reveal()).await });
        }
        let answers = tasks.join_all().await;
        let pairs: Vec<Tokens> = answers.into_iter().map(|answer| answer.expect(200).read()).collect();
        assert_ne!(pairs[0].refresh_token, pairs[1].refresh_token);
        // Each goes on by itself.
        let next = [auth.refresh(&pairs[0]).await, auth.refresh(&pairs[1]).await];
        auth.advance(GRACE);
        auth.refresh_is_refused(&tokens).await;
        for pair in &next {
            auth.refresh_is_refused(pair).await;
        }
    }
}

#[tokio::test]
async fn the_grace_of_a_used_token_counts_from_its_first_use() {
    let auth = start().await;
    let tokens = auth.register("mara").await;
    auth.refresh(&tokens).await;
    auth.advance(GRACE - Duration::from_micros(1));
    let late = auth.refresh(&tokens).await;
    auth.advance(Duration::from_micros(1));
    auth.refresh_is_refused(&tokens).await;
    auth.refresh_is_refused(&late).await;
}

#[tokio::test]
async fn a_used_token_has_no_grace_once_its_login_ended() {
    let auth = start().await;
    let tokens = auth.register("mara").await;
    let next = auth.refresh(&tokens).await;
    auth.post("/auth/logout", &json!({"refreshToken": next.refresh_token})).send().await.expect(204);
    auth.refresh_is_refused(&tokens).await;
    let strict = Auth(cheap().setting("refresh_grace_seconds", 0).start().await);
    let tokens = strict.register("mara").await;
    strict.refresh(&tokens).await;
    strict.refresh_is_refused(&tokens).await;
}

#[tokio::test]
async fn a_refresh_token_lives_thirty_days_from_its_own_beginning() {
    let auth = start().await;
    let tokens = auth.register("mara").await;
    auth.advance(30 * DAY - MINUTE);
    let next = auth.refresh(&tokens).await;
    auth.advance(30 * DAY);
    auth.refresh_is_refused(&next).await;
    // An expired token is not a stolen one: the rest of the family stays valid.
    auth.login("mara").await;
}

#[tokio::test]
async fn a_second_use_is_noticed_even_after_the_token_would_have_expired() {
    let auth = start().await;
    let old = auth.register("mara").await;
    auth.advance(29 * DAY);
    let next = auth.refresh(&old).await;
    auth.advance(DAY + 60 * MINUTE);
    auth.settle().await;
    auth.refresh_is_refused(&old).await;
    auth.refresh_is_refused(&next).await;
}

/// A lock revokes the tokens as well; this check is a second protection.
#[tokio::test]
async fn a_locked_account_refreshes_nothing_whatever_tokens_it_has() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    for (status, answer) in [(AccountStatus::Locked, 401), (AccountStatus::Active, 200)] {
        let user = mara.user_id;
        auth.db().write(async move |tx| accounts::set_status(tx, user, status).await).await.unwrap();
        auth.try_refresh(mara.refresh_token.reveal()).await.expect(answer);
    }
}

#[tokio::test]
async fn malformed_tokens_are_refused() {
    let auth = start().await;
    let tokens = auth.register("mara").await;
    let access = tokens.access_token.reveal();
    let cut = &tokens.refresh_token.reveal()[1..];
    for token in ["x", access, cut, &"x".repeat(4096), "' OR 1=1 --", "…"] {
        auth.try_refresh(token).await.expect_problem(401, "INVALID_REFRESH_TOKEN");
    }
    auth.refresh(&tokens).await;
}

#[tokio::test]
async fn logging_out_ends_the_login_and_may_be_repeated() {
    let auth = start().await;
    let tokens = auth.register("mara").await;
    let other = auth.login("mara").await;
    let next = auth.refresh(&tokens).await;
    let body = json!({"refreshToken": next.refresh_token});
    for _ in 0..2 {
        auth.post("/auth/logout", &body).send().await.expect(204);
    }
    auth.refresh_is_refused(&next).await;
    auth.refresh(&other).await;
    auth.post("/auth/logout", &json!({"refreshToken": "unknown"})).send().await.expect(204);
    // An old token of a login can end it.
    let old = auth.login("mara").await;
    let new = auth.refresh(&old).await;
    auth.post("/auth/logout", &json!({"refreshToken": old.refresh_token})).send().await.expect(204);
    auth.refresh_is_refused(&new).await;
}
