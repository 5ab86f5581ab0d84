//! Entry point 1, HTTP.

use crate::{
    App,
    actions::{payouts, reports, sales},
    store,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use contracts::{
    money::Currency,
    payout::{
        Commissions, Day, LedgerAccount, LedgerCheck, Month, Payout, PayoutFilter, PayoutRun, Posting, PostingFilter, ReplaceCommissions,
        SalesDay, SalesFilter, SellerBalance, SellerLedgerLine, SellerStatement,
    },
};
use platform::{
    db::Tx,
    http::describe::OperationBuilder,
    http::{
        Body, Cursor, DescribeAnswer, DescribeArg, IdempotencyKey, Idempotent, Json, NoBody, PageCursor, Paged, Paging, Path, Problem,
        Query, Routes, State, link_next,
    },
    identity::{Admin, SellerOfRecord},
};
use std::convert::Infallible;

pub fn routes() -> Routes<App> {
    Routes::new("payout")
        .get("/admin/commissions", get_commissions, "The rates of commission")
        .put("/admin/commissions", put_commissions, "Replaces the rates of commission")
        .get("/admin/ledger/accounts", list_accounts, "The accounts of the ledger, by name")
        .get("/admin/ledger/postings", list_postings, "Postings, the newest first")
        .get("/admin/ledger/check", check, "Checks the whole ledger")
        .get("/admin/payouts", list_all_payouts, "Payouts, the newest first")
        .post("/admin/payouts/run", run_payouts, "Begins a payout for each seller with an available balance")
        .get("/seller/ledger", list_lines, "The movements on the caller's accounts, the newest first")
        .get("/seller/balance", balance, "The caller's balances")
        .get("/seller/statements/{month}", statement, "The caller's statement of a month, as JSON or CSV")
        .get("/seller/sales", list_sales, "The caller's sales by day, the newest first")
        .get("/seller/payouts", list_payouts, "The caller's payouts, the newest first")
}

async fn get_commissions(_: Admin, State(app): State<App>) -> Result<Json<Commissions>, Problem> {
    sales::get_commissions(&app).await.map(Json)
}

async fn put_commissions(_: Admin, State(app): State<App>, Body(body): Body<ReplaceCommissions>) -> Result<Json<Commissions>, Problem> {
    sales::put_commissions(&app, body).await.map(Json)
}

async fn list_accounts(_: Admin, State(app): State<App>, paging: Paging) -> Result<Paged<LedgerAccount>, Problem> {
    let read = async move |tx: &mut Tx, after: Option<(String, Currency)>, rows| store::posting_rows::list_accounts(tx, after, rows).await;
    paging.list(&app.ctx.db, "ledger accounts", read, |last| (last.account.clone(), last.currency)).await.map(Paged)
}

async fn list_postings(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<PostingFilter>,
    paging: Paging,
) -> Result<Paged<Posting>, Problem> {
    let tag = format!("postings {filter:?}");
    let read = async move |tx: &mut Tx, after: Option<i64>, rows| store::posting_rows::list(tx, filter, after, rows).await;
    let page = paging.list(&app.ctx.db, &tag, read, |(_, number)| *number).await?;
    Ok(Paged(page.map(|(posting, _)| posting)))
}

async fn check(_: Admin, State(app): State<App>) -> Result<Json<LedgerCheck>, Problem> {
    Ok(Json(app.ctx.db.read(async |tx: &mut Tx| reports::check(tx).await).await?))
}

async fn list_all_payouts(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<PayoutFilter>,
    paging: Paging,
) -> Result<Paged<Payout>, Problem> {
    let tag = format!("payouts {filter:?}");
    let read = async move |tx: &mut Tx, after, rows| store::payout_rows::list(tx, None, filter, after, rows).await;
    paging.list(&app.ctx.db, &tag, read, |last| store::payout_rows::list_key(filter, last)).await.map(Paged)
}

async fn run_payouts(_: Admin, State(app): State<App>, key: IdempotencyKey, _: NoBody) -> Result<Idempotent<Json<PayoutRun>>, Problem> {
    payouts::run(&app, key).await
}

async fn list_lines(seller: SellerOfRecord, State(app): State<App>, paging: Paging) -> Result<Paged<SellerLedgerLine>, Problem> {
    let (id, tag) = (seller.id, format!("lines {}", seller.id));
    let read = async move |tx: &mut Tx, after: Option<(i64, i64)>, rows| store::report_rows::list_lines(tx, id, after, rows).await;
    let page = paging.list(&app.ctx.db, &tag, read, |(_, place)| *place).await?;
    Ok(Paged(page.map(|(line, _)| line)))
}

async fn balance(seller: SellerOfRecord, State(app): State<App>) -> Result<Json<SellerBalance>, Problem> {
    let (id, currency) = (seller.id, app.settings.currency);
    Ok(Json(app.ctx.db.read(async move |tx: &mut Tx| reports::balance(tx, id, currency).await).await?))
}

/// Whether `Accept` prefers CSV to JSON.
struct PrefersCsv(bool);

impl<S: Send + Sync> FromRequestParts<S> for PrefersCsv {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<PrefersCsv, Infallible> {
        let values = parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let (mut csv, mut json) = (0.0_f32, 0.0_f32);
        for range in values.flat_map(|value| value.split(',')) {
            let mut parameters = range.split(';').map(str::trim);
            let kind = parameters.next().unwrap_or("").to_ascii_lowercase();
            let weight = parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            match kind.as_str() {
                "text/csv" => csv = csv.max(weight),
                "application/json" => json = json.max(weight),
                _ => {}
            }
        }
        Ok(PrefersCsv(csv > json))
    }
}

impl DescribeArg for PrefersCsv {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

/// A statement as JSON or CSV.
struct StatementAnswer {
    statement: SellerStatement,
    as_csv: bool,
}

impl IntoResponse for StatementAnswer {
    fn into_response(self) -> Response {
        let next_cursor = self.statement.next_cursor.clone();
        let mut response = if self.as_csv {
            let name = format!("attachment; filename=\"statement-{}.csv\"", self.statement.month);
            let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
            (headers, reports::csv(&self.statement)).into_response()
        } else {
            Json(self.statement).into_response()
        };
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
        link_next(response, next_cursor)
    }
}

impl DescribeAnswer for StatementAnswer {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<SellerStatement>(200, "The statement; its lines alone as CSV.");
        operation.text_answer(200, "text/csv");
        operation.answer_header("Link", "The next page, with `rel=\"next\"`.");
        operation.answer_header("Vary", "`Accept`: it chooses between JSON and CSV.");
    }
}

async fn statement(
    seller: SellerOfRecord,
    State(app): State<App>,
    Path(month): Path<Month>,
    cursor: PageCursor,
    PrefersCsv(as_csv): PrefersCsv,
) -> Result<StatementAnswer, Problem> {
    let (id, tag) = (seller.id, format!("statement {} {month}", seller.id));
    let after = cursor.after(&tag)?;
    let (mut statement, next) = app.ctx.db.read(async move |tx: &mut Tx| reports::statement(tx, id, month, after).await).await?;
    statement.next_cursor = next.map(|key| Cursor::encode(&tag, &key));
    Ok(StatementAnswer { statement, as_csv })
}

async fn list_sales(
    seller: SellerOfRecord,
    State(app): State<App>,
    Query(filter): Query<SalesFilter>,
    paging: Paging,
) -> Result<Paged<SalesDay>, Problem> {
    let (id, tag) = (seller.id, format!("sales {} {filter:?}", seller.id));
    let read = async move |tx: &mut Tx, after: Option<(Day, Currency)>, rows| {
        store::report_rows::list_days(tx, id, filter.clone(), after, rows).await
    };
    paging.list(&app.ctx.db, &tag, read, |last| (last.day.clone(), last.currency)).await.map(Paged)
}

async fn list_payouts(seller: SellerOfRecord, State(app): State<App>, paging: Paging) -> Result<Paged<Payout>, Problem> {
    let (id, tag) = (seller.id, format!("own payouts {}", seller.id));
    let filter = PayoutFilter::default();
    let read = async move |tx: &mut Tx, after, rows| store::payout_rows::list(tx, Some(id), filter, after, rows).await;
    paging.list(&app.ctx.db, &tag, read, |last| store::payout_rows::list_key(filter, last)).await.map(Paged)
}
