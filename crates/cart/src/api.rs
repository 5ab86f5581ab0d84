//! Entry point 1: HTTP.

use crate::{
    App, Error,
    actions::{self, AddItem, CartToken, Shopper},
    domain::Quotes,
    estimate, store,
};
use contracts::{
    body::EmptyBody,
    cart::{AddCartItem, AddCoupon, Cart, CartQuery, CheckOutCart, DailyCarts, GuestCart, GuestCartToken, UpdateCartItem, WishlistItem},
    ids::{CartItemId, ProductId, UserId},
    page::{Page, Series, SeriesFilter},
    problem::{Code, Fault},
    text::CouponCode,
};
use platform::{
    db::Tx,
    http::{
        Body, Created, Idempotent, Json, MaybeBody, MaybeIdempotencyKey, NoContent, Paged, Paging, Path, Problem, Query, Routes, State,
        UnstoredIdempotencyKey,
    },
    idempotency::IdempotentRequest as _,
    identity::{Admin, ClientMarker, Customer, ServiceOf},
};

/// The service that turns carts into orders.
struct Order;

impl ClientMarker for Order {
    const CLIENTS: &'static [&'static str] = &["order"];
}

pub fn routes() -> Routes<App> {
    Routes::new("cart")
        .post("/carts", create, "Makes a cart for a guest")
        .get("/cart", show, "The caller's cart at present prices, with what an order would cost and warnings where something changed")
        .delete("/cart", clear, "Empties the cart")
        .post("/cart/items", add, "Adds units of a product to the cart")
        .patch("/cart/items/{cartItemId}", update, "Sets the quantity of a line")
        .delete("/cart/items/{cartItemId}", remove, "Removes a line")
        .post("/cart/coupons", add_coupon, "Enters a coupon")
        .delete("/cart/coupons/{code}", remove_coupon, "Removes a coupon")
        .get("/wishlist", list_wishes, "The products that the caller wants to remember, the last added first")
        .put("/wishlist/items/{productId}", add_wish, "Adds a product to the wish list")
        .delete("/wishlist/items/{productId}", remove_wish, "Removes a product from the wish list")
        .get("/admin/carts/daily", daily, "Carts and how many of them became orders, by day")
        .get("/internal/cart/{userId}", get_active, "The active cart of a user, for an order")
        .post("/internal/carts/lookup", get_of_guest, "The active cart of a guest, for an order")
        .put("/internal/cart/{userId}/merge", merge, "Moves a guest's cart into the cart of a user")
        .put("/internal/cart/{userId}/check-out", check_out, "Checks a cart out to its order")
}

async fn daily(_: Admin, State(app): State<App>, Query(filter): Query<SeriesFilter>) -> Result<Json<Series<DailyCarts>>, Problem> {
    let (from, to) = filter.span(app.ctx.env.now()).map_err(|fault| Problem::invalid(vec![fault]))?;
    let items = app.ctx.db.read(async move |tx| store::count_by_day(tx, from, to).await).await?;
    Ok(Json(Series { items }))
}

async fn list_wishes(customer: Customer, State(app): State<App>, paging: Paging) -> Result<Paged<WishlistItem>, Problem> {
    let owner = customer.id;
    let tag = format!("wishlist {owner}");
    let read = async move |tx: &mut Tx, before, rows| store::wishlist_rows::list(tx, owner, before, rows).await;
    let Page { items, next_cursor } = paging.list(&app.ctx.db, &tag, read, |wish| wish.wishlist_item_id).await?;
    Ok(Paged(Page { items: actions::show_wishes(&app, items).await, next_cursor }))
}

async fn add_wish(
    customer: Customer,
    State(app): State<App>,
    Path(product): Path<ProductId>,
    _: MaybeBody<Option<EmptyBody>>,
) -> Result<NoContent, Problem> {
    actions::add_wish(&app, customer.id, product).await?;
    Ok(NoContent)
}

async fn remove_wish(customer: Customer, State(app): State<App>, Path(product): Path<ProductId>) -> Result<NoContent, Problem> {
    app.ctx.db.write(async move |tx| store::wishlist_rows::delete(tx, customer.id, product).await).await?;
    Ok(NoContent)
}

