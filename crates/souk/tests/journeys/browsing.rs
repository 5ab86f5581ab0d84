//! A visitor of the web pages, with a browser that runs no scripts.

use super::server::Server;
use platform::http::encode_text;
use souk::api_client::{Api, Reply, raw};

/// What a browser without scripts does: it keeps cookies, posts forms and follows one redirection.
struct Browser {
    api: Api,
    cookie: String,
}

struct Shown {
    status: u16,
    path: String,
    html: String,
}

impl Shown {
    /// The value of the first attribute or text between `before` and `after`.
    fn between(&self, before: &str, after: &str) -> &str {
        let (_, rest) = self.html.split_once(before).unwrap_or_else(|| panic!("{} has no {before}: {}", self.path, self.html));
        rest.split_once(after).expect("it ends").0
    }

    fn shows(&self, text: &str) -> bool {
        self.html.contains(text)
    }
}

impl Browser {
    fn new(server: &Server) -> Browser {
        Browser { api: server.api.clone(), cookie: String::new() }
    }

    fn keep_cookie<A>(&mut self, reply: &Reply<A>) {
        for cookie in reply.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
    }

    async fn open(&mut self, path: &str) -> Shown {
        let request = raw("GET".parse().unwrap(), &format!("/{path}")).header("cookie", &self.cookie).header("accept", "text/html");
        let reply = self.api.send(request).await.unwrap();
        self.keep_cookie(&reply);
        Shown { status: reply.status.as_u16(), path: path.to_owned(), html: String::from_utf8(reply.body.to_vec()).unwrap() }
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let mut form = String::new();
        for (name, value) in fields {
            form.push_str(if form.is_empty() { "" } else { "&" });
            encode_text(name, &mut form);
            form.push('=');
            encode_text(value, &mut form);
        }
        let request = raw("POST".parse().unwrap(), &format!("/{path}"))
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .bytes("application/x-www-form-urlencoded", form.into_bytes());
        let reply = self.api.send(request).await.unwrap();
        self.keep_cookie(&reply);
        match reply.headers.get("location") {
            Some(to) if reply.status == 303 => {
                let to = to.to_str().unwrap().to_owned();
                self.open(&to).await
            }
            _ => Shown { status: reply.status.as_u16(), path: path.to_owned(), html: String::from_utf8(reply.body.to_vec()).unwrap() },
        }
    }
}

#[tokio::test]
async fn a_guest_fills_a_cart_registers_and_orders() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 5).await;
    let mut browser = Browser::new(&server);
    let product = browser.open(&format!("/products/{lamp}")).await;
    assert_eq!(product.status, 200);
    assert!(product.shows("€49.00") && product.shows("5 left"), "{}", product.html);

    let cart = browser.post("/cart", &[("productId", &lamp.to_string()), ("quantity", "2")]).await;
    assert_eq!((cart.status, &*cart.path), (200, "/cart"));
    assert!(cart.shows("€98.00") && cart.shows("It is in your cart."), "{}", cart.html);
    let checkout = browser.post("/register", &[("email", "mara@example.com"), ("password", "short"), ("name", "Mara")]).await;
    assert_eq!(checkout.status, 422);
    assert!(checkout.shows("password-fault") && checkout.shows("mara@example.com") && !checkout.shows("value=\"short\""));
    let fields = [("email", "mara@example.com"), ("password", "a long enough password"), ("name", "Mara"), ("next", "/checkout")];
    let checkout = browser.post("/register", &fields).await;
    assert_eq!((checkout.status, &*checkout.path), (200, "/checkout"));
    assert!(checkout.shows("2 × "), "the guest's cart moved into the account: {}", checkout.html);

    let key = checkout.between("name=\"orderKey\" value=\"", "\"").to_owned();
    let fields =
        [("orderKey", &*key), ("paymentMethod", "pm_ok"), ("city", "Berlin"), ("zip", "10115"), ("country", "DE"), ("number", "1")];
    let refused = browser.post("/checkout", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.shows("street-fault") && refused.shows("value=\"10115\""), "what was typed stays: {}", refused.html);
    let key = refused.between("name=\"orderKey\" value=\"", "\"").to_owned();
    let fields = [&fields[1..], &[("orderKey", &*key), ("street", "Invalidenstraße")]].concat();
    let order = browser.post("/checkout", &fields).await;
    assert_eq!(order.status, 200);
    assert!(
        order.path.starts_with("/account/orders/") && order.shows("Invalidenstraße 1") && order.shows("<ol class=\"timeline\">"),
        "{}",
        order.html
    );
    let again = browser.post("/checkout", &fields).await;
    assert!(again.path.starts_with("/account/orders/") || again.path == "/cart", "a second click orders nothing: {}", again.path);
    let orders = browser.open("/account/orders").await;
    assert_eq!(orders.html.matches("<li class=\"line\">").count(), 1, "{}", orders.html);

    let mut stranger = Browser::new(&server);
    let to_login = stranger.open(&order.path).await;
    assert_eq!(to_login.status, 303);
    server.stop_and_check().await;
}

#[tokio::test]
async fn pages_refuse_other_sites_and_say_what_is_missing() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let home = browser.open("/").await;
    assert_eq!(home.status, 200);
    assert!(!home.shows("<script>") && !home.shows("style=\""), "nothing inline");
    let missing = browser.open("/nowhere").await;
    assert_eq!(missing.status, 404);
    assert!(missing.shows("There is no such page"));
    let search = browser.open("/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert_eq!(search.status, 200);
    assert!(search.shows("Nothing found") && !search.shows("<script>alert"), "{}", search.html);

    let forged = raw("POST".parse().unwrap(), "//logout").header("sec-fetch-site", "cross-site");
    assert_eq!(server.api.send(forged).await.unwrap().status, 403);
    let api = server.api.send(raw("GET".parse().unwrap(), "//nowhere")).await.unwrap();
    assert_eq!(api.problem(), (404, "NOT_FOUND".to_owned()));
    server.stop_and_check().await;
}
