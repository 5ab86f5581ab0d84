//! Everything about an order that other services keep.

use super::{
    AdminRequest, admin_ledger, admin_messages,
    screens::{Row, Table},
};
use contracts::{
    audit::{DomainEvent, LIST_AUDIT_EVENTS},
    ids::{ReturnId, UserId},
    notification::LIST_ALL_NOTIFICATIONS,
    order::OrderView,
    payment::{GET_PAYMENT, LIST_PAYMENTS, Payment},
    payout::LIST_POSTINGS,
    returns::{GET_RETURN, Return},
    seller::{GET_SELLER, PublicSeller},
    shipping::{LIST_SHIPMENTS_OF_ORDER, Shipment},
    user::{GET_USER, User},
};
use std::collections::{BTreeMap, BTreeSet};

/// What the page reads at most of each kind.
const EVENTS: usize = 100;
const POSTINGS: usize = 50;
const MESSAGES: usize = 100;
/// Payments, people, sellers and returns of one order that are looked up.
const LOOKED_UP: usize = 8;

/// The first of a set that are looked up.
fn distinct<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect::<BTreeSet<_>>().into_iter().take(LOOKED_UP).collect()
}

/// Everything about an order that is kept elsewhere. What does not answer is left out.
pub struct Beside {
    pub payments: Vec<Payment>,
    pub shipments: Vec<Shipment>,
    pub events: Vec<DomainEvent>,
    pub has_more_events: bool,
    pub people: BTreeMap<UserId, User>,
    pub sellers: BTreeMap<UserId, PublicSeller>,
    pub returns: Vec<Return>,
    pub postings: Table,
    pub messages: Table,
}

pub async fn beside(request: &AdminRequest, order: &OrderView) -> Beside {
    let id = order.order_id;
    let payments = async {
        let listed = request.call(&LIST_PAYMENTS).query("orderId", id).query("limit", LOOKED_UP).send().await;
        let mut found = Vec::new();
        for payment in listed.map(|page| page.items).unwrap_or_default() {
            found.extend(request.call(&GET_PAYMENT).path(payment.payment_id).send().await.ok());
        }
        found
    };
    let shipments = request.call(&LIST_SHIPMENTS_OF_ORDER).path(id).query("limit", EVENTS).send();
    let events = request.call(&LIST_AUDIT_EVENTS).query("orderId", id).query("limit", EVENTS).send();
    let postings = request.call(&LIST_POSTINGS).query("orderId", id).query("limit", POSTINGS).send();
    let messages = request.call(&LIST_ALL_NOTIFICATIONS).query("userId", order.user_id).query("limit", MESSAGES).send();
    let (payments, shipments, events, postings, messages) = tokio::join!(payments, shipments, events, postings, messages);

    let (events, has_more_events) = events.map(|page| (page.items, page.next_cursor.is_some())).unwrap_or_default();
    let people = async {
        let mut found = BTreeMap::new();
        let named = std::iter::once(order.user_id).chain(events.iter().filter_map(|event| event.actor_id));
        for id in distinct(named.filter(|id| !id.is_guest())) {
            found.extend(request.call(&GET_USER).path(id).send().await.ok().map(|user| (id, user)));
        }
        found
    };
    let sellers = async {
        let mut found = BTreeMap::new();
        for id in distinct(order.fulfilments.iter().filter_map(|part| part.seller_id)) {
            found.extend(request.call(&GET_SELLER).path(id).send().await.ok().map(|seller| (id, seller)));
        }
        found
    };
    let returns = async {
        let mut found = Vec::new();
        let of_order = events.iter().filter(|event| event.aggregate_type == "RETURN");
        for id in distinct(of_order.map(|event| ReturnId(event.aggregate_id))) {
            found.extend(request.call(&GET_RETURN).path(id).send().await.ok());
        }
        found
    };
    let (people, sellers, returns) = tokio::join!(people, sellers, returns);
    let of_order = |message: &&contracts::notification::Notification| {
        let is = |name: &str, wanted: &str| message.payload[name].as_str() == Some(wanted);
        is("orderNumber", &order.order_number) || is("orderId", &id.to_string())
    };
    let messages = messages.map(|page| page.items).unwrap_or_default();
    let rows = messages.iter().filter(of_order).map(|message| Row::of(admin_messages::cells(request, message, false)));
    let messages = Table {
        id: "messages",
        title: request.t.messages,
        heads: admin_messages::heads(request, false),
        rows: rows.collect(),
        empty: request.t.no_messages,
        ..Table::default()
    };
    Beside {
        payments,
        shipments: shipments.map(|page| page.items).unwrap_or_default(),
        has_more_events,
        people,
        sellers,
        returns,
        postings: admin_ledger::table(request, &postings.map(|page| page.items).unwrap_or_default(), false).await,
        messages,
        events,
    }
}
