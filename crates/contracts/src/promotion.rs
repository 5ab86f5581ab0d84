//! Promotion: discounts, the conditions under which they apply, and their uses by orders.

use crate::{
    body::{BoundedInt, BoundedVec},
    calls, events,
    ids::{CategoryId, OrderId, ProductId, PromotionId, PromotionUseId, UserId, Uuid},
    machine,
    money::Currency,
    page::Page,
    problem::Code,
    service::ServiceSpec,
    string_enum,
    text::{Amount, CouponCode, Title},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The service's name.
pub const NAME: &str = "promotion";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns discounts, computes what they take off a cart, and counts their uses.",
    machines: &[PromotionStatus::SPEC, PromotionUseStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/promotions"],
};

/// How many coupons a cart holds.
pub const MAX_COUPONS: usize = 10;

/// How many promotions without a code are ACTIVE at a time.
pub const MAX_AUTOMATIC: usize = 200;

/// How long after its uses were reserved an order may still be written.
pub const WRITE_ORDER_WITHIN: Duration = Duration::from_secs(5 * 60);

/// How long after they were reserved the order of reserved uses is asked for. Uses of an unknown order are released then. It is
/// much longer than [`WRITE_ORDER_WITHIN`], so that clocks may differ.
pub const ASK_ORDER_AFTER: Duration = Duration::from_secs(15 * 60);

machine! {
    /// The life of a promotion.
    PromotionStatus;
    /// What can happen to a promotion.
    PromotionFact;
    states {
        /// It was created and does not apply yet.
        Draft = "DRAFT",
        /// It applies between `startsAt` and `endsAt`.
        Active = "ACTIVE",
        /// It does not apply for now. Orders that were placed keep their discounts.
        Paused = "PAUSED",
        /// It does not apply any more. Its code is free for another promotion.
        Ended = "ENDED",
    }
    resting { Draft, Active, Paused }
    facts {
        /// It was activated, or activated again after a pause.
        Activated,
        /// It was paused.
        Paused,
        /// It was ended, or its `endsAt` has come.
        Ended,
    }
    table {
        Draft, Activated => Active;
        Draft, Ended => Ended;
        Active, Paused => Paused;
        Active, Ended => Ended;
        Paused, Activated => Active;
        Paused, Ended => Ended;
    }
}

machine! {
    /// The life of a use of a promotion by one order. A reserved and a confirmed use count; a released one does not.
    PromotionUseStatus;
    /// What can happen to a use.
    PromotionUseFact;
    states {
        /// Its order was placed, or is about to be. An order in PAYMENT_FAILED keeps it.
        Reserved = "RESERVED",
        /// Its order was confirmed.
        Confirmed = "CONFIRMED",
        /// Its order was cancelled, or was never written.
        Released = "RELEASED",
    }
    resting { Confirmed }
    facts {
        /// The order was confirmed.
        Confirmed,
        /// The order ended without a sale.
        Released,
    }
    table {
        Reserved, Confirmed => Confirmed;
        Reserved, Released => Released;
        Confirmed, Released => Released;
    }
}

string_enum! {
    /// What a promotion does.
    PromotionKind {
        /// Takes a share off the lines.
        Percentage = "PERCENTAGE",
        /// Takes an amount off the lines together.
        FixedAmount = "FIXED_AMOUNT",
        /// Takes the shipping fee off.
        FreeShipping = "FREE_SHIPPING",
        /// Of `buyQuantity` plus `getQuantity` units, the `getQuantity` cheapest are free.
        BuyXGetY = "BUY_X_GET_Y",
    }
    /// Why a coupon does not apply. Each is a problem code as well.
    CouponProblem {
        /// No promotion has this code.
        Unknown = "COUPON_UNKNOWN",
        /// Its time is over.
        Expired = "COUPON_EXPIRED",
        /// All its uses are taken, or all uses that one customer has.
        Exhausted = "COUPON_EXHAUSTED",
        /// A condition does not hold, or nothing is left to take off.
        NotApplicable = "COUPON_NOT_APPLICABLE",
        /// It or another promotion that applies is exclusive.
        NotCombinable = "COUPON_NOT_COMBINABLE",
    }
}

impl CouponProblem {
    /// Returns the problem code of the same name.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            CouponProblem::Unknown => Code::COUPON_UNKNOWN,
            CouponProblem::Expired => Code::COUPON_EXPIRED,
            CouponProblem::Exhausted => Code::COUPON_EXHAUSTED,
            CouponProblem::NotApplicable => Code::COUPON_NOT_APPLICABLE,
            CouponProblem::NotCombinable => Code::COUPON_NOT_COMBINABLE,
        }
    }
}

