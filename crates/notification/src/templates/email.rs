//! The text of each e-mail: the order here; the account, parcels, returns and sellers below.

mod account;
mod parcels;
mod returns;
mod seller_texts;

use super::{EmailContent, How, NextStep, Recipient, Table, TableLine};
use crate::{
    domain::one_line,
    message::{BackInStock, Cancelled, CartLeft, Line, Message, OrderSummary, PaymentProblem, Refunded},
};
use contracts::{
    cart::CartReminderItem,
    ids::OrderId,
    money::{Currency, Money},
    order::CancelReason,
    problem::{Code, Failure},
    time::Timestamp,
    user::AddressSnapshot,
};
use serde_json::json;

/// The path with which calls of the API begin.
const API: &str = "/api/v1";
const AUTHORIZATION: &str = "Authorization: Bearer …";

/// Returns the e-mail of a message.
#[must_use]
pub fn email_content(message: &Message, recipient: &Recipient<'_>) -> EmailContent {
    let content = match message {
        Message::Registered(_) => account::registered(recipient),
        Message::PasswordReset(reset) => account::password_reset(reset, recipient),
        Message::PasswordChanged(change) => account::password_changed(change, recipient),
        Message::EmailVerification(token) => account::email_verification(token, recipient),
        Message::EmailChangeRequested(change) => account::email_change_requested(change, recipient),
        Message::EmailChanged(change) => account::email_changed(change, recipient),
        Message::OrderCreated(order) => order_created(order, recipient),
        Message::PaymentFailed(problem) => payment_failed(problem, recipient),
        Message::OrderConfirmed(order) => order_confirmed(order, recipient),
        Message::Shipped(shipped) => parcels::order_shipped(shipped, recipient),
        Message::Delivered(delivered) => parcels::order_delivered(delivered, recipient),
        Message::ParcelReturned(returned) => parcels::parcel_returned(returned, recipient),
        Message::Cancelled(cancelled) => order_cancelled(cancelled, recipient),
        Message::PartCancelled(cancelled) => parcels::part_cancelled(cancelled, recipient),
        Message::Refunded(refunded) => money_refunded(refunded, recipient),
        Message::ReturnApproved(label) => returns::return_approved(label, recipient),
        Message::ReturnRejected(rejection) => returns::return_rejected(rejection, recipient),
        Message::ReturnRefunded(refund) => returns::return_refunded(refund, recipient),
        Message::ReviewPublished(review) => {
            let title = one_line(&review.title_snapshot, 100);
            returns::review_news(
                review,
                recipient,
                format!("Your review of {title} is public"),
                "Others can read it now. Thank you for writing it.",
            )
        }
        Message::ReviewAnswered(review) => {
            let title = one_line(&review.title_snapshot, 100);
            returns::review_news(review, recipient, format!("Your review of {title} was answered"), "The answer stands below your review.")
        }
        Message::BackInStock(news) => back_in_stock(news, recipient),
        Message::CartAbandoned(left) => cart_left(left, recipient),
        Message::SellerApproved(_) => seller_texts::approved(recipient),
        Message::SellerRejected(news) => seller_texts::rejected(news, recipient),
        Message::SellerSuspended(news) => seller_texts::suspended(news, recipient),
        Message::SellerReinstated(_) => seller_texts::reinstated(recipient),
        Message::NewSale(sale) => seller_texts::new_sale(sale, recipient),
        Message::SaleCancelled(ended) => seller_texts::sale_cancelled(ended, recipient),
        Message::SaleParcelReturned(ended) => seller_texts::parcel_returned(ended, recipient),
        Message::PayoutPaid(payout) => seller_texts::payout_paid(payout, recipient),
        Message::PayoutFailed(payout) => seller_texts::payout_failed(payout, recipient),
        Message::PayoutAccountChanged(change) => seller_texts::payout_account_changed(change, recipient),
    };
    let name = one_line(recipient.name.unwrap_or_default(), 100);
    let greeting = if name.is_empty() { "Hello,".into() } else { format!("Hello {name},") };
    EmailContent { greeting, shop_url: recipient.shop_url.map(str::to_owned), ..content }
}

