//! Mails over SMTP, to a test server.

use super::{mailbox::decoded, *};
use contracts::notification::{NotificationFailed, NotificationStatus};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// A mail that the server accepted.
#[derive(Debug, Clone, PartialEq)]
struct AcceptedMail {
    from: String,
    to: String,
    mail: String,
}

#[derive(Default)]
struct Server {
    accepted: Mutex<Vec<AcceptedMail>>,
    connections: AtomicUsize,
    authenticated: AtomicUsize,
    /// The replies to the next recipients; afterwards all are accepted.
    refusals: Mutex<Vec<&'static str>>,
    /// How many of the next mails get no reply.
    silences: AtomicUsize,
}

impl Server {
    async fn start(harness: &Harness, listener: tokio::net::TcpListener) -> Arc<Server> {
        let server = Arc::new(Server::default());
        let (env, accepting) = (harness.env.clone(), server.clone());
        harness.env.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                let serving = accepting.clone();
                env.spawn(async move {
                    let _ = serving.serve(stream).await;
                });
            }
        });
        server
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut lines = BufReader::new(read).lines();
        let (mut from, mut to) = (String::new(), String::new());
        write.write_all(b"220 play ESMTP\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let answer = match line.get(..4).unwrap_or_default() {
                "EHLO" => "250-play\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n".to_owned(),
                "AUTH" => {
                    assert_eq!(line, "AUTH PLAIN AG1lAHNlY3JldA==");
                    self.authenticated.fetch_add(1, Ordering::SeqCst);
                    "235 welcome\r\n".to_owned()
                }
                "MAIL" => {
                    from = line;
                    "250 ok\r\n".to_owned()
                }
                "RCPT" => {
                    to = line;
                    let refusal = self.refusals.lock().unwrap().pop();
                    format!("{}\r\n", refusal.unwrap_or("250 ok"))
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                        mail.push_str("\r\n");
                    }
                    if self.silences.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                        std::future::pending::<()>().await;
                    }
                    self.accepted.lock().unwrap().push(AcceptedMail { from: from.clone(), to: to.clone(), mail });
                    "250 accepted\r\n".to_owned()
                }
                "QUIT" => {
                    write.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "250 ok\r\n".to_owned(),
            };
            write.write_all(answer.as_bytes()).await?;
        }
        Ok(())
    }

    fn accepted(&self) -> Vec<AcceptedMail> {
        self.accepted.lock().unwrap().clone()
    }
}

async fn with_server() -> (Harness, Arc<Server>) {
    with_server_that_takes(1).await
}

/// A server for a service that waits so many seconds for a mail to be sent.
async fn with_server_that_takes(seconds: i64) -> (Harness, Arc<Server>) {
    let (listener, port) = listener().await;
    let builder = builder().setting("smtp_url", format!("smtp://127.0.0.1:{port}")).setting("send_seconds", seconds);
    let harness = builder.setting("smtp_connections", 2_i64).start().await;
    let server = Server::start(&harness, listener).await;
    (harness, server)
}

#[tokio::test]
async fn a_mail_goes_to_the_mail_server() {
    let (harness, server) = with_server().await;
    let person = Person::registered(&harness).await;
    assert_eq!(person.notification_lines(&harness).await, ["REGISTERED EMAIL SENT"]);
    let accepted = server.accepted();
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].from, "MAIL FROM:<no-reply@souk.example>");
    assert_eq!(accepted[0].to, "RCPT TO:<mara@example.com>");
    assert!(decoded(&accepted[0].mail).contains("Your account is ready."));
    assert!(!harness.data_dir().join("mailbox").exists());
}

