//! Accounts and postings. A [`Draft`] whose entries do not add up to zero cannot be made.

use contracts::{
    ids::{FulfilmentId, OrderId, PayoutId, UserId},
    money::{Currency, MAX_AMOUNT},
    payout::PostingKind,
};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// An account of the ledger. A positive balance is money that the shop owes or earned, a negative one money that it holds or spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What the payment provider captured, less refunds and payouts; negative.
    ProviderClearing,
    /// What a seller earned and cannot have yet.
    SellerPending(UserId),
    /// What a seller is paid next. It may be negative after a refund.
    SellerAvailable(UserId),
    CommissionRevenue,
    /// Goods that the shop sold itself.
    ShopRevenue,
    /// Shipping fees of the shop's own parcels.
    ShippingRevenue,
    /// Discounts that the shop pays; negative.
    PromotionExpense,
    TaxPayable,
    /// Refunds that the shop pays itself; negative.
    RefundExpense,
    /// Payouts whose outcome is not known yet.
    PayoutInTransit,
}

impl Account {
    /// Whose account it is; `None` for the shop.
    #[must_use]
    pub fn seller(self) -> Option<UserId> {
        match self {
            Account::SellerPending(seller) | Account::SellerAvailable(seller) => Some(seller),
            _ => None,
        }
    }
}

/// The accounts of the shop, by name.
const OF_SHOP: [(Account, &str); 8] = [
    (Account::ProviderClearing, "provider_clearing"),
    (Account::CommissionRevenue, "commission_revenue"),
    (Account::ShopRevenue, "shop_revenue"),
    (Account::ShippingRevenue, "shipping_revenue"),
    (Account::PromotionExpense, "promotion_expense"),
    (Account::TaxPayable, "tax_payable"),
    (Account::RefundExpense, "refund_expense"),
    (Account::PayoutInTransit, "payout_in_transit"),
];

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Account::SellerPending(seller) => write!(f, "seller_pending/{seller}"),
            Account::SellerAvailable(seller) => write!(f, "seller_available/{seller}"),
            of_shop => f.write_str(OF_SHOP.iter().find(|(account, _)| account == of_shop).expect("each has a name").1),
        }
    }
}

/// The text names no account.
#[derive(Debug)]
pub struct UnknownAccount;

impl FromStr for Account {
    type Err = UnknownAccount;
    fn from_str(text: &str) -> Result<Account, UnknownAccount> {
        let seller = |id: &str| id.parse().map_err(|_| UnknownAccount);
        match text.split_once('/') {
            Some(("seller_pending", id)) => Ok(Account::SellerPending(seller(id)?)),
            Some(("seller_available", id)) => Ok(Account::SellerAvailable(seller(id)?)),
            _ => OF_SHOP.iter().find(|(_, name)| *name == text).map(|(account, _)| *account).ok_or(UnknownAccount),
        }
    }
}

contracts::text_column!(Account);

/// Why a posting cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("the entries of {cause} add up to {sum} and not to zero")]
    Unbalanced { cause: String, sum: i128 },
    #[error("an amount of {cause} is too large")]
    TooLarge { cause: String },
}

/// What a posting is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub kind: PostingKind,
    /// Unique: a cause is posted once.
    pub cause: String,
    pub order: Option<(OrderId, String)>,
    pub fulfilment_id: Option<FulfilmentId>,
    pub seller_id: Option<UserId>,
    pub payout_id: Option<PayoutId>,
    /// The commission in it; negative when it is given back.
    pub commission_amount: i64,
}

/// A balanced posting that is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    subject: Subject,
    currency: Currency,
    entries: BTreeMap<Account, i64>,
}

impl Draft {
    /// Makes a posting; entries of one account are added, and those of zero are left out. Its one currency makes the sum in each
    /// currency the sum of the entries.
    ///
    /// # Errors
    /// [`LedgerError`] when the entries do not add up to zero, or one is beyond [`MAX_AMOUNT`].
    pub fn new(subject: Subject, currency: Currency, entries: impl IntoIterator<Item = (Account, i64)>) -> Result<Draft, LedgerError> {
        let mut sums = BTreeMap::<Account, i128>::new();
        for (account, amount) in entries {
            *sums.entry(account).or_default() += i128::from(amount);
        }
        let sum: i128 = sums.values().sum();
        if sum != 0 {
            return Err(LedgerError::Unbalanced { cause: subject.cause, sum });
        }
        let mut entries = BTreeMap::new();
        for (account, amount) in sums.into_iter().filter(|(_, amount)| *amount != 0) {
            match i64::try_from(amount) {
                Ok(amount) if amount.abs() <= MAX_AMOUNT => entries.insert(account, amount),
                _ => return Err(LedgerError::TooLarge { cause: subject.cause }),
            };
        }
        Ok(Draft { subject, currency, entries })
    }

    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// By account, so that two units of work lock the balances in the same order.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<Account, i64> {
        &self.entries
    }
}
