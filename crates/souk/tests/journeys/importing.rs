//! CSV files: checked, applied past a kill, exported, imported again without a change; and many products and stock in one request.

use super::{
    marketplace::{category, seller},
    server::{Person, Server},
};
use contracts::{
    catalog::{
        CANCEL_IMPORT, CREATE_PRODUCTS, EXPORT_PRODUCTS, GET_IMPORT, GET_PRODUCT_BY_SKU, IMPORT_FILE, Import, ImportStatus,
        LIST_IMPORT_ERRORS, ProductStatus,
    },
    ids::CategoryId,
    inventory::{EXPORT_STOCK, GET_STOCK, SET_STOCKS},
    order::EXPORT_ORDERS,
};
use hyper::Method;
use serde_json::{Value, json};
use souk::api_client::{ApiRequest, Reply, raw, request};

/// Sends a file and returns the import.
async fn send(by: &Person, kind: &str, mode: &str, file: &str) -> Reply<Import> {
    by.send(sending(kind, mode, file)).await
}

fn sending(kind: &str, mode: &str, file: &str) -> ApiRequest<(), Import> {
    request(&IMPORT_FILE).query("kind", kind).query("mode", mode).bytes("text/csv; charset=utf-8", file.as_bytes().to_vec())
}

/// Imports a file and waits for its end.
async fn import(by: &Person, kind: &str, mode: &str, file: &str) -> Import {
    let begun: Import = by.must(sending(kind, mode, file)).await;
    by.until(request(&GET_IMPORT).path(begun.import_id), "done", |import| import.status != ImportStatus::Running).await
}

/// Created, updated, unchanged and failed rows.
fn counts(import: &Import) -> [i64; 4] {
    [import.created, import.updated, import.unchanged, import.failed]
}

async fn file(by: &Person, export: ApiRequest<(), ()>) -> String {
    let reply = by.send(export).await;
    assert_eq!(reply.status.as_u16(), 200);
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    String::from_utf8(reply.body.to_vec()).unwrap()
}

fn products(category: CategoryId, count: usize) -> String {
    let header = "sku,title,description,categoryId,brand,priceAmount,currency,taxClass,status,images,attributes,options,externalId,\
                  metadata\r\n";
    let row = |number: usize| {
        format!(
            "CSV-{number:06},\"Lamp, number {number}\",\"'=1+1\r\nsecond line\",{category},'+Maker,{},EUR,REDUCED,ACTIVE,/a.webp /b.webp,\
             \"{{\"\"colour\"\":\"\"oak\"\",\"\"size\"\":\"\"M\"\"}}\",colour|size,'=ERP {number},\"{{\"\"shelf\"\":\"\"=A 7\"\"}}\"\r\n",
            1_000 + number
        )
    };
    header.to_owned() + &(0..count).map(row).collect::<String>()
}

