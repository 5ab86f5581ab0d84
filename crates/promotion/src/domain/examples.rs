//! The worked examples of `docs/promotions.md`: the page is the input of the test.

use super::*;
use contracts::{
    ids::{CategoryId, ProductId, UserId, Uuid},
    money::Currency,
    promotion::{EvaluatedLine, Evaluation, Promotion, PromotionConditions, PromotionKind, PromotionStatus, ShippingFee},
    text::CouponCode,
    time::Timestamp,
};
use std::{collections::HashMap, fmt::Write as _};

const PAGE: &str = include_str!("../../../../docs/promotions.md");

/// The rows of the table below `heading`, without its head.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(heading)).expect("the page has the section");
    let table = section.lines().filter(|line| line.starts_with('|')).skip(2);
    table.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// An id made of a name of the page.
fn id<T: From<Uuid>>(name: &str) -> T {
    let number = name.bytes().fold(0_u128, |number, byte| number << 8 | u128::from(byte));
    T::from(Uuid::from_u128(number))
}

fn seller(name: &str) -> Option<UserId> {
    (name != "shop").then(|| id(name))
}

fn seller_name(seller: Option<UserId>) -> &'static str {
    ["S", "T"].into_iter().find(|name| seller == self::seller(name)).unwrap_or("shop")
}

fn parts<'a>(cell: &'a str, separator: &'static str) -> impl Iterator<Item = &'a str> {
    cell.split(separator).map(str::trim).filter(|part| !part.is_empty() && *part != "–")
}

fn basket(cart: &str, fees: &str) -> Basket {
    let products: HashMap<_, _> = rows("Products").into_iter().map(|row| (row[0], (row[1], row[2]))).collect();
    let mut basket = Basket { currency: Currency::EUR, lines: Vec::new(), shipping: None, first_order: false };
    for part in parts(cart, ",") {
        if part == "first order" {
            basket.first_order = true;
            continue;
        }
        let [product, quantity, "x", price] = part.split(' ').collect::<Vec<_>>()[..] else { panic!("{part}") };
        let (sold_by, categories) = products[product];
        basket.lines.push(EvaluatedLine {
            line_id: id(product),
            product_id: id(product),
            category_ids: parts(categories, ",").map(id).collect(),
            seller_id: seller(sold_by),
            quantity: quantity.parse().unwrap(),
            unit_price_amount: price.parse().unwrap(),
        });
    }
    if fees != "unknown" {
        let fee = |part: &str| {
            let (of, amount) = part.split_once(' ').expect("a fee has an amount");
            ShippingFee { seller_id: seller(of), amount: amount.parse().unwrap() }
        };
        basket.shipping = Some(parts(fees, ",").map(fee).collect());
    }
    basket
}