/// The service that logs users in.
struct Auth;

impl ClientMarker for Auth {
    const CLIENTS: &'static [&'static str] = &["auth"];
}

async fn create(State(app): State<App>, _: UnstoredIdempotencyKey, _: MaybeBody<Option<EmptyBody>>) -> Result<Created<GuestCart>, Problem> {
    Ok(Created::at("/cart", actions::create_guest_cart(&app).await?))
}

async fn show(shopper: Shopper, State(app): State<App>, Query(query): Query<CartQuery>) -> Result<Json<Cart>, Problem> {
    if query.state.is_some() && query.country.is_none() {
        return Err(Problem::invalid(vec![Fault::parameter("country", "REQUIRED", "must be given with a state")]));
    }
    let (cart, has_tax_rates) = actions::show_cart(&app, actions::owner(&app, &shopper).await?).await?;
    // A guest has no address book to take the country from.
    if matches!(shopper, Shopper::Guest(_)) && query.country.is_none() {
        return Ok(Json(cart));
    }
    Ok(Json(estimate::add_to(&app, cart, has_tax_rates, query).await?))
}

async fn clear(shopper: Shopper, State(app): State<App>) -> Result<NoContent, Problem> {
    actions::clear_cart(&app, actions::owner(&app, &shopper).await?).await?;
    Ok(NoContent)
}

async fn add(
    shopper: Shopper,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(body): Body<AddCartItem>,
) -> Result<Idempotent<Created<Cart>>, Problem> {
    let db = app.ctx.db.clone();
    let owner = actions::owner(&app, &shopper).await?;
    AddItem::new(app, owner, body).run(&db, key).await
}

async fn update(
    shopper: Shopper,
    State(app): State<App>,
    Path(item): Path<CartItemId>,
    Body(body): Body<UpdateCartItem>,
) -> Result<Json<Cart>, Problem> {
    Ok(Json(actions::update_item(&app, actions::owner(&app, &shopper).await?, item, body.quantity).await?))
}

async fn remove(shopper: Shopper, State(app): State<App>, Path(item): Path<CartItemId>) -> Result<NoContent, Problem> {
    actions::remove_item(&app, actions::owner(&app, &shopper).await?, item).await?;
    Ok(NoContent)
}

async fn add_coupon(shopper: Shopper, State(app): State<App>, Body(body): Body<AddCoupon>) -> Result<Created<Cart>, Problem> {
    Ok(Created::at("/cart", actions::add_coupon(&app, actions::owner(&app, &shopper).await?, &body.code).await?))
}

async fn remove_coupon(shopper: Shopper, State(app): State<App>, Path(code): Path<CouponCode>) -> Result<NoContent, Problem> {
    actions::remove_coupon(&app, actions::owner(&app, &shopper).await?, code).await?;
    Ok(NoContent)
}

async fn get_active(_: ServiceOf<Order>, State(app): State<App>, Path(user): Path<UserId>) -> Result<Json<Cart>, Problem> {
    Ok(Json(actions::active_cart(&app, user).await?.view(&Quotes::default())))
}

async fn get_of_guest(_: ServiceOf<Order>, State(app): State<App>, Body(body): Body<GuestCartToken>) -> Result<Json<Cart>, Problem> {
    // 401 would be about the token of the service that calls.
    let unknown = || Problem::new(Code::NOT_FOUND).detail("the token opens no cart");
    let token = CartToken::parse(body.cart_token.reveal()).ok_or_else(unknown)?;
    match actions::active_guest_cart(&app, &token).await {
        Err(Error::UnknownToken) => Err(unknown()),
        found => Ok(Json(found?.view(&Quotes::default()))),
    }
}

async fn merge(
    _: ServiceOf<Auth>,
    State(app): State<App>,
    Path(user): Path<UserId>,
    Body(body): Body<GuestCartToken>,
) -> Result<NoContent, Problem> {
    let Some(token) = CartToken::parse(body.cart_token.reveal()) else { return Ok(NoContent) };
    let (hash, home, max) = (token.hash(), app.settings.currency, app.settings.max_line_quantity());
    app.ctx.db.write(async move |tx| actions::merge(tx, user, hash, home, max).await).await?;
    Ok(NoContent)
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
