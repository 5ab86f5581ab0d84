use super::*;
use crate::domain::client_rules::ClientFault;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use platform::master_key::MasterKey;

const FORM: &str = "application/x-www-form-urlencoded";

fn secret_of(service: &str) -> String {
    MasterKey::new([7; 32]).client_secret(service)
}

fn form(client: &str, secret: &str, more: &str) -> String {
    format!("grant_type=client_credentials&client_id={client}&client_secret={secret}{more}")
}

impl Auth {
    /// The access token of a service.
    pub async fn token_of(&self, service: &str) -> String {
        let answer = self.token(form(service, &secret_of(service), "")).await.expect(200);
        answer.json()["access_token"].as_str().expect("a token").to_owned()
    }

    async fn token(&self, form: String) -> TestResponse {
        self.request(axum::http::Method::POST, "/auth/token").raw(FORM, form).send().await
    }

    async fn token_by_header(&self, client: &str, secret: &str, form: &str) -> TestResponse {
        let header = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")));
        self.request(axum::http::Method::POST, "/auth/token").header("authorization", &header).raw(FORM, form.to_owned()).send().await
    }
}

#[tokio::test]
async fn a_service_gets_a_token_with_the_secret_of_its_name() {
    let auth = start().await;
    let answer = auth.token(form("order", &secret_of("order"), "")).await.expect(200);
    let body = answer.json();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!((&body["token_type"], &body["expires_in"], &body["scope"]), (&json!("Bearer"), &json!(900), &json!("internal")));
    let identity = auth.runtime.verifier.verify(body["access_token"].as_str().unwrap()).await.unwrap();
    assert_eq!((identity.client.as_deref(), identity.user), (Some("order"), None));
    assert!(identity.has_scope("internal") && identity.roles.is_empty());
    auth.token_by_header("order", &secret_of("order"), "grant_type=client_credentials&scope=internal").await.expect(200);
}

#[tokio::test]
async fn a_client_gets_the_scopes_it_holds_and_no_others() {
    let auth = start().await;
    let secret = operator::create_client(auth.db(), "carrier", &["shipping:track", "shipping:read"]).await.unwrap();
    let secret = secret.reveal();
    let scope = |answer: TestResponse| answer.expect(200).json()["scope"].as_str().unwrap().to_owned();
    assert_eq!(scope(auth.token(form("carrier", secret, "")).await), "shipping:track shipping:read");
    assert_eq!(scope(auth.token(form("carrier", secret, "&scope=shipping:read")).await), "shipping:read");
    for wanted in ["internal", "shipping:read+internal", "shipping"] {
        let answer = auth.token(form("carrier", secret, &format!("&scope={wanted}"))).await.expect_problem(400, "INVALID_SCOPE");
        assert_eq!((&answer.json()["errors"][0]["parameter"], &answer.json()["error"]), (&json!("scope"), &json!("invalid_scope")));
    }
    assert_eq!(operator::list_clients(auth.db()).await.unwrap()[0].client_id, "carrier");
    assert!(operator::remove_client(auth.db(), "carrier").await.unwrap());
    assert!(!operator::remove_client(auth.db(), "carrier").await.unwrap());
    auth.token(form("carrier", secret, "")).await.expect_problem(401, "INVALID_CLIENT");
}

#[tokio::test]
async fn a_client_with_wrong_credentials_gets_the_same_refusal() {
    let auth = start().await;
    let carrier = operator::create_client(auth.db(), "carrier", &["shipping:track"]).await.unwrap();
    let refused = auth.token(form("order", "wrong", "")).await.expect_problem(401, "INVALID_CLIENT");
    let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    assert!(matches!(&challenges[..], [basic] if basic.starts_with("Basic realm=")), "{challenges:?}");
    assert_eq!(refused.json()["error"], "invalid_client");
    for (client, secret) in [
        ("order", secret_of("payment")),
        ("unknown", "wrong".into()),
        ("carrier", secret_of("order")),
        ("order", carrier.reveal().into()),
        ("carrier", carrier.reveal()[1..].into()),
        ("Carrier", carrier.reveal().into()),
    ] {
        assert_eq!(bare(&auth.token(form(client, &secret, "")).await), bare(&refused), "{client}");
        assert_eq!(bare(&auth.token_by_header(client, &secret, "grant_type=client_credentials").await), bare(&refused), "{client}");
    }
    for header in ["Basic", "Basic !", "Basic b3JkZXI=", "Basic Og=="] {
        let request = auth.request(axum::http::Method::POST, "/auth/token").header("authorization", header);
        request.raw(FORM, "grant_type=client_credentials".to_owned()).send().await.expect_problem(401, "INVALID_CLIENT");
    }
}

#[tokio::test]
async fn an_invalid_token_form_is_refused() {
    let auth = start().await;
    let secret = secret_of("order");
    for (form, parameter) in [
        (form("order", &secret, "&resource=x"), "resource"),
        (form("order", &secret, "&client_id=order"), "client_id"),
        (format!("client_id=order&client_secret={secret}"), "grant_type"),
    ] {
        let answer = auth.token(form.clone()).await.expect_problem(400, "INVALID_TOKEN_REQUEST").json();
        assert_eq!((&answer["errors"][0]["parameter"], &answer["error"]), (&json!(parameter), &json!("invalid_request")), "{form}");
        assert!(!answer["error_description"].as_str().unwrap().is_empty());
    }
    let password = form("order", &secret, "").replace("client_credentials", "password");
    let answer = auth.token(password).await.expect_problem(400, "UNSUPPORTED_GRANT_TYPE");
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
    auth.token("grant_type=client_credentials".to_owned()).await.expect_problem(401, "INVALID_CLIENT");
    let twice = auth.token_by_header("order", &secret, &form("order", &secret, "")).await;
    assert_eq!(twice.expect_problem(400, "INVALID_TOKEN_REQUEST").json()["errors"][0]["code"], "GIVEN_TWICE");
    let broken = auth.token("grant_type=%zz".to_owned()).await.expect_problem(400, "MALFORMED_REQUEST");
    assert_eq!(broken.json()["error"], "invalid_request");
    let json = json!({"grant_type": "client_credentials", "client_id": "order", "client_secret": secret});
    auth.post("/auth/token", &json).send().await.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn a_client_has_one_name_and_it_is_not_a_services() {
    let auth = start().await;
    operator::create_client(auth.db(), "carrier", &["a"]).await.unwrap();
    let again = operator::create_client(auth.db(), "carrier", &["b"]).await;
    assert!(matches!(again, Err(crate::Error::ClientTaken)));
    let service = operator::create_client(auth.db(), "order", &["a"]).await;
    assert!(matches!(service, Err(crate::Error::BadClient(ClientFault::Reserved))));
}
