//! The rules of a cart: adding and removing lines, new quotes, warnings, and what an order takes. No async, no I/O, no
//! clock.

use crate::Error;
use contracts::{
    cart::{self, CartCoupon, CartFact, CartItem, CartStatus, CartWarning, CheckedOutItem, WarningCode},
    ids::{CartId, CartItemId, CategoryId, OrderId, ProductId, UserId},
    inventory::Shortage,
    machine::Machine as _,
    money::{Currency, Money, MoneyError},
    order::OrderItem,
    promotion::MAX_COUPONS,
    tax::Taxation,
    text::{CouponCode, Quantity},
    time::Timestamp,
};
use std::collections::HashMap;

/// The most lines of a cart: what one lookup of an upstream accepts.
pub const MAX_LINES: usize = 200;

/// A cart with its lines, in the order they were added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    pub cart_id: CartId,
    pub user_id: UserId,
    pub status: CartStatus,
    pub currency: Currency,
    pub order_id: Option<OrderId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When its owner last read or changed it, up to the precision of the settings.
    pub seen_at: Timestamp,
    pub lines: Vec<Line>,
    /// The coupons that were entered, in the order of entering.
    pub coupons: Vec<CouponCode>,
    /// Whether a promotion applies by itself at present.
    pub has_automatic: bool,
}

/// One line: what is shown and ordered, and beside it what the customer requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub cart_item_id: CartItemId,
    /// The place of the line in its cart.
    pub position: i64,
    pub product_id: ProductId,
    pub sku: String,
    pub title: String,
    /// The price of the last quote.
    pub unit_price: i64,
    /// How many of `wanted` the last quote allows, 1 or more.
    pub quantity: u32,
    /// The price when the line was added or its quantity last set.
    pub added_unit_price: i64,
    /// The quantity that the customer requested, 1 or more.
    pub wanted: u32,
    /// The product's main picture, if it has one.
    pub image_url: Option<String>,
    /// The seller of the product; `None` for the shop itself.
    pub seller_id: Option<UserId>,
}

/// The present state of a product, as far as a cart needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    OnSale(Quote),
    /// The product is not on sale or does not exist.
    OffSale,
}

/// The present title, price and stock of a product on sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub sku: String,
    pub title: String,
    pub price: Money,
    /// Units that can be sold, or `None` when the inventory did not answer.
    pub available: Option<i64>,
    /// How many units a line may hold.
    pub max_quantity: u32,
    /// The product's main picture, if it has one.
    pub image_url: Option<String>,
    /// The seller of the product; `None` for the shop itself.
    pub seller_id: Option<UserId>,
    /// The categories of the product, from the root on.
    pub category_ids: Vec<CategoryId>,
}

/// The present listings by product. A product that was not looked up, or got no answer, is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotes {
    pub listings: HashMap<ProductId, Listing>,
    /// How prices are taxed, without the rates of a destination. `None` when the catalogue was not asked or did not answer.
    pub taxation: Option<Taxation>,
}

impl Quotes {
    fn of(&self, product: ProductId) -> Option<&Listing> {
        self.listings.get(&product)
    }

    /// Returns the quote of a product on sale.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn on_sale(&self, product: ProductId) -> Result<&Quote, Error> {
        match self.of(product) {
            Some(Listing::OnSale(quote)) => Ok(quote),
            Some(Listing::OffSale) | None => Err(Error::Unavailable),
        }
    }
}

impl Quote {
    /// Checks that a line may hold `quantity` units.
    fn check_quantity(&self, quantity: u32) -> Result<(), Error> {
        if quantity > self.max_quantity {
            return Err(Error::QuantityTooLarge { requested: quantity, max: self.max_quantity });
        }
        match self.available {
            Some(available) if available < i64::from(quantity) => {
                Err(Error::Short(Shortage { sku: self.sku.clone(), requested: quantity.into(), available }))
            }
            _ => Ok(()),
        }
    }
}

impl Line {
    /// Applies the present title and price, and as many of the wanted units as are in stock.
    fn requote(&mut self, quote: &Quote) {
        self.title.clone_from(&quote.title);
        self.unit_price = quote.price.minor;
        self.image_url.clone_from(&quote.image_url);
        self.seller_id = quote.seller_id;
        self.quantity = match quote.available {
            Some(available @ 1..) => self.wanted.min(u32::try_from(available).unwrap_or(u32::MAX)),
            _ => self.quantity,
        }
        .min(quote.max_quantity);
    }

