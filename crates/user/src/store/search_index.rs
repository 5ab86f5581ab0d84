//! The search index of users. Each word of a search is one range of an index, in the order of the list.

use super::Users;
use crate::domain::{
    Versioned,
    search_terms::{query_words, role_term, search_terms, status_term},
};
use contracts::{
    ids::UserId,
    text::{Email, Query},
    user::{User, UserFilter, UserSort},
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

/// The most users of a word that are counted to find the rarest word.
const MAX_COUNTED: i64 = 10_000;

/// The place of a user in a list: the e-mail address, where the list is sorted by it, and the id.
pub type ListKey = (String, UserId);

/// Returns the place of a user.
#[must_use]
pub fn list_key(sort: UserSort, user: &User) -> ListKey {
    (if sort == UserSort::Email { user.email.clone() } else { String::new() }, user.user_id)
}

/// Returns the users that a filter finds after `after`. A whole e-mail address that exists returns only its user.
pub async fn list_users(tx: &mut Tx, filter: UserFilter, after: Option<ListKey>, rows: i64) -> Result<Vec<User>, Error> {
    let UserFilter { query, role, status, external_id, sort } = filter;
    let sort = sort.unwrap_or(UserSort::Newest);
    let external_id = external_id.map(contracts::text::ExternalId::into_string);
    let mut terms: Vec<String> = role.map(role_term).into_iter().chain(status.map(status_term)).collect();
    if let Some(text) = query.map(Query::into_string).filter(|text| !text.is_empty()) {
        if let Ok(email) = Email::parse(&text) {
            let found = page(select_all(external_id.clone()).filter("u.email = ?", email), tx, (sort, after.clone()), rows).await?;
            if !found.is_empty() {
                let fits =
                    |user: &User| role.is_none_or(|role| user.roles.contains(&role)) && status.is_none_or(|status| user.status == status);
                return Ok(found.into_iter().filter(fits).collect());
            }
        }
        let words = query_words(&text);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        terms.extend(words);
    } else if terms.is_empty() {
        return page(select_all(external_id), tx, (sort, after), rows).await;
    }
    match rarest_first(tx, terms).await?.split_first() {
        Some((rarest, others)) => Ok(values(select_matching(rarest, others, external_id, (sort, after), rows).list(tx).await?)),
        None => Ok(Vec::new()),
    }
}

fn select_all(external_id: Option<String>) -> Select<Users> {
    Select::joined::<Users>("u", "users u").filter_some("u.external_id = ?", external_id)
}

async fn page(select: Select<Users>, tx: &mut Tx, place: (UserSort, Option<ListKey>), rows: i64) -> Result<Vec<User>, Error> {
    let select = match place {
        (UserSort::Newest, after) => select.filter_some("u.user_id < ?", after.map(|(_, id)| id)).limit("u.user_id DESC", rows),
        (UserSort::Email, after) => by_email(select, after, rows),
    };
    Ok(values(select.list(tx).await?))
}

fn by_email(select: Select<Users>, after: Option<ListKey>, rows: i64) -> Select<Users> {
    let select = match after {
        Some(after) => select.filter_above("(u.email, u.user_id)", after),
        None => select,
    };
    select.limit("u.email, u.user_id", rows)
}

fn values(users: Vec<Versioned<User>>) -> Vec<User> {
    users.into_iter().map(|user| user.value).collect()
}

/// Scans the users of the rarest word and checks each for the other words. By e-mail address it reads all of them to sort them.
pub fn select_matching(
    rarest: &str,
    others: &[String],
    external_id: Option<String>,
    (sort, after): (UserSort, Option<ListKey>),
    rows: i64,
) -> Select<Users> {
    let select = Select::joined::<Users>("u", "user_search_prefixes b JOIN users u ON u.user_id = b.user_id")
        .filter("b.prefix = ?", rarest.to_owned())
        .filter_some("b.user_id < ?", after.as_ref().filter(|_| sort == UserSort::Newest).map(|(_, id)| *id))
        .filter_some("u.external_id = ?", external_id);
    let select = others.iter().fold(select, |select, word| {
        select.filter("EXISTS (SELECT 1 FROM user_search_prefixes o WHERE o.prefix = ? AND o.user_id = b.user_id)", word.clone())
    });
    match sort {
        UserSort::Newest => select.limit("b.user_id DESC", rows),
        UserSort::Email => by_email(select, after, rows),
    }
}

/// Sorts the words by their number of users, so that the shortest range is scanned. When all are long, the page fills
/// soon, unless the words are common and hardly any user has them all.
async fn rarest_first(tx: &mut Tx, words: Vec<String>) -> Result<Vec<String>, Error> {
    if words.len() < 2 {
        return Ok(words);
    }
    let mut counted = Vec::with_capacity(words.len());
    for word in words {
        let users: i64 = tx
            .query_one(
                "SELECT COUNT(*) FROM (SELECT user_id FROM user_search_prefixes WHERE prefix = $1 LIMIT $2) AS first_users",
                params![word, MAX_COUNTED],
                |row| row.next(),
            )
            .await?;
        counted.push((users, word));
    }
    counted.sort();
    Ok(counted.into_iter().map(|(_, word)| word).collect())
}

/// Updates the index of a user that was `before`, if it was indexed.
pub async fn index_user(tx: &mut Tx, before: Option<&User>, after: &User) -> Result<(), Error> {
    let user = after.user_id;
    let known = before.map(search_terms).unwrap_or_default();
    let present = search_terms(after);
    for gone in known.difference(&present) {
        tx.execute("DELETE FROM user_search_prefixes WHERE prefix = $1 AND user_id = $2", params![*gone, user]).await?;
    }
    for fresh in present.difference(&known) {
        tx.execute("INSERT INTO user_search_prefixes (prefix, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", params![*fresh, user])
            .await?;
    }
    Ok(())
}

/// Indexes up to `limit` users that are not indexed yet, and returns their number. Their rows are locked, so that no name
/// changes between the reading and the marking.
pub async fn index_older(tx: &mut Tx, limit: i64) -> Result<usize, Error> {
    let users = tx.lock_list::<Users>("WHERE NOT search_indexed ORDER BY user_id LIMIT $1", params![limit]).await?;
    for user in users.iter().map(|user| &user.value) {
        index_user(tx, None, user).await?;
        tx.execute("UPDATE users SET search_indexed = TRUE WHERE user_id = $1", params![user.user_id]).await?;
    }
    Ok(users.len())
}
