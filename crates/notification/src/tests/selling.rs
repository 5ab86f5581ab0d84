//! Messages to sellers.

use super::{mailbox::decoded_mails, *};
use contracts::{
    ids::{FulfilmentId, PayoutId},
    notification::NotificationType,
    order::{FulfilmentCancelled, FulfilmentConfirmed, FulfilmentReturned},
    payout::{PayoutFailed, PayoutFailure, PayoutPaid},
    seller::{SellerApproved, SellerPayoutAccountChanged, SellerReinstated, SellerRejected, SellerSuspended},
};
use serde_json::{Value, json};

/// A customer's order from this seller.
struct Deal {
    customer: Person,
    seller: UserId,
}

impl Deal {
    fn confirmed(&self) -> FulfilmentConfirmed {
        FulfilmentConfirmed {
            fulfilment_id: FulfilmentId(self.customer.order_id.0),
            order_id: self.customer.order_id,
            order_number: "SK-7".into(),
            user_id: self.customer.user_id,
            seller_id: Some(self.seller),
            currency: Currency::EUR,
            items: self.customer.items(),
            subtotal_amount: 2_500,
            discount_amount: 0,
            seller_discount_amount: 0,
            waived_shipping_amount: 0,
            shipping_amount: 490,
            shipping_tax_amount: 0,
            tax_amount: 0,
            prices_include_tax: false,
            total_amount: 2_990,
        }
    }

    /// Another event about the same part, which has the fields of [`confirmed`](Self::confirmed) and these.
    fn event<E: Event>(&self, more: Value) -> E {
        let mut event = serde_json::to_value(self.confirmed()).unwrap();
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    fn cancelled(&self, was_confirmed: bool, with_order: bool) -> FulfilmentCancelled {
        self.event(json!({
            "reason": CancelReason::CustomerRequest, "note": "ring at Mara's, 2nd floor", "wasConfirmed": was_confirmed,
            "withOrder": with_order, "refundAmount": 2_990,
        }))
    }

    fn came_back(&self) -> FulfilmentReturned {
        self.event(json!({"shipmentId": self.customer.order_id, "carrier": "MOCK", "trackingNumber": "T-1"}))
    }
}

fn approved(seller: UserId, approved_by: Option<UserId>) -> SellerApproved {
    SellerApproved { seller_id: seller, shop_name: "Lamps".into(), slug: "lamps".into(), approved_by }
}

fn suspended(seller: UserId) -> SellerSuspended {
    SellerSuspended { seller_id: seller, reason: Some("no imprint".into()), suspended_by: None }
}

fn account_changed(harness: &Harness, seller: UserId) -> SellerPayoutAccountChanged {
    let payouts_held_until = harness.env.now().after(Duration::from_secs(72 * 3_600));
    SellerPayoutAccountChanged { seller_id: seller, payouts_held_until }
}

/// Every event for sellers, to a person who buys from itself: each has its own message.
pub(super) async fn deliver_all(harness: &Harness, person: Person) {
    let (seller, deal) = (person.user_id, Deal { customer: person, seller: person.user_id });
    deliver(harness, approved(seller, Some(harness.id()))).await;
    deliver(harness, SellerRejected { seller_id: seller, reason: None, rejected_by: None }).await;
    deliver(harness, suspended(seller)).await;
    deliver(harness, SellerReinstated { seller_id: seller, reinstated_by: None }).await;
    deliver(harness, account_changed(harness, seller)).await;
    deliver(harness, deal.confirmed()).await;
    deliver(harness, deal.cancelled(true, false)).await;
    deliver(harness, deal.came_back()).await;
    let (amount, currency) = (12_345, Currency::EUR);
    deliver(harness, PayoutPaid { payout_id: harness.id(), seller_id: seller, amount, currency }).await;
    let (payout_id, failure): (PayoutId, _) = (harness.id(), PayoutFailure::Refused);
    deliver(harness, PayoutFailed { payout_id, seller_id: seller, amount, currency, failure }).await;
}

async fn lines(harness: &Harness, user: UserId) -> Vec<String> {
    harness.complete().await;
    let person = Person { user_id: user, order_id: harness.id() };
    person.notifications(harness).await.iter().map(|notification| notification.r#type.to_string()).collect()
}

#[tokio::test]
async fn a_sale_tells_its_seller_the_goods_and_nothing_of_the_customer() {
    let harness = start().await;
    let deal = Deal { customer: Person::registered(&harness).await, seller: harness.id() };
    let seller = Person { user_id: deal.seller, ..deal.customer };
    deliver(&harness, seller.registration("shop@example.com", "Lamps & more")).await;
    deliver(&harness, deal.confirmed()).await;
    deliver(&harness, deal.cancelled(true, true)).await;
    assert_eq!(lines(&harness, deal.seller).await, ["SALE_CANCELLED", "NEW_SALE", "REGISTERED"]);
    assert_eq!(lines(&harness, deal.customer.user_id).await, ["REGISTERED"], "the customer gets the message about the order");

    let mails = decoded_mails(&harness);
    let sale = mails.iter().find(|mail| mail.contains("Subject: New sale: order SK-7")).unwrap();
    assert!(sale.contains("To: shop@example.com") && sale.contains("LAMP-1 · 2 × 12.50 EUR") && sale.contains("29.90 EUR"), "{sale}");
    let shown: String = seller.notifications(&harness).await.iter().map(|notification| notification.payload.to_string()).collect();
    let to_seller: String = mails.iter().filter(|mail| mail.contains("shop@example.com")).map(String::as_str).collect();
    for personal in ["Mara", "mara@", "Invalidenstraße", &deal.customer.user_id.to_string()] {
        assert!(!to_seller.contains(personal) && !shown.contains(personal), "{personal} in {to_seller}{shown}");
    }
}

#[tokio::test]
async fn the_shops_own_parts_have_no_seller_to_tell() {
    let harness = start().await;
    let deal = Deal { customer: Person::registered(&harness).await, seller: harness.id() };
    deliver(&harness, FulfilmentConfirmed { seller_id: None, ..deal.confirmed() }).await;
    deliver(&harness, FulfilmentReturned { seller_id: None, ..deal.came_back() }).await;
    deliver(&harness, FulfilmentCancelled { seller_id: None, ..deal.cancelled(true, false) }).await;
    assert_eq!(lines(&harness, deal.customer.user_id).await, ["PART_CANCELLED", "REGISTERED"]);
    assert!(lines(&harness, deal.seller).await.is_empty());
}

#[tokio::test]
async fn a_sale_that_was_never_announced_is_not_cancelled_either() {
    let harness = start().await;
    let deal = Deal { customer: Person::registered(&harness).await, seller: harness.id() };
    deliver(&harness, deal.cancelled(false, true)).await;
    assert!(lines(&harness, deal.seller).await.is_empty());
}

#[tokio::test]
async fn a_part_that_was_cancelled_with_an_order_that_goes_on_is_told_with_its_refund() {
    let harness = start().await;
    let deal = Deal { customer: Person::registered(&harness).await, seller: harness.id() };
    let (customer, cause_id) = (deal.customer, deal.confirmed().fulfilment_id.0);
    let refunded = |cause, cause_id| contracts::order::OrderPartRefunded {
        order_id: customer.order_id,
        order_number: "SK-7".into(),
        user_id: customer.user_id,
        payment_id: PaymentId(customer.order_id.0),
        cause,
        cause_id,
        currency: Currency::EUR,
        amount: 2_990,
        refunded_amount: 2_990,
    };
    use contracts::order::RefundCause;
    deliver(&harness, deal.cancelled(true, true)).await;
    deliver(&harness, refunded(RefundCause::Return, harness.id::<contracts::ids::Uuid>())).await;
    assert_eq!(lines(&harness, customer.user_id).await, ["REGISTERED"]);
    deliver(&harness, refunded(RefundCause::Fulfilment, cause_id)).await;
    assert_eq!(lines(&harness, customer.user_id).await, ["PART_CANCELLED", "REGISTERED"]);

    // A part that was cancelled alone is told at once, and its refund adds nothing.
    let alone = Deal { customer: Person { user_id: customer.user_id, order_id: harness.id() }, seller: deal.seller };
    deliver(&harness, alone.cancelled(true, false)).await;
    deliver(&harness, refunded(RefundCause::Fulfilment, alone.confirmed().fulfilment_id.0)).await;
    assert_eq!(lines(&harness, customer.user_id).await, ["PART_CANCELLED", "PART_CANCELLED", "REGISTERED"]);
}

#[tokio::test]
async fn a_seller_from_before_there_were_applications_is_not_told_of_a_decision() {
    let harness = start().await;
    let seller = harness.id();
    deliver(&harness, approved(seller, None)).await;
    assert!(lines(&harness, seller).await.is_empty());
}

#[tokio::test]
async fn sellers_choose_their_channels_except_for_a_changed_payout_account() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.preferences(false, false, None)).await;
    deliver_all(&harness, person).await;
    assert_eq!(lines(&harness, person.user_id).await, ["PAYOUT_ACCOUNT_CHANGED", "REGISTERED"]);

