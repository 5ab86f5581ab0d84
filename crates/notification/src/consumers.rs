//! Entry point 2, events: each writes at most one message to a user for each channel, in the transaction of the inbox.
//!
//! Every parcel has one message that it left and one that it arrived, made from the events of its fulfilment. The events of the order
//! make them only where those of the fulfilment are missing, as in events of earlier versions.

mod email_events;
mod reminders;
mod seller_events;

use crate::{
    delivery::worker_of,
    domain::{Contact, OutgoingMessage},
    message::{
        Cancelled, Delivered, Message, OrderSummary, Parcel, ParcelReturned, PartCancelled, PasswordChange, PaymentProblem, Refunded,
        Reset, ReturnLabelNews, ReturnRefund, ReturnRejection, ReviewNews, Shipped, Welcome,
    },
    store,
};
use contracts::{
    auth::{PasswordChanged, PasswordResetRequested, UserRegistered},
    ids::{EventId, FulfilmentId, ShipmentId, UserId},
    notification::Channel,
    order::{
        FulfilmentDelivered, FulfilmentShipped, OrderCancelled, OrderClaimed, OrderConfirmed, OrderCreated, OrderDelivered, OrderItem,
        OrderParcelReturned, OrderPartRefunded, OrderPaymentFailed, OrderShipped, RefundCause,
    },
    payment::PaymentRefunded,
    returns::{ReturnApproved, ReturnRefunded, ReturnRejected},
    review::{ReviewAnswered, ReviewPublished},
    user::{PreferencesChanged, UserUpdated},
};
use platform::{
    db::{Error, Tx},
    inbox::{Consumers, Received},
    personal::is_erased,
};

pub fn all() -> Consumers {
    reminders::add(email_events::add(seller_events::add(Consumers::new())))
        .on::<UserRegistered, _, _>(user_registered)
        .on::<UserUpdated, _, _>(user_updated)
        .on::<PreferencesChanged, _, _>(preferences_changed)
        .on::<PasswordResetRequested, _, _>(password_reset_requested)
        .on::<PasswordChanged, _, _>(password_changed)
        .on::<OrderCreated, _, _>(order_created)
        .on::<OrderPaymentFailed, _, _>(order_payment_failed)
        .on::<OrderConfirmed, _, _>(order_confirmed)
        .on::<OrderShipped, _, _>(order_shipped)
        .on::<OrderDelivered, _, _>(order_delivered)
        .on::<FulfilmentShipped, _, _>(fulfilment_shipped)
        .on::<FulfilmentDelivered, _, _>(fulfilment_delivered)
        .on::<OrderParcelReturned, _, _>(order_parcel_returned)
        .on::<OrderCancelled, _, _>(order_cancelled)
        .on::<OrderPartRefunded, _, _>(order_part_refunded)
        .on::<OrderClaimed, _, _>(order_claimed)
        .on::<PaymentRefunded, _, _>(payment_refunded)
        .on::<ReturnApproved, _, _>(return_approved)
        .on::<ReturnRejected, _, _>(return_rejected)
        .on::<ReturnRefunded, _, _>(return_refunded)
        .on::<ReviewPublished, _, _>(review_published)
        .on::<ReviewAnswered, _, _>(review_answered)
        .on_rewind("user", store::forget_numbers)
}

async fn user_registered(tx: &mut Tx, received: Received<UserRegistered>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    store::put_registered(tx, &event).await?;
    let message = Message::Registered(Welcome { name: event.name });
    NewMessage { recipient: Some(&event.email), ..NewMessage::of(event_id, event.user_id, message) }.write(tx).await
}

async fn user_updated(tx: &mut Tx, received: Received<UserUpdated>) -> Result<(), Error> {
    store::put_profile(tx, &received, received.sequence).await
}

async fn preferences_changed(tx: &mut Tx, received: Received<PreferencesChanged>) -> Result<(), Error> {
    store::put_preferences(tx, &received, received.sequence).await
}

async fn password_reset_requested(tx: &mut Tx, received: Received<PasswordResetRequested>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let message = Message::PasswordReset(Reset { expires_at: event.expires_at });
    let new_message = NewMessage::of(event_id, event.user_id, message);
    NewMessage { recipient: Some(&event.email), sealed_token: Some(&event.sealed_token), ..new_message }.write(tx).await
}

async fn password_changed(tx: &mut Tx, received: Received<PasswordChanged>) -> Result<(), Error> {
    let Received { event, event_id, occurred_at, .. } = received;
    if event.by_reset {
        // The token of the reset was in a mail to this address.
        store::mark_verified(tx, event.user_id, &event.email).await?;
    }
    let message = Message::PasswordChanged(PasswordChange { by_reset: event.by_reset, changed_at: occurred_at });
    NewMessage { recipient: Some(&event.email), ..NewMessage::of(event_id, event.user_id, message) }.write(tx).await
}

