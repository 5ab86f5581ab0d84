//! The filters of a list of products, as they stand in its address.

use crate::{
    format,
    texts::{Language, Texts, goods_words},
};
use contracts::search::{FacetValue, SearchResults};
use platform::http::encode_text;

/// Values of a facet that are shown.
const FACET_VALUES: usize = 8;
/// Facets of attributes that are shown.
const ATTRIBUTES: usize = 6;

/// Names and values of an address, in their order.
pub type Parameters = Vec<(String, String)>;

/// A chosen filter and the list without it.
pub struct Chip {
    pub label: String,
    pub without: String,
}

/// A value of a facet, and the list with it or without it.
pub struct Choice {
    pub label: String,
    pub count: u64,
    pub is_chosen: bool,
    pub href: String,
}

pub struct Facet {
    pub name: String,
    pub choices: Vec<Choice>,
}

/// The address of a list.
pub struct Filters {
    base: String,
    /// Without empty values, which forms send as well.
    all: Parameters,
}

impl Filters {
    pub fn of(base: &str, parameters: Parameters) -> Filters {
        let all = parameters.into_iter().filter(|(name, value)| is_known(name, value.trim())).collect();
        Filters { base: base.to_owned(), all }
    }

    pub fn value(&self, wanted: &str) -> &str {
        self.all.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value)
    }

    /// The parameters of the search: prices are typed in units and sent in hundredths, as the shop's own currency has them.
    pub fn for_api(&self) -> Parameters {
        let minor = |value: &str| {
            let number: f64 = value.trim().replace(',', ".").parse().ok()?;
            #[expect(clippy::cast_possible_truncation, reason = "the bounds are checked")]
            (0.0..1e10).contains(&number).then_some((number * 100.0).round() as i64)
        };
        let one = |(name, value): &(String, String)| match &**name {
            "priceFrom" => Some(("minPrice".to_owned(), minor(value)?.to_string())),
            "priceTo" => Some(("maxPrice".to_owned(), minor(value)?.to_string())),
            _ => Some((name.clone(), value.clone())),
        };
        self.all.iter().filter_map(one).collect()
    }

    fn address(&self, parameters: &[(String, String)]) -> String {
        let mut address = self.base.clone();
        for (index, (name, value)) in parameters.iter().enumerate() {
            address.push(if index == 0 { '?' } else { '&' });
            encode_text(name, &mut address);
            address.push('=');
            encode_text(value, &mut address);
        }
        address
    }

    /// All parameters but the page and these.
    pub fn beside(&self, names: &[&str]) -> Parameters {
        self.all.iter().filter(|(name, _)| name != "cursor" && !names.contains(&&**name)).cloned().collect()
    }

    /// The address with one value of a parameter in the place of all others.
    pub fn with(&self, name: &str, value: &str) -> String {
        let mut parameters = self.beside(&[name]);
        parameters.push((name.to_owned(), value.to_owned()));
        self.address(&parameters)
    }

    /// Whether the address has a parameter of the search, so that it can be left out.
    pub fn has(&self, parameter: &str) -> bool {
        self.all.iter().any(|(name, _)| name == own_name(parameter))
    }

    /// The address without a parameter of the search.
    pub fn without(&self, parameter: &str) -> String {
        self.address(&self.beside(&[own_name(parameter)]))
    }

    /// The address without any filter.
    pub fn bare(&self) -> String {
        self.address(&self.all.iter().filter(|(name, _)| !is_filter(name) && name != "cursor").cloned().collect::<Vec<_>>())
    }

    /// The address that stands for all orders of the list.
    pub fn canonical(&self) -> String {
        self.address(&self.all.iter().filter(|(name, _)| name != "sort").cloned().collect::<Vec<_>>())
    }

    /// What a filter is, in words.
    pub fn label_of(&self, parameter: &str, t: &'static Texts, language: Language) -> String {
        match parameter {
            "category" => t.category.to_owned(),
            "brand" => t.brand.to_owned(),
            "minPrice" | "maxPrice" => t.price.to_owned(),
            "minRating" => t.reviews.to_owned(),
            "inStock" => t.in_stock.to_owned(),
            other => format::attribute(language, other.trim_start_matches("attr.")),
        }
    }

    pub fn facets(&self, t: &'static Texts, language: Language, found: &SearchResults, with_category: bool) -> Vec<Facet> {
        let kept = self.beside(&[]);
        let mut facets = vec![self.facet(t.brand, "brand", &found.facets.brand, &kept, str::to_owned)];
        if with_category {
            let words = |name: &str| goods_words(language, name).to_owned();
            facets.insert(0, self.facet(t.category, "category", &found.facets.category, &kept, words));
        }
        let one = |name: &str, parameter: &str, label: &str| {
            let value = FacetValue { value: "true".into(), label: label.to_owned(), count: 0 };
            self.facet(name, parameter, &[value], &kept, str::to_owned)
        };
        // Dimensions and lists of words are different for nearly every product, so that there is nothing to choose from.
        let is_chosen = |name: &str| kept.iter().any(|(other, _)| other.strip_prefix("attr.") == Some(name));
        let attributes = found.facets.attributes.iter().filter(|(name, _)| !format::is_dimension(name) || is_chosen(name));
        facets.extend(attributes.take(ATTRIBUTES).map(|(name, values)| {
            let values: Vec<FacetValue> = values.iter().filter(|value| !value.label.contains(", ")).cloned().collect();
            let words = |value: &str| format::capital(goods_words(language, value));
            self.facet(&format::attribute(language, name), &format!("attr.{name}"), &values, &kept, words)
        }));
        facets.retain(|facet| facet.choices.len() > 1 || facet.choices.iter().any(|choice| choice.is_chosen));
        facets.push(one(t.availability, "inStock", t.only_in_stock));
        facets
    }

    fn facet(
        &self,
        name: &str,
        parameter: &str,
        values: &[FacetValue],
        kept: &[(String, String)],
        words: impl Fn(&str) -> String,
    ) -> Facet {
        let choices = values.iter().take(FACET_VALUES).map(|value| {
            let is_this = |(name, chosen): &&(String, String)| name == parameter && *chosen == value.value;
            let is_chosen = kept.iter().any(|pair| is_this(&pair));
            let changed: Parameters = if is_chosen {
                kept.iter().filter(|pair| !is_this(pair)).cloned().collect()
            } else {
                [kept, &[(parameter.to_owned(), value.value.clone())]].concat()
            };
            Choice { label: words(&value.label), count: value.count, is_chosen, href: self.address(&changed) }
        });
        Facet { name: name.to_owned(), choices: choices.collect() }
    }

    /// The chosen filters, each with the label that its facet gives it.
    pub fn chips(&self, t: &'static Texts, language: Language, found: &SearchResults) -> Vec<Chip> {
        let of_facets = found.facets.category.iter().chain(&found.facets.brand).chain(found.facets.attributes.values().flatten());
        let labels: Vec<&FacetValue> = of_facets.collect();
        let kept = self.beside(&[]);
        let filters = kept.iter().enumerate().filter(|(_, (name, _))| is_filter(name));
        let point = if language == Language::German { "," } else { "." };
        filters
            .map(|(index, (name, value))| {
                let label = match &**name {
                    "priceFrom" => format!("{} {}", t.price_from, value.replace('.', point)),
                    "priceTo" => format!("{} {}", t.price_to, value.replace('.', point)),
                    "inStock" => t.only_in_stock.to_owned(),
                    "minRating" => format!("★ {value}+"),
                    _ => {
                        let label = labels.iter().find(|facet| facet.value == *value).map_or(value, |facet| &facet.label);
                        let words = goods_words(language, label);
                        if name.starts_with("attr.") { format::capital(words) } else { words.to_owned() }
                    }
                };
                let without: Parameters =
                    kept.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, pair)| pair.clone()).collect();
                Chip { label, without: self.address(&without) }
            })
            .collect()
    }
}

