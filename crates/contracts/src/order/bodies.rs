//! The bodies of requests and answers.

use super::{FulfilmentStatus, FulfilmentView, OrderNumber, OrderStatus, RestockStatus};
use crate::{
    body::Metadata,
    ids::{AddressId, OrderId, OrderItemId, PaymentId, ProductId, PromotionId, ShipmentId, UserId},
    money::{Currency, Money, MoneyError},
    payment::PaymentMethod,
    payout::Day,
    problem::Failure,
    secret::Secret,
    shipping::ShipmentStatus,
    string_enum,
    tax::TaxTotal,
    text::{Amount, Country, Email, ExternalId, Name, RequiredShortText, ShortText},
    time::Timestamp,
    user::{AddressSnapshot, PostalAddress},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Places an order for everything in the caller's active cart.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// The shipping address; an address of the caller's address book.
    pub shipping_address_id: AddressId,
    /// The billing address; the shipping address when absent.
    #[serde(default)]
    pub billing_address_id: Option<AddressId>,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// The total that the customer saw, in minor units. When the order would have another total, it is not placed, and the
    /// answer is `TOTAL_CHANGED` with the new totals.
    #[serde(default)]
    pub expected_total_amount: Option<Amount<0>>,
    /// Its name in another system, which no other order of the caller has; null or absent for none.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// Data of integrators.
    #[serde(default)]
    pub metadata: Metadata,
}

/// Places an order of a guest for everything in the cart of `X-Cart-Token`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceGuestOrder {
    /// Who orders.
    pub guest: GuestCustomer,
    /// Where the goods go. The guest's name stands in for a recipient.
    pub shipping_address: PostalAddress,
    /// The shipping address when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<PostalAddress>,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// The total that the guest saw, in minor units. When the order would have another total, it is not placed, and the
    /// answer is `TOTAL_CHANGED` with the new totals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_total_amount: Option<Amount<0>>,
    /// Its name in another system, which no other order of this guest has; null or absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Data of integrators.
    #[serde(default)]
    pub metadata: Metadata,
}

/// A guest who orders.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuestCustomer {
    /// Where the mails about the order go.
    pub email: Email,
    pub name: Name,
}

/// The guest of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OrderGuest")]
pub struct GuestView {
    pub email: String,
    pub name: String,
}

/// A token that may open an order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderTokenLookup {
    pub order_token: Secret,
}

/// The order that a token opens, and its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCustomer {
    pub order_id: OrderId,
    pub user_id: UserId,
}

/// Where the mails about the order of a guest go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuestContact {
    pub email: String,
    /// The token that the links of the mails carry.
    pub order_token: Secret,
}

/// Cancels an order whose parcel has not left.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrder {
    /// One line of 1 to 200 characters, shown in the timeline.
    #[serde(default)]
    pub reason: Option<RequiredShortText>,
}

/// Pays again an order in PAYMENT_FAILED.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayOrder {
    /// The payment method.
    pub payment_method: PaymentMethod,
}

