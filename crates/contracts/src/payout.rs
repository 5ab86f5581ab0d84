//! Payout: the money between the shop and its sellers, in double entry, and its way to their accounts.

use crate::{
    body::{BoundedInt, BoundedVec},
    calls, events,
    ids::{CategoryId, FulfilmentId, OrderId, PayoutId, PostingId, UserId},
    machine,
    money::Currency,
    page::Page,
    service::ServiceSpec,
    string_enum,
    time::Timestamp,
    violation::{Violation, deserialize_str},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// The service's name.
pub const NAME: &str = "payout";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Keeps the ledger of sales, commissions and refunds, and pays sellers out.",
    machines: &[PayoutStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &[
        "/admin/commissions",
        "/admin/ledger",
        "/admin/payouts",
        "/seller/balance",
        "/seller/ledger",
        "/seller/payouts",
        "/seller/sales",
        "/seller/statements",
    ],
};

machine! {
    /// The life of a payout. While the provider's outcome is unknown, or the seller's payouts are held, it stays PENDING.
    PayoutStatus;
    /// What can happen to a payout.
    PayoutFact;
    states {
        /// The money left the seller's available balance and is on its way.
        Pending = "PENDING",
        /// The provider paid it.
        Paid = "PAID",
        /// The provider refused it. The money is available again.
        Failed = "FAILED",
    }
    facts {
        /// The provider paid it.
        Paid,
        /// The provider refused it for good.
        Failed,
    }
    table {
        Pending, Paid => Paid;
        Pending, Failed => Failed;
    }
}

string_enum! {
    /// Why money moved between the accounts of the ledger.
    PostingKind {
        /// A part of an order was sold.
        Sale = "SALE",
        /// A part of an order was cancelled: its sale is reversed.
        Cancellation = "CANCELLATION",
        /// Goods came back: their share of the sale is reversed.
        Return = "RETURN",
        /// An administrator gave money back.
        Refund = "REFUND",
        /// The time to return the goods is over: the seller's share is available.
        Release = "RELEASE",
        /// A payout began.
        Payout = "PAYOUT",
        /// The provider paid it.
        PayoutPaid = "PAYOUT_PAID",
        /// The provider refused it: the money is available again.
        PayoutFailed = "PAYOUT_FAILED",
    }

    /// The company that transfers the money.
    PayoutProviderName {
        /// The built-in mock.
        Mock = "MOCK",
    }

    /// Why a payout failed.
    PayoutFailure {
        /// The provider refused the transfer.
        Refused = "TRANSFER_REFUSED",
        /// The seller has no payout account.
        AccountMissing = "PAYOUT_ACCOUNT_MISSING",
    }
}

/// One side of a posting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Such as `commission_revenue` or `seller_pending/{sellerId}`.
    pub account: String,
    /// In minor units of `currency`: positive (a credit) when the account gets it, negative (a debit) when it gives it.
    pub amount: i64,
    pub currency: Currency,
}

/// A movement of money. Its entries add up to zero in each currency, and it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    pub posting_id: PostingId,
    pub kind: PostingKind,
    /// What caused it. No two postings have the same.
    pub cause: String,
    pub order_id: Option<OrderId>,
    /// The order number that people see.
    pub order_number: Option<String>,
    pub fulfilment_id: Option<FulfilmentId>,
    /// The seller concerned; null for the shop itself.
    pub seller_id: Option<UserId>,
    pub payout_id: Option<PayoutId>,
    pub entries: Vec<LedgerEntry>,
    pub created_at: Timestamp,
}

/// Which postings a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PostingFilter {
    /// Only postings about this order.
    pub order_id: Option<OrderId>,
    /// Only postings about this seller.
    pub seller_id: Option<UserId>,
}

/// An account of the ledger in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerAccount {
    /// Such as `commission_revenue` or `seller_pending/{sellerId}`.
    pub account: String,
    pub currency: Currency,
    /// The sum of its entries, in minor units of `currency`. Money that the shop holds or spent is negative, money that it owes or
    /// earned is positive.
    pub balance_amount: i64,
    /// When its last entry was made.
    pub updated_at: Timestamp,
}

