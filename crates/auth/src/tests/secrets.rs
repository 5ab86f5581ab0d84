use super::*;
use platform::{encryption, master_key::MasterKey};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::format::FmtSpan;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Uses everything that handles secrets, and looks for them in every place where something is stored.
#[tokio::test]
async fn no_password_and_no_token_is_in_a_log_an_event_or_the_database() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: the logs of concurrent tests are searched as well.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mut secrets = vec![PASSWORD.to_owned(), WRONG.to_owned()];
    let mut note = |tokens: &Tokens| {
        secrets.push(tokens.access_token.reveal().to_owned());
        secrets.push(tokens.refresh_token.reveal().to_owned());
    };
    note(&admin);
    let registered = auth.register("mara").await;
    note(&registered);
    let logged_in = auth.login("mara").await;
    note(&logged_in);
    let refreshed = auth.refresh(&logged_in).await;
    note(&refreshed);
    auth.advance(MINUTE);
    auth.refresh_is_refused(&logged_in).await;
    auth.try_login("mara", WRONG).await.expect(401);
    auth.change_password(&registered, WRONG, "changed password 1").await.expect(422);
    auth.change_password(&registered, PASSWORD, "changed password 1").await.expect(204);
    secrets.push("changed password 1".into());
    auth.post("/auth/password/forgot", &json!({"email": email("mara")})).send().await.expect(202);
    auth.settle().await;
    let sealed = auth.emitted_of::<contracts::auth::PasswordResetRequested>().await[0].sealed_token.clone();
    let token = encryption::decrypt(&MasterKey::new([7; 32]).key_for(contracts::auth::RESET_TOKEN_ENCRYPTION), &sealed).unwrap();
    let token = String::from_utf8(token).unwrap();
    let body = json!({"token": token, "newPassword": "changed password 2"});
    auth.post("/auth/password/reset", &body).send().await.expect(204);
    secrets.extend([token, "changed password 2".into()]);
    let client = operator::create_client(auth.db(), "carrier", &["a"]).await.unwrap();
    let form = format!("grant_type=client_credentials&client_id=carrier&client_secret={}", client.reveal());
    let ask = auth.request(axum::http::Method::POST, "/auth/token").raw("application/x-www-form-urlencoded", form);
    secrets.push(ask.send().await.expect(200).json()["access_token"].as_str().unwrap().to_owned());
    secrets.push(client.reveal().to_owned());

    let mut places = vec![("the log".to_owned(), log.0.lock().unwrap().clone())];
    assert!(places[0].1.len() > 1_000, "the log was caught");
    let mut found_mara = false;
    for (place, bytes) in auth.stored().await {
        found_mara |= holds(&bytes, "mara@example.com");
        places.push((place, bytes));
    }
    assert!(found_mara, "what is looked through is the database");
    for (place, bytes) in &places {
        for secret in &secrets {
            assert!(!holds(bytes, secret), "{secret} is in {place}");
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
