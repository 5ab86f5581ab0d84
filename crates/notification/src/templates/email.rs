//! The text of each message.

use super::{EmailContent, How, NextStep, Recipient, Table, TableLine};
use crate::{
    domain::one_line,
    message::{
        Cancelled, Message, OrderSummary, ParcelReturned, PasswordChange, PaymentProblem, Refunded, Reset, ReturnLabelNews, ReturnRefund,
        ReturnRejection, ReviewNews, Shipped,
    },
};
use contracts::{
    ids::OrderId,
    money::{Currency, Money},
    order::CancelReason,
    problem::{Code, Failure},
    time::Timestamp,
    user::AddressSnapshot,
};
use platform::http::encode_text;
use serde_json::json;

/// The path with which calls of the API begin.
const API: &str = "/api/v1";
const AUTHORIZATION: &str = "Authorization: Bearer …";

/// Returns the e-mail of a message.
#[must_use]
pub fn email_content(message: &Message, recipient: &Recipient<'_>) -> EmailContent {
    let content = match message {
        Message::Registered(_) => registered(recipient),
        Message::PasswordReset(reset) => password_reset(reset, recipient),
        Message::PasswordChanged(change) => password_changed(change, recipient),
        Message::OrderCreated(order) => order_created(order, recipient),
        Message::PaymentFailed(problem) => payment_failed(problem, recipient),
        Message::OrderConfirmed(order) => order_confirmed(order, recipient),
        Message::Shipped(shipped) => order_shipped(shipped, recipient),
        Message::Delivered(delivered) => {
            let number = &delivered.order_number;
            EmailContent {
                subject: format!("Your order {number} was delivered"),
                summary: "The carrier says that your parcel arrived.".into(),
                heading: "Delivered".into(),
                paragraphs: vec![format!("The parcel with your order {number} was delivered. Enjoy it!")],
                step: Some(see_order(recipient, delivered.order_id)),
                ..EmailContent::default()
            }
        }
        Message::ParcelReturned(returned) => parcel_returned(returned, recipient),
        Message::Cancelled(cancelled) => order_cancelled(cancelled, recipient),
        Message::Refunded(refunded) => money_refunded(refunded, recipient),
        Message::ReturnApproved(label) => return_approved(label, recipient),
        Message::ReturnRejected(rejection) => return_rejected(rejection, recipient),
        Message::ReturnRefunded(refund) => return_refunded(refund, recipient),
        Message::ReviewPublished(review) => {
            let title = one_line(&review.title_snapshot, 100);
            review_news(review, recipient, format!("Your review of {title} is public"), "Others can read it now. Thank you for writing it.")
        }
        Message::ReviewAnswered(review) => {
            let title = one_line(&review.title_snapshot, 100);
            review_news(review, recipient, format!("Your review of {title} was answered"), "The answer stands below your review.")
        }
    };
    let name = one_line(recipient.name.unwrap_or_default(), 100);
    let greeting = if name.is_empty() { "Hello,".into() } else { format!("Hello {name},") };
    EmailContent { greeting, shop_url: recipient.shop_url.map(str::to_owned), ..content }
}

fn registered(recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "Welcome to Souk".into(),
        summary: "Your account is ready.".into(),
        heading: "Welcome".into(),
        paragraphs: vec!["Your account is ready. You can fill your cart, follow your orders and choose how we tell you about them.".into()],
        step: recipient.shop_url.map(|url| NextStep { label: "Look around", how: How::Link(url.to_owned()) }),
        closing: vec!["If you did not open this account, someone typed your address by mistake: you need not do anything.".into()],
        ..EmailContent::default()
    }
}

fn password_reset(reset: &Reset, recipient: &Recipient<'_>) -> EmailContent {
    let token = recipient.token.unwrap_or_default();
    let (how, what) = match recipient.shop_url {
        Some(shop) => {
            let mut url = format!("{shop}/password/reset?token=");
            encode_text(token, &mut url);
            (How::Link(url), "link")
        }
        None => {
            let body = json!({ "token": token, "newPassword": "…" });
            let call = format!("POST {API}/auth/password/reset");
            (How::Call(vec![format!("Token: {token}"), call, "Content-Type: application/json".into(), body.to_string()]), "token")
        }
    };
    EmailContent {
        subject: "Set a new password".into(),
        summary: format!("A {what} that works once."),
        heading: "Set a new password".into(),
        paragraphs: vec![
            "Somebody, hopefully you, asked to set a new password for your account.".into(),
            format!("The {what} works once, until {}.", moment(reset.expires_at)),
        ],
        step: Some(NextStep { label: "Set a new password", how }),
        closing: vec!["If it was not you, ignore this mail: your password stays as it is. Do not pass this mail on.".into()],
        ..EmailContent::default()
    }
}

