//! Taxes of carts and orders: by country, state and class, with prices that include them and prices that do not.

use super::server::{Person, Server};
use contracts::{
    body::Patch,
    cart::{CLEAR_CART, GET_CART},
    catalog::{GET_TAX_RATES, PUT_TAX_RATES, UPDATE_PRODUCT, UpdateProduct},
    ids::{AddressId, ProductId},
    order::{GET_ORDER, OrderView, PLACE_ORDER},
    tax::{TaxClass, TaxRates},
    user::ADD_ADDRESS,
};
use serde_json::{Value, json};
use souk::api_client::request;

/// A rate by country, state, class and basis points.
pub type Rate<'a> = (&'a str, Option<&'a str>, &'a str, u32);

/// Replaces the tax rates.
pub async fn set_rates(admin: &Person, rates: &[Rate<'_>]) -> TaxRates {
    let rate =
        |(country, state, class, points): &Rate<'_>| json!({"country": country, "state": state, "taxClass": class, "basisPoints": points});
    let table = json!({"items": rates.iter().map(rate).collect::<Vec<_>>()});
    admin.must(request(&PUT_TAX_RATES).body(&serde_json::from_value(table).expect("a table"))).await
}

pub async fn set_tax_class(owner: &Person, product: ProductId, class: TaxClass) {
    let change = UpdateProduct { tax_class: Patch(Some(class)), ..UpdateProduct::default() };
    assert_eq!(owner.must(request(&UPDATE_PRODUCT).path(product).body(&change)).await.tax_class, class);
}

async fn address(buyer: &Person, address: Value) -> AddressId {
    buyer.must(request(&ADD_ADDRESS).body(&serde_json::from_value(address).expect("an address"))).await.address_id
}

/// Places an order that must cost what the cart estimates for the destination.
async fn order_at(buyer: &Person, to: AddressId, key: &str, country: &str, state: Option<&str>) -> OrderView {
    let cart = request(&GET_CART).query("country", country);
    let cart = match state {
        Some(state) => buyer.must(cart.query("state", state)).await,
        None => buyer.must(cart).await,
    };
    let estimate = cart.estimate.expect("an estimate");
    let body = json!({"shippingAddressId": to, "paymentMethod": "pm_ok", "expectedTotalAmount": estimate.total_amount});
    let body = serde_json::from_value(body).expect("an order");
    let order = buyer.must(request(&PLACE_ORDER).body(&body).key(key)).await;
    assert_eq!((cart.prices_include_tax, estimate.prices_include_tax), (Some(order.prices_include_tax), order.prices_include_tax));
    assert_eq!((estimate.tax_amount, estimate.taxes), (order.tax_amount, order.taxes.clone()));
    order
}

/// Rates and taxes of the lines, then of shipping.
fn taxes_of(order: &OrderView) -> Vec<(u32, i64)> {
    let lines = order.items.iter().map(|item| (item.tax_basis_points.expect("a rate"), item.tax_amount));
    lines.chain([(order.shipping_tax_basis_points.expect("a rate"), order.shipping_tax_amount)]).collect()
}

#[tokio::test]
async fn prices_contain_the_taxes_of_the_destination() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (lamp, book) = (server.product(&admin, "LAMP-1", 11_900, 10).await, server.product(&admin, "BOOK-1", 535, 10).await);
    set_tax_class(&admin, book, TaxClass::Reduced).await;
    let buyer = server.customer("buyer").await;
    let home = buyer.address;

    // Without rates nothing is taxed, and there is nothing to add.
    buyer.add(lamp, 1).await;
    let untaxed = order_at(&buyer, home, "untaxed", "DE", None).await;
    assert_eq!(taxes_of(&untaxed), [(0, 0), (0, 0)]);
    assert_eq!(untaxed.total_amount, untaxed.subtotal_amount + untaxed.shipping_amount);

    set_rates(&admin, &[("DE", None, "STANDARD", 1_900), ("DE", None, "REDUCED", 700)]).await;
    buyer.add(lamp, 1).await;
    buyer.add(book, 3).await;
    let order = order_at(&buyer, home, "two-rates", "DE", None).await;
    let shipping = order.shipping_tax_amount;
    assert_eq!(taxes_of(&order), [(1_900, 1_900), (700, 105), (1_900, shipping)]);
    assert_eq!(shipping, (2 * order.shipping_amount * 1_900 + 11_900) / (2 * 11_900));
    assert_eq!(order.total_amount, order.subtotal_amount + order.shipping_amount - order.discount_amount);
    assert_eq!((order.tax_amount, order.taxes.len()), (2_005 + shipping, 2));
    assert_eq!(order.taxes.iter().map(|rate| rate.net_amount + rate.tax_amount).sum::<i64>(), order.total_amount);

    // Another country has no rate; the order of before stays as it is.
    let vienna = json!({"country": "AT", "city": "Wien", "zip": "1010", "street": "Graben", "number": "1"});
    let vienna = address(&buyer, vienna).await;
    buyer.add(book, 1).await;
    let abroad = order_at(&buyer, vienna, "abroad", "AT", None).await;
    assert_eq!((taxes_of(&abroad), abroad.tax_amount), (vec![(0, 0), (0, 0)], 0));
    assert_eq!(buyer.must(request(&GET_ORDER).path(untaxed.order_id)).await.tax_amount, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn taxes_of_a_state_are_added_to_prices_without_tax() {
    let server = Server::start_with(&[("SOUK_CATALOG_PRICES_INCLUDE_TAX", "false")]).await;
    let admin = server.admin().await;
    let mug = server.product(&admin, "MUG-1", 1_999, 10).await;
    let buyer = server.customer("buyer").await;
    let rates = [("US", Some("California"), "STANDARD", 725), ("US", Some("CA"), "SHIPPING", 0), ("US", Some("TX"), "STANDARD", 825)];
    let shown = set_rates(&admin, &rates).await;
    assert!(!shown.prices_include_tax && shown.items.iter().all(|rate| rate.state.as_deref().is_some_and(|state| state.len() == 2)));
    assert_eq!(admin.must(request(&GET_TAX_RATES)).await, shown);
    let states = [("California", "90012", Some(290), 725), ("TX", "73301", None, 825), ("OR", "97201", Some(0), 0)];
    for (state, zip, tax, points) in states {
        let home = json!({"country": "US", "state": state, "city": "Town", "zip": zip, "street": "Main Street", "number": "1"});
        let home = address(&buyer, home).await;
        buyer.must(request(&CLEAR_CART)).await;
        buyer.add(mug, 2).await;
        let order = order_at(&buyer, home, state, "US", Some(state)).await;
        let goods = (2 * 3_998 * i64::from(points) + 10_000) / 20_000;
        assert_eq!(order.items[0].tax_amount, goods, "{state}");
        assert_eq!(order.total_amount, order.subtotal_amount + order.shipping_amount + order.tax_amount - order.discount_amount);
        assert!(tax.is_none_or(|tax| order.tax_amount == tax), "{state}: {order:#?}");
        assert_eq!(order.shipping_tax_basis_points, Some(if state == "TX" { 825 } else { 0 }), "{state}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_table_of_rates_is_for_administrators_and_replaced_as_a_whole_or_not_at_all() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let put = |by: &Person, table: Value| {
        let (by, body) = (by.api.clone(), table.to_string().into_bytes());
        async move { by.send(request(&PUT_TAX_RATES).bytes("application/json", body)).await.expect("an answer") }
    };
    let before = set_rates(&admin, &[("DE", None, "STANDARD", 1_900)]).await;
    let rate = |field: &str, value: Value| {
        let mut rate = json!({"country": "DE", "taxClass": "STANDARD", "basisPoints": 1_900});
        rate[field] = value;
        rate
    };
    let fine = rate("basisPoints", json!(1_900));
    for (items, pointer) in [
        (json!([rate("country", json!("de"))]), "/items/0/country"),
        (json!([rate("country", json!("XX"))]), "/items/0/country"),
        (json!([rate("taxClass", json!("STANDART"))]), "/items/0/taxClass"),
        (json!([rate("basisPoints", json!(-1))]), "/items/0/basisPoints"),
        (json!([rate("basisPoints", json!(10_001))]), "/items/0/basisPoints"),
        (json!([rate("basisPoints", json!(19.5))]), "/items/0/basisPoints"),
        (json!([rate("percent", json!(19))]), "/items/0/percent"),
        (json!([rate("taxClass", json!("ZERO"))]), "/items/0/basisPoints"),
        (json!([fine, fine]), "/items/1"),
        (json!([{"country": "US", "state": "Bavaria", "taxClass": "STANDARD", "basisPoints": 1}]), "/items/0/state"),
        (json!(null), "/items"),
        (json!(vec![fine.clone(); 2_001]), "/items"),
    ] {
        let reply = put(&admin, json!({"items": items})).await;
        assert_eq!((reply.status.as_u16(), reply.json()["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{:?}", reply.json());
    }
    let customer = server.customer("curious").await;
    assert_eq!(put(&customer, json!({"items": []})).await.status, 403);
    assert_eq!(put(&server.guest(), json!({"items": []})).await.status, 401);
    assert_eq!(customer.send(request(&GET_TAX_RATES)).await.status, 403);
    assert_eq!(admin.must(request(&GET_TAX_RATES)).await, before);
    server.stop_and_check().await;
}
