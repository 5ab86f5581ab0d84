//! The orders, reviews, promotions, returns and payouts of the demo, so that a newcomer sees a marketplace in motion.
//!
//! Everything is done by the public API, by the persons who would do it. Each step looks whether it was done before, so that the next
//! start completes an interrupted one and makes nothing twice.

use super::{ADMIN, CUSTOMER, DemoSummary, REVIEWERS, SELLER_PASSWORD, catalogue};
use crate::api_client::{Api, ApiRequest, add_to_cart, place_order, request, sample_address};
use anyhow::{Context as _, Result, bail};
use contracts::{
    cart::CLEAR_CART,
    catalog::{GET_PRODUCT_BY_SKU, GET_TAX_RATES, PUT_TAX_RATES},
    ids::{AddressId, OrderId, ProductId},
    order::{FulfilmentStatus, GET_ORDER, LIST_FULFILMENTS, LIST_ORDERS, OrderStatus, OrderView, SHIP_FULFILMENT},
    payment::PaymentMethod,
    payout::{LIST_ALL_PAYOUTS, LIST_LEDGER_ACCOUNTS, LedgerAccount, Payout, PayoutStatus, RUN_PAYOUTS},
    promotion::{ACTIVATE_PROMOTION, CREATE_PROMOTION, LIST_PROMOTIONS, PromotionStatus},
    returns::{APPROVE_RETURN, GET_RETURN, LIST_RETURNS, RECEIVE_RETURN, REQUEST_RETURN, Return, ReturnStatus},
    review::{ANSWER_REVIEW, LIST_OWN_REVIEWS, ModerateReview, PUBLISH_REVIEW, Review, ReviewStatus, WRITE_REVIEW},
    shipping::{LIST_SHIPMENTS_OF_ORDER, RECORD_SHIPMENT_EVENT, RecordShipmentEvent, ShipmentStatus},
    user::{ADD_ADDRESS, GET_PROFILE, LIST_ADDRESSES},
};
use platform::env::Env;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// The code that the greeting names.
pub const COUPON: &str = "WELCOME10";
/// How long a step that follows from events may take, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(20);

/// A person with an account and an address.
struct Shopper {
    api: Api,
    address: AddressId,
}

/// Plays the story to its end.
pub async fn play(guest: &Api, summary: &DemoSummary) -> Result<()> {
    let Some(first) = &summary.first else { return Ok(()) };
    let admin = guest.log_in(ADMIN).await.context("the demo's administrator cannot log in")?;
    let [home, garden, photo, makers] = goods(guest).await?;
    let (customer, noor, jonas) = tokio::try_join!(
        shopper(guest, CUSTOMER, "Demo customer"),
        shopper(guest, REVIEWERS[0], "Noor"),
        shopper(guest, REVIEWERS[1], "Jonas")
    )?;
    promotions(&admin).await?;
    tax_rates(&admin).await?;

    let several = async {
        customer.order(&[(first.product_id, 1)], "demo-first-order").await?;
        customer.order(&[(home, 1), (photo, 1), (makers, 2)], "demo-order-of-three-sellers").await
    };
    let (goods_of_noor, goods_of_jonas) = ([(home, 1), (garden, 2)], [(home, 1), (photo, 1)]);
    let (several, of_noor, of_jonas) =
        tokio::try_join!(several, noor.order(&goods_of_noor, "demo-order-of-noor"), jonas.order(&goods_of_jonas, "demo-order-of-jonas"),)?;
    tokio::try_join!(ship_part(guest, &several), deliver(&admin, &noor, &of_noor), deliver(&admin, &jonas, &of_jonas))?;

    let seller = guest.log_in(("home@souk.example", SELLER_PASSWORD)).await?;
    tokio::try_join!(
        reviews(&admin, &seller, [&noor, &jonas], [home, garden]),
        finished_return(&admin, &noor, &of_noor, garden),
        return_under_way(&admin, &jonas, &of_jonas, photo),
        payout(&admin),
    )?;
    Ok(())
}

