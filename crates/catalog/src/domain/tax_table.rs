//! The rules of the table of tax rates: what a row may be, and which rates a destination has.

use crate::Error;
use contracts::{
    countries::{has_state_codes, state_code},
    problem::Fault,
    tax::{ClassRate, NewTaxRate, TaxClass, TaxDestination, TaxRate, Taxation},
};

/// The tax rates at one revision, sorted by country, state and class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaxTable {
    pub revision: i64,
    pub rates: Vec<TaxRate>,
}

impl TaxTable {
    /// Makes the table of a request.
    ///
    /// # Errors
    /// [`Error::Faults`] for two rates of the same country, state and class, for a state that the country does not have, and for a
    /// rate of ZERO above 0.
    pub fn new(revision: i64, rows: Vec<NewTaxRate>) -> Result<TaxTable, Error> {
        let (mut rates, mut faults): (Vec<TaxRate>, Vec<Fault>) = (Vec::with_capacity(rows.len()), Vec::new());
        let mut seen = std::collections::HashSet::new();
        for (at, row) in rows.into_iter().enumerate() {
            let country = row.country.into_string();
            let state = row.state.map(|state| state_of(&country, &state));
            if state.as_ref().is_some_and(|state| has_state_codes(&country) && state_code(&country, state).is_none()) {
                faults.push(Fault::at(format!("/items/{at}/state"), "INVALID_STATE", "is not a state of the country by code or name"));
            }
            let basis_points = u32::try_from(row.basis_points.get()).unwrap_or_default();
            if row.tax_class == TaxClass::Zero && basis_points != 0 {
                faults.push(Fault::at(format!("/items/{at}/basisPoints"), "NOT_ZERO", "must be 0 for the class ZERO"));
            }
            if !seen.insert((country.clone(), state.as_deref().map(str::to_lowercase), row.tax_class)) {
                faults.push(Fault::at(format!("/items/{at}"), "DUPLICATE", "is another rate of the same country, state and class"));
            }
            rates.push(TaxRate { country, state, tax_class: row.tax_class, basis_points });
        }
        if !faults.is_empty() {
            return Err(Error::Faults(faults));
        }
        rates.sort_by(|a, b| (&a.country, &a.state, a.tax_class.as_str()).cmp(&(&b.country, &b.state, b.tax_class.as_str())));
        Ok(TaxTable { revision, rates })
    }

    /// Returns how a sale to a destination is taxed: of each class the rate of its state, else that of its country. States are
    /// compared only where a country has a rate for one.
    #[must_use]
    pub fn taxation(&self, destination: Option<&TaxDestination>, prices_include_tax: bool) -> Taxation {
        let mut found: Vec<ClassRate> = Vec::new();
        if let Some(TaxDestination { country, state }) = destination {
            let start = self.rates.partition_point(|rate| rate.country < *country);
            let of_country = || self.rates[start..].iter().take_while(|rate| rate.country == *country);
            let state = if of_country().any(|rate| rate.state.is_some()) { state_of(country, state) } else { String::new() };
            let of_state = of_country().filter(|rate| rate.state.as_ref().is_some_and(|of| of.eq_ignore_ascii_case(&state)));
            for rate in of_state.chain(of_country().filter(|rate| rate.state.is_none())) {
                if found.iter().all(|known| known.tax_class != rate.tax_class) {
                    found.push(ClassRate { tax_class: rate.tax_class, basis_points: rate.basis_points });
                }
            }
        }
        Taxation { prices_include_tax, has_rates: !self.rates.is_empty(), rates: found }
    }
}

/// Returns the code of a state where it has one, else the state as it is.
fn state_of(country: &str, state: &str) -> String {
    state_code(country, state).unwrap_or(state.trim()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::body::BoundedInt;

    fn row(country: &str, state: Option<&str>, tax_class: TaxClass, points: i64) -> NewTaxRate {
        NewTaxRate {
            country: country.parse().unwrap(),
            state: state.map(|state| state.parse().unwrap()),
            tax_class,
            basis_points: BoundedInt::new(points).unwrap(),
        }
    }

    fn rate_at(table: &TaxTable, country: &str, state: &str, class: TaxClass) -> u32 {
        let destination = TaxDestination { country: country.to_owned(), state: state.to_owned() };
        table.taxation(Some(&destination), true).rate(class)
    }

    #[test]
    fn a_state_takes_the_place_of_its_country() {
        use TaxClass::{Reduced, Standard};
        let rows = vec![
            row("US", Some("California"), Standard, 725),
            row("US", None, Standard, 100),
            row("US", None, Reduced, 50),
            row("DE", None, Standard, 1_900),
            row("DE", Some("Bayern"), Reduced, 700),
        ];
        let table = TaxTable::new(1, rows).unwrap();
        for (country, state, class, points) in [
            ("US", "CA", Standard, 725),
            ("US", "california", Standard, 725),
            ("US", "NY", Standard, 100),
            ("US", "", Standard, 100),
            ("US", "CA", Reduced, 50),
            ("US", "CA", TaxClass::Zero, 0),
            ("DE", "Bayern", Reduced, 700),
            ("DE", "bayern", Reduced, 700),
            ("DE", "Hessen", Reduced, 0),
            ("DE", "", Standard, 1_900),
            ("FR", "", Standard, 0),
        ] {
            assert_eq!(rate_at(&table, country, state, class), points, "{country} {state} {class}");
        }
        assert!(table.taxation(None, true).rates.is_empty() && table.taxation(None, true).has_rates);
        assert!(!TaxTable::default().taxation(None, true).has_rates);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let rows = vec![
            row("US", Some("CA"), TaxClass::Standard, 1),
            row("US", Some("california"), TaxClass::Standard, 2),
            row("US", Some("Bayern"), TaxClass::Standard, 3),
            row("DE", None, TaxClass::Zero, 1),
        ];
        let Err(Error::Faults(faults)) = TaxTable::new(1, rows) else { panic!("refused") };
        let found: Vec<_> = faults.iter().map(|fault| (fault.pointer.clone().unwrap(), fault.code.to_string())).collect();
        let expected = [("/items/1", "DUPLICATE"), ("/items/2/state", "INVALID_STATE"), ("/items/3/basisPoints", "NOT_ZERO")];
        assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    }
}
