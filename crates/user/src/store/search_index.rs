//! The search index of users. Each word of a search is one range of an index, in the order of the list.

use super::Users;
use crate::domain::{
    Versioned,
    search_terms::{query_words, role_term, search_terms, status_term},
};
use contracts::{
    ids::UserId,
    text::{Email, Query},
    user::{User, UserFilter},
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

/// The most users of a word that are counted to find the rarest word.
const MAX_COUNTED: i64 = 10_000;

/// Returns the users that a filter finds, newest first. A whole e-mail address that exists returns only its user.
pub async fn list_users(tx: &mut Tx, filter: UserFilter, after: Option<UserId>, rows: i64) -> Result<Vec<User>, Error> {
    let UserFilter { query, role, status, external_id } = filter;
    let external_id = external_id.map(contracts::text::ExternalId::into_string);
    let mut terms: Vec<String> = role.map(role_term).into_iter().chain(status.map(status_term)).collect();
    if let Some(text) = query.map(Query::into_string).filter(|text| !text.is_empty()) {
        if let Ok(email) = Email::parse(&text) {
            let found = page(select_all(external_id.clone()).filter("u.email = ?", email), tx, after, rows).await?;
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
        return page(select_all(external_id), tx, after, rows).await;
    }
    match rarest_first(tx, terms).await?.split_first() {
        Some((rarest, others)) => Ok(values(select_matching(rarest, others, external_id, after, rows).list(tx).await?)),
        None => Ok(Vec::new()),
    }
}

fn select_all(external_id: Option<String>) -> Select<Users> {
    Select::joined::<Users>("u", "users u").filter_some("u.external_id = ?", external_id)
}

async fn page(select: Select<Users>, tx: &mut Tx, after: Option<UserId>, rows: i64) -> Result<Vec<User>, Error> {
    Ok(values(select.filter_some("u.user_id < ?", after).limit("u.user_id DESC", rows).list(tx).await?))
}

fn values(users: Vec<Versioned<User>>) -> Vec<User> {
    users.into_iter().map(|user| user.value).collect()
}

/// Scans the users of the rarest word and checks each for the other words.
pub fn select_matching(rarest: &str, others: &[String], external_id: Option<String>, after: Option<UserId>, rows: i64) -> Select<Users> {
    let select = Select::joined::<Users>("u", "user_search_prefixes b JOIN users u ON u.user_id = b.user_id")
        .filter("b.prefix = ?", rarest.to_owned())
        .filter_some("b.user_id < ?", after)
        .filter_some("u.external_id = ?", external_id);
    let select = others.iter().fold(select, |select, word| {
        select.filter("EXISTS (SELECT 1 FROM user_search_prefixes o WHERE o.prefix = ? AND o.user_id = b.user_id)", word.clone())
    });
    select.limit("b.user_id DESC", rows)
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
