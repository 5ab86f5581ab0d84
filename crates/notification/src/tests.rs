//! The service through its entry points.

mod consuming;
mod delivering;
mod email_addresses;
mod endpoints;
mod erasing;
mod mail_server;
mod mailbox;
mod parcels;
mod reminding;
mod selling;
mod webhooks;

use crate::message::tests::address;
use contracts::{
    auth::{PasswordChanged, PasswordResetRequested, Role, UserRegistered},
    event::{Envelope, Event},
    ids::{CartId, OrderId, OrderItemId, PaymentId, ProductId, ReservationId, ShipmentId, UserId, Uuid},
    money::Currency,
    notification::Notification,
    order::{
        CancelReason, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderItem, OrderParcelReturned, OrderPaymentFailed,
        OrderShipped,
    },
    page::Page,
    payment::{PaymentMethod, PaymentRefunded},
    problem::Code,
    returns::{ReturnApproved, ReturnRefunded, ReturnRejected},
    review::{AnswerAuthor, ReviewAnswered, ReviewPublished},
    shipping::Carrier,
    time::Timestamp,
    user::{PreferencesChanged, UserUpdated},
};
use platform::{
    encryption,
    testing::{Harness, HarnessBuilder},
};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The service of a shop without pages.
fn builder() -> HarnessBuilder {
    Harness::of(crate::service()).setting("has_pages", false)
}

/// The service with another provider of text messages.
fn service_with_sms(sms: std::sync::Arc<dyn crate::SmsProvider>) -> platform::service::Service {
    crate::service_with(|ctx, settings| Ok(crate::Senders { sms, ..crate::Senders::from_settings(ctx, settings)? }))
}

async fn start() -> Harness {
    builder().start().await
}

/// The token of a password reset.
const TOKEN: &str = "reset-token-that-nobody-may-see";

/// Returns another id each time: a parcel has one message of each type.
fn next_shipment() -> ShipmentId {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    ShipmentId(Uuid::from_u128(COUNT.fetch_add(1, Ordering::Relaxed).into()))
}

/// A user, an order, and their events.
#[derive(Clone, Copy)]
struct Person {
    user_id: UserId,
    order_id: OrderId,
}

impl Person {
    fn new(harness: &Harness) -> Person {
        Person { user_id: harness.id(), order_id: harness.id() }
    }

    /// A user whose registration was consumed and whose welcome was sent.
    async fn registered(harness: &Harness) -> Person {
        let person = Person::new(harness);
        deliver(harness, person.registration("mara@example.com", "Mara")).await;
        harness.complete().await;
        person
    }

    fn registration(self, email: &str, name: &str) -> UserRegistered {
        UserRegistered { user_id: self.user_id, email: email.into(), name: name.into(), roles: vec![Role::Customer] }
    }

    fn reset(self, harness: &Harness) -> PasswordResetRequested {
        // The master key of the harness.
        let key = platform::master_key::MasterKey::new([7; 32]).key_for(contracts::auth::RESET_TOKEN_ENCRYPTION);
        PasswordResetRequested {
            user_id: self.user_id,
            email: "mara@example.com".into(),
            sealed_token: encryption::encrypt(&key, [9; 24], TOKEN.as_bytes()),
            expires_at: harness.env.now().after(Duration::from_secs(3_600)),
        }
    }

    fn profile(self, email: &str, phone: Option<&str>) -> UserUpdated {
        let phone = phone.map(str::to_owned);
        UserUpdated {
            user_id: self.user_id,
            email: email.into(),
            name: "Mara".into(),
            phone,
            roles: vec![Role::Customer],
            email_verified: false,
        }
    }

    fn preferences(self, email: bool, sms: bool, webhook: Option<&str>) -> PreferencesChanged {
        PreferencesChanged {
            user_id: self.user_id,
            email_enabled: email,
            sms_enabled: sms,
            webhook_url: webhook.map(str::to_owned),
            phone: Some("+49 30 123456".into()),
            channels: BTreeMap::new(),
        }
    }

    fn items(self) -> Vec<OrderItem> {
        vec![OrderItem {
            order_item_id: OrderItemId(self.order_id.0),
            product_id: ProductId(self.order_id.0),
            sku: "LAMP-1".into(),
            title_snapshot: "Lamp".into(),
            unit_price_snapshot: 1_250,
            quantity: 2,
            line_total_amount: 2_500,
            image_url: None,
            seller_id: None,
            discount_amount: 0,
            seller_discount_amount: 0,
            tax_amount: 0,
            tax_basis_points: None,
            returned_quantity: 0,
        }]
    }

    fn created(self) -> OrderCreated {
        OrderCreated {
            fulfilments: Vec::new(),
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            cart_id: CartId(self.order_id.0),
            currency: Currency::EUR,
            subtotal_amount: 2_500,
            shipping_amount: 490,
            tax_amount: 0,
            prices_include_tax: false,
            discount_amount: 0,
            total_amount: 2_990,
            payment_method: PaymentMethod::Ok,
            items: self.items(),
            shipping_address_snapshot: address(),
            billing_address_snapshot: address(),
        }
    }