async fn order_created(tx: &mut Tx, received: Received<OrderCreated>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let message = Message::OrderCreated(OrderSummary {
        order_id: event.order_id,
        order_number: event.order_number,
        currency: event.currency,
        items: event.items.into_iter().map(Into::into).collect(),
        subtotal_amount: event.subtotal_amount,
        shipping_amount: event.shipping_amount,
        tax_amount: event.tax_amount,
        prices_include_tax: event.prices_include_tax,
        discount_amount: event.discount_amount,
        total_amount: event.total_amount,
        shipping_address_snapshot: event.shipping_address_snapshot,
    });
    NewMessage::of(event_id, event.user_id, message).write(tx).await
}

async fn order_payment_failed(tx: &mut Tx, received: Received<OrderPaymentFailed>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let message = Message::PaymentFailed(PaymentProblem {
        order_id: event.order_id,
        order_number: event.order_number,
        currency: event.currency,
        total_amount: event.total_amount,
        failure: event.failure,
        payable_until: event.payable_until,
    });
    NewMessage::of(event_id, event.user_id, message).write(tx).await
}

async fn order_confirmed(tx: &mut Tx, received: Received<OrderConfirmed>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let message = Message::OrderConfirmed(OrderSummary {
        order_id: event.order_id,
        order_number: event.order_number,
        currency: event.currency,
        items: event.items.into_iter().map(Into::into).collect(),
        subtotal_amount: event.subtotal_amount,
        shipping_amount: event.shipping_amount,
        tax_amount: event.tax_amount,
        prices_include_tax: event.prices_include_tax,
        discount_amount: event.discount_amount,
        total_amount: event.total_amount,
        shipping_address_snapshot: event.shipping_address_snapshot,
    });
    NewMessage::of(event_id, event.user_id, message).write(tx).await
}

