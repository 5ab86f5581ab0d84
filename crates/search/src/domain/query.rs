//! Parses and checks the query parameters of a search.

use contracts::{
    ids::{CategoryId, UserId},
    money::{Currency, MAX_AMOUNT},
    problem::Fault,
    search::Sort,
    text::{self, AttributeName, RequiredShortText, Violation},
};
use platform::folding::{fold_case, is_invisible};
use std::fmt::Write as _;

/// The longest search text.
pub const LONGEST_TEXT: usize = 500;
/// The largest number of words in a search text.
pub const MOST_WORDS: usize = 40;
/// The largest number of filter parameters.
pub const MOST_FILTERS: usize = 50;

/// A search without its paging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The search text; `None` to find everything.
    pub text: Option<String>,
    /// The filters in the order in which they were last given, one per facet.
    pub filters: Vec<Filter>,
    pub sort: Sort,
}

/// A condition that hits must meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// In one of these categories, or below it.
    Category(Vec<CategoryId>),
    Brand(Vec<String>),
    Seller(Vec<UserId>),
    /// The attribute has one of these values.
    Attribute(String, Vec<String>),
    /// Whether the product is in stock.
    InStock(bool),
    /// Priced in this currency.
    Currency(Currency),
    /// In minor units of [`Request::currency`], inclusive.
    MinPrice(i64),
    MaxPrice(i64),
    /// In whole stars, inclusive.
    MinRating(i64),
}

impl Filter {
    /// Returns the name of its parameter.
    #[must_use]
    pub fn parameter(&self) -> String {
        match self {
            Filter::Category(_) => "category".into(),
            Filter::Brand(_) => "brand".into(),
            Filter::Seller(_) => "sellerId".into(),
            Filter::Attribute(name, _) => format!("attr.{name}"),
            Filter::InStock(_) => "inStock".into(),
            Filter::Currency(_) => "currency".into(),
            Filter::MinPrice(_) => "minPrice".into(),
            Filter::MaxPrice(_) => "maxPrice".into(),
            Filter::MinRating(_) => "minRating".into(),
        }
    }

    /// Adds the values of the other filter if both have the same parameter. Returns whether they have.
    fn absorb(&mut self, other: &Filter) -> bool {
        fn join<T: Clone + Ord>(values: &mut Vec<T>, more: &[T]) {
            values.extend_from_slice(more);
            values.sort_unstable();
            values.dedup();
        }
        match (self, other) {
            (Filter::Category(values), Filter::Category(more)) => join(values, more),
            (Filter::Brand(values), Filter::Brand(more)) => join(values, more),
            (Filter::Seller(values), Filter::Seller(more)) => join(values, more),
            (Filter::Attribute(name, values), Filter::Attribute(other, more)) if fold_case(name) == fold_case(other) => join(values, more),
            _ => return false,
        }
        true
    }
}

impl Request {
    /// Parses the parameters of a query. Those of paging are ignored.
    ///
    /// # Errors
    /// All faults.
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Request, Vec<Fault>> {
        let mut request = Request { text: None, filters: Vec::new(), sort: Sort::Relevance };
        let (mut faults, mut seen, mut given) = (Vec::new(), Vec::<String>::new(), 0);
        for (name, value) in pairs {
            let single = matches!(name.as_str(), "q" | "sort" | "inStock" | "currency" | "minPrice" | "maxPrice" | "minRating");
            if single && seen.contains(&name) {
                faults.push(Fault::parameter(name, "REPEATED_PARAMETER", "is given more than once"));
                continue;
            }
            if single {
                seen.push(name.clone());
            }
            match request.take(&name, &value) {
                Ok(true) if given == MOST_FILTERS => {
                    return Err(vec![Fault::parameter(name, "TOO_MANY", format!("a search may have at most {MOST_FILTERS} filters"))]);
                }
                Ok(true) => given += 1,
                Ok(false) => {}
                Err(refused) => faults.push(Fault::parameter(name, refused.code, refused.detail)),
            }
        }
        if let (Some(least), Some(most)) = (request.least_price(), request.most_price())
            && least > most
        {
            faults.push(Fault::parameter("minPrice", "OUT_OF_RANGE", "must not be above maxPrice"));
        }
        if faults.is_empty() { Ok(request) } else { Err(faults) }
    }

