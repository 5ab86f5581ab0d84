//! The one rule for shares of an amount: how they are rounded, and how an amount is divided so that the parts add up to it.

use std::cmp::Reverse;

/// Returns `numerator` of `denominator` equal parts of an amount in minor units, rounded half up: a half goes towards the larger
/// number, also of a negative amount.
///
/// With `0 <= numerator <= denominator` the share lies between 0 and the amount. A share beyond an `i64` is its nearest bound. A
/// denominator below 1 counts as 1.
#[must_use]
pub fn share(amount: i64, numerator: i64, denominator: i64) -> i64 {
    let exact = round_half_up(i128::from(amount) * i128::from(numerator), denominator.max(1));
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
}

/// Returns the share of `units` after the first `before` of `quantity` equal units of an amount.
///
/// It is the difference of two [`share`]s, so that the shares of all units add up to the amount, in whatever steps they are taken.
/// Each is the exact share or differs from it by less than one minor unit, and none has another sign than the amount.
#[must_use]
pub fn share_of_units(amount: i64, before: u32, units: u32, quantity: u32) -> i64 {
    let up_to = |units: i64| share(amount, units, i64::from(quantity));
    up_to(i64::from(before) + i64::from(units)) - up_to(i64::from(before))
}

/// Splits an amount in minor units in proportion to `weights`, by the method of largest remainders: each part is the exact share
/// rounded down, and the units that are left go to the parts that lost most, of equal ones to the earlier.
///
/// The parts add up to the amount, and each differs from the exact share by less than one minor unit. Of an amount from 0 to the
/// sum of the weights no part is negative or larger than its weight. Another order of the weights gives the same parts, except that a
/// unit between equal remainders goes to the one that is earlier then. Negative weights count as 0; when all are 0, the first part is
/// the whole. Without weights there are no parts.
#[must_use]
pub fn split(amount: i64, weights: &[i64]) -> Vec<i64> {
    let weights: Vec<i128> = weights.iter().map(|weight| i128::from(*weight).max(0)).collect();
    let (total, whole) = (weights.iter().sum::<i128>(), i128::from(amount));
    if total == 0 {
        return (0..weights.len()).map(|at| if at == 0 { amount } else { 0 }).collect();
    }
    let mut parts: Vec<i128> = weights.iter().map(|weight| (whole * weight).div_euclid(total)).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|at| Reverse((whole * weights[*at]).rem_euclid(total)));
    let missing = usize::try_from(whole - parts.iter().sum::<i128>()).expect("fewer units are missing than there are parts");
    for at in by_remainder.into_iter().take(missing) {
        parts[at] += 1;
    }
    parts.into_iter().map(|part| i64::try_from(part).expect("a part is no larger than the whole")).collect()
}

