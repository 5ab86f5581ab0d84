//! What may be created.

use contracts::{
    ids::{PromotionId, UserId},
    money::Currency,
    promotion::{CreatePromotion, Promotion, PromotionKind, PromotionStatus},
    time::Timestamp,
};
use platform::http::{Problem, body::Faults};

/// Returns the promotion that the request describes, in DRAFT. `seller` makes it, `None` stands for the shop; `home` is the
/// currency of a least subtotal that names none.
///
/// # Errors
/// 422 with each field that does not fit the others.
pub fn draft(
    id: PromotionId,
    seller: Option<UserId>,
    body: &CreatePromotion,
    home: Currency,
    now: Timestamp,
) -> Result<Promotion, Problem> {
    let mut faults = Faults::default();
    check_fields_of_kind(body, &mut faults);
    if let (Some(start), Some(end)) = (body.starts_at, body.ends_at)
        && end <= start
    {
        faults.at("/endsAt", "NOT_AFTER_START", "must be later than startsAt");
    }
    if let Some(seller) = seller {
        for (at, other) in body.conditions.seller_ids.iter().enumerate().filter(|(_, other)| **other != seller) {
            faults.at(format!("/conditions/sellerIds/{at}"), "NOT_YOURS", format!("{other} is another seller"));
        }
    }
    faults.check()?;
    Ok(Promotion {
        promotion_id: id,
        seller_id: seller,
        status: PromotionStatus::Draft,
        title: body.title.as_str().to_owned(),
        kind: body.kind,
        value: body.value.map(|value| value.get()),
        currency: body.currency.or(body.conditions.min_subtotal_amount.map(|_| home)),
        buy_quantity: body.buy_quantity.map(|quantity| quantity.get()),
        get_quantity: body.get_quantity.map(|quantity| quantity.get()),
        code: body.code.as_ref().map(|code| code.as_str().to_owned()),
        conditions: body.conditions.clone().into(),
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        total_limit: body.total_limit.map(|limit| limit.get()),
        per_customer_limit: body.per_customer_limit.map(|limit| limit.get()),
        priority: body.priority.get(),
        exclusive: body.exclusive,
        used_count: 0,
        created_at: now,
        updated_at: now,
    })
}

/// Checks that the fields which say how much are those of the kind.
fn check_fields_of_kind(body: &CreatePromotion, faults: &mut Faults) {
    let (needs_value, needs_quantities) = match body.kind {
        PromotionKind::Percentage | PromotionKind::FixedAmount => (true, false),
        PromotionKind::BuyXGetY => (false, true),
        PromotionKind::FreeShipping => (false, false),
    };
    let quantities = [("/buyQuantity", body.buy_quantity.is_some()), ("/getQuantity", body.get_quantity.is_some())];
    let fields = quantities.map(|(field, given)| (field, given, needs_quantities));
    for (field, given, needed) in fields.into_iter().chain([("/value", body.value.is_some(), needs_value)]) {
        match (given, needed) {
            (false, true) => faults.at(field, "REQUIRED", format!("is required with {}", body.kind)),
            (true, false) => faults.at(field, "NOT_ALLOWED", format!("must be absent with {}", body.kind)),
            _ => {}
        }
    }
    match body.kind {
        PromotionKind::Percentage if body.value.is_some_and(|value| value.get() > 10_000) => {
            faults.at("/value", "OUT_OF_RANGE", "must be basis points from 1 to 10000");
        }
        PromotionKind::FixedAmount if body.currency.is_none() => faults.at("/currency", "REQUIRED", "is required with FIXED_AMOUNT"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ids::Uuid;
    use serde_json::{Value, json};

    #[test]
    fn each_kind_takes_its_own_fields_up_to_their_bounds() {
        let is_taken = |kind: &str, more: Value| {
            let mut body = json!({"title": "T", "kind": kind, "priority": 0, "exclusive": false, "conditions": {}});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let body = serde_json::from_value(body).unwrap();
            draft(PromotionId(Uuid::from_u128(1)), None, &body, Currency::EUR, Timestamp::EPOCH).is_ok()
        };
        for (kind, more, expected) in [
            ("PERCENTAGE", json!({"value": 10_000}), true),
            ("PERCENTAGE", json!({"value": 10_001}), false),
            ("FIXED_AMOUNT", json!({"value": 10_001, "currency": "EUR"}), true),
            ("FIXED_AMOUNT", json!({"value": 10_001}), false),
            ("BUY_X_GET_Y", json!({"buyQuantity": 2, "getQuantity": 1}), true),
            ("BUY_X_GET_Y", json!({"buyQuantity": 2}), false),
            ("FREE_SHIPPING", json!({}), true),
            ("FREE_SHIPPING", json!({"value": 1}), false),
            ("FREE_SHIPPING", json!({"startsAt": "2030-01-01T00:00:00Z", "endsAt": "2030-01-01T00:00:00Z"}), false),
            ("FREE_SHIPPING", json!({"startsAt": "2030-01-01T00:00:00Z", "endsAt": "2030-01-01T00:00:01Z"}), true),
        ] {
            assert_eq!(is_taken(kind, more.clone()), expected, "{kind} {more}");
        }
    }
}
