//! The pages of an account, and what links of mails lead to, in a browser without scripts.

use super::{
    browser::{Browser, Shown},
    server::{PASSWORD, Server},
    verifying::mails,
};
use souk::api_client::raw;

const EMAIL: &str = "mara@example.com";

async fn registered(server: &Server) -> Browser {
    let mut browser = Browser::new(server);
    let home = browser.post("/register", &[("email", EMAIL), ("password", PASSWORD), ("name", "Mara")]).await;
    assert_eq!((home.status, &*home.path), (200, "/"));
    browser
}

fn form_key(page: &Shown) -> String {
    page.between("name=\"formKey\" value=\"", "\"").to_owned()
}

/// The path of the link in a mail to a page of this name, with the token.
fn link_of(mail: &str, page: &str) -> String {
    let mail = mail.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = mail.split_once(&format!("/{page}")).unwrap_or_else(|| panic!("no {page} in {mail}"));
    let end = rest.find(|c: char| c.is_whitespace() || c == '"' || c == '<').unwrap_or(rest.len());
    format!("/{page}{}", &rest[..end])
}

#[tokio::test]
async fn a_customer_keeps_the_profile_and_leaves() {
    let server = Server::start().await;
    let mut browser = registered(&server).await;
    for path in ["", "/orders", "/addresses", "/reviews", "/wishlist", "/notifications", "/preferences", "/sessions", "/profile", "/data"] {
        let path = format!("/account{path}");
        let page = browser.open(&path).await;
        assert!(page.status == 200 && page.shows("aria-current=\"page\"") && page.html.matches("<h1").count() == 1, "{}", page.html);
        assert_eq!(Browser::new(&server).open(&path).await.status, 303, "{path} asks for a login");
    }
    let refused = browser.post("/account/profile", &[("name", ""), ("phone", "none")]).await;
    assert!(refused.status == 422 && refused.shows("name-fault") && refused.shows("phone-fault"), "{}", refused.html);
    assert!(refused.shows("value=\"none\""), "what was typed stays");
    let saved = browser.post("/account/profile", &[("name", "Mara M."), ("phone", "+4930123456")]).await;
    assert!(saved.status == 200 && saved.shows("value=\"Mara M.\"") && saved.shows("It is saved."), "{}", saved.html);

    let verification = mails(&server, "EMAIL_VERIFICATION", EMAIL, 1).await;
    let link = link_of(&verification[0], "email/verify");
    let (path, token) = link.split_once("#token=").expect("the token stands in the fragment");
    assert!(browser.open(path).await.shows("data-fragment=\"token\""));
    let wrong = browser.post(path, &[("token", "nonsense")]).await;
    assert!(wrong.status >= 400 && wrong.shows("token-fault"), "{}", wrong.html);
    // A browser without scripts gets the whole link pasted.
    let verified = browser.post(path, &[("token", &format!("http://shop/{link}"))]).await;
    assert!(verified.path == "/account" && verified.shows("The address is verified.") && !token.is_empty(), "{}", verified.html);

    let refused =
        browser.post("/account/profile/password", &[("currentPassword", "not mine"), ("newPassword", "another long password")]).await;
    assert!(refused.status == 422 && refused.shows("currentPassword-fault"), "{} {}", refused.status, refused.html);
    let changed =
        browser.post("/account/profile/password", &[("currentPassword", PASSWORD), ("newPassword", "another long password")]).await;
    assert!(changed.path == "/account/profile" && changed.shows("The password is changed."), "{} {}", changed.path, changed.html);

    let mut forgetful = Browser::new(&server);
    let sent = forgetful.post("/password/forgot", &[("email", EMAIL)]).await;
    assert!(sent.status == 200 && sent.shows("a mail with a link is on its way"), "{}", sent.html);
    let reset = mails(&server, "PASSWORD_RESET", EMAIL, 1).await;
    let link = link_of(&reset[0], "password/reset");
    let page = forgetful.open(&link).await;
    let token = page.between("name=\"token\" value=\"", "\"").to_owned();
    let short = forgetful.post("/password/reset", &[("token", &token), ("newPassword", "short")]).await;
    assert!(short.status == 422 && short.shows("newPassword-fault"), "{}", short.html);
    let set = forgetful.post("/password/reset", &[("token", &token), ("newPassword", "a third long password")]).await;
    assert!(set.path == "/login" && set.shows("The password is changed."), "{}", set.html);
    let twice = forgetful.post("/password/reset", &[("token", &token), ("newPassword", "a third long password")]).await;
    assert!(twice.shows("This link does not work any more"), "{}", twice.html);
    let ended = browser.open("/account/data").await;
    assert!(ended.status == 200 || ended.status == 303);

    let inside = forgetful.post("/login", &[("email", EMAIL), ("password", "a third long password"), ("next", "/account/data")]).await;
    assert_eq!(inside.path, "/account/data");
    let file = forgetful.post("/account/data/export", &[]).await;
    assert!(file.status == 200 && file.html.starts_with('{') && file.shows("+4930123456"), "{}", file.html);
    let unmeant = forgetful.post("/account/data/erase", &[("password", "a third long password")]).await;
    assert!(unmeant.status == 422 && unmeant.shows("meant-fault"), "{}", unmeant.html);
    let guessed = forgetful.post("/account/data/erase", &[("password", "not mine"), ("meant", "1")]).await;
    assert!(guessed.status >= 400 && guessed.shows("password-fault"), "{}", guessed.html);
    let gone = forgetful.post("/account/data/erase", &[("password", "a third long password"), ("meant", "1")]).await;
    assert!(gone.path == "/" && gone.shows("Your account is erased.") && gone.shows("Log in"), "{}", gone.html);
    let refused = forgetful.post("/login", &[("email", EMAIL), ("password", "a third long password")]).await;
    assert_eq!(refused.status, 401);
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_was_delivered_is_reviewed_and_sent_back() {
    let server = Server::start_with(&[
        ("SOUK_SHIPPING_SIMULATE", "true"),
        ("SOUK_SHIPPING_SIMULATE_STEP_SECONDS", "1"),
        ("SOUK_REVIEW_PUBLISH_AT_ONCE", "true"),
    ])
    .await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 5).await.to_string();
    let mut browser = registered(&server).await;
    browser.post("/cart", &[("productId", &lamp), ("quantity", "2")]).await;
    let checkout = browser.open("/checkout").await;
    let fields = [
        ("street", "Invalidenstraße"),
        ("number", "1"),
        ("zip", "10115"),
        ("city", "Berlin"),
        ("country", "DE"),
        ("paymentMethod", "pm_ok"),
        ("orderKey", checkout.between("name=\"orderKey\" value=\"", "\"")),
    ];
    let order = browser.post("/checkout", &fields).await;
    assert_eq!(order.status, 200, "{}", order.html);
    let stream = order.between("data-live=\"", "?since=").to_owned();
    let events = browser.open(&format!("{stream}?since=before")).await;
    assert!(events.status == 200 && events.shows("event: changed\ndata: "), "{}", events.html);
    let raw_stream = raw("GET".parse().unwrap(), &format!("/{stream}?since=before")).header("cookie", &browser.cookie);
    assert_eq!(server.api.send(raw_stream).await.unwrap().headers["x-accel-buffering"], "no", "a proxy does not hold events back");
    let mut stranger = Browser::new(&server);
    assert_eq!(stranger.open(&stream).await.status, 404);

    let delivered = browser.until(&order.path, "Send something back").await;
    let path = delivered.between("href=\"/account/reviews/new", "\"").to_owned();
    let form = browser.open(&format!("/account/reviews/new{path}")).await;
    let review = format!("/products/{lamp}/review");
    let refused = browser.post(&review, &[("rating", ""), ("title", "Bright"), ("formKey", &form_key(&form))]).await;
    assert!(refused.status == 422 && refused.shows("rating-fault") && refused.shows("value=\"Bright\""), "{}", refused.html);
    let fields = [("rating", "4"), ("title", "Bright"), ("text", "One\r\nTwo"), ("formKey", &*form_key(&refused))];
    let reviews = browser.post(&review, &fields).await;
    assert!(reviews.path == "/account/reviews" && reviews.shows("Bright") && reviews.shows("One\nTwo"), "{}", reviews.html);
    let twice = browser.post(&review, &fields).await;
    assert_eq!(twice.html.matches("<article").count(), 1, "a second click writes nothing: {}", twice.html);
    let edit = format!("/account/reviews/{}", reviews.between("href=\"/account/reviews/", "\""));
    assert!(browser.open(&edit).await.shows("value=\"4\" checked"));
    let changed = browser.post(&edit, &[("rating", "5"), ("title", "Very bright"), ("text", "")]).await;
    assert!(changed.shows("Very bright") && !changed.shows("One\nTwo"), "{}", changed.html);
    stranger.post("/register", &[("email", "eve@example.com"), ("password", PASSWORD), ("name", "Eve")]).await;
    let helpful = format!("/products/{lamp}/reviews/{}/helpful", edit.rsplit('/').next().unwrap());
    stranger.post(&helpful, &[]).await;
    let voted = stranger.post(&helpful, &[]).await;
    assert!(voted.shows("Very bright") && voted.shows("Helpful · 1"), "a second vote changes nothing: {}", voted.html);
    let reported = stranger.post(&helpful.replace("helpful", "report"), &[("reason", "Spam")]).await;
    assert!(reported.shows("Thank you."), "{}", reported.html);
    let nobody = Browser::new(&server).post(&helpful, &[]).await;
    assert!(nobody.path.starts_with("/login?next=%2Fproducts"), "{}", nobody.path);
    let foreign = stranger.post(&edit, &[("rating", "1")]).await;
    assert_eq!(foreign.status, 404, "{}", foreign.html);
    assert_eq!(stranger.open(&order.path).await.status, 404);

    let part = delivered.between("/return?part=", "\"").to_owned();
    let form = browser.open(&format!("{}/return?part={part}", order.path)).await;
    let item = form.between("name=\"quantity-", "\"").to_owned();
    let (quantity, reason) = (format!("quantity-{item}"), format!("reason-{item}"));
    let key = form_key(&form);
    let send = |count: &'static str, key: String| {
        [
            ("part".to_owned(), part.clone()),
            (quantity.clone(), count.to_owned()),
            (reason.clone(), "DAMAGED".to_owned()),
            ("formKey".to_owned(), key),
        ]
    };
    let path = format!("{}/return", order.path);
    let fields = send("0", key);
    let none = browser.post(&path, &fields.each_ref().map(|(name, value)| (&**name, &**value))).await;
    assert!(none.status == 422 && none.shows("role=\"alert\""), "{}", none.html);
    let fields = send("1", form_key(&none));
    let fields = fields.each_ref().map(|(name, value)| (&**name, &**value));
    let asked = browser.post(&path, &fields).await;
    assert!(asked.status == 200 && asked.path.contains("/returns/") && asked.shows("Requested"), "{}", asked.html);
    assert_eq!(browser.post(&path, &fields).await.path, asked.path, "a second click asks for nothing more");
    assert_eq!(stranger.open(&asked.path).await.status, 404);
    assert!(browser.open(&order.path).await.shows("/returns/"));
    let cancelled = browser.post(&format!("{}/cancel", asked.path), &[]).await;
    assert!(cancelled.shows("Cancelled"), "{}", cancelled.html);
    server.stop_and_check().await;
}