/// The result of a check of the whole ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerCheck {
    /// Whether the entries of each posting add up to zero in each currency, and each balance is the sum of its entries.
    pub balanced: bool,
    /// How many postings there are.
    pub postings: i64,
    /// How many accounts there are; one in two currencies counts twice.
    pub accounts: i64,
    /// A sentence for each fault; the first 100.
    pub faults: Vec<String>,
}

/// A rate of commission. Without a category and a seller it is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCommissionRate {
    /// Only for products in this category or below it.
    #[serde(default)]
    pub category_id: Option<CategoryId>,
    /// Only for this seller.
    #[serde(default)]
    pub seller_id: Option<UserId>,
    /// In hundredths of a percent: 1000 is 10 %.
    pub basis_points: BoundedInt<0, 10_000>,
}

/// Replaces the rates of commission. Of those that fit a line the most specific counts: one for its category and its seller, then one for
/// its category, then one for its seller, then the default. Of categories the nearest to the product counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplaceCommissions {
    /// At most 1,000, each for another category and seller. Without a default the one of the settings counts.
    pub items: BoundedVec<NewCommissionRate, 0, 1_000>,
}

/// A rate of commission as answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommissionRate {
    /// Null for all categories.
    pub category_id: Option<CategoryId>,
    /// Null for all sellers.
    pub seller_id: Option<UserId>,
    /// In hundredths of a percent.
    pub basis_points: i64,
}

/// The rates of commission as answers show them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Commissions {
    /// The default first.
    pub items: Vec<CommissionRate>,
}

/// A movement on one of the caller's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerLedgerLine {
    pub posting_id: PostingId,
    pub kind: PostingKind,
    /// `seller_pending/{sellerId}` or `seller_available/{sellerId}`.
    pub account: String,
    /// In minor units of `currency`; negative when it was taken.
    pub amount: i64,
    /// The commission that was taken off before, in the same currency; negative when it was given back.
    pub commission_amount: i64,
    pub currency: Currency,
    /// The balance of the account afterwards.
    pub balance_amount: i64,
    pub order_id: Option<OrderId>,
    /// The order number that people see.
    pub order_number: Option<String>,
    pub fulfilment_id: Option<FulfilmentId>,
    pub payout_id: Option<PayoutId>,
    pub created_at: Timestamp,
}

/// The balances in one currency, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurrencyBalance {
    pub currency: Currency,
    /// Sold, and not available yet.
    pub pending_amount: i64,
    /// Paid out next. A negative balance is carried forward.
    pub available_amount: i64,
}

/// What the shop owes the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerBalance {
    /// Sold, and not available yet, in minor units of the shop's currency.
    pub pending_amount: i64,
    /// Paid out next, in minor units of the shop's currency.
    pub available_amount: i64,
    /// The shop's currency.
    pub currency: Currency,
    /// The balances in each currency in which the caller sold something.
    pub balances: Vec<CurrencyBalance>,
}

/// The totals of a month in one currency, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatementTotals {
    pub currency: Currency,
    /// Pending and available together, before the first line.
    pub opening_amount: i64,
    /// Sales, before commission.
    pub sales_amount: i64,
    /// Taken back for cancellations, returns and refunds, before commission; negative.
    pub reversed_amount: i64,
    /// Commission on the sales, less what was given back; negative.
    pub commission_amount: i64,
    /// Paid out, less payouts that failed; negative.
    pub paid_out_amount: i64,
    /// Pending and available together, after the last line.
    pub closing_amount: i64,
}

