//! An e-mail address is verified by the token of a mail, and changed by one.

use super::server::{PASSWORD, Person, Server};
use contracts::{
    auth::{CHANGE_EMAIL, ChangeEmail, LOGIN, Login, RESEND_VERIFICATION, ResendVerification, VERIFY_EMAIL, VerifyEmail},
    secret::Secret,
    text::{Email, KnownEmail},
    user::GET_PROFILE,
};
use souk::api_client::{ApiRequest, request};
use std::{fs, time::Duration};
use tokio::time::Instant;

/// Waits for as many mails of a type as `count` to an address, and returns their texts, the oldest first.
pub async fn mails(server: &Server, kind: &str, to: &str, count: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mut names: Vec<_> = fs::read_dir(server.folder.path().join("mailbox"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "eml") && path.to_string_lossy().contains(kind))
            .collect();
        names.sort();
        let texts = names.iter().map(|path| fs::read_to_string(path).unwrap());
        let found: Vec<_> = texts.filter(|mail| mail.contains(&format!("To: {to}\r\n")) || mail.contains(&format!("<{to}>"))).collect();
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{} of {count} mails {kind} to {to}", found.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn token_of(mail: &str) -> Secret {
    let line = mail.lines().find_map(|line| line.trim().strip_prefix("Token: ")).expect("the mail has a token");
    Secret::parse(line.trim()).unwrap()
}

pub fn verifying(mail: &str) -> ApiRequest<VerifyEmail, ()> {
    request(&VERIFY_EMAIL).body(&VerifyEmail { token: token_of(mail) })
}

fn changing(new: &str, password: &str) -> ApiRequest<ChangeEmail, ()> {
    let body = ChangeEmail { new_email: Email::parse(new).unwrap(), current_password: Secret::parse(password).unwrap() };
    request(&CHANGE_EMAIL).body(&body)
}

async fn can_log_in(server: &Server, email: &str) -> bool {
    let body = Login { email: KnownEmail::parse(email).unwrap(), password: Secret::parse(PASSWORD).unwrap() };
    server.guest().send(request(&LOGIN).body(&body)).await.status == 200
}

async fn until_profile(person: &Person, email: &str, verified: bool) {
    let what = format!("{email}, verified {verified}");
    person.until(request(&GET_PROFILE), &what, |profile| profile.email == email && profile.email_verified == verified).await;
}

#[tokio::test]
async fn an_address_is_verified_and_changed_by_the_tokens_of_mails() {
    let mut server = Server::start().await;
    let mara = server.customer("mara").await;
    until_profile(&mara, "mara@example.com", false).await;
    assert!(can_log_in(&server, "mara@example.com").await, "before the address is verified");
    let first = mails(&server, "EMAIL_VERIFICATION", "mara@example.com", 1).await.remove(0);
    mara.must(request(&RESEND_VERIFICATION)).await;
    let email = KnownEmail::parse("nobody@example.com").unwrap();
    server.guest().must(request(&RESEND_VERIFICATION).body(&ResendVerification { email: Some(email) })).await;
    let second = mails(&server, "EMAIL_VERIFICATION", "mara@example.com", 2).await.remove(1);
    assert!(token_of(&first).reveal().len() > 40 && token_of(&first) != token_of(&second));
    server.guest().must(verifying(&second)).await;
    until_profile(&mara, "mara@example.com", true).await;
    for mail in [&first, &second] {
        assert_eq!(server.guest().send(verifying(mail)).await.problem(), (422, "INVALID_VERIFICATION_TOKEN".to_owned()));
    }

    assert_eq!(mara.send(changing("new@example.com", "not her password")).await.problem(), (422, "WRONG_PASSWORD".to_owned()));
    server.customer("taken").await;
    assert_eq!(mara.send(changing("taken@example.com", PASSWORD)).await.problem(), (409, "EMAIL_TAKEN".to_owned()));
    assert_eq!(mara.send(changing("new@example.com", PASSWORD)).await.status, 202);
    mails(&server, "EMAIL_CHANGE_REQUESTED", "mara@example.com", 1).await;
    let mail = mails(&server, "EMAIL_VERIFICATION", "new@example.com", 1).await.remove(0);
    assert!(!can_log_in(&server, "new@example.com").await);
    // The request outlives a power cut.
    server.kill_and_restart().await;
    let mara = mara.at(&server);
    server.guest().must(verifying(&mail)).await;
    until_profile(&mara, "new@example.com", true).await;
    mails(&server, "EMAIL_CHANGED", "mara@example.com", 1).await;
    assert!(can_log_in(&server, "new@example.com").await && !can_log_in(&server, "mara@example.com").await);

    // An address that another account takes before it is verified stays with that account.
    assert_eq!(mara.send(changing("late@example.com", PASSWORD)).await.status, 202);
    let mail = mails(&server, "EMAIL_VERIFICATION", "late@example.com", 1).await.remove(0);
    server.customer("late").await;
    assert_eq!(server.guest().send(verifying(&mail)).await.problem(), (409, "EMAIL_TAKEN".to_owned()));
    until_profile(&mara, "new@example.com", true).await;
    server.stop_and_check().await;
}
