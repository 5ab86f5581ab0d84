//! What `souk demo` prints when it is ready.

use super::{ADMIN, CUSTOMER, DemoSummary, FirstPurchase, REVIEWERS, SELLER_PASSWORD, story::COUPON};
use crate::style::{bold, cyan, dim};
use contracts::ids::ProductId;
use platform::telemetry::{self, LogFormat};
use std::{net::SocketAddr, path::Path};

pub fn print(address: SocketAddr, data_dir: &Path, summary: &DemoSummary) {
    let base = format!("http://{address}");
    let DemoSummary { products, sellers, first, .. } = summary;
    if telemetry::format() == LogFormat::Json {
        let fields =
            [("address", base.into()), ("products", (*products).into()), ("customer", CUSTOMER.0.into()), ("admin", ADMIN.0.into())];
        println!("{}", telemetry::json_line("INFO", "souk", "the demo is listening", &fields));
        return;
    }
    println!();
    println!("  {}  a marketplace with {products} products at {}", bold("souk demo"), cyan(&base));
    println!();
    let account = |role: &str, (email, password): (&str, &str), hint: &str| {
        println!("  {role:<9} {email:<22} {password:<16} {}", dim(hint));
    };
    account("customer", CUSTOMER, "an order of three sellers with one part on its way");
    account("customer", REVIEWERS[0], "reviews, and a return that was refunded");
    account("customer", REVIEWERS[1], "a return under way");
    account("admin", ADMIN, "a review to publish, promotions, payouts, the audit log");
    for (at, seller) in sellers.iter().enumerate() {
        account("seller", (seller, SELLER_PASSWORD), if at == 0 { "an answered review, and a payout" } else { "" });
    }
    println!("  coupon    {COUPON:<22} {}", dim("10 % off, once; shipping is free from 100 EUR"));
    println!();
    let place = |name: &str, path: &str, hint: &str| println!("  {name:<9} {} {}", cyan(format!("{base}{path:<11}")), dim(hint));
    place("shop", "/", "search, fill a cart, order with an account or without");
    place("seller", "/seller", "products, orders to ship, returns, reviews, sales, payouts");
    place("admin", "/admin", "today, the story of each order, refunds, moderation, the ledger, the audit log");
    place("API", "/api/docs", "read it and try it");
    println!("  mail      {}", data_dir.join(notification::MAILBOX).display());
    if let Some(FirstPurchase { product_id, title, price }) = first {
        println!();
        println!("  {} “{title}” for {price} each by the API. Paste these into another terminal:", bold("Buy two"));
        println!();
        for command in commands(&base, *product_id) {
            println!("{command}\n");
        }
    }
    println!("  {}", dim(format!("Ctrl-C stops it; {} keeps everything.", data_dir.display())));
}

/// Commands that register, fill the cart and order, to be run in this order in a POSIX shell.
fn commands(base: &str, product: ProductId) -> [String; 3] {
    let api = format!("{base}/api/v1");
    let json = "-H 'Content-Type: application/json'";
    let auth = "-H \"Authorization: Bearer $TOKEN\"";
    let value = |name: &str| format!("sed -n 's/.*\"{name}\":\"\\([^\"]*\\)\".*/\\1/p'");
    [
        format!(
            "TOKEN=$(curl -s {api}/auth/register {json} \\\n  -d '{{\"email\":\"you-'$(date +%s)'@example.com\",\"password\":\"a long password\",\"name\":\"You\"}}' | {})",
            value("accessToken")
        ),
        format!("curl -s {api}/cart/items {auth} {json} \\\n  -d '{{\"productId\":\"{product}\",\"quantity\":2}}'"),
        format!(
            "ADDRESS=$(curl -s {api}/users/me/addresses {auth} {json} \\\n  -d '{{\"country\":\"DE\",\"city\":\"Berlin\",\"zip\":\"10115\",\"street\":\"Invalidenstraße\",\"number\":\"1\"}}' | {}); \\\n\
             curl -s {api}/orders {auth} {json} -H \"Idempotency-Key: $(date +%s)\" -H 'Prefer: wait=5' \\\n  -d '{{\"shippingAddressId\":\"'$ADDRESS'\",\"paymentMethod\":\"pm_ok\"}}'",
            value("addressId")
        ),
    ]
}