    /// Parses one parameter. Returns whether it is a filter.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, Violation> {
        let filter = match name {
            "limit" | "cursor" => return Ok(false),
            "q" => {
                self.text = search_text(value)?;
                return Ok(false);
            }
            "sort" => {
                self.sort = value.parse::<Sort>().map_err(|refused| Violation::new("NOT_ONE_OF", refused.detail))?;
                return Ok(false);
            }
            "category" => Filter::Category(vec![value.parse().map_err(|_| not_an_id())?]),
            "sellerId" => Filter::Seller(vec![value.parse().map_err(|_| not_an_id())?]),
            "brand" => Filter::Brand(vec![RequiredShortText::parse(value)?.into_string()]),
            "inStock" => Filter::InStock(value.parse().map_err(|_| Violation::new("WRONG_TYPE", "must be true or false"))?),
            "currency" => Filter::Currency(value.parse().map_err(|_| not_a_currency())?),
            "minPrice" => Filter::MinPrice(price(value)?),
            "maxPrice" => Filter::MaxPrice(price(value)?),
            "minRating" => Filter::MinRating(stars(value)?),
            _ => match name.strip_prefix("attr.") {
                Some(attribute) => {
                    let attribute = AttributeName::parse(attribute)?.into_string();
                    Filter::Attribute(attribute, vec![RequiredShortText::parse(value)?.into_string()])
                }
                None => return Err(Violation::new("UNKNOWN_PARAMETER", "is not a parameter of this request")),
            },
        };
        self.put(filter);
        Ok(true)
    }

    /// Adds a filter, or its value to an existing one. It becomes the last filter.
    fn put(&mut self, filter: Filter) {
        let known = self.filters.iter_mut().position(|known| known.absorb(&filter));
        let filter = known.map_or(filter, |at| self.filters.remove(at));
        self.filters.push(filter);
    }

    fn least_price(&self) -> Option<i64> {
        self.filters.iter().find_map(|filter| if let Filter::MinPrice(price) = filter { Some(*price) } else { None })
    }

    fn most_price(&self) -> Option<i64> {
        self.filters.iter().find_map(|filter| if let Filter::MaxPrice(price) = filter { Some(*price) } else { None })
    }

    /// Returns the order of the hits. Without a text all matches are equal, so the newest come first.
    #[must_use]
    pub fn order(&self) -> Sort {
        match (self.sort, &self.text) {
            (Sort::Relevance, None) => Sort::Newest,
            (sort, _) => sort,
        }
    }

    /// Returns the currency of the hits: the requested one, or `shop` (the default) when prices are compared. Amounts of
    /// different currencies cannot be compared.
    #[must_use]
    pub fn currency(&self, shop: Currency) -> Option<Currency> {
        let requested = self.filters.iter().find_map(|filter| if let Filter::Currency(currency) = filter { Some(*currency) } else { None });
        let compares = |filter: &Filter| matches!(filter, Filter::MinPrice(_) | Filter::MaxPrice(_));
        let compared = matches!(self.sort, Sort::PriceUp | Sort::PriceDown) || self.filters.iter().any(compares);
        requested.or(compared.then_some(shop))
    }

    /// Returns a text that is equal for equivalent requests in a shop of this currency. Cursors are bound to it, and it is
    /// part of the cache key.
    #[must_use]
    pub fn tag(&self, shop: Currency) -> String {
        let others = self.filters.iter().filter(|filter| !matches!(filter, Filter::Currency(_)));
        let mut filters: Vec<String> = others.map(|filter| format!("{filter:?}")).collect();
        filters.sort_unstable();
        let text = self.text.as_deref().map(str::to_lowercase);
        let mut tag = format!("search {} {text:?} {:?}", self.order(), self.currency(shop));
        for filter in filters {
            let _ = write!(tag, " {filter}");
        }
        tag
    }

    /// Returns the request without its last filter, and that filter; `None` without filters.
    #[must_use]
    pub fn without_last_filter(&self) -> Option<(Request, Filter)> {
        let mut lifted = self.clone();
        let last = lifted.filters.pop()?;
        Some((lifted, last))
    }
}

/// Returns the search text as plain text; `None` when it is blank.
///
/// # Errors
/// `TOO_LONG`, `TOO_MANY_WORDS`, `FORBIDDEN_CHARACTER`.
pub fn search_text(text: &str) -> Result<Option<String>, Violation> {
    let joined = text.split_whitespace().collect::<Vec<_>>();
    if joined.len() > MOST_WORDS {
        return Err(Violation::new("TOO_MANY_WORDS", format!("must have at most {MOST_WORDS} words")));
    }
    // Invisible characters of a pasted text do not matter. Control characters are refused.
    let visible: String = joined.join(" ").chars().filter(|c| !is_invisible(*c)).collect();
    let text = text::single_line(&visible, 0, LONGEST_TEXT)?;
    Ok((!text.is_empty()).then_some(text))
}

