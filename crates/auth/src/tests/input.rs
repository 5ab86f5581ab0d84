use super::*;
use axum::http::Method;

/// Every body, with a valid value in each field.
fn bodies() -> Vec<(&'static str, Value)> {
    vec![
        ("/auth/register", json!({"email": "new@example.com", "password": PASSWORD, "name": "New"})),
        ("/auth/login", json!({"email": "mara@example.com", "password": PASSWORD})),
        ("/auth/refresh", json!({"refreshToken": "x"})),
        ("/auth/logout", json!({"refreshToken": "x"})),
        ("/auth/password/forgot", json!({"email": "mara@example.com"})),
        ("/auth/password/reset", json!({"token": "x", "newPassword": PASSWORD})),
        ("/auth/password/change", json!({"currentPassword": PASSWORD, "newPassword": PASSWORD})),
    ]
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_place_and_change_nothing() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let events = auth.emitted().await.len();
    let long = "x".repeat(5_000);
    for (path, good) in bodies() {
        let send = |body: String| {
            let request = auth.request(Method::POST, path).bearer(mara.access_token.reveal()).raw("application/json", body);
            async move { request.send().await }
        };
        for broken in ["", "{", "nonsense", "\u{feff}{}", &"[".repeat(10_000)] {
            send(broken.to_owned()).await.expect_problem(400, "MALFORMED_REQUEST");
        }
        for shape in ["[]", "null", "1", "\"text\"", "{}"] {
            send(shape.to_owned()).await.expect_problem(422, "INVALID_REQUEST");
        }
        let not_utf8 = auth.request(Method::POST, path).bearer(mara.access_token.reveal()).raw("application/json", vec![b'"', 0xff, b'"']);
        not_utf8.send().await.expect_problem(400, "MALFORMED_REQUEST");
        let large = format!("{{\"email\": \"{}\"}}", "x".repeat(100_000));
        send(large).await.expect_problem(413, "PAYLOAD_TOO_LARGE");
        auth.request(Method::POST, path)
            .bearer(mara.access_token.reveal())
            .raw("text/plain", good.to_string())
            .send()
            .await
            .expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");

        for name in good.as_object().unwrap().keys() {
            for value in [json!(null), json!(1), json!([]), json!({}), json!(true), json!(""), json!(long), json!("a\u{0}b")] {
                let mut bad = good.clone();
                bad[name] = value.clone();
                let answer = send(bad.to_string()).await.expect_problem(422, "INVALID_REQUEST");
                assert_eq!(answer.json()["errors"][0]["pointer"], format!("/{name}"), "{path} {value}");
            }
            let mut missing = good.clone();
            missing.as_object_mut().unwrap().remove(name);
            let answer = send(missing.to_string()).await.expect_problem(422, "INVALID_REQUEST");
            assert_eq!(answer.json()["errors"][0]["code"], "REQUIRED");
        }
        let mut unknown = good.clone();
        unknown["roles"] = json!(["ADMIN"]);
        let answer = send(unknown.to_string()).await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(answer.json()["errors"][0]["code"], "UNKNOWN_FIELD", "unknown makes itself an administrator");
        let (name, value) = good.as_object().unwrap().iter().next().unwrap();
        send(format!("{{\"{name}\":{value},\"{name}\":{value}}}")).await.expect_problem(422, "INVALID_REQUEST");
    }
    assert_eq!(auth.emitted().await.len(), events);
    assert_eq!(auth.count("SELECT COUNT(*) FROM credentials").await, 1);
    assert_eq!(auth.count("SELECT COUNT(*) FROM failed_logins").await, 0);
}

#[tokio::test]
async fn passwords_of_every_script_work_as_they_are() {
    let auth = start().await;
    for (number, password) in
        ["пароль пароль", "🐎🔋📎🐎🔋📎🐎🔋", "  eight  ", "'; DROP TABLE credentials; --", &"ü".repeat(200)].iter().enumerate()
    {
        let body = json!({"email": format!("m{number}@example.com"), "password": password, "name": "Zoë"});
        auth.post("/auth/register", &body).send().await.expect(201);
        let name = format!("m{number}");
        auth.try_login(&name, password).await.expect(200);
        let mut shorter = password.to_string();
        shorter.pop();
        auth.try_login(&name, &shorter).await.expect(401);
    }
    for bad in ["short", "1234567", &"x".repeat(201)] {
        let body = json!({"email": "new@example.com", "password": bad, "name": "New"});
        let answer = auth.post("/auth/register", &body).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/password");
        assert!(!String::from_utf8(answer.body).unwrap().contains(bad), "a refusal does not repeat a password");
    }
}

#[tokio::test]
async fn methods_that_a_path_does_not_have_are_405() {
    let auth = start().await;
    for (path, method) in [("/auth/login", Method::GET), ("/.well-known/jwks.json", Method::POST), ("/auth/token", Method::DELETE)] {
        auth.request(method, path).send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
    }
    auth.request(Method::HEAD, "/.well-known/jwks.json").send().await.expect(200);
}
