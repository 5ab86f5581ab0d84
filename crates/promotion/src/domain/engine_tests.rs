//! Properties of the engine over random baskets and promotions.

use super::*;
use contracts::{
    ids::{CategoryId, PromotionId, UserId, Uuid},
    money::Currency,
    promotion::{EvaluatedLine, Promotion, PromotionConditions, PromotionKind, PromotionStatus, ShippingFee},
    time::Timestamp,
};
use proptest::{collection::vec, option, prelude::*};
use std::collections::HashMap;

fn id<T: From<Uuid>>(number: u8) -> T {
    T::from(Uuid::from_u128(u128::from(number) + 1))
}

/// The shop or one of three sellers.
fn seller() -> impl Strategy<Value = Option<UserId>> {
    option::of((0_u8..3).prop_map(id))
}

fn baskets() -> impl Strategy<Value = Basket> {
    let line = (0_u8..4, seller(), 1_u32..20, 0_i64..100_000);
    (vec(line, 0..12), any::<bool>(), any::<bool>(), vec(0_i64..2_000, 4)).prop_map(|(lines, first_order, fees_are_known, fees)| {
        let lines = lines.into_iter().enumerate().map(|(at, (category, seller_id, quantity, unit_price_amount))| EvaluatedLine {
            line_id: Uuid::from_u128(at as u128),
            product_id: id(at as u8),
            category_ids: vec![id(category)],
            seller_id,
            quantity,
            unit_price_amount,
        });
        let lines = lines.collect::<Vec<_>>();
        let sellers = [None, Some(id(0)), Some(id(1)), Some(id(2))];
        let fees = sellers.into_iter().zip(fees).map(|(seller_id, amount)| ShippingFee { seller_id, amount });
        Basket { currency: Currency::EUR, lines, shipping: fees_are_known.then(|| fees.collect()), first_order }
    })
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let what = (0_usize..4, 1_i64..10_000, 1_i64..4, 1_i64..4);
    let when = (seller(), option::of(0_u8..4), option::of(1_i64..300_000), any::<bool>());
    let order = (-2_i64..3, proptest::bool::weighted(0.1), any::<bool>());
    vec((what, when, order), 0..8).prop_map(|all| {
        let made = all.into_iter().enumerate().map(
            |(at, ((kind, value, buy, get), (seller_id, category, min, first), (priority, exclusive, coded)))| {
                let kind = PromotionKind::ALL[kind];
                let category_ids = category.map(id::<CategoryId>).into_iter().collect();
                let promotion = Promotion {
                    promotion_id: id::<PromotionId>(at as u8),
                    seller_id,
                    status: PromotionStatus::Active,
                    title: format!("promotion {at}"),
                    kind,
                    value: matches!(kind, PromotionKind::Percentage | PromotionKind::FixedAmount).then_some(value),
                    currency: None,
                    buy_quantity: (kind == PromotionKind::BuyXGetY).then_some(buy),
                    get_quantity: (kind == PromotionKind::BuyXGetY).then_some(get),
                    code: coded.then(|| format!("CODE-{at}")),
                    conditions: PromotionConditions {
                        category_ids,
                        min_subtotal_amount: min,
                        first_order_only: first,
                        ..PromotionConditions::default()
                    },
                    starts_at: None,
                    ends_at: None,
                    total_limit: None,
                    per_customer_limit: None,
                    priority,
                    exclusive,
                    used_count: 0,
                    created_at: Timestamp::EPOCH,
                    updated_at: Timestamp::EPOCH,
                };
                Candidate { promotion, customer_uses: 0 }
            },
        );
        made.collect()
    })
}

proptest! {
    #[test]
    fn discounts_add_up_and_nothing_goes_below_zero(basket in baskets(), candidates in candidates()) {
        let evaluation = evaluate(&basket, candidates.clone(), &[], Timestamp::EPOCH);
        let mut lines: HashMap<_, _> =
            basket.lines.iter().map(|line| (line.line_id, line.unit_price_amount * i64::from(line.quantity))).collect();
        let mut fees: HashMap<_, _> = basket.shipping.iter().flatten().map(|fee| (fee.seller_id, fee.amount)).collect();
        for discount in &evaluation.discounts {
            let promotion = &candidates.iter().find(|candidate| candidate.promotion.promotion_id == discount.promotion_id).unwrap().promotion;
            let of_lines: i64 = discount.lines.iter().map(|line| line.amount).sum();
            let of_fees: i64 = discount.shipping.iter().map(|fee| fee.amount).sum();
            prop_assert_eq!(discount.amount, of_lines + of_fees);
            for line in &discount.lines {
                prop_assert!(line.amount > 0);
                *lines.get_mut(&line.line_id).unwrap() -= line.amount;
                let sold_by = basket.lines.iter().find(|other| other.line_id == line.line_id).unwrap().seller_id;
                prop_assert!(promotion.seller_id.is_none() || promotion.seller_id == sold_by, "a seller pays for another's line");
            }
            for fee in &discount.shipping {
                prop_assert!(promotion.seller_id.is_none() || promotion.seller_id == fee.seller_id, "a seller pays for another's fee");
                if basket.shipping.is_some() {
                    *fees.get_mut(&fee.seller_id).unwrap() -= fee.amount;
                }
            }
        }
        prop_assert_eq!(evaluation.discount_amount, evaluation.discounts.iter().map(|discount| discount.amount).sum::<i64>());
        prop_assert!(lines.values().chain(fees.values()).all(|left| *left >= 0), "{:?} {:?}", lines, fees);
    }

    #[test]
    fn an_exclusive_promotion_applies_alone(basket in baskets(), candidates in candidates()) {
        let evaluation = evaluate(&basket, candidates.clone(), &[], Timestamp::EPOCH);
        let is_exclusive = |applied: PromotionId| candidates.iter().any(|c| c.promotion.promotion_id == applied && c.promotion.exclusive);
        if evaluation.discounts.iter().any(|discount| is_exclusive(discount.promotion_id)) {
            prop_assert_eq!(evaluation.discounts.len(), 1);
        }
    }

    #[test]
    fn the_order_of_the_candidates_does_not_matter(basket in baskets(), candidates in candidates()) {
        let mut turned = candidates.clone();
        turned.reverse();
        let evaluated = |candidates| evaluate(&basket, candidates, &[], Timestamp::EPOCH);
        prop_assert_eq!(evaluated(candidates), evaluated(turned));
    }

    #[test]
    fn what_is_missing_makes_a_near_miss_apply(basket in baskets(), candidates in candidates()) {
        let evaluation = evaluate(&basket, candidates.clone(), &[], Timestamp::EPOCH);
        for miss in evaluation.near_misses.iter().filter(|miss| miss.missing_amount.is_some()) {
            let mut lowered = candidates.clone();
            let near = lowered.iter_mut().find(|candidate| candidate.promotion.promotion_id == miss.promotion_id).unwrap();
            let min = near.promotion.conditions.min_subtotal_amount.unwrap() - miss.missing_amount.unwrap();
            near.promotion.conditions.min_subtotal_amount = Some(min);
            let again = evaluate(&basket, lowered, &[], Timestamp::EPOCH);
            prop_assert!(again.near_misses.iter().all(|other| other.promotion_id != miss.promotion_id || other.missing_amount.is_none()));
        }
    }
}
