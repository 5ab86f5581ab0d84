//! The seller dashboard. Whoever has no seller's record sees the application and nothing else.

mod application;
mod changes;
mod files;
mod fulfilment;
mod fulfilments;
mod money;
mod overview;
mod own_products;
mod product_form;
mod product_page;
mod sales;
mod seller_promotions;
mod seller_returns;
mod seller_reviews;
mod shop_profile;

use super::{Frame, failed, integration, not_found_page, see_other};
/// A view of a list.
pub use crate::dashboard::screens::Saved as Tab;
use crate::{
    Site,
    api::{Caller, Failure},
    dashboard::{self, Board, Dashboard, Listing, Realm, RequestIn, is_missing},
    session::{Notice, SellerNotice, Visitor},
    texts::{Language, SellerTexts},
};
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use contracts::{
    auth::Role,
    call::Call,
    page::Page,
    seller::{GET_OWN_SELLER, Seller, SellerStatus},
    user::User,
};
use serde::de::DeserializeOwned;

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/seller", get(overview::show))
        .route("/seller/products", get(own_products::list).post(own_products::change))
        .route("/seller/products/new", get(product_form::show_new).post(product_form::create))
        .route("/seller/products/{productId}", get(product_page::show).post(product_page::save))
        .route("/seller/products/{productId}/status", post(product_page::set_status))
        .route("/seller/products/{productId}/stock", post(product_page::set_stock))
        .route("/seller/products/{productId}/pictures", post(product_page::upload))
        .route("/seller/products/{productId}/pictures/arrange", post(product_page::arrange))
        .route("/seller/sales", get(sales::show))
        .route("/seller/fulfilments", get(fulfilments::list))
        .route("/seller/fulfilments/ship", post(fulfilments::ship_many))
        .route("/seller/fulfilments/{fulfilmentId}", get(fulfilment::show))
        .route("/seller/fulfilments/{fulfilmentId}/slip", get(fulfilment::slip))
        .route("/seller/fulfilments/{fulfilmentId}/ship", post(fulfilment::ship))
        .route("/seller/fulfilments/{fulfilmentId}/cancel", post(fulfilment::cancel))
        .route("/seller/returns", get(seller_returns::list))
        .route("/seller/returns/{returnId}", get(seller_returns::show))
        .route("/seller/returns/{returnId}/approve", post(seller_returns::approve))
        .route("/seller/returns/{returnId}/reject", post(seller_returns::reject))
        .route("/seller/returns/{returnId}/receive", post(seller_returns::receive))
        .route("/seller/reviews", get(seller_reviews::list))
        .route("/seller/reviews/{reviewId}/answer", post(seller_reviews::answer))
        .route("/seller/promotions", get(seller_promotions::list))
        .route("/seller/promotions/new", get(seller_promotions::show_new).post(seller_promotions::create))
        .route("/seller/promotions/{promotionId}/status", post(seller_promotions::set_status))
        .route("/seller/balance", get(money::balance))
        .route("/seller/statements", get(money::statements))
        .route("/seller/statements/{month}/csv", get(money::download))
        .route("/seller/payouts", get(money::payouts))
        .route("/seller/payouts/{payoutId}", get(money::payout))
        .route("/seller/profile", get(shop_profile::show).post(shop_profile::update))
        .route("/seller/profile/payout-account", post(shop_profile::change_account))
        .route("/seller/files", files::upload_route())
        .route("/seller/files/{importId}", get(files::report))
        .route("/seller/files/{importId}/cancel", post(files::cancel))
        .route("/seller/exports/{name}", get(files::export))
        .route("/seller/application", post(application::apply))
        .route("/seller/application/again", post(application::reapply))
        .merge(integration::routes::<SellerRequest>("/seller"))
}

