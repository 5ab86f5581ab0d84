//! Sales and what reverses them. Whatever is posted about an order locks the order first.

use crate::{
    App,
    domain::{
        commission::{self, Rates},
        order::{Fact, Order, SaleRecord},
        sale::Sale,
    },
    error::Error,
    settings::Settings,
    store::{posting_rows, sale_rows},
    workers::{RATE, RELEASE},
};
use contracts::{
    body::BoundedVec,
    catalog::{LOOK_UP_PRODUCTS, ProductLookup},
    ids::{CategoryId, FulfilmentId, OrderId, ProductId},
    order::FulfilmentConfirmed,
    payout::{CommissionRate, Commissions, Day, NewCommissionRate, ReplaceCommissions},
    problem::Fault,
    time::Timestamp,
};
use platform::{db::Tx, http::Problem};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

/// How many products are looked up at once.
const LOOKUP: usize = 200;
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Records a confirmed fulfilment and posts its sale. When a rate of commission depends on categories, the sale is posted after they
/// were looked up; what is reversed meanwhile waits.
///
/// # Errors
/// [`Error::TotalDiffers`].
pub async fn record_sale(tx: &mut Tx, settings: &Settings, event: &FulfilmentConfirmed, occurred_at: Timestamp) -> Result<(), Error> {
    let mut order = sale_rows::lock_order(tx, event.order_id).await?;
    let mut record = SaleRecord {
        fulfilment_id: event.fulfilment_id,
        order_id: event.order_id,
        order_number: event.order_number.clone(),
        seller_id: event.seller_id,
        currency: event.currency,
        sale: Sale::of(event)?,
        day: Day::of(occurred_at),
        posted_at: None,
        rate_at: None,
        release_at: None,
        released_at: None,
    };
    if order.sales.iter().any(|known| known.fulfilment_id == record.fulfilment_id) {
        return Ok(());
    }
    let rates = Rates::new(sale_rows::list_rates(tx).await?, settings.commission_basis_points);
    if record.seller_id.is_some_and(|seller| rates.need_categories(seller)) {
        record.rate_at = Some(tx.now());
        sale_rows::insert(tx, &record).await?;
        tx.notify_worker(RATE);
        return Ok(());
    }
    let draft = charge_and_post(&mut record, &rates, &HashMap::new(), tx.now())?;
    sale_rows::insert(tx, &record).await?;
    posting_rows::post(tx, &draft).await?;
    order.sales.push(record);
    apply_waiting(tx, &mut order).await
}

fn charge_and_post(
    record: &mut SaleRecord,
    rates: &Rates,
    categories: &HashMap<ProductId, Vec<CategoryId>>,
    now: Timestamp,
) -> Result<crate::domain::ledger::Draft, Error> {
    if let Some(seller) = record.seller_id {
        record.sale.charge(|line| rates.of(seller, categories.get(&line.product_id).map_or(&[], Vec::as_slice)));
    }
    Ok(record.post(now)?)
}

/// Looks the categories of a sale up and posts it.
///
/// # Errors
/// [`Error::Call`] when the catalogue does not answer; the sale stays due.
pub async fn rate(app: &App, id: FulfilmentId) -> Result<(), Error> {
    let Some(record) = app.ctx.db.read(async move |tx| sale_rows::find(tx, id).await).await? else { return Ok(()) };
    let products: Vec<ProductId> = record.sale.lines.iter().map(|line| line.product_id).collect::<BTreeSet<_>>().into_iter().collect();
    let mut categories = HashMap::new();
    for chunk in products.chunks(LOOKUP) {
        let product_ids = BoundedVec::new(chunk.to_vec()).expect("a chunk has 1 to 200 ids");
        let call = app.ctx.client.call(&LOOK_UP_PRODUCTS).body(&ProductLookup::of(product_ids)).timeout(LOOKUP_TIMEOUT);
        for product in call.send().await?.items {
            categories.insert(product.product_id, product.category_path.iter().map(|category| category.category_id).collect());
        }
    }
    let basis_points = app.settings.commission_basis_points;
    let unit = async move |tx: &mut Tx| {
        let mut order = sale_rows::lock_order(tx, record.order_id).await?;
        let rates = Rates::new(sale_rows::list_rates(tx).await?, basis_points);
        let now = tx.now();
        let Some(own) = order.sales.iter_mut().find(|own| own.fulfilment_id == id && own.posted_at.is_none()) else { return Ok(()) };
        let draft = charge_and_post(own, &rates, &categories, now)?;
        posting_rows::post(tx, &draft).await?;
        tx.notify_worker(RELEASE);
        apply_waiting(tx, &mut order).await
    };
    app.ctx.db.write(unit).await
}

