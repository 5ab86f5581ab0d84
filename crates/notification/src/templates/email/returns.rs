//! The texts about returns and reviews.

use super::{API, EmailContent, How, NextStep, Recipient, moment, see_order};
use crate::{
    domain::one_line,
    message::{ReturnLabelNews, ReturnRefund, ReturnRejection, ReviewNews},
};
use contracts::money::Money;

pub fn return_approved(label: &ReturnLabelNews, recipient: &Recipient<'_>) -> EmailContent {
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

pub fn return_rejected(rejection: &ReturnRejection, recipient: &Recipient<'_>) -> EmailContent {
    let number = &rejection.order_number;
    EmailContent {
        subject: format!("The return of your order {number} was rejected"),
        summary: "Your return shows the reason.".into(),
        heading: "Your return was rejected".into(),
        paragraphs: vec![format!("The return of goods of your order {number} was rejected.")],
        // A seller typed it, who need not be honest.
        facts: recipient.name.iter().map(|_| ("Reason", one_line(&rejection.reason, 200))).collect(),
        step: Some(see_order(recipient, rejection.order_id)),
        ..EmailContent::default()
    }
}

pub fn return_refunded(refund: &ReturnRefund, recipient: &Recipient<'_>) -> EmailContent {
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

pub fn review_news(review: &ReviewNews, recipient: &Recipient<'_>, subject: String, text: &str) -> EmailContent {
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