    fn payment_failed(self, payable_until: Timestamp) -> OrderPaymentFailed {
        OrderPaymentFailed {
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            payment_id: None,
            currency: Currency::EUR,
            total_amount: 2_990,
            failure: Code::PAYMENT_DECLINED.into(),
            payable_until,
        }
    }

    fn confirmed(self) -> OrderConfirmed {
        OrderConfirmed {
            fulfilments: Vec::new(),
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            payment_id: PaymentId(self.order_id.0),
            reservation_id: ReservationId(self.order_id.0),
            currency: Currency::EUR,
            subtotal_amount: 2_500,
            shipping_amount: 490,
            tax_amount: 0,
            prices_include_tax: false,
            discount_amount: 0,
            total_amount: 2_990,
            items: self.items(),
            shipping_address_snapshot: address(),
        }
    }

    fn shipped(self) -> OrderShipped {
        OrderShipped {
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            fulfilment_id: None,
            shipment_id: next_shipment(),
            carrier: "MOCK".into(),
            tracking_number: "T-1".into(),
            currency: Currency::EUR,
            total_amount: 2_990,
        }
    }

    fn delivered(self) -> OrderDelivered {
        OrderDelivered {
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            fulfilment_id: None,
            shipment_id: next_shipment(),
            currency: Currency::EUR,
            total_amount: 2_990,
        }
    }

    fn parcel_returned(self) -> OrderParcelReturned {
        OrderParcelReturned {
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            shipment_id: ShipmentId(self.order_id.0),
            carrier: "MOCK".into(),
            tracking_number: "T-1".into(),
            currency: Currency::EUR,
            total_amount: 2_990,
            refunded_amount: 0,
        }
    }

    fn cancelled(self) -> OrderCancelled {
        OrderCancelled {
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            reason: CancelReason::CustomerRequest,
            note: Some("changed my mind".into()),
            by_customer: true,
            lines_return: false,
            cart_id: CartId(self.order_id.0),
            items: self.items(),
            currency: Currency::EUR,
            total_amount: 2_990,
            refund_due: true,
        }
    }

    fn refunded(self) -> PaymentRefunded {
        PaymentRefunded {
            cause_id: None,
            payment_id: PaymentId(self.order_id.0),
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            amount: 2_990,
            refunded_amount: 2_990,
            captured_amount: 2_990,
            currency: Currency::EUR,
            in_full: true,
        }
    }

    fn return_approved(self, harness: &Harness) -> ReturnApproved {
        ReturnApproved {
            return_id: harness.id(),
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            seller_id: None,
            carrier: Carrier::Mock,
            tracking_number: "MOCK-R7".into(),
            send_until: Some(Timestamp(1_767_229_200_000_000)),
        }
    }

    fn return_rejected(self, harness: &Harness) -> ReturnRejected {
        let (return_id, order_id, user_id, order_number) = (harness.id(), self.order_id, self.user_id, "SK-7".into());
        ReturnRejected { return_id, order_id, order_number, user_id, seller_id: None, reason: "It was used.".into() }
    }

    fn return_refunded(self, harness: &Harness) -> ReturnRefunded {
        ReturnRefunded {
            return_id: harness.id(),
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            seller_id: None,
            currency: Currency::EUR,
            refunded_amount: 714,
        }
    }

    fn review_published(self, harness: &Harness) -> ReviewPublished {
        let (review_id, product_id, user_id) = (harness.id(), harness.id(), self.user_id);
        ReviewPublished { review_id, product_id, title_snapshot: "Lamp".into(), user_id, seller_id: None, rating: 5 }
    }

    fn review_answered(self, harness: &Harness) -> ReviewAnswered {
        let (review_id, product_id, user_id) = (harness.id(), harness.id(), self.user_id);
        ReviewAnswered { review_id, product_id, title_snapshot: "Lamp".into(), user_id, seller_id: None, author: AnswerAuthor::Shop }
    }

    /// Returns the messages to this user, newest first.
    async fn notifications(self, harness: &Harness) -> Vec<Notification> {
        let page: Page<Notification> = harness.get("/notifications?limit=100").customer(self.user_id).send().await.expect(200).read();
        page.items
    }

    /// Returns them as text: `ORDER_CREATED EMAIL SENT`.
    async fn notification_lines(self, harness: &Harness) -> Vec<String> {
        let notifications = self.notifications(harness).await;
        notifications.iter().map(|n| format!("{} {} {}", n.r#type, n.channel, n.status)).collect()
    }

    /// Gives the workers turns until the newest message is as this text says, while other attempts go on.
    async fn wait_until_newest_is(self, harness: &Harness, line: &str) {
        wait_until(async || {
            harness.settle().await;
            self.notification_lines(harness).await[0] == line
        })
        .await;
    }
}

/// Waits while tasks go on beside the test. The limit only ends a test that would hang.
async fn wait_until(condition: impl AsyncFn() -> bool) {
    let reached = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("the condition comes true");
}

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

/// Delivers an event, a millisecond after the last one, because lists are in the order of time.
async fn deliver<E: Event>(harness: &Harness, event: E) -> Envelope {
    harness.advance(Duration::from_millis(1));
    harness.deliver(event).await
}

/// The socket of a test server.
async fn listener() -> (tokio::net::TcpListener, u16) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Longer than every pause between two attempts.
const LONG: Duration = Duration::from_secs(3_600 * 2);