fn blank(name: &str) -> Promotion {
    Promotion {
        promotion_id: id(name),
        seller_id: None,
        status: PromotionStatus::Active,
        title: name.to_owned(),
        kind: PromotionKind::FreeShipping,
        value: None,
        currency: None,
        buy_quantity: None,
        get_quantity: None,
        code: None,
        conditions: PromotionConditions::default(),
        starts_at: None,
        ends_at: None,
        total_limit: None,
        per_customer_limit: None,
        priority: 0,
        exclusive: false,
        used_count: 0,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

fn candidate(text: &str) -> Candidate {
    let (name, fields) = text.split_once(':').expect("a promotion has a name");
    let (mut promotion, mut customer_uses) = (blank(name), 0);
    for field in parts(fields, ",") {
        let words: Vec<&str> = field.split(' ').collect();
        let number = |at: usize| words[at].parse::<i64>().unwrap_or_else(|_| panic!("{field}"));
        match words[..] {
            [percent, "%"] => {
                promotion.kind = PromotionKind::Percentage;
                promotion.value = Some((percent.parse::<f64>().unwrap() * 100.0).round() as i64);
            }
            ["buy", _, "get", _] => {
                promotion.kind = PromotionKind::BuyXGetY;
                (promotion.buy_quantity, promotion.get_quantity) = (Some(number(1)), Some(number(3)));
            }
            ["free", "shipping"] => promotion.kind = PromotionKind::FreeShipping,
            ["priority", _] => promotion.priority = number(1),
            ["exclusive"] => promotion.exclusive = true,
            ["code"] => promotion.code = Some(code(name)),
            ["by", of] => promotion.seller_id = seller(of),
            ["category", ..] => promotion.conditions.category_ids = vec![id::<CategoryId>(&words[1..].join(" "))],
            ["product", of] => promotion.conditions.product_ids = vec![id::<ProductId>(of)],
            ["seller", of] => promotion.conditions.seller_ids = vec![id::<UserId>(of)],
            ["min", _] => promotion.conditions.min_subtotal_amount = Some(number(1)),
            ["first", "order"] => promotion.conditions.first_order_only = true,
            ["limit", _, "used", _] => (promotion.total_limit, promotion.used_count) = (Some(number(1)), number(3)),
            ["customer", "limit", _, "used", _] => (promotion.per_customer_limit, customer_uses) = (Some(number(2)), number(4)),
            ["USD"] => promotion.currency = Some(Currency::USD),
            ["draft"] => promotion.status = PromotionStatus::Draft,
            ["paused"] => promotion.status = PromotionStatus::Paused,
            ["ended"] => promotion.status = PromotionStatus::Ended,
            [amount] => {
                promotion.kind = PromotionKind::FixedAmount;
                promotion.value = Some(-amount.parse::<i64>().unwrap_or_else(|_| panic!("{field}")));
            }
            _ => panic!("{field}"),
        }
    }
    Candidate { promotion, customer_uses }
}

fn code(name: &str) -> String {
    format!("CODE-{name}")
}

/// Writes an evaluation as the page does: its discounts, and its last column.
fn written(evaluation: &Evaluation, coupons: &[CouponCode]) -> (String, String) {
    let discounts = evaluation.discounts.iter().map(|discount| {
        let mut text = discount.title.clone();
        if discount.seller_id.is_some() {
            write!(text, " by {}", seller_name(discount.seller_id)).unwrap();
        }
        let line_name = |line| ["A", "B", "C", "D", "E"].into_iter().find(|name| line == id::<Uuid>(name)).unwrap();
        let lines = discount.lines.iter().map(|line| format!("{} {}", line_name(line.line_id), line.amount));
        let fees = discount.shipping.iter().map(|fee| format!("shipping {} {}", seller_name(fee.seller_id), fee.amount));
        format!("{text}: {}", lines.chain(fees).collect::<Vec<_>>().join(", "))
    });
    let misses = evaluation.near_misses.iter().map(|miss| match (miss.missing_amount, miss.missing_quantity) {
        (Some(amount), None) => format!("{} misses {amount}", miss.title),
        (None, Some(units)) => format!("{} misses {units} unit", miss.title),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        evaluation.coupons.iter().map(|checked| &*checked.code).collect::<Vec<_>>(),
        coupons.iter().map(|c| &**c).collect::<Vec<_>>()
    );
    let refused =
        evaluation.coupons.iter().filter_map(|checked| Some(format!("{} {}", checked.code.strip_prefix("CODE-")?, checked.problem?)));
    let or_dash = |parts: Vec<String>| if parts.is_empty() { "–".to_owned() } else { parts.join("; ") };
    (or_dash(discounts.collect()), or_dash(misses.chain(refused).collect()))
}

#[test]
fn every_example_of_the_page_is_computed_as_it_says() {
    let examples = rows("Examples");
    assert!(examples.len() >= 30, "the page has {} examples", examples.len());
    let mut wrong = String::new();
    for row in examples {
        let [number, cart, fees, promotions, discounts, otherwise] = row[..] else { panic!("{row:?}") };
        let candidates: Vec<_> = parts(promotions, ";").map(candidate).collect();
        let coupons: Vec<_> =
            candidates.iter().filter_map(|candidate| CouponCode::parse(candidate.promotion.code.as_ref()?).ok()).collect();
        let evaluation = evaluate(&basket(cart, fees), candidates, &coupons, Timestamp::EPOCH);
        let sum: i64 = evaluation.discounts.iter().map(|discount| discount.amount).sum();
        assert_eq!(evaluation.discount_amount, sum, "{number}");
        let computed = written(&evaluation, &coupons);
        if computed != (discounts.to_owned(), otherwise.to_owned()) {
            writeln!(wrong, "{number}: computed {computed:?}, the page says {:?}", (discounts, otherwise)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_more_than_five_near_misses_are_shown() {
    let line = EvaluatedLine {
        line_id: id("L"),
        product_id: id("P"),
        category_ids: Vec::new(),
        seller_id: None,
        quantity: 1,
        unit_price_amount: 100,
    };
    let basket = Basket { currency: Currency::EUR, lines: vec![line], shipping: None, first_order: false };
    let near = |number: usize| {
        let conditions = PromotionConditions { min_subtotal_amount: Some(300), ..PromotionConditions::default() };
        Candidate { promotion: Promotion { conditions, ..blank(&format!("N{number}")) }, customer_uses: 0 }
    };
    for (candidates, shown) in [(4, 4), (5, 5), (6, 5)] {
        let evaluation = evaluate(&basket, (0..candidates).map(near).collect(), &[], Timestamp::EPOCH);
        assert_eq!(evaluation.near_misses.len(), shown);
        assert!(evaluation.near_misses.iter().all(|miss| miss.missing_amount == Some(200)));
    }
}