/// Creates a promotion, in DRAFT.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePromotion {
    /// What customers read beside the discount.
    pub title: Title,
    /// What it does.
    pub kind: PromotionKind,
    /// Required with PERCENTAGE, in basis points from 1 to 10000, and with FIXED_AMOUNT, in minor units of `currency`; absent
    /// otherwise.
    #[serde(default)]
    pub value: Option<Amount<1>>,
    /// Required with FIXED_AMOUNT. The promotion then applies to carts in this currency only. With `minSubtotalAmount` it is the
    /// currency of that amount; the marketplace's currency when absent.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Required with BUY_X_GET_Y: units to pay for.
    #[serde(default)]
    pub buy_quantity: Option<BoundedInt<1, 1000>>,
    /// Required with BUY_X_GET_Y: units that are free then.
    #[serde(default)]
    pub get_quantity: Option<BoundedInt<1, 1000>>,
    /// With a code it applies to carts in which the code was entered; without one to every cart by itself.
    #[serde(default)]
    pub code: Option<CouponCode>,
    /// When it applies.
    #[serde(default)]
    pub conditions: SetConditions,
    /// From when on it applies; from its activation when absent.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// When it ends by itself; after `startsAt`.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// How many orders may use it.
    #[serde(default)]
    pub total_limit: Option<BoundedInt<1, 1_000_000_000>>,
    /// How many orders of one customer may use it.
    #[serde(default)]
    pub per_customer_limit: Option<BoundedInt<1, 1_000_000>>,
    /// Promotions of a higher priority apply first. 0 when absent.
    #[serde(default = "default_priority")]
    pub priority: BoundedInt<-1_000_000, 1_000_000>,
    /// Whether it applies alone: after another one it does not apply, and after it no other one does.
    #[serde(default)]
    pub exclusive: bool,
}

fn default_priority() -> BoundedInt<-1_000_000, 1_000_000> {
    BoundedInt::new(0).expect("zero is within the bounds")
}

/// When a promotion applies. A line is eligible when it satisfies each list that is not empty; a seller's promotion is for lines of
/// that seller only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SetConditions {
    /// Lines of products in one of these categories, or below it.
    pub category_ids: BoundedVec<CategoryId, 0, 100>,
    /// Lines of one of these sellers.
    pub seller_ids: BoundedVec<UserId, 0, 100>,
    /// Lines of one of these products.
    pub product_ids: BoundedVec<ProductId, 0, 100>,
    /// The least sum of the eligible lines before any discount, in minor units.
    pub min_subtotal_amount: Option<Amount<1>>,
    /// Whether it is for customers without an earlier order. Cancelled orders do not count.
    pub first_order_only: bool,
}

/// When a promotion applies. A line is eligible when it satisfies each list that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromotionConditions {
    /// Lines of products in one of these categories, or below it.
    pub category_ids: Vec<CategoryId>,
    /// Lines of one of these sellers.
    pub seller_ids: Vec<UserId>,
    /// Lines of one of these products.
    pub product_ids: Vec<ProductId>,
    /// The least sum of the eligible lines before any discount, in minor units.
    pub min_subtotal_amount: Option<i64>,
    /// Whether it is for customers without an earlier order.
    pub first_order_only: bool,
}

impl From<SetConditions> for PromotionConditions {
    fn from(set: SetConditions) -> PromotionConditions {
        PromotionConditions {
            category_ids: set.category_ids.into_vec(),
            seller_ids: set.seller_ids.into_vec(),
            product_ids: set.product_ids.into_vec(),
            min_subtotal_amount: set.min_subtotal_amount.map(|amount| amount.get()),
            first_order_only: set.first_order_only,
        }
    }
}