    deliver(&harness, person.preferences(false, true, None)).await;
    deliver(&harness, suspended(person.user_id)).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await[0], "SELLER_SUSPENDED SMS SENT");
}

#[tokio::test]
async fn the_reason_of_a_decision_is_mailed_to_a_verified_address_only() {
    for verified in [false, true] {
        let harness = start().await;
        let person = Person::registered(&harness).await;
        if verified {
            let reset = PasswordChanged { user_id: person.user_id, email: "mara@example.com".into(), by_reset: true };
            deliver(&harness, reset).await;
        }
        deliver(&harness, suspended(person.user_id)).await;
        harness.complete().await;
        let mail = decoded_mails(&harness).into_iter().find(|mail| mail.contains("Subject: You are suspended")).unwrap();
        assert_eq!(mail.contains("no imprint"), verified, "{mail}");
        let payload = &person.notifications(&harness).await[0].payload;
        assert_eq!(payload["reason"], "no imprint", "the user reads it in the list");
    }
}

#[tokio::test]
async fn a_buyer_of_own_goods_gets_both_messages_of_one_event() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let deal = Deal { customer: person, seller: person.user_id };
    let event = deliver(&harness, deal.cancelled(true, false)).await;
    harness.deliver_envelope(event).await;
    let mut kinds = lines(&harness, person.user_id).await;
    kinds.sort();
    assert_eq!(
        kinds,
        [NotificationType::PartCancelled, NotificationType::Registered, NotificationType::SaleCancelled].map(|k| k.to_string())
    );
}