/// Returns a product of four sellers each that suits an order.
async fn goods(guest: &Api) -> Result<[ProductId; 4]> {
    let products = catalogue::products()?;
    let mut found = Vec::new();
    for seller in ["casa-home", "green-terrace", "lumen-photo", "workbench"] {
        let product =
            products.iter().find(|product| product.is_of(seller) && product.suits_an_order()).context("a product of each seller")?;
        found.push(guest.must(request(&GET_PRODUCT_BY_SKU).path(&product.sku)).await?.product_id);
    }
    found.try_into().ok().context("four products")
}

/// Logs a person in, who is registered at the first time.
async fn shopper(guest: &Api, account: (&str, &str), name: &str) -> Result<Shopper> {
    let api = match guest.log_in(account).await {
        Ok(api) => api,
        Err(_) => guest.register(account, name).await.with_context(|| format!("{} has no account", account.0))?,
    };
    let address = match api.list(request(&LIST_ADDRESSES), 1).await?.pop() {
        Some(address) => address,
        None => api.must(request(&ADD_ADDRESS).body(&sample_address())).await?,
    };
    Ok(Shopper { api, address: address.address_id })
}

impl Shopper {
    /// Returns the confirmed order of these products, which is placed unless there is one.
    async fn order(&self, goods: &[(ProductId, i64)], key: &str) -> Result<OrderView> {
        let wanted: BTreeSet<ProductId> = goods.iter().map(|(product, _)| *product).collect();
        let placed = self.api.list(request(&LIST_ORDERS), 1_000).await?.into_iter().find(|order| {
            order.status != OrderStatus::Cancelled && order.items.iter().map(|item| item.product_id).collect::<BTreeSet<_>>() == wanted
        });
        let id: OrderId = match placed {
            Some(order) => order.order_id,
            None => {
                self.api.must(request(&CLEAR_CART)).await?;
                for (product, quantity) in goods {
                    self.api.must(add_to_cart(*product, *quantity)).await?;
                }
                self.api.must(place_order(self.address, PaymentMethod::Ok, key).wait()).await?.order_id
            }
        };
        let waiting = [OrderStatus::PendingPayment, OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved];
        until(&self.api, request(&GET_ORDER).path(id), "confirmed", |order| !waiting.contains(&order.status)).await
    }
}

/// Tax rates of countries that the demo ships to, as far as a visitor is likely to try them. An administrator's table stays.
async fn tax_rates(admin: &Api) -> Result<()> {
    if !admin.must(request(&GET_TAX_RATES)).await?.items.is_empty() {
        return Ok(());
    }
    let rates = [
        ("DE", None, "STANDARD", 1_900),
        ("DE", None, "REDUCED", 700),
        ("AT", None, "STANDARD", 2_000),
        ("AT", None, "REDUCED", 1_000),
        ("FR", None, "STANDARD", 2_000),
        ("FR", None, "REDUCED", 550),
        ("NL", None, "STANDARD", 2_100),
        ("NL", None, "REDUCED", 900),
        ("GB", None, "STANDARD", 2_000),
        ("JP", None, "STANDARD", 1_000),
        ("US", Some("CA"), "STANDARD", 725),
        ("US", Some("CA"), "SHIPPING", 0),
        ("US", Some("TX"), "STANDARD", 825),
    ];
    let items =
        rates.map(|(country, state, class, points)| json!({"country": country, "state": state, "taxClass": class, "basisPoints": points}));
    admin.must(body(request(&PUT_TAX_RATES), json!({"items": items}))).await?;
    Ok(())
}

/// Two promotions: one that applies by itself, and one with a code.
async fn promotions(admin: &Api) -> Result<()> {
    let wanted = [
        json!({"title": "Free shipping from 100 EUR", "kind": "FREE_SHIPPING", "conditions": {"minSubtotalAmount": 10_000}}),
        json!({"title": "10 % off with WELCOME10", "kind": "PERCENTAGE", "value": 1_000, "code": COUPON, "perCustomerLimit": 1}),
    ];
    let known = admin.list(request(&LIST_PROMOTIONS), 1_000).await?;
    for promotion in wanted {
        let found = known.iter().find(|known| known.title == promotion["title"]).cloned();
        let found = match found {
            Some(found) => found,
            None => admin.must(body(request(&CREATE_PROMOTION), promotion)).await?,
        };
        if found.status == PromotionStatus::Draft {
            admin.must(request(&ACTIVATE_PROMOTION).path(found.promotion_id)).await?;
        }
    }
    Ok(())
}

