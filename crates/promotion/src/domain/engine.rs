//! Computes what promotions take off a basket: a pure function of the basket and the candidates. `docs/promotions.md` states the
//! rules, with examples that are tests.

use contracts::{
    ids::UserId,
    money::{Currency, Money, share, split},
    promotion::{
        AppliedPromotion, CheckedCoupon, CouponProblem, EvaluatedLine, Evaluation, LineDiscount, NearMiss, Promotion, PromotionKind,
        PromotionStatus, SellerShipping, ShippingFee,
    },
    text::CouponCode,
    time::Timestamp,
};
use std::cmp::Reverse;

/// How many near misses are shown.
const MAX_NEAR_MISSES: usize = 5;

const UNKNOWN: &str = "there is no such coupon";

/// What is to be paid before discounts.
#[derive(Debug, Clone)]
pub struct Basket {
    pub currency: Currency,
    pub lines: Vec<EvaluatedLine>,
    /// The fee of each seller; `None` while the fees are not known.
    pub shipping: Option<Vec<ShippingFee>>,
    /// Whether the customer has no earlier order.
    pub first_order: bool,
}

/// A promotion that may apply: it needs no code, or its code was entered.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub promotion: Promotion,
    /// How many orders of this customer use it.
    pub customer_uses: i64,
}

/// Returns the discounts of the basket at `now`, and for each of `coupons` whether it applies. Of each code the candidates hold
/// at most one promotion.
#[must_use]
pub fn evaluate(basket: &Basket, mut candidates: Vec<Candidate>, coupons: &[CouponCode], now: Timestamp) -> Evaluation {
    // A promotion that the customer asked for goes before one that applies by itself, the older one before the newer one.
    candidates.sort_by_key(|Candidate { promotion, .. }| (Reverse(promotion.priority), promotion.code.is_none(), promotion.promotion_id));
    let mut walk = Walk::new(basket);
    let mut outcomes: Vec<(String, Option<Refusal>)> = Vec::new();
    for candidate in candidates {
        let refusal = walk.apply(&candidate, now).err();
        outcomes.extend(candidate.promotion.code.map(|code| (code, refusal)));
    }
    let checked = coupons.iter().map(|code| {
        let (problem, detail) = match outcomes.iter().find(|(of, _)| of == code.as_str()) {
            Some((_, None)) => (None, String::new()),
            Some((_, Some(refusal))) => (Some(refusal.problem), refusal.detail.clone()),
            None => (Some(CouponProblem::Unknown), UNKNOWN.to_owned()),
        };
        CheckedCoupon { code: code.as_str().to_owned(), problem, detail }
    });
    Evaluation {
        discount_amount: walk.discounts.iter().map(|discount| discount.amount).sum(),
        coupons: checked.collect(),
        discounts: walk.discounts,
        near_misses: walk.near_misses,
    }
}

/// Why a promotion does not apply.
#[derive(Debug, Clone)]
struct Refusal {
    problem: CouponProblem,
    detail: String,
}

fn refuse(problem: CouponProblem, detail: impl Into<String>) -> Refusal {
    Refusal { problem, detail: detail.into() }
}

/// The promotions in their order, and what is left of the amounts after those that applied.
struct Walk<'a> {
    basket: &'a Basket,
    /// What is left of each line.
    left: Vec<i64>,
    /// What is left of each seller's fee; `None` while it is not known.
    fees: Vec<(Option<UserId>, Option<i64>)>,
    exclusive_applied: bool,
    discounts: Vec<AppliedPromotion>,
    near_misses: Vec<NearMiss>,
}