#[tokio::test]
async fn every_link_of_a_mail_leads_to_a_page() {
    let server = Server::start().await;
    registered(&server).await;
    let mail = mails(&server, "REGISTERED", EMAIL, 1).await;
    assert!(mail[0].contains("http://127.0.0.1:"), "it has a link to the shop: {}", mail[0]);
    for path in ["/password/forgot", "/password/reset?token=x", "/email/verify", "/email/verify?token=x"] {
        let page = server.api.send(raw("GET".parse().unwrap(), &format!("/{path}")).header("accept", "text/html")).await.unwrap();
        assert_eq!(page.status, 200, "{path}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn wishes_preferences_and_logins_are_the_customers_own() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 0).await.to_string();
    let mut browser = registered(&server).await;
    let product = browser.open(&format!("/products/{lamp}")).await;
    assert!(product.shows("Sold out") && product.shows("Tell me when it is back"), "{}", product.html);
    let told = browser.post(&format!("/products/{lamp}/stock-alert"), &[]).await;
    assert!(told.status == 200 && told.shows("It is saved."), "{}", told.html);
    let wishes = browser.post(&format!("/products/{lamp}/wish"), &[]).await;
    assert!(wishes.path == "/account/wishlist" && wishes.shows("The LAMP-1"), "{}", wishes.html);
    let twice = browser.post(&format!("/products/{lamp}/wish"), &[]).await;
    assert_eq!(twice.html.matches("<li class=\"line\">").count(), 1, "{}", twice.html);
    let none = browser.post(&format!("/products/{lamp}/wish"), &[("remove", "1")]).await;
    assert!(none.shows("Nothing is on your wish list yet."), "{}", none.html);

    let refused = browser.post("/account/preferences", &[("email", "1"), ("webhookUrl", "nonsense"), ("SHIPPED.EMAIL", "1")]).await;
    assert!(refused.status == 422 && refused.shows("webhookUrl-fault") && refused.shows("value=\"nonsense\""), "{}", refused.html);
    let shown = browser.open("/account/preferences").await;
    let checked = |page: &Shown, name: &str| {
        page.shows(&format!("name=\"{name}\" value=\"1\"")) && page.between(&format!("name=\"{name}\""), ">").contains("checked")
    };
    assert!(checked(&shown, "SHIPPED.EMAIL") && !checked(&shown, "SHIPPED.SMS"));
    // One box is changed, the others are sent as they were shown.
    let names: Vec<String> = shown.html.split("name=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect();
    let kept = |without: &str| -> Vec<(String, &'static str)> {
        names
            .iter()
            .filter(|name| name.contains(".EMAIL") && *name != without && checked(&shown, name))
            .map(|name| (name.clone(), "1"))
            .collect()
    };
    let fields = kept("SHIPPED.EMAIL");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, *value)).chain([("email", "1")]).collect();
    let saved = browser.post("/account/preferences", &fields).await;
    assert!(saved.shows("It is saved.") && !checked(&saved, "SHIPPED.EMAIL") && checked(&saved, "DELIVERED.EMAIL"), "{}", saved.html);
    // Without mails at all the kinds follow, and the one with a choice of its own stays as it is.
    let off = browser.post("/account/preferences", &fields[..fields.len() - 1]).await;
    assert!(!checked(&off, "email") && !checked(&off, "DELIVERED.EMAIL") && !checked(&off, "SHIPPED.EMAIL"), "{}", off.html);

    let mut other = Browser::new(&server);
    other.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    let sessions = browser.open("/account/sessions").await;
    assert!(sessions.shows("This one") && sessions.html.matches("/end\"").count() == 1, "{}", sessions.html);
    let end = format!("/account/sessions/{}/end", sessions.between("action=\"/account/sessions/", "/end"));
    let mut stranger = Browser::new(&server);
    stranger.post("/register", &[("email", "eve@example.com"), ("password", PASSWORD), ("name", "Eve")]).await;
    stranger.post(&end, &[]).await;
    assert_eq!(other.open("/account").await.status, 200, "a stranger ends nothing");
    let ended = browser.post(&end, &[]).await;
    assert!(!ended.shows("/end\""), "{}", ended.html);
    server.stop_and_check().await;
}
