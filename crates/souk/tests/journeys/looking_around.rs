//! Visitors who look for something: categories, filters, variants and reviews, and what crawlers and caches read.

use super::{browser::Browser, server::Server};
use contracts::catalog::{ACTIVATE_PRODUCT, CREATE_CATEGORY, CREATE_PRODUCT, CreateCategory};
use serde_json::{Value, json};
use souk::api_client::{raw, request, set_stock};

#[tokio::test]
async fn variants_filters_and_categories_are_links() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let category = |name: &str, parent| CreateCategory { name: name.parse().unwrap(), parent_category_id: parent };
    let clothes = admin.must(request(&CREATE_CATEGORY).body(&category("Clothes", None))).await.category_id;
    let shirts = admin.must(request(&CREATE_CATEGORY).body(&category("Shirts", Some(clothes)))).await.category_id;
    let group = "01890a5d-ac96-7000-8000-0000000000aa";
    let mut variants = Vec::new();
    for (sku, size, color, price) in [("S-RED", "S", "red", 1_000), ("S-BLUE", "S", "blue", 2_000), ("M-RED", "M", "red", 3_000)] {
        let body = json!({
            "sku": sku, "title": "A </script><b>shirt", "description": "Soft.\nWarm.", "categoryId": shirts, "priceAmount": price,
            "currency": "EUR", "attributes": {"size": size, "color": color}, "productGroupId": group, "options": ["size", "color"],
        });
        let product = admin.must(request(&CREATE_PRODUCT).body(&serde_json::from_value(body).unwrap())).await.product_id;
        admin.must(request(&ACTIVATE_PRODUCT).path(product)).await;
        admin.must(set_stock(sku, product, 3)).await;
        variants.push(product.to_string());
    }
    let mut browser = Browser::new(&server);
    let medium = browser.open(&format!("/products/{}", variants[2])).await;
    assert!(medium.shows("€30.00") && medium.shows(&format!("href=\"/products/{}\"", variants[0])), "{}", medium.html);
    assert!(medium.shows("<span class=\"chip off\" aria-disabled=\"true\">blue"), "no variant is M and blue: {}", medium.html);
    let small = browser.open(&format!("/products/{}", variants[0])).await;
    for other in &variants[1..] {
        assert!(small.shows(&format!("href=\"/products/{other}\"")), "{}", small.html);
    }
    let data = small.between("<script type=\"application/ld+json\">", "</script>");
    let data: Value = serde_json::from_str(data).expect("the whole of it is JSON");
    assert_eq!(data["@graph"][0]["name"], "A </script><b>shirt");
    assert_eq!(
        (&data["@graph"][0]["offers"]["price"], &data["@graph"][1]["itemListElement"][0]["name"]),
        (&json!("10.00"), &json!("Clothes"))
    );
    let canonical = small.between("<link rel=\"canonical\" href=\"", "\"");
    assert!(canonical.starts_with("http://127.0.0.1:") && canonical.ends_with(&variants[0]), "{canonical}");
    assert!(!small.shows("<b>shirt"), "titles are escaped");
    for address in ["?sort=nonsense&rating=9&cursor=", "?sort=helpful&rating=5", "?picture=99"] {
        assert_eq!(browser.open(&format!("/products/{}{address}", variants[0])).await.status, 200, "{address}");
    }

    let found = browser.until("/search?q=shirt&sort=price&priceFrom=5", "1 product<").await;
    assert!(found.shows("Remove filter: </span>from 5") && found.shows("name=\"priceFrom\""), "{}", found.html);
    assert!(
        found.shows("href=\"/search?q=shirt&#38;sort=price\"") || found.shows("href=\"/search?q=shirt&amp;sort=price\""),
        "{}",
        found.html
    );
    let parent = browser.until(&format!("/categories/{clothes}?inStock=true"), "1 product<").await;
    assert!(
        parent.shows("<h1>Clothes</h1>") && parent.shows(&format!("/categories/{shirts}")) && parent.shows("1 product<"),
        "{}",
        parent.html
    );
    assert_eq!(browser.open("/categories/nowhere").await.status, 404);
    let nothing = browser.open(&format!("/categories/{clothes}?priceFrom=900")).await;
    assert!(nothing.shows("Nothing found") && nothing.shows("Remove all filters") || nothing.shows("Without Price: 1"), "{}", nothing.html);

    let sitemap = browser.open("/sitemap.xml").await;
    assert!(sitemap.shows(&format!("/sitemaps/{shirts}.xml</loc>")), "{}", sitemap.html);
    let of_shirts = browser.open(&format!("/sitemaps/{shirts}.xml")).await;
    assert!(variants.iter().all(|id| of_shirts.shows(&format!("/products/{id}</loc>"))), "{}", of_shirts.html);
    let robots = browser.open("/robots.txt").await;
    assert!(robots.shows("Disallow: /account\n") && robots.shows("/sitemap.xml\n"), "{}", robots.html);
    server.stop_and_check().await;
}