/// The seller of the first part hands its parcel over. The other parts wait for theirs.
async fn ship_part(guest: &Api, order: &OrderView) -> Result<()> {
    let seller = guest.log_in(("home@souk.example", SELLER_PASSWORD)).await?;
    let id = seller.must(request(&GET_PROFILE)).await?.user_id;
    let Some(part) = order.fulfilments.iter().find(|part| part.seller_id == Some(id)) else { return Ok(()) };
    until(&seller, request(&LIST_FULFILMENTS), "sold", |page| page.items.iter().any(|own| own.fulfilment_id == part.fulfilment_id)).await?;
    if part.status == FulfilmentStatus::Confirmed {
        let ship = request(&SHIP_FULFILMENT).path(part.fulfilment_id);
        accepted(&seller, body(ship, json!({"carrier": "Parcel Post", "trackingNumber": "PP-2041-7731"})), "SHIPMENT_PENDING").await?;
    }
    Ok(())
}

/// The carrier delivers every parcel of an order.
async fn deliver(admin: &Api, shopper: &Shopper, order: &OrderView) -> Result<()> {
    let parcels = request(&LIST_SHIPMENTS_OF_ORDER).path(order.order_id);
    let count = order.fulfilments.len();
    let shipments = until(&shopper.api, parcels, "booked", |page| page.items.len() == count).await?.items;
    for shipment in shipments {
        let scan = RecordShipmentEvent { status: ShipmentStatus::Delivered, message: None, occurred_at: None };
        admin.must(request(&RECORD_SHIPMENT_EVENT).path(shipment.shipment_id).body(&scan)).await?;
    }
    until(&shopper.api, request(&GET_ORDER).path(order.order_id), "delivered", |order| order.status == OrderStatus::Delivered).await?;
    Ok(())
}

/// Two published reviews of one product, of which its seller answered one, and one that an administrator has to look at.
async fn reviews(admin: &Api, seller: &Api, [noor, jonas]: [&Shopper; 2], [home, garden]: [ProductId; 2]) -> Result<()> {
    let praise =
        json!({"rating": 5, "title": "Exactly as pictured", "text": "Well packed, quick to put together, and it does not wobble."});
    let fair = json!({"rating": 4, "title": "Good value", "text": "The colour is a little darker than I thought. I would buy it again."});
    let waiting = json!({"rating": 3, "title": "Fine, with a scratch", "text": "One of the two came with a scratch, so I sent it back."});
    let (praise, fair, _) = tokio::try_join!(review(noor, home, praise), review(jonas, home, fair), review(noor, garden, waiting))?;
    for written in [&praise, &fair] {
        if written.status == ReviewStatus::Pending {
            admin.must(request(&PUBLISH_REVIEW).path(written.review_id).body(&ModerateReview::default())).await?;
        }
    }
    if fair.answer.is_none() {
        let answer = json!({"text": "Thank you! We have new pictures in daylight now, so that the colour is as you see it."});
        seller.must(body(request(&ANSWER_REVIEW).path(fair.review_id), answer)).await?;
    }
    Ok(())
}

async fn review(shopper: &Shopper, product: ProductId, text: Value) -> Result<Review> {
    let written = shopper.api.list(request(&LIST_OWN_REVIEWS), 1_000).await?.into_iter().find(|review| review.product_id == product);
    match written {
        Some(review) => Ok(review),
        None => accepted(&shopper.api, body(request(&WRITE_REVIEW).path(product), text), "PURCHASE_REQUIRED").await,
    }
}

