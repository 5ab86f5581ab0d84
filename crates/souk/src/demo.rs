//! `souk demo`: the platform with a catalogue of real products, accounts and stock, which the first start loads.

pub mod catalogue;
mod greeting;
mod media;
mod story;

use crate::{api_client::Api, config::Flags, serve::Starting};
use anyhow::{Context as _, Result, bail};
use auth::operator;
use contracts::{
    auth::Role,
    ids::{ProductId, UserId},
    money::{Currency, Money},
    secret::NewPassword,
    text::{Email, Name},
};
use platform::{
    atomic_file,
    db::Db,
    master_key::MasterKey,
    runtime::{DATABASES, Databases, Runtime},
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// E-mail and password of the accounts that exist only in a demo.
pub const ADMIN: (&str, &str) = ("admin@souk.example", "demo-admin-1");
pub const CUSTOMER: (&str, &str) = ("customer@souk.example", "demo-customer-1");
/// The filter of log lines unless one is configured: what a visitor reads is the greeting.
pub const DEFAULT_FILTER: &str = "warn,payout=error";
/// Customers who registered by the public API and wrote reviews.
pub const REVIEWERS: [(&str, &str); 2] = [("noor@souk.example", "demo-customer-2"), ("jonas@souk.example", "demo-customer-3")];
pub const SELLER_PASSWORD: &str = "demo-seller-1";

/// Runs until SIGTERM or SIGINT.
pub async fn run(flags: Flags) -> Result<()> {
    let mut config = flags.resolve()?;
    if config.servers.is_some() {
        bail!("the demo has accounts with public passwords, so it uses only embedded databases; remove --database, or run souk serve");
    }
    config.log.get_or_insert_with(|| DEFAULT_FILTER.to_owned());
    // Parcels advance every few seconds, so that a visitor sees one arrive.
    config.settings = config.settings.with_default("shipping", "simulate", true);
    // Visitors see what happens when others fail.
    config.settings = config.settings.with_default("payment", "switchable_faults", true);
    config.settings = config.settings.with_default("shipping", "switchable_faults", true);
    // Sales are available as soon as they are delivered, so that a visitor sees a payout. Payout warns of such a short time.
    config.settings = config.settings.with_default("payout", "return_window_days", 0_i64);
    let settings = config.settings.clone();
    let starting = Starting::bind(config).await?;
    let marker = DemoMarker::in_data_dir(&starting.config.data_dir)?;
    let mut server = starting.start_services().await?;
    let Some(key) = server.config().master_key()? else { bail!("the installation has no {}", MasterKey::FILE) };
    let mut summary =
        server.prepare("the demo's products are being loaded", async |runtime| load_once(&marker, &settings, &key, runtime).await).await?;
    server.accept_requests(media::router())?;
    if !summary.is_played {
        let api = Api::new(&server.local_url());
        server.prepare("the demo's orders are being placed", async |_| story::play(&api, &summary).await).await?;
        summary.is_played = true;
        marker.write(Some(&summary))?;
    }
    server.announce_ready();
    greeting::print(server.address(), server.data_dir(), &summary);
    server.run().await
}

/// What the greeting shows. It is stored beside the databases, so that later starts need not read the catalogue.
#[derive(Serialize, Deserialize)]
pub(crate) struct DemoSummary {
    products: usize,
    sellers: Vec<String>,
    /// A product that suits a first purchase.
    pub(crate) first: Option<FirstPurchase>,
    /// Whether the story was played to its end. A demo of an earlier version has none yet.
    #[serde(default)]
    is_played: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FirstPurchase {
    pub(crate) product_id: ProductId,
    title: String,
    price: String,
}

/// Marks a data directory as a demo's, and holds the summary once the demo is loaded. The passwords of the demo's accounts
/// are public, so they are never created in another installation.
struct DemoMarker(PathBuf);

impl DemoMarker {
    /// Finds or creates the marker, before anything else of the demo is written.
    fn in_data_dir(data_dir: &Path) -> Result<DemoMarker> {
        let marker = DemoMarker(data_dir.join("demo.json"));
        if marker.0.try_exists()? {
            return Ok(marker);
        }
        if data_dir.join(DATABASES).try_exists()? {
            bail!(
                "{} holds the data of a platform that is no demo, and the demo would create an administrator with a public password \
                 there; choose another folder with --data-dir, or run souk serve",
                data_dir.display()
            );
        }
        marker.write(None)?;
        Ok(marker)
    }

    /// Returns the summary; `None` when the demo is not loaded or the file is incomplete. Loading can be repeated.
    fn read(&self) -> Result<Option<DemoSummary>> {
        let text = fs::read(&self.0).with_context(|| format!("{} cannot be read", self.0.display()))?;
        Ok(serde_json::from_slice(&text).unwrap_or_default())
    }

    fn write(&self, summary: Option<&DemoSummary>) -> Result<()> {
        let text = serde_json::to_vec_pretty(&summary)?;
        atomic_file::write(&self.0, &text).with_context(|| format!("{} cannot be written", self.0.display()))
    }
}

/// Returns the summary of a demo that is loaded, or loads it. The caller writes the marker when the demo is complete.
async fn load_once(marker: &DemoMarker, settings: &Settings, key: &MasterKey, runtime: &Runtime) -> Result<DemoSummary> {
    match marker.read()? {
        Some(summary) => Ok(summary),
        None => load(settings, key, &runtime.databases).await.context("the demo cannot be loaded"),
    }
}

/// Loads the demo. Every part can be repeated, so that the next start completes an interrupted one.
pub(crate) async fn load(settings: &Settings, key: &MasterKey, databases: &Databases) -> Result<DemoSummary> {
    let accounts = (&databases["auth"], &settings.section("auth")?);
    account(accounts, CUSTOMER, "Demo customer", &[Role::Customer]).await?;
    account(accounts, ADMIN, "Demo admin", &[Role::Customer, Role::Admin]).await?;
    let mut sellers: HashMap<String, UserId> = HashMap::new();
    let mut emails = Vec::new();
    for seller in catalogue::sellers()? {
        let id = account(accounts, (&seller.email, SELLER_PASSWORD), &seller.name, &[Role::Customer]).await?;
        seller::operator::open_shop(&databases["seller"], key, id, seller.application()?).await?;
        sellers.insert(seller.slug, id);
        emails.push(seller.email);
    }

    let products = catalogue::products()?;
    let catalog = &databases["catalog"];
    let categories = catalog::import::categories(catalog, catalogue::categories()?).await?;
    let new = products.iter().map(|product| product.parse(&categories, &sellers)).collect::<Result<Vec<_>>>()?;
    catalog::import::products(catalog, new).await?;
    let ids = catalog::import::ids_by_sku(catalog).await?;
    let stock = products.iter().filter_map(|product| product.stock(&ids, &sellers)).collect();
    inventory::import(&databases["inventory"], stock).await?;
    let first = products.iter().find(|product| product.suits_first_purchase()).and_then(|product| {
        let price = Money::new(product.price_amount, Currency::EUR).to_string();
        Some(FirstPurchase { product_id: *ids.get(&product.sku)?, title: product.title.clone(), price })
    });
    Ok(DemoSummary { products: products.len(), sellers: emails, first, is_played: false })
}

/// Finds or creates the account with this e-mail.
pub(crate) async fn account(
    (db, settings): (&Db, &auth::Settings),
    (email, password): (&str, &str),
    name: &str,
    roles: &[Role],
) -> Result<UserId> {
    let email = Email::parse(email)?;
    if let Some(known) = operator::find_account(db, &email).await? {
        return Ok(known);
    }
    let password = NewPassword::parse(password)?;
    Ok(operator::create_account(db, settings, email, &password, Name::parse(name)?, roles).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::testing::TempFolder;

    #[test]
    fn the_demo_is_not_loaded_into_another_installation() {
        let folder = TempFolder::new();
        fs::create_dir(folder.path().join(DATABASES)).unwrap();
        let refused = DemoMarker::in_data_dir(folder.path()).map(drop).unwrap_err().to_string();
        assert!(refused.contains("no demo") && !folder.path().join("demo.json").exists(), "{refused}");
    }

    #[test]
    fn the_next_start_completes_an_interrupted_demo() {
        let folder = TempFolder::new();
        let marker = DemoMarker::in_data_dir(folder.path()).unwrap();
        fs::create_dir(folder.path().join(DATABASES)).unwrap();
        assert!(DemoMarker::in_data_dir(folder.path()).unwrap().read().unwrap().is_none());
        marker.write(Some(&DemoSummary { products: 3, sellers: Vec::new(), first: None, is_played: false })).unwrap();
        assert_eq!(marker.read().unwrap().unwrap().products, 3);
        for cut in ["", "{\"prod"] {
            fs::write(&marker.0, cut).unwrap();
            assert!(DemoMarker::in_data_dir(folder.path()).unwrap().read().unwrap().is_none(), "{cut}");
        }
    }
}