#[tokio::test]
async fn pages_that_show_nothing_of_a_visitor_are_kept_by_caches() {
    let server = Server::start().await;
    let open = |path: &str| raw("GET".parse().unwrap(), &format!("/{path}")).header("accept", "text/html");
    let home = server.api.send(open("/")).await.unwrap();
    let header = |name: &str| home.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let tag = header("etag");
    assert!(tag.starts_with("W/\"") && header("cache-control") == "public, no-cache", "{:?}", home.headers);
    let vary: Vec<_> = home.headers.get_all("vary").iter().map(|value| value.to_str().unwrap().to_lowercase()).collect();
    assert!(vary.join(", ").contains("cookie") && vary.join(", ").contains("accept-language"), "{vary:?}");
    let again = server.api.send(open("/").header("if-none-match", &tag)).await.unwrap();
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let german = server.api.send(open("/").header("if-none-match", &tag).header("accept-language", "de")).await.unwrap();
    assert_eq!(german.status, 200, "another language is another page");

    let mut browser = Browser::new(&server);
    browser.post("/register", &[("email", "mara@example.com"), ("password", "a long enough password"), ("name", "Mara")]).await;
    let own = server.api.send(open("/").header("cookie", &browser.cookie).header("if-none-match", &tag)).await.unwrap();
    assert_eq!((own.status.as_u16(), own.headers.get("cache-control").unwrap().to_str().unwrap()), (200, "private, no-store"));
    assert!(own.headers.get("etag").is_none());
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_browser_shows_again_what_it_saw_until_it_forgets() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 5).await;
    let chair = server.product(&admin, "CHAIR-1", 9_900, 5).await;
    let mut browser = Browser::new(&server);
    assert!(!browser.open("/").await.shows("Seen lately"));
    for product in [lamp, chair] {
        assert_eq!(browser.open(&format!("/products/{product}")).await.status, 200);
    }
    let home = browser.open("/").await;
    let row = home.html.split("Seen lately").nth(1).expect("the row is there").to_owned();
    let place = |id| row.find(&format!("/products/{id}")).expect("the product is in the row");
    assert!(place(chair) < place(lamp), "the last one is the first: {row}");

    let open =
        |path: &str, cookie: &str| raw("GET".parse().unwrap(), &format!("/{path}")).header("accept", "text/html").header("cookie", cookie);
    let own = server.api.send(open("/", &browser.cookie)).await.unwrap();
    assert_eq!(own.headers["cache-control"], "private, no-cache", "caches of others do not keep it");
    let tag = own.headers["etag"].to_str().unwrap().to_owned();
    let again = server.api.send(open("/", &browser.cookie).header("if-none-match", &tag)).await.unwrap();
    assert!(again.status == 304 && !again.headers.contains_key("set-cookie"), "{:?}", again.headers);
    let nonsense = server.api.send(open("/", "souk-seen=x.y;souk-seen=z")).await.unwrap();
    assert_eq!(nonsense.status, 200, "anyone writes cookies");

    let forgotten = browser.post("/seen/forget", &[]).await;
    assert!(forgotten.path == "/" && !forgotten.shows("Seen lately"), "{}", forgotten.html);
    server.stop_and_check().await;
}