fn price(text: &str) -> Result<i64, Violation> {
    let out = || Violation::new("OUT_OF_RANGE", format!("must be a whole number of minor units from 0 to {MAX_AMOUNT}"));
    text.parse().ok().filter(|price| (0..=MAX_AMOUNT).contains(price)).ok_or_else(out)
}

fn stars(text: &str) -> Result<i64, Violation> {
    let out = || Violation::new("OUT_OF_RANGE", "must be a whole number of stars from 1 to 5");
    text.parse().ok().filter(|stars| (1..=5).contains(stars)).ok_or_else(out)
}

fn not_a_currency() -> Violation {
    Violation::new("NOT_A_CURRENCY", "must be an ISO 4217 code of three upper-case letters such as EUR")
}

fn not_an_id() -> Violation {
    Violation::new("NOT_A_UUID", "must be a UUID in its hyphenated form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0190a1b2-0000-7000-8000-000000000000";

    fn parse(pairs: &[(&str, &str)]) -> Result<Request, Vec<Fault>> {
        Request::parse(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn values_of_one_parameter_are_one_filter_at_the_last_position() {
        let request =
            parse(&[("attr.color", "red"), ("category", ID), ("q", "  red   shoe "), ("attr.color", "blue"), ("limit", "3")]).unwrap();
        assert_eq!(request.text.as_deref(), Some("red shoe"));
        let colors = Filter::Attribute("color".into(), vec!["blue".into(), "red".into()]);
        assert_eq!(request.filters, [Filter::Category(vec![ID.parse().unwrap()]), colors.clone()]);
        let (lifted, last) = request.without_last_filter().unwrap();
        assert_eq!((last, lifted.filters.len()), (colors, 1));
    }

    #[test]
    fn equivalent_requests_have_the_same_tag() {
        let one = parse(&[("q", "Red shoe"), ("attr.size", "M"), ("attr.color", "red"), ("attr.color", "blue")]).unwrap();
        let other = parse(&[("attr.color", "blue"), ("attr.color", "red"), ("attr.size", "M"), ("q", "red  shoe")]).unwrap();
        let tag = |request: &Request| request.tag(Currency::EUR);
        assert_eq!(tag(&one), tag(&other));
        for different in [&[("q", "red shoe")][..], &[("q", "red shoe"), ("attr.size", "M")], &[("attr.size", "M")], &[]] {
            assert_ne!(tag(&parse(different).unwrap()), tag(&one));
        }
        assert_eq!(tag(&parse(&[("sort", "newest")]).unwrap()), tag(&parse(&[]).unwrap()));
        let (cheapest, in_euros) = (parse(&[("sort", "price")]).unwrap(), parse(&[("sort", "price"), ("currency", "EUR")]).unwrap());
        assert_eq!(tag(&cheapest), tag(&in_euros));
        assert_ne!(cheapest.tag(Currency::USD), tag(&cheapest));
    }

    #[test]
    fn prices_are_compared_in_one_currency() {
        let currency = |pairs: &[(&str, &str)]| parse(pairs).unwrap().currency(Currency::EUR);
        assert_eq!(currency(&[("q", "lamp"), ("sort", "newest"), ("inStock", "true")]), None);
        for compares in [("sort", "price"), ("sort", "-price"), ("minPrice", "1"), ("maxPrice", "1")] {
            assert_eq!(currency(&[compares]), Some(Currency::EUR));
            assert_eq!(currency(&[("currency", "USD"), compares]), Some(Currency::USD));
        }
        assert_eq!(currency(&[("currency", "USD")]), Some(Currency::USD));
    }

    #[test]
    fn invalid_parameters_are_reported_by_name() {
        let (long, words) = ("x".repeat(LONGEST_TEXT + 1), "x ".repeat(MOST_WORDS + 1));
        for (name, value, code) in [
            ("q", long.as_str(), "TOO_LONG"),
            ("q", words.as_str(), "TOO_MANY_WORDS"),
            ("q", "a\u{0}b", "FORBIDDEN_CHARACTER"),
            ("sort", "cheapest", "NOT_ONE_OF"),
            ("sort", "", "NOT_ONE_OF"),
            ("category", "chairs", "NOT_A_UUID"),
            ("sellerId", "7", "NOT_A_UUID"),
            ("inStock", "yes", "WRONG_TYPE"),
            ("currency", "euro", "NOT_A_CURRENCY"),
            ("currency", "", "NOT_A_CURRENCY"),
            ("minPrice", "-1", "OUT_OF_RANGE"),
            ("minPrice", "1.5", "OUT_OF_RANGE"),
            ("maxPrice", "99999999999999999999", "OUT_OF_RANGE"),
            ("maxPrice", "", "OUT_OF_RANGE"),
            ("attr.", "red", "REQUIRED"),
            ("attr.color", "", "REQUIRED"),
            ("brand", "", "REQUIRED"),
            ("colour", "red", "UNKNOWN_PARAMETER"),
        ] {
            let faults = parse(&[(name, value)]).unwrap_err();
            assert_eq!((faults[0].parameter.as_deref(), &*faults[0].code), (Some(name), code), "{value}");
        }
        assert_eq!(parse(&[("q", "a"), ("q", "b")]).unwrap_err()[0].code, "REPEATED_PARAMETER");
        assert_eq!(parse(&[("currency", "EUR"), ("currency", "USD")]).unwrap_err()[0].code, "REPEATED_PARAMETER");
        assert_eq!(parse(&[("minPrice", "5"), ("maxPrice", "4")]).unwrap_err()[0].code, "OUT_OF_RANGE");
        assert!(parse(&[("minPrice", "5"), ("maxPrice", "5")]).is_ok());
        assert_eq!(parse(&vec![("brand", "x"); MOST_FILTERS + 1]).unwrap_err()[0].code, "TOO_MANY");
    }

    #[test]
    fn values_at_the_limits_are_accepted() {
        let (long, words) = ("x".repeat(LONGEST_TEXT), "x ".repeat(MOST_WORDS));
        assert_eq!(parse(&[("q", &long)]).unwrap().text.map(|text| text.len()), Some(LONGEST_TEXT));
        assert!(parse(&[("q", &words)]).is_ok());
        assert!(parse(&vec![("brand", "x"); MOST_FILTERS]).is_ok());
        let most = MAX_AMOUNT.to_string();
        assert_eq!(parse(&[("minPrice", "0"), ("maxPrice", &most)]).unwrap().filters, [Filter::MinPrice(0), Filter::MaxPrice(MAX_AMOUNT)]);
        let more = (MAX_AMOUNT + 1).to_string();
        assert_eq!(parse(&[("maxPrice", &more)]).unwrap_err()[0].code, "OUT_OF_RANGE");
    }

    #[test]
    fn without_a_text_the_newest_come_first() {
        let order = |pairs: &[(&str, &str)]| parse(pairs).unwrap().order();
        assert_eq!((order(&[]), order(&[("q", "lamp")])), (Sort::Newest, Sort::Relevance));
        assert_eq!((order(&[("sort", "price")]), order(&[("q", "lamp"), ("sort", "-price")])), (Sort::PriceUp, Sort::PriceDown));
    }

    #[test]
    fn every_filter_names_its_parameter() {
        for (name, value) in [
            ("category", ID),
            ("brand", "Acme"),
            ("sellerId", ID),
            ("attr.color", "red"),
            ("inStock", "true"),
            ("currency", "EUR"),
            ("minPrice", "1"),
            ("maxPrice", "1"),
            ("minRating", "4"),
        ] {
            let (request, last) = parse(&[(name, value)]).unwrap().without_last_filter().unwrap();
            assert_eq!((last.parameter().as_str(), request.without_last_filter()), (name, None));
        }
    }

    #[test]
    fn a_blank_text_is_no_text_and_quotes_are_plain() {
        assert_eq!(parse(&[("q", " \t ")]).unwrap().text, None);
        assert_eq!(parse(&[("q", "\"un'balanced (")]).unwrap().text.as_deref(), Some("\"un'balanced ("));
    }

    proptest! {
        #[test]
        fn any_query_is_parsed_or_refused(pairs in proptest::collection::vec(("(q|sort|category|brand|attr\\.\\PC{0,3}|inStock|minPrice|\\PC{0,5})", any::<String>()), 0..6)) {
            match Request::parse(pairs) {
                Ok(request) => prop_assert!(request.filters.len() <= 6),
                Err(faults) => prop_assert!(!faults.is_empty()),
            }
        }
    }
}