#[tokio::test]
async fn a_file_is_checked_applied_past_a_kill_and_imported_again_without_a_change() {
    let mut server = Server::start().await;
    let mut admin = server.admin().await;
    let lamps = category(&admin, "Lamps").await;
    let count = 3_000;
    let csv = products(lamps, count);

    let before = file(&admin, request(&EXPORT_PRODUCTS)).await;
    let checked = import(&admin, "products", "check", &csv).await;
    assert_eq!((checked.status, checked.rows, counts(&checked)), (ImportStatus::Done, 3_000, [3_000, 0, 0, 0]));
    assert_eq!(file(&admin, request(&EXPORT_PRODUCTS)).await, before, "a check changes nothing");

    let begun: Import = admin.must(sending("products", "apply", &csv)).await;
    server.kill_and_restart().await;
    admin = admin.at(&server);
    let done = admin.until(request(&GET_IMPORT).path(begun.import_id), "done", |import| import.status == ImportStatus::Done).await;
    assert_eq!((counts(&done), done.progress), ([3_000, 0, 0, 0], 100), "no row was written twice, and none was left out");
    let product = admin.must(request(&GET_PRODUCT_BY_SKU).path("CSV-002999")).await;
    assert_eq!((product.status, product.price_amount, product.version), (ProductStatus::Active, 3_999, 2));
    assert_eq!((product.description.as_str(), product.brand.as_deref()), ("=1+1\nsecond line", Some("+Maker")));
    assert_eq!((product.external_id.as_deref(), product.metadata["shelf"].as_str()), (Some("=ERP 2999"), "=A 7"));
    assert_eq!((product.images.len(), product.options.len(), product.attributes["colour"].as_str()), (2, 2, "oak"));

    // What is exported imports again, and nothing changes.
    let exported = file(&admin, request(&EXPORT_PRODUCTS)).await;
    assert_eq!(exported.matches("CSV-").count(), count);
    assert!(exported.contains(",'+Maker,") && exported.contains("\"'=1+1"), "formulas are marked");
    for mode in ["check", "apply"] {
        let again = import(&admin, "products", mode, &exported).await;
        assert_eq!(counts(&again), [0, 0, 3_000, 0]);
    }
    assert_eq!(admin.must(request(&GET_PRODUCT_BY_SKU).path("CSV-002999")).await.version, 2);

    // Names in another system move, and stay unique; the rows beside one that is refused are written.
    let named = "sku,externalId\nCSV-000001,\nCSV-000002,=ERP 1\nCSV-000003,=ERP 4\nCSV-000005,ERP 5\n";
    for expected in [[0, 3, 0, 1], [0, 0, 3, 1]] {
        let saved = import(&admin, "products", "apply", named).await;
        assert_eq!(counts(&saved), expected);
        let errors = admin.must(request(&LIST_IMPORT_ERRORS).path(saved.import_id)).await.items;
        let errors: Vec<_> = errors.iter().map(|error| (error.row, error.column.as_deref().unwrap_or(""), error.code.as_str())).collect();
        assert_eq!(errors, [(4, "externalId", "EXTERNAL_ID_TAKEN")]);
    }
    let new = "sku,title,priceAmount,currency,externalId\nCSV-NEW,New,1,EUR,=ERP 4\n";
    assert_eq!(counts(&import(&admin, "products", "apply", new).await), [0, 0, 0, 1]);
    let product = admin.must(request(&GET_PRODUCT_BY_SKU).path("CSV-000002")).await;
    assert_eq!((product.external_id.as_deref(), product.metadata["shelf"].as_str()), (Some("=ERP 1"), "=A 7"));

    // Prices and stock, with rows that are wrong.
    let prices = "sku,priceAmount,currency\nCSV-000001,5,EUR\nCSV-000002,1002,EUR\nNOBODY,1,EUR\nCSV-000003,1.5,EUR\nCSV-000004,,EUR\n";
    let priced = import(&admin, "prices", "apply", prices).await;
    assert_eq!(counts(&priced), [0, 1, 1, 3]);
    let errors = admin.must(request(&LIST_IMPORT_ERRORS).path(priced.import_id)).await.items;
    let errors: Vec<_> = errors.iter().map(|error| (error.row, error.column.as_deref().unwrap_or(""), error.code.as_str())).collect();
    assert_eq!(errors, [(4, "sku", "UNKNOWN_SKU"), (5, "priceAmount", "NOT_A_NUMBER"), (6, "priceAmount", "REQUIRED")]);
    let stock = "sku,availableQty\nCSV-000001,7\nCSV-000002,0\nCSV-000003,-1\nNOBODY,1\n";
    assert_eq!(counts(&import(&admin, "stock", "check", stock).await), [2, 0, 0, 2]);
    assert_eq!(admin.send(request(&GET_STOCK).path("CSV-000001")).await.status.as_u16(), 404, "a check changes nothing");
    assert_eq!(counts(&import(&admin, "stock", "apply", stock).await), [2, 0, 0, 2]);
    assert_eq!(admin.must(request(&GET_STOCK).path("CSV-000001")).await.available_qty, 7);
    let exported = file(&admin, request(&EXPORT_STOCK)).await;
    assert_eq!(counts(&import(&admin, "stock", "apply", &exported).await), [0, 0, 2, 0]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_seller_imports_and_exports_own_things_only() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamps = category(&admin, "Lamps").await;
    let (mara, _) = seller(&server, &admin, "mara").await;
    let (ole, _) = seller(&server, &admin, "ole").await;
    let lamp = |sku: &str| format!("sku,title,priceAmount,currency,categoryId\n{sku},Lamp,100,EUR,{lamps}\n");
    assert_eq!(counts(&import(&mara, "products", "apply", &lamp("MARA-1")).await), [1, 0, 0, 0]);
    assert_eq!(counts(&import(&admin, "products", "apply", &lamp("SHOP-1")).await), [1, 0, 0, 0]);
    for sku in ["MARA-1", "SHOP-1"] {
        assert_eq!(counts(&import(&ole, "products", "apply", &lamp(sku)).await), [0, 0, 0, 1], "{sku}");
        assert_eq!(counts(&import(&ole, "prices", "apply", &format!("sku,priceAmount,currency\n{sku},1,EUR\n")).await), [0, 0, 0, 1]);
        assert_eq!(counts(&import(&ole, "stock", "apply", &format!("sku,availableQty\n{sku},1\n")).await), [0, 0, 0, 1]);
    }
    let own = file(&mara, request(&EXPORT_PRODUCTS)).await;
    assert!(own.contains("MARA-1") && !own.contains("SHOP-1"), "{own}");
    assert_eq!(file(&ole, request(&EXPORT_PRODUCTS)).await.lines().count(), 1);
    let of_mara = import(&mara, "products", "check", &own).await;
    assert_eq!(counts(&of_mara), [0, 0, 1, 0]);
    assert_eq!(ole.send(request(&GET_IMPORT).path(of_mara.import_id)).await.status.as_u16(), 404);
    assert_eq!(ole.send(request(&CANCEL_IMPORT).path(of_mara.import_id)).await.status.as_u16(), 404);
    assert_eq!(mara.send(request(&CANCEL_IMPORT).path(of_mara.import_id)).await.problem(), (409, "ILLEGAL_TRANSITION".into()));
    assert!(file(&admin, request(&EXPORT_ORDERS)).await.starts_with("orderNumber,"));

    let customer = server.customer("curious").await;
    for by in [&mara, &customer] {
        assert_eq!(by.send(request(&EXPORT_ORDERS)).await.status.as_u16(), 403);
    }
    assert_eq!(send(&customer, "products", "check", &lamp("X-1")).await.status.as_u16(), 403);
    assert_eq!(send(&server.guest(), "products", "check", &lamp("X-1")).await.status.as_u16(), 401);
    let wide = format!("sku,priceAmount,currency\n{}", "A-1,1,EUR\n".repeat(100_001));
    for (kind, mode, text, expected) in [
        ("products", "check", "", (400, "MALFORMED_REQUEST")),
        ("products", "check", "sku,tilte\nA-1,x\n", (422, "INVALID_REQUEST")),
        ("products", "check", "sku,sku\nA-1,x\n", (422, "INVALID_REQUEST")),
        ("prices", "check", "sku\nA-1\n", (422, "INVALID_REQUEST")),
        ("stock", "check", "sku,availableQty\n\"A-1,1\n", (400, "MALFORMED_REQUEST")),
        ("nothing", "check", "sku\n", (422, "INVALID_REQUEST")),
        ("products", "try", "sku\n", (422, "INVALID_REQUEST")),
        ("prices", "check", &wide, (413, "PAYLOAD_TOO_LARGE")),
    ] {
        let (status, code) = send(&mara, kind, mode, text).await.problem();
        assert_eq!((status, code.as_str()), expected, "{kind} {mode} {}", &text[..text.len().min(40)]);
    }
    let json = request(&IMPORT_FILE).query("kind", "products").query("mode", "check").bytes("application/json", b"{}".to_vec());
    assert_eq!(mara.send(json).await.status.as_u16(), 415);
    server.stop_and_check().await;
}

#[tokio::test]
async fn many_products_and_their_stock_have_a_result_each() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (mara, _) = seller(&server, &admin, "mara").await;
    let (ole, _) = seller(&server, &admin, "ole").await;
    let lamp = |sku: &str| json!({"sku": sku, "title": "Lamp", "priceAmount": 100, "currency": "EUR"});
    let batch = |items: Vec<Value>| serde_json::from_value(json!({"items": items})).expect("a batch");
    let items: Vec<Value> = (0..250).map(|number| lamp(&format!("BULK-{number}"))).collect();
    let made = mara.must(request(&CREATE_PRODUCTS).body(&batch(items.clone())).key("k")).await.items;
    assert!(made.len() == 250 && made.iter().all(|result| result.status == 201 && result.product.is_some()));
    let replayed = mara.must(request(&CREATE_PRODUCTS).body(&batch(items)).key("k")).await.items;
    assert_eq!(replayed, made);
    let mixed = vec![
        lamp("BULK-0"),
        lamp("BULK-NEW"),
        lamp("BULK-NEW"),
        json!({"sku": "BULK-X", "title": "Lamp", "priceAmount": 1,
        "currency": "EUR", "categoryId": made[0].product.as_ref().unwrap().product_id}),
    ];
    let mixed = ole.must(request(&CREATE_PRODUCTS).body(&batch(mixed))).await.items;
    let codes: Vec<_> = mixed.iter().map(|result| (result.status, result.problem.as_ref().map(|problem| problem.code.clone()))).collect();
    let taken = (409, Some("SKU_TAKEN".to_owned()));
    assert_eq!(codes, [taken.clone(), (201, None), taken, (422, Some("UNKNOWN_CATEGORY".to_owned()))]);

    let stock = |at: usize, units: i64| {
        let product = made[at].product.as_ref().unwrap();
        json!({"sku": product.sku, "productId": product.product_id, "availableQty": units})
    };
    let set = |items: Vec<Value>| serde_json::from_value(json!({"items": items})).expect("a batch");
    let results = mara.must(request(&SET_STOCKS).body(&set((0..250).map(|at| stock(at, 5)).collect()))).await.items;
    assert!(results.iter().all(|result| result.status == 201 && result.changed));
    let again = mara.must(request(&SET_STOCKS).body(&set(vec![stock(1, 5), stock(0, 6)]))).await.items;
    let again: Vec<_> = again.iter().map(|result| (result.index, result.status, result.changed)).collect();
    assert_eq!(again, [(0, 200, false), (1, 200, true)]);
    let refused = ole.must(request(&SET_STOCKS).body(&set(vec![stock(0, 1)]))).await.items;
    assert_eq!((refused[0].status, refused[0].stock.is_none()), (404, true));
    // What is no product at all has its place in the answer, too.
    let bad = json!({"items": [lamp("BULK-OK"), {"sku": "", "title": "Lamp", "priceAmount": -1, "q": 1}, 7]});
    let results = mara.must::<_, Value>(raw(Method::POST, "/products/batch").body(&bad)).await;
    let codes: Vec<_> = results["items"].as_array().unwrap().iter().map(|result| &result["status"]).collect();
    assert_eq!(codes, [201, 422, 422]);
    let errors = results["items"][1]["problem"]["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(pointers, ["/priceAmount", "/q", "/sku", "/currency"], "{results}");
    let bad = json!({"items": [{"sku": "BULK-2", "availableQty": -1}, stock(2, 7)]});
    let results = mara.must::<_, Value>(raw(Method::POST, "/inventory/stock/batch").body(&bad)).await;
    let results: Vec<_> = results["items"].as_array().unwrap().iter().map(|one| (&one["index"], &one["status"], &one["changed"])).collect();
    assert_eq!(results, [(&json!(0), &json!(422), &json!(false)), (&json!(1), &json!(200), &json!(true))]);
    let too_many = json!({"items": (0..251).map(|number| lamp(&format!("MORE-{number}"))).collect::<Vec<_>>()});
    let too_many = request(&CREATE_PRODUCTS).bytes("application/json", too_many.to_string().into_bytes());
    assert_eq!(mara.send(too_many).await.problem(), (422, "INVALID_REQUEST".into()));
    server.stop_and_check().await;
}
