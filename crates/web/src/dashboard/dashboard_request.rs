//! Somebody at work in a dashboard: who it is, what is called on their behalf, and how their pages are answered.

use super::{
    Dashboard, Listing, form_key,
    screens::{ListPage, PageFaults, Refused, Screen, Sheet, SheetPage},
    sent::Sent,
};
use crate::{
    Site,
    api::{ApiCall, Caller, Failure},
    countries, format,
    forms::Faults,
    pages::{Frame, failed, not_found_page, page, refused_page, see_other},
    session::{Notice, Visitor},
    texts::{DashboardTexts, Language, code_words},
};
use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
};
use contracts::{call::Call, money::Currency, page::Page, time::Timestamp, user::User};
use serde::de::DeserializeOwned;
use std::ops::{Deref, DerefMut};

/// The parameters of an address.
pub type Parameters = Vec<(String, String)>;

/// A dashboard: its path, its name and its pages.
pub struct Place {
    /// Such as `/admin`.
    pub root: &'static str,
    /// Whether it is that of administrators.
    pub is_admin: bool,
    pub title: &'static str,
    /// Label and path of each page of the side list.
    pub pages: Vec<(&'static str, &'static str)>,
}

pub struct DashboardRequest {
    pub site: Site,
    pub visitor: Visitor,
    pub user: User,
    pub caller: Caller,
    pub d: &'static DashboardTexts,
    pub lang: Language,
    pub place: Place,
}

impl DashboardRequest {
    /// Rows of a list at once.
    pub const ROWS: usize = 25;

    pub fn new(site: &Site, visitor: Visitor, user: User, place: Place) -> DashboardRequest {
        let (caller, lang) = (visitor.caller(), visitor.language);
        DashboardRequest { site: site.clone(), visitor, user, caller, d: DashboardTexts::of(lang), lang, place }
    }

    /// A path of this dashboard.
    pub fn path(&self, below: &str) -> String {
        format!("{}{below}", self.place.root)
    }

    pub fn call<'a, B, A: DeserializeOwned>(&'a self, call: &'a Call<B, A>) -> ApiCall<'a, B, A> {
        self.site.0.api.call(&self.caller, call)
    }

    /// Reads a page of a list. A filter that the API cannot read gives an empty page that says so.
    pub async fn fetch<T: DeserializeOwned>(&self, call: &Call<(), Page<T>>, list: &Listing) -> Result<(Page<T>, PageFaults), Failure> {
        self.fetch_from(self.call(call), list).await
    }