/// An order. Items, addresses and amounts are those of the moment of ordering and never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Order")]
pub struct OrderView {
    pub order_id: OrderId,
    /// The number that people see. It cannot be guessed from another one.
    pub order_number: String,
    /// The customer; in an order of a guest an id that all orders of guests with this address have.
    pub user_id: UserId,
    /// Who ordered without an account; absent in orders of accounts, and once the personal data was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<GuestView>,
    /// Sent as `X-Order-Token` it opens the order of a guest. Present only in the answer to `POST /orders`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_token: Option<Secret>,
    /// The present status.
    pub status: OrderStatus,
    /// The currency of every amount.
    pub currency: Currency,
    /// The lines at the moment of ordering.
    pub items: Vec<OrderItem>,
    /// The sum of the line totals, in minor units.
    pub subtotal_amount: i64,
    /// The shipping cost, in minor units of `currency`.
    pub shipping_amount: i64,
    /// The tax on goods and shipping, in minor units of `currency`.
    pub tax_amount: i64,
    /// Whether `taxAmount` is contained in the subtotal and the shipping cost. Otherwise it is added to them.
    #[serde(default)]
    pub prices_include_tax: bool,
    /// The rate of the shipping cost in hundredths of a percent; null in orders of earlier versions.
    #[serde(default)]
    pub shipping_tax_basis_points: Option<u32>,
    /// The part of `taxAmount` on the shipping cost.
    #[serde(default)]
    pub shipping_tax_amount: i64,
    /// The tax by rate, the highest rate first. Empty in orders of earlier versions, whose rates are not known.
    #[serde(default)]
    pub taxes: Vec<TaxTotal>,
    /// The discount, as a positive amount in minor units of `currency`.
    pub discount_amount: i64,
    /// What promotions took off, in the order in which they applied.
    #[serde(default)]
    pub discounts: Vec<OrderDiscount>,
    /// Subtotal plus shipping minus discount, plus tax unless `pricesIncludeTax`.
    pub total_amount: i64,
    /// The amount refunded so far.
    pub refunded_amount: i64,
    /// The present payment; null until it is created.
    pub payment_id: Option<PaymentId>,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// The progress of the shipment; with several fulfilments, of the first one that is not cancelled.
    pub shipping: OrderShipping,
    /// Its parts, one for each seller of its lines.
    #[serde(default)]
    pub fulfilments: Vec<FulfilmentView>,
    /// Whether some of its parts have shipped and others have not.
    #[serde(default)]
    pub partially_shipped: bool,
    /// Whether a cancellation of the confirmed order is requested and its shipment is not cancelled yet. The order becomes
    /// CANCELLED when shipping can cancel the shipment; otherwise this becomes false and the order continues.
    pub cancellation_requested: bool,
    /// The shipping address.
    pub shipping_address_snapshot: AddressSnapshot,
    /// The billing address.
    pub billing_address_snapshot: AddressSnapshot,
    /// Why it failed or was cancelled; otherwise null.
    pub failure: Option<Failure>,
    /// Whether the goods of a parcel that came back are on sale again; null until an administrator restocks them.
    #[serde(default)]
    pub restock: Option<RestockStatus>,
    /// Every status that it had, the oldest first. A parcel that came back is an entry with the status of then and the reason
    /// `PARCEL_RETURNED`.
    pub timeline: Vec<TimelineEntry>,
    /// Its name in another system; null when there is none.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Data of integrators. The platform does not read it, and sellers do not see it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderItem {
    pub order_item_id: OrderItemId,
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title when the order was placed.
    pub title_snapshot: String,
    /// The price of one unit when the order was placed, in minor units of the order's currency.
    pub unit_price_snapshot: i64,
    /// How many units.
    pub quantity: u32,
    /// `unitPriceSnapshot` times `quantity`.
    pub line_total_amount: i64,
    /// The seller when the order was placed; null for the shop itself.
    #[serde(default)]
    pub seller_id: Option<UserId>,
    /// Its share of the discounts, as a positive amount in minor units of the order's currency.
    #[serde(default)]
    pub discount_amount: i64,
    /// The part of `discountAmount` that its seller pays, who made the promotion; the shop pays the rest.
    #[serde(default)]
    pub seller_discount_amount: i64,
    /// The rate of its tax in hundredths of a percent; null in orders of earlier versions.
    #[serde(default)]
    pub tax_basis_points: Option<u32>,
    /// The tax on it after discounts, rounded half up, in minor units of the order's currency. Contained in the line total where the
    /// order's `pricesIncludeTax`.
    #[serde(default)]
    pub tax_amount: i64,
    /// How many of its units came back and were refunded.
    #[serde(default)]
    pub returned_quantity: u32,
    /// The address of the product's main picture when the order was placed; null when it had none.
    #[serde(default)]
    pub image_url: Option<String>,
}

