//! A user sees the own logins and ends one.

use super::{
    marketplace::CHEAP_PASSWORDS,
    server::{PASSWORD, Server},
};
use contracts::{
    auth::{END_SESSION, LIST_SESSIONS, LOGIN, Login, REFRESH_TOKENS, RefreshTokens},
    secret::Secret,
    text::KnownEmail,
    user::GET_PROFILE,
};
use souk::api_client::request;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn a_login_that_its_user_ends_is_over_within_seconds() {
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let (mara, other) = (server.customer("mara").await, server.customer("other").await);
    let login = Login { email: KnownEmail::parse("mara@example.com").unwrap(), password: Secret::parse(PASSWORD).unwrap() };
    let lost = server.guest().must(request(&LOGIN).header("user-agent", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0").body(&login)).await;
    let phone = Server::guest_of(&server.api.with_token(lost.access_token.reveal()));
    phone.must(request(&GET_PROFILE)).await;
    let sessions = mara.must(request(&LIST_SESSIONS)).await.items;
    assert_eq!(sessions.len(), 2);
    assert_eq!((sessions[0].user_agent.as_deref(), sessions[0].is_current), (Some("Firefox on Windows"), false));
    assert_eq!((sessions[0].network.as_deref(), sessions[1].is_current), (Some("127.0.0.0/24"), true));
    let ending = || request(&END_SESSION).path(sessions[0].session_id);
    assert_eq!(other.send(ending()).await.problem(), (404, "NOT_FOUND".to_owned()));
    phone.must(request(&GET_PROFILE)).await;

    mara.must(ending()).await;
    let refresh = RefreshTokens { refresh_token: lost.refresh_token.clone() };
    let refused = server.guest().send(request(&REFRESH_TOKENS).body(&refresh)).await;
    assert_eq!(refused.problem(), (401, "INVALID_REFRESH_TOKEN".to_owned()));
    let deadline = Instant::now() + Duration::from_secs(30);
    while phone.send(request(&GET_PROFILE)).await.status != 401 {
        assert!(Instant::now() < deadline, "its access token counts still");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    mara.must(ending()).await;
    mara.must(request(&GET_PROFILE)).await;
    assert_eq!(mara.must(request(&LIST_SESSIONS)).await.items.len(), 1);
    server.stop_and_check().await;
}
