//! What `souk demo` prints when it is ready.

use super::{ADMIN, CUSTOMER, DemoSummary, FirstPurchase, SELLER_PASSWORD};
use crate::style::{bold, cyan, dim};
use contracts::ids::ProductId;
use platform::telemetry::{self, LogFormat};
use std::{net::SocketAddr, path::Path};

pub fn print(address: SocketAddr, data_dir: &Path, summary: &DemoSummary) {
    let base = format!("http://{address}");
    let DemoSummary { products, sellers, first } = summary;
    if telemetry::format() == LogFormat::Json {
        let fields =
            [("address", base.into()), ("products", (*products).into()), ("customer", CUSTOMER.0.into()), ("admin", ADMIN.0.into())];
        println!("{}", telemetry::json_line("INFO", "souk", "the demo is listening", &fields));
        return;
    }
    println!();
    println!("  {}  a marketplace with {products} products at {}", bold("souk demo"), cyan(&base));
    println!();
    println!("  customer  {}  {}  {}", CUSTOMER.0, CUSTOMER.1, dim("has an address and an order"));
    println!("  admin     {}     {}", ADMIN.0, ADMIN.1);
    if let Some(seller) = sellers.first() {
        println!("  seller    {seller}      {SELLER_PASSWORD}  {}", dim(format!("and {} more", sellers.len() - 1)));
    }
    println!("  API       {}", cyan(format!("{base}/api/docs")));
    println!("  mail      {}", data_dir.join("mailbox").display());
    if let Some(FirstPurchase { product_id, title, price }) = first {
        println!();
        println!("  {} “{title}” for {price} each. Paste these into another terminal:", bold("Buy two"));
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
