//! The dashboard of administrators. To anybody else its pages do not exist.

mod admin_ledger;
mod admin_messages;
mod admin_orders;
mod admin_parcels;
mod admin_payouts;
mod admin_products;
mod admin_promotions;
mod admin_returns;
mod admin_reviews;
mod admin_sellers;
mod admin_stock;
mod admin_users;
mod audit_log;
#[cfg(test)]
mod crawl_tests;
mod demo_panel;
mod gathered;
mod names;
mod parked;
mod rates;
mod refunds;
mod story;
mod system;
mod today;
mod words;

use super::{Frame, integration};
use crate::{
    Site,
    api::Failure,
    dashboard::{
        Board, Dashboard, Realm, RequestIn, enter_as, finish,
        screens::{self, PageFaults, Refused},
        sent::{self, Sent},
    },
    session::{AdminNotice, Notice, Visitor},
    texts::{AdminTexts, Language},
};
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use contracts::{auth::Role, user::User};
pub use words::badge;

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/admin", get(today::show))
        .route("/admin/orders", get(admin_orders::list))
        .route("/admin/orders/cancel", post(admin_orders::cancel_many))
        .route("/admin/orders/{orderId}", get(story::show))
        .route("/admin/orders/{orderId}/cancel", post(story::cancel))
        .route("/admin/orders/{orderId}/fulfilments/{fulfilmentId}/cancel", post(story::cancel_part))
        .route("/admin/orders/{orderId}/ship", post(story::book_again))
        .route("/admin/orders/{orderId}/restock", post(story::restock))
        .route("/admin/orders/{orderId}/refund", get(refunds::form).post(refunds::refund))
        .route("/admin/orders/{orderId}/refund/preview", get(refunds::preview))
        .route("/admin/parcels", get(admin_parcels::list))
        .route("/admin/parcels/in-transit", post(admin_parcels::in_transit))
        .route("/admin/parcels/delivered", post(admin_parcels::delivered))
        .route("/admin/parcels/returned", post(admin_parcels::returned))
        .route("/admin/parcels/{orderId}/book", post(admin_parcels::book))
        .route("/admin/users", get(admin_users::list))
        .route("/admin/users/{userId}", get(admin_users::show))
        .route("/admin/users/{userId}/lock", post(admin_users::lock))
        .route("/admin/users/{userId}/unlock", post(admin_users::unlock))
        .route("/admin/users/{userId}/roles", post(admin_users::set_roles))
        .route("/admin/sellers", get(admin_sellers::list))
        .route("/admin/sellers/{sellerId}", get(admin_sellers::show))
        .route("/admin/sellers/{sellerId}/{decision}", post(admin_sellers::decide))
        .route("/admin/products", get(admin_products::list))
        .route("/admin/products/block", post(admin_products::block_many))
        .route("/admin/products/{productId}", get(admin_products::show))
        .route("/admin/products/{productId}/block", post(admin_products::block))
        .route("/admin/products/{productId}/unblock", post(admin_products::unblock))
        .route("/admin/reviews", get(admin_reviews::list))
        .route("/admin/reviews/publish", post(admin_reviews::publish_many))
        .route("/admin/reviews/reject", post(admin_reviews::reject_many))
        .route("/admin/reviews/{reviewId}", get(admin_reviews::show))
        .route("/admin/reviews/{reviewId}/publish", post(admin_reviews::publish))
        .route("/admin/reviews/{reviewId}/reject", post(admin_reviews::reject))
        .route("/admin/returns", get(admin_returns::list))
        .route("/admin/returns/approve", post(admin_returns::approve_many))
        .route("/admin/returns/{returnId}", get(admin_returns::show))
        .route("/admin/returns/{returnId}/approve", post(admin_returns::approve))
        .route("/admin/returns/{returnId}/reject", post(admin_returns::reject))
        .route("/admin/returns/{returnId}/receive", post(admin_returns::receive))
        .route("/admin/promotions", get(admin_promotions::list).post(admin_promotions::create))
        .route("/admin/promotions/new", get(admin_promotions::new))
        .route("/admin/promotions/{promotionId}", get(admin_promotions::show))
        .route("/admin/promotions/{promotionId}/{step}", post(admin_promotions::step))
        .route("/admin/taxes", get(rates::taxes).post(rates::save_taxes))
        .route("/admin/commissions", get(rates::commissions).post(rates::save_commission))
        .route("/admin/commissions/remove", post(rates::remove_commission))
        .route("/admin/ledger", get(admin_ledger::show))
        .route("/admin/ledger/check", get(admin_ledger::check))
        .route("/admin/payouts", get(admin_payouts::list))
        .route("/admin/payouts/run", post(admin_payouts::run))
        .route("/admin/stock", get(admin_stock::list))
        .route("/admin/stock/{sku}", get(admin_stock::show))
        .route("/admin/stock/{sku}/adjust", post(admin_stock::adjust))
        .route("/admin/stock/{sku}/set", post(admin_stock::set))
        .route("/admin/notifications", get(admin_messages::list))
        .route("/admin/notifications/resend", post(admin_messages::resend_many))
        .route("/admin/notifications/{notificationId}", get(admin_messages::show))
        .route("/admin/notifications/{notificationId}/resend", post(admin_messages::resend))
        .route("/admin/events", get(parked::list))
        .route("/admin/events/{service}/{eventId}/replay", post(parked::replay))
        .route("/admin/events/replay", post(parked::replay_many))
        .route("/admin/audit", get(audit_log::list))
        .route("/admin/audit/check", get(audit_log::check))
        .route("/admin/demo", get(demo_panel::show))
        .route("/admin/demo/{what}/{how}", post(demo_panel::act))
        .route("/admin/system", get(system::show))
        .route("/admin/system/index", post(system::rebuild_index))
        .merge(integration::routes::<AdminRequest>("/admin"))
}