    /// Sets the wanted quantity, at the price that was last shown.
    fn set_quantity(&mut self, quantity: u32) {
        self.quantity = quantity;
        self.wanted = quantity;
        self.added_unit_price = self.unit_price;
    }

    /// Prices may rise while products are in a cart, and a cart can always be shown: only changes are checked against the bound
    /// of amounts.
    fn total(&self) -> i64 {
        self.unit_price.saturating_mul(i64::from(self.quantity))
    }

    fn view(&self, currency: Currency) -> CartItem {
        CartItem {
            cart_item_id: self.cart_item_id,
            product_id: self.product_id,
            sku: self.sku.clone(),
            title_snapshot: self.title.clone(),
            unit_price_snapshot: self.unit_price,
            currency,
            quantity: self.quantity,
            line_total_amount: self.total(),
            image_url: self.image_url.clone(),
            seller_id: self.seller_id,
        }
    }

    fn warning(&self, code: WarningCode, detail: String) -> CartWarning {
        CartWarning {
            code,
            cart_item_id: self.cart_item_id,
            product_id: self.product_id,
            detail,
            old_unit_price_amount: None,
            new_unit_price_amount: None,
            available_qty: None,
        }
    }
}

/// How a check-out divides the lines of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Lines that the order took in part or not at all, for a new cart. They keep their ids, so that an open page still
    /// refers to them.
    pub left: Vec<Line>,
    /// The ordered part of lines that were taken in part, with new ids.
    pub taken: Vec<Line>,
}

impl Cart {
    /// Returns an empty ACTIVE cart.
    #[must_use]
    pub fn empty(cart_id: CartId, user_id: UserId, currency: Currency, now: Timestamp) -> Cart {
        Cart {
            cart_id,
            user_id,
            status: CartStatus::Active,
            currency,
            order_id: None,
            created_at: now,
            updated_at: now,
            seen_at: now,
            lines: Vec::new(),
            coupons: Vec::new(),
            has_automatic: false,
        }
    }

    /// Whether a promotion may apply. Otherwise nobody needs to be asked.
    #[must_use]
    pub fn may_have_discounts(&self) -> bool {
        self.has_automatic || !self.coupons.is_empty()
    }

    /// Sets the times after a change by its owner.
    pub fn mark_changed(&mut self, now: Timestamp) {
        self.updated_at = now;
        self.seen_at = now;
    }

    /// Adds units of a product: to its line, or as a new line with the id `fresh`. After an error the transaction rolls
    /// back and the caller drops this cart, also after an error of [`Cart::set_quantity`].
    ///
    /// # Errors
    /// [`Error::CurrencyMismatch`], [`Error::Full`], [`Error::QuantityTooLarge`], [`Error::Short`], [`Error::AmountTooLarge`].
    pub fn add(&mut self, fresh: CartItemId, product: ProductId, quote: &Quote, quantity: Quantity) -> Result<&Line, Error> {
        if self.lines.is_empty() {
            self.currency = quote.price.currency;
        } else if self.currency != quote.price.currency {
            return Err(Error::CurrencyMismatch { cart: self.currency, quoted: quote.price.currency });
        }
        let at = match self.lines.iter().position(|line| line.product_id == product) {
            Some(at) => at,
            None if self.lines.len() >= MAX_LINES => return Err(Error::Full),
            None => {
                let position = self.next_position();
                self.lines.push(Line {
                    cart_item_id: fresh,
                    position,
                    product_id: product,
                    sku: quote.sku.clone(),
                    title: quote.title.clone(),
                    unit_price: quote.price.minor,
                    quantity: 0,
                    added_unit_price: quote.price.minor,
                    wanted: 0,
                    image_url: quote.image_url.clone(),
                    seller_id: quote.seller_id,
                });
                self.lines.len() - 1
            }
        };
        let total = self.lines[at].quantity.saturating_add(quantity.get());
        quote.check_quantity(total)?;
        self.lines[at].requote(quote);
        self.lines[at].set_quantity(total);
        self.check_bounds()?;
        Ok(&self.lines[at])
    }

