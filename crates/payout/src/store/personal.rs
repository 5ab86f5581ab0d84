//! What this service keeps about sellers, to be exported and to be erased. The ledger keeps its amounts.

use contracts::{ids::UserId, money::Currency, payout::PayoutFilter, personal::PersonalRecords, problem::Code};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json, records},
};

/// Of one seller in an export; a hundred thousand are more than a daily payout makes in two hundred years.
const MOST_PAYOUTS: i64 = 100_000;

pub fn data() -> PersonalData {
    PersonalData::new(export, erase).obstacle(find_obstacle)
}

async fn export(tx: &mut Tx, seller: UserId) -> Result<PersonalRecords, Error> {
    let payouts = super::payout_rows::list(tx, Some(seller), PayoutFilter::default(), None, MOST_PAYOUTS).await?;
    let sql = "SELECT account, currency, amount FROM balances WHERE seller_id = $1 ORDER BY account, currency";
    let balances = tx
        .query(sql, params![seller], |row| {
            let (account, currency, amount): (String, Currency, i64) = (row.next()?, row.next()?, row.next()?);
            Ok(json!({"account": account, "currency": currency, "amount": amount}))
        })
        .await?;
    Ok([("balances".to_owned(), balances), ("payouts".to_owned(), records(payouts))].into())
}

/// Money is owed while a balance is not zero or a payout is under way.
async fn find_obstacle(tx: &mut Tx, seller: UserId) -> Result<Option<Code>, Error> {
    let balances = "SELECT seller_id FROM balances WHERE seller_id = $1 AND amount <> 0 LIMIT 1";
    let payouts = "SELECT seller_id FROM payouts WHERE seller_id = $1 AND status = 'PENDING' LIMIT 1";
    let balance = tx.query_opt(balances, params![seller], |row| row.next::<UserId>()).await?;
    let payout = tx.query_opt(payouts, params![seller], |row| row.next::<UserId>()).await?;
    Ok(balance.or(payout).map(|_| Code::OPEN_BALANCE))
}

async fn erase(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE payouts SET payout_account = NULL WHERE seller_id = $1", params![seller]).await
}