fn order_created(order: &OrderSummary, recipient: &Recipient<'_>) -> EmailContent {
    let number = &order.order_number;
    EmailContent {
        subject: format!("We received your order {number}"),
        summary: format!("{} in total. We tell you as soon as it is paid and reserved.", total(order)),
        heading: "Thank you for your order".into(),
        paragraphs: vec![format!("We received your order {number}. We tell you as soon as it is paid and reserved for you.")],
        order_table: Some(table(order)),
        facts: ships_to(order, recipient),
        step: Some(see_order(recipient, order.order_id)),
        ..EmailContent::default()
    }
}

fn order_confirmed(order: &OrderSummary, recipient: &Recipient<'_>) -> EmailContent {
    let number = &order.order_number;
    EmailContent {
        subject: format!("Your order {number} is confirmed"),
        summary: format!("{} were paid. Your parcel is next.", total(order)),
        heading: "Your order is confirmed".into(),
        paragraphs: vec![format!(
            "Your order {number} is paid, and the goods are reserved for you. We tell you when the parcel is on its way."
        )],
        order_table: Some(table(order)),
        facts: ships_to(order, recipient),
        step: Some(see_order(recipient, order.order_id)),
        ..EmailContent::default()
    }
}

fn payment_failed(problem: &PaymentProblem, recipient: &Recipient<'_>) -> EmailContent {
    let number = &problem.order_number;
    let amount = Money::new(problem.total_amount, problem.currency);
    EmailContent {
        subject: format!("The payment of your order {number} failed"),
        summary: "You can pay again.".into(),
        heading: "Your payment failed".into(),
        paragraphs: vec![
            format!("We could not collect {amount} for your order {number}: {}.", reason_of(&problem.failure)),
            format!("You can pay again until {}. After that the order is cancelled.", moment(problem.payable_until)),
        ],
        step: Some(pay_again(recipient, problem.order_id)),
        ..EmailContent::default()
    }
}

fn order_cancelled(cancelled: &Cancelled, recipient: &Recipient<'_>) -> EmailContent {
    let number = &cancelled.order_number;
    let amount = Money::new(cancelled.total_amount, cancelled.currency);
    let mut paragraphs = vec![format!("Your order {number} was cancelled{}.", cause(cancelled.reason))];
    if cancelled.refund_due {
        // The outcome of the capture may be unknown.
        paragraphs.push(format!("If {amount} was taken from you, you get all of it back. We tell you when the money is on its way."));
    } else {
        paragraphs.push("No money was taken.".into());
    }
    if cancelled.lines_return {
        paragraphs.push("What you had ordered is in your cart again.".into());
    }
    EmailContent {
        subject: format!("Your order {number} was cancelled"),
        summary: if cancelled.refund_due { "Whatever was taken from you comes back.".into() } else { "No money was taken.".into() },
        heading: "Order cancelled".into(),
        paragraphs,
        facts: cancelled.note.iter().filter(|_| recipient.name.is_some()).map(|note| ("Note", note.clone())).collect(),
        step: Some(see_order(recipient, cancelled.order_id)),
        ..EmailContent::default()
    }
}

fn money_refunded(refunded: &Refunded, recipient: &Recipient<'_>) -> EmailContent {
    let number = &refunded.order_number;
    let money = |minor| Money::new(minor, refunded.currency);
    let mut paragraphs = vec![format!("We gave {} of your order {number} back to you.", money(refunded.amount))];
    if refunded.in_full {
        paragraphs.push("With that all of what you paid for it is refunded.".into());
    } else if refunded.refunded_amount > refunded.amount {
        paragraphs.push(format!("Together with what was refunded before that makes {}.", money(refunded.refunded_amount)));
    }
    EmailContent {
        subject: format!("{} refunded for your order {number}", money(refunded.amount)),
        summary: "It takes your bank a few days to show it.".into(),
        heading: "Refund".into(),
        paragraphs,
        step: Some(see_order(recipient, refunded.order_id)),
        closing: vec!["It may take your bank a few days to show it.".into()],
        ..EmailContent::default()
    }
}