fn password_changed(change: &PasswordChange, recipient: &Recipient<'_>) -> EmailContent {
    let how = if change.by_reset { "with the token of a reset mail" } else { "with the old password" };
    let reset = match recipient.shop_url {
        Some(shop) => How::Link(format!("{shop}/password/forgot")),
        None => {
            let body = json!({ "email": "…" }).to_string();
            How::Call(vec![format!("POST {API}/auth/password/forgot"), "Content-Type: application/json".into(), body])
        }
    };
    EmailContent {
        subject: "Your password was changed".into(),
        summary: "If it was you, you need not do anything.".into(),
        heading: "Your password was changed".into(),
        paragraphs: vec![
            format!("The password of your account was changed {how}, on {}. Every other login ended.", moment(change.changed_at)),
            "If it was you, you need not do anything. If not, set a new one now.".into(),
        ],
        step: Some(NextStep { label: "Set a new password", how: reset }),
        ..EmailContent::default()
    }
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

fn order_shipped(shipped: &Shipped, recipient: &Recipient<'_>) -> EmailContent {
    let number = &shipped.order_number;
    let facts = [("Carrier", &shipped.carrier), ("Tracking number", &shipped.tracking_number)];
    EmailContent {
        subject: format!("Your order {number} is on its way"),
        summary: "The carrier has your parcel.".into(),
        heading: "On its way".into(),
        paragraphs: vec![format!("The parcel with your order {number} is on its way to you.")],
        facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect(),
        step: Some(see_order(recipient, shipped.order_id)),
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

/// Returns the text message of a message. It is short and has no links, which anyone with the phone could use.
#[must_use]
pub fn text_message(message: &Message) -> String {
    match message {
        Message::Registered(_) => "Souk: your account is ready.".into(),
        Message::PasswordReset(_) => "Souk: a new password was asked for; see your mail.".into(),
        Message::PasswordChanged(_) => "Souk: your password was changed. If it was not you, set a new one.".into(),
        Message::OrderCreated(order) => format!("Souk: we received your order {} over {}.", order.order_number, total(order)),
        Message::PaymentFailed(problem) => {
            format!(
                "Souk: the payment of your order {} failed. You can pay again until {}.",
                problem.order_number,
                moment(problem.payable_until)
            )
        }
        Message::OrderConfirmed(order) => format!("Souk: your order {} is confirmed.", order.order_number),
        Message::Shipped(shipped) => {
            format!("Souk: your order {} is on its way, tracking number {}.", shipped.order_number, shipped.tracking_number)
        }
        Message::Delivered(delivered) => format!("Souk: your order {} was delivered.", delivered.order_number),
        Message::ParcelReturned(returned) => format!("Souk: the parcel of your order {} came back to us.", returned.order_number),
        Message::Cancelled(cancelled) => format!("Souk: your order {} was cancelled{}.", cancelled.order_number, cause(cancelled.reason)),
        Message::Refunded(refunded) => {
            format!("Souk: we gave {} of your order {} back to you.", Money::new(refunded.amount, refunded.currency), refunded.order_number)
        }
        Message::ReturnApproved(label) => {
            format!("Souk: the return of your order {} is approved, tracking number {}.", label.order_number, label.tracking_number)
        }
        Message::ReturnRejected(rejection) => format!("Souk: the return of your order {} was rejected.", rejection.order_number),
        Message::ReturnRefunded(refund) => {
            let money = Money::new(refund.refunded_amount, refund.currency);
            format!("Souk: we gave {money} back for the return of your order {}.", refund.order_number)
        }
        Message::ReviewPublished(review) => format!("Souk: your review of {} is public.", one_line(&review.title_snapshot, 60)),
        Message::ReviewAnswered(review) => format!("Souk: your review of {} was answered.", one_line(&review.title_snapshot, 60)),
    }
}

fn parcel_returned(returned: &ParcelReturned, recipient: &Recipient<'_>) -> EmailContent {
    let number = &returned.order_number;
    let money = if returned.is_refunded {
        "Its money was given back to you before; there is nothing to do."
    } else {
        "We look at it and tell you as soon as its money is given back."
    };
    EmailContent {
        subject: format!("The parcel of your order {number} came back"),
        summary: "The carrier returned your parcel to us.".into(),
        heading: "Your parcel came back".into(),
        paragraphs: vec![format!("The carrier returned the parcel with your order {number} to us."), money.into()],
        facts: vec![("Carrier", returned.carrier.clone()), ("Tracking number", returned.tracking_number.clone())],
        step: Some(see_order(recipient, returned.order_id)),
        ..EmailContent::default()
    }
}

fn return_approved(label: &ReturnLabelNews, recipient: &Recipient<'_>) -> EmailContent {
    let number = &label.order_number;
    let text = match label.send_until {
        Some(until) => format!("Send the goods of your order {number} with this label until {}.", moment(until)),
        None => format!("The goods of your order {number} are on their way back to us. You need not do anything."),
    };
    EmailContent {
        subject: format!("The return of your order {number} is approved"),
        summary: "The label is in this message.".into(),
        heading: "Your return is approved".into(),
        paragraphs: vec![text],
        facts: vec![("Carrier", label.carrier.clone()), ("Tracking number", label.tracking_number.clone())],
        step: Some(see_order(recipient, label.order_id)),
        ..EmailContent::default()
    }
}

fn return_rejected(rejection: &ReturnRejection, recipient: &Recipient<'_>) -> EmailContent {
    let number = &rejection.order_number;
    EmailContent {
        subject: format!("The return of your order {number} was rejected"),
        summary: "The reason is in this message.".into(),
        heading: "Your return was rejected".into(),
        paragraphs: vec![format!("The return of goods of your order {number} was rejected.")],
        facts: vec![("Reason", one_line(&rejection.reason, 200))],
        step: Some(see_order(recipient, rejection.order_id)),
        ..EmailContent::default()
    }
}

fn return_refunded(refund: &ReturnRefund, recipient: &Recipient<'_>) -> EmailContent {
    let (number, money) = (&refund.order_number, Money::new(refund.refunded_amount, refund.currency));
    EmailContent {
        subject: format!("{money} for the return of your order {number}"),
        summary: "The goods came back, and so does the money.".into(),
        heading: "Your return is refunded".into(),
        paragraphs: vec![format!("The goods of your order {number} came back, and we gave {money} back to you.")],
        step: Some(see_order(recipient, refund.order_id)),
        closing: vec!["It may take your bank a few days to show it.".into()],
        ..EmailContent::default()
    }
}

fn review_news(review: &ReviewNews, recipient: &Recipient<'_>, subject: String, text: &str) -> EmailContent {
    let how = match recipient.shop_url {
        Some(shop) => How::Link(format!("{shop}/products/{}", review.product_id)),
        None => How::Call(vec![format!("GET {API}/reviews/{}", review.review_id)]),
    };
    EmailContent {
        summary: text.into(),
        heading: "Your review".into(),
        paragraphs: vec![format!("{subject}. {text}")],
        step: Some(NextStep { label: "See your review", how }),
        subject,
        ..EmailContent::default()
    }
}

fn see_order(recipient: &Recipient<'_>, id: OrderId) -> NextStep {
    let call = || How::Call(vec![format!("GET {API}/orders/{id}"), AUTHORIZATION.into()]);
    NextStep { label: "See your order", how: page_of_order(recipient, id).map_or_else(call, How::Link) }
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
    recipient.shop_url.map(|shop| format!("{shop}/orders/{id}"))
}

fn ships_to(order: &OrderSummary, recipient: &Recipient<'_>) -> Vec<(&'static str, String)> {
    recipient.name.iter().map(|_| ("Ships to", address(&order.shipping_address_snapshot))).collect()
}

fn total(order: &OrderSummary) -> Money {
    Money::new(order.total_amount, order.currency)
}

fn table(order: &OrderSummary) -> Table {
    let money = |minor: i64| Money::new(minor, order.currency).to_string();
    let lines = order.items.iter().map(|line| TableLine {
        title: line.title_snapshot.clone(),
        detail: format!("{} · {} × {}", line.sku, line.quantity, Money::new(line.unit_price_snapshot, order.currency)),
        amount: money(line.line_total_amount),
    });
    Table { lines: lines.collect(), sums: sums(order, order.currency) }
}

fn sums(order: &OrderSummary, currency: Currency) -> Vec<(&'static str, String)> {
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let mut sums = vec![("Subtotal", money(order.subtotal_amount)), ("Shipping", money(order.shipping_amount))];
    if order.tax_amount != 0 {
        sums.push(("Tax", money(order.tax_amount)));
    }
    if order.discount_amount != 0 {
        sums.push(("Discount", money(-order.discount_amount)));
    }
    sums.push(("Total", money(order.total_amount)));
    sums
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

fn cause(reason: CancelReason) -> &'static str {
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
fn moment(instant: Timestamp) -> String {
    let to_text = instant.to_string();
    match (to_text.get(..10), to_text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => to_text,
    }
}
