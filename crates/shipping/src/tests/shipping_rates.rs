//! The rates.

use super::start;
use crate::{
    Error,
    rates::rates,
    settings::{CurrencyRate, Rate, Settings},
};
use contracts::{
    money::Currency,
    shipping::Carrier,
    text::{Amount, Country},
};
use platform::testing::Harness;
use serde_json::{Value, json};
use std::collections::BTreeMap;

async fn rate(h: &Harness, query: &str) -> Value {
    h.get(&format!("/shipping/rates?{query}")).send().await.expect(200).json()
}

#[tokio::test]
async fn anyone_sees_the_flat_rate() {
    let h = start().await;
    let standard = json!({"carrier": "MOCK", "name": "Standard", "shippingAmount": 490, "currency": "EUR", "freeFromAmount": null});
    assert_eq!(rate(&h, "country=DE&subtotal=1000").await, json!({"country": "DE", "items": [standard]}));
    assert_eq!(rate(&h, "country=DE").await, json!({"country": "DE", "items": [standard]}));
    assert_eq!(rate(&h, "country=US&subtotal=10000000000000&currency=USD").await["items"][0]["currency"], "USD");
}

#[tokio::test]
async fn a_country_can_have_its_own_rate_and_a_subtotal_ships_free() {
    let swiss = BTreeMap::from([("flat_rate_amount", 1290_i64), ("free_from_amount", 20_000)]);
    let always = BTreeMap::from([("flat_rate_amount", 250_i64)]);
    let h = Harness::of(crate::service())
        .setting("flat_rate_amount", 500)
        .setting("free_from_amount", 5_000)
        .setting("rates", BTreeMap::from([("CH", swiss), ("FR", always)]))
        .start()
        .await;
    for (country, subtotal, amount, free_from) in [
        ("DE", 0, 500, json!(5_000)),
        ("DE", 4_999, 500, json!(5_000)),
        ("DE", 5_000, 0, json!(5_000)),
        ("CH", 5_000, 1_290, json!(20_000)),
        ("CH", 20_000, 0, json!(20_000)),
        ("FR", 1_000_000, 250, json!(null)),
    ] {
        let found = rate(&h, &format!("country={country}&subtotal={subtotal}&currency=EUR")).await["items"][0].clone();
        assert_eq!((found["shippingAmount"].clone(), found["freeFromAmount"].clone()), (json!(amount), free_from), "{country} {subtotal}");
    }
}

#[tokio::test]
async fn an_unsupported_country_is_refused() {
    let h = Harness::of(crate::service()).setting("countries", vec!["DE", "AT"]).start().await;
    rate(&h, "country=AT").await;
    let refused = h.get("/shipping/rates?country=US&subtotal=1").send().await.expect_problem(422, "UNSUPPORTED_COUNTRY");
    assert_eq!((refused.json()["country"].clone(), refused.json()["errors"][0]["parameter"].clone()), (json!("US"), json!("country")));
}

#[tokio::test]
async fn invalid_parameters_are_refused() {
    let h = start().await;
    for (query, parameter) in [
        ("subtotal=1", "country"),
        ("country=", "country"),
        ("country=de", "country"),
        ("country=DEU", "country"),
        ("country=DE&subtotal=-1", "subtotal"),
        ("country=DE&subtotal=1.5", "subtotal"),
        ("country=DE&subtotal=10000000000001", "subtotal"),
        ("country=DE&subtotal=99999999999999999999", "subtotal"),
        ("country=DE&currency=euro", "currency"),
        ("country=DE&weight=3", "weight"),
        ("country=DE&country=FR", "country"),
    ] {
        let refused = h.get(&format!("/shipping/rates?{query}")).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["parameter"], parameter, "{query}: {}", refused.json());
    }
}

#[tokio::test]
async fn every_rate_is_in_one_currency_and_others_are_refused() {
    let h = start().await;
    for (currency, amount) in [("EUR", 490), ("USD", 590), ("JPY", 800), ("KWD", 1_500), ("GBP", 420)] {
        for country in ["DE", "US", "JP", "KW"] {
            let found = rate(&h, &format!("country={country}&subtotal=1000&currency={currency}")).await["items"][0].clone();
            assert_eq!((&found["shippingAmount"], &found["currency"]), (&json!(amount), &json!(currency)), "{country}");
        }
    }
    let refused = h.get("/shipping/rates?country=DE&currency=ISK").send().await.expect_problem(422, "UNSUPPORTED_CURRENCY");
    assert_eq!((&refused.json()["currency"], &refused.json()["errors"][0]["parameter"]), (&json!("ISK"), &json!("currency")));
}

#[test]
fn currencies_of_the_settings_count_before_the_built_in_ones() {
    let amount = |minor| Amount::new(minor).unwrap();
    let currency = |code: &str| code.parse::<Currency>().unwrap();
    let country = |code: &str| Country::parse(code).unwrap();
    let settings = Settings {
        currency: currency("GBP"),
        flat_rate_amount: amount(300),
        builtin_rates: false,
        currencies: BTreeMap::from([(
            currency("USD"),
            CurrencyRate { flat_rate_amount: amount(700), free_from_amount: Some(amount(5_000)) },
        )]),
        rates: BTreeMap::from([(country("CH"), Rate { flat_rate_amount: amount(900), free_from_amount: None, currency: currency("CHF") })]),
        ..Settings::default()
    };
    let price = |to: &str, subtotal, code: &str| rates(&settings, Carrier::Mock, country(to), subtotal, currency(code));
    for (to, subtotal, code, expected) in
        [("CH", 0, "CHF", 900), ("CH", 0, "GBP", 300), ("CH", 0, "USD", 700), ("DE", 5_000, "USD", 0), ("DE", 0, "GBP", 300)]
    {
        assert_eq!(price(to, subtotal, code).unwrap().items[0].shipping_amount, expected, "{to} {code}");
    }
    for (to, code) in [("CH", "EUR"), ("CH", "JPY"), ("DE", "CHF")] {
        assert!(matches!(price(to, 0, code), Err(Error::UnsupportedCurrency(_))), "{to} {code}");
    }
}
