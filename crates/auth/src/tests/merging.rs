//! The cart of a guest at login and registration.

use super::*;
use axum::{Json, Router, extract::Path, http::StatusCode, routing::put};
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn login_and_registration_merge_the_cart_of_the_guest() {
    let calls: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let seen = calls.clone();
    let merge = move |Path(user): Path<String>, Json(body): Json<Value>| async move {
        seen.lock().unwrap().push((user, body["cartToken"].as_str().unwrap().to_owned()));
        StatusCode::NO_CONTENT
    };
    let auth = Auth(cheap().upstream("cart", Router::new().route("/internal/cart/{userId}/merge", put(merge))).start().await);
    let (one, two) = ("a".repeat(43), "b".repeat(43));
    let body = json!({"email": email("mara"), "password": PASSWORD, "name": "mara"});
    let mara: Tokens = auth.post("/auth/register", &body).header("X-Cart-Token", &one).send().await.expect(201).read();
    let login = |password: &str| auth.post("/auth/login", &json!({"email": email("mara"), "password": password}));
    login(PASSWORD).header("X-Cart-Token", &two).send().await.expect(200);
    let user = mara.user_id.to_string();
    assert_eq!(*calls.lock().unwrap(), [(user.clone(), one), (user, two.clone())]);
    // A login that is refused, one without a token, and one with a header that is no token.
    login(WRONG).header("X-Cart-Token", &two).send().await.expect(401);
    login(PASSWORD).send().await.expect(200);
    login(PASSWORD).header("X-Cart-Token", "no token").send().await.expect(200);
    assert_eq!(calls.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_login_holds_when_the_cart_is_down() {
    let down = Router::new().fallback(|| async { StatusCode::NOT_IMPLEMENTED });
    let auth = Auth(cheap().upstream("cart", down).start().await);
    auth.register("mara").await;
    let body = json!({"email": email("mara"), "password": PASSWORD});
    auth.post("/auth/login", &body).header("X-Cart-Token", &"a".repeat(43)).send().await.expect(200);
}