/// A damaged unit that came back, and whose money went back.
async fn finished_return(admin: &Api, shopper: &Shopper, order: &OrderView, product: ProductId) -> Result<()> {
    let mut asked = returned(admin, shopper, order, product, "DAMAGED").await?;
    if matches!(asked.status, ReturnStatus::Approved | ReturnStatus::InTransit) {
        let lines: Vec<_> = asked
            .lines
            .iter()
            .map(|line| json!({"orderItemId": line.order_item_id, "quantity": line.quantity, "disposition": "WRITE_OFF"}))
            .collect();
        asked = admin.must(body(request(&RECEIVE_RETURN).path(asked.return_id), json!({"lines": lines}))).await?;
    }
    let over = |found: &Return| matches!(found.status, ReturnStatus::Refunded | ReturnStatus::Closed);
    until(&shopper.api, request(&GET_RETURN).path(asked.return_id), "refunded", over).await?;
    Ok(())
}

/// A return that is approved and that its seller waits for.
async fn return_under_way(admin: &Api, shopper: &Shopper, order: &OrderView, product: ProductId) -> Result<()> {
    returned(admin, shopper, order, product, "CHANGED_MIND").await?;
    Ok(())
}

/// Returns the approved return of one unit of a product.
async fn returned(admin: &Api, shopper: &Shopper, order: &OrderView, product: ProductId, reason: &str) -> Result<Return> {
    let known = shopper.api.list(request(&LIST_RETURNS), 1_000).await?.into_iter().find(|found| found.order_id == order.order_id);
    let item = order.items.iter().find(|item| item.product_id == product).context("the order has the product")?;
    let lines = json!({"lines": [{"orderItemId": item.order_item_id, "quantity": 1, "reason": reason}]});
    let asked = match known {
        Some(asked) => asked,
        None => accepted(&shopper.api, body(request(&REQUEST_RETURN).path(order.order_id), lines), "NOT_DELIVERED").await?,
    };
    match asked.status {
        ReturnStatus::Requested => admin.must(request(&APPROVE_RETURN).path(asked.return_id)).await,
        _ => Ok(asked),
    }
}

/// The money of what was delivered is paid out, once each of the three sellers has some.
async fn payout(admin: &Api) -> Result<()> {
    let payouts = || request(&LIST_ALL_PAYOUTS).query("limit", 100);
    if admin.list(request(&LIST_ALL_PAYOUTS), 1).await?.is_empty() {
        let has_money = |account: &LedgerAccount| account.account.starts_with("seller_available/") && account.balance_amount >= 1_000;
        let accounts = request(&LIST_LEDGER_ACCOUNTS).query("limit", 100);
        until(admin, accounts, "available", |page| page.items.iter().filter(|account| has_money(account)).count() >= 3).await?;
        admin.must(request(&RUN_PAYOUTS).key("demo-payout")).await?;
    }
    let is_over = |payout: &Payout| payout.status != PayoutStatus::Pending;
    until(admin, payouts(), "paid", |page| !page.items.is_empty() && page.items.iter().all(is_over)).await?;
    Ok(())
}

/// Sets a body that is easier to read as JSON.
fn body<B, A>(request: ApiRequest<B, A>, body: Value) -> ApiRequest<B, A> {
    request.bytes("application/json", body.to_string().into_bytes())
}

/// Reads until the answer is as `fits` says: services consume each other's changes as events.
async fn until<A: DeserializeOwned + Clone>(api: &Api, request: ApiRequest<(), A>, what: &str, fits: impl Fn(&A) -> bool) -> Result<A> {
    let (env, path) = (Env::system(), request.path.clone());
    let reading = async {
        loop {
            let answer = api.must(request.clone()).await?;
            if fits(&answer) {
                return Ok(answer);
            }
            env.sleep(PERIOD).await;
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.with_context(|| format!("{path} does not become {what}"))?
}

/// Sends a request until it is accepted; a service that has not consumed an event yet answers `meanwhile`.
async fn accepted<B: Clone, A: DeserializeOwned + Clone>(api: &Api, request: ApiRequest<B, A>, meanwhile: &str) -> Result<A> {
    let (env, path) = (Env::system(), request.path.clone());
    let sending = async {
        loop {
            let reply = api.send(request.clone()).await?;
            if reply.status.is_success() {
                return reply.read();
            }
            if reply.problem().1 != meanwhile {
                bail!("{path}: {}", reply.json());
            }
            env.sleep(PERIOD).await;
        }
    };
    tokio::time::timeout(PATIENCE, sending).await.with_context(|| format!("{path} is not accepted: {meanwhile}"))?
}