    /// [`DashboardRequest::fetch`], of a list whose path has parts.
    pub async fn fetch_from<T: DeserializeOwned>(
        &self,
        call: ApiCall<'_, (), Page<T>>,
        list: &Listing,
    ) -> Result<(Page<T>, PageFaults), Failure> {
        let mut call = call.query("limit", DashboardRequest::ROWS);
        for (name, value) in list.parameters() {
            call = call.query(name, value);
        }
        match call.send().await {
            Ok(page) => Ok((page, None)),
            Err(failure) if is_bad_filter(&failure) => {
                Ok((Page { items: Vec::new(), next_cursor: None }, Some((failure.status(), Faults::of(&failure)))))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Finds one of a list whose things the API shows in pages alone. Reads at most `pages` pages of 100.
    pub async fn find<T: DeserializeOwned>(
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

    pub fn now(&self) -> Timestamp {
        self.site.0.env.now()
    }

    pub fn key(&self) -> String {
        form_key(&self.site)
    }

    pub fn money(&self, minor: i64, currency: Currency) -> String {
        format::money(self.lang, minor, currency)
    }

    pub fn moment(&self, at: Timestamp) -> String {
        format::short_moment(self.lang, at)
    }

    pub fn count(&self, number: impl TryInto<u64>) -> String {
        format::count(self.lang, number.try_into().unwrap_or(0))
    }

    /// What a code of the API means.
    pub fn words<'a>(&self, code: &'a str) -> &'a str {
        code_words(self.lang, code)
    }

    pub fn country(&self, code: &str) -> String {
        countries::name(self.lang, code)
    }

    pub fn frames(&mut self) -> (Frame, Dashboard) {
        let here = self.visitor.here.clone();
        (Frame::of(&mut self.visitor), Dashboard::new(self.lang, self.place.title, &self.place.pages, &here, &self.user))
    }

    /// Shows a list, with the status of what was refused.
    pub fn list(mut self, mut screen: Screen) -> Response {
        screen.table.leave_out_idle_column();
        let (frame, board) = self.frames();
        let status = screen.faults.as_ref().map(|(status, _)| *status);
        let template = ListPage { key: self.key(), frame, board, screen };
        self.answer_as(status, &template)
    }

    /// Shows one thing, with the status of what was refused.
    pub fn sheet(mut self, sheet: Sheet) -> Response {
        let (frame, board) = self.frames();
        let status = sheet.faults.as_ref().map(|(status, _)| *status);
        let template = SheetPage { key: self.key(), frame, board, sheet };
        self.answer_as(status, &template)
    }

    pub fn answer_as(&self, status: Option<StatusCode>, template: &impl Template) -> Response {
        match status {
            Some(status) => refused_page(&self.site, &self.visitor, status, template),
            None => page(&self.site, &self.visitor, template),
        }
    }

    pub fn done(mut self, notice: Notice, to: &str) -> Response {
        self.visitor.session.notice = Some(notice);
        see_other(&self.site, &self.visitor, to)
    }

    pub fn failed(mut self, failure: &Failure) -> Response {
        failed(&self.site, &mut self.visitor, failure)
    }

    pub fn not_found(mut self) -> Response {
        not_found_page(&self.site, &mut self.visitor)
    }
}

/// A dashboard as its pages see it, named by its texts.
pub trait Realm: Sized + Sync + 'static {
    fn texts(language: Language) -> &'static Self;

    /// Lets in who may see the pages.
    ///
    /// # Errors
    /// The answer to somebody else.
    fn enter(site: &Site, visitor: &mut Visitor) -> impl Future<Output = Result<(User, Place), Box<Response>>> + Send;
}

/// Somebody who asks for a page of one dashboard, with its texts.
pub struct RequestIn<R: Realm> {
    pub request: DashboardRequest,
    pub t: &'static R,
}

impl<R: Realm> Deref for RequestIn<R> {
    type Target = DashboardRequest;
    fn deref(&self) -> &DashboardRequest {
        &self.request
    }
}

impl<R: Realm> DerefMut for RequestIn<R> {
    fn deref_mut(&mut self) -> &mut DashboardRequest {
        &mut self.request
    }
}

impl<R: Realm> From<RequestIn<R>> for DashboardRequest {
    fn from(request: RequestIn<R>) -> DashboardRequest {
        request.request
    }
}

impl<R: Realm> FromRequestParts<Site> for RequestIn<R> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<RequestIn<R>, Response> {
        let Ok(mut visitor) = Visitor::from_request_parts(parts, site).await;
        let (user, place) = R::enter(site, &mut visitor).await.map_err(|answer| *answer)?;
        let t = R::texts(visitor.language);
        Ok(RequestIn { request: DashboardRequest::new(site, visitor, user, place), t })
    }
}

impl<R: Realm> RequestIn<R> {
    pub const ROWS: usize = DashboardRequest::ROWS;

    pub fn list(self, screen: Screen) -> Response {
        self.request.list(screen)
    }

    pub fn sheet(self, sheet: Sheet) -> Response {
        self.request.sheet(sheet)
    }

    pub fn failed(self, failure: &Failure) -> Response {
        self.request.failed(failure)
    }

    pub fn not_found(self) -> Response {
        self.request.not_found()
    }
}

/// Leads on after a form was sent, or shows its page `again` with what was refused.
pub async fn finish<D, A, F: Future<Output = Response>>(
    request: D,
    result: Result<A, Failure>,
    (form, sent): (&'static str, Sent),
    done: impl FnOnce(D) -> Response,
    again: impl FnOnce(D, Refused) -> F,
) -> Response {
    match result {
        Ok(_) => done(request),
        Err(failure) => {
            let refused = Refused::new(form, sent, &failure);
            again(request, refused).await
        }
    }
}

/// Whether a list was refused because of its filter.
pub fn is_bad_filter(failure: &Failure) -> bool {
    matches!(failure.status(), StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST)
}
