//! What sellers and administrators read.

use crate::{
    domain::ledger::Account,
    store::{posting_rows, report_rows},
};
use contracts::{
    ids::UserId,
    money::Currency,
    payout::{CurrencyBalance, LedgerCheck, Month, PostingKind, SellerBalance, SellerLedgerLine, SellerStatement, StatementTotals},
    time::Timestamp,
};
use platform::db::{Error, Tx};
use std::{collections::BTreeMap, fmt::Write as _};

/// How many lines a page of a statement has at most.
pub const STATEMENT_LINES: usize = 20_000;
/// How many faults of each kind are named.
const FAULTS: i64 = 100;

/// Checks every posting and every balance.
///
/// # Errors
/// Those of the database.
pub async fn check(tx: &mut Tx) -> Result<LedgerCheck, Error> {
    let (postings, accounts) = posting_rows::count(tx).await?;
    let mut faults = Vec::new();
    for (posting, currency, sum) in posting_rows::list_unbalanced(tx, FAULTS).await? {
        faults.push(match currency {
            Some(currency) => format!("the entries of posting {posting} add up to {sum} {currency} and not to zero (L1)"),
            None => format!("posting {posting} has no entries (L1)"),
        });
    }
    for (account, currency, balance, sum) in posting_rows::list_wrong_balances(tx, FAULTS).await? {
        faults.push(format!("{account} has a balance of {balance} {currency}, and its entries add up to {sum} (L2)"));
    }
    for (currency, sum) in posting_rows::list_unbalanced_currencies(tx).await? {
        faults.push(format!("the balances add up to {sum} {currency} and not to zero (L1)"));
    }
    faults.truncate(usize::try_from(FAULTS).unwrap_or(usize::MAX));
    Ok(LedgerCheck { balanced: faults.is_empty(), postings, accounts, faults })
}

/// Returns the balances of a seller; `shop` is the currency that comes first.
///
/// # Errors
/// Those of the database.
pub async fn balance(tx: &mut Tx, seller: UserId, shop: Currency) -> Result<SellerBalance, Error> {
    let mut balances = BTreeMap::new();
    for (account, currency, amount) in report_rows::list_balances(tx, seller).await? {
        let own = balances.entry(currency).or_insert(CurrencyBalance { currency, pending_amount: 0, available_amount: 0 });
        if account == Account::SellerPending(seller).to_string() {
            own.pending_amount = amount;
        } else {
            own.available_amount = amount;
        }
    }
    let none = CurrencyBalance { currency: shop, pending_amount: 0, available_amount: 0 };
    let CurrencyBalance { pending_amount, available_amount, .. } = *balances.entry(shop).or_insert(none);
    Ok(SellerBalance { pending_amount, available_amount, currency: shop, balances: balances.into_values().collect() })
}

/// The instant and the number of a posting: the last one on a page of a statement.
pub type StatementKey = (Timestamp, i64);

/// Returns a page of the statement of a seller for a month, and the key after which the next page begins. A posting is never divided
/// between two pages.
///
/// # Errors
/// Those of the database.
pub async fn statement(
    tx: &mut Tx,
    seller: UserId,
    month: Month,
    after: Option<StatementKey>,
) -> Result<(SellerStatement, Option<StatementKey>), Error> {
    let (from, to) = month.bounds();
    let mut totals = BTreeMap::new();
    for (account, currency, _) in report_rows::list_balances(tx, seller).await? {
        let total: &mut StatementTotals = totals.entry(currency).or_insert(StatementTotals {
            currency,
            opening_amount: 0,
            sales_amount: 0,
            reversed_amount: 0,
            commission_amount: 0,
            paid_out_amount: 0,
            closing_amount: 0,
        });
        total.opening_amount += report_rows::balance_at(tx, &account, currency, from).await?;
        total.closing_amount += report_rows::balance_at(tx, &account, currency, to).await?;
    }
    for (currency, kind, amount, commission) in report_rows::sum_lines(tx, seller, from, to).await? {
        let Some(total) = totals.get_mut(&currency) else { continue };
        total.commission_amount -= commission;
        match kind {
            PostingKind::Sale => total.sales_amount += amount + commission,
            PostingKind::Cancellation | PostingKind::Return | PostingKind::Refund => total.reversed_amount += amount + commission,
            PostingKind::Payout | PostingKind::PayoutFailed => total.paid_out_amount += amount,
            PostingKind::Release | PostingKind::PayoutPaid => {}
        }
    }
    // Numbers of postings begin with 1.
    let mut lines = report_rows::list_lines_between(tx, seller, after.unwrap_or((from, 0)), to, STATEMENT_LINES as i64 + 1).await?;
    let mut next = None;
    if let Some((_, (divided, _))) = lines.get(STATEMENT_LINES) {
        let divided = *divided;
        lines.truncate(STATEMENT_LINES);
        while lines.pop_if(|(_, (number, _))| *number == divided).is_some() {}
        next = lines.last().map(|(line, (number, _))| (line.created_at, *number));
    }
    let statement = SellerStatement {
        seller_id: seller,
        month: month.to_string(),
        totals: totals.into_values().collect(),
        lines: lines.into_iter().map(|(line, _)| line).collect(),
        is_truncated: next.is_some(),
        next_cursor: None,
    };
    Ok((statement, next))
}

/// Writes the lines of a statement as CSV (RFC 4180).
#[must_use]
pub fn csv(statement: &SellerStatement) -> String {
    let mut text = String::from(
        "postingId,kind,account,amount,commissionAmount,currency,balanceAmount,orderId,orderNumber,fulfilmentId,payoutId,createdAt\r\n",
    );
    for line in &statement.lines {
        let SellerLedgerLine { posting_id, kind, account, amount, commission_amount, currency, balance_amount, created_at, .. } = line;
        let order = id(line.order_id);
        let fulfilment = id(line.fulfilment_id);
        let payout = id(line.payout_id);
        let number = cell(line.order_number.as_deref().unwrap_or(""));
        // Writing to a String never fails.
        let _ = write!(
            text,
            "{posting_id},{kind},{account},{amount},{commission_amount},{currency},{balance_amount},{order},{number},{fulfilment},{payout},\
             {created_at}\r\n"
        );
    }
    text
}

fn id(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// A cell with text. One that a spreadsheet would run as a formula gets a `'` before it, and one with a separator is quoted.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\'', '\t', '\r']);
    let safe = if is_formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_separators() {
        let cells = ["SK-1", "=1+1", "-5", "a,\"b\"", "'x"].map(cell);
        assert_eq!(cells, ["SK-1", "'=1+1", "'-5", "\"a,\"\"b\"\"\"", "''x"]);
    }
}
