use super::*;
use crate::money::{MAX_AMOUNT, share_of_units};
use proptest::{collection::vec, prelude::*};

#[test]
fn a_half_goes_up() {
    for (amount, points, is_included, tax) in [
        (1_050, 1_000, false, 105),
        (1_055, 1_000, false, 106),
        (1_054, 1_000, false, 105),
        (1_190, 1_900, true, 190),
        (107, 700, true, 7),
        (0, 1_900, true, 0),
        (1_000, 0, true, 0),
        (1, 10_000, true, 1),
        (MAX_AMOUNT, 10_000, false, MAX_AMOUNT),
    ] {
        assert_eq!(tax_amount(amount, points, is_included), tax, "{points} of {amount}, included: {is_included}");
    }
}

#[test]
fn shipping_has_its_own_rate_or_that_of_standard_goods() {
    let of = |rates: &[(TaxClass, u32)]| Taxation {
        rates: rates.iter().map(|(tax_class, basis_points)| ClassRate { tax_class: *tax_class, basis_points: *basis_points }).collect(),
        ..Taxation::default()
    };
    let (standard, shipping) = ((TaxClass::Standard, 725), (TaxClass::Shipping, 0));
    assert_eq!(of(&[standard]).shipping_rate(), 725);
    assert_eq!(of(&[standard, shipping]).shipping_rate(), 0);
    assert_eq!(of(&[(TaxClass::Reduced, 700)]).shipping_rate(), 0);
    assert_eq!((of(&[standard]).rate(TaxClass::Reduced), of(&[standard]).rate(TaxClass::Standard)), (0, 725));
}

proptest! {
    #[test]
    fn a_tax_is_within_half_a_unit(amount in 0..=MAX_AMOUNT, points in 0_u32..=10_000, is_included: bool) {
        let tax = tax_amount(amount, points, is_included);
        let whole = if is_included { 10_000 + i128::from(points) } else { 10_000 };
        let error = 2 * (i128::from(tax) * whole - i128::from(amount) * i128::from(points));
        prop_assert!(-whole < error && error <= whole, "{}", error);
        prop_assert!((0..=amount).contains(&tax));
    }

    /// The rates of an order, the parts of its lines and the whole are the same money, to the cent.
    #[test]
    fn all_parts_together_are_the_whole(
        lines in vec((0_i64..1_000_000_000, 0_usize..4, 1_u32..50, 0_u32..50), 1..20), is_included: bool,
    ) {
        let rates = [0, 700, 1_900, 825];
        let taxed: Vec<TaxedAmount> = lines.iter().map(|(amount, rate, ..)| TaxedAmount::of(*amount, rates[*rate], is_included)).collect();
        let totals = tax_totals(taxed.iter().copied(), is_included);
        prop_assert!(totals.is_sorted_by(|a, b| a.basis_points > b.basis_points));
        let (net, tax): (i64, i64) = totals.iter().fold((0, 0), |(net, tax), total| (net + total.net_amount, tax + total.tax_amount));
        prop_assert_eq!(tax, taxed.iter().map(|line| line.tax_amount).sum::<i64>());
        let added = if is_included { 0 } else { tax };
        prop_assert_eq!(net + tax, taxed.iter().map(|line| line.amount).sum::<i64>() + added);
        for (line, (.., quantity, first)) in taxed.iter().zip(&lines) {
            let first = first % (quantity + 1);
            let parts = share_of_units(line.tax_amount, 0, first, *quantity) + share_of_units(line.tax_amount, first, quantity - first, *quantity);
            prop_assert_eq!(parts, line.tax_amount);
        }
    }
}
