//! Orders on the pages, of guests and of customers, in a browser without scripts.

use super::{
    browser::{Browser, Shown},
    server::Server,
};

/// Fields of an address in Berlin.
const BERLIN: [(&str, &str); 5] = [("street", "Invalidenstraße"), ("number", "1"), ("zip", "10115"), ("city", "Berlin"), ("country", "DE")];

fn key_of(page: &Shown) -> String {
    page.between("name=\"orderKey\" value=\"", "\"").to_owned()
}

fn total_of(page: &Shown) -> String {
    page.between("name=\"expectedTotalAmount\" value=\"", "\"").to_owned()
}

#[tokio::test]
async fn a_guest_orders_once_and_follows_the_order() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 5).await.to_string();
    let mut browser = Browser::new(&server);
    browser.post("/cart", &[("productId", &lamp), ("quantity", "1")]).await;
    let checkout = browser.open("/checkout").await;
    assert_eq!(checkout.status, 200);
    assert!(checkout.shows("name=\"email\"") && checkout.shows("Standard shipping · Germany"), "{}", checkout.html);
    assert!(total_of(&checkout).parse::<i64>().unwrap() > 4_900, "shipping is in the total before an address is known");

    let (key, total) = (key_of(&checkout), total_of(&checkout));
    let wrong = [&BERLIN[1..], &[("email", "nobody"), ("name", "Gwen"), ("paymentMethod", "pm_declined"), ("orderKey", &key)]].concat();
    let refused = browser.post("/checkout", &wrong).await;
    assert_eq!(refused.status, 422);
    for shown in ["email-fault", "street-fault", "value=\"10115\"", "value=\"Gwen\"", "value=\"pm_declined\" checked"] {
        assert!(refused.shows(shown), "{shown}: {}", refused.html);
    }
    let elsewhere = browser.post("/checkout", &[("country", "US"), ("state", "CA"), ("recalculate", "1"), ("orderKey", &key)]).await;
    assert!(elsewhere.status == 200 && elsewhere.shows("Standard shipping · United States"), "{}", elsewhere.html);

    let key = key_of(&refused);
    let fields =
        [&BERLIN[..], &[("email", "gwen@example.com"), ("name", "Gwen"), ("paymentMethod", "pm_declined"), ("orderKey", &key)]].concat();
    let changed = browser.post("/checkout", &[&fields[..], &[("expectedTotalAmount", "1")]].concat()).await;
    assert!(changed.status == 409 && changed.shows("The total has changed") && total_of(&changed) == total, "{}", changed.html);
    let (key, before) = (key_of(&changed), browser.cookie.clone());
    let fields = [&fields[..fields.len() - 1], &[("orderKey", &*key)]].concat();
    let order = browser.post("/checkout", &fields).await;
    assert!(order.status == 200 && order.path.starts_with("/orders/") && order.shows("The payment failed"), "{}", order.html);
    // A second click sends the same form, with the cookie of before the first answer.
    let kept = std::mem::replace(&mut browser.cookie, before);
    let again = browser.post("/checkout", &fields).await;
    assert_eq!(again.path, order.path, "the second click orders nothing: {}", again.html);
    browser.cookie = kept;

    let form_key = order.between("name=\"formKey\" value=\"", "\"").to_owned();
    let paid = browser.post(&format!("{}/pay", order.path), &[("paymentMethod", "pm_ok"), ("formKey", &form_key)]).await;
    assert!(paid.status == 200 && paid.shows("Confirmed") && paid.shows("Invalidenstraße 1"), "{}", paid.html);

    let mut stranger = Browser::new(&server);
    let closed = stranger.open(&order.path).await;
    assert!(closed.status == 200 && closed.shows("Code of the order") && !closed.shows("Invalidenstraße"), "{}", closed.html);
    let guessed = stranger.post(&order.path, &[("token", &"x".repeat(43))]).await;
    assert!(guessed.status == 422 && guessed.shows("token-fault"), "{}", guessed.html);
    assert_eq!(stranger.post(&format!("{}/cancel", order.path), &[]).await.path, "/login?next=%2F");
    let cancelled = browser.post(&format!("{}/cancel", order.path), &[("reason", "Changed my mind")]).await;
    assert!(cancelled.status == 200 && cancelled.shows("The cancellation is on its way."), "{}", cancelled.html);
    browser.until(&order.path, "Changed my mind").await;
    let cart = browser.post(&format!("{}/again", order.path), &[("formKey", "once")]).await;
    assert!(cart.path == "/cart" && cart.shows("€49.00"), "{}", cart.html);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_customer_chooses_from_the_address_book() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 5).await.to_string();
    let mut browser = Browser::new(&server);
    let form = browser.open("/account/addresses/new").await;
    assert_eq!(form.status, 303, "a login comes first");
    browser.post("/register", &[("email", "mara@example.com"), ("password", "a long enough password"), ("name", "Mara")]).await;
    let form = browser.open("/account/addresses/new").await;
    let key = form.between("name=\"formKey\" value=\"", "\"").to_owned();
    let refused = browser.post("/account/addresses", &[("label", "Work"), ("street", ""), ("country", "DE"), ("formKey", &key)]).await;
    assert!(refused.status == 422 && refused.shows("street-fault") && refused.shows("value=\"Work\""), "{}", refused.html);
    let key = refused.between("name=\"formKey\" value=\"", "\"").to_owned();
    let fields = [&BERLIN[..], &[("label", "Work"), ("isDefaultShipping", "1"), ("formKey", &key)]].concat();
    let book = browser.post("/account/addresses", &fields).await;
    assert!(book.path == "/account/addresses" && book.shows("Invalidenstraße 1"), "{}", book.html);
    let twice = browser.post("/account/addresses", &fields).await;
    assert_eq!(twice.html.matches("<li class=\"panel\">").count(), 1, "a second click adds nothing: {}", twice.html);
    let edit = book.between("href=\"/account/addresses/", "\"").to_owned();
    let edited = browser.open(&format!("/account/addresses/{edit}")).await;
    assert!(edited.shows("value=\"Invalidenstraße\"") && edited.shows("name=\"isDefaultShipping\" value=\"1\" checked"), "{}", edited.html);
    let changed = [&BERLIN[1..], &[("street", "Chausseestraße"), ("label", "Work"), ("isDefaultShipping", "1")]].concat();
    let book = browser.post(&format!("/account/addresses/{edit}"), &changed).await;
    assert!(book.shows("Chausseestraße 1") && !book.shows("Invalidenstraße"), "{}", book.html);

    browser.post("/cart", &[("productId", &lamp), ("quantity", "1")]).await;
    let checkout = browser.open("/checkout").await;
    assert!(checkout.shows(&format!("value=\"{edit}\" checked")) && !checkout.shows("name=\"email\""), "{}", checkout.html);
    let fields = [
        ("addressId", &*edit),
        ("paymentMethod", "pm_ok"),
        ("orderKey", &key_of(&checkout)),
        ("expectedTotalAmount", &total_of(&checkout)),
        ("country", "DE"),
    ];
    let order = browser.post("/checkout", &fields).await;
    assert!(order.status == 200 && order.shows("Chausseestraße 1"), "{}", order.html);
    let mut stranger = Browser::new(&server);
    stranger.post("/register", &[("email", "eve@example.com"), ("password", "a long enough password"), ("name", "Eve")]).await;
    assert_eq!(stranger.open(&order.path).await.status, 404);
    assert_eq!(stranger.open(&format!("/account/addresses/{edit}")).await.status, 404);
    let gone = browser.post(&format!("/account/addresses/{edit}/delete"), &[]).await;
    assert!(gone.shows("No address is kept yet."), "{}", gone.html);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_bill_goes_to_another_address() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 5).await.to_string();
    let mut guest = Browser::new(&server);
    guest.post("/cart", &[("productId", &lamp), ("quantity", "1")]).await;
    let checkout = guest.open("/checkout").await;
    assert!(checkout.shows("<details class=\"more-fields\">") && checkout.shows("id=\"billing-street\""), "{}", checkout.html);
    for complete in ["shipping address-line1", "shipping country", "billing address-line1", "billing country"] {
        assert!(checkout.shows(&format!("autocomplete=\"{complete}\"")), "{complete}: {}", checkout.html);
    }
    let key = key_of(&checkout);
    let buyer = [("email", "gwen@example.com"), ("name", "Gwen"), ("paymentMethod", "pm_ok"), ("orderKey", &*key)];
    let fields = [&BERLIN[..], &buyer, &[("billing-street", "Rue Oberkampf"), ("billing-country", "FR"), ("billing-zip", "ABC")]].concat();
    let refused = guest.post("/checkout", &fields).await;
    assert!(refused.status == 422 && refused.shows("id=\"billing-zip-fault\"") && !refused.shows("id=\"zip-fault\""), "{}", refused.html);
    assert!(refused.shows("<details class=\"more-fields\" open>") && refused.shows("value=\"Rue Oberkampf\""), "{}", refused.html);
    let key = key_of(&refused);
    let bill = [("billing-street", "Rue Oberkampf"), ("billing-zip", "75011"), ("billing-city", "Paris"), ("billing-country", "FR")];
    let order = guest.post("/checkout", &[&BERLIN[..], &buyer[..3], &[("orderKey", &*key)], &bill].concat()).await;
    assert!(order.path.starts_with("/orders/") && order.shows("Invalidenstraße 1") && order.shows("Rue Oberkampf"), "{}", order.html);
    assert!(order.shows("Billing address"), "{}", order.html);

    let mut customer = Browser::new(&server);
    customer.post("/register", &[("email", "mara@example.com"), ("password", "a long enough password"), ("name", "Mara")]).await;
    let elsewhere =
        [("label", "Work"), ("street", "Chausseestraße"), ("number", "9"), ("zip", "10115"), ("city", "Berlin"), ("country", "DE")];
    customer.post("/account/addresses", &[&BERLIN[..], &[("label", "Home"), ("isDefaultShipping", "1")]].concat()).await;
    customer.post("/account/addresses", &[&elsewhere[..], &[("isDefaultBilling", "1")]].concat()).await;
    customer.post("/cart", &[("productId", &lamp), ("quantity", "1")]).await;
    let checkout = customer.open("/checkout").await;
    let bills = checkout.between("name=\"billingAddressId\"", "</select>").to_owned();
    let chosen =
        bills.split("<option value=\"").find(|option| option.contains(" selected>")).expect("the default billing address is chosen");
    assert!(chosen.contains("Chausseestraße 9"), "{bills}");
    let (ship, bill) = (checkout.between("name=\"addressId\" value=\"", "\" checked"), chosen.split('"').next().unwrap());
    let ship = ship.rsplit("value=\"").next().unwrap();
    let (key, total) = (key_of(&checkout), total_of(&checkout));
    let fields =
        [("addressId", ship), ("billingAddressId", bill), ("paymentMethod", "pm_ok"), ("orderKey", &key), ("expectedTotalAmount", &total)];
    let order = customer.post("/checkout", &fields).await;
    assert!(
        order.path.starts_with("/account/orders/") && order.shows("Invalidenstraße 1") && order.shows("Chausseestraße 9"),
        "{}",
        order.html
    );
    server.stop_and_check().await;
}