fn back_in_stock(news: &BackInStock, recipient: &Recipient<'_>) -> EmailContent {
    let title = one_line(&news.title_snapshot, 100);
    let path = format!("/products/{}", news.product_id);
    let how = recipient.shop_url.map_or_else(|| How::Call(vec![format!("GET {API}{path}")]), |shop| How::Link(format!("{shop}{path}")));
    EmailContent {
        subject: format!("{title} can be bought again"),
        summary: "You wanted to be told.".into(),
        heading: "Back in stock".into(),
        paragraphs: vec![format!("{title} can be bought again. It is not reserved for you.")],
        step: Some(NextStep { label: "See the product", how }),
        closing: vec!["You get this message once, because you asked for it.".into()],
        ..EmailContent::default()
    }
}

fn cart_left(left: &CartLeft, recipient: &Recipient<'_>) -> EmailContent {
    let unit = |item: &CartReminderItem| format!("{} × {}", item.quantity, one_line(&item.title_snapshot, 100));
    let mut units = left.items.iter().map(unit).collect::<Vec<_>>().join(", ");
    let others = (left.item_count as usize).saturating_sub(left.items.len());
    if others > 0 {
        units.push_str(&format!(", and {others} more"));
    }
    EmailContent {
        subject: "You left something in your cart".into(),
        summary: "It is still there.".into(),
        heading: "Your cart".into(),
        paragraphs: vec!["What you selected is still in your cart. Nothing is reserved, and prices may have changed.".into()],
        facts: vec![("In your cart", units)],
        step: Some(see(recipient, "See your cart", "/cart")),
        closing: vec![
            "You get this message once for a cart, because you chose so. To end that, remove CART_ABANDONED from the channels of your \
             preferences."
                .into(),
        ],
        ..EmailContent::default()
    }
}

/// A page of the user's own, or the call of the API with the same path.
fn see(recipient: &Recipient<'_>, label: &'static str, path: &str) -> NextStep {
    see_at(recipient, label, path, path)
}

/// A page of the user's own, or the call of the API that shows the same.
fn see_at(recipient: &Recipient<'_>, label: &'static str, page: &str, path: &str) -> NextStep {
    let call = || How::Call(vec![format!("GET {API}{path}"), AUTHORIZATION.into()]);
    NextStep { label, how: recipient.shop_url.map_or_else(call, |shop| How::Link(format!("{shop}{page}"))) }
}

fn see_order(recipient: &Recipient<'_>, id: OrderId) -> NextStep {
    match page_of_order(recipient, id).filter(|_| recipient.guest.is_some()) {
        Some(page) => NextStep { label: "See your order", how: How::Link(page) },
        None => see(recipient, "See your order", &format!("/orders/{id}")),
    }
}

fn pay_again(recipient: &Recipient<'_>, id: OrderId) -> NextStep {
    let call = || {
        let body = json!({ "paymentMethod": "…" });
        let json_type = "Content-Type: application/json".to_owned();
        How::Call(vec![
            format!("POST {API}/orders/{id}/pay"),
            AUTHORIZATION.into(),
            "Idempotency-Key: …".into(),
            json_type,
            body.to_string(),
        ])
    };
    NextStep { label: "Pay again", how: page_of_order(recipient, id).map_or_else(call, How::Link) }
}

fn page_of_order(recipient: &Recipient<'_>, id: OrderId) -> Option<String> {
    if let Some(guest) = recipient.guest {
        return Some(format!("{}/orders/{id}#token={}", guest.base, guest.token));
    }
    recipient.shop_url.map(|shop| format!("{shop}/orders/{id}"))
}

