//! The seller dashboard. Whoever has no seller's record sees the application and nothing else.

mod application;
mod fulfilments;
mod overview;

use super::{Frame, failed, not_found_page};
use crate::{
    Site,
    dashboard::{self, Dashboard, is_missing},
    session::{SellerNotice, Visitor},
    texts::{Language, SellerTexts},
};
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use contracts::{
    seller::{GET_OWN_SELLER, Seller, SellerStatus},
    user::User,
};

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/seller", get(overview::show))
        .route("/seller/fulfilments", get(fulfilments::list))
        .route("/seller/application", post(application::apply))
        .route("/seller/application/again", post(application::reapply))
}

/// What a page says about the step before it.
pub fn notice(language: Language, notice: SellerNotice) -> &'static str {
    let t = SellerTexts::of(language);
    match notice {
        SellerNotice::Applied => t.notice_applied,
        SellerNotice::Saved => t.notice_saved,
    }
}

/// Who uses the dashboard.
struct Access {
    user: User,
    /// The record, which a user has after the application.
    seller: Option<Seller>,
}

impl Access {
    /// Whether the seller serves orders: approved, or suspended with open ones.
    fn serves(&self) -> bool {
        self.seller.as_ref().is_some_and(|seller| matches!(seller.status, SellerStatus::Approved | SellerStatus::Suspended))
    }
}

/// Returns who asks, with or without a seller's record.
async fn enter(site: &Site, visitor: &mut Visitor) -> Result<Access, Box<Response>> {
    let user = dashboard::enter(site, visitor).await?;
    let caller = visitor.caller();
    match site.0.api.call(&caller, &GET_OWN_SELLER).send().await {
        Ok(seller) => Ok(Access { user, seller: Some(seller) }),
        Err(failure) if is_missing(&failure) => Ok(Access { user, seller: None }),
        Err(failure) => Err(Box::new(failed(site, visitor, &failure))),
    }
}

/// Returns the user and the record of one who serves orders. To others the page does not exist.
async fn enter_shop(site: &Site, visitor: &mut Visitor) -> Result<(User, Seller), Box<Response>> {
    let access = enter(site, visitor).await?;
    match access.serves() {
        true => access.seller.map(|seller| (access.user, seller)).ok_or_else(|| Box::new(not_found_page(site, visitor))),
        false => Err(Box::new(not_found_page(site, visitor))),
    }
}

/// What every page of the dashboard shows.
struct Shell {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
}

impl Shell {
    fn of(visitor: &mut Visitor, user: &User, is_seller: bool) -> Shell {
        let t = SellerTexts::of(visitor.language);
        let places = [(t.overview, "/seller"), (t.fulfilments, "/seller/fulfilments")];
        let shown = if is_seller { &places[..] } else { &places[..1] };
        let board = Dashboard::new(visitor.language, t.seller, shown, &visitor.here, user);
        Shell { frame: Frame::of(visitor), board, t }
    }
}
