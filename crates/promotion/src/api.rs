//! Entry point 1: HTTP.

use crate::{App, Error, actions, store::promotions};
use contracts::{
    ids::{OrderId, PromotionId},
    promotion::{CreatePromotion, EvaluatePromotions, Evaluation, Promotion, PromotionFact, PromotionFilter, ReserveUses},
};
use platform::{
    db::Tx,
    http::{Body, Created, Idempotent, Json, MaybeIdempotencyKey, NoBody, NoContent, Paged, Paging, Path, Problem, Query, Routes, State},
    identity::{ClientMarker, SellerOrAdmin, ServiceOf},
};

pub fn routes() -> Routes<App> {
    Routes::new("promotion")
        .post("/promotions", create, "Creates a promotion, in DRAFT")
        .get("/promotions", list, "The seller's promotions, or all; the newest first")
        .get("/promotions/{promotionId}", get, "One promotion")
        .post("/promotions/{promotionId}/activate", activate, "Lets a promotion apply")
        .post("/promotions/{promotionId}/pause", pause, "Stops a promotion for now")
        .post("/promotions/{promotionId}/end", end, "Stops a promotion for good")
        .post("/internal/promotions/evaluate", evaluate, "What the promotions take off a cart or an order")
        .put("/internal/promotion-uses/{orderId}", reserve, "Reserves the uses of an order, all or none")
        .delete("/internal/promotion-uses/{orderId}", release, "Releases the uses of an order that was not written")
}

/// The services that show discounts.
struct Evaluators;
impl ClientMarker for Evaluators {
    const CLIENTS: &'static [&'static str] = &["cart", "order"];
}

/// The service that uses promotions.
struct Order;
impl ClientMarker for Order {
    const CLIENTS: &'static [&'static str] = &["order"];
}

async fn create(
    who: SellerOrAdmin,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(body): Body<CreatePromotion>,
) -> Result<Idempotent<Created<Promotion>>, Problem> {
    actions::create(&app, who.owner(), key, body).await
}

async fn list(
    who: SellerOrAdmin,
    State(app): State<App>,
    Query(filter): Query<PromotionFilter>,
    paging: Paging,
) -> Result<Paged<Promotion>, Problem> {
    let (owner, status) = (who.owner(), filter.status);
    let tag = format!("promotions?status={status:?}&seller={owner:?}");
    let read = async move |tx: &mut Tx, after, rows| promotions::list(tx, owner, status, after, rows).await;
    Ok(Paged(paging.list(&app.ctx.db, &tag, read, |promotion| promotion.promotion_id).await?))
}

async fn get(who: SellerOrAdmin, State(app): State<App>, Path(id): Path<PromotionId>) -> Result<Json<Promotion>, Problem> {
    let owner = who.owner();
    let found = app.ctx.db.read(async move |tx| promotions::find(tx, owner, id).await).await?;
    Ok(Json(found.ok_or(Error::NotFound)?))
}

macro_rules! transitions {
    ($($name:ident: $fact:ident;)*) => {$(
        async fn $name(
            who: SellerOrAdmin,
            State(app): State<App>,
            Path(id): Path<PromotionId>,
            key: MaybeIdempotencyKey,
            _: NoBody,
        ) -> Result<Idempotent<Json<Promotion>>, Problem> {
            actions::transition(&app, who.owner(), id, PromotionFact::$fact, key).await
        }
    )*};
}
transitions! {
    activate: Activated;
    pause: Paused;
    end: Ended;
}

async fn evaluate(
    _: ServiceOf<Evaluators>,
    State(app): State<App>,
    Body(body): Body<EvaluatePromotions, { 512 * 1024 }>,
) -> Result<Json<Evaluation>, Problem> {
    Ok(Json(actions::evaluate(&app, body).await?))
}

async fn reserve(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(order): Path<OrderId>,
    Body(body): Body<ReserveUses>,
) -> Result<NoContent, Problem> {
    actions::reserve(&app.ctx.db, order, body).await?;
    Ok(NoContent)
}

async fn release(_: ServiceOf<Order>, State(app): State<App>, Path(order): Path<OrderId>) -> Result<NoContent, Problem> {
    app.ctx.db.write(async move |tx| actions::release(tx, order).await).await?;
    Ok(NoContent)
}
