use super::*;

#[tokio::test]
async fn what_has_expired_is_dropped_and_nothing_else() {
    let auth = start().await;
    let old = auth.register("mara").await;
    auth.try_login("mara", WRONG).await.expect(401);
    auth.try_login("unknown", WRONG).await.expect(401);
    auth.post("/auth/password/forgot", &json!({"email": email("mara")})).send().await.expect(202);
    auth.complete().await;
    let rows = async || {
        [
            auth.count("SELECT COUNT(*) FROM refresh_tokens").await,
            auth.count("SELECT COUNT(*) FROM failed_logins").await,
            auth.count("SELECT COUNT(*) FROM reset_tokens").await,
        ]
    };
    assert_eq!(rows().await, [1, 4, 1]);
    auth.advance(DAY + 2 * 60 * MINUTE);
    auth.complete().await;
    assert_eq!(rows().await, [1, 0, 0]);
    // A used token is stored until it would have expired, so that a second use is noticed.
    let next = auth.refresh(&old).await;
    auth.advance(28 * DAY);
    auth.complete().await;
    assert_eq!(rows().await[0], 2);
    auth.refresh_is_refused(&old).await;
    auth.refresh_is_refused(&next).await;
    auth.advance(4 * DAY);
    auth.complete().await;
    assert_eq!(rows().await[0], 0);
}

#[tokio::test]
async fn more_than_one_batch_is_done_in_one_run() {
    let auth = start().await;
    for number in 0..150 {
        auth.post("/auth/password/forgot", &json!({"email": format!("m{number}@example.com")})).send().await.expect(202);
    }
    auth.register("m149").await;
    auth.complete().await;
    assert_eq!(auth.count("SELECT COUNT(*) FROM reset_requests").await, 0);
    assert_eq!(auth.emitted_of::<contracts::auth::PasswordResetRequested>().await.len(), 1);
}
