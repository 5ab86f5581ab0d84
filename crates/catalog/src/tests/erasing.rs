use super::*;
use contracts::{
    auth::UserErased,
    catalog::{Import, ImportStatus},
};

const FILE: &str = "sku,title,priceAmount,currency\nLAMP-1,Lamp,100,EUR\nLAMP-2,Mara's lamp,Mara,EUR\n";

async fn import(h: &Harness, seller: UserId) -> Import {
    let sent = h.request("POST".parse().unwrap(), "/imports?kind=products&mode=apply").raw("text/csv", FILE).seller(seller).send().await;
    let import: Import = sent.expect(202).read();
    h.complete().await;
    import
}

#[tokio::test]
async fn the_imports_of_an_erased_seller_go_and_the_products_stay() {
    let h = catalog().await;
    let (mara, ivo): (UserId, UserId) = (h.id(), h.id());
    let (erased, kept) = (import(&h, mara).await, import(&h, ivo).await);
    let export = h.get(&format!("/internal/personal-data/{mara}")).service("user").send().await.expect(200).json();
    assert_eq!((export["imports"].as_array().unwrap().len(), export["products"][0]["sku"].as_str()), (1, Some("LAMP-1")), "{export:#}");
    h.deliver(UserErased { user_id: mara, guest_id: None }).await;
    h.get(&format!("/imports/{}", erased.import_id)).admin().send().await.expect_problem(404, "NOT_FOUND");
    let kept: Import = h.get(&format!("/imports/{}", kept.import_id)).admin().send().await.expect(200).read();
    assert_eq!((kept.status, kept.failed), (ImportStatus::Done, 2));
    for (table, rows) in [("import_errors", 2), ("import_chunks", 0), ("imports", 1)] {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let found: i64 = h.db().read(async move |tx| tx.query_one(&sql, &[], |row| row.next()).await).await.unwrap();
        assert_eq!(found, rows, "{table}");
    }
    h.get("/products/by-sku/LAMP-1").admin().send().await.expect(200);
}