/// The movements of one month in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerStatement {
    pub seller_id: UserId,
    /// Such as `2026-11`.
    pub month: String,
    /// By currency.
    pub totals: Vec<StatementTotals>,
    /// The oldest first, at most 20,000 on a page. Releases, which move money from pending to available, are two lines.
    pub lines: Vec<SellerLedgerLine>,
    /// Whether there are more lines after these.
    pub is_truncated: bool,
    /// Where the next page of lines begins. Null on the last one.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// A month in UTC, such as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// Returns its first instant, and the first of the next month.
    ///
    /// # Panics
    /// Never: a month of the years 1970 to 9998 has both.
    #[must_use]
    pub fn bounds(self) -> (Timestamp, Timestamp) {
        let at = |year: i32, month: u32| format!("{year:04}-{month:02}-01T00:00:00Z").parse().expect("the first of a month is an instant");
        let next = if self.month == 12 { (self.year + 1, 1) } else { (self.year, self.month + 1) };
        (at(self.year, self.month), at(next.0, next.1))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = Violation;
    fn from_str(text: &str) -> Result<Month, Violation> {
        let violation = || Violation::new("NOT_A_MONTH", "must be a month such as 2026-11");
        let is_shaped =
            text.len() == 7 && text.bytes().enumerate().all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() });
        let (year, month) = text.split_once('-').filter(|_| is_shaped).ok_or_else(violation)?;
        let month = Month { year: year.parse().map_err(|_| violation())?, month: month.parse().map_err(|_| violation())? };
        if (1_970..=9_998).contains(&month.year) && (1..=12).contains(&month.month) { Ok(month) } else { Err(violation()) }
    }
}

impl Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Month, D::Error> {
        deserialize_str(deserializer, "a string", str::parse)
    }
}

impl JsonSchema for Month {
    fn schema_name() -> Cow<'static, str> {
        "Month".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$", "description": "A month in UTC, such as 2026-11."})
    }
}

/// A day in UTC, such as `2026-11-28`; of an instant its day is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Day(String);

impl Day {
    /// The day of an instant.
    #[must_use]
    pub fn of(instant: Timestamp) -> Day {
        Day(instant.to_string()[..10].to_owned())
    }
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Day {
    type Err = Violation;
    fn from_str(text: &str) -> Result<Day, Violation> {
        let instant = if text.len() == 10 { format!("{text}T00:00:00Z").parse() } else { text.parse::<Timestamp>() };
        instant.map(Day::of).map_err(|_| Violation::new("NOT_A_DAY", "must be a day such as 2026-11-28, or an RFC 3339 time"))
    }
}

crate::text_column!(Day);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        deserialize_str(deserializer, "a string", str::parse)
    }
}

impl JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].+)?$",
            "description": "A day in UTC, such as 2026-11-28; of an RFC 3339 time its day is read.",
        })
    }
}

/// What was sold on one day in UTC, less what was cancelled, returned or refunded of it since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SalesDay {
    /// The day on which the orders were confirmed.
    pub day: Day,
    pub currency: Currency,
    /// How many orders.
    pub orders: i64,
    /// How many units.
    pub units: i64,
    /// Goods and shipping without tax, less the discounts that the seller pays, in minor units of `currency`.
    pub gross_amount: i64,
    /// The commission on the goods.
    pub commission_amount: i64,
    /// Gross less commission: what the seller gets.
    pub net_amount: i64,
}

/// Which days a list of sales covers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SalesFilter {
    /// Only this day and later ones.
    pub from: Option<Day>,
    /// Only this day and earlier ones.
    pub to: Option<Day>,
}

/// A payout to a seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payout {
    pub payout_id: PayoutId,
    pub seller_id: UserId,
    pub status: PayoutStatus,
    /// In minor units of `currency`.
    pub amount: i64,
    pub currency: Currency,
    pub provider: PayoutProviderName,
    /// The end of the account behind `****`; null until it is sent.
    pub payout_account: Option<String>,
    /// The provider's id of it; null until the provider answered.
    pub provider_reference: Option<String>,
    /// Why it failed; otherwise null.
    pub failure: Option<PayoutFailure>,
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

string_enum! {
    /// The order of a list of payouts.
    PayoutSort {
        /// The newest first.
        Newest = "newest",
        /// The oldest first.
        Oldest = "oldest",
        /// The highest amount first, whatever the currency.
        AmountDown = "-amount",
    }
}