/// Whether a list has this parameter: addresses come with parameters of others, such as those of campaigns, and with mistakes.
fn is_known(name: &str, value: &str) -> bool {
    match name {
        _ if value.is_empty() => false,
        "sort" => matches!(value, "relevance" | "price" | "-price" | "newest" | "rating"),
        "inStock" => value == "true",
        "minRating" => matches!(value, "1" | "2" | "3" | "4" | "5"),
        "q" | "category" | "brand" | "cursor" | "priceFrom" | "priceTo" => true,
        other => other.starts_with("attr."),
    }
}

/// Whether a parameter limits what is found.
fn is_filter(name: &str) -> bool {
    !matches!(name, "q" | "sort" | "cursor" | "limit")
}

/// The name that the pages have for a parameter of the search.
fn own_name(parameter: &str) -> &str {
    match parameter {
        "minPrice" => "priceFrom",
        "maxPrice" => "priceTo",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(pairs: &[(&str, &str)]) -> Filters {
        Filters::of("/search", pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_address_is_changed_one_parameter_at_a_time() {
        let filters = filters(&[
            ("q", "tea pot"),
            ("brand", ""),
            ("attr.color", "red"),
            ("priceFrom", "5"),
            ("sort", "price"),
            ("cursor", "x"),
            ("utm_source", "mail"),
            ("inStock", "no"),
        ]);
        assert_eq!(filters.with("sort", "newest"), "/search?q=tea%20pot&attr.color=red&priceFrom=5&sort=newest");
        assert_eq!(filters.without("minPrice"), "/search?q=tea%20pot&attr.color=red&sort=price");
        assert_eq!(filters.bare(), "/search?q=tea%20pot&sort=price");
        assert_eq!(filters.canonical(), "/search?q=tea%20pot&attr.color=red&priceFrom=5&cursor=x");
    }

    #[test]
    fn prices_are_sent_in_hundredths() {
        for (typed, sent) in [("5", Some("500")), ("19.99", Some("1999")), ("0,5", Some("50")), ("-1", None), ("x", None), ("1e300", None)]
        {
            let sent = sent.map(|sent| ("minPrice".to_owned(), sent.to_owned()));
            assert_eq!(filters(&[("priceFrom", typed)]).for_api(), Vec::from_iter(sent), "{typed}");
        }
    }
}
