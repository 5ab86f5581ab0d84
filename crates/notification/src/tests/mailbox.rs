//! The mailbox folder.

use super::*;
use contracts::notification::NotificationStatus;
use serde_json::json;
use std::{
    fs,
    io::Write,
    sync::{Arc, Mutex},
};

/// Returns the mails in the folder, in the order of their names.
pub(super) fn mails(harness: &Harness) -> Vec<(String, String)> {
    let mut found: Vec<_> = fs::read_dir(harness.data_dir().join("mailbox"))
        .map(|entries| {
            let read = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
            entries.map(|entry| read(entry.unwrap())).collect()
        })
        .unwrap_or_default();
    found.sort();
    found
}

/// Decodes the parts of a mail. Their boundary is an id, which begins with a zero.
pub(super) fn decoded(mail: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut text = String::new();
    for part in mail.split("\r\n--0") {
        let (head, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
        text.push_str(head);
        let head = head.to_ascii_lowercase();
        if head.contains("quoted-printable") {
            text.push_str(&from_quoted_printable(body));
        } else if head.contains("base64") {
            let email: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            text.push_str(&String::from_utf8(STANDARD.decode(email).unwrap()).unwrap());
        } else {
            text.push_str(body);
        }
    }
    text
}

/// Returns the decoded mails in the folder.
pub(super) fn decoded_mails(harness: &Harness) -> Vec<String> {
    mails(harness).iter().map(|(_, mail)| decoded(mail)).collect()
}

fn from_quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_mail_is_a_readable_file() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let reset = PasswordChanged { user_id: person.user_id, email: "mara@example.com".into(), by_reset: true };
    deliver(&harness, reset).await;
    harness.complete().await;
    harness.advance(Duration::from_secs(61));
    deliver(&harness, person.created()).await;
    harness.complete().await;
    let mails = mails(&harness);
    assert_eq!(mails.len(), 3);
    let (name, mail) = &mails[2];
    assert!(name.starts_with("20260101T000101.003000Z-ORDER_CREATED-mara@example.com-") && name.ends_with(".eml"), "{name}");
    let id = person.notifications(&harness).await[0].notification_id;
    for header in [
        "From: Souk <no-reply@souk.example>\r\n",
        "To: Mara <mara@example.com>\r\n",
        "Subject: We received your order SK-7\r\n",
        "Date: Thu, 01 Jan 2026 00:01:01 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "MIME-Version: 1.0\r\n",
        &format!("Message-ID: <{id}.0@souk.example>\r\n"),
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
    ] {
        assert!(mail.contains(header), "{header} in {mail}");
    }
    assert!(mail.find("text/plain") < mail.find("text/html"), "the best form comes last");
    let text = decoded(mail);
    for shown in ["Hello Mara,", "29.90 EUR", "Invalidenstraße 1, 10115 Berlin, DE", &format!("GET /api/v1/orders/{}", person.order_id)] {
        assert!(text.matches(shown).count() >= 2, "{shown} in both forms of {text}");
    }
}

#[tokio::test]
async fn text_of_users_makes_no_header_and_no_markup() {
    let harness = builder().setting("from", "Böse & Söhne <shop@example.com>").start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.registration("mara@example.com", "Mara\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>")).await;
    let mut order = person.created();
    order.order_number = "SK\r\nX-Evil: yes".into();
    order.items[0].title_snapshot = "<img src=x onerror=alert(1)>".into();
    deliver(&harness, order).await;
    harness.complete().await;
    for (_, mail) in mails(&harness) {
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let names: Vec<_> =
            head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split_once(':')).collect();
        assert!(names.iter().all(|(name, _)| !["bcc", "x-evil"].contains(&name.to_ascii_lowercase().as_str())), "{head}");
        assert_eq!(names.iter().filter(|(name, _)| *name == "To").count(), 1, "{head}");
        let text = decoded(&mail);
        let page = &text[text.find("<!DOCTYPE").unwrap()..];
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    }
}

#[tokio::test]
async fn a_file_name_stays_inside_the_folder() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.registration("../../../../tmp/x@example.com", "Mara")).await;
    harness.complete().await;
    let names: Vec<_> = mails(&harness).into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().all(|name| !name.contains('/')), "{names:?}");
    assert_eq!(fs::read_dir(harness.data_dir()).unwrap().filter(|entry| entry.as_ref().unwrap().path().extension().is_some()).count(), 0);
}

