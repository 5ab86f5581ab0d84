//! Seller: who may sell, from the application to the suspension, and where the money of a seller is paid out.

use crate::{
    body::{Metadata, Patch, UpdateIntegratorData},
    calls, events,
    ids::UserId,
    machine,
    page::Page,
    review::Rating,
    secret::{PayoutAccount, Secret},
    service::ServiceSpec,
    text::{Country, Email, ExternalId, LongText, Name, RequiredShortText},
    time::Timestamp,
    violation::{Violation, deserialize_str},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// The service's name.
pub const NAME: &str = "seller";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns the records of sellers: applications, decisions, public profiles and payout accounts.",
    machines: &[SellerStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/sellers", "/sellers"],
};

machine! {
    /// The life of a seller's record.
    SellerStatus;
    /// What can happen to a seller's record.
    SellerFact;
    states {
        /// The user applied; nobody has looked at the application yet.
        Applied = "APPLIED",
        /// An administrator examines the application.
        UnderReview = "UNDER_REVIEW",
        /// The user sells: has the role SELLER and a public profile.
        Approved = "APPROVED",
        /// The application was turned down. The user may apply again.
        Rejected = "REJECTED",
        /// Nothing of the seller is on sale, and payouts are held. Open orders are still served.
        Suspended = "SUSPENDED",
    }
    resting { Approved, Rejected, Suspended }
    facts {
        /// An administrator began to examine the application.
        ReviewStarted,
        /// An administrator accepted the application.
        Approved,
        /// An administrator turned the application down.
        Rejected,
        /// The user applied again.
        Reapplied,
        /// An administrator suspended the seller.
        Suspended,
        /// An administrator ended the suspension.
        Reinstated,
    }
    table {
        Applied, ReviewStarted => UnderReview;
        Applied, Approved => Approved;
        Applied, Rejected => Rejected;
        UnderReview, Approved => Approved;
        UnderReview, Rejected => Rejected;
        Rejected, Reapplied => Applied;
        Approved, Suspended => Suspended;
        Suspended, Reinstated => Approved;
    }
}

/// Applies to become a seller. A user applies once; after a rejection again by `POST /sellers/me/reapply`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplySeller {
    /// The name of the shop, which customers see.
    pub shop_name: Name,
    /// The name of the person or company behind the shop. Administrators see it.
    pub legal_name: RequiredShortText,
    /// ISO 3166-1 alpha-2: where the seller is established.
    pub country: Country,
    /// Where administrators write to; null or absent for the address of the account.
    #[serde(default)]
    pub contact_email: Option<Email>,
    /// What customers read about the shop; at most 5,000 characters.
    #[serde(default)]
    pub description: Option<LongText>,
    /// Its name in another system; null or absent for none.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// Data of integrators.
    #[serde(default)]
    pub metadata: Metadata,
    /// Where the money is paid out. Answers show its end alone.
    pub payout_account: PayoutAccount,
}

/// Changes the caller's record. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateSeller {
    /// The name of the shop. The slug stays as it is, so that links stay right.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub shop_name: Patch<Name>,
    /// The name of the person or company behind the shop.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub legal_name: Patch<RequiredShortText>,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub country: Patch<Country>,
    /// Null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub contact_email: Patch<Option<Email>>,
    /// Null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub description: Patch<Option<LongText>>,
    /// Its name in another system; null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub external_id: Patch<Option<ExternalId>>,
    /// Replaces all metadata.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub metadata: Patch<Metadata>,
    /// Another account for the money. It needs `currentPassword`, is announced by mail, and holds payouts for some days.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub payout_account: Patch<PayoutAccount>,
    /// The present password of the account; required with `payoutAccount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_password: Option<Secret>,
}

/// A decision about a seller.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DecideSeller {
    /// Why, in one line. The seller reads it.
    pub reason: Option<RequiredShortText>,
}

/// The longest slug.
pub const MAX_SLUG: usize = 60;

/// What names a seller in a path: the id, or the slug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SellerRef {
    Id(UserId),
    /// Lower-case letters and digits of ASCII, in groups with a hyphen between them. No slug looks like an id.
    Slug(String),
}

impl<'de> Deserialize<'de> for SellerRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SellerRef, D::Error> {
        let is_slug = |text: &str| {
            let fits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            text.len() <= MAX_SLUG && text.split('-').all(fits)
        };
        deserialize_str(deserializer, "a string", |text| match text.parse() {
            Ok(id) => Ok(SellerRef::Id(id)),
            Err(_) if is_slug(text) => Ok(SellerRef::Slug(text.to_owned())),
            Err(_) => Err(Violation::new("NOT_A_SELLER", "must be the id or the slug of a seller")),
        })
    }
}

impl JsonSchema for SellerRef {
    fn schema_name() -> Cow<'static, str> {
        "SellerRef".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1, "maxLength": MAX_SLUG, "description": "The `sellerId`, or the `slug`."})
    }
}

/// A seller's record, as the seller and administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Seller {
    /// The id of the user's account.
    pub seller_id: UserId,
    pub status: SellerStatus,
    /// The reason of the last decision; null when none was given.
    pub reason: Option<String>,
    /// The name of the shop.
    pub shop_name: String,
    /// The name of the shop in addresses; unique, and never changed.
    pub slug: String,
    /// The name of the person or company behind the shop; null until a seller from before there were applications gives it.
    pub legal_name: Option<String>,
    /// ISO 3166-1 alpha-2; null until a seller from before there were applications gives it.
    pub country: Option<String>,
    /// Null for the address of the account.
    pub contact_email: Option<String>,
    /// May be empty.
    pub description: String,
    /// The end of the account behind `****`; null while there is none, which holds payouts.
    pub payout_account: Option<String>,
    /// Until when payouts are held because the account was changed; null when they are not.
    pub payouts_held_until: Option<Timestamp>,
    /// The average of the reviews of the seller's products.
    pub rating: Rating,
    /// Its name in another system; null when there is none.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Data of integrators. The platform does not read it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// When the user applied, the last time.
    pub applied_at: Timestamp,
    /// When the seller was first approved; null before.
    pub approved_at: Option<Timestamp>,
    /// When the record was last changed.
    pub updated_at: Timestamp,
}