async fn order_shipped(tx: &mut Tx, received: Received<OrderShipped>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let OrderShipped { order_id, order_number, user_id, fulfilment_id, shipment_id, carrier, tracking_number, .. } = event;
    if fulfilment_id.is_some() {
        return Ok(());
    }
    let parcel = Parcel { shipment_id: Some(shipment_id), ..Parcel::default() };
    let message = Message::Shipped(Shipped { order_id, order_number, parcel, carrier, tracking_number });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn order_delivered(tx: &mut Tx, received: Received<OrderDelivered>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let OrderDelivered { order_id, order_number, user_id, fulfilment_id, shipment_id, .. } = event;
    if fulfilment_id.is_some() {
        return Ok(());
    }
    let parcel = Parcel { shipment_id: Some(shipment_id), ..Parcel::default() };
    let message = Message::Delivered(Delivered { order_id, order_number, parcel });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn fulfilment_shipped(tx: &mut Tx, received: Received<FulfilmentShipped>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let FulfilmentShipped { order_id, order_number, user_id, items, fulfilment_count, shipment_id, carrier, tracking_number, .. } = event;
    let parcel = parcel(shipment_id, items, fulfilment_count);
    let message = Message::Shipped(Shipped { order_id, order_number, parcel, carrier, tracking_number });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn fulfilment_delivered(tx: &mut Tx, received: Received<FulfilmentDelivered>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let FulfilmentDelivered { order_id, order_number, user_id, items, fulfilment_count, shipment_id, .. } = event;
    let parcel = parcel(shipment_id, items, fulfilment_count);
    let message = Message::Delivered(Delivered { order_id, order_number, parcel });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

fn parcel(shipment_id: ShipmentId, items: Vec<OrderItem>, fulfilment_count: u32) -> Parcel {
    Parcel { shipment_id: Some(shipment_id), items: items.into_iter().map(Into::into).collect(), is_part: fulfilment_count > 1 }
}

async fn order_parcel_returned(tx: &mut Tx, received: Received<OrderParcelReturned>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let is_refunded = event.refunded_amount >= event.total_amount;
    let OrderParcelReturned { order_id, order_number, carrier, tracking_number, .. } = event;
    let message = Message::ParcelReturned(ParcelReturned { order_id, order_number, carrier, tracking_number, is_refunded });
    NewMessage::of(event_id, event.user_id, message).write(tx).await
}

async fn order_cancelled(tx: &mut Tx, received: Received<OrderCancelled>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let message = Message::Cancelled(Cancelled {
        order_id: event.order_id,
        order_number: event.order_number,
        reason: event.reason,
        note: event.note,
        currency: event.currency,
        total_amount: event.total_amount,
        refund_due: event.refund_due,
        lines_return: event.lines_return,
    });
    NewMessage::of(event_id, event.user_id, message).write(tx).await
}

/// A part that was cancelled while its whole order was being cancelled was not announced to the customer. When a parcel that left
/// ended that request, the refund of the part announces it.
async fn order_part_refunded(tx: &mut Tx, received: Received<OrderPartRefunded>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let OrderPartRefunded { order_id, order_number, user_id, cause, cause_id, currency, amount, .. } = event;
    if cause != RefundCause::Fulfilment {
        return Ok(());
    }
    let message = Message::PartCancelled(PartCancelled {
        order_id,
        order_number,
        fulfilment_id: FulfilmentId(cause_id),
        items: Vec::new(),
        reason: None,
        note: None,
        currency,
        refund_amount: amount,
    });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn order_claimed(tx: &mut Tx, received: Received<OrderClaimed>) -> Result<(), Error> {
    store::set_user(tx, received.order_id, received.guest_id, received.user_id).await
}

async fn payment_refunded(tx: &mut Tx, received: Received<PaymentRefunded>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let message = Message::Refunded(Refunded {
        order_id: event.order_id,
        order_number: event.order_number,
        currency: event.currency,
        amount: event.amount,
        refunded_amount: event.refunded_amount,
        in_full: event.in_full,
    });
    NewMessage::of(event_id, event.user_id, message).write(tx).await
}

async fn return_approved(tx: &mut Tx, received: Received<ReturnApproved>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let ReturnApproved { return_id, order_id, order_number, user_id, carrier, tracking_number, send_until, .. } = event;
    let carrier = carrier.to_string();
    let message = Message::ReturnApproved(ReturnLabelNews { return_id, order_id, order_number, carrier, tracking_number, send_until });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn return_rejected(tx: &mut Tx, received: Received<ReturnRejected>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let ReturnRejected { return_id, order_id, order_number, user_id, reason, .. } = event;
    let message = Message::ReturnRejected(ReturnRejection { return_id, order_id, order_number, reason });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn return_refunded(tx: &mut Tx, received: Received<ReturnRefunded>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let ReturnRefunded { return_id, order_id, order_number, user_id, currency, refunded_amount, .. } = event;
    let message = Message::ReturnRefunded(ReturnRefund { return_id, order_id, order_number, currency, refunded_amount });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn review_published(tx: &mut Tx, received: Received<ReviewPublished>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let ReviewPublished { review_id, product_id, title_snapshot, user_id, .. } = event;
    let message = Message::ReviewPublished(ReviewNews { review_id, product_id, title_snapshot });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

async fn review_answered(tx: &mut Tx, received: Received<ReviewAnswered>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let ReviewAnswered { review_id, product_id, title_snapshot, user_id, .. } = event;
    let message = Message::ReviewAnswered(ReviewNews { review_id, product_id, title_snapshot });
    NewMessage::of(event_id, user_id, message).write(tx).await
}

/// A message before its channels are chosen.
struct NewMessage<'a> {
    event_id: EventId,
    user_id: UserId,
    message: Message,
    /// The address in the event, for mails that go to this address only: registrations and password resets.
    recipient: Option<&'a str>,
    sealed_token: Option<&'a str>,
}

impl NewMessage<'_> {
    fn of(event_id: EventId, user_id: UserId, message: Message) -> Self {
        NewMessage { event_id, user_id, message, recipient: None, sealed_token: None }
    }

    /// Writes one message for each channel of the user.
    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        if is_erased(tx, self.user_id.into()).await? {
            return Ok(());
        }
        if let Some(order) = self.message.order_id().filter(|_| self.user_id.is_guest())
            && is_erased(tx, order.into()).await?
        {
            return Ok(());
        }
        let contact = store::find_contact(tx, self.user_id).await?.unwrap_or_else(|| Contact::unknown(self.user_id));
        for channel in contact.channels(self.message.kind()) {
            let by_mail = |text: Option<&str>| text.filter(|_| channel == Channel::Email).map(str::to_owned);
            let outgoing = OutgoingMessage {
                notification_id: tx.new_id(),
                event_id: self.event_id,
                correlation_id: tx.context().correlation_id.to_string(),
                user_id: self.user_id,
                order_id: self.message.order_id(),
                kind: self.message.kind(),
                channel,
                payload: self.message.payload(),
                sealed_token: by_mail(self.sealed_token),
                recipient: by_mail(self.recipient),
                name: None,
                guest_token: None,
                attempts: 0,
                tries: 0,
                resends: 0,
                created_at: tx.now(),
            };
            let resumes_at = contact.webhook_resumes_at.filter(|_| channel == Channel::Webhook);
            store::insert(tx, &outgoing, self.message.subject_id(), resumes_at.map_or(tx.now(), |resumes_at| resumes_at.max(tx.now())))
                .await?;
            tx.notify_worker(worker_of(channel));
        }
        Ok(())
    }
}
