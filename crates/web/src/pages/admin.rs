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
mod admin_webhooks;
mod audit_log;
#[cfg(test)]
mod crawl_tests;
mod parked;
mod rates;
mod refunds;
mod screens;
mod sent;
mod story;
mod system;
mod today;
mod words;

use super::{Frame, failed, page, refused_page, see_other};
use crate::{
    Site,
    api::{ApiCall, Caller, Failure},
    dashboard::{Dashboard, Listing, enter_as, form_key},
    format,
    forms::Faults,
    session::{AdminNotice, Notice, Visitor},
    texts::{AdminTexts, DashboardTexts, Language},
};
use askama::Template;
use axum::{
    Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
    routing::{get, post},
};
use contracts::{auth::Role, call::Call, money::Currency, page::Page, time::Timestamp, user::User};
use screens::{ListPage, Screen, Sheet, SheetPage};
use serde::de::DeserializeOwned;

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
        .route("/admin/returns/{returnId}", get(admin_returns::show))
        .route("/admin/returns/{returnId}/approve", post(admin_returns::approve))
        .route("/admin/returns/{returnId}/reject", post(admin_returns::reject))
        .route("/admin/returns/{returnId}/receive", post(admin_returns::receive))
        .route("/admin/promotions", get(admin_promotions::list).post(admin_promotions::create))
        .route("/admin/promotions/new", get(admin_promotions::new))
        .route("/admin/promotions/{promotionId}", get(admin_promotions::show))
        .route("/admin/promotions/{promotionId}/{step}", post(admin_promotions::step))
        .route("/admin/taxes", get(rates::taxes).post(rates::save_taxes))
        .route("/admin/commissions", get(rates::commissions).post(rates::save_commissions))
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
        .route("/admin/webhooks", get(admin_webhooks::list).post(admin_webhooks::create))
        .route("/admin/webhooks/{webhookEndpointId}", get(admin_webhooks::show))
        .route("/admin/webhooks/{webhookEndpointId}/{step}", post(admin_webhooks::step))
        .route("/admin/webhooks/{webhookEndpointId}/deliveries/{webhookDeliveryId}/replay", post(admin_webhooks::replay))
        .route("/admin/events", get(parked::list))
        .route("/admin/events/{service}/{eventId}/replay", post(parked::replay))
        .route("/admin/events/replay", post(parked::replay_many))
        .route("/admin/audit", get(audit_log::list))
        .route("/admin/audit/check", get(audit_log::check))
        .route("/admin/system", get(system::show))
        .route("/admin/system/index", post(system::rebuild_index))
}

/// The pages of the side list.
fn places(t: &'static AdminTexts) -> [(&'static str, &'static str); 19] {
    [
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
        (t.events, "/admin/events"),
        (t.audit, "/admin/audit"),
        (t.system, "/admin/system"),
    ]
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

/// What was refused, with the status of the answer.
type Trouble = Option<(StatusCode, Faults)>;

/// An administrator who asks for a page.
pub struct Desk {
    site: Site,
    visitor: Visitor,
    user: User,
    caller: Caller,
    t: &'static AdminTexts,
    /// The texts of both dashboards.
    d: &'static DashboardTexts,
    lang: Language,
}

impl FromRequestParts<Site> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Desk, Response> {
        let Ok(mut visitor) = Visitor::from_request_parts(parts, site).await;
        let user = enter_as(site, &mut visitor, Role::Admin).await.map_err(|answer| *answer)?;
        let (caller, lang) = (visitor.caller(), visitor.language);
        Ok(Desk { site: site.clone(), visitor, user, caller, t: AdminTexts::of(lang), d: DashboardTexts::of(lang), lang })
    }
}

impl Desk {
    fn call<'a, B, A: DeserializeOwned>(&'a self, call: &'a Call<B, A>) -> ApiCall<'a, B, A> {
        self.site.0.api.call(&self.caller, call)
    }

    /// Rows of a list at once.
    const ROWS: usize = 25;

    /// Reads a page of a list. A filter that the API cannot read gives an empty page that says so.
    async fn fetch<T: DeserializeOwned>(&self, call: &Call<(), Page<T>>, list: &Listing) -> Result<(Page<T>, Trouble), Failure> {
        let mut call = self.call(call).query("limit", Desk::ROWS);
        for (name, value) in list.parameters() {
            call = call.query(name, value);
        }
        match call.send().await {
            Ok(page) => Ok((page, None)),
            Err(failure) if admin_orders::is_bad_filter(&failure) => {
                Ok((Page { items: Vec::new(), next_cursor: None }, Some((failure.status(), Faults::of(&failure)))))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Finds one of a list whose things the API shows in pages alone. Reads at most `pages` pages of 100.
    async fn find<T: DeserializeOwned>(
        &self,
        call: &Call<(), Page<T>>,
        pages: usize,
        is_it: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, Failure> {
        let mut cursor: Option<String> = None;
        for _ in 0..pages {
            let mut call = self.call(call).query("limit", 100);
            if let Some(cursor) = &cursor {
                call = call.query("cursor", cursor);
            }
            let page = call.send().await?;
            if let Some(found) = page.items.into_iter().find(|one| is_it(one)) {
                return Ok(Some(found));
            }
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    fn now(&self) -> Timestamp {
        self.site.0.env.now()
    }

    fn key(&self) -> String {
        form_key(&self.site)
    }

    fn money(&self, minor: i64, currency: Currency) -> String {
        format::money(self.lang, minor, currency)
    }

    fn moment(&self, at: Timestamp) -> String {
        format::moment(self.lang, at)
    }

    fn frames(&mut self) -> (Frame, Dashboard) {
        let here = self.visitor.here.clone();
        (Frame::of(&mut self.visitor), Dashboard::new(self.lang, self.t.admin, &places(self.t), &here, &self.user))
    }

    fn answer(&self, template: &impl Template) -> Response {
        page(&self.site, &self.visitor, template)
    }

    /// Shows a list, with the status of what was refused.
    fn list(mut self, screen: Screen) -> Response {
        let (frame, board) = self.frames();
        let status = screen.faults.as_ref().map(|(status, _)| *status);
        let template = ListPage { t: self.t, key: self.key(), frame, board, screen };
        self.answer_as(status, &template)
    }

    /// Shows one thing, with the status of what was refused.
    fn sheet(mut self, sheet: Sheet) -> Response {
        let (frame, board) = self.frames();
        let status = sheet.faults.as_ref().map(|(status, _)| *status);
        let template = SheetPage { key: self.key(), frame, board, sheet };
        self.answer_as(status, &template)
    }

    fn answer_as(&self, status: Option<StatusCode>, template: &impl Template) -> Response {
        match status {
            Some(status) => refused_page(&self.site, &self.visitor, status, template),
            None => self.answer(template),
        }
    }

    fn done(mut self, notice: AdminNotice, to: &str) -> Response {
        self.visitor.session.notice = Some(Notice::Admin(notice));
        see_other(&self.site, &self.visitor, to)
    }

    fn failed(mut self, failure: &Failure) -> Response {
        failed(&self.site, &mut self.visitor, failure)
    }
}
