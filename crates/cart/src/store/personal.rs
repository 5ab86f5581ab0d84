//! What this service keeps about users, to be exported and to be erased: their carts go.

use super::{Carts, delete_carts_of, with_lines};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let mut carts = Vec::new();
    for cart in tx.list::<Carts>("WHERE user_id = $1 ORDER BY cart_id", params![user]).await? {
        let Some(cart) = with_lines(tx, Some(cart)).await? else { continue };
        let lines = cart.lines.iter().map(|line| json!({"sku": line.sku, "titleSnapshot": line.title, "quantity": line.quantity}));
        carts.push(json!({
            "cartId": cart.cart_id, "status": cart.status, "orderId": cart.order_id, "items": lines.collect::<Vec<_>>(),
            "coupons": cart.coupons, "createdAt": cart.created_at, "updatedAt": cart.updated_at,
        }));
    }
    Ok([("carts".to_owned(), carts)].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    delete_carts_of(tx, user).await
}