/// The shipment of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipping {
    /// Null until there is a shipment.
    pub status: Option<ShipmentStatus>,
    pub shipment_id: Option<ShipmentId>,
    /// The carrier of the parcel.
    pub carrier: Option<String>,
    /// The carrier's tracking number of the parcel.
    pub tracking_number: Option<String>,
    /// Whether the order is confirmed and its shipment is not booked yet. Booking is retried automatically.
    pub pending: bool,
}

/// A status that an order had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// The status.
    pub status: OrderStatus,
    /// When it entered this status.
    pub occurred_at: Timestamp,
    /// A code such as `OUT_OF_STOCK`, or the customer's text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// An order as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    pub order_id: OrderId,
    /// The order number that people see.
    pub order_number: String,
    pub user_id: UserId,
    /// The present status.
    pub status: OrderStatus,
    /// The currency of the amounts.
    pub currency: Currency,
    /// In minor units.
    pub total_amount: i64,
    /// How many lines it has.
    pub item_count: u32,
    /// Its first 20 lines.
    #[serde(default)]
    pub items: Vec<OrderSummaryItem>,
    pub payment_id: Option<PaymentId>,
    /// Its name in another system; null when there is none.
    #[serde(default)]
    pub external_id: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One line of an order as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummaryItem {
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title when the order was placed.
    pub title_snapshot: String,
    /// How many units.
    pub quantity: u32,
    /// The address of the product's main picture when the order was placed; null when it had none.
    pub image_url: Option<String>,
}

/// Which of the caller's orders a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnOrderFilter {
    /// Only orders in this status, or in one of several.
    #[serde(default)]
    pub status: Vec<OrderStatus>,
    /// Only the order with this name in another system.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
}

string_enum! {
    /// The order of a list of orders.
    OrderSort {
        /// The newest first.
        Newest = "newest",
        /// The oldest first.
        Oldest = "oldest",
        /// The highest total first, whatever the currency.
        TotalDown = "-totalAmount",
    }
}

/// Which orders a list or a count of an administrator covers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrderFilter {
    /// Only orders in this status, or in one of several.
    pub status: Vec<OrderStatus>,
    /// Only orders of this customer.
    pub user_id: Option<UserId>,
    /// Only the order with this number.
    pub order_number: Option<OrderNumber>,
    /// Only orders of the customer with this e-mail address.
    pub email: Option<Email>,
    /// Only orders with this name in another system.
    pub external_id: Option<ExternalId>,
    /// Only orders placed at this instant or later.
    pub from: Option<Timestamp>,
    /// Only orders placed before this instant.
    pub to: Option<Timestamp>,
    /// The order of a list; the newest first when absent. A count is the same in any.
    pub sort: Option<OrderSort>,
}

/// The orders that were placed on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DailyOrders {
    /// In UTC.
    pub day: Day,
    pub orders: u64,
    /// Those in PAYMENT_FAILED at present.
    pub payment_failed: u64,
    /// What came in, by currency: the totals of those that are CONFIRMED, SHIPPED, DELIVERED or REFUNDED at present.
    pub revenue: Vec<DailyRevenue>,
}

/// What came in with the orders of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DailyRevenue {
    pub currency: Currency,
    /// How many orders.
    pub orders: u64,
    /// In minor units of `currency`.
    pub total_amount: i64,
}

/// Which orders a file has.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrderExport {
    /// Only orders in this status.
    pub status: Option<OrderStatus>,
    /// Only orders placed at this instant or later.
    pub from: Option<Timestamp>,
    /// Only orders placed before this instant.
    pub to: Option<Timestamp>,
}

/// What one promotion took off an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderDiscount {
    pub promotion_id: PromotionId,
    /// The code of the coupon; null when it applied by itself.
    #[serde(default)]
    pub code: Option<String>,
    pub title: String,
    /// The seller who pays for it; null for the shop.
    #[serde(default)]
    pub seller_id: Option<UserId>,
    /// The sum of `lines`, in minor units.
    pub amount: i64,
    /// What it took off each line.
    pub lines: Vec<DiscountedOrderLine>,
    /// What it took off the shipping fee, in minor units. `shippingAmount` of the order is what was left, and `discountAmount` does
    /// not hold it.
    #[serde(default)]
    pub shipping_amount: i64,
}

