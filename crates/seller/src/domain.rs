//! The rules of a seller's record. No clock, no database.

use contracts::{
    body::{Patch, UpdateIntegratorData},
    ids::UserId,
    machine::{IllegalTransition, Machine as _},
    review::Rating,
    seller::{ApplySeller, MAX_SLUG, PublicSeller, Seller, SellerFact, SellerStatus, SellerUpdated, UpdateSeller},
    time::Timestamp,
};
use platform::{folding::fold, http::ETag};
use std::collections::BTreeMap;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Counts the changes from 1.
    pub version: i64,
    /// As the seller sees it, but with a hold that may be over.
    pub seller: Seller,
    /// The payout account, encrypted.
    pub encrypted_payout_account: Option<String>,
}

/// The slug of a seller who was erased.
fn erased_slug(seller: UserId) -> String {
    format!("erased-{}", seller.0.simple())
}

impl Record {
    /// Returns the record of a new application, without its payout account.
    #[must_use]
    pub fn apply(seller_id: UserId, body: ApplySeller, now: Timestamp) -> Record {
        let seller = Seller {
            legal_name: Some(body.legal_name.into_string()),
            country: Some(body.country.into_string()),
            contact_email: body.contact_email.map(|email| email.into_string()),
            description: body.description.map(|text| text.into_string()).unwrap_or_default(),
            external_id: body.external_id.map(|id| id.into_string()),
            metadata: body.metadata.into_map(),
            ..blank(seller_id, body.shop_name.into_string(), now)
        };
        Record { version: 1, seller, encrypted_payout_account: None }
    }

    /// Returns the record of an account that sold before there were records. Its name is neutral, because the name of a profile
    /// is not public. There is no payout account, which holds the payouts until the seller gives one.
    #[must_use]
    pub fn existing(seller_id: UserId, now: Timestamp) -> Record {
        let id = seller_id.to_string();
        let mut seller = blank(seller_id, format!("Shop {}", id[id.len() - 6..].to_uppercase()), now);
        (seller.status, seller.approved_at) = (SellerStatus::Approved, Some(now));
        Record { version: 1, seller, encrypted_payout_account: None }
    }

    /// Whether [`Record::erase`] was called.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.seller.slug == erased_slug(self.seller.seller_id)
    }

    /// Removes what identifies the seller.
    pub fn erase(&mut self, now: Timestamp) {
        let Record { seller, .. } = Record::existing(self.seller.seller_id, now);
        let erased = &mut self.seller;
        (erased.shop_name, erased.slug, erased.description) = (seller.shop_name, erased_slug(seller.seller_id), String::new());
        (erased.legal_name, erased.contact_email, erased.reason, erased.payout_account) = (None, None, None, None);
        (erased.external_id, erased.metadata) = (None, BTreeMap::new());
        self.encrypted_payout_account = None;
        self.touch(now);
    }

    #[must_use]
    pub fn etag(&self) -> ETag {
        ETag::of_version(self.version)
    }

    /// Returns what the seller and administrators see at `now`.
    #[must_use]
    pub fn into_view(self, now: Timestamp) -> Seller {
        let Seller { payouts_held_until, .. } = self.seller;
        Seller { payouts_held_until: payouts_held_until.filter(|until| *until > now), ..self.seller }
    }

    /// Returns what everyone sees; `None` unless the seller is APPROVED.
    #[must_use]
    pub fn into_public(self) -> Option<PublicSeller> {
        let Seller { seller_id, status, shop_name, slug, description, country, rating, approved_at, .. } = self.seller;
        let since = approved_at.filter(|_| status == SellerStatus::Approved)?;
        Some(PublicSeller { seller_id, shop_name, slug, description, country, rating, since })
    }

    /// Takes a transition of the table in `contracts`. The reason is that of this decision, or none.
    ///
    /// # Errors
    /// When the table has no such row.
    pub fn advance(&mut self, fact: SellerFact, reason: Option<String>, now: Timestamp) -> Result<(), IllegalTransition<SellerStatus>> {
        self.seller.status = self.seller.status.transition(fact)?;
        self.seller.reason = reason;
        match fact {
            SellerFact::Approved => self.seller.approved_at = self.seller.approved_at.or(Some(now)),
            SellerFact::Reapplied => self.seller.applied_at = now,
            SellerFact::ReviewStarted | SellerFact::Rejected | SellerFact::Suspended | SellerFact::Reinstated => {}
        }
        self.touch(now);
        Ok(())
    }

    /// Applies a change of everything but the payout account. Returns whether anything changed.
    pub fn revise(&mut self, body: UpdateSeller, now: Timestamp) -> bool {
        let before = self.seller.clone();
        let UpdateSeller { shop_name, legal_name, country, contact_email, description, external_id, metadata, .. } = body;
        let seller = &mut self.seller;
        UpdateIntegratorData { external_id, metadata }.apply(&mut seller.external_id, &mut seller.metadata);
        set(&mut seller.shop_name, shop_name, |name| name.into_string());
        set(&mut seller.legal_name, legal_name, |name| Some(name.into_string()));
        set(&mut seller.country, country, |country| Some(country.into_string()));
        set(&mut seller.contact_email, contact_email, |email| email.map(|email| email.into_string()));
        set(&mut seller.description, description, |text| text.map(|text| text.into_string()).unwrap_or_default());
        let is_changed = self.seller != before;
        if is_changed {
            self.touch(now);
        }
        is_changed
    }

    pub fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.seller.updated_at = now;
    }
}