    /// Sets the quantity of a line. A product without a listing is accepted, because the order checks it again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unavailable`], [`Error::CurrencyMismatch`], [`Error::Short`], [`Error::AmountTooLarge`].
    pub fn set_quantity(&mut self, item: CartItemId, quotes: &Quotes, quantity: Quantity) -> Result<&Line, Error> {
        let at = self.lines.iter().position(|line| line.cart_item_id == item).ok_or(Error::NotFound)?;
        if quotes.of(self.lines[at].product_id).is_some() {
            let quote = quotes.on_sale(self.lines[at].product_id)?;
            if quote.price.currency != self.currency {
                return Err(Error::CurrencyMismatch { cart: self.currency, quoted: quote.price.currency });
            }
            quote.check_quantity(quantity.get())?;
        }
        self.lines[at].set_quantity(quantity.get());
        self.check_bounds()?;
        Ok(&self.lines[at])
    }

    /// Removes a line. An empty cart returns to the `home` currency.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn remove(&mut self, item: CartItemId, home: Currency) -> Result<Line, Error> {
        let at = self.lines.iter().position(|line| line.cart_item_id == item).ok_or(Error::NotFound)?;
        let line = self.lines.remove(at);
        if self.lines.is_empty() {
            self.currency = home;
        }
        Ok(line)
    }

    /// Applies the quotes to every line and returns the lines that changed.
    pub fn requote(&mut self, quotes: &Quotes) -> Vec<Line> {
        let currency = self.currency;
        let mut changed = Vec::new();
        for line in &mut self.lines {
            let Some(Listing::OnSale(quote)) = quotes.of(line.product_id) else { continue };
            if quote.price.currency != currency {
                continue;
            }
            let before = line.clone();
            line.requote(quote);
            if *line != before {
                changed.push(line.clone());
            }
        }
        changed
    }

    /// Checks the cart out to an order. Returns `None` when the cart is not active, because then it was checked out
    /// before.
    #[must_use]
    pub fn check_out(
        &mut self,
        order: OrderId,
        items: &[CheckedOutItem],
        now: Timestamp,
        mut fresh: impl FnMut() -> CartItemId,
    ) -> Option<Split> {
        self.status = self.status.transition(CartFact::CheckedOut).ok()?;
        self.order_id = Some(order);
        self.updated_at = now;
        let ordered: HashMap<_, _> = items.iter().map(|item| (item.product_id, item.quantity)).collect();
        let mut split = Split::default();
        for line in std::mem::take(&mut self.lines) {
            let taken = ordered.get(&line.product_id).copied().unwrap_or(0);
            if taken >= line.quantity {
                self.lines.push(line);
                continue;
            }
            if taken > 0 {
                let mut part = Line { cart_item_id: fresh(), ..line.clone() };
                part.set_quantity(taken);
                self.lines.push(part.clone());
                split.taken.push(part);
            }
            let mut rest = line;
            if taken > 0 {
                rest.set_quantity(rest.quantity - taken);
            }
            split.left.push(rest);
        }
        Some(split)
    }

    /// Restores the lines of a failed order and returns the lines that changed. Units beyond `max` stay
    /// wanted, which shows as `QUANTITY_CAPPED`. Lines that do not fit, because the cart is full or has another
    /// currency, are left out.
    pub fn restore_lines(&mut self, items: &[OrderItem], currency: Currency, max: u32, mut fresh: impl FnMut() -> CartItemId) -> Vec<Line> {
        if self.lines.is_empty() {
            self.currency = currency;
        }
        let mut changed = Vec::new();
        for item in items.iter().filter(|_| self.currency == currency) {
            if let Some(line) = self.lines.iter_mut().find(|line| line.product_id == item.product_id) {
                line.wanted = line.wanted.saturating_add(item.quantity);
                line.quantity = line.quantity.saturating_add(item.quantity).min(max);
                changed.push(line.clone());
            } else if self.lines.len() < MAX_LINES {
                let line = Line {
                    cart_item_id: fresh(),
                    position: self.next_position(),
                    product_id: item.product_id,
                    sku: item.sku.clone(),
                    title: item.title_snapshot.clone(),
                    unit_price: item.unit_price_snapshot,
                    quantity: item.quantity.clamp(1, max),
                    added_unit_price: item.unit_price_snapshot,
                    wanted: item.quantity.max(1),
                    image_url: item.image_url.clone(),
                    seller_id: item.seller_id,
                };
                self.lines.push(line.clone());
                changed.push(line);
            }
        }
        changed
    }

    /// Adds the lines of a guest's cart, `max` units on a line, and returns the lines that changed. What is requested adds up, so that
    /// the cart warns where less can be had. Lines in another currency are left out unless this cart is empty.
    pub fn merge(&mut self, guest: &Cart, max: u32, mut fresh: impl FnMut() -> CartItemId) -> Vec<Line> {
        if self.lines.is_empty() {
            self.currency = guest.currency;
        }
        let mut changed = Vec::new();
        for other in guest.lines.iter().filter(|_| self.currency == guest.currency) {
            if let Some(line) = self.lines.iter_mut().find(|line| line.product_id == other.product_id) {
                line.wanted = line.wanted.saturating_add(other.wanted);
                line.quantity = line.quantity.saturating_add(other.quantity).min(max);
                changed.push(line.clone());
            } else if self.lines.len() < MAX_LINES {
                let line = Line { cart_item_id: fresh(), position: self.next_position(), ..other.clone() };
                self.lines.push(line.clone());
                changed.push(line);
            }
        }
        changed
    }

    /// Puts the coupons of a guest before the own ones. Returns the own ones that have no room any more.
    pub fn merge_coupons(&mut self, guest: &[CouponCode]) -> Vec<CouponCode> {
        let own: Vec<_> = self.coupons.iter().filter(|code| !guest.contains(code)).cloned().collect();
        let room = MAX_COUPONS.saturating_sub(guest.len()).min(own.len());
        let (kept, dropped) = own.split_at(room);
        self.coupons = guest.iter().chain(kept).cloned().collect();
        dropped.to_vec()
    }

    /// Returns the cart as its owner sees it, with a warning for each line that differs from what was added.
    #[must_use]
    pub fn view(&self, quotes: &Quotes) -> cart::Cart {
        let mut warnings = Vec::new();
        let mut subtotal_amount = 0_i64;
        for line in &self.lines {
            let listing = quotes.of(line.product_id);
            if let Some(reason) = self.unavailable_reason(listing) {
                warnings.push(line.warning(WarningCode::Unavailable, format!("{} {reason}.", line.title)));
                continue;
            }
            subtotal_amount = i64::saturating_add(subtotal_amount, line.total());
            warnings.extend(self.price_warning(line));
            warnings.extend(quantity_warning(line, listing));
        }
        cart::Cart {
            cart_id: self.cart_id,
            user_id: self.user_id,
            status: self.status,
            currency: self.currency,
            items: self.lines.iter().map(|line| line.view(self.currency)).collect(),
            subtotal_amount,
            prices_include_tax: quotes.taxation.as_ref().map(|taxation| taxation.prices_include_tax),
            estimate: None,
            coupons: self
                .coupons
                .iter()
                .map(|code| CartCoupon { code: code.as_str().to_owned(), problem: None, detail: String::new() })
                .collect(),
            discounts: Vec::new(),
            discount_amount: 0,
            near_misses: Vec::new(),
            may_have_discounts: self.may_have_discounts(),
            warnings,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// Returns why a product cannot be bought with this cart now, as far as known.
    fn unavailable_reason(&self, listing: Option<&Listing>) -> Option<&'static str> {
        match listing? {
            Listing::OffSale => Some("is not on sale now"),
            Listing::OnSale(quote) if quote.price.currency != self.currency => Some("is sold in another currency now"),
            Listing::OnSale(Quote { available: Some(..=0), .. }) => Some("is out of stock"),
            Listing::OnSale(_) => None,
        }
    }

    fn price_warning(&self, line: &Line) -> Option<CartWarning> {
        let (old, new) = (Money::new(line.added_unit_price, self.currency), Money::new(line.unit_price, self.currency));
        (old != new).then(|| CartWarning {
            old_unit_price_amount: Some(old.minor),
            new_unit_price_amount: Some(new.minor),
            ..line.warning(WarningCode::PriceChanged, format!("{} costs {new} now; it was {old} before.", line.title))
        })
    }

    fn next_position(&self) -> i64 {
        self.lines.last().map_or(0, |line| line.position + 1)
    }

    fn check_bounds(&self) -> Result<(), MoneyError> {
        let add = |sum: Money, line: &Line| sum.plus(Money::new(line.unit_price, self.currency).times(line.quantity)?);
        self.lines.iter().try_fold(Money::zero(self.currency), add).map(|_| ())
    }
}

fn quantity_warning(line: &Line, listing: Option<&Listing>) -> Option<CartWarning> {
    let available_qty = match listing {
        Some(Listing::OnSale(quote)) => quote.available,
        _ => None,
    };
    (line.quantity < line.wanted).then(|| CartWarning {
        available_qty,
        ..line.warning(WarningCode::QuantityCapped, format!("Of {} only {} of {} can be had.", line.title, line.quantity, line.wanted))
    })
}

#[cfg(test)]
mod cart_tests;