/// Which payouts a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PayoutFilter {
    /// Only payouts in this status.
    pub status: Option<PayoutStatus>,
    /// The order; the newest first when absent.
    pub sort: Option<PayoutSort>,
}

/// The payouts that a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayoutRun {
    /// One for each seller and currency with an available balance of at least the minimum; at most 500. They are PENDING.
    pub items: Vec<Payout>,
    /// Whether there are more; they begin within a minute.
    pub has_more: bool,
}

calls! {
    /// Lists the rates of commission.
    GET_COMMISSIONS: get(()) -> Commissions, "/admin/commissions";
    /// Replaces the rates of commission. They count for sales from now on.
    PUT_COMMISSIONS: put(ReplaceCommissions) -> Commissions, "/admin/commissions";
    /// Lists the accounts of the ledger by name.
    LIST_LEDGER_ACCOUNTS: get(()) -> Page<LedgerAccount>, "/admin/ledger/accounts";
    /// Lists postings, the newest first.
    LIST_POSTINGS: get(()) -> Page<Posting>, "/admin/ledger/postings", query PostingFilter;
    /// Checks the whole ledger.
    CHECK_LEDGER: get(()) -> LedgerCheck, "/admin/ledger/check";
    /// Lists payouts, the newest first.
    LIST_ALL_PAYOUTS: get(()) -> Page<Payout>, "/admin/payouts", query PayoutFilter;
    /// Begins a payout for each seller with an available balance of at least the minimum.
    RUN_PAYOUTS: post_keyed(()) -> PayoutRun, "/admin/payouts/run";
    /// Lists the movements on the caller's accounts, the newest first.
    LIST_SELLER_LEDGER: get(()) -> Page<SellerLedgerLine>, "/seller/ledger";
    /// Reads the caller's balances.
    GET_SELLER_BALANCE: get(()) -> SellerBalance, "/seller/balance";
    /// Reads the caller's statement of a month, as JSON or CSV.
    GET_SELLER_STATEMENT: get(()) -> SellerStatement, "/seller/statements/{month}";
    /// Lists the caller's sales by day, the newest first.
    LIST_SELLER_SALES: get(()) -> Page<SalesDay>, "/seller/sales", query SalesFilter;
    /// Lists the caller's payouts, the newest first.
    LIST_SELLER_PAYOUTS: get(()) -> Page<Payout>, "/seller/payouts";
}

events! {
    "PAYOUT", payout_id: PayoutId;
    /// The provider paid a seller.
    PayoutPaid {
        seller_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        currency: Currency,
    }
    /// A payout failed. The money is available again.
    PayoutFailed {
        seller_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        currency: Currency,
        /// The reason.
        failure: PayoutFailure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_its_bounds_in_utc() {
        let bounds = |text: &str| text.parse::<Month>().map(|month| month.bounds()).map(|(from, to)| (from.to_string(), to.to_string()));
        assert_eq!(bounds("2026-12").unwrap(), ("2026-12-01T00:00:00.000000Z".into(), "2027-01-01T00:00:00.000000Z".into()));
        for bad in ["2026-13", "2026-00", "2026-1", "26-01", "2026/01", "+026-01", "9999-12", "1969-12", ""] {
            assert_eq!(bad.parse::<Month>().unwrap_err().code, "NOT_A_MONTH", "{bad}");
        }
    }

    #[test]
    fn a_day_is_read_from_a_date_or_an_instant() {
        for text in ["2026-11-28", "2026-11-28T23:59:59Z", "2026-11-29T00:30:00+01:00"] {
            assert_eq!(text.parse::<Day>().unwrap().as_str(), "2026-11-28");
        }
        for bad in ["2026-02-30", "today", "2026-11", ""] {
            assert_eq!(bad.parse::<Day>().unwrap_err().code, "NOT_A_DAY", "{bad}");
        }
    }
}