/// A record with nothing in it but the name.
fn blank(seller_id: UserId, shop_name: String, now: Timestamp) -> Seller {
    Seller {
        seller_id,
        status: SellerStatus::Applied,
        reason: None,
        slug: slug(&shop_name),
        shop_name,
        legal_name: None,
        country: None,
        contact_email: None,
        description: String::new(),
        payout_account: None,
        payouts_held_until: None,
        rating: Rating::default(),
        external_id: None,
        metadata: BTreeMap::new(),
        applied_at: now,
        approved_at: None,
        updated_at: now,
    }
}

fn set<T, V>(field: &mut V, value: Patch<T>, convert: impl FnOnce(T) -> V) {
    if let Patch(Some(value)) = value {
        *field = convert(value);
    }
}

/// Returns the event of a changed record.
#[must_use]
pub fn seller_updated(seller: &Seller) -> SellerUpdated {
    let Seller { seller_id, shop_name, slug, description, country, .. } = seller.clone();
    SellerUpdated { seller_id, shop_name, slug, description, country }
}

/// The number that [`numbered`] puts behind a slug leaves it this much room.
const MAX_BASE: usize = MAX_SLUG - 12;
/// Beside the id or slug of a seller in paths.
const RESERVED: [&str; 1] = ["me"];

/// Returns the slug of a name, which is free or taken: letters and digits of ASCII in lower case, without accents, with one
/// hyphen for everything between them. A name without any is `shop`.
#[must_use]
pub fn slug(name: &str) -> String {
    let folded = fold(name);
    let groups = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|group| !group.is_empty());
    let mut slug = groups.collect::<Vec<_>>().join("-");
    slug.truncate(MAX_BASE);
    let slug = slug.trim_end_matches('-');
    match slug.is_empty() {
        true => "shop".to_owned(),
        // An id in a path is read as an id.
        false if RESERVED.contains(&slug) || slug.parse::<UserId>().is_ok() => format!("shop-{slug}"),
        false => slug.to_owned(),
    }
}