#[tokio::test]
async fn connections_are_limited_and_reused() {
    // All mails wait for two connections.
    let (harness, server) = with_server_that_takes(30).await;
    let person = Person::registered(&harness).await;
    for _ in 0..50 {
        deliver(&harness, person.shipped()).await;
    }
    harness.complete().await;
    assert_eq!(server.accepted().len(), 51);
    assert!(server.connections.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_refused_mail_is_repeated_with_the_same_message_id_up_to_the_limit() {
    let (harness, server) = with_server().await;
    *server.refusals.lock().unwrap() = vec!["451 come back later"; 2];
    let person = Person::registered(&harness).await;
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Pending, 1));
    assert!(notifications[0].last_error.as_deref().unwrap().contains("come back later"), "{:?}", notifications[0].last_error);
    for (pause, attempts) in [(10, 1), (10, 2), (40, 2), (40, 3)] {
        harness.advance(Duration::from_secs(pause));
        harness.complete().await;
        assert_eq!(person.notifications(&harness).await[0].attempts, attempts, "pauses grow");
    }
    assert_eq!(person.notifications(&harness).await[0].status, NotificationStatus::Sent);
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn a_final_refusal_of_a_recipient_ends_the_attempts() {
    let (harness, server) = with_server().await;
    let person = Person::registered(&harness).await;
    let accepted = server.accepted().len();
    for (reply, is_final) in [
        ("550 5.1.1 <nobody@example.com>: nobody of that name", true),
        ("551-user not local\r\n551 try elsewhere", true),
        ("553 name not allowed", true),
        ("554 no such", true),
        ("552 mailbox full", false),
        ("530 log in first", false),
        ("450 busy", false),
    ] {
        *server.refusals.lock().unwrap() = vec![reply];
        deliver(&harness, person.shipped()).await;
        harness.complete().await;
        let notification = person.notifications(&harness).await.remove(0);
        let expected = if is_final { NotificationStatus::Failed } else { NotificationStatus::Pending };
        assert_eq!((notification.status, notification.attempts), (expected, 1), "{reply}");
        assert!(notification.last_error.as_deref().unwrap().contains("did not take the recipient"), "{:?}", notification.last_error);
        // What is not final is accepted the next time.
        harness.advance(LONG);
        harness.complete().await;
    }
    assert_eq!(server.accepted().len(), accepted + 3);
    let failed = harness.emitted_of::<NotificationFailed>().await;
    assert_eq!(failed.len(), 4);
    assert!(failed[0].error.contains("<…>: nobody of that name"), "no address is in an event: {}", failed[0].error);
}

#[tokio::test]
async fn a_reply_that_never_comes_does_not_disturb_the_next_mail() {
    let (harness, server) = with_server().await;
    let person = Person::registered(&harness).await;
    server.silences.store(1, Ordering::SeqCst);
    deliver(&harness, person.shipped()).await;
    harness.settle().await;
    wait_until(async || server.silences.load(Ordering::SeqCst) == 0).await;
    harness.advance(Duration::from_secs(1));
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(
        (notifications[0].status, notifications[0].last_error.as_deref()),
        (NotificationStatus::Pending, Some("it took longer than 1 seconds"))
    );
    // The missing reply is not read as the reply to the next mail.
    *server.refusals.lock().unwrap() = vec!["451 later"];
    deliver(&harness, person.delivered()).await;
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await[0].status, NotificationStatus::Pending);
    harness.advance(LONG);
    harness.complete().await;
    assert!(person.notifications(&harness).await.iter().all(|notification| notification.status == NotificationStatus::Sent));
    assert_eq!(server.accepted().len(), 3);
}

#[tokio::test]
async fn an_unreachable_server_is_tried_again() {
    let (listener, port) = listener().await;
    drop(listener);
    let harness = builder().setting("smtp_url", format!("smtp://127.0.0.1:{port}")).start().await;
    let person = Person::registered(&harness).await;
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Pending, 1));
    assert!(
        notifications[0].last_error.as_deref().unwrap().starts_with("the mail server cannot be reached"),
        "{:?}",
        notifications[0].last_error
    );
}

#[tokio::test]
async fn a_password_authenticates_at_the_server() {
    let (listener, port) = listener().await;
    let harness = builder().setting("smtp_url", format!("smtp://me:secret@127.0.0.1:{port}")).start().await;
    let server = Server::start(&harness, listener).await;
    let person = Person::registered(&harness).await;
    assert_eq!(person.notification_lines(&harness).await, ["REGISTERED EMAIL SENT"]);
    assert_eq!(server.authenticated.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn required_tls_is_never_replaced_by_plain_text() {
    let (listener, port) = listener().await;
    let harness = builder().setting("smtp_url", format!("smtp://me:secret@127.0.0.1:{port}?tls=required")).start().await;
    let server = Server::start(&harness, listener).await;
    let person = Person::registered(&harness).await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(notifications[0].status, NotificationStatus::Pending);
    assert!(notifications[0].last_error.as_deref().unwrap().contains("STARTTLS"), "{:?}", notifications[0].last_error);
    assert_eq!((server.accepted().len(), server.authenticated.load(Ordering::SeqCst)), (0, 0));
}
