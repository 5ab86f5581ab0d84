//! The words of each message.

use super::{Button, Letter, Reader, Table, TableLine};
use crate::{
    domain::one_line,
    message::{Bill, Cancelled, Message, PaymentProblem, Refunded, Reset, Shipped},
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

/// The letter of a message.
#[must_use]
pub fn letter(message: &Message, reader: &Reader<'_>) -> Letter {
    let letter = match message {
        Message::Registered(_) => registered(reader),
        Message::PasswordReset(reset) => password_reset(reset, reader),
        Message::OrderCreated(bill) => order_created(bill, reader),
        Message::PaymentFailed(problem) => payment_failed(problem, reader),
        Message::OrderConfirmed(bill) => order_confirmed(bill, reader),
        Message::Shipped(shipped) => order_shipped(shipped, reader),
        Message::Delivered(delivered) => {
            let number = &delivered.order_number;
            Letter {
                subject: format!("Your order {number} was delivered"),
                summary: "The carrier says that your parcel arrived.".into(),
                heading: "Delivered".into(),
                paragraphs: vec![format!("The parcel with your order {number} was delivered. Enjoy it!")],
                button: Some(order_button(reader, delivered.order_id)),
                ..Letter::default()
            }
        }
        Message::Cancelled(cancelled) => order_cancelled(cancelled, reader),
        Message::Refunded(refunded) => money_refunded(refunded, reader),
    };
    let name = one_line(reader.name, 100);
    let greeting = if name.is_empty() { "Hello,".into() } else { format!("Hello {name},") };
    Letter { greeting, shop_url: reader.shop_url.to_owned(), ..letter }
}

fn registered(reader: &Reader<'_>) -> Letter {
    Letter {
        subject: "Welcome to Souk".into(),
        summary: "Your account is ready.".into(),
        heading: "Welcome".into(),
        paragraphs: vec!["Your account is ready. You can fill your cart, follow your orders and choose how we tell you about them.".into()],
        button: Some(Button { label: "Look around", url: reader.shop_url.to_owned() }),
        closing: vec!["If you did not open this account, someone typed your address by mistake: you need not do anything.".into()],
        ..Letter::default()
    }
}

fn password_reset(reset: &Reset, reader: &Reader<'_>) -> Letter {
    let mut url = format!("{}/password/reset?token=", reader.shop_url);
    encode_text(reader.token.unwrap_or_default(), &mut url);
    Letter {
        subject: "Set a new password".into(),
        summary: "A link that works once.".into(),
        heading: "Set a new password".into(),
        paragraphs: vec![
            "Somebody, hopefully you, asked to set a new password for your account.".into(),
            format!("The link works once, until {}.", moment(reset.expires_at)),
        ],
        button: Some(Button { label: "Set a new password", url }),
        closing: vec!["If it was not you, ignore this mail: your password stays as it is. Do not pass this mail on.".into()],
        ..Letter::default()
    }
}

fn order_created(bill: &Bill, reader: &Reader<'_>) -> Letter {
    let number = &bill.order_number;
    Letter {
        subject: format!("We received your order {number}"),
        summary: format!("{} in total. We tell you as soon as it is paid and set aside.", total(bill)),
        heading: "Thank you for your order".into(),
        paragraphs: vec![format!("We received your order {number}. We tell you as soon as it is paid and set aside for you.")],
        bill: Some(table(bill)),
        facts: vec![("Ships to", address(&bill.shipping_address_snapshot))],
        button: Some(order_button(reader, bill.order_id)),
        ..Letter::default()
    }
}

fn order_confirmed(bill: &Bill, reader: &Reader<'_>) -> Letter {
    let number = &bill.order_number;
    Letter {
        subject: format!("Your order {number} is confirmed"),
        summary: format!("{} were paid. Your parcel is next.", total(bill)),
        heading: "Your order is confirmed".into(),
        paragraphs: vec![format!(
            "Your order {number} is paid, and the goods are set aside for you. We tell you when the parcel is on its way."
        )],
        bill: Some(table(bill)),
        facts: vec![("Ships to", address(&bill.shipping_address_snapshot))],
        button: Some(order_button(reader, bill.order_id)),
        ..Letter::default()
    }
}

fn payment_failed(problem: &PaymentProblem, reader: &Reader<'_>) -> Letter {
    let number = &problem.order_number;
    let amount = Money::new(problem.total_amount, problem.currency);
    Letter {
        subject: format!("The payment of your order {number} failed"),
        summary: "You can pay again.".into(),
        heading: "Your payment failed".into(),
        paragraphs: vec![
            format!("We could not collect {amount} for your order {number}: {}.", reason_of(&problem.failure)),
            format!("You can pay again until {}. After that the order is cancelled.", moment(problem.payable_until)),
        ],
        button: Some(Button { label: "Pay again", ..order_button(reader, problem.order_id) }),
        ..Letter::default()
    }
}

fn order_shipped(shipped: &Shipped, reader: &Reader<'_>) -> Letter {
    let number = &shipped.order_number;
    let facts = [("Carrier", &shipped.carrier), ("Tracking number", &shipped.tracking_number)];
    Letter {
        subject: format!("Your order {number} is on its way"),
        summary: "The carrier has your parcel.".into(),
        heading: "On its way".into(),
        paragraphs: vec![format!("The parcel with your order {number} is on its way to you.")],
        facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect(),
        button: Some(order_button(reader, shipped.order_id)),
        ..Letter::default()
    }
}

fn order_cancelled(cancelled: &Cancelled, reader: &Reader<'_>) -> Letter {
    let number = &cancelled.order_number;
    let amount = Money::new(cancelled.total_amount, cancelled.currency);
    let mut paragraphs = vec![format!("Your order {number} was cancelled{}.", cause(cancelled.reason))];
    if cancelled.refund_due {
        // The charge may be under way still, and its outcome unknown.
        paragraphs.push(format!("If {amount} was taken from you, you get all of it back. We tell you when the money is on its way."));
    } else {
        paragraphs.push("No money was taken.".into());
    }
    if cancelled.lines_return {
        paragraphs.push("What you had ordered is in your cart again.".into());
    }
    Letter {
        subject: format!("Your order {number} was cancelled"),
        summary: if cancelled.refund_due { "Whatever was taken from you comes back.".into() } else { "No money was taken.".into() },
        heading: "Order cancelled".into(),
        paragraphs,
        facts: cancelled.note.iter().map(|note| ("Note", note.clone())).collect(),
        button: Some(order_button(reader, cancelled.order_id)),
        ..Letter::default()
    }
}

fn money_refunded(refunded: &Refunded, reader: &Reader<'_>) -> Letter {
    let number = &refunded.order_number;
    let money = |minor| Money::new(minor, refunded.currency);
    let mut paragraphs = vec![format!("We gave {} of your order {number} back to you.", money(refunded.amount))];
    if refunded.in_full {
        paragraphs.push("With that all of what you paid for it is refunded.".into());
    } else if refunded.refunded_amount > refunded.amount {
        paragraphs.push(format!("Together with what was refunded before that makes {}.", money(refunded.refunded_amount)));
    }
    Letter {
        subject: format!("{} refunded for your order {number}", money(refunded.amount)),
        summary: "It takes your bank a few days to show it.".into(),
        heading: "Refund".into(),
        paragraphs,
        button: Some(order_button(reader, refunded.order_id)),
        closing: vec!["It may take your bank a few days to show it.".into()],
        ..Letter::default()
    }
}

/// The text message of a message: short, and without links that a thief of the phone could use.
#[must_use]
pub fn text_message(message: &Message) -> String {
    match message {
        Message::Registered(_) => "Souk: your account is ready.".into(),
        Message::PasswordReset(_) => "Souk: a new password was asked for; see your mail.".into(),
        Message::OrderCreated(bill) => format!("Souk: we received your order {} over {}.", bill.order_number, total(bill)),
        Message::PaymentFailed(problem) => {
            format!(
                "Souk: the payment of your order {} failed. You can pay again until {}.",
                problem.order_number,
                moment(problem.payable_until)
            )
        }
        Message::OrderConfirmed(bill) => format!("Souk: your order {} is confirmed.", bill.order_number),
        Message::Shipped(shipped) => {
            format!("Souk: your order {} is on its way, tracking number {}.", shipped.order_number, shipped.tracking_number)
        }
        Message::Delivered(delivered) => format!("Souk: your order {} was delivered.", delivered.order_number),
        Message::Cancelled(cancelled) => format!("Souk: your order {} was cancelled{}.", cancelled.order_number, cause(cancelled.reason)),
        Message::Refunded(refunded) => {
            format!("Souk: we gave {} of your order {} back to you.", Money::new(refunded.amount, refunded.currency), refunded.order_number)
        }
    }
}

fn order_button(reader: &Reader<'_>, id: OrderId) -> Button {
    Button { label: "See your order", url: format!("{}/orders/{id}", reader.shop_url) }
}

fn total(bill: &Bill) -> Money {
    Money::new(bill.total_amount, bill.currency)
}

fn table(bill: &Bill) -> Table {
    let money = |minor: i64| Money::new(minor, bill.currency).to_string();
    let lines = bill.items.iter().map(|line| TableLine {
        title: line.title_snapshot.clone(),
        detail: format!("{} · {} × {}", line.sku, line.quantity, Money::new(line.unit_price_snapshot, bill.currency)),
        amount: money(line.line_total_amount),
    });
    Table { lines: lines.collect(), sums: sums(bill, bill.currency) }
}

fn sums(bill: &Bill, currency: Currency) -> Vec<(&'static str, String)> {
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let mut sums = vec![("Subtotal", money(bill.subtotal_amount)), ("Shipping", money(bill.shipping_amount))];
    if bill.tax_amount != 0 {
        sums.push(("Tax", money(bill.tax_amount)));
    }
    if bill.discount_amount != 0 {
        sums.push(("Discount", money(-bill.discount_amount)));
    }
    sums.push(("Total", money(bill.total_amount)));
    sums
}

fn address(address: &AddressSnapshot) -> String {
    let AddressSnapshot { country, state, city, zip, street, number, complement } = address;
    let joined = |parts: &[&String]| parts.iter().filter(|part| !part.is_empty()).map(|part| part.as_str()).collect::<Vec<_>>().join(" ");
    let lines = [joined(&[street, number]), joined(&[complement]), joined(&[zip, city]), joined(&[state]), joined(&[country])];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

fn cause(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::CustomerRequest => ", as you asked",
        CancelReason::AdminRequest => " by our staff",
        CancelReason::OutOfStock => " because it is not in stock any more",
        CancelReason::PaymentWindowClosed => " because it was not paid in time",
    }
}

/// The failure as the rest of a sentence.
fn reason_of(failure: &Failure) -> String {
    let title = Code::find(&failure.code).map_or("the payment failed", Code::title);
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// An instant for people: `2026-01-31 09:30 UTC`.
fn moment(instant: Timestamp) -> String {
    let written = instant.to_string();
    match (written.get(..10), written.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => written,
    }
}