/// A promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Promotion {
    pub promotion_id: PromotionId,
    /// The seller who made it and pays for it; null for the shop.
    pub seller_id: Option<UserId>,
    /// The present status.
    pub status: PromotionStatus,
    pub title: String,
    pub kind: PromotionKind,
    /// Basis points with PERCENTAGE, minor units of `currency` with FIXED_AMOUNT; otherwise null.
    pub value: Option<i64>,
    /// The only currency of carts that it applies to; null for all.
    pub currency: Option<Currency>,
    /// With BUY_X_GET_Y: units to pay for.
    pub buy_quantity: Option<i64>,
    /// With BUY_X_GET_Y: units that are free then.
    pub get_quantity: Option<i64>,
    /// The code of the coupon, in upper case; null when it applies by itself.
    pub code: Option<String>,
    pub conditions: PromotionConditions,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    /// How many orders may use it; null without a limit.
    pub total_limit: Option<i64>,
    /// How many orders of one customer may use it; null without a limit.
    pub per_customer_limit: Option<i64>,
    /// Promotions of a higher priority apply first.
    pub priority: i64,
    /// Whether it applies alone.
    pub exclusive: bool,
    /// The uses that are reserved or confirmed.
    pub used_count: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed; uses do not count.
    pub updated_at: Timestamp,
}

/// Which promotions a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PromotionFilter {
    /// Only promotions in this status.
    pub status: Option<PromotionStatus>,
}

/// Computes the discounts of a cart or an order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EvaluatePromotions {
    /// The customer.
    pub user_id: UserId,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The lines that can be bought.
    pub lines: BoundedVec<EvaluatedLine, 0, 200>,
    /// The shipping fee of each seller. Null when the fees are not known; fees that are taken off then have the amount 0.
    #[serde(default)]
    pub shipping: Option<BoundedVec<ShippingFee, 0, 200>>,
    /// The coupons of the cart.
    pub coupons: BoundedVec<CouponCode, 0, MAX_COUPONS>,
    /// Whether the customer has no earlier order. The order service is asked when this is null and a promotion needs it.
    #[serde(default)]
    pub first_order: Option<bool>,
}

/// A line of a cart or of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EvaluatedLine {
    /// The id of the line; the answer refers to it.
    pub line_id: Uuid,
    pub product_id: ProductId,
    /// The categories of the product, from the root on.
    pub category_ids: Vec<CategoryId>,
    /// The seller; null for the shop.
    pub seller_id: Option<UserId>,
    /// How many units.
    pub quantity: u32,
    /// The price of one unit, in minor units.
    pub unit_price_amount: i64,
}

/// The shipping fee of a seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShippingFee {
    /// The seller who ships; null for the shop.
    pub seller_id: Option<UserId>,
    /// In minor units.
    pub amount: i64,
}

/// What is taken off the shipping fee of a seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerShipping {
    /// The seller who ships; null for the shop.
    pub seller_id: Option<UserId>,
    /// In minor units.
    pub amount: i64,
}

/// The discounts of a cart or an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// In the order in which they apply.
    pub discounts: Vec<AppliedPromotion>,
    /// The sum of the discounts, in minor units.
    pub discount_amount: i64,
    /// Each coupon of the request, in the same order.
    pub coupons: Vec<CheckedCoupon>,
    /// Promotions that nearly apply.
    pub near_misses: Vec<NearMiss>,
}

/// What one promotion takes off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedPromotion {
    pub promotion_id: PromotionId,
    /// The code of the coupon; null when it applies by itself.
    #[serde(default)]
    pub code: Option<String>,
    pub title: String,
    /// The seller who pays for it; null for the shop.
    #[serde(default)]
    pub seller_id: Option<UserId>,
    /// The sum of `lines` and `shipping`, in minor units.
    pub amount: i64,
    /// What is taken off each line.
    pub lines: Vec<LineDiscount>,
    /// What is taken off the shipping fees.
    #[serde(default)]
    pub shipping: Vec<SellerShipping>,
}

/// What is taken off one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineDiscount {
    pub line_id: Uuid,
    /// In minor units.
    pub amount: i64,
}

/// Whether a coupon applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedCoupon {
    /// In upper case.
    pub code: String,
    /// Why it does not apply; null when it applies.
    pub problem: Option<CouponProblem>,
    /// A sentence for people about the problem; empty without one.
    pub detail: String,
}

/// A promotion that would apply if the cart held more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    pub promotion_id: PromotionId,
    /// The code of the coupon; null when it applies by itself.
    #[serde(default)]
    pub code: Option<String>,
    pub title: String,
    /// How much more the eligible lines have to cost, in minor units; null when that is not what is missing.
    #[serde(default)]
    pub missing_amount: Option<i64>,
    /// How many more eligible units are needed; null when that is not what is missing.
    #[serde(default)]
    pub missing_quantity: Option<i64>,
}

/// Reserves one use of each of these promotions for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveUses {
    /// The customer.
    pub user_id: UserId,
    /// The currency of the amounts.
    pub currency: Currency,
    /// 1 to 210 promotions, each once.
    pub uses: BoundedVec<UseToReserve, 1, 210>,
}

