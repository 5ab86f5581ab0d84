//! Webhooks, to a test receiver.

use super::*;
use crate::domain::UNREACHABLE;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::notification::{DeliveryAttempt, NotificationStatus, WebhookSecret};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Received {
    line: String,
    headers: HashMap<String, String>,
    body: String,
}

#[derive(Default)]
struct Receiver {
    received: Mutex<Vec<Received>>,
    /// The answers to the next requests; afterwards all succeed. An empty one is never sent.
    answers: Mutex<Vec<String>>,
}

impl Receiver {
    fn start(harness: &Harness, listener: TcpListener) -> Arc<Receiver> {
        let receiver = Arc::new(Receiver::default());
        let (env, accepting) = (harness.env.clone(), receiver.clone());
        harness.env.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = accepting.clone();
                env.spawn(async move {
                    let _ = serving.serve(stream).await;
                });
            }
        });
        receiver
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read);
        loop {
            let mut line = String::new();
            if read.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let mut headers = HashMap::new();
            loop {
                let mut header = String::new();
                read.read_line(&mut header).await?;
                let Some((name, value)) = header.trim_end().split_once(": ") else { break };
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            read.read_exact(&mut body).await?;
            self.received.lock().unwrap().push(Received { line, headers, body: String::from_utf8(body).unwrap() });
            let answer = self.answers.lock().unwrap().pop().unwrap_or_else(|| "HTTP/1.1 204 No Content\r\n\r\n".into());
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
            write.write_all(answer.as_bytes()).await?;
        }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn answers(&self, answer: &str, times: usize) {
        *self.answers.lock().unwrap() = vec![answer.to_owned(); times];
    }
}

/// A user with webhooks only, and the receiver.
async fn with_receiver() -> (Harness, Arc<Receiver>, Person) {
    let (listener, port) = listener().await;
    let harness = builder().setting("allow_private_webhooks", true).setting("webhook_seconds", 1_i64).start().await;
    let receiver = Receiver::start(&harness, listener);
    let person = Person::registered(&harness).await;
    deliver(&harness, person.preferences(false, false, Some(&format!("http://localhost:{port}/hook?shop=1")))).await;
    (harness, receiver, person)
}

/// Returns whether the signature is valid by `secret`.
fn has_valid_signature(received: &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.{}", received.headers["webhook-id"], received.headers["webhook-timestamp"], received.body).as_bytes());
    received.headers["webhook-signature"] == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn secret_of(harness: &Harness, user: UserId) -> String {
    let answer = harness.get("/notifications/webhook-secret").customer(user).send().await.expect(200);
    answer.read::<WebhookSecret>().secret.reveal().to_owned()
}

async fn attempts(harness: &Harness, notification: &Notification) -> Vec<DeliveryAttempt> {
    let path = format!("/admin/notifications/{}/attempts", notification.notification_id);
    harness.get(&path).admin().send().await.expect(200).read::<Page<DeliveryAttempt>>().items
}

#[tokio::test]
async fn a_webhook_is_signed_with_its_users_secret() {
    let (harness, receiver, person) = with_receiver().await;
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Sent, 1), "{:?}", notifications[0].last_error);
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].line, "POST /hook?shop=1 HTTP/1.1\r\n");
    assert_eq!(received[0].headers["content-type"], "application/json");
    assert_eq!(received[0].headers["webhook-id"], notifications[0].notification_id.to_string());
    assert_eq!(received[0].headers["webhook-timestamp"], harness.env.now().unix_seconds().to_string());
    assert!(has_valid_signature(&received[0], &secret_of(&harness, person.user_id).await));
    assert!(!has_valid_signature(&received[0], &secret_of(&harness, harness.id()).await));
    let body: Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(
        body,
        json!({"type": "SHIPPED", "timestamp": "2026-01-01T00:00:00.003000Z", "data": {
            "orderId": person.order_id, "orderNumber": "SK-7", "carrier": "MOCK", "trackingNumber": "T-1",
            "shipmentId": notifications[0].payload["shipmentId"], "items": [], "isPart": false,
        }})
    );
}

