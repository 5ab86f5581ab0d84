//! Cart: what a customer intends to buy. Prices in a cart are preliminary; the order fixes them.

use crate::{
    calls, events,
    ids::{CartId, CartItemId, OrderId, ProductId, PromotionId, UserId},
    machine,
    money::Currency,
    page::{Page, Series, SeriesFilter},
    payout::Day,
    promotion::{CouponProblem, NearMiss},
    secret::Secret,
    service::ServiceSpec,
    string_enum,
    tax::TaxTotal,
    text::{Country, Quantity, RequiredShortText, ShortText},
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
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/carts", "/cart", "/carts", "/wishlist"],
};

machine! {
    /// The life of a cart. A customer has one ACTIVE cart at a time.
    CartStatus;
    /// What can happen to a cart.
    CartFact;
    states {
        /// It can be changed and ordered.
        Active = "ACTIVE",
        /// Its order was placed. When the order ends without success, its lines are added to the active cart, not to this
        /// one.
        CheckedOut = "CHECKED_OUT",
        /// It was not changed for a long time.
        Abandoned = "ABANDONED",
    }
    resting { Active }
    facts {
        /// Its order was placed.
        CheckedOut,
        /// It was not changed for too long.
        Abandoned,
    }
    table {
        Active, CheckedOut => CheckedOut;
        Active, Abandoned => Abandoned;
    }
}

string_enum! {
    /// Why a customer should check a line of the cart.
    WarningCode {
        /// The price changed since the product was added or its quantity last set. The line shows the present price.
        PriceChanged = "PRICE_CHANGED",
        /// Fewer units are available or allowed than requested. The line shows the possible quantity.
        QuantityCapped = "QUANTITY_CAPPED",
        /// The product cannot be bought now. The subtotal does not include the line.
        Unavailable = "UNAVAILABLE",
    }
}

/// Adds units of a product to the cart. A product that is already in it gets more units on its line.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddCartItem {
    pub product_id: ProductId,
    /// At least 1. The setting `max_line_quantity` says how many units the line may then hold; 999 by default.
    pub quantity: Quantity,
}

/// Sets how many units a line holds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateCartItem {
    /// At least 1; at most the setting `max_line_quantity`, 999 by default. To remove a line, delete it.
    pub quantity: Quantity,
}

/// A customer's cart. Every customer has an active one; it may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    pub cart_id: CartId,
    /// The customer; in the cart of a guest an id that nothing else has.
    pub user_id: UserId,
    /// The present status.
    pub status: CartStatus,
    /// The currency of all lines; the marketplace's currency while the cart is empty.
    pub currency: Currency,
    /// In the order of adding.
    pub items: Vec<CartItem>,
    /// The sum of the lines that can be bought, in minor units, without shipping. It has tax in it where `pricesIncludeTax`.
    pub subtotal_amount: i64,
    /// Whether the prices of the lines contain the tax; null while the catalogue was not asked, as for an empty cart.
    #[serde(default)]
    pub prices_include_tax: Option<bool>,
    /// What an order of this cart would cost. Null while the cart has nothing that can be bought, while no country is known,
    /// and in answers other than that of `GET /cart`.
    #[serde(default)]
    pub estimate: Option<CartEstimate>,
    /// The coupons that were entered, in the order of entering, each with why it does not apply any more.
    #[serde(default)]
    pub coupons: Vec<CartCoupon>,
    /// What promotions take off the lines, in the order in which they apply. Empty in answers other than those of `GET /cart` and of
    /// entering a coupon, and while the promotions do not answer; the order computes it again.
    #[serde(default)]
    pub discounts: Vec<CartDiscount>,
    /// The sum of the discounts, in minor units. The subtotal does not hold it.
    #[serde(default)]
    pub discount_amount: i64,
    /// Promotions that would apply if the cart held a little more.
    #[serde(default)]
    pub near_misses: Vec<NearMiss>,
    /// Whether a promotion may apply: a coupon was entered, or a promotion applies by itself at present.
    #[serde(default)]
    pub may_have_discounts: bool,
    /// What changed since the lines were added.
    pub warnings: Vec<CartWarning>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What an order of a cart would cost if it was placed now, by the rules by which orders are placed. All amounts are in minor