/// A use to reserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UseToReserve {
    pub promotion_id: PromotionId,
    /// What the promotion takes off the order, in minor units.
    pub amount: i64,
}

calls! {
    /// Creates a promotion, in DRAFT: a seller for their own products and at their own cost, an administrator for all and at the cost
    /// of the shop.
    CREATE_PROMOTION: post(CreatePromotion) -> Promotion, "/promotions";
    /// Lists promotions, the newest first: a seller's own, for an administrator all.
    LIST_PROMOTIONS: get(()) -> Page<Promotion>, "/promotions", query PromotionFilter;
    /// Reads a promotion.
    GET_PROMOTION: get(()) -> Promotion, "/promotions/{promotionId}";
    /// Lets a promotion apply.
    ACTIVATE_PROMOTION: post(()) -> Promotion, "/promotions/{promotionId}/activate";
    /// Stops a promotion for now.
    PAUSE_PROMOTION: post(()) -> Promotion, "/promotions/{promotionId}/pause";
    /// Stops a promotion for good.
    END_PROMOTION: post(()) -> Promotion, "/promotions/{promotionId}/end";
    /// Computes the discounts of a cart or an order. It changes nothing.
    EVALUATE_PROMOTIONS: query(EvaluatePromotions) -> Evaluation, "/internal/promotions/evaluate", from "cart", "order";
    /// Reserves the uses of an order that is about to be written, all or none; `COUPON_EXHAUSTED` when a limit is reached. A
    /// repetition changes nothing.
    RESERVE_PROMOTION_USES: put(ReserveUses) -> (), "/internal/promotion-uses/{orderId}", from "order";
    /// Releases the uses of an order that was not written. A repetition changes nothing.
    RELEASE_PROMOTION_USES: delete(()) -> (), "/internal/promotion-uses/{orderId}", from "order";
}

// Consumers keep a copy of what applies by itself and when, so that carts need no call while nothing does.
events! {
    "PROMOTION", promotion_id: PromotionId;
    /// A promotion was created, in DRAFT.
    PromotionCreated {
        /// The seller who made it; null for the shop.
        seller_id: Option<UserId>,
        title: String,
        kind: PromotionKind,
        /// The code of the coupon; null when it applies by itself.
        code: Option<String>,
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
    }
    /// A promotion applies from `startsAt` on, or now without one.
    PromotionActivated {
        /// The seller who made it; null for the shop.
        seller_id: Option<UserId>,
        title: String,
        kind: PromotionKind,
        /// The code of the coupon; null when it applies by itself.
        code: Option<String>,
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
    }
    /// A promotion does not apply for now.
    PromotionPaused {
        /// The seller who made it; null for the shop.
        seller_id: Option<UserId>,
        title: String,
        kind: PromotionKind,
        /// The code of the coupon; null when it applies by itself.
        code: Option<String>,
    }
    /// A promotion does not apply any more.
    PromotionEnded {
        /// The seller who made it; null for the shop.
        seller_id: Option<UserId>,
        title: String,
        kind: PromotionKind,
        /// The code of the coupon; null when it applies by itself.
        code: Option<String>,
        /// The uses that are reserved or confirmed.
        used_count: i64,
    }
    "PROMOTION_USE", promotion_use_id: PromotionUseId;
    /// A use was reserved for an order that is being placed.
    PromotionUseReserved {
        promotion_id: PromotionId,
        order_id: OrderId,
        user_id: UserId,
        /// The seller who pays for it; null for the shop.
        seller_id: Option<UserId>,
        /// The currency of the amount.
        currency: Currency,
        /// What the promotion takes off the order, in minor units.
        amount: i64,
    }
    /// The order of a use was confirmed.
    PromotionUseConfirmed {
        promotion_id: PromotionId,
        order_id: OrderId,
        user_id: UserId,
        /// The seller who pays for it; null for the shop.
        seller_id: Option<UserId>,
        /// The currency of the amount.
        currency: Currency,
        /// What the promotion takes off the order, in minor units.
        amount: i64,
    }
    /// The order of a use ended without a sale, or was never written. The use does not count any more.
    PromotionUseReleased {
        promotion_id: PromotionId,
        order_id: OrderId,
        user_id: UserId,
        /// The seller who pays for it; null for the shop.
        seller_id: Option<UserId>,
        /// The currency of the amount.
        currency: Currency,
        /// What the promotion takes off the order, in minor units.
        amount: i64,
    }
}