/// Returns the slug to try when those before it are taken: `lamps`, `lamps-2`, `lamps-3` …
#[must_use]
pub fn numbered(slug: &str, attempt: u64) -> String {
    if attempt < 2 { slug.to_owned() } else { format!("{slug}-{attempt}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{ids::Uuid, seller::SellerRef};
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_767_225_600_000_000);

    fn id() -> UserId {
        UserId(Uuid::from_u128(0x0190_a1b2_c3d4_7000_8000_0000_00ab_cdef))
    }

    #[test]
    fn a_slug_is_what_people_can_type() {
        for (name, expected) in [
            ("Nordlicht Leuchten", "nordlicht-leuchten"),
            ("  Café & Söhne – GmbH ", "cafe-sohne-gmbh"),
            ("Straße 7", "strasse-7"),
            ("北京灯具", "shop"),
            ("!!!", "shop"),
            ("Me", "shop-me"),
            ("0190a1b2-c3d4-7000-8000-00000000000f", "shop-0190a1b2-c3d4-7000-8000-00000000000f"),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert_eq!(numbered(&slug(&"lamp".repeat(25)), 99_999_999_999).len(), MAX_SLUG);
        assert_eq!((numbered("lamps", 1), numbered("lamps", 2)), ("lamps".to_owned(), "lamps-2".to_owned()));
    }

    proptest! {
        #[test]
        fn every_slug_names_a_seller_in_a_path(name in "\\PC{1,100}", attempt in 1_u64..1_000_000) {
            let slug = numbered(&slug(&name), attempt);
            let json = serde_json::Value::String(slug.clone());
            prop_assert_eq!(serde_json::from_value::<SellerRef>(json).unwrap(), SellerRef::Slug(slug));
        }

        /// Whatever happens to a record, it follows the table, and once approved it stays known since then.
        #[test]
        fn a_record_follows_the_table(facts in proptest::collection::vec(proptest::sample::select(SellerStatus::FACTS), 0..20)) {
            let mut record = Record::existing(id(), NOW);
            (record.seller.status, record.seller.approved_at) = (SellerStatus::Applied, None);
            for (at, fact) in facts.into_iter().enumerate() {
                let (before, now) = (record.clone(), Timestamp(NOW.0 + i64::try_from(at).unwrap()));
                match record.advance(fact, None, now) {
                    Ok(()) => {
                        prop_assert_eq!(before.seller.status.transition(fact).unwrap(), record.seller.status);
                        prop_assert_eq!(record.version, before.version + 1);
                    }
                    Err(refused) => {
                        prop_assert_eq!(refused.from, before.seller.status);
                        prop_assert_eq!(&record, &before);
                    }
                }
                let sells = matches!(record.seller.status, SellerStatus::Approved | SellerStatus::Suspended);
                prop_assert_eq!(record.seller.approved_at.is_some(), sells, "only an approved seller can be suspended");
                prop_assert!(before.seller.approved_at.is_none() || record.seller.approved_at == before.seller.approved_at);
                prop_assert_eq!(record.clone().into_public().is_some(), record.seller.status == SellerStatus::Approved);
            }
        }
    }

    /// A seller who filled in everything.
    fn applied() -> Record {
        let body = serde_json::json!({
            "shopName": "Nordlicht", "legalName": "Nordlicht GmbH", "country": "DE", "contactEmail": "shop@example.com",
            "description": "Lamps.", "externalId": "N-1", "metadata": {"tier": "gold"}, "payoutAccount": "po_ok_account",
        });
        Record::apply(id(), serde_json::from_value(body).unwrap(), NOW)
    }

    #[test]
    fn an_application_is_stored_as_it_was_sent_but_for_the_payout_account() {
        let Record { seller, encrypted_payout_account, version } = applied();
        assert_eq!((version, encrypted_payout_account, seller.payout_account), (1, None, None));
        assert_eq!((seller.shop_name.as_str(), seller.slug.as_str()), ("Nordlicht", "nordlicht"));
        assert_eq!((seller.legal_name.as_deref(), seller.country.as_deref()), (Some("Nordlicht GmbH"), Some("DE")));
        assert_eq!((seller.contact_email.as_deref(), seller.description.as_str()), (Some("shop@example.com"), "Lamps."));
        assert_eq!(seller.external_id.as_deref(), Some("N-1"));
        assert_eq!(seller.metadata, BTreeMap::from([("tier".to_owned(), "gold".to_owned())]));
        assert_eq!((seller.status, seller.applied_at, seller.approved_at), (SellerStatus::Applied, NOW, None));
    }

    #[test]
    fn an_erased_seller_has_a_neutral_name_and_nothing_of_a_person() {
        let later = Timestamp(NOW.0 + 1);
        let mut record = Record { encrypted_payout_account: Some("secret".into()), ..applied() };
        (record.seller.reason, record.seller.payout_account) = (Some("why".into()), Some("****ount".into()));
        assert!(!record.is_erased());
        record.erase(later);
        assert!(record.is_erased());
        assert_eq!((record.version, &record.encrypted_payout_account), (2, &None));
        let Seller { shop_name, slug, legal_name, contact_email, description, reason, payout_account, .. } = record.seller;
        assert_eq!((shop_name.as_str(), slug.as_str()), ("Shop ABCDEF", "erased-0190a1b2c3d470008000000000abcdef"));
        assert_eq!((legal_name, contact_email, description.as_str(), reason, payout_account), (None, None, "", None, None));
        assert_eq!((record.seller.external_id, record.seller.metadata, record.seller.updated_at), (None, BTreeMap::new(), later));
    }

    #[test]
    fn a_seller_from_before_there_were_records_has_a_neutral_name_and_no_account() {
        let Record { seller, encrypted_payout_account, .. } = Record::existing(id(), NOW);
        assert_eq!((seller.shop_name.as_str(), seller.slug.as_str()), ("Shop ABCDEF", "shop-abcdef"));
        assert_eq!((seller.status, seller.payout_account, encrypted_payout_account), (SellerStatus::Approved, None, None));
    }

    #[test]
    fn a_hold_is_shown_until_it_is_over() {
        let mut record = Record::existing(id(), NOW);
        record.seller.payouts_held_until = Some(Timestamp(NOW.0 + 1));
        assert!(record.clone().into_view(NOW).payouts_held_until.is_some());
        assert_eq!(record.into_view(Timestamp(NOW.0 + 1)).payouts_held_until, None);
    }
}