#[tokio::test]
async fn a_repetition_has_the_same_id_and_a_new_signature() {
    let (harness, receiver, person) = with_receiver().await;
    receiver.answers("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", 1);
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await[0].last_error.as_deref(), Some("the receiver answered 500"));
    harness.advance(LONG);
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await[0], "SHIPPED WEBHOOK SENT");
    let received = receiver.received();
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"]);
    assert_ne!(received[0].headers["webhook-timestamp"], received[1].headers["webhook-timestamp"]);
    let secret = secret_of(&harness, person.user_id).await;
    assert!(received.iter().all(|received| has_valid_signature(received, &secret)));
}

#[tokio::test]
async fn redirects_are_not_followed_and_410_ends_the_attempts() {
    let (harness, receiver, person) = with_receiver().await;
    receiver.answers("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n", 1);
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(notifications[0].status, NotificationStatus::Pending);
    assert_eq!(notifications[0].last_error.as_deref(), Some("the receiver answered 302: redirects are not followed"));
    assert_eq!(receiver.received().len(), 1);

    receiver.answers("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", 1);
    harness.advance(LONG);
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await[0].status, NotificationStatus::Failed);
}

#[tokio::test]
async fn an_endless_response_is_cut_off_and_a_missing_one_times_out() {
    let (harness, receiver, person) = with_receiver().await;
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n{}", "x".repeat(100_000));
    receiver.answers(&endless, 1);
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await[0], "SHIPPED WEBHOOK SENT");

    receiver.answers("", 1);
    deliver(&harness, person.delivered()).await;
    harness.settle().await;
    wait_until(async || receiver.received().len() == 2).await;
    harness.advance(Duration::from_secs(1));
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(notifications[0].last_error.as_deref(), Some(UNREACHABLE));
    assert_eq!(attempts(&harness, &notifications[0]).await[0].detail, "the receiver did not answer within 1 seconds");
}

#[tokio::test]
async fn a_slow_receiver_delays_no_other() {
    let (listener, port) = listener().await;
    let (silent, silent_port) = super::listener().await;
    let harness = builder().setting("allow_private_webhooks", true).setting("webhook_seconds", 3_i64).start().await;
    let receiver = Receiver::start(&harness, listener);
    let (slow, quick) = (Person::registered(&harness).await, Person::registered(&harness).await);
    deliver(&harness, slow.preferences(false, false, Some(&format!("http://127.0.0.1:{silent_port}/")))).await;
    deliver(&harness, quick.preferences(false, false, Some(&format!("http://127.0.0.1:{port}/")))).await;
    deliver(&harness, slow.shipped()).await;
    harness.settle().await;
    // The slow attempt is running.
    let _connection = silent.accept().await.unwrap();
    deliver(&harness, quick.shipped()).await;
    quick.wait_until_newest_is(&harness, "SHIPPED WEBHOOK SENT").await;
    assert_eq!(receiver.received().len(), 1);
    let pending = slow.notifications(&harness).await.remove(0);
    assert_eq!((pending.status, pending.attempts), (NotificationStatus::Pending, 0));
    harness.advance(Duration::from_secs(3));
    harness.complete().await;
    assert_eq!(slow.notifications(&harness).await[0].attempts, 1);
}

#[tokio::test]
async fn a_user_cannot_tell_a_private_address_from_one_that_is_not_reached() {
    let (listener, port) = listener().await;
    drop(listener);
    let (open, closed) = (builder().setting("allow_private_webhooks", true).start().await, start().await);
    let mut seen = Vec::new();
    for harness in [&open, &closed] {
        let person = Person::registered(harness).await;
        deliver(harness, person.preferences(false, false, Some(&format!("http://127.0.0.1:{port}/")))).await;
        deliver(harness, person.shipped()).await;
        for _ in 0..8 {
            harness.complete().await;
            let shown = person.notifications(harness).await.remove(0);
            seen.push((shown.status, shown.attempts, shown.last_error));
            harness.advance(LONG);
        }
        let failed = harness.emitted_of::<contracts::notification::NotificationFailed>().await;
        assert_eq!((failed.len(), failed[0].error.as_str()), (1, UNREACHABLE));
    }
    assert_eq!(seen[..8], seen[8..]);
}

