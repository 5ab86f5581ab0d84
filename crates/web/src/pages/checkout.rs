//! The checkout: address, payment and the order, on one page.

use super::{Frame, cart, failed, page, refused_page, see_other, to_login};
use crate::{Site, api::Failure, format, forms::Faults, session::Visitor};
use askama::Template;
use axum::{Form, extract::State, response::Response};
use contracts::{
    cart::Cart,
    ids::Uuid,
    order::PLACE_ORDER,
    user::{ADD_ADDRESS, Address, LIST_ADDRESSES},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What was typed. The names of the fields of a new address are those of the API.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct CheckoutForm {
    /// An address of the address book; empty for a new one.
    address_id: String,
    recipient: String,
    street: String,
    number: String,
    zip: String,
    city: String,
    state: String,
    country: String,
    payment_method: String,
    /// The total that the page showed, in minor units.
    expected_total_amount: Option<i64>,
    /// One for each time that the page is shown: a second click on the button orders nothing again.
    order_key: String,
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct CheckoutPage {
    frame: Frame,
    cart: Cart,
    addresses: Vec<Address>,
    typed: CheckoutForm,
    faults: Faults,
}

impl CheckoutPage {
    fn title(&self, text: &str) -> String {
        format::title(text)
    }
    fn is_chosen(&self, address: &Address) -> bool {
        if self.typed.address_id.is_empty() {
            address.is_default_shipping && self.typed.street.is_empty()
        } else {
            self.typed.address_id == address.address_id.to_string()
        }
    }
}

pub async fn show(State(site): State<Site>, visitor: Visitor) -> Response {
    show_form(&site, visitor, CheckoutForm::default(), None).await
}

/// Shows the form, with what was typed and what is wrong with it.
async fn show_form(site: &Site, mut visitor: Visitor, typed: CheckoutForm, refused: Option<Failure>) -> Response {
    if !visitor.is_logged_in() {
        return to_login(site, &visitor, "/checkout");
    }
    let caller = visitor.caller();
    let cart = match cart::read(site, &mut visitor).await {
        Ok(Some(cart)) if !cart.items.is_empty() => cart,
        Ok(_) => return see_other(site, &visitor, "/cart"),
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let addresses = match site.0.api.call(&caller, &LIST_ADDRESSES).query("limit", 50).send().await {
        Ok(addresses) => addresses.items,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let key = site.0.env.new_id::<Uuid>().to_string();
    let typed = CheckoutForm {
        expected_total_amount: cart.estimate.as_ref().map(|estimate| estimate.total_amount),
        // After a refusal nothing was ordered, and the next click is another request.
        order_key: key,
        country: if typed.country.is_empty() { "DE".into() } else { typed.country },
        ..typed
    };
    let faults = refused.as_ref().map(Faults::of).unwrap_or_default();
    let frame = Frame::of(&mut visitor);
    let template = CheckoutPage { frame, cart, addresses, typed, faults };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

pub async fn place(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<CheckoutForm>) -> Response {
    if !visitor.is_logged_in() {
        return to_login(&site, &visitor, "/checkout");
    }
    let caller = visitor.caller();
    let address = match &*form.address_id {
        "" => match site.0.api.call(&caller, &ADD_ADDRESS).key(&form.order_key).raw_body(&new_address(&form)).send().await {
            Ok(address) => address.address_id.to_string(),
            Err(failure) => return show_form(&site, visitor, form, Some(failure)).await,
        },
        known => known.to_owned(),
    };
    let mut body = json!({"shippingAddressId": address, "paymentMethod": form.payment_method});
    if let Some(total) = form.expected_total_amount {
        body["expectedTotalAmount"] = total.into();
    }
    let placed = site.0.api.call(&caller, &PLACE_ORDER).key(&form.order_key).header("prefer", "wait=10").raw_body(&body).send().await;
    match placed {
        Ok(order) => {
            visitor.session.cart_count = 0;
            see_other(&site, &visitor, &format!("/account/orders/{}", order.order_id))
        }
        // The address is in the address book now.
        Err(failure) => show_form(&site, visitor, CheckoutForm { address_id: address, ..form }, Some(failure)).await,
    }
}

fn new_address(form: &CheckoutForm) -> Value {
    let CheckoutForm { recipient, street, number, zip, city, state, country, .. } = form;
    let fields = [
        ("recipient", recipient),
        ("street", street),
        ("number", number),
        ("zip", zip),
        ("city", city),
        ("state", state),
        ("country", country),
    ];
    let typed = fields.into_iter().filter(|(name, value)| !value.is_empty() || *name == "street");
    Value::Object(typed.map(|(name, value)| (name.to_owned(), value.as_str().into())).collect::<Map<_, _>>())
}
