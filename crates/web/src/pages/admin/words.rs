//! The words and the colour of every state that the dashboard shows.

use crate::{
    dashboard::{Badge, Tone},
    texts::AdminTexts,
};
use contracts::{machine::Machine, tax::TaxClass};

/// The badge of a state, by its public spelling. A state of two machines has the same meaning in both.
pub fn badge(t: &'static AdminTexts, state: &str) -> Badge {
    use Tone::{Bad, Good, Plain, Waiting};
    let (words, tone) = match state {
        "PENDING_PAYMENT" => (t.is_pending_payment, Waiting),
        "PAYMENT_AUTHORIZED" => (t.is_payment_authorized, Waiting),
        "INVENTORY_RESERVED" => (t.is_inventory_reserved, Waiting),
        "CONFIRMED" => (t.is_confirmed, Good),
        "SHIPPED" => (t.is_shipped, Good),
        "DELIVERED" => (t.is_delivered, Good),
        "PAYMENT_FAILED" => (t.is_payment_failed, Bad),
        "CANCELLED" => (t.is_cancelled, Bad),
        "REFUNDED" => (t.is_refunded, Plain),
        "PENDING" => (t.is_pending, Waiting),
        "RETURNED" => (t.is_returned, Bad),
        "INITIATED" => (t.is_initiated, Waiting),
        "AUTHORIZED" => (t.is_authorized, Waiting),
        "CAPTURED" => (t.is_captured, Good),
        "FAILED" => (t.is_failed, Bad),
        "VOIDED" => (t.is_voided, Plain),
        "SUCCEEDED" => (t.is_succeeded, Good),
        "UNKNOWN" => (t.is_unknown, Waiting),
        "CREATED" => (t.is_created, Waiting),
        "IN_TRANSIT" => (t.is_in_transit, Good),
        "ACTIVE" => (t.is_active, Good),
        "LOCKED" => (t.is_locked, Bad),
        "APPLIED" => (t.is_applied, Waiting),
        "UNDER_REVIEW" => (t.is_under_review, Waiting),
        "APPROVED" => (t.is_approved, Good),
        "REJECTED" => (t.is_rejected, Bad),
        "SUSPENDED" => (t.is_suspended, Bad),
        "DRAFT" => (t.is_draft, Plain),
        "INACTIVE" => (t.is_inactive, Plain),
        "ARCHIVED" => (t.is_archived, Plain),
        "BLOCKED" => (t.is_blocked, Bad),
        "CLEAR" => (t.is_clear, Good),
        "PUBLISHED" => (t.is_published, Good),
        "WITHDRAWN" => (t.is_withdrawn, Plain),
        "REQUESTED" => (t.is_requested, Waiting),
        "RECEIVED" => (t.is_received, Waiting),
        "CLOSED" => (t.is_closed, Plain),
        "PAUSED" => (t.is_paused, Waiting),
        "ENDED" => (t.is_ended, Plain),
        "PAID" => (t.is_paid, Good),
        "SENT" => (t.is_sent, Good),
        "ENABLED" => (t.is_enabled, Good),
        "DISABLED" => (t.is_disabled, Bad),
        "RETRYING" => (t.is_retrying, Waiting),
        "PARKED" => (t.is_parked, Bad),
        "RESERVED" => (t.is_reserved, Waiting),
        "RELEASED" => (t.is_released, Plain),
        "EXPIRED" => (t.is_expired, Bad),
        _ => (t.is_other, Plain),
    };
    Badge::new(words, tone)
}

/// The words of a value that is no state, such as the kind of a posting.
pub fn words(t: &'static AdminTexts, value: &str) -> &'static str {
    match value {
        "CUSTOMER" => t.role_customer,
        "SELLER" => t.role_seller,
        "ADMIN" => t.role_admin,
        "AUTHORIZE" => t.does_authorize,
        "CAPTURE" => t.does_capture,
        "REFUND" => t.does_refund,
        "VOID" => t.does_void,
        "SALE" => t.posts_sale,
        "CANCELLATION" => t.posts_cancellation,
        "RETURN" => t.posts_return,
        "RELEASE" => t.posts_release,
        "PAYOUT" => t.posts_payout,
        "PAYOUT_PAID" => t.posts_payout_paid,
        "PAYOUT_FAILED" => t.posts_payout_failed,
        "PERCENTAGE" => t.kind_percentage,
        "FIXED_AMOUNT" => t.kind_fixed_amount,
        "FREE_SHIPPING" => t.kind_free_shipping,
        "BUY_X_GET_Y" => t.kind_buy_x_get_y,
        "DAMAGED" => t.why_damaged,
        "WRONG_ITEM" => t.why_wrong_item,
        "NOT_AS_DESCRIBED" => t.why_not_as_described,
        "CHANGED_MIND" => t.why_changed_mind,
        _ => t.is_other,
    }
}

/// The words of a tax class.
pub fn tax_class(t: &'static AdminTexts, class: TaxClass) -> &'static str {
    match class {
        TaxClass::Standard => t.tax_standard,
        TaxClass::Reduced => t.tax_reduced,
        TaxClass::SecondReduced => t.tax_second_reduced,
        TaxClass::SuperReduced => t.tax_super_reduced,
        TaxClass::Zero => t.tax_zero,
        TaxClass::Shipping => t.tax_shipping,
    }
}

/// Every state of a machine with its words, for the filter of a list. The first choice is all of them.
pub fn choices<S: Machine>(t: &'static AdminTexts) -> Vec<(&'static str, &'static str)> {
    let states = S::STATES.iter().map(|state| (state.as_str(), badge(t, state.as_str()).words));
    std::iter::once(("", t.all)).chain(states).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;
    use contracts::{payment, payout, promotion, registry::machines, returns};

    #[test]
    fn every_state_has_words() {
        let t = AdminTexts::of(Language::German);
        // What the dashboard does not show.
        const UNSHOWN: [&str; 3] = ["CartStatus", "ImportStatus", "StockAlertStatus"];
        for (_, machine) in machines().filter(|(_, machine)| !UNSHOWN.contains(&machine.name)) {
            for (state, _) in machine.states {
                assert_ne!(badge(t, state).words, t.is_other, "{} {state}", machine.name);
            }
        }
    }

    #[test]
    fn every_kind_has_words() {
        let t = AdminTexts::of(Language::English);
        let kinds = promotion::PromotionKind::ALL.iter().map(|kind| kind.as_str());
        let kinds = kinds.chain(payout::PostingKind::ALL.iter().map(|kind| kind.as_str()));
        let kinds = kinds.chain(payment::TransactionType::ALL.iter().map(|kind| kind.as_str()));
        for kind in kinds.chain(returns::ReturnReason::ALL.iter().map(|kind| kind.as_str()).filter(|kind| *kind != "OTHER")) {
            assert_ne!(words(t, kind), t.is_other, "{kind}");
        }
    }
}
