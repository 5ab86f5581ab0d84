//! `souk demo`: what a newcomer runs first. The catalogue of real goods, accounts and stock are loaded on the first
//! start; later starts find them.

mod catalogue;
mod media;

use crate::{
    config::Flags,
    serve::House,
    style::{bold, cyan, dim},
};
use anyhow::{Context as _, Result};
use auth::accounts::{NewAccount, create_account};
use contracts::{
    auth::Role,
    ids::{ProductId, UserId},
    money::{Currency, Money},
};
use platform::runtime::Runtime;
use std::{collections::HashMap, net::SocketAddr};

/// The demo's accounts: e-mail and password. They exist in a demo only.
pub const ADMIN: (&str, &str) = ("admin@souk.example", "demo-admin-1");
pub const CUSTOMER: (&str, &str) = ("customer@souk.example", "demo-customer-1");
const SELLER_PASSWORD: &str = "demo-seller-1";

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When the platform cannot start, or the catalogue not be loaded.
pub async fn run(flags: Flags) -> Result<()> {
    let explicit_ops = flags.ops_listen.is_some();
    let mut config = flags.decide()?;
    // A parcel moves on by itself every few seconds, so that a visitor sees it arrive.
    config.settings = config.settings.with_default("shipping", "simulate", true);
    let house = House::open(config, explicit_ops, media::router()).await?;
    let goods = load(&house.runtime).await.context("the demo cannot be loaded")?;
    greet(house.address, &goods);
    house.run().await
}

/// What the greeting tells of the loaded goods.
struct Goods {
    products: usize,
    sellers: Vec<String>,
    /// Something nice to buy first.
    first: Option<(ProductId, String, Money)>,
}

async fn load(runtime: &Runtime) -> Result<Goods> {
    let accounts = &runtime.databases["auth"];
    let account = |email: &str, password: &str, name: &str, roles: &[Role]| {
        NewAccount::parse(email, password, name, roles).context("a demo account")
    };
    let customer = account(CUSTOMER.0, CUSTOMER.1, "Demo customer", &[Role::Customer])?;
    let admin = account(ADMIN.0, ADMIN.1, "Demo admin", &[Role::Customer, Role::Admin])?;
    create_account(accounts, customer).await?;
    create_account(accounts, admin).await?;
    let mut sellers: HashMap<String, UserId> = HashMap::new();
    let mut emails = Vec::new();
    for seller in catalogue::sellers()? {
        let new = account(&seller.email, SELLER_PASSWORD, &seller.name, &[Role::Customer, Role::Seller])?;
        sellers.insert(seller.slug, create_account(accounts, new).await?);
        emails.push(seller.email);
    }

    let goods = catalogue::products()?;
    let catalog = &runtime.databases["catalog"];
    let categories = catalog::import::categories(catalog, catalogue::categories()?).await?;
    let products = goods.iter().map(|good| good.product(&categories, &sellers)).collect::<Result<Vec<_>>>()?;
    let imported = catalog::import::products(catalog, products).await?;
    let ids = catalog::import::ids_by_sku(catalog).await?;
    if imported.made > 0 {
        let stock = goods.iter().filter_map(|good| good.stock(&ids, &sellers)).collect();
        inventory::import(&runtime.databases["inventory"], stock).await?;
    }
    let first = goods.iter().find(|good| good.is_a_good_first_buy());
    let first = first.and_then(|good| Some((*ids.get(&good.sku)?, good.title.clone(), Money::new(good.price_amount, Currency::EUR))));
    Ok(Goods { products: goods.len(), sellers: emails, first })
}

fn greet(address: SocketAddr, goods: &Goods) {
    let base = format!("http://{address}");
    println!();
    println!("  {}  a marketplace with {} goods, running at {}", bold("souk demo"), goods.products, cyan(&base));
    println!("  {}", dim(format!("API description {base}/api/docs · error codes {base}/problems · mail lies in the data directory's mailbox/")));
    println!();
    println!("  {}", bold("Accounts"));
    println!("    customer  {}  {}", CUSTOMER.0, dim(CUSTOMER.1));
    println!("    admin     {}     {}", ADMIN.0, dim(ADMIN.1));
    println!("    sellers   {}  {}", goods.sellers.join(", "), dim(SELLER_PASSWORD));
    if let Some((product, title, price)) = &goods.first {
        println!();
        println!("  {}", bold("Buy something: three commands"));
        println!("  {}", dim(format!("“{title}” for {price}; `jq` is not needed")));
        println!();
        for command in commands(&base, *product) {
            println!("{command}\n");
        }
    }
    println!("  {}", dim("Press Ctrl-C to stop. Everything stays in the data directory."));
}

/// Registers, fills the cart, orders. Each works when pasted into a POSIX shell after the one before.
#[must_use]
pub fn commands(base: &str, product: ProductId) -> [String; 3] {
    let api = format!("{base}/api/v1");
    let json = "-H 'Content-Type: application/json'";
    let auth = "-H \"Authorization: Bearer $TOKEN\"";
    let value = |name: &str| format!("sed -n 's/.*\"{name}\":\"\\([^\"]*\\)\".*/\\1/p'");
    [
        format!(
            "TOKEN=$(curl -s {api}/auth/register {json} \\\n  -d '{{\"email\":\"you-'$(date +%s)'@example.com\",\"password\":\"a long password\",\"name\":\"You\"}}' | {})",
            value("accessToken")
        ),
        format!(
            "curl -s {api}/cart/items {auth} {json} \\\n  -d '{{\"productId\":\"{product}\",\"quantity\":2}}'"
        ),
        format!(
            "ADDRESS=$(curl -s {api}/users/me/addresses {auth} {json} \\\n  -d '{{\"country\":\"DE\",\"city\":\"Berlin\",\"zip\":\"10115\",\"street\":\"Invalidenstraße\",\"number\":\"1\"}}' | {}); \\\n\
             curl -s {api}/orders {auth} {json} -H \"Idempotency-Key: $(date +%s)\" -H 'Prefer: wait=5' \\\n  -d '{{\"shippingAddressId\":\"'$ADDRESS'\",\"paymentMethod\":\"pm_ok\"}}'",
            value("addressId")
        ),
    ]
}