/// Returns `exact / denominator` rounded half up. The denominator is positive.
pub(super) fn round_half_up(exact: i128, denominator: i64) -> i128 {
    let denominator = i128::from(denominator);
    (2 * exact + denominator).div_euclid(2 * denominator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_AMOUNT;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn a_half_goes_up() {
        let shares = [(5, 1, 2, 3), (-5, 1, 2, -2), (1001, 1250, 10_000, 125), (1, 1, 3, 0), (2, 1, 3, 1), (7, 0, 3, 0), (7, 3, 3, 7)];
        for (amount, numerator, denominator, expected) in shares {
            assert_eq!(share(amount, numerator, denominator), expected, "{numerator}/{denominator} of {amount}");
        }
        assert_eq!((share(7, 1, 0), share(i64::MAX, 2, 1), share(i64::MIN, 2, 1)), (7, i64::MAX, i64::MIN));
    }

    #[test]
    fn units_of_a_line_cost_what_the_line_costs() {
        let of_units = |amount| (0..3).map(|before| share_of_units(amount, before, 1, 3)).collect::<Vec<_>>();
        assert_eq!((of_units(100), of_units(2), of_units(0)), (vec![33, 34, 33], vec![1, 0, 1], vec![0, 0, 0]));
    }

    #[test]
    fn a_split_gives_the_missing_units_to_the_largest_remainders() {
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(100, &[1, 0, 2]), [33, 0, 67]);
        assert_eq!(split(-100, &[1, 1, 1]), [-33, -33, -34]);
        assert_eq!(split(5, &[0, 0]), [5, 0]);
        assert_eq!(split(5, &[-1, 2]), [0, 5]);
        assert_eq!(split(5, &[]), [0; 0]);
    }

    fn amount() -> impl Strategy<Value = i64> {
        prop_oneof![0_i64..100, 0..=MAX_AMOUNT]
    }

    /// Cuts units into consecutive steps.
    fn steps() -> impl Strategy<Value = Vec<u32>> {
        vec(0_u32..40, 1..12)
    }

    proptest! {
        #[test]
        fn a_share_is_within_half_a_unit(amount in -MAX_AMOUNT..=MAX_AMOUNT, points in 0_i64..=10_000) {
            let error = i128::from(share(amount, points, 10_000)) * 10_000 - i128::from(amount) * i128::from(points);
            prop_assert!(-5_000 < error && error <= 5_000);
        }

        #[test]
        fn a_share_lies_between_zero_and_the_whole(amount in amount(), numerator in 0_i64..=1000, more in 0_i64..=1000) {
            prop_assert!((0..=amount).contains(&share(amount, numerator, numerator + more)));
        }

        #[test]
        fn the_shares_of_units_add_up_in_whatever_steps(amount in amount(), steps in steps()) {
            let quantity: u32 = steps.iter().sum();
            prop_assume!(quantity > 0);
            let mut before = 0;
            let mut sum = 0;
            for units in steps {
                let part = share_of_units(amount, before, units, quantity);
                let error = (i128::from(part) * i128::from(quantity) - i128::from(amount) * i128::from(units)).abs();
                prop_assert!(part >= 0 && error < i128::from(quantity) + 1, "{} of {} for {} of {}", part, amount, units, quantity);
                (before, sum) = (before + units, sum + part);
            }
            prop_assert_eq!(sum, amount);
        }

        #[test]
        fn the_parts_of_a_split_add_up_to_it(amount in -MAX_AMOUNT..=MAX_AMOUNT, weights in vec(0..=MAX_AMOUNT, 1..40)) {
            let (parts, total) = (split(amount, &weights), weights.iter().map(|weight| i128::from(*weight)).sum::<i128>());
            prop_assert_eq!(parts.iter().sum::<i64>(), amount);
            for (part, weight) in parts.iter().zip(weights) {
                let error = i128::from(*part) * total - i128::from(amount) * i128::from(weight);
                prop_assert!(total == 0 || error.abs() < total, "{} of {}", part, amount);
            }
        }

        #[test]
        fn no_part_of_a_split_is_negative_or_exceeds_its_weight(weights in vec(0..=MAX_AMOUNT, 1..40), permille in 0_i64..=1000) {
            let amount = share(weights.iter().sum(), permille, 1000);
            prop_assert!(split(amount, &weights).iter().zip(&weights).all(|(part, weight)| (0..=*weight).contains(part)));
        }

        /// The weights add up to 100.
        #[test]
        fn the_order_of_weights_with_distinct_remainders_does_not_matter(
            amount in amount(),
            weights in Just(vec![2_i64, 3, 5, 7, 11, 13, 17, 19, 23]).prop_shuffle(),
        ) {
            let remainders: std::collections::HashSet<_> = weights.iter().map(|weight| amount * weight % 100).collect();
            prop_assume!(remainders.len() == weights.len());
            let by_weight = |weights: &[i64]| {
                let mut parts: Vec<_> = weights.iter().copied().zip(split(amount, weights)).collect();
                parts.sort_unstable();
                parts
            };
            let mut sorted = weights.clone();
            sorted.sort_unstable();
            prop_assert_eq!(by_weight(&weights), by_weight(&sorted));
        }
    }
}
