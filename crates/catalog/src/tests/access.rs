use super::*;
use axum::http::Method;

#[tokio::test]
async fn the_public_sees_active_products_and_the_seller_sees_all() {
    let h = catalog().await;
    let (seller, stranger) = (h.id(), h.id());
    let lamps = category(&h, "Lamps", None).await;
    let draft = create(&h, seller, &lamp_in("DRAFT", lamps)).await;
    let active = create_active(&h, seller, &lamp_in("ACTIVE", lamps)).await;
    let inactive = create_active(&h, seller, &lamp_in("INACTIVE", lamps)).await;
    advance(&h, seller, &inactive, "deactivate").await.expect(200);
    let archived = create_active(&h, seller, &lamp_in("ARCHIVED", lamps)).await;
    advance(&h, seller, &archived, "archive").await.expect(200);

    for (product, public) in [(&draft, 404), (&active, 200), (&inactive, 404), (&archived, 404)] {
        let by_sku = format!("/products/by-sku/{}", product.sku);
        for read in [path(product), by_sku, format!("{}/price-history", path(product))] {
            h.get(&read).send().await.expect(public);
            h.get(&read).customer(stranger).send().await.expect(public);
            h.get(&read).seller(stranger).send().await.expect(public);
            h.get(&read).service("cart").send().await.expect(public);
            h.get(&read).seller(seller).send().await.expect(200);
            h.get(&read).admin().send().await.expect(200);
        }
    }
    h.get(&path(&active)).bearer("made.up.token").send().await.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn products_of_others_are_not_found() {
    let h = catalog().await;
    let (seller, stranger) = (h.id(), h.id());
    let lamps = category(&h, "Lamps", None).await;
    let product = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    let before = emitted_types(&h).await.len();
    h.patch(&path(&product), &json!({"priceAmount": 1})).seller(stranger).send().await.expect_problem(404, "NOT_FOUND");
    for verb in ["activate", "deactivate", "archive"] {
        advance(&h, stranger, &product, verb).await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(emitted_types(&h).await.len(), before);
    assert_eq!(h.get(&path(&product)).send().await.read::<Product>(), product);
    // An administrator may do it.
    h.patch(&path(&product), &json!({"title": "Moderated"})).admin().send().await.expect(200);
    let after: Product = h.post(&format!("{}/deactivate", path(&product)), &json!({})).admin().send().await.expect(200).read();
    assert_eq!((after.seller_id, after.title.as_str()), (Some(seller), "Moderated"));
}

#[tokio::test]
async fn a_product_of_an_administrator_belongs_to_the_marketplace() {
    let h = catalog().await;
    let product: Product = h.post("/products", &lamp("LAMP-1")).admin().send().await.expect(201).read();
    assert_eq!(product.seller_id, None);
    h.patch(&path(&product), &json!({"title": "Mine"})).seller(h.id()).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn every_route_checks_the_caller() {
    let h = catalog().await;
    let id = h.id::<Uuid>();
    let one = json!({"productIds": [id]});
    let sellers = [
        (Method::POST, "/products".to_owned(), lamp("LAMP-1")),
        (Method::PATCH, format!("/products/{id}"), json!({"title": "x"})),
        (Method::POST, format!("/products/{id}/activate"), json!({})),
        (Method::POST, format!("/products/{id}/deactivate"), json!({})),
        (Method::POST, format!("/products/{id}/archive"), json!({})),
    ];
    let admins = [
        (Method::POST, "/categories".to_owned(), json!({"name": "Lamps"})),
        (Method::PATCH, format!("/categories/{id}"), json!({"name": "Lamps"})),
        (Method::DELETE, format!("/categories/{id}"), json!({})),
    ];
    let services = [(Method::POST, "/internal/products/lookup".to_owned(), one)];
    let request = |(method, path, body): &(Method, String, Value)| h.request(method.clone(), path).json(body);
    for route in sellers.iter().chain(&admins).chain(&services) {
        request(route).send().await.expect_problem(401, "UNAUTHENTICATED");
        request(route).customer(h.id()).send().await.expect_problem(403, "FORBIDDEN");
        request(route).service("notification").send().await.expect_problem(403, "FORBIDDEN");
    }
    for route in admins.iter().chain(&services) {
        request(route).seller(h.id()).send().await.expect_problem(403, "FORBIDDEN");
    }
    for route in &services {
        request(route).admin().send().await.expect_problem(403, "FORBIDDEN");
    }
    for client in ["cart", "inventory", "order"] {
        request(&services[0]).service(client).send().await.expect(200);
    }
    assert_eq!(emitted_types(&h).await.len(), 0);
}