/// units of the cart's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartEstimate {
    /// Where it would be shipped, as ISO 3166-1 alpha-2.
    pub country: String,
    /// The shipping cost.
    pub shipping_amount: i64,
    /// The tax on the goods and the shipping.
    pub tax_amount: i64,
    /// Whether `taxAmount` is contained in the prices and the shipping cost. Otherwise it is added to them.
    #[serde(default)]
    pub prices_include_tax: bool,
    /// The tax by rate, the highest rate first.
    #[serde(default)]
    pub taxes: Vec<TaxTotal>,
    /// Subtotal less discounts, plus shipping, plus tax unless it is contained.
    pub total_amount: i64,
}

/// Enters a coupon.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddCoupon {
    /// The code of the coupon. Upper and lower case are the same.
    pub code: RequiredShortText,
}

/// A coupon that was entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartCoupon {
    /// In upper case.
    pub code: String,
    /// Why it does not apply any more; null while it applies.
    pub problem: Option<CouponProblem>,
    /// A sentence for people about the problem; empty without one.
    pub detail: String,
}

/// What one promotion takes off a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartDiscount {
    pub promotion_id: PromotionId,
    /// The code of the coupon; null when it applies by itself.
    pub code: Option<String>,
    pub title: String,
    /// The seller who pays for it; null for the shop.
    pub seller_id: Option<UserId>,
    /// The sum of `lines`, in minor units. Shipping that is free shows in the estimate.
    pub amount: i64,
    /// What is taken off each line.
    pub lines: Vec<CartLineDiscount>,
    /// The sellers who ship for free by it; null stands for the shop.
    pub free_shipping_sellers: Vec<Option<UserId>>,
}

/// What is taken off one line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartLineDiscount {
    pub cart_item_id: CartItemId,
    /// In minor units.
    pub amount: i64,
}

/// Which estimate a cart is shown with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CartQuery {
    /// Where the cart would be shipped, as ISO 3166-1 alpha-2; the country of the default shipping address when absent.
    pub country: Option<Country>,
    /// The state, by its code or name, of the country that is given. Some countries tax by state.
    pub state: Option<ShortText>,
}

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartItem {
    pub cart_item_id: CartItemId,
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title at the last look-up.
    pub title_snapshot: String,
    /// The price of one unit at the last look-up, in minor units of `currency`.
    pub unit_price_snapshot: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// How many units.
    pub quantity: u32,
    /// `unitPriceSnapshot` times `quantity`.
    pub line_total_amount: i64,
    /// The address of the product's main picture at the last look-up; null when it has none.
    #[serde(default)]
    pub image_url: Option<String>,
    /// The seller of the product; null for the shop itself. The lines of one seller are shipped together, for one fee.
    #[serde(default)]
    pub seller_id: Option<UserId>,
}

/// A notice about a line that a customer should read before ordering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartWarning {
    /// The kind of warning.
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
    /// With QUANTITY_CAPPED: the number of available units.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub available_qty: Option<i64>,
}

/// Marks a cart as ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckOutCart {
    pub cart_id: CartId,
    pub order_id: OrderId,
    /// The ordered units. Units that were added meanwhile are moved to a new active cart.
    pub items: Vec<CheckedOutItem>,
}

/// The cart of a guest, and the token that opens it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuestCart {
    pub cart_id: CartId,
    /// Sent as `X-Cart-Token` in place of an access token. It is shown once. It ends when the cart was not used for the time of the
    /// setting `guest_idle_hours`, and when the cart moves into the cart of an account.
    pub cart_token: Secret,
}

/// Names the cart of a guest by its token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuestCartToken {
    pub cart_token: Secret,
}

