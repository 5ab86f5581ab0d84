//! Gives the demo's customer an address and an order, by the public API, so that there is something to look at.

use super::{CUSTOMER, DemoSummary};
use crate::api_client::{Api, add_to_cart, place_order, request, sample_address};
use anyhow::{Context as _, Result};
use contracts::{
    cart::CLEAR_CART,
    order::LIST_ORDERS,
    payment::PaymentMethod,
    user::{ADD_ADDRESS, LIST_ADDRESSES},
};

/// Places the order and waits until it is confirmed. What an interrupted start did already is not done again.
pub async fn place(guest: &Api, summary: &DemoSummary) -> Result<()> {
    let Some(first) = &summary.first else { return Ok(()) };
    let customer = guest.log_in(CUSTOMER).await.context("the demo's customer cannot log in")?;
    let address = match customer.list(request(&LIST_ADDRESSES), 1).await?.pop() {
        Some(address) => address,
        None => customer.must(request(&ADD_ADDRESS).body(&sample_address())).await?,
    };
    if customer.list(request(&LIST_ORDERS), 1).await?.is_empty() {
        customer.must(request(&CLEAR_CART)).await?;
        customer.must(add_to_cart(first.product_id, 1)).await?;
        customer.must(place_order(address.address_id, PaymentMethod::Ok, "demo-first-order").wait()).await?;
    }
    Ok(())
}