/// Applies a fact about an order, or stores it until the sales that it is about are posted.
///
/// # Errors
/// [`Error::Ledger`].
pub async fn apply(tx: &mut Tx, order_id: OrderId, fact: Fact) -> Result<(), Error> {
    sale_rows::lock_order(tx, order_id).await?;
    sale_rows::insert_waiting(tx, order_id, fact).await?;
    let mut order = sale_rows::lock_order(tx, order_id).await?;
    apply_waiting(tx, &mut order).await
}

/// Applies the facts that wait, as far as their sales are posted, and saves the order.
async fn apply_waiting(tx: &mut Tx, order: &mut Order) -> Result<(), Error> {
    for (fact_id, fact) in sale_rows::list_waiting(tx, order.order_id).await? {
        if let Some(drafts) = order.apply(&fact)? {
            for draft in &drafts {
                posting_rows::post(tx, draft).await?;
            }
            sale_rows::delete_waiting(tx, fact_id).await?;
        }
    }
    Ok(sale_rows::save_order(tx, order).await?)
}

/// Notes when the seller's share of a fulfilment becomes available, unless that is known.
pub async fn schedule_release(tx: &mut Tx, order_id: OrderId, id: FulfilmentId, at: Timestamp) -> Result<(), Error> {
    let mut order = sale_rows::lock_order(tx, order_id).await?;
    let Some(record) = order.sales.iter_mut().find(|record| record.fulfilment_id == id) else { return Ok(()) };
    if record.release_at.is_none() && record.released_at.is_none() {
        record.release_at = Some(at);
        sale_rows::save_order(tx, &order).await?;
        tx.notify_worker(RELEASE);
    }
    Ok(())
}

/// Makes the seller's share of a fulfilment available.
///
/// # Errors
/// [`Error::Ledger`].
pub async fn release(tx: &mut Tx, id: FulfilmentId) -> Result<(), Error> {
    let Some(found) = sale_rows::find(tx, id).await? else { return Ok(()) };
    let mut order = sale_rows::lock_order(tx, found.order_id).await?;
    let now = tx.now();
    let due = |record: &&mut SaleRecord| {
        record.fulfilment_id == id && record.posted_at.is_some() && record.release_at.is_some_and(|at| at <= now)
    };
    let Some(record) = order.sales.iter_mut().find(due) else { return Ok(()) };
    if let Some(draft) = record.release(now)? {
        posting_rows::post(tx, &draft).await?;
    }
    Ok(sale_rows::save_order(tx, &order).await?)
}

/// Replaces the rates of commission; sales that are posted keep theirs.
///
/// # Errors
/// 422 when two rates are for the same category and seller.
pub async fn put_commissions(app: &App, body: ReplaceCommissions) -> Result<Commissions, Problem> {
    commission::check(&body.items).map_err(|(position, violation)| {
        Problem::invalid(vec![Fault::at(format!("/items/{position}"), violation.code, violation.detail)])
    })?;
    let unit = async move |tx: &mut Tx| sale_rows::replace_rates(tx, &body.items).await;
    app.ctx.db.write(unit).await?;
    get_commissions(app).await
}

/// Returns the rates of commission, the default first.
pub async fn get_commissions(app: &App) -> Result<Commissions, Problem> {
    let items = app.ctx.db.read(async |tx| sale_rows::list_rates(tx).await).await?;
    let view = |NewCommissionRate { category_id, seller_id, basis_points }| CommissionRate {
        category_id,
        seller_id,
        basis_points: basis_points.get(),
    };
    let items = Rates::new(items, app.settings.commission_basis_points).list().into_iter().map(view).collect();
    Ok(Commissions { items })
}