#[tokio::test]
async fn an_address_that_answers_410_is_not_used_again_until_another_is_saved() {
    let (listener, port) = listener().await;
    let harness = builder().setting("allow_private_webhooks", true).start().await;
    let receiver = Receiver::start(&harness, listener);
    let person = Person::registered(&harness).await;
    let url = format!("http://localhost:{port}/");
    deliver(&harness, person.preferences(true, false, Some(&url))).await;
    receiver.answers("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", 1);
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    assert_eq!(receiver.received().len(), 1);
    deliver(&harness, person.delivered()).await;
    harness.complete().await;
    // Another preference changes; the address stays.
    deliver(&harness, person.preferences(false, false, Some(&url))).await;
    deliver(&harness, person.refunded()).await;
    harness.complete().await;
    assert_eq!(receiver.received().len(), 1, "{:?}", person.notification_lines(&harness).await);

    deliver(&harness, person.preferences(false, false, None)).await;
    deliver(&harness, person.preferences(false, false, Some(&url))).await;
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(person.notification_lines(&harness).await[0], "SHIPPED WEBHOOK SENT");
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_gets_it_within_a_bound() {
    let date = |harness: &Harness, after: u64| {
        let at = std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(harness.env.now().unix_seconds()).unwrap() + after);
        httpdate::fmt_http_date(at)
    };
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let (harness, receiver, person) = with_receiver().await;
        for (wanted, pause) in [("600", 600), ("a date", 1_000), ("99999999999999999999", 3_600)] {
            let wanted = if wanted == "a date" { date(&harness, 1_200) } else { wanted.to_owned() };
            let before = receiver.received().len();
            receiver.answers(&format!("HTTP/1.1 {status}\r\nretry-after: {wanted}\r\ncontent-length: 0\r\n\r\n"), 1);
            deliver(&harness, person.shipped()).await;
            harness.complete().await;
            assert_eq!(receiver.received().len(), before + 1);
            // A message that comes meanwhile waits too.
            deliver(&harness, person.delivered()).await;
            harness.advance(Duration::from_secs(pause - 60));
            harness.complete().await;
            assert_eq!(receiver.received().len(), before + 1, "{status} {wanted}");
            harness.advance(LONG);
            harness.complete().await;
            assert_eq!(receiver.received().len(), before + 3, "{status} {wanted}");
        }
    }
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_notation() {
    let (listener, port) = listener().await;
    let harness = start().await;
    let receiver = Receiver::start(&harness, listener);
    for host in
        ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0.0.0.0", "10.0.0.1", "169.254.169.254"]
    {
        let person = Person::registered(&harness).await;
        deliver(&harness, person.preferences(false, false, Some(&format!("http://{host}:{port}/")))).await;
        deliver(&harness, person.shipped()).await;
        harness.complete().await;
        let notifications = person.notifications(&harness).await;
        assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Pending, 1), "{host}");
        assert_eq!(notifications[0].last_error.as_deref(), Some(UNREACHABLE), "{host}");
        assert!(attempts(&harness, &notifications[0]).await[0].detail.contains("not a public one"), "{host}");
    }
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn a_webhook_goes_to_the_current_address() {
    let (harness, receiver, person) = with_receiver().await;
    receiver.answers("HTTP/1.1 503 Later\r\ncontent-length: 0\r\n\r\n", 1);
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    deliver(&harness, person.preferences(false, false, None)).await;
    harness.advance(LONG);
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(
        (notifications[0].status, notifications[0].last_error.as_deref()),
        (NotificationStatus::Failed, Some("the webhook's address was removed"))
    );
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_password_reset_is_never_posted() {
    let (harness, receiver, person) = with_receiver().await;
    deliver(&harness, person.reset(&harness)).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await[0], "PASSWORD_RESET EMAIL SENT");
    assert_eq!(receiver.received().len(), 0);
}
