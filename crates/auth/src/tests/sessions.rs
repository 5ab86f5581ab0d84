//! Logins as their users see them.

use super::*;
use contracts::{auth::Session, ids::SessionId, page::Page};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

impl Auth {
    async fn login_with(&self, name: &str, user_agent: &str, address: &str) -> Tokens {
        let body = json!({"email": email(name), "password": PASSWORD});
        let request = self.post("/auth/login", &body).header("user-agent", user_agent).header("x-forwarded-for", address);
        request.send().await.expect(200).read()
    }

    async fn sessions(&self, tokens: &Tokens) -> Vec<Session> {
        let answer = self.get("/auth/sessions").bearer(tokens.access_token.reveal()).send().await;
        answer.expect(200).read::<Page<Session>>().items
    }

    async fn end(&self, tokens: &Tokens, session: SessionId) -> TestResponse {
        self.delete(&format!("/auth/sessions/{session}")).bearer(tokens.access_token.reveal()).send().await
    }

    /// 401 once the token counts no longer.
    async fn status_of(&self, tokens: &Tokens) -> u16 {
        self.get("/auth/sessions").bearer(tokens.access_token.reveal()).send().await.status.as_u16()
    }
}

#[tokio::test]
async fn a_user_sees_the_logins_with_the_program_that_used_them_last() {
    let auth = start().await;
    let first = auth.register("mara").await;
    let made = auth.env.now();
    auth.advance(MINUTE);
    let second = auth.login_with("mara", FIREFOX, "203.0.113.77").await;
    auth.register("other").await;
    auth.advance(MINUTE);
    let body = json!({"refreshToken": second.refresh_token});
    let refresh = auth.post("/auth/refresh", &body).header("user-agent", "curl/8.9").header("x-forwarded-for", "2001:db8:1:2::3");
    let second: Tokens = refresh.send().await.expect(200).read();
    let shown = auth.sessions(&second).await;
    assert_eq!(shown.len(), 2);
    assert_eq!((shown[0].user_agent.as_deref(), shown[0].network.as_deref()), (Some("curl"), Some("2001:db8:1::/48")));
    assert_eq!((shown[0].created_at, shown[0].last_used_at), (made.after(MINUTE), made.after(2 * MINUTE)));
    assert_eq!((shown[0].is_current, shown[1].is_current), (true, false));
    assert_eq!((shown[1].user_agent.as_deref(), shown[1].network.as_deref(), shown[1].created_at), (None, None, made));
    assert!(auth.sessions(&first).await[1].is_current);
    // A login ends with its last refresh token.
    auth.advance(31 * DAY);
    let third = auth.login("mara").await;
    assert_eq!(auth.sessions(&third).await.len(), 1);
}

#[tokio::test]
async fn an_ended_login_refreshes_no_longer_and_its_access_tokens_end_within_a_second() {
    let auth = start().await;
    let (own, lost) = (auth.register("mara").await, auth.login("mara").await);
    let session = auth.sessions(&own).await.into_iter().find(|session| !session.is_current).unwrap().session_id;
    auth.end(&own, session).await.expect(204);
    auth.refresh_is_refused(&lost).await;
    auth.advance(Duration::from_secs(1));
    assert_eq!((auth.status_of(&lost).await, auth.status_of(&own).await), (401, 200));
    auth.end(&own, session).await.expect(204);
    assert_eq!(auth.sessions(&own).await.len(), 1);
    // Also the own one.
    let session = auth.sessions(&own).await[0].session_id;
    auth.end(&own, session).await.expect(204);
    auth.advance(Duration::from_secs(1));
    assert_eq!(auth.status_of(&own).await, 401);
}

#[tokio::test]
async fn anothers_login_is_not_found_and_goes_on() {
    let auth = start().await;
    let (mara, other) = (auth.register("mara").await, auth.register("other").await);
    let session = auth.sessions(&mara).await[0].session_id;
    auth.end(&other, session).await.expect_problem(404, "NOT_FOUND");
    auth.end(&other, auth.id()).await.expect_problem(404, "NOT_FOUND");
    auth.refresh(&mara).await;
}

#[tokio::test]
async fn a_login_too_many_ends_the_one_that_was_used_longest_ago() {
    let auth = Auth(cheap().setting("max_sessions", 3).start().await);
    let first = auth.register("mara").await;
    let mut logins = Vec::new();
    for minute in 0..3 {
        auth.advance(MINUTE);
        if minute == 2 {
            let body = json!({"refreshToken": first.refresh_token});
            auth.post("/auth/refresh", &body).send().await.expect(200);
            auth.advance(MINUTE);
        }
        logins.push(auth.login("mara").await);
    }
    auth.register("other").await;
    let shown = auth.sessions(&logins[2]).await;
    assert_eq!(shown.len(), 3);
    auth.advance(Duration::from_secs(1));
    assert_eq!(auth.status_of(&logins[0]).await, 401, "the first one was used since");
    assert_eq!((auth.status_of(&logins[1]).await, auth.status_of(&logins[2]).await), (200, 200));
    let body = json!({"refreshToken": logins[0].refresh_token});
    auth.post("/auth/refresh", &body).send().await.expect_problem(401, "INVALID_REFRESH_TOKEN");
}
