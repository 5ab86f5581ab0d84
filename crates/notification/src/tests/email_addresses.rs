//! Verifying and changing an e-mail address.

use super::{mailbox::*, *};
use contracts::auth::{EmailChanged, EmailVerificationRequested, EmailVerified};

impl Person {
    fn verification(self, harness: &Harness, email: &str, present: Option<&str>) -> EmailVerificationRequested {
        let key = platform::master_key::MasterKey::new([7; 32]).key_for(contracts::auth::EMAIL_TOKEN_ENCRYPTION);
        EmailVerificationRequested {
            user_id: self.user_id,
            email: email.into(),
            sealed_token: encryption::encrypt(&key, [9; 24], TOKEN.as_bytes()),
            expires_at: harness.env.now().after(Duration::from_secs(3_600)),
            present_email: present.map(str::to_owned),
        }
    }

    fn changed_email(self, email: &str, previous: &str) -> EmailChanged {
        EmailChanged { user_id: self.user_id, email: email.into(), previous_email: previous.into() }
    }

    async fn verified(self, harness: &Harness) -> (Option<String>, bool) {
        let user = self.user_id;
        let contact = harness.db().read(async move |tx| crate::store::find_contact(tx, user).await).await.unwrap().unwrap();
        (contact.email, contact.email_verified)
    }
}

/// Delivers an event for each type of message.
pub(super) async fn deliver_all(harness: &Harness, person: Person) {
    deliver(harness, person.verification(harness, "new@example.com", Some("mara@example.com"))).await;
    deliver(harness, person.changed_email("new@example.com", "mara@example.com")).await;
}

/// Returns the recipients of the mails of a type, and their texts.
fn mails_of(harness: &Harness, kind: &str) -> Vec<(String, String)> {
    let found = mails(harness).into_iter().filter(|(name, _)| name.contains(kind));
    found
        .map(|(_, mail)| {
            let to = mail.split("\r\n").find_map(|line| line.strip_prefix("To: ")).unwrap().to_owned();
            (to, decoded(&mail))
        })
        .collect()
}

#[tokio::test]
async fn the_token_goes_to_the_new_address_and_the_present_one_is_told() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, EmailVerified { user_id: person.user_id, email: "mara@example.com".into() }).await;
    deliver(&harness, person.preferences(false, true, Some("https://hooks.example"))).await;
    deliver(&harness, person.verification(&harness, "new@example.com", Some("mara@example.com"))).await;
    harness.complete().await;
    let [(to, text)] = &mails_of(&harness, "EMAIL_VERIFICATION")[..] else { panic!("one mail") };
    assert_eq!(to, "new@example.com");
    assert!(text.contains(&format!("Token: {TOKEN}")) && text.contains("POST /api/v1/auth/email/verify"), "{text}");
    assert!(!text.contains("Mara"), "nobody has verified that address: {text}");
    let [(to, text)] = &mails_of(&harness, "EMAIL_CHANGE_REQUESTED")[..] else { panic!("one mail") };
    assert!(to.contains("mara@example.com") && text.contains("Hello Mara,"), "{to} {text}");
    assert!(!text.contains(TOKEN) && !text.contains("new@example.com"), "{text}");
    assert_eq!(person.notifications(&harness).await.len(), 3, "neither a text message nor a webhook, and whatever was chosen");
}

#[tokio::test]
async fn a_change_is_told_to_the_former_address() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.changed_email("new@example.com", "mara@example.com")).await;
    harness.complete().await;
    let [(to, text)] = &mails_of(&harness, "EMAIL_CHANGED")[..] else { panic!("one mail") };
    assert_eq!(to, "mara@example.com");
    assert!(text.contains("has another e-mail address") && !text.contains("new@example.com"), "{text}");
}

#[tokio::test]
async fn a_verified_address_is_known_whichever_service_tells_first() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    assert_eq!(person.verified(&harness).await, (Some("mara@example.com".into()), false));
    let verified = |email: &str| EmailVerified { user_id: person.user_id, email: email.into() };
    deliver(&harness, verified("other@example.com")).await;
    assert!(!person.verified(&harness).await.1);
    deliver(&harness, verified("mara@example.com")).await;
    assert!(person.verified(&harness).await.1);
    // The event of the profile with a new address comes after that of the account that it is verified.
    deliver(&harness, verified("new@example.com")).await;
    let profile = person.profile("new@example.com", None);
    deliver(&harness, UserUpdated { email_verified: true, ..profile }).await;
    assert_eq!(person.verified(&harness).await, (Some("new@example.com".into()), true));
}

#[tokio::test]
async fn with_pages_the_token_stands_in_the_fragment() {
    let harness = builder().setting("has_pages", true).setting("public_url", "https://shop.example").start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.verification(&harness, "mara@example.com", None)).await;
    harness.complete().await;
    let [(_, text)] = &mails_of(&harness, "EMAIL_VERIFICATION")[..] else { panic!("one mail") };
    assert!(text.contains(&format!("https://shop.example/email/verify#token={TOKEN}")), "{text}");
    assert!(mails_of(&harness, "EMAIL_CHANGE_REQUESTED").is_empty());
}