/// What a page says about the step before it.
pub fn notice(language: Language, notice: SellerNotice) -> &'static str {
    let t = SellerTexts::of(language);
    match notice {
        SellerNotice::Applied => t.notice_applied,
        SellerNotice::Saved => t.notice_saved,
        SellerNotice::NothingChanged => t.notice_nothing_changed,
        SellerNotice::ProductCreated => t.notice_product_created,
        SellerNotice::StockMissing => t.notice_stock_missing,
        SellerNotice::Published => t.notice_published,
        SellerNotice::Deactivated => t.notice_deactivated,
        SellerNotice::Archived => t.notice_archived,
        SellerNotice::Shipped => t.notice_shipped,
        SellerNotice::AllShipped => t.notice_all_shipped,
        SellerNotice::Cancelled => t.notice_cancelled,
        SellerNotice::ReturnApproved => t.notice_return_approved,
        SellerNotice::ReturnRejected => t.notice_return_rejected,
        SellerNotice::ReturnReceived => t.notice_return_received,
        SellerNotice::PromotionCreated => t.notice_promotion_created,
        SellerNotice::Answered => t.notice_answered,
        SellerNotice::PictureAdded => t.notice_picture_added,
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
    let seller = match site.0.api.call(&caller, &GET_OWN_SELLER).send().await {
        Ok(seller) => Some(seller),
        Err(failure) if is_missing(&failure) => None,
        Err(failure) => return Err(Box::new(failed(site, visitor, &failure))),
    };
    let access = Access { user, seller };
    // The role of one who was approved a moment ago is in the next token.
    if access.serves() && !visitor.token_has(Role::Seller) {
        visitor.renew(&site.0.env, &site.0.api).await;
    }
    Ok(access)
}

/// Returns the user and the record of one who serves orders. To others the page does not exist.
async fn enter_shop(site: &Site, visitor: &mut Visitor) -> Result<(User, Seller), Box<Response>> {
    let access = enter(site, visitor).await?;
    match access.serves() {
        true => access.seller.map(|seller| (access.user, seller)).ok_or_else(|| Box::new(not_found_page(site, visitor))),
        false => Err(Box::new(not_found_page(site, visitor))),
    }
}

/// The pages of the side list. Whoever sells nothing yet sees the first.
fn board(t: &'static SellerTexts, is_seller: bool) -> Board {
    let mut pages = vec![
        (t.overview, "/seller"),
        (t.products, "/seller/products"),
        (t.fulfilments, "/seller/fulfilments"),
        (t.returns, "/seller/returns"),
        (t.reviews, "/seller/reviews"),
        (t.promotions, "/seller/promotions"),
        (t.sales, "/seller/sales"),
        (t.balance, "/seller/balance"),
        (t.statements, "/seller/statements"),
        (t.payouts, "/seller/payouts"),
        (t.files, "/seller/files"),
        (t.webhooks, "/seller/webhooks"),
        (t.api_keys, "/seller/keys"),
        (t.profile, "/seller/profile"),
    ];
    if !is_seller {
        pages.truncate(1);
    }
    Board { root: "/seller", is_admin: false, title: t.seller, pages }
}

/// A seller who asks for a page that a list or a sheet serves.
pub type SellerRequest = RequestIn<SellerTexts>;

impl Realm for SellerTexts {
    fn texts(language: Language) -> &'static SellerTexts {
        SellerTexts::of(language)
    }

    async fn enter(site: &Site, visitor: &mut Visitor) -> Result<(User, Board), Box<Response>> {
        let (user, _) = enter_shop(site, visitor).await?;
        Ok((user, board(SellerTexts::of(visitor.language), true)))
    }
}

/// What every other page of the dashboard shows.
struct Shell {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
}

impl Shell {
    fn of(visitor: &mut Visitor, user: &User, is_seller: bool) -> Shell {
        let t = SellerTexts::of(visitor.language);
        let Board { title, pages, .. } = board(t, is_seller);
        let board = Dashboard::new(visitor.language, title, &pages, &visitor.here, user);
        Shell { frame: Frame::of(visitor), board, t }
    }
}

/// Reads the page of a list that its address names.
async fn read_list<T: DeserializeOwned>(
    site: &Site,
    caller: &Caller,
    call: &Call<(), Page<T>>,
    list: &Listing,
    rows: usize,
) -> Result<Page<T>, Failure> {
    let mut call = site.0.api.call(caller, call).query("limit", rows);
    for (name, value) in list.parameters() {
        call = call.query(name, value);
    }
    call.send().await
}

/// Whether a failure is none of what was typed.
fn is_fatal(failure: &Failure) -> bool {
    failure.status().is_server_error() || failure.code() == "UNAUTHENTICATED"
}

/// Leads to a page that says what was done.
fn done(site: &Site, mut visitor: Visitor, notice: SellerNotice, to: &str) -> Response {
    visitor.session.notice = Some(Notice::Seller(notice));
    see_other(site, &visitor, to)
}
