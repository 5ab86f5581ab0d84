//! Entry point 1: HTTP.

use crate::{
    App,
    actions::{self, AddItem},
    domain::Quotes,
    estimate,
};
use contracts::{
    cart::{AddCartItem, AddCoupon, Cart, CartQuery, CheckOutCart, UpdateCartItem},
    ids::{CartItemId, UserId},
    problem::Fault,
    text::CouponCode,
};
use platform::{
    http::{Body, Created, Idempotent, Json, MaybeIdempotencyKey, NoContent, Path, Problem, Query, Routes, State},
    idempotency::IdempotentRequest as _,
    identity::{ClientMarker, Customer, ServiceOf},
};

/// The service that turns carts into orders.
struct Order;

impl ClientMarker for Order {
    const CLIENTS: &'static [&'static str] = &["order"];
}

pub fn routes() -> Routes<App> {
    Routes::new("cart")
        .get("/cart", show, "The caller's cart at present prices, with what an order would cost and warnings where something changed")
        .delete("/cart", clear, "Empties the cart")
        .post("/cart/items", add, "Adds units of a product to the cart")
        .patch("/cart/items/{cartItemId}", update, "Sets the quantity of a line")
        .delete("/cart/items/{cartItemId}", remove, "Removes a line")
        .post("/cart/coupons", add_coupon, "Enters a coupon")
        .delete("/cart/coupons/{code}", remove_coupon, "Removes a coupon")
        .get("/internal/cart/{userId}", get_active, "The active cart of a user, for an order")
        .put("/internal/cart/{userId}/check-out", check_out, "Checks a cart out to its order")
}

async fn show(customer: Customer, State(app): State<App>, Query(query): Query<CartQuery>) -> Result<Json<Cart>, Problem> {
    if query.state.is_some() && query.country.is_none() {
        return Err(Problem::invalid(vec![Fault::parameter("country", "REQUIRED", "must be given with a state")]));
    }
    let (cart, has_tax_rates) = actions::show_cart(&app, customer.id).await?;
    Ok(Json(estimate::add_to(&app, cart, has_tax_rates, query).await?))
}

async fn clear(customer: Customer, State(app): State<App>) -> Result<NoContent, Problem> {
    actions::clear_cart(&app, customer.id).await?;
    Ok(NoContent)
}

async fn add(
    customer: Customer,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(body): Body<AddCartItem>,
) -> Result<Idempotent<Created<Cart>>, Problem> {
    let db = app.ctx.db.clone();
    AddItem::new(app, customer.id, body).run(&db, key).await
}

async fn update(
    customer: Customer,
    State(app): State<App>,
    Path(item): Path<CartItemId>,
    Body(body): Body<UpdateCartItem>,
) -> Result<Json<Cart>, Problem> {
    Ok(Json(actions::update_item(&app, customer.id, item, body.quantity).await?))
}

async fn remove(customer: Customer, State(app): State<App>, Path(item): Path<CartItemId>) -> Result<NoContent, Problem> {
    actions::remove_item(&app, customer.id, item).await?;
    Ok(NoContent)
}

async fn add_coupon(customer: Customer, State(app): State<App>, Body(body): Body<AddCoupon>) -> Result<Created<Cart>, Problem> {
    Ok(Created::at("/cart", actions::add_coupon(&app, customer.id, &body.code).await?))
}

async fn remove_coupon(customer: Customer, State(app): State<App>, Path(code): Path<CouponCode>) -> Result<NoContent, Problem> {
    actions::remove_coupon(&app, customer.id, code).await?;
    Ok(NoContent)
}

async fn get_active(_: ServiceOf<Order>, State(app): State<App>, Path(user): Path<UserId>) -> Result<Json<Cart>, Problem> {
    Ok(Json(actions::active_cart(&app, user).await?.view(&Quotes::default())))
}

async fn check_out(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(user): Path<UserId>,
    Body(body): Body<CheckOutCart>,
) -> Result<NoContent, Problem> {
    app.ctx.db.write(async move |tx| actions::check_out(tx, user, body.cart_id, body.order_id, &body.items).await).await?;
    Ok(NoContent)
}
