//! The texts about the parcels of an order, and about a part that will not come.

use super::{EmailContent, Recipient, cause, see_order, units};
use crate::message::{Delivered, Parcel, ParcelReturned, PartCancelled, Shipped};
use contracts::money::Money;

/// What the customer of an order of several parcels has to know about one of them.
fn of_several(parcel: &Parcel) -> Option<String> {
    parcel.is_part.then(|| "It is a part of your order. The other parts have parcels of their own.".to_owned())
}

fn in_parcel(parcel: &Parcel) -> Option<(&'static str, String)> {
    units("In the parcel", &parcel.items)
}

pub fn order_shipped(shipped: &Shipped, recipient: &Recipient<'_>) -> EmailContent {
    let number = &shipped.order_number;
    let which = if shipped.parcel.is_part { "A parcel of your" } else { "Your" };
    let facts = [("Carrier", &shipped.carrier), ("Tracking number", &shipped.tracking_number)];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone()));
    let sentence = match shipped.parcel.is_part {
        true => format!("A parcel of your order {number} is on its way to you."),
        false => format!("The parcel with your order {number} is on its way to you."),
    };
    EmailContent {
        subject: format!("{which} order {number} is on its way"),
        summary: "The carrier has your parcel.".into(),
        heading: "On its way".into(),
        paragraphs: [Some(sentence), of_several(&shipped.parcel)].into_iter().flatten().collect(),
        facts: in_parcel(&shipped.parcel).into_iter().chain(facts).collect(),
        step: Some(see_order(recipient, shipped.order_id)),
        ..EmailContent::default()
    }
}

pub fn order_delivered(delivered: &Delivered, recipient: &Recipient<'_>) -> EmailContent {
    let number = &delivered.order_number;
    let which = if delivered.parcel.is_part { "A parcel of your" } else { "Your" };
    let sentence = match delivered.parcel.is_part {
        true => format!("A parcel of your order {number} was delivered. Enjoy it!"),
        false => format!("The parcel with your order {number} was delivered. Enjoy it!"),
    };
    EmailContent {
        subject: format!("{which} order {number} was delivered"),
        summary: "The carrier says that your parcel arrived.".into(),
        heading: "Delivered".into(),
        paragraphs: [Some(sentence), of_several(&delivered.parcel)].into_iter().flatten().collect(),
        facts: in_parcel(&delivered.parcel).into_iter().collect(),
        step: Some(see_order(recipient, delivered.order_id)),
        ..EmailContent::default()
    }
}

pub fn part_cancelled(cancelled: &PartCancelled, recipient: &Recipient<'_>) -> EmailContent {
    let number = &cancelled.order_number;
    let amount = Money::new(cancelled.refund_amount, cancelled.currency);
    let note = cancelled.note.iter().filter(|_| recipient.name.is_some()).map(|note| ("Note", note.clone()));
    let mut paragraphs =
        vec![format!("A part of your order {number} was cancelled{}. The rest is not affected.", cancelled.reason.map_or("", cause))];
    if cancelled.refund_amount > 0 {
        paragraphs.push(format!("You get {amount} back for it, with its share of shipping and taxes."));
    }
    EmailContent {
        subject: format!("A part of your order {number} was cancelled"),
        summary: "The rest of your order is not affected.".into(),
        heading: "A part was cancelled".into(),
        paragraphs,
        facts: units("Cancelled", &cancelled.items).into_iter().chain(note).collect(),
        step: Some(see_order(recipient, cancelled.order_id)),
        ..EmailContent::default()
    }
}

pub fn parcel_returned(returned: &ParcelReturned, recipient: &Recipient<'_>) -> EmailContent {
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
