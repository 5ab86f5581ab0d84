//! Entry point 1: HTTP.

use crate::{App, Error, actions, store};
use contracts::{
    body::UpdateIntegratorData,
    ids::UserId,
    problem::Code,
    seller::{
        ApplySeller, DecideSeller, PayoutDetails, PublicSeller, Seller, SellerFact, SellerFilter, SellerRef, SellerStatus, UpdateSeller,
    },
};
use platform::{
    db::{self, Tx},
    http::{
        Body, Created, Idempotent, IfMatch, Json, MaybeBody, MaybeIdempotencyKey, NoBody, Paged, Paging, Path, Problem, Query, Routes,
        State, Tagged,
    },
    identity::{Admin, ClientMarker, Customer, ServiceOf, User},
};

pub fn routes() -> Routes<App> {
    Routes::new("seller")
        .post("/sellers", apply, "Applies to become a seller")
        .get("/sellers", list_public, "The approved sellers, the newest accounts first")
        .get("/sellers/me", get_own, "The caller's record as a seller")
        .patch("/sellers/me", update, "Changes the caller's record")
        .post("/sellers/me/reapply", reapply, "Applies again after a rejection")
        .get("/sellers/{sellerIdOrSlug}", get_public, "The public profile of an approved seller")
        .get("/admin/sellers", list, "The records of sellers, the newest accounts first")
        .patch("/admin/sellers/{sellerId}", update_integrator_data, "Changes what integrators saved with a seller")
        .post("/admin/sellers/{sellerId}/review", review, "Begins to examine an application")
        .post("/admin/sellers/{sellerId}/approve", approve, "Accepts an application")
        .post("/admin/sellers/{sellerId}/reject", reject, "Turns an application down")
        .post("/admin/sellers/{sellerId}/suspend", suspend, "Takes everything of a seller off sale and holds the payouts")
        .post("/admin/sellers/{sellerId}/reinstate", reinstate, "Ends a suspension")
        .get("/internal/sellers/{sellerId}/payout-details", get_payout_details, "Where the money of a seller is paid out")
}

/// The service that pays out.
struct Payout;
impl ClientMarker for Payout {
    const CLIENTS: &'static [&'static str] = &["payout"];
}

async fn apply(
    customer: Customer,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(body): Body<ApplySeller>,
) -> Result<Idempotent<Tagged<Created<Seller>>>, Problem> {
    actions::apply(&app, customer.id, key, body).await
}

async fn list_public(State(app): State<App>, paging: Paging) -> Result<Paged<PublicSeller>, Problem> {
    let read = async |tx: &mut Tx, after, rows| -> Result<_, db::Error> {
        let approved = store::list(tx, Some(SellerStatus::Approved), None, after, rows).await?;
        Ok(approved.into_iter().filter_map(crate::domain::Record::into_public).collect())
    };
    paging.list(&app.ctx.db, "approved sellers", read, |seller: &PublicSeller| seller.seller_id).await.map(Paged)
}

async fn get_public(State(app): State<App>, Path(named): Path<SellerRef>) -> Result<Json<PublicSeller>, Problem> {
    let found = app.ctx.db.read(async move |tx| store::find_named(tx, &named).await).await?;
    Ok(Json(found.and_then(crate::domain::Record::into_public).ok_or(Error::NotFound)?))
}

async fn get_own(user: User, State(app): State<App>) -> Result<Tagged<Json<Seller>>, Problem> {
    let id = user.id;
    let read = async move |tx: &mut Tx| -> Result<_, Error> {
        let record = store::find(tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Tagged(record.etag(), Json(record.into_view(tx.now()))))
    };
    Ok(app.ctx.db.read(read).await?)
}

async fn update(
    user: User,
    State(app): State<App>,
    if_match: IfMatch,
    Body(body): Body<UpdateSeller>,
) -> Result<Tagged<Json<Seller>>, Problem> {
    if user.is_api_key && !body.payout_account.is_absent() {
        return Err(Problem::new(Code::FORBIDDEN).detail("an API key does not change where money is paid out"));
    }
    Ok(actions::update(&app, user.id, if_match, body).await?)
}

async fn reapply(
    user: User,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Tagged<Json<Seller>>>, Problem> {
    actions::reapply(&app, user.id, key).await
}

async fn list(
    _: Admin,
    State(app): State<App>,
    Query(SellerFilter { status, external_id }): Query<SellerFilter>,
    paging: Paging,
) -> Result<Paged<Seller>, Problem> {
    let tag = format!("sellers {status:?} {external_id:?}");
    let read = async move |tx: &mut Tx, after, rows| -> Result<Vec<Seller>, db::Error> {
        let (records, now) = (store::list(tx, status, external_id.clone(), after, rows).await?, tx.now());
        Ok(records.into_iter().map(|record| record.into_view(now)).collect())
    };
    paging.list(&app.ctx.db, &tag, read, |seller| seller.seller_id).await.map(Paged)
}

async fn update_integrator_data(
    _: Admin,
    State(app): State<App>,
    Path(seller): Path<UserId>,
    if_match: IfMatch,
    Body(body): Body<UpdateIntegratorData>,
) -> Result<Tagged<Json<Seller>>, Problem> {
    Ok(actions::update_integrator_data(&app, seller, if_match, body).await?)
}

async fn get_payout_details(
    _: ServiceOf<Payout>,
    State(app): State<App>,
    Path(seller): Path<UserId>,
) -> Result<Json<PayoutDetails>, Problem> {
    Ok(Json(actions::get_payout_details(&app, seller).await?))
}

macro_rules! decisions {
    ($($name:ident: $fact:ident;)*) => {$(
        async fn $name(
            admin: Admin,
            State(app): State<App>,
            Path(seller): Path<UserId>,
            key: MaybeIdempotencyKey,
            MaybeBody(body): MaybeBody<DecideSeller>,
        ) -> Result<Idempotent<Tagged<Json<Seller>>>, Problem> {
            actions::decide(&app, admin.id, seller, SellerFact::$fact, key.about(seller), body).await
        }
    )*};
}
decisions! {
    review: ReviewStarted;
    approve: Approved;
    reject: Rejected;
    suspend: Suspended;
    reinstate: Reinstated;
}
