use super::*;
use axum::http::Method;

/// Returns the body of a lamp with one field changed.
fn with(field: &str, value: Value) -> String {
    let mut body = lamp("LAMP-1");
    body[field] = value;
    body.to_string()
}

/// The same for text that a `Value` cannot hold.
fn with_raw(field: &str, value: &str) -> String {
    let mut body = lamp("LAMP-1");
    body.as_object_mut().unwrap().remove(field);
    format!("{},\"{field}\":{value}}}", body.to_string().trim_end_matches('}'))
}

#[tokio::test]
async fn an_invalid_product_is_refused_with_a_pointer() {
    let h = catalog().await;
    let seller = h.id();
    let (pairs, keys) = (|count: usize| (0..count).map(|n| (format!("a{n}"), json!("x"))).collect::<serde_json::Map<_, _>>(), 51);
    let images = |count: usize| json!(vec!["/i.webp"; count]);
    let cases: Vec<(String, &str)> = vec![
        // Fields that the caller may not set.
        (with("status", json!("ACTIVE")), "/status"),
        (with("sellerId", json!(h.id::<Uuid>())), "/sellerId"),
        (with("productId", json!(h.id::<Uuid>())), "/productId"),
        (with("version", json!(9)), "/version"),
        (with("createdAt", json!("2020-01-01T00:00:00Z")), "/createdAt"),
        (with("categoryPath", json!([])), "/categoryPath"),
        (with("__proto__", json!({"isAdmin": true})), "/__proto__"),
        // Prices.
        (with("priceAmount", json!(0)), "/priceAmount"),
        (with("priceAmount", json!(-1)), "/priceAmount"),
        (with("priceAmount", json!(10_000_000_000_001_i64)), "/priceAmount"),
        (with("priceAmount", json!(i64::MAX)), "/priceAmount"),
        (with("priceAmount", json!(u64::MAX)), "/priceAmount"),
        (with("priceAmount", json!(19.99)), "/priceAmount"),
        (with("priceAmount", json!("1999")), "/priceAmount"),
        (with("priceAmount", json!(null)), "/priceAmount"),
        (with_raw("priceAmount", "1e400"), "/priceAmount"),
        (with_raw("priceAmount", "99999999999999999999999999"), "/priceAmount"),
        // Currencies.
        (with("currency", json!("eur")), "/currency"),
        (with("currency", json!("EURO")), "/currency"),
        (with("currency", json!("€")), "/currency"),
        (with("currency", json!(["EUR", "USD"])), "/currency"),
        (with("currency", json!(null)), "/currency"),
        // Text.
        (with("sku", json!("")), "/sku"),
        (with("sku", json!("ab")), "/sku"),
        (with("sku", json!("a".repeat(41))), "/sku"),
        (with("sku", json!("a b c")), "/sku"),
        (with("sku", json!("../../etc/passwd")), "/sku"),
        (with("sku", json!("LAMP'; DROP TABLE products")), "/sku"),
        (with("sku", json!("LÄMP-1")), "/sku"),
        (with("sku", json!(1)), "/sku"),
        (with("title", json!("")), "/title"),
        (with("title", json!("   ")), "/title"),
        (with("title", json!("a".repeat(201))), "/title"),
        (with("title", json!("two\nlines")), "/title"),
        (with("title", json!("nul\u{0}")), "/title"),
        (with("title", json!("bell\u{7}")), "/title"),
        (with("title", json!("\u{202E}evil")), "/title"),
        (with("title", json!("zero\u{200B}width")), "/title"),
        (with("title", json!({"en": "Lamp"})), "/title"),
        (with("description", json!("a".repeat(5_001))), "/description"),
        (with("description", json!("esc\u{1b}[31m")), "/description"),
        (with("brand", json!("")), "/brand"),
        (with("brand", json!("a".repeat(201))), "/brand"),
        // Ids.
        (with("categoryId", json!("lamps")), "/categoryId"),
        (with("categoryId", json!(7)), "/categoryId"),
        (with("categoryId", json!("' OR 1=1 --")), "/categoryId"),
        (with("productGroupId", json!("shirts")), "/productGroupId"),
        // Lists and maps.
        (with("images", images(21)), "/images"),
        (with("images", json!("/i.webp")), "/images"),
        (with("images", json!(["javascript:alert(1)"])), "/images/0"),
        (with("images", json!(["/ok.webp", "//evil.example/x"])), "/images/1"),
        (with("images", json!(["/../etc/passwd"])), "/images/0"),
        (with("images", json!([format!("https://example.com/{}", "a".repeat(2_000))])), "/images/0"),
        (with("attributes", Value::Object(pairs(keys))), "/attributes"),
        (with("attributes", json!({"size": {"deep": {"deeper": 1}}})), "/attributes/size"),
        (with("attributes", json!({"size": ["M"]})), "/attributes/size"),
        (with("attributes", json!({"size": 1})), "/attributes/size"),
        (with("attributes", json!({"size": ""})), "/attributes/size"),
        (with("attributes", json!({"size": "a".repeat(201)})), "/attributes/size"),
        (with("attributes", json!({"": "x"})), "/attributes"),
        (with("attributes", json!({"a.b": "x"})), "/attributes"),
        (with("attributes", json!({"a".repeat(51): "x"})), "/attributes"),
        (with("attributes", json!([["size", "M"]])), "/attributes"),
        (with_raw("attributes", r#"{"size":"M","size":"L"}"#), "/attributes/size"),
        (with("options", json!(["a", "b", "c", "d", "e", "f"])), "/options"),
        (with("options", json!({"size": "M"})), "/options"),
        // The whole body.
        (with_raw("sku", "\"LAMP-1\",\"sku\":\"LAMP-2\""), "/sku"),
        ("[]".to_owned(), ""),
        ("null".to_owned(), ""),
        ("\"LAMP-1\"".to_owned(), ""),
    ];
    for (body, pointer) in cases {
        let answer = h.request(Method::POST, "/products").seller(seller).raw("application/json", body.clone()).send().await;
        assert_eq!(answer.status, 422, "{body}: {}", String::from_utf8_lossy(&answer.body));
        let answer = answer.expect_problem(422, "INVALID_REQUEST");
        let at = answer.json()["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
        assert!(at == pointer || (pointer == "/attributes" && at.starts_with("/attributes/")), "{body}: {at} and not {pointer}");
    }
    for missing in ["sku", "title", "priceAmount", "currency"] {
        let mut body = lamp("LAMP-1");
        body.as_object_mut().unwrap().remove(missing);
        let answer = h.post("/products", &body).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
        assert!(answer.json()["errors"][0].to_string().contains(missing), "{missing}");
    }
    assert_eq!(emitted_types(&h).await.len(), 0);
}

#[tokio::test]
async fn bodies_that_are_not_json_or_too_large_are_refused() {
    let h = catalog().await;
    let seller = h.id();
    let deep = with_raw("attributes", &format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)));
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("application/json", b"".to_vec(), 400, "MALFORMED_REQUEST"),
        ("application/json", b"sku=LAMP-1".to_vec(), 400, "MALFORMED_REQUEST"),
        ("application/json", b"{\"sku\": \"LAMP-1\"".to_vec(), 400, "MALFORMED_REQUEST"),
        ("application/json", b"{\"title\": \"\xff\xfe\"}".to_vec(), 400, "MALFORMED_REQUEST"),
        ("application/json", b"{} {}".to_vec(), 400, "MALFORMED_REQUEST"),
        ("application/json", deep.into_bytes(), 400, "MALFORMED_REQUEST"),
        ("application/json", with("description", json!("a".repeat(10_000_000))).into_bytes(), 413, "PAYLOAD_TOO_LARGE"),
        ("text/plain", lamp("LAMP-1").to_string().into_bytes(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/x-www-form-urlencoded", b"sku=LAMP-1".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ];
    for (content_type, body, status, code) in cases {
        h.request(Method::POST, "/products").seller(seller).raw(content_type, body).send().await.expect_problem(status, code);
    }
    assert_eq!(emitted_types(&h).await.len(), 0);
}

#[tokio::test]
async fn the_largest_valid_product_is_stored_unchanged() {
    let h = catalog().await;
    let seller = h.id();
    let wide = "\u{1F469}\u{200D}\u{1F680}\u{0301}";
    let attributes: serde_json::Map<_, _> = (0..50).map(|n| (format!("{n:0>2}{}", "ü".repeat(48)), json!(wide.repeat(50)))).collect();
    let body = json!({
        "sku": "A".repeat(40), "title": "<script>{{7*7}}</script> '; DROP TABLE products; -- محمد 李", "description": wide.repeat(1_250),
        "priceAmount": 10_000_000_000_000_i64, "currency": "KWD", "attributes": attributes,
        "images": vec![format!("https://example.com/{}", "a".repeat(1_980)); 20],
    });
    let made = create(&h, seller, &body).await;
    let shown: Value = h.get(&path(&made)).seller(seller).send().await.expect(200).json();
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
}

#[tokio::test]
async fn an_invalid_update_is_refused_and_changes_nothing() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    for (body, pointer) in [
        (json!({"status": "ACTIVE"}), "/status"),
        (json!({"sellerId": h.id::<Uuid>()}), "/sellerId"),
        (json!({"productId": h.id::<Uuid>()}), "/productId"),
        (json!({"version": 7}), "/version"),
        (json!({"title": null}), "/title"),
        (json!({"sku": null}), "/sku"),
        (json!({"priceAmount": null}), "/priceAmount"),
        (json!({"categoryId": null}), "/categoryId"),
        (json!({"priceAmount": 0}), "/priceAmount"),
        (json!({"priceAmount": i64::MAX}), "/priceAmount"),
        (json!({"title": "New", "priceAmount": -1}), "/priceAmount"),
        (json!({"title": "New", "currency": "USD"}), "/priceAmount"),
        (json!({"title": "New", "options": ["colour"]}), "/options/0"),
        (json!({"attributes": {"size": null}}), "/attributes/size"),
    ] {
        let answer = h.patch(&path(&product), &body).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    h.patch(&path(&product), &json!({"categoryId": h.id::<Uuid>()})).seller(seller).send().await.expect_problem(422, "UNKNOWN_CATEGORY");
    let cleared = h.patch(&path(&product), &json!({"brand": null, "productGroupId": null})).seller(seller).send().await.expect(200);
    assert_eq!(cleared.read::<Product>(), product);
    for tag in ["v1", "\"v1", "W/", ""] {
        let answer = h.patch(&path(&product), &json!({"title": "New"})).seller(seller).header("if-match", tag).send().await;
        answer.expect_problem(400, "MALFORMED_REQUEST");
    }
    let made_up = h.patch(&path(&product), &json!({"title": "New"})).seller(seller).header("if-match", "\"v1\"").send().await;
    made_up.expect_problem(412, "PRECONDITION_FAILED");
    let activate = h.post(&format!("{}/activate", path(&product)), &json!({"status": "ARCHIVED"})).seller(seller).send().await;
    activate.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(h.get(&path(&product)).seller(seller).send().await.read::<Product>(), product);
    assert_eq!(emitted_types(&h).await, ["ProductCreated"]);
}

#[tokio::test]
async fn malformed_ids_are_not_found() {
    let h = catalog().await;
    let other_kind = category(&h, "Lamps", None).await;
    let upper = other_kind.to_string().to_uppercase();
    for id in ["1", "..%2F..%2Fetc%2Fpasswd", "%00", "null", "00000000000070008000000000000000", &upper, &other_kind.to_string()] {
        h.get(&format!("/products/{id}")).admin().send().await.expect_problem(404, "NOT_FOUND");
        h.patch(&format!("/products/{id}"), &json!({})).admin().send().await.expect_problem(404, "NOT_FOUND");
        h.post(&format!("/products/{id}/activate"), &json!({})).admin().send().await.expect_problem(404, "NOT_FOUND");
        h.get(&format!("/products/{id}/price-history")).admin().send().await.expect_problem(404, "NOT_FOUND");
        h.get(&format!("/product-groups/{id}")).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    for method in [Method::PUT, Method::DELETE] {
        h.request(method, &format!("/products/{other_kind}")).admin().send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn an_invalid_category_is_refused() {
    let h = catalog().await;
    let id = category(&h, "Lamps", None).await;
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "a".repeat(101)}), "/name"),
        (json!({"name": "two\nlines"}), "/name"),
        (json!({"name": "\u{202E}evil"}), "/name"),
        (json!({"name": null}), "/name"),
        (json!({"name": 1}), "/name"),
        (json!({"name": "New", "parentCategoryId": "home"}), "/parentCategoryId"),
        (json!({"name": "New", "categoryId": h.id::<Uuid>()}), "/categoryId"),
        (json!({"name": "New", "children": []}), "/children"),
    ] {
        let post = h.post("/categories", &body).admin().send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(post.json()["errors"][0]["pointer"], pointer, "{body}");
        let patch = h.patch(&format!("/categories/{id}"), &body).admin().send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(patch.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    assert_eq!(emitted_types(&h).await.len(), 1);
}
