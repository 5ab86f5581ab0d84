//! What the tests of the checks have in common.

use contracts::{money::Currency, order::OrderItem, user::AddressSnapshot};
use order::import::PastOrder;
use platform::{
    db::{Db, Error, Tx},
    env::Env,
};

/// An order of two lamps, placed now.
pub fn past_order(env: &Env) -> PastOrder {
    let item = OrderItem {
        order_item_id: env.new_id(),
        product_id: env.new_id(),
        sku: "LAMP-1".into(),
        title_snapshot: "Lamp".into(),
        unit_price_snapshot: 1_000,
        quantity: 2,
        line_total_amount: 2_000,
        image_url: None,
        seller_id: None,
        discount_amount: 0,
        seller_discount_amount: 0,
        tax_amount: 0,
        tax_basis_points: None,
        returned_quantity: 0,
    };
    let [country, city, zip, street, number] = ["DE", "Bremen", "28195", "Am Wall", "7"].map(str::to_owned);
    let address = AddressSnapshot { country, city, zip, street, number, ..AddressSnapshot::default() };
    let (user_id, placed_at) = (env.new_id(), env.now());
    PastOrder { user_id, placed_at, currency: Currency::EUR, items: vec![item], shipping_amount: 490, address }
}

/// Runs a statement that changes something.
pub async fn run(db: &Db, sql: &'static str) {
    assert!(db.write::<_, Error, _>(async move |tx: &mut Tx| tx.execute(sql, &[]).await).await.expect("it runs") > 0, "{sql}");
}