/// The pages of the side list.
fn places(t: &'static AdminTexts, is_demo: bool) -> Vec<(&'static str, &'static str)> {
    let mut places = vec![
        (t.place_today, "/admin"),
        (t.orders, "/admin/orders"),
        (t.parcels, "/admin/parcels"),
        (t.returns, "/admin/returns"),
        (t.products, "/admin/products"),
        (t.stock, "/admin/stock"),
        (t.reviews, "/admin/reviews"),
        (t.sellers, "/admin/sellers"),
        (t.users, "/admin/users"),
        (t.promotions, "/admin/promotions"),
        (t.taxes, "/admin/taxes"),
        (t.commissions, "/admin/commissions"),
        (t.ledger, "/admin/ledger"),
        (t.payouts, "/admin/payouts"),
        (t.messages, "/admin/notifications"),
        (t.webhooks, "/admin/webhooks"),
        (t.api_keys, "/admin/keys"),
        (t.events, "/admin/events"),
        (t.audit, "/admin/audit"),
        (t.system, "/admin/system"),
    ];
    if is_demo {
        places.push((t.demo, demo_panel::PATH));
    }
    places
}

/// What the dashboard says once about the step before.
pub fn notice(language: Language, notice: AdminNotice) -> &'static str {
    let t = AdminTexts::of(language);
    match notice {
        AdminNotice::Done => t.notice_done,
        AdminNotice::Saved => t.notice_saved,
        AdminNotice::Refunded => t.notice_refunded,
        AdminNotice::Resent => t.notice_resent,
        AdminNotice::Replayed => t.notice_replayed,
        AdminNotice::Requested => t.notice_requested,
    }
}

/// An administrator who asks for a page.
pub type AdminRequest = RequestIn<AdminTexts>;

impl Realm for AdminTexts {
    fn texts(language: Language) -> &'static AdminTexts {
        AdminTexts::of(language)
    }

    async fn enter(site: &Site, visitor: &mut Visitor) -> Result<(User, Board), Box<Response>> {
        let user = enter_as(site, visitor, Role::Admin).await?;
        let t = AdminTexts::of(visitor.language);
        Ok((user, Board { root: "/admin", is_admin: true, title: t.admin, pages: places(t, site.0.is_demo) }))
    }
}

impl AdminRequest {
    fn done(self, notice: AdminNotice, to: &str) -> Response {
        self.request.done(Notice::Admin(notice), to)
    }

    /// Leads to `to` after a form was sent, or shows its page `again` with what was refused.
    async fn finish<A, F: Future<Output = Response>>(
        self,
        result: Result<A, Failure>,
        form: (&'static str, Sent),
        (notice, to): (AdminNotice, &str),
        again: impl FnOnce(AdminRequest, Refused) -> F,
    ) -> Response {
        finish(self, result, form, |request| request.done(notice, to), again).await
    }
}
