//! Cart: what a customer means to buy. Its prices are preliminary; the order fixes them.

use crate::{
    calls,
    ids::{CartId, CartItemId, OrderId, ProductId, UserId},
    machine,
    money::Currency,
    service::ServiceSpec,
    string_enum,
    text::Quantity,
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "cart";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns what a customer intends to buy, at preliminary prices.",
    machines: &[CartStatus::SPEC],
    events: &[],
    calls: CALLS,
    paths: &["/cart"],
};

machine! {
    /// The life of a cart. A customer has one ACTIVE cart at a time.
    CartStatus;
    /// What can happen to a cart.
    CartFact;
    states {
        /// It can be changed and ordered.
        Active = "ACTIVE",
        /// Its order was placed. When the order ends without success its lines come back into the active cart, not
        /// this cart.
        CheckedOut = "CHECKED_OUT",
        /// Nobody touched it for a long time.
        Abandoned = "ABANDONED",
    }
    resting { Active }
    facts {
        /// Its order was placed.
        CheckedOut,
        /// It was left alone for too long.
        Abandoned,
    }
    table {
        Active, CheckedOut => CheckedOut;
        Active, Abandoned => Abandoned;
    }
}

string_enum! {
    /// Why a customer should look at a line of the cart again.
    WarningCode {
        /// The product costs something else than when it was added or its quantity last set. The line shows the present price.
        PriceChanged = "PRICE_CHANGED",
        /// There are fewer units than wanted, or a line may hold fewer. The line shows what is possible.
        QuantityCapped = "QUANTITY_CAPPED",
        /// The product cannot be bought now. The line does not count into the subtotal.
        Unavailable = "UNAVAILABLE",
    }
}

/// Puts a product into the cart. A product that is already there gets more units on its line.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddCartItem {
    pub product_id: ProductId,
    /// 1 to 999; the line then holds at most 999.
    pub quantity: Quantity,
}

/// Sets how many units a line holds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateCartItem {
    /// 1 to 999. To remove a line, delete it.
    pub quantity: Quantity,
}

/// A customer's cart. There always is an active one; it may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    pub cart_id: CartId,
    pub user_id: UserId,
    /// The present status.
    pub status: CartStatus,
    /// The currency of all lines; that of the marketplace while the cart is empty.
    pub currency: Currency,
    /// In the order they were added.
    pub items: Vec<CartItem>,
    /// The sum of the lines that can be bought, in minor units. Shipping and tax come with the order.
    pub subtotal_amount: i64,
    /// What changed since the lines were added.
    pub warnings: Vec<CartWarning>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartItem {
    pub cart_item_id: CartItemId,
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title when it was last looked at.
    pub title_snapshot: String,
    /// The price of one unit when it was last looked at, in minor units of `currency`.
    pub unit_price_snapshot: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// How many units.
    pub quantity: u32,
    /// `unitPriceSnapshot` times `quantity`.
    pub line_total_amount: i64,
}

/// Something a customer should know of a line before ordering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartWarning {
    /// What it is.
    pub code: WarningCode,
    pub cart_item_id: CartItemId,
    pub product_id: ProductId,
    /// A sentence for people.
    pub detail: String,
    /// With PRICE_CHANGED: the price when it was added or its quantity last set, in minor units.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old_unit_price_amount: Option<i64>,
    /// With PRICE_CHANGED: the price now, in minor units.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new_unit_price_amount: Option<i64>,
    /// With QUANTITY_CAPPED: how many units there are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub available_qty: Option<i64>,
}

/// Tells the cart that it was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckOutCart {
    pub cart_id: CartId,
    pub order_id: OrderId,
    /// What was ordered of it; lines and units that were added meanwhile stay in a fresh active cart.
    pub items: Vec<CheckedOutItem>,
}

/// Units of a product that were ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckedOutItem {
    pub product_id: ProductId,
    pub quantity: u32,
}

calls! {
    /// Reads the caller's cart at present prices, with a warning where something changed.
    GET_CART: get(()) -> Cart, "/cart";
    /// Empties the cart.
    CLEAR_CART: delete(()) -> (), "/cart";
    /// Adds units of a product to the cart.
    ADD_CART_ITEM: post(AddCartItem) -> Cart, "/cart/items";
    /// Sets how many units a line holds.
    UPDATE_CART_ITEM: patch(UpdateCartItem) -> Cart, "/cart/items/{cartItemId}";
    /// Removes a line from the cart.
    REMOVE_CART_ITEM: delete(()) -> (), "/cart/items/{cartItemId}";
    /// Reads the active cart of a user in order to place an order; it may be empty. `OrderCreated` then checks it out.
    GET_ACTIVE_CART: get(()) -> Cart, "/internal/cart/{userId}", from "order";
    /// Makes an ordered cart CHECKED_OUT at once, so that its owner sees it emptied; `OrderCreated` says the same if
    /// this is lost. Repeating it changes nothing.
    CHECK_OUT_CART: put(CheckOutCart) -> (), "/internal/cart/{userId}/check-out", from "order";
}
