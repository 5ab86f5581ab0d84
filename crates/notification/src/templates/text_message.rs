//! The text of each message for phones.

use super::email::{cause, moment, total};
use crate::{domain::one_line, message::Message};
use contracts::money::Money;

/// Returns the text message of a message. It is short and has no links, which anyone with the phone could use.
#[must_use]
pub fn text_message(message: &Message) -> String {
    match message {
        Message::Registered(_) => "Souk: your account is ready.".into(),
        Message::PasswordReset(_) => "Souk: a new password was asked for; see your mail.".into(),
        Message::PasswordChanged(_) => "Souk: your password was changed. If it was not you, set a new one.".into(),
        Message::EmailVerification(_) | Message::EmailChangeRequested(_) | Message::EmailChanged(_) => "Souk: see your mail.".into(),
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
            let what = if shipped.parcel.is_part { "a parcel of your" } else { "your" };
            format!("Souk: {what} order {} is on its way, tracking number {}.", shipped.order_number, shipped.tracking_number)
        }
        Message::Delivered(delivered) => {
            let what = if delivered.parcel.is_part { "a parcel of your" } else { "your" };
            format!("Souk: {what} order {} was delivered.", delivered.order_number)
        }
        Message::ParcelReturned(returned) => format!("Souk: the parcel of your order {} came back to us.", returned.order_number),
        Message::Cancelled(cancelled) => format!("Souk: your order {} was cancelled{}.", cancelled.order_number, cause(cancelled.reason)),
        Message::PartCancelled(cancelled) => format!("Souk: a part of your order {} was cancelled.", cancelled.order_number),
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
        Message::BackInStock(news) => format!("Souk: {} can be bought again.", one_line(&news.title_snapshot, 60)),
        Message::CartAbandoned(_) => "Souk: you left something in your cart. To get no such messages, change your preferences.".into(),
        Message::SellerApproved(_) => "Souk: your application is accepted. You can sell now.".into(),
        Message::SellerRejected(_) => "Souk: your application to sell was turned down; see your mail.".into(),
        Message::SellerSuspended(_) => "Souk: you are suspended as a seller; see your mail.".into(),
        Message::SellerReinstated(_) => "Souk: your suspension ended. Your products are on sale again.".into(),
        Message::NewSale(sale) => {
            let units: u32 = sale.items.iter().map(|line| line.quantity).sum();
            let money = Money::new(sale.total_amount, sale.currency);
            format!("Souk: new sale {}, units: {units}, {money}. Please ship it.", sale.order_number)
        }
        Message::SaleCancelled(ended) => format!("Souk: the sale {} was cancelled. Do not ship it.", ended.order_number),
        Message::SaleParcelReturned(ended) => format!("Souk: the parcel of your sale {} came back.", ended.order_number),
        Message::PayoutPaid(payout) => format!("Souk: we paid {} out to you.", Money::new(payout.amount, payout.currency)),
        Message::PayoutFailed(payout) => {
            format!("Souk: the payout of {} failed. The money is available again.", Money::new(payout.amount, payout.currency))
        }
        Message::PayoutAccountChanged(_) => "Souk: your payout account was changed. If it was not you, set a new password.".into(),
    }
}