/// What a promotion took off one line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiscountedOrderLine {
    pub order_item_id: OrderItemId,
    /// In minor units.
    pub amount: i64,
}

/// Estimates what an order would cost.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EstimateTotals {
    pub user_id: UserId,
    /// Where it would be shipped; the user's default shipping address when absent.
    #[serde(default)]
    pub country: Option<Country>,
    /// The state of `country`; not known when absent.
    #[serde(default)]
    pub state: Option<ShortText>,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The lines of each seller are a parcel with a fee of its own.
    pub lines: Vec<EstimatedLine>,
    /// The sellers whose shipping fee promotions take off; null stands for the shop.
    #[serde(default)]
    pub free_shipping_sellers: Vec<Option<UserId>>,
    /// Whether the shop has tax rates. Otherwise the catalogue need not be asked for those of the destination.
    #[serde(default)]
    pub has_tax_rates: bool,
    /// Whether the prices contain the tax, as the catalogue says it; for a shop without tax rates.
    #[serde(default)]
    pub prices_include_tax: bool,
}

/// A line of an order that is estimated. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EstimatedLine {
    pub product_id: ProductId,
    /// Null for the shop itself.
    #[serde(default)]
    pub seller_id: Option<UserId>,
    /// The price of all of its units.
    pub line_total_amount: i64,
    /// What promotions take off, as a positive amount.
    #[serde(default)]
    pub discount_amount: i64,
}

/// The sum of the lines of one seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SellerSubtotal {
    /// Null for the shop itself.
    #[serde(default)]
    pub seller_id: Option<UserId>,
    /// In minor units of the currency.
    pub subtotal_amount: i64,
}

impl SellerSubtotal {
    /// Adds lines up by seller, in the order of the first line of each.
    ///
    /// # Errors
    /// As [`Money::plus`].
    pub fn of_lines(lines: impl IntoIterator<Item = (Option<UserId>, Money)>) -> Result<Vec<SellerSubtotal>, MoneyError> {
        let mut sums: Vec<(Option<UserId>, Money)> = Vec::new();
        for (seller_id, line) in lines {
            match sums.iter_mut().find(|(seller, _)| *seller == seller_id) {
                Some((_, sum)) => *sum = sum.plus(line)?,
                None => sums.push((seller_id, line)),
            }
        }
        Ok(sums.into_iter().map(|(seller_id, sum)| SellerSubtotal { seller_id, subtotal_amount: sum.minor }).collect())
    }
}

/// Which of the caller's fulfilments a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SellerFulfilmentFilter {
    /// Only fulfilments in this status.
    #[serde(default)]
    pub status: Option<FulfilmentStatus>,
}

/// What an order would cost that is placed now. All amounts are in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalsEstimate {
    /// Where it would be shipped, as ISO 3166-1 alpha-2.
    pub country: String,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The sum of the lines.
    pub subtotal_amount: i64,
    /// The shipping cost.
    pub shipping_amount: i64,
    /// The tax on goods and shipping.
    pub tax_amount: i64,
    /// Whether `taxAmount` is contained in the subtotal and the shipping cost. Otherwise it is added to them.
    #[serde(default)]
    pub prices_include_tax: bool,
    /// The tax by rate, the highest rate first.
    #[serde(default)]
    pub taxes: Vec<TaxTotal>,
    /// Subtotal less discounts, plus shipping, plus tax unless it is contained.
    pub total_amount: i64,
}

/// The status of an order, for services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusOfOrder {
    pub order_id: OrderId,
    /// The present status.
    pub status: OrderStatus,
}

/// What a customer ordered before, for services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderHistory {
    pub user_id: UserId,
    /// Whether the customer has an order that is not CANCELLED.
    pub has_ordered: bool,
}
