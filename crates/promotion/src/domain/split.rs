//! Splits an amount, so that the parts add up to it exactly.

/// Splits `amount` in proportion to `weights` by largest remainder: each part is rounded down, and the units that are left go to
/// the parts that lost most, among equal ones to the earlier. With `0 <= amount <= sum of weights` no part exceeds its weight.
#[must_use]
pub fn split(amount: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: i64| i128::from(amount) * i128::from(weight);
    let mut parts: Vec<i64> = weights.iter().map(|weight| narrow(exact(*weight) / whole)).collect();
    let mut by_loss: Vec<usize> = (0..weights.len()).collect();
    by_loss.sort_by_key(|at| std::cmp::Reverse(exact(weights[*at]) % whole));
    let left = amount - parts.iter().sum::<i64>();
    for at in by_loss.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[at] += 1;
    }
    parts
}

/// Returns `amount` times `numerator` by `denominator`, rounded half up. No argument is negative.
#[must_use]
pub fn share(amount: i64, numerator: i64, denominator: i64) -> i64 {
    let exact = i128::from(amount) * i128::from(numerator);
    narrow((exact * 2 + i128::from(denominator)) / (i128::from(denominator) * 2))
}

/// A part of an `i64` that is not larger than the whole.
fn narrow(part: i128) -> i64 {
    i64::try_from(part).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn the_parts_add_up_and_none_exceeds_its_weight(weights in vec(0_i64..=10_000_000_000_000, 1..50), permille in 0_i64..=1000) {
            let whole: i64 = weights.iter().sum();
            let amount = share(whole, permille, 1000);
            let parts = split(amount, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), amount);
            prop_assert!(parts.iter().zip(&weights).all(|(part, weight)| (0..=*weight).contains(part)));
        }

        #[test]
        fn a_share_is_within_half_a_unit(amount in 0_i64..=10_000_000_000_000, points in 0_i64..=10_000) {
            let error = i128::from(share(amount, points, 10_000)) * 10_000 - i128::from(amount) * i128::from(points);
            prop_assert!(-5_000 < error && error <= 5_000);
        }
    }
}
