//! What this service keeps about sellers, to be exported and to be erased: their imports, which quote cells of their files. Products
//! stay, because they describe goods, and orders refer to them.

use super::{
    import_rows::{Imports, delete_import},
    product_rows::Products,
};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json, records},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

async fn export(tx: &mut Tx, seller: UserId) -> Result<PersonalRecords, Error> {
    let products = tx.list::<Products>("WHERE seller_id = $1 ORDER BY product_id", params![seller]).await?.into_iter().map(|product| {
        json!({
            "productId": product.product_id, "sku": product.sku, "title": product.title, "status": product.status,
            "externalId": product.external_id, "createdAt": product.created_at,
        })
    });
    let imports = tx.list::<Imports>("WHERE seller_id = $1 ORDER BY import_id", params![seller]).await?;
    let imports = records(imports.into_iter().map(super::ImportRecord::view));
    Ok([("products".to_owned(), products.collect()), ("imports".to_owned(), imports)].into())
}

async fn erase(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    for import in tx.list::<Imports>("WHERE seller_id = $1 ORDER BY import_id", params![seller]).await? {
        delete_import(tx, import.import_id).await?;
    }
    Ok(())
}
