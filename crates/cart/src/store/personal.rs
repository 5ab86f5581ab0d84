//! What this service keeps about users, to be exported and to be erased: their carts, their wish list and their reminders go.

use super::{
    Carts, delete_carts_of,
    reminder_rows::{self, Reminders},
    wishlist_rows::Wishes,
    with_lines,
};
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
    let wishes = tx
        .list::<Wishes>("WHERE user_id = $1 ORDER BY wishlist_item_id", params![user])
        .await?
        .into_iter()
        .map(|wish| json!({"productId": wish.product_id, "sku": wish.sku, "titleSnapshot": wish.title, "addedAt": wish.added_at}));
    let reminders = tx.list::<Reminders>("WHERE user_id = $1", params![user]).await?.into_iter();
    let reminders = reminders.map(|row| json!({"isWanted": row.due_at.is_some(), "remindedCartId": row.reminded_cart_id})).collect();
    let kept = [("carts", carts), ("wishlist", wishes.collect()), ("cartReminders", reminders)];
    Ok(kept.map(|(kind, records)| (kind.to_owned(), records)).into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM wishlist_items WHERE user_id = $1", params![user]).await?;
    reminder_rows::delete(tx, user).await?;
    delete_carts_of(tx, user).await
}
