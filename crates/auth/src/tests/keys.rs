use super::*;
use crate::store;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use contracts::auth::Jwks;
use hmac::{Hmac, KeyInit as _, Mac as _};
use platform::{
    encryption,
    env::Env,
    identity::{Claims, Role, SigningKey},
    master_key::MasterKey,
    runtime::{Runtime, Setup},
    settings::Settings,
    testing::TempFolder,
};
use sha2::Sha256;

impl Auth {
    async fn keys(&self) -> Vec<String> {
        let answer = self.get("/.well-known/jwks.json").send().await.expect(200);
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        answer.read::<Jwks>().keys.into_iter().map(|key| key.kid).collect()
    }

    /// Returns the seed of the first signing key, decrypted as auth does.
    async fn seed(&self) -> [u8; 32] {
        let rows = self.db().read(async |tx| store::signing_keys::list(tx).await).await.unwrap();
        let key = MasterKey::new([7; 32]).key_for("seal:signing-keys");
        encryption::decrypt(&key, &rows[0].encrypted_seed).unwrap().try_into().unwrap()
    }
}

/// Returns the key id of a token.
fn kid(token: &str) -> String {
    let head: Value = serde_json::from_slice(&B64.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(head["alg"], "EdDSA");
    head["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_published_key_is_the_one_that_signs_and_no_more_of_it() {
    let auth = start().await;
    let tokens = auth.register("mara").await;
    let answer = auth.get("/.well-known/jwks.json").send().await.expect(200);
    let body = answer.json();
    assert_eq!(body["keys"].as_array().unwrap().len(), 1);
    let key = body["keys"][0].as_object().unwrap();
    assert_eq!(key["kid"], kid(tokens.access_token.reveal()));
    let names: Vec<&str> = key.keys().map(String::as_str).collect();
    assert!(["alg", "crv", "kid", "kty", "use", "x"].iter().all(|name| names.contains(name)) && names.len() == 6, "{names:?}");
}

#[tokio::test]
async fn keys_rotate_without_a_refused_token() {
    let auth = start().await;
    auth.register("mara").await;
    let [first] = <[String; 1]>::try_from(auth.keys().await).unwrap();

    // The next key is published ten minutes before it signs.
    auth.advance(30 * DAY - 10 * MINUTE);
    auth.settle().await;
    let published = auth.keys().await;
    assert_eq!((published.len(), &published[0]), (2, &first));
    let second = published[1].clone();
    auth.advance(10 * MINUTE - Duration::from_secs(1));
    let before = auth.login("mara").await;
    assert_eq!(kid(before.access_token.reveal()), first);
    auth.runtime.verifier.verify(before.access_token.reveal()).await.unwrap();

    // Then it signs at once: verifiers that fetched the keys in the last minute have it.
    auth.advance(Duration::from_secs(1));
    let after = auth.login("mara").await;
    assert_eq!(kid(after.access_token.reveal()), second);
    auth.runtime.verifier.verify(after.access_token.reveal()).await.unwrap();
    auth.settle().await;
    assert_eq!(auth.keys().await, [second.clone(), first.clone()]);

    // The former key stays until its last token has expired.
    auth.advance(15 * MINUTE - Duration::from_secs(2));
    auth.settle().await;
    auth.runtime.verifier.verify(before.access_token.reveal()).await.unwrap();
    assert_eq!(auth.keys().await.len(), 2);
    auth.advance(2 * MINUTE);
    auth.settle().await;
    assert_eq!(auth.keys().await, [second]);
}

#[tokio::test]
async fn forged_and_expired_tokens_are_refused() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    let key = SigningKey::from_bytes(&auth.seed().await);
    let other = SigningKey::generate(&auth.env);
    let claims = Claims::user(&auth.env, admin.user_id, &[Role::Admin], 15 * MINUTE);
    let good = key.sign(&claims);
    let [head, body, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();

    let mut richer = Claims::user(&auth.env, mara.user_id, &[Role::Admin], 15 * MINUTE);
    richer.jti.clone_from(&claims.jti);
    let tampered = format!("{head}.{}.{signature}", B64.encode(serde_json::to_vec(&richer).unwrap()));
    let none = format!("{}.{body}.", B64.encode(format!(r#"{{"alg":"none","typ":"JWT","kid":"{}"}}"#, key.kid())));
    let hs_head = B64.encode(format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{}"}}"#, key.kid()));
    let mut mac = Hmac::<Sha256>::new_from_slice(&B64.decode(key.public().x).unwrap()).unwrap();
    mac.update(format!("{hs_head}.{body}").as_bytes());
    let hs256 = format!("{hs_head}.{body}.{}", B64.encode(mac.finalize().into_bytes()));
    let disguised = format!("{head}.{}", other.sign(&claims).split_once('.').unwrap().1);

    let path = format!("/auth/users/{}/unlock", mara.user_id);
    let send = |token: String| {
        let request = auth.request(axum::http::Method::POST, &path).bearer(&token);
        async move { request.send().await }
    };
    send(good.clone()).await.expect(200);
    for (what, token) in [
        ("tampered", tampered),
        ("alg none", none),
        ("HS256 with the public key", hs256),
        ("another key", other.sign(&claims)),
        ("another key under our name", disguised),
        ("another audience", key.sign(&Claims { aud: "elsewhere".into(), ..claims.clone() })),
        ("another issuer", key.sign(&Claims { iss: "elsewhere".into(), ..claims.clone() })),
        ("a refresh token", admin.refresh_token.reveal().to_owned()),
        ("expired", key.sign(&Claims { exp: claims.iat, ..claims.clone() })),
    ] {
        let answer = send(token).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (401, &json!("UNAUTHENTICATED")), "{what}");
    }
    auth.advance(15 * MINUTE);
    send(good).await.expect_problem(401, "UNAUTHENTICATED");
    send(admin.access_token.reveal().to_owned()).await.expect_problem(401, "UNAUTHENTICATED");
}

fn setup(folder: &TempFolder, secret: u8) -> Setup {
    Setup {
        env: Env::seeded(7, "2026-01-01T00:00:00Z".parse().unwrap()),
        data_dir: folder.path().to_owned(),
        settings: Settings::default(),
        master_key: MasterKey::new([secret; 32]),
        remote_services: Vec::new(),
        broker: None,
        run_background: false,
        databases: None,
    }
}

#[tokio::test]
async fn the_signing_key_survives_a_restart_and_only_its_installation_can_decrypt_it() {
    let folder = TempFolder::new();
    let claims = |runtime: &Runtime| Claims::user(runtime.databases["auth"].env(), UserId(contracts::ids::Uuid::nil()), &[], MINUTE);
    let first = Runtime::start(vec![service()], setup(&folder, 7)).await.unwrap();
    let rows = first.databases["auth"].read(async |tx| store::signing_keys::list(tx).await).await.unwrap();
    let seed = encryption::decrypt(&MasterKey::new([7; 32]).key_for("seal:signing-keys"), &rows[0].encrypted_seed).unwrap();
    let token = SigningKey::from_bytes(&seed.clone().try_into().unwrap()).sign(&claims(&first));
    first.stop().await;

    let second = Runtime::start(vec![service()], setup(&folder, 7)).await.unwrap();
    second.verifier.verify(&token).await.unwrap();
    second.stop().await;

    let stranger = Runtime::start(vec![service()], setup(&folder, 8)).await;
    let refused = stranger.err().expect("another installation cannot start with these keys").to_string();
    assert!(refused.contains("installation.secret"), "{refused}");
    for file in std::fs::read_dir(folder.path().join("db")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(32).any(|window| window == seed), "the private key is readable in the database");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_stop_the_start() {
    let folder = TempFolder::new();
    for (key, value) in [("access_token_seconds", 1), ("lock_minutes", 0), ("no_such_key", 1)] {
        let setup = Setup { settings: Settings::default().with("auth", key, value), ..setup(&folder, 7) };
        let refused = Runtime::start(vec![service()], setup).await.err().expect("it does not start").to_string();
        assert!(refused.contains(key), "{refused}");
    }
}