/// An APPROVED seller, as everyone sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicSeller {
    /// `sellerId` of the seller's products.
    pub seller_id: UserId,
    /// The name of the shop.
    pub shop_name: String,
    /// The name of the shop in addresses.
    pub slug: String,
    /// May be empty.
    pub description: String,
    /// ISO 3166-1 alpha-2; null when it is not known.
    pub country: Option<String>,
    /// The average of the reviews of the seller's products.
    pub rating: Rating,
    /// When the seller was first approved.
    pub since: Timestamp,
}

/// Which records a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SellerFilter {
    /// Only records in this status.
    pub status: Option<SellerStatus>,
    /// Only records with this name in another system.
    #[serde(rename = "externalId")]
    pub external_id: Option<ExternalId>,
}

/// Where the money of a seller goes, and whether it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayoutDetails {
    pub seller_id: UserId,
    /// Payouts of a seller who is SUSPENDED are held.
    pub status: SellerStatus,
    /// In clear; null while there is none.
    pub payout_account: Option<PayoutAccount>,
    /// Payouts are held before this instant; null when they are not.
    pub payouts_held_until: Option<Timestamp>,
}

calls! {
    /// Applies to become a seller.
    APPLY_AS_SELLER: post(ApplySeller) -> Seller, "/sellers";
    /// Lists the approved sellers, the newest accounts first.
    LIST_SELLERS: get(()) -> Page<PublicSeller>, "/sellers";
    /// Reads the caller's record.
    GET_OWN_SELLER: get(()) -> Seller, "/sellers/me";
    /// Changes the caller's record.
    UPDATE_OWN_SELLER: patch(UpdateSeller) -> Seller, "/sellers/me";
    /// Applies again after a rejection.
    REAPPLY_AS_SELLER: post(()) -> Seller, "/sellers/me/reapply";
    /// Reads the public profile of an approved seller, by id or slug.
    GET_SELLER: get(()) -> PublicSeller, "/sellers/{sellerIdOrSlug}", from "promotion";
    /// Lists the records of sellers, the newest accounts first.
    LIST_SELLER_RECORDS: get(()) -> Page<Seller>, "/admin/sellers", query SellerFilter;
    /// Changes what integrators saved with a seller.
    UPDATE_SELLER: patch(UpdateIntegratorData) -> Seller, "/admin/sellers/{sellerId}";
    /// Begins to examine an application.
    REVIEW_SELLER: post(DecideSeller) -> Seller, "/admin/sellers/{sellerId}/review";
    /// Accepts an application.
    APPROVE_SELLER: post(DecideSeller) -> Seller, "/admin/sellers/{sellerId}/approve";
    /// Turns an application down.
    REJECT_SELLER: post(DecideSeller) -> Seller, "/admin/sellers/{sellerId}/reject";
    /// Takes everything of a seller off sale and holds the payouts.
    SUSPEND_SELLER: post(DecideSeller) -> Seller, "/admin/sellers/{sellerId}/suspend";
    /// Ends a suspension.
    REINSTATE_SELLER: post(DecideSeller) -> Seller, "/admin/sellers/{sellerId}/reinstate";
    /// Reads the account that the money of a seller is paid out to; `NOT_FOUND` without a record.
    GET_PAYOUT_DETAILS: get(()) -> PayoutDetails, "/internal/sellers/{sellerId}/payout-details", from "payout";
}

events! {
    "SELLER", seller_id: UserId;
    /// A user applied to become a seller, for the first time or again.
    SellerApplied {
        /// The name of the shop.
        shop_name: String,
        /// The name of the shop in addresses.
        slug: String,
    }
    /// An administrator began to examine an application.
    SellerReviewStarted {
        /// The administrator.
        reviewed_by: Option<UserId>,
    }
    /// An application was accepted. Auth gives the user the role SELLER.
    SellerApproved {
        /// The name of the shop.
        shop_name: String,
        /// The name of the shop in addresses.
        slug: String,
        /// The administrator; null for a seller from before there were applications.
        approved_by: Option<UserId>,
    }
    /// An application was turned down.
    SellerRejected {
        /// Null when none was given.
        reason: Option<String>,
        /// The administrator.
        rejected_by: Option<UserId>,
    }
    /// A seller was suspended. Auth takes the role SELLER, the products are off sale, and payouts are held.
    SellerSuspended {
        /// Null when none was given.
        reason: Option<String>,
        /// The administrator.
        suspended_by: Option<UserId>,
    }
    /// A suspension ended. Auth gives the role SELLER back, and what was ACTIVE is on sale again.
    SellerReinstated {
        /// The administrator.
        reinstated_by: Option<UserId>,
    }
    /// A seller changed the record. The event carries what is public.
    SellerUpdated {
        /// The name of the shop.
        shop_name: String,
        /// The name of the shop in addresses.
        slug: String,
        /// May be empty.
        description: String,
        /// ISO 3166-1 alpha-2; null when it is not known.
        country: Option<String>,
    }
    /// A seller changed the account that the money is paid out to. The event does not carry it.
    SellerPayoutAccountChanged {
        /// Payouts are held before this instant.
        payouts_held_until: Timestamp,
    }
}