#[tokio::test]
async fn an_invalid_address_fails_at_once() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.registration("not an address", "Mara")).await;
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Failed, 1));
    assert_eq!(mails(&harness).len(), 0);
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_token_of_a_reset_is_only_in_its_mail() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // For every thread: the logs of other tests must not contain the token either.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let harness = start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.reset(&harness)).await;
    harness.complete().await;
    let (_, mail) = mails(&harness).into_iter().find(|(name, _)| name.contains("PASSWORD_RESET")).unwrap();
    assert_eq!(decoded(&mail).matches(&format!("Token: {TOKEN}")).count(), 2);
    assert!(!decoded(&mail).contains("http"));

    let notifications = person.notifications(&harness).await;
    assert_eq!(notifications[0].payload, json!({"expiresAt": "2026-01-01T01:00:00.001000Z"}));
    let own = harness.get("/notifications").customer(person.user_id).send().await.expect(200).body;
    let all = harness.get("/admin/notifications").admin().send().await.expect(200).body;
    let id = notifications[0].notification_id;
    let attempts = harness.get(&format!("/admin/notifications/{id}/attempts")).admin().send().await.expect(200).body;
    let emitted: Vec<_> = harness.emitted().await.iter().map(|event| event.payload.get().to_owned()).collect();
    let logged = log.0.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&logged).contains("mail written"), "{}", String::from_utf8_lossy(&logged));
    let sealed = person.reset(&harness).sealed_token;
    for place in [own, all, attempts, emitted.join("\n").into_bytes(), logged] {
        let text = String::from_utf8_lossy(&place);
        assert!(!text.contains(TOKEN), "{text}");
        assert!(!text.contains(&sealed), "{text}");
    }
    for (place, bytes) in harness.stored().await {
        assert!(!bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "{place}");
    }
}

#[tokio::test]
async fn an_expired_reset_or_one_with_another_key_is_not_sent() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let late = person.reset(&harness);
    harness.advance(Duration::from_secs(3_600));
    deliver(&harness, late).await;
    let mut forged = person.reset(&harness);
    forged.sealed_token = encryption::encrypt(&[1; 32], [9; 24], b"forged");
    deliver(&harness, forged).await;
    harness.complete().await;
    let notifications: Vec<_> =
        person.notifications(&harness).await.into_iter().take(2).map(|n| (n.status, n.attempts, n.last_error.unwrap())).collect();
    assert!(notifications.contains(&(NotificationStatus::Failed, 1, "the token has expired".into())), "{notifications:?}");
    assert!(notifications.contains(&(NotificationStatus::Failed, 1, "the token cannot be decrypted".into())), "{notifications:?}");
    assert_eq!(mails(&harness).len(), 1, "only the welcome");
}

#[tokio::test]
async fn a_failed_write_to_the_mailbox_is_repeated() {
    let harness = start().await;
    let blocked = harness.data_dir().join("mailbox");
    fs::write(&blocked, "a file where the folder should be").unwrap();
    let person = Person::registered(&harness).await;
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Pending, 1));
    assert!(notifications[0].last_error.as_deref().unwrap().starts_with("the mailbox cannot be written"));
    fs::remove_file(&blocked).unwrap();
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await[0].attempts, 1, "not before its pause is over");
    harness.advance(Duration::from_secs(20));
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(
        (notifications[0].status, notifications[0].attempts, notifications[0].last_error.as_deref()),
        (NotificationStatus::Sent, 2, None)
    );
}

#[tokio::test]
async fn a_mail_written_again_after_a_crash_exists_once() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let before = mails(&harness);
    let id = person.notifications(&harness).await[0].notification_id;
    // The state after a crash between sending and recording.
    let due = harness.env.now();
    harness
        .db()
        .write(async move |tx| {
            tx.execute(
                "UPDATE notifications SET status = 'PENDING', attempts = 0, tries = 0, due_at = $2 WHERE notification_id = $1",
                platform::params![id, due],
            )
            .await?;
            tx.execute("DELETE FROM notification_attempts WHERE notification_id = $1", platform::params![id]).await
        })
        .await
        .unwrap();
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await[0].status, NotificationStatus::Sent);
    assert_eq!(mails(&harness), before, "the same mail under the same name, with the same Message-ID");

    // A resend by a person is another mail.
    harness.post(&format!("/admin/notifications/{id}/resend"), &json!({})).admin().send().await.expect(200);
    harness.complete().await;
    let after = mails(&harness);
    assert_eq!(after.len(), 2);
    assert!(after.iter().any(|(name, mail)| name.contains("-again1") && mail.contains(&format!("<{id}.1@souk.example>"))));
}

#[tokio::test]
async fn hundreds_of_mails_are_each_sent_once() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    for _ in 0..400 {
        deliver(&harness, person.shipped()).await;
    }
    harness.complete().await;
    assert_eq!(mails(&harness).len(), 401);
    let counts: Vec<(NotificationStatus, i64, i64)> = harness
        .db()
        .read(async |tx| {
            tx.query("SELECT status, COUNT(*), MAX(attempts) FROM notifications GROUP BY status", &[], |row| {
                Ok::<_, platform::db::Error>((row.next()?, row.next()?, row.next()?))
            })
            .await
        })
        .await
        .unwrap();
    assert_eq!(counts, [(NotificationStatus::Sent, 401, 1)]);
}
