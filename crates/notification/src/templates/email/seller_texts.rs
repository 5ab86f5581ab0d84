//! The texts for sellers.

use super::{EmailContent, Recipient, Sums, account::forgotten_password, cause, moment, see, see_at, table_of, units};
use crate::{
    domain::one_line,
    message::{PayoutAccountChange, PayoutNews, Sale, SaleEnded, SellerNews},
};
use contracts::{ids::FulfilmentId, money::Money, payout::PayoutFailure};

pub fn approved(recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "You can sell on Souk".into(),
        summary: "Your application is accepted.".into(),
        heading: "Your application is accepted".into(),
        paragraphs: vec!["Your application is accepted. From your next login on you can put products on sale.".into()],
        step: Some(see_record(recipient)),
        ..EmailContent::default()
    }
}

pub fn rejected(news: &SellerNews, recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "Your application to sell was turned down".into(),
        summary: "You can change it and apply again.".into(),
        heading: "Your application was turned down".into(),
        paragraphs: vec!["Your application to sell was turned down. You can change it and apply again.".into()],
        facts: reason(news, recipient),
        step: Some(see_record(recipient)),
        ..EmailContent::default()
    }
}

pub fn suspended(news: &SellerNews, recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "You are suspended as a seller".into(),
        summary: "Your products are off sale, and your payouts are held.".into(),
        heading: "You are suspended".into(),
        paragraphs: vec![
            "Our staff suspended you as a seller. Your products are off sale, and your payouts are held.".into(),
            "Please ship what was ordered before: those orders go on.".into(),
        ],
        facts: reason(news, recipient),
        step: Some(see_record(recipient)),
        ..EmailContent::default()
    }
}

pub fn reinstated(recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "Your suspension ended".into(),
        summary: "Your products are on sale again.".into(),
        heading: "Your suspension ended".into(),
        paragraphs: vec!["Your suspension ended. What was on sale before is on sale again, and payouts go on.".into()],
        step: Some(see_record(recipient)),
        ..EmailContent::default()
    }
}

/// An administrator typed it, for the person behind the application. Whether the address is that person's is not known before it is
/// verified.
fn reason(news: &SellerNews, recipient: &Recipient<'_>) -> Vec<(&'static str, String)> {
    let verified = news.reason.as_ref().filter(|_| recipient.name.is_some());
    verified.map(|reason| ("Reason", one_line(reason, 200))).into_iter().collect()
}

pub fn new_sale(sale: &Sale, recipient: &Recipient<'_>) -> EmailContent {
    let number = &sale.order_number;
    let sums = Sums {
        subtotal_amount: sale.subtotal_amount,
        shipping_amount: sale.shipping_amount,
        tax_amount: sale.tax_amount,
        prices_include_tax: sale.prices_include_tax,
        discount_amount: sale.discount_amount,
        total_amount: sale.total_amount,
    };
    EmailContent {
        subject: format!("New sale: order {number}"),
        summary: format!("{} were paid. Please ship it.", Money::new(sale.total_amount, sale.currency)),
        heading: "You sold something".into(),
        paragraphs: vec![format!("A customer bought these goods of yours with the order {number} and paid for them. Please ship them.")],
        order_table: Some(table_of(&sale.items, &sums, sale.currency)),
        step: Some(see_fulfilment(recipient, sale.fulfilment_id)),
        ..EmailContent::default()
    }
}

pub fn sale_cancelled(ended: &SaleEnded, recipient: &Recipient<'_>) -> EmailContent {
    let number = &ended.order_number;
    // The sentences of other messages address the customer.
    let by = match ended.reason {
        Some(contracts::order::CancelReason::CustomerRequest) => " by the customer",
        Some(contracts::order::CancelReason::SellerRequest) => ", as you asked",
        other => other.map_or("", cause),
    };
    EmailContent {
        subject: format!("The sale of order {number} was cancelled"),
        summary: "Do not ship it.".into(),
        heading: "A sale was cancelled".into(),
        paragraphs: vec![format!("Your part of the order {number} was cancelled{by}. Do not ship it: its units are on sale again.")],
        facts: units("Goods", &ended.items).into_iter().collect(),
        step: Some(see_fulfilment(recipient, ended.fulfilment_id)),
        ..EmailContent::default()
    }
}

pub fn parcel_returned(ended: &SaleEnded, recipient: &Recipient<'_>) -> EmailContent {
    let number = &ended.order_number;
    let tracking = ended.tracking_number.iter().map(|number| ("Tracking number", number.clone()));
    EmailContent {
        subject: format!("The parcel of order {number} came back"),
        summary: "The carrier could not deliver it.".into(),
        heading: "A parcel came back".into(),
        paragraphs: vec![format!(
            "The carrier brought back the parcel with your part of the order {number}. Record what arrived with its return, so that the \
             customer gets the money back and the stock is right."
        )],
        facts: units("In the parcel", &ended.items).into_iter().chain(tracking).collect(),
        step: Some(see(recipient, "See your returns", "/seller/returns")),
        ..EmailContent::default()
    }
}

pub fn payout_paid(payout: &PayoutNews, recipient: &Recipient<'_>) -> EmailContent {
    let money = Money::new(payout.amount, payout.currency);
    EmailContent {
        subject: format!("{money} paid out to you"),
        summary: "It takes your bank a few days to show it.".into(),
        heading: "Payout".into(),
        paragraphs: vec![format!("We paid {money} of your balance out to your account.")],
        step: Some(see(recipient, "See your payouts", "/seller/payouts")),
        closing: vec!["It may take your bank a few days to show it.".into()],
        ..EmailContent::default()
    }
}

pub fn payout_failed(payout: &PayoutNews, recipient: &Recipient<'_>) -> EmailContent {
    let money = Money::new(payout.amount, payout.currency);
    let why = match payout.failure {
        Some(PayoutFailure::AccountMissing) => "there is no payout account in your record",
        Some(PayoutFailure::Refused) | None => "your bank refused the transfer",
    };
    EmailContent {
        subject: format!("The payout of {money} failed"),
        summary: "The money is available again.".into(),
        heading: "A payout failed".into(),
        paragraphs: vec![
            format!("We could not pay {money} out to your account: {why}."),
            "The money is in your available balance again and goes out with a later payout. Please check your payout account.".into(),
        ],
        step: Some(see_record(recipient)),
        ..EmailContent::default()
    }
}

pub fn payout_account_changed(change: &PayoutAccountChange, recipient: &Recipient<'_>) -> EmailContent {
    EmailContent {
        subject: "Your payout account was changed".into(),
        summary: "If it was you, you need not do anything.".into(),
        heading: "Your payout account was changed".into(),
        paragraphs: vec![
            format!("The account that your money is paid out to was changed on {}.", moment(change.changed_at)),
            format!("To be safe, nothing is paid out before {}.", moment(change.payouts_held_until)),
            "If it was you, you need not do anything. If not, set a new password now, and then your account again.".into(),
        ],
        step: Some(forgotten_password(recipient)),
        ..EmailContent::default()
    }
}

fn see_fulfilment(recipient: &Recipient<'_>, id: FulfilmentId) -> super::NextStep {
    see(recipient, "See what to ship", &format!("/seller/fulfilments/{id}"))
}

fn see_record(recipient: &Recipient<'_>) -> super::NextStep {
    see_at(recipient, "See your record", "/seller", "/sellers/me")
}
