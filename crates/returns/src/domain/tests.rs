//! The rules, tested with random lines and returns.

use super::*;
use contracts::{ids::Uuid, returns::RequestReturnLine, text::Quantity};
use proptest::prelude::*;

fn item(number: u128, quantity: u32, total: i64, discount: i64, tax: i64) -> DeliveredItem {
    DeliveredItem {
        order_item_id: OrderItemId(Uuid::from_u128(number)),
        order_id: OrderId(Uuid::from_u128(100)),
        order_number: "SK-1".into(),
        fulfilment_id: FulfilmentId(Uuid::from_u128(101)),
        user_id: UserId(Uuid::from_u128(102)),
        seller_id: None,
        product_id: ProductId(Uuid::from_u128(103)),
        sku: "LAMP-1".into(),
        title_snapshot: "Lamp".into(),
        currency: Currency::EUR,
        quantity,
        line_total_amount: total,
        discount_amount: discount,
        tax_amount: tax,
        prices_include_tax: false,
        delivered_at: Timestamp(0),
        taken_quantity: 0,
        received_quantity: 0,
    }
}

fn wanted(number: u128, quantity: i64) -> RequestReturnLine {
    let order_item_id = OrderItemId(Uuid::from_u128(number));
    RequestReturnLine { order_item_id, quantity: Quantity::new(quantity).unwrap(), reason: ReturnReason::Damaged, note: None }
}

fn back(number: u128, quantity: i64, disposition: Disposition) -> ReceiveReturnLine {
    let order_item_id = OrderItemId(Uuid::from_u128(number));
    ReceiveReturnLine { order_item_id, quantity: Quantity::new(quantity).unwrap(), disposition }
}

/// A return of these lines that was approved.
fn approved(lines: &[RequestReturnLine], items: &mut [DeliveredItem]) -> ReturnRecord {
    let taken = take_lines(lines, items, Timestamp(0)).unwrap();
    let taken =
        taken.into_iter().map(|(at, units, share)| TakenLine { item: &items[at], units, share, reason: ReturnReason::Other, note: None });
    let mut record = ReturnRecord::request(ReturnId(Uuid::from_u128(200)), false, taken.collect(), Timestamp(1)).unwrap();
    record.apply(ReturnFact::Approved, Timestamp(2)).unwrap();
    record
}

#[test]
fn a_unit_is_owed_its_share_of_total_discount_and_tax() {
    let lamp = item(1, 3, 1_000, 100, 171);
    let shares: Vec<Share> = (0..3).map(|before| lamp.share(before, 1)).collect();
    assert_eq!(shares.iter().map(|share| share.refund_amount).collect::<Vec<_>>(), [357, 357, 357]);
    assert_eq!(shares.iter().map(|share| share.discount_amount).collect::<Vec<_>>(), [33, 34, 33]);
    assert_eq!(lamp.share(0, 3), Share { refund_amount: 1_071, discount_amount: 100, tax_amount: 171 });
}

#[test]
fn what_was_paid_for_a_unit_is_rounded_once() {
    // Thirds of 101, 10 and 17 are 34, 3 and 6, which would make 37 for each of the first units.
    let lamp = item(1, 3, 101, 10, 17);
    assert_eq!([0, 1, 2].map(|before| lamp.share(before, 1).refund_amount), [36, 36, 36]);
}

#[test]
fn lines_are_taken_from_what_was_delivered_and_is_in_no_other_return() {
    let mut items = [item(1, 3, 300, 0, 0), item(2, 1, 100, 0, 0)];
    items[1].fulfilment_id = FulfilmentId(Uuid::from_u128(9));
    let refusal = |lines: &[RequestReturnLine]| match take_lines(lines, &mut items.clone(), Timestamp(0)) {
        Err(Error::Line(number, code, _)) => (number, code),
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(&[wanted(1, 1), wanted(1, 1)]), (1, "DUPLICATE"));
    assert_eq!(refusal(&[wanted(7, 1)]), (0, "UNKNOWN_ITEM"));
    assert_eq!(refusal(&[wanted(1, 1), wanted(2, 1)]), (1, "ANOTHER_SELLER"));
    assert!(matches!(take_lines(&[wanted(1, 1)], &mut items.clone(), Timestamp(1)), Err(Error::WindowClosed)));
    take_lines(&[wanted(1, 2)], &mut items, Timestamp(0)).unwrap();
    assert!(matches!(take_lines(&[wanted(1, 2)], &mut items, Timestamp(0)), Err(Error::TooMany { available: 1, requested: 2, .. })));
}