fn ships_to(order: &OrderSummary, recipient: &Recipient<'_>) -> Vec<(&'static str, String)> {
    recipient.name.iter().map(|_| ("Ships to", address(&order.shipping_address_snapshot))).collect()
}

pub(super) fn total(order: &OrderSummary) -> Money {
    Money::new(order.total_amount, order.currency)
}

fn table(order: &OrderSummary) -> Table {
    let sums = Sums {
        subtotal_amount: order.subtotal_amount,
        shipping_amount: order.shipping_amount,
        tax_amount: order.tax_amount,
        prices_include_tax: order.prices_include_tax,
        discount_amount: order.discount_amount,
        total_amount: order.total_amount,
    };
    table_of(&order.items, &sums, order.currency)
}

struct Sums {
    subtotal_amount: i64,
    shipping_amount: i64,
    tax_amount: i64,
    prices_include_tax: bool,
    discount_amount: i64,
    total_amount: i64,
}

fn table_of(items: &[Line], amounts: &Sums, currency: Currency) -> Table {
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let lines = items.iter().map(|line| TableLine {
        title: line.title_snapshot.clone(),
        detail: format!("{} · {} × {}", line.sku, line.quantity, Money::new(line.unit_price_snapshot, currency)),
        amount: money(line.line_total_amount),
    });
    let mut sums = vec![("Subtotal", money(amounts.subtotal_amount)), ("Shipping", money(amounts.shipping_amount))];
    if amounts.tax_amount != 0 && !amounts.prices_include_tax {
        sums.push(("Tax", money(amounts.tax_amount)));
    }
    if amounts.discount_amount != 0 {
        sums.push(("Discount", money(-amounts.discount_amount)));
    }
    sums.push(("Total", money(amounts.total_amount)));
    if amounts.tax_amount != 0 && amounts.prices_include_tax {
        sums.push(("Tax in the total", money(amounts.tax_amount)));
    }
    Table { lines: lines.collect(), sums }
}

/// Returns what a parcel holds, without prices: a fact, or none when that is not known.
fn units(name: &'static str, items: &[Line]) -> Option<(&'static str, String)> {
    let unit = |line: &Line| format!("{} × {}", line.quantity, one_line(&line.title_snapshot, 100));
    (!items.is_empty()).then(|| (name, items.iter().map(unit).collect::<Vec<_>>().join(", ")))
}

fn address(address: &AddressSnapshot) -> String {
    let AddressSnapshot { recipient, company, country, state, city, zip, street, number, complement, phone: _ } = address;
    let absent = String::new();
    let person = [recipient, company].map(|text| text.as_ref().unwrap_or(&absent));
    let joined = |parts: &[&String]| parts.iter().filter(|part| !part.is_empty()).map(|part| part.as_str()).collect::<Vec<_>>().join(" ");
    let [recipient, company] = person;
    let lines = [
        joined(&[recipient]),
        joined(&[company]),
        joined(&[street, number]),
        joined(&[complement]),
        joined(&[zip, city]),
        joined(&[state]),
        joined(&[country]),
    ];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

pub(super) fn cause(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::CustomerRequest => ", as you asked",
        CancelReason::AdminRequest => " by our staff",
        CancelReason::SellerRequest => " by its seller",
        CancelReason::OutOfStock => " because it is not in stock any more",
        CancelReason::PaymentWindowClosed => " because it was not paid in time",
    }
}

/// Returns the failure as the rest of a sentence.
fn reason_of(failure: &Failure) -> String {
    let title = Code::find(&failure.code).map_or("the payment failed", Code::title);
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Returns a time for people: `2026-01-31 09:30 UTC`.
pub(super) fn moment(instant: Timestamp) -> String {
    let to_text = instant.to_string();
    match (to_text.get(..10), to_text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => to_text,
    }
}
