//! The argon2 parameters of the dummy hash that a password is compared with when there is no account.
//!
//! After a change of the settings, accounts keep hashes of the former parameters until they log in. If all addresses
//! without an account used the new parameters at once, an attempt that takes as long as before would reveal an account.
//! So each such address has a fixed random number, its sample, and former parameters are used for the same share of
//! these addresses as of the accounts. The share falls as accounts log in, so an address moves to the new parameters
//! once, as an account would.

/// Returns the parameters for the address with this `sample`. `in_use` has the number of accounts by parameters,
/// `present` are those of the settings.
#[must_use]
pub fn parameters<'a>(in_use: &'a [(String, u64)], present: &'a str, sample: u64) -> &'a str {
    let all: u64 = in_use.iter().map(|(_, accounts)| accounts).sum();
    // The position of the sample among the accounts, those with former parameters first.
    let position = (u128::from(sample) * u128::from(all)) >> 64;
    let mut passed = 0;
    for (parameters, accounts) in in_use.iter().filter(|(parameters, _)| parameters != present) {
        passed += u128::from(*accounts);
        if position < passed {
            return parameters;
        }
    }
    present
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLES: u64 = 1_000;

    /// Returns how many of a thousand evenly spread samples have which parameters.
    fn shares(in_use: &[(&str, u64)]) -> Vec<(String, u64)> {
        let in_use: Vec<_> = in_use.iter().map(|(parameters, accounts)| ((*parameters).to_owned(), *accounts)).collect();
        let mut shares: Vec<(String, u64)> = Vec::new();
        for sample in (0..SAMPLES).map(|number| (2 * number + 1) * (u64::MAX / SAMPLES / 2)) {
            let parameters = parameters(&in_use, "new", sample);
            match shares.iter_mut().find(|(known, _)| known == parameters) {
                Some((_, count)) => *count += 1,
                None => shares.push((parameters.to_owned(), 1)),
            }
        }
        shares
    }

    fn share(parameters: &str, count: u64) -> (String, u64) {
        (parameters.to_owned(), count)
    }

    #[test]
    fn addresses_without_an_account_use_parameters_in_the_shares_of_accounts() {
        assert_eq!(shares(&[]), [share("new", 1_000)]);
        assert_eq!(shares(&[("new", 3)]), [share("new", 1_000)]);
        assert_eq!(shares(&[("old", 3)]), [share("old", 1_000)]);
        assert_eq!(shares(&[("new", 30), ("old", 10), ("older", 0)]), [share("old", 250), share("new", 750)]);
        assert_eq!(shares(&[("new", 5), ("old", 3), ("older", 2)]), [share("old", 300), share("older", 200), share("new", 500)]);
    }

    proptest! {
        #[test]
        fn an_address_moves_to_the_new_parameters_once(sample: u64, before in 0_u64..1_000, accounts in 1_u64..1_000, upgraded in 0_u64..1_000, opened in 0_u64..1_000) {
            let old = before.min(accounts);
            let left = old.saturating_sub(upgraded);
            let then = [share("old", old), share("new", accounts - old)];
            let now = [share("old", left), share("new", accounts - left + opened)];
            if parameters(&then, "new", sample) == "new" {
                prop_assert_eq!(parameters(&now, "new", sample), "new");
            }
        }
    }
}
