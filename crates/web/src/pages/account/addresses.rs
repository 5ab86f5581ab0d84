//! The address book, and the fields of an address that the checkout has as well.

use crate::{
    Site,
    api::Failure,
    countries,
    forms::Faults,
    pages::{Frame, enter, failed, page, refused_page, see_other},
    session::{Notice, Visitor},
    texts::Language,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::Response,
};
use contracts::{
    ids::Uuid,
    user::{ADD_ADDRESS, Address, AddressSnapshot, DELETE_ADDRESS, GET_ADDRESS, LIST_ADDRESSES, REPLACE_ADDRESS},
};
use serde::Deserialize;
use serde_json::{Map, Value};

const PATH: &str = "/account/addresses";
const ADDRESSES: usize = 20;

/// The fields of an address, by their names in the API. They are empty when nothing was typed.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct AddressForm {
    pub recipient: String,
    pub company: String,
    pub street: String,
    pub number: String,
    pub complement: String,
    pub zip: String,
    pub city: String,
    pub state: String,
    pub country: String,
    pub phone: String,
}

impl AddressForm {
    fn of(address: &Address) -> AddressForm {
        let Address { company, street, number, complement, zip, city, state, country, phone, recipient, .. } = address.clone();
        let (recipient, company, phone) = (recipient.unwrap_or_default(), company.unwrap_or_default(), phone.unwrap_or_default());
        AddressForm { recipient, company, street, number, complement, zip, city, state, country, phone }
    }

    /// What the API takes: optional fields are left out when nothing was typed, so that only required ones are missed.
    pub fn fields(&self) -> Map<String, Value> {
        let AddressForm { recipient, company, street, number, complement, zip, city, state, country, phone } = self;
        let optional = [
            ("recipient", recipient),
            ("company", company),
            ("number", number),
            ("complement", complement),
            ("zip", zip),
            ("city", city),
            ("state", state),
            ("phone", phone),
        ];
        let typed = optional.into_iter().filter(|(_, value)| !value.trim().is_empty());
        typed.chain([("street", street), ("country", country)]).map(|(name, value)| (name.to_owned(), value.trim().into())).collect()
    }
}

/// An address as lists show it.
pub struct AddressLine {
    pub id: String,
    pub label: String,
    pub lines: Vec<String>,
    pub is_default_shipping: bool,
    pub is_default_billing: bool,
}

impl AddressLine {
    pub fn of(language: Language, address: &Address) -> AddressLine {
        AddressLine {
            id: address.address_id.to_string(),
            label: address.label.clone(),
            lines: AddressLine::of_snapshot(language, &address.clone().into()),
            is_default_shipping: address.is_default_shipping,
            is_default_billing: address.is_default_billing,
        }
    }

    /// The lines of an address, as they are written on a parcel.
    pub fn of_snapshot(language: Language, address: &AddressSnapshot) -> Vec<String> {
        let AddressSnapshot { recipient, company, street, number, complement, zip, city, state, country, .. } = address;
        let lines = [
            recipient.clone().unwrap_or_default(),
            company.clone().unwrap_or_default(),
            format!("{street} {number}"),
            complement.clone(),
            format!("{zip} {city}"),
            state.clone(),
            countries::name(language, country),
        ];
        lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }
}

/// A form of the address book.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct BookForm {
    label: String,
    #[serde(flatten)]
    address: AddressForm,
    is_default_shipping: String,
    is_default_billing: String,
    /// One for each time that the form is shown.
    form_key: String,
}

impl BookForm {
    fn body(&self) -> Value {
        let mut body = self.address.fields();
        if !self.label.trim().is_empty() {
            body.insert("label".into(), self.label.trim().into());
        }
        body.insert("isDefaultShipping".into(), (!self.is_default_shipping.is_empty()).into());
        body.insert("isDefaultBilling".into(), (!self.is_default_billing.is_empty()).into());
        body.into()
    }
}

#[derive(Template)]
#[template(path = "account/addresses.html")]
struct AddressesPage {
    frame: Frame,
    here: &'static str,
    addresses: Vec<AddressLine>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "account/address.html")]
struct AddressPage {
    frame: Frame,
    here: &'static str,
    action: String,
    is_new: bool,
    countries: Vec<(String, String)>,
    typed: BookForm,
    faults: Faults,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct At {
    cursor: String,
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor, Query(at): Query<At>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let mut call = site.0.api.call(&caller, &LIST_ADDRESSES).query("limit", ADDRESSES);
    if !at.cursor.is_empty() {
        call = call.query("cursor", &at.cursor);
    }
    match call.send().await {
        Ok(found) => {
            let frame = Frame::of(&mut visitor);
            let addresses = found.items.iter().map(|address| AddressLine::of(frame.lang, address)).collect();
            page(&site, &visitor, &AddressesPage { frame, here: "addresses", addresses, next: found.next_cursor })
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

pub async fn show_new(State(site): State<Site>, visitor: Visitor) -> Response {
    if !visitor.is_logged_in() {
        return enter(&site, &visitor);
    }
    let address = AddressForm { country: countries::DEFAULT.into(), ..AddressForm::default() };
    show_form(&site, visitor, None, BookForm { address, ..BookForm::default() }, None)
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    match site.0.api.call(&caller, &GET_ADDRESS).path(&id).send().await {
        Ok(address) => {
            let is = |chosen: bool| if chosen { "1".to_owned() } else { String::new() };
            let typed = BookForm {
                label: address.label.clone(),
                is_default_shipping: is(address.is_default_shipping),
                is_default_billing: is(address.is_default_billing),
                form_key: String::new(),
                address: AddressForm::of(&address),
            };
            show_form(&site, visitor, Some(&address.address_id.to_string()), typed, None)
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

fn show_form(site: &Site, mut visitor: Visitor, id: Option<&str>, mut typed: BookForm, refused: Option<Failure>) -> Response {
    typed.form_key = site.0.env.new_id::<Uuid>().to_string();
    let frame = Frame::of(&mut visitor);
    let template = AddressPage {
        here: "addresses",
        action: id.map_or_else(|| PATH.to_owned(), |id| format!("{PATH}/{id}")),
        is_new: id.is_none(),
        countries: countries::choices(frame.lang, &typed.address.country),
        typed,
        faults: refused.as_ref().map(Faults::of).unwrap_or_default(),
        frame,
    };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

pub async fn add(State(site): State<Site>, visitor: Visitor, Form(form): Form<BookForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let added = site.0.api.call(&caller, &ADD_ADDRESS).key(&form.form_key).raw_body(&form.body()).send().await;
    stored(&site, visitor, None, form, added.map(|_| ()))
}

pub async fn replace(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>, Form(form): Form<BookForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let replaced = site.0.api.call(&caller, &REPLACE_ADDRESS).path(&id).raw_body(&form.body()).send().await;
    stored(&site, visitor, Some(&id), form, replaced.map(|_| ()))
}

fn stored(site: &Site, mut visitor: Visitor, id: Option<&str>, form: BookForm, outcome: Result<(), Failure>) -> Response {
    match outcome {
        Ok(()) => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(site, &visitor, PATH)
        }
        Err(failure) if failure.is_about_the_form() => show_form(site, visitor, id, form, Some(failure)),
        Err(failure) => failed(site, &mut visitor, &failure),
    }
}

pub async fn delete(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    match site.0.api.call(&caller, &DELETE_ADDRESS).path(&id).send().await {
        // A second click finds it deleted.
        Err(failure) if failure.status() != axum::http::StatusCode::NOT_FOUND => failed(&site, &mut visitor, &failure),
        _ => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(&site, &visitor, PATH)
        }
    }
}