#[test]
fn less_than_was_approved_refunds_less_and_the_rest_can_be_returned_again() {
    let mut items = [item(1, 3, 1_000, 100, 171), item(2, 2, 500, 0, 0)];
    let mut record = approved(&[wanted(1, 3), wanted(2, 1)], &mut items);
    assert_eq!(record.refund_amount, 1_071 + 250);
    let lines = [back(1, 1, Disposition::Restock), back(1, 1, Disposition::WriteOff)];
    let received = record.receive(&lines, &mut items, Timestamp(3)).unwrap();
    assert_eq!((received.len(), received[0].restocked_quantity, received[0].written_off_quantity), (1, 1, 1));
    assert_eq!((record.status, record.refund_amount), (ReturnStatus::Received, 714));
    assert_eq!([items[0].taken_quantity, items[0].received_quantity, items[1].taken_quantity], [2, 2, 0]);
    // The goods of a return are received once.
    assert!(matches!(record.receive(&lines, &mut items, Timestamp(3)), Err(Error::Illegal(_))));
}

#[test]
fn units_that_are_not_expected_are_refused() {
    for (lines, code) in [
        (vec![back(1, 3, Disposition::Restock)], "TOO_MANY"),
        (vec![back(1, 1, Disposition::Restock), back(1, 2, Disposition::WriteOff)], "TOO_MANY"),
        (vec![back(1, 1, Disposition::Restock), back(1, 1, Disposition::Restock)], "DUPLICATE"),
        (vec![back(2, 1, Disposition::Restock)], "UNKNOWN_ITEM"),
    ] {
        let mut items = [item(1, 3, 1_000, 100, 171)];
        let mut record = approved(&[wanted(1, 2)], &mut items);
        match record.receive(&lines, &mut items, Timestamp(3)) {
            Err(Error::Line(_, found, _)) => assert_eq!(found, code),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_label_is_the_same_for_the_same_return() {
    let id = ReturnId(Uuid::from_u128(0x0190_a1b2_c3d4_7000_8000_0000_0000_000f));
    assert_eq!(mock_label(id), mock_label(id));
    assert_ne!(mock_label(id), mock_label(ReturnId(Uuid::from_u128(0x0190_a1b2_c3d4_7000_8000_0000_0000_0010))));
    assert!(mock_label(id).tracking_number.starts_with("MOCK-R"));
}

proptest! {
    #[test]
    fn the_parts_of_a_line_add_up_to_the_line(
        quantity in 1_u32..=200, total in 0_i64..=1_000_000_000_000, discount in 0_i64..=1_000, tax in 0_i64..=1_000,
        prices_include_tax: bool, parts in prop::collection::vec(1_u32..=40, 1..40),
    ) {
        let discount = discount.min(total);
        let line = DeliveredItem { prices_include_tax, ..item(1, quantity, total, discount, tax) };
        let (mut before, mut sum) = (0, Share::default());
        for part in parts.into_iter().chain([quantity]) {
            let units = part.min(quantity - before);
            let share = line.share(before, units);
            prop_assert!(share.discount_amount >= 0 && share.tax_amount >= 0);
            before += units;
            sum.refund_amount += share.refund_amount;
            sum.discount_amount += share.discount_amount;
            sum.tax_amount += share.tax_amount;
        }
        let added = if prices_include_tax { 0 } else { tax };
        prop_assert_eq!(sum, Share { refund_amount: total - discount + added, discount_amount: discount, tax_amount: tax });
    }

    #[test]
    fn returns_of_a_line_never_owe_more_than_the_line_and_never_take_more_units(
        steps in prop::collection::vec((1_i64..=6, 0_i64..=6, any::<bool>()), 1..20),
    ) {
        let mut items = [item(1, 9, 1_001, 100, 57)];
        let (mut owed, mut open) = (0, Vec::new());
        for (requested, received, cancels) in steps {
            if take_lines(&[wanted(1, requested)], &mut items.clone(), Timestamp(0)).is_ok() {
                open.push(approved(&[wanted(1, requested)], &mut items));
            }
            if let (false, Some(mut record)) = (open.is_empty(), open.pop()) {
                let units = received.min(i64::from(record.lines[0].quantity));
                if cancels || units == 0 {
                    record.release_units(&mut items);
                } else {
                    record.receive(&[back(1, units, Disposition::Restock)], &mut items, Timestamp(3)).unwrap();
                    owed += record.refund_amount;
                }
            }
            prop_assert!(items[0].received_quantity <= items[0].taken_quantity && items[0].taken_quantity <= items[0].quantity);
            prop_assert_eq!(owed, items[0].share(0, items[0].received_quantity).refund_amount);
        }
    }
}