/// A product that a customer wants to remember.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WishlistItem {
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The title; of a product that is not on sale any more that of the time when it was added.
    pub title: String,
    /// Whether it is on sale now; null while the catalogue does not answer.
    pub is_on_sale: Option<bool>,
    /// Whether it can be bought now; null while that is not known.
    pub in_stock: Option<bool>,
    /// The present price of one unit, in minor units of `currency`; null when it is not on sale or the catalogue does not answer.
    pub price_amount: Option<i64>,
    /// The currency of the price.
    pub currency: Option<Currency>,
    /// The address of the product's main picture; null when it has none, or is not on sale.
    pub image_url: Option<String>,
    pub added_at: Timestamp,
}

/// A line of a cart, in a reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartReminderItem {
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title at the last look-up.
    pub title_snapshot: String,
    /// How many units.
    pub quantity: u32,
}

/// Units of a product that were ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckedOutItem {
    pub product_id: ProductId,
    pub quantity: u32,
}

/// The carts that were begun on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DailyCarts {
    /// In UTC.
    pub day: Day,
    pub carts: u64,
    /// Those that became an order until now.
    pub ordered: u64,
}

calls! {
    /// Counts carts and how many of them became orders, by the day on which they were begun. Carts are kept for some months.
    LIST_DAILY_CARTS: get(()) -> Series<DailyCarts>, "/admin/carts/daily", query SeriesFilter;
    /// Makes a cart for a guest. Its token takes the place of an access token for every operation on the cart.
    CREATE_GUEST_CART: post_unkeyed(()) -> GuestCart, "/carts";
    /// Reads the caller's cart at present prices, with a warning where something changed.
    GET_CART: get(()) -> Cart, "/cart", query CartQuery;
    /// Empties the cart.
    CLEAR_CART: delete(()) -> (), "/cart";
    /// Adds units of a product to the cart.
    ADD_CART_ITEM: post(AddCartItem) -> Cart, "/cart/items";
    /// Sets how many units a line holds.
    UPDATE_CART_ITEM: patch(UpdateCartItem) -> Cart, "/cart/items/{cartItemId}";
    /// Removes a line from the cart.
    REMOVE_CART_ITEM: delete(()) -> (), "/cart/items/{cartItemId}";
    /// Enters a coupon; a code that does not apply is refused with the reason.
    ADD_COUPON: post_unkeyed(AddCoupon) -> Cart, "/cart/coupons";
    /// Removes a coupon.
    REMOVE_COUPON: delete(()) -> (), "/cart/coupons/{code}";
    /// Lists the products that the caller wants to remember, the last added first.
    LIST_WISHLIST: get(()) -> Page<WishlistItem>, "/wishlist";
    /// Adds a product that is on sale to the wish list. One that is on it stays where it is.
    ADD_TO_WISHLIST: put(()) -> (), "/wishlist/items/{productId}";
    /// Removes a product from the wish list.
    REMOVE_FROM_WISHLIST: delete(()) -> (), "/wishlist/items/{productId}";
    /// Reads the active cart of a user in order to place an order; it may be empty. `OrderCreated` then marks it CHECKED_OUT.
    GET_ACTIVE_CART: get(()) -> Cart, "/internal/cart/{userId}", from "order";
    /// Reads the active cart of a guest in order to place an order; `NOT_FOUND` when the token opens none.
    GET_GUEST_CART: query(GuestCartToken) -> Cart, "/internal/carts/lookup", from "order";
    /// Moves the lines and coupons of a guest's cart into the cart of this user and ends its token. A token that opens nothing changes
    /// nothing.
    MERGE_GUEST_CART: put(GuestCartToken) -> (), "/internal/cart/{userId}/merge", from "auth";
    /// Marks an ordered cart CHECKED_OUT at once, so that its owner sees an empty one; `OrderCreated` has the same effect
    /// when this call is lost. A repetition changes nothing.
    CHECK_OUT_CART: put(CheckOutCart) -> (), "/internal/cart/{userId}/check-out", from "order";
}

events! {
    "CART", cart_id: CartId;
    /// A customer left a cart for a while, and had chosen to be reminded. It is announced once for each cart.
    CartReminderRequested {
        user_id: UserId,
        /// The first 20 lines.
        items: Vec<CartReminderItem>,
        /// How many lines the cart has.
        item_count: u32,
    }
}