/// What one promotion takes off.
#[derive(Default)]
struct Taken {
    /// Amounts by index of the line.
    lines: Vec<(usize, i64)>,
    /// Indexes of fees.
    fees: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(basket: &'a Basket) -> Walk<'a> {
        let fees = match &basket.shipping {
            Some(fees) => fees.iter().map(|fee| (fee.seller_id, Some(fee.amount))).collect(),
            None => {
                let mut sellers: Vec<_> = basket.lines.iter().map(|line| line.seller_id).collect();
                sellers.sort();
                sellers.dedup();
                sellers.into_iter().map(|seller| (seller, None)).collect()
            }
        };
        Walk {
            basket,
            left: basket.lines.iter().map(full_amount).collect(),
            fees,
            exclusive_applied: false,
            discounts: Vec::new(),
            near_misses: Vec::new(),
        }
    }

    fn apply(&mut self, candidate: &Candidate, now: Timestamp) -> Result<(), Refusal> {
        let promotion = &candidate.promotion;
        check_availability(candidate, now)?;
        if self.exclusive_applied || (promotion.exclusive && !self.discounts.is_empty()) {
            return Err(refuse(CouponProblem::NotCombinable, "it cannot be combined with another promotion that applies"));
        }
        if promotion.currency.is_some_and(|currency| currency != self.basket.currency) {
            return Err(refuse(CouponProblem::NotApplicable, "it is for another currency"));
        }
        if promotion.conditions.first_order_only && !self.basket.first_order {
            return Err(refuse(CouponProblem::NotApplicable, "it is for the first order only"));
        }
        let eligible = self.eligible_lines(promotion);
        if eligible.is_empty() {
            return Err(refuse(CouponProblem::NotApplicable, "it is for other products"));
        }
        self.check_subtotal(promotion, &eligible)?;
        let taken = match promotion.kind {
            PromotionKind::Percentage => {
                let base = self.left_of(&eligible);
                self.taken_off_lines(&eligible, share(base, promotion.value.unwrap_or(0).clamp(0, 10_000), 10_000))
            }
            PromotionKind::FixedAmount => {
                let amount = promotion.value.unwrap_or(0).clamp(0, self.left_of(&eligible));
                self.taken_off_lines(&eligible, amount)
            }
            PromotionKind::BuyXGetY => self.cheapest_units(promotion, &eligible)?,
            PromotionKind::FreeShipping => self.fees_of(&eligible),
        };
        self.take(promotion, taken)
    }

    fn eligible_lines(&self, promotion: &Promotion) -> Vec<usize> {
        let conditions = &promotion.conditions;
        let holds = |line: &EvaluatedLine| {
            (promotion.seller_id.is_none() || promotion.seller_id == line.seller_id)
                && (conditions.product_ids.is_empty() || conditions.product_ids.contains(&line.product_id))
                && (conditions.seller_ids.is_empty() || line.seller_id.is_some_and(|seller| conditions.seller_ids.contains(&seller)))
                && (conditions.category_ids.is_empty() || line.category_ids.iter().any(|id| conditions.category_ids.contains(id)))
        };
        (0..self.basket.lines.len()).filter(|at| holds(&self.basket.lines[*at])).collect()
    }

    /// The least subtotal is compared with the prices before any discount, so that one discount cannot end another.
    fn check_subtotal(&mut self, promotion: &Promotion, eligible: &[usize]) -> Result<(), Refusal> {
        let Some(min) = promotion.conditions.min_subtotal_amount else { return Ok(()) };
        let subtotal: i64 = eligible.iter().map(|at| full_amount(&self.basket.lines[*at])).sum();
        if subtotal >= min {
            return Ok(());
        }
        let missing = min - subtotal;
        self.nearly(promotion, Some(missing), None);
        let missing = Money::new(missing, self.basket.currency);
        Err(refuse(CouponProblem::NotApplicable, format!("products for {missing} more are needed")))
    }

    fn left_of(&self, eligible: &[usize]) -> i64 {
        eligible.iter().map(|at| self.left[*at]).sum()
    }

    fn taken_off_lines(&self, eligible: &[usize], amount: i64) -> Taken {
        let weights: Vec<i64> = eligible.iter().map(|at| self.left[*at]).collect();
        Taken { lines: eligible.iter().copied().zip(split(amount, &weights)).collect(), fees: Vec::new() }
    }

    /// Makes the cheapest units free. A unit of a line that has a discount already is worth its share of what is left of the line.
    fn cheapest_units(&mut self, promotion: &Promotion, eligible: &[usize]) -> Result<Taken, Refusal> {
        let (buy, get) = (promotion.buy_quantity.unwrap_or(1), promotion.get_quantity.unwrap_or(1));
        let units: i64 = eligible.iter().map(|at| i64::from(self.basket.lines[*at].quantity)).sum();
        let missing = buy + get - units;
        if missing > 0 {
            self.nearly(promotion, None, Some(missing));
            return Err(refuse(CouponProblem::NotApplicable, format!("{missing} more units are needed")));
        }
        let mut free = units / (buy + get) * get;
        let mut cheapest: Vec<usize> = eligible.to_vec();
        cheapest.sort_by_key(|at| self.basket.lines[*at].unit_price_amount);
        let mut taken = Taken::default();
        for at in cheapest {
            let quantity = i64::from(self.basket.lines[at].quantity);
            let free_of_line = free.min(quantity);
            taken.lines.push((at, share(self.left[at], free_of_line, quantity)));
            free -= free_of_line;
        }
        taken.lines.sort_unstable();
        Ok(taken)
    }

    fn fees_of(&self, eligible: &[usize]) -> Taken {
        let ships = |seller: Option<UserId>| eligible.iter().any(|at| self.basket.lines[*at].seller_id == seller);
        let fees = (0..self.fees.len()).filter(|at| self.fees[*at].1 != Some(0) && ships(self.fees[*at].0));
        Taken { lines: Vec::new(), fees: fees.collect() }
    }

    fn take(&mut self, promotion: &Promotion, taken: Taken) -> Result<(), Refusal> {
        let lines: Vec<_> = taken.lines.into_iter().filter(|(_, amount)| *amount > 0).collect();
        if lines.is_empty() && taken.fees.is_empty() {
            return Err(refuse(CouponProblem::NotApplicable, "there is nothing that it could take off"));
        }
        for (at, amount) in &lines {
            self.left[*at] -= amount;
        }
        let mut shipping = Vec::new();
        for at in taken.fees {
            let (seller_id, fee) = &mut self.fees[at];
            shipping.push(SellerShipping { seller_id: *seller_id, amount: fee.unwrap_or(0) });
            *fee = Some(0);
        }
        let lines: Vec<_> = lines.into_iter().map(|(at, amount)| LineDiscount { line_id: self.basket.lines[at].line_id, amount }).collect();
        self.discounts.push(AppliedPromotion {
            promotion_id: promotion.promotion_id,
            code: promotion.code.clone(),
            title: promotion.title.clone(),
            seller_id: promotion.seller_id,
            amount: lines.iter().map(|line| line.amount).chain(shipping.iter().map(|fee| fee.amount)).sum(),
            lines,
            shipping,
        });
        self.exclusive_applied = promotion.exclusive;
        Ok(())
    }

    fn nearly(&mut self, promotion: &Promotion, missing_amount: Option<i64>, missing_quantity: Option<i64>) {
        if self.near_misses.len() < MAX_NEAR_MISSES {
            self.near_misses.push(NearMiss {
                promotion_id: promotion.promotion_id,
                code: promotion.code.clone(),
                title: promotion.title.clone(),
                missing_amount,
                missing_quantity,
            });
        }
    }
}

/// The caller checked that the sum of all lines is an amount.
fn full_amount(line: &EvaluatedLine) -> i64 {
    line.unit_price_amount.saturating_mul(i64::from(line.quantity))
}

/// Checks what does not depend on the basket: status, time and limits.
fn check_availability(candidate: &Candidate, now: Timestamp) -> Result<(), Refusal> {
    let promotion = &candidate.promotion;
    let is_over = promotion.ends_at.is_some_and(|end| end <= now);
    match promotion.status {
        PromotionStatus::Ended => return Err(refuse(CouponProblem::Expired, "it is not valid any more")),
        _ if is_over => return Err(refuse(CouponProblem::Expired, "it is not valid any more")),
        PromotionStatus::Draft => return Err(refuse(CouponProblem::Unknown, UNKNOWN)),
        PromotionStatus::Paused => return Err(refuse(CouponProblem::NotApplicable, "it does not apply for now")),
        PromotionStatus::Active => {}
    }
    if let Some(start) = promotion.starts_at.filter(|start| *start > now) {
        return Err(refuse(CouponProblem::NotApplicable, format!("it applies from {start} on")));
    }
    if promotion.total_limit.is_some_and(|limit| promotion.used_count >= limit) {
        return Err(refuse(CouponProblem::Exhausted, "it was used as often as it can be"));
    }
    if promotion.per_customer_limit.is_some_and(|limit| candidate.customer_uses >= limit) {
        return Err(refuse(CouponProblem::Exhausted, "you used it as often as one customer can"));
    }
    Ok(())
}
