//! What search engines and messengers read: descriptions, structured data (JSON-LD) and the lists of addresses.

use crate::{Site, pages::Link};
use contracts::{catalog::Product, inventory::Availability, seller::PublicSeller};
use serde_json::{Value, json};

/// Characters of a description.
const SUMMARY: usize = 160;

/// Returns the beginning of a text as one line; the alternative when it is empty.
pub fn summary(text: &str, alternative: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if words.is_empty() { alternative } else { &words };
    if text.chars().count() <= SUMMARY {
        return text.to_owned();
    }
    let cut: String = text.chars().take(SUMMARY - 1).collect();
    let whole = cut.rsplit_once(' ').map_or(&*cut, |(whole, _)| whole);
    format!("{whole}…")
}

/// Writes structured data so that nothing in it ends the element that it stands in (WHATWG HTML, 4.12.1.3).
pub fn escaped(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Returns an amount as a decimal number with a point.
fn decimal(minor: i64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let (whole, part) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    if decimals == 0 { whole.to_string() } else { format!("{whole}.{part:0width$}", width = decimals as usize) }
}

/// A product with its offer (schema.org `Product`), and its categories (`BreadcrumbList`).
pub fn product(site: &Site, product: &Product, stock: Option<&Availability>, seller: Option<&PublicSeller>, path: &[Link]) -> String {
    let address = site.address(&format!("/products/{}", product.product_id));
    let images: Vec<String> = product.images.iter().map(|image| site.address(image)).collect();
    let is_out = stock.is_some_and(|stock| !stock.in_stock);
    let mut offer = json!({
        "@type": "Offer",
        "url": address,
        "price": decimal(product.price_amount, product.currency.decimals()),
        "priceCurrency": product.currency.as_str(),
        "availability": if is_out { "https://schema.org/OutOfStock" } else { "https://schema.org/InStock" },
    });
    if let Some(seller) = seller {
        offer["seller"] = json!({"@type": "Organization", "name": seller.shop_name});
    }
    let mut data = json!({
        "@type": "Product",
        "name": product.title,
        "sku": product.sku,
        "description": summary(&product.description, &product.title),
        "image": images,
        "url": address,
        "offers": offer,
    });
    if let Some(brand) = &product.brand {
        data["brand"] = json!({"@type": "Brand", "name": brand});
    }
    if product.rating.count > 0 {
        data["aggregateRating"] = json!({
            "@type": "AggregateRating",
            "ratingValue": decimal(product.rating.average_hundredths, 2),
            "reviewCount": product.rating.count,
        });
    }
    let crumbs: Vec<Value> = path
        .iter()
        .enumerate()
        .map(|(place, link)| json!({"@type": "ListItem", "position": place + 1, "name": link.label, "item": site.address(&link.href)}))
        .collect();
    escaped(&json!({
        "@context": "https://schema.org",
        "@graph": [data, {"@type": "BreadcrumbList", "itemListElement": crumbs}],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_structured_data_ends_its_element() {
        let text = escaped(&json!({"name": "</script><script>alert(1)</script>&<!--"}));
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["name"], "</script><script>alert(1)</script>&<!--");
    }

    #[test]
    fn amounts_and_descriptions_are_as_readers_expect() {
        assert_eq!((&*decimal(4_905, 2), &*decimal(1_500, 0), &*decimal(1_234, 3)), ("49.05", "1500", "1.234"));
        assert_eq!(summary(" a\n b ", "x"), "a b");
        assert_eq!(summary("", "A lamp"), "A lamp");
        let long = summary(&"word ".repeat(60), "");
        assert!(long.ends_with("word…") && long.chars().count() <= SUMMARY, "{long}");
    }
}
