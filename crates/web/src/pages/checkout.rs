//! The checkout of customers and guests: who orders, where it goes, how it is paid, and the order, on one page.

use super::{
    Frame,
    account::addresses::{AddressForm, AddressLine},
    cart, failed, page, refused_page, see_other,
};
use crate::{Site, api::Failure, countries, format, forms::Faults, session::Visitor};
use askama::Template;
use axum::{Form, extract::State, http::StatusCode, response::Response};
use contracts::{
    cart::Cart,
    ids::Uuid,
    order::{OrderView, PLACE_ORDER},
    user::{ADD_ADDRESS, Address, LIST_ADDRESSES},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Addresses of the address book that are offered.
const ADDRESSES: usize = 50;

/// What was typed. The names of the fields of a new address are those of the API.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct CheckoutForm {
    /// Of a guest.
    email: String,
    /// Of a guest.
    name: String,
    /// An address of the address book; empty for a new one.
    address_id: String,
    /// An address of the address book; empty for the shipping address.
    billing_address_id: String,
    #[serde(flatten)]
    address: AddressForm,
    payment_method: String,
    /// The total that the page showed, in minor units.
    expected_total_amount: String,
    /// One for each time that the page is shown: a second click on the button orders nothing again.
    order_key: String,
    /// The button that computes the shipping cost for the address.
    recalculate: String,
    /// Among them the fields of the billing address of a guest, whose names begin with [`BILLING`].
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

/// The beginning of the names of the fields of a guest's billing address.
const BILLING: &str = "billing-";

impl CheckoutForm {
    fn billing(&self) -> AddressForm {
        let field = |name: &str| self.others.get(&format!("{BILLING}{name}")).cloned().unwrap_or_default();
        AddressForm {
            recipient: field("recipient"),
            company: field("company"),
            street: field("street"),
            number: field("number"),
            complement: field("complement"),
            zip: field("zip"),
            city: field("city"),
            state: field("state"),
            country: field("country"),
            phone: field("phone"),
        }
    }

    /// The billing address, if one was typed. The list of countries always has a choice.
    fn other_billing(&self) -> Option<AddressForm> {
        let is_typed = |(name, value): (&String, &String)| {
            name.strip_prefix(BILLING).is_some_and(|name| name != "country") && !value.trim().is_empty()
        };
        self.others.iter().any(is_typed).then(|| self.billing())
    }
}

/// A way to pay that the page offers.
struct PaymentChoice {
    value: &'static str,
    label: &'static str,
    note: &'static str,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct CheckoutPage {
    frame: Frame,
    cart: Cart,
    /// Where the totals are computed for.
    destination: String,
    parcels: usize,
    addresses: Vec<AddressLine>,
    countries: Vec<(String, String)>,
    payments: Vec<PaymentChoice>,
    typed: CheckoutForm,
    /// What a guest typed of another billing address.
    billing: AddressForm,
    billing_countries: Vec<(String, String)>,
    is_billed_elsewhere: bool,
    faults: Faults,
    shipping_faults: Faults,
    billing_faults: Faults,
}

impl CheckoutPage {
    fn title(&self, text: &str) -> String {
        format::title(text)
    }
}

pub async fn show(State(site): State<Site>, visitor: Visitor) -> Response {
    show_form(&site, visitor, CheckoutForm::default(), None).await
}

/// Shows the form, with what was typed and what is wrong with it.
async fn show_form(site: &Site, mut visitor: Visitor, typed: CheckoutForm, refused: Option<Failure>) -> Response {
    if let Some(failure) = refused.as_ref().filter(|failure| failure.status() == StatusCode::UNAUTHORIZED) {
        return failed(site, &mut visitor, failure);
    }
    let caller = visitor.caller();
    let addresses = match visitor.is_logged_in() {
        true => match site.0.api.call(&caller, &LIST_ADDRESSES).query("limit", ADDRESSES).send().await {
            Ok(addresses) => addresses.items,
            Err(failure) => return failed(site, &mut visitor, &failure),
        },
        false => Vec::new(),
    };
    let typed = completed(typed, &addresses, site.0.env.new_id::<Uuid>());
    let chosen = addresses.iter().find(|address| address.address_id.to_string() == typed.address_id);
    let (country, state) = match chosen {
        Some(address) => (address.country.clone(), address.state.clone()),
        None => (typed.address.country.clone(), typed.address.state.clone()),
    };
    let cart = match cart::read_for(site, &mut visitor, &country, &state).await {
        Ok(Some(cart)) if !cart.items.is_empty() => cart,
        Ok(_) => return see_other(site, &visitor, "/cart"),
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let frame = Frame::of(&mut visitor);
    let (t, language) = (frame.t, frame.lang);
    let mut faults = refused.as_ref().map(Faults::of).unwrap_or_default();
    if refused.as_ref().is_some_and(|failure| failure.code() == "TOTAL_CHANGED") {
        faults.summary = Some(t.total_changed.to_owned());
    }
    let mut billing = typed.billing();
    if billing.country.is_empty() {
        billing.country = typed.address.country.clone();
    }
    let payments = [
        ("pm_ok", t.pay_ok, t.pay_ok_note),
        ("pm_declined", t.pay_declined, t.pay_declined_note),
        ("pm_slow", t.pay_slow, t.pay_slow_note),
    ];
    let template = CheckoutPage {
        destination: countries::name(language, cart.estimate.as_ref().map_or(&country, |estimate| &estimate.country)),
        parcels: cart.items.iter().map(|item| item.seller_id).collect::<BTreeSet<_>>().len(),
        addresses: addresses.iter().map(|address| AddressLine::of(language, address)).collect(),
        countries: countries::choices(language, &typed.address.country),
        payments: payments
            .map(|(value, label, note)| PaymentChoice { value, label, note, is_chosen: value == typed.payment_method })
            .into(),
        billing_countries: countries::choices(language, &billing.country),
        is_billed_elsewhere: typed.other_billing().is_some(),
        billing,
        shipping_faults: if visitor.is_logged_in() { faults.clone() } else { faults.within("shippingAddress") },
        billing_faults: faults.within("billingAddress"),
        typed: CheckoutForm {
            expected_total_amount: cart.estimate.as_ref().map(|estimate| estimate.total_amount.to_string()).unwrap_or_default(),
            ..typed
        },
        faults,
        cart,
        frame,
    };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

/// Fills what the visitor did not choose yet. After a refusal nothing was ordered, so the next click is another request.
fn completed(mut typed: CheckoutForm, addresses: &[Address], key: Uuid) -> CheckoutForm {
    let is_new = typed.order_key.is_empty();
    typed.order_key = key.to_string();
    if typed.address.country.is_empty() {
        typed.address.country = countries::DEFAULT.into();
    }
    if typed.payment_method.is_empty() {
        typed.payment_method = "pm_ok".into();
    }
    if is_new && let Some(address) = addresses.iter().find(|address| address.is_default_shipping).or_else(|| addresses.first()) {
        typed.address_id = address.address_id.to_string();
    }
    if is_new && let Some(address) = addresses.iter().find(|address| address.is_default_billing) {
        typed.billing_address_id = address.address_id.to_string();
    }
    if typed.billing_address_id == typed.address_id {
        typed.billing_address_id = String::new();
    }
    typed
}

pub async fn place(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<CheckoutForm>) -> Response {
    if !visitor.is_logged_in() && visitor.session.cart_token.is_none() {
        return see_other(&site, &visitor, "/cart");
    }
    if !form.recalculate.is_empty() {
        return show_form(&site, visitor, form, None).await;
    }
    let (form, placed) = match visitor.is_logged_in() {
        true => place_of_customer(&site, &visitor, form).await,
        false => {
            let address = Value::Object(form.address.fields());
            let mut body = json!({"guest": {"email": form.email, "name": form.name}, "shippingAddress": address});
            if let Some(billing) = form.other_billing() {
                body["billingAddress"] = Value::Object(billing.fields());
            }
            let placed = send(&site, &visitor, &form, body).await;
            (form, placed)
        }
    };
    match placed {
        Ok(order) => {
            visitor.session.cart_count = 0;
            let to = match order.order_token {
                Some(token) => {
                    visitor.keep_order(order.order_id, token.reveal().to_owned());
                    format!("/orders/{}", order.order_id)
                }
                None => format!("/account/orders/{}", order.order_id),
            };
            see_other(&site, &visitor, &to)
        }
        Err(failure) => show_form(&site, visitor, form, Some(failure)).await,
    }
}

/// A new address goes into the address book, and is the chosen one when the order is refused afterwards.
async fn place_of_customer(site: &Site, visitor: &Visitor, mut form: CheckoutForm) -> (CheckoutForm, Result<OrderView, Failure>) {
    if form.address_id.is_empty() {
        let (caller, body) = (visitor.caller(), Value::Object(form.address.fields()));
        match site.0.api.call(&caller, &ADD_ADDRESS).key(&form.order_key).raw_body(&body).send().await {
            Ok(address) => form.address_id = address.address_id.to_string(),
            Err(failure) => return (form, Err(failure)),
        }
    }
    let mut body = json!({"shippingAddressId": form.address_id});
    if !form.billing_address_id.is_empty() {
        body["billingAddressId"] = form.billing_address_id.as_str().into();
    }
    let placed = send(site, visitor, &form, body).await;
    (form, placed)
}

async fn send(site: &Site, visitor: &Visitor, form: &CheckoutForm, mut body: Value) -> Result<OrderView, Failure> {
    body["paymentMethod"] = form.payment_method.as_str().into();
    if let Ok(total) = form.expected_total_amount.parse::<i64>() {
        body["expectedTotalAmount"] = total.into();
    }
    let caller = visitor.caller();
    site.0.api.call(&caller, &PLACE_ORDER).key(&form.order_key).header("prefer", "wait=10").raw_body(&body).send().await
}
