//! Names in the place of ids, where the API gives ids alone.

use super::{AdminRequest, screens::Cell};
use contracts::{
    ids::UserId,
    seller::{GET_SELLER, LIST_SELLER_RECORDS},
    user::GET_USER,
};
use std::collections::BTreeMap;

/// Records of sellers that are read at once, and names that are looked up one by one for a page.
const AT_ONCE: usize = 100;
const LOOKED_UP: usize = 25;

/// The names of some shops.
pub struct Shops(BTreeMap<UserId, String>);

impl Shops {
    /// Looks the names of sellers up. Who does not answer stays without a name.
    pub async fn of(request: &AdminRequest, sellers: impl IntoIterator<Item = Option<UserId>>) -> Shops {
        let mut wanted: Vec<UserId> = sellers.into_iter().flatten().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut names = BTreeMap::new();
        if let [only] = wanted[..] {
            names.extend(request.call(&GET_SELLER).path(only).send().await.ok().map(|seller| (only, seller.shop_name)));
        }
        // The records hold suspended sellers too, which have no public page.
        if !wanted.iter().all(|id| names.contains_key(id)) {
            let records = request.call(&LIST_SELLER_RECORDS).query("limit", AT_ONCE).send().await;
            let records = records.map(|page| page.items).unwrap_or_default();
            names.extend(records.into_iter().map(|seller| (seller.seller_id, seller.shop_name)));
        }
        let missing = wanted.into_iter().filter(|id| !names.contains_key(id)).take(LOOKED_UP).collect::<Vec<_>>();
        for id in missing {
            names.extend(request.call(&GET_SELLER).path(id).send().await.ok().map(|seller| (id, seller.shop_name)));
        }
        Shops(names)
    }

    /// A seller by name; the shop itself has no seller.
    pub fn cell(&self, request: &AdminRequest, seller: Option<UserId>) -> Cell {
        match seller {
            None => Cell::text(request.t.the_shop),
            Some(id) => Cell::link(self.0.get(&id).map_or(request.t.seller, String::as_str), format!("/admin/sellers/{id}")),
        }
    }
}

/// The names of some users.
pub struct People(BTreeMap<UserId, String>);

impl People {
    /// Looks the names of users up. Guests have none.
    pub async fn of(request: &AdminRequest, users: impl IntoIterator<Item = UserId>) -> People {
        let mut wanted: Vec<UserId> = users.into_iter().filter(|id| !id.is_guest()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut names = BTreeMap::new();
        for id in wanted.into_iter().take(LOOKED_UP) {
            let user = request.call(&GET_USER).path(id).send().await.ok();
            names.extend(user.map(|user| (id, if user.name.is_empty() { user.email } else { user.name })));
        }
        People(names)
    }

    pub fn cell(&self, request: &AdminRequest, user: UserId) -> Cell {
        match self.0.get(&user) {
            Some(name) => Cell::link(name, format!("/admin/users/{user}")),
            None if user.is_guest() => Cell::text(request.t.guest),
            None => Cell::link(request.t.user, format!("/admin/users/{user}")),
        }
    }
}
