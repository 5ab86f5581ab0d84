//! The search of administrators.

use super::{registered, start};
use crate::store::search_index::select_matching;
use contracts::user::UserSort;
use platform::testing::Harness;
use std::time::Duration;

async fn names(h: &Harness, query: &str) -> Vec<String> {
    let mut text = String::new();
    platform::http::encode_text(query, &mut text);
    let found = h.get(&format!("/users?limit=100&query={text}")).admin().send().await.expect(200).json();
    found["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn with_users(users: &[(&str, &str)]) -> Harness {
    let h = start().await;
    for (email, name) in users {
        h.deliver(registered(h.id(), email, name)).await;
        h.advance(Duration::from_millis(1));
    }
    h
}

#[tokio::test]
async fn users_are_found_by_word_prefixes() {
    let h = with_users(&[
        ("mara@example.com", "Mara Klein"),
        ("tamara@example.org", "Tamara Groß"),
        ("joe_1@example.com", "100% Joe\\"),
        ("joex1@example.com", "Joe X"),
    ])
    .await;
    assert_eq!(names(&h, "MARA").await, ["Mara Klein"]);
    assert_eq!(names(&h, "mar").await, ["Mara Klein"]);
    assert_eq!(names(&h, "tamara gro").await, ["Tamara Groß"]);
    assert_eq!(names(&h, "klein, mara").await, ["Mara Klein"], "in any order");
    assert_eq!(names(&h, "mara example.com").await, ["Mara Klein"], "in e-mail and name together");
    assert_eq!(names(&h, "example.com").await, ["Joe X", "100% Joe\\", "Mara Klein"]);
    assert_eq!(names(&h, "nobody").await, Vec::<String>::new());
    assert_eq!(names(&h, "mara nobody").await, Vec::<String>::new());
    assert_eq!(names(&h, "").await.len(), 4);
    // Every other character separates words and has no meaning.
    assert_eq!(names(&h, "joe_1").await, ["100% Joe\\"]);
    for nothing in ["%", "_", "\\", " ' "] {
        assert_eq!(names(&h, nothing).await, Vec::<String>::new(), "{nothing}");
    }
    // A whole address finds only its user; an address that no user has is searched as words.
    assert_eq!(names(&h, "Mara@Example.com").await, ["Mara Klein"]);
    assert_eq!(names(&h, "mar@example.co").await, ["Mara Klein"]);
}

#[tokio::test]
async fn users_from_before_the_index_are_found_once_the_worker_ran() {
    let h = with_users(&[("mara@example.com", "Mara Klein"), ("joe@example.com", "Joe")]).await;
    let forget = async |tx: &mut platform::db::Tx| -> Result<(), platform::db::Error> {
        tx.execute("UPDATE users SET search_indexed = FALSE", &[]).await?;
        tx.execute("DELETE FROM user_search_prefixes", &[]).await.map(|_| ())
    };
    h.db().write(forget).await.unwrap();
    assert_eq!(names(&h, "mara").await, Vec::<String>::new());
    h.settle().await;
    assert_eq!(names(&h, "mara").await, ["Mara Klein"]);
    assert_eq!(names(&h, "joe").await, ["Joe"]);
}

#[tokio::test]
async fn users_are_sorted_by_address_over_all_pages() {
    let h = with_users(&[
        ("mara@example.com", "Mara"),
        ("joe@example.com", "Joe"),
        ("tamara@example.com", "Tamara"),
        ("ada@example.org", "Ada"),
    ])
    .await;
    for (query, wanted) in [
        ("", &["Ada", "Tamara", "Joe", "Mara"][..]),
        ("&sort=newest", &["Ada", "Tamara", "Joe", "Mara"]),
        ("&sort=email", &["Ada", "Joe", "Mara", "Tamara"]),
        ("&sort=email&query=example.com", &["Joe", "Mara", "Tamara"]),
        ("&sort=email&query=joe%40example.com", &["Joe"]),
    ] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = h.get(&format!("/users?limit=1{query}{cursor}")).admin().send().await.expect(200).json();
            found.extend(page["items"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, wanted, "{query}");
    }
    let plan = plan(&h, "SELECT user_id FROM users u ORDER BY u.email, u.user_id LIMIT $1".to_owned());
    assert!(plan[0].contains("users_by_email"), "{plan:?}");
}

/// Returns the query plan of `sql`.
fn plan(h: &Harness, sql: String) -> Vec<String> {
    h.query_plan(&sql)
}

#[tokio::test]
async fn a_search_scans_one_index_range_in_the_order_of_the_list() {
    let h = start().await;
    for (words, after) in [(1, false), (1, true), (3, false), (3, true)] {
        let words: Vec<_> = (0..words).map(|number| format!("word{number}")).collect();
        let select = select_matching(&words[0], &words[1..], None, (UserSort::Newest, after.then(|| (String::new(), h.id()))), 21);
        let steps = plan(&h, select.sql().to_owned());
        let narrow = |step: &String| step.starts_with("SEARCH") && step.contains("INDEX");
        assert!(steps.iter().all(|step| narrow(step) || step.starts_with("CORRELATED")), "{}: {steps:?}", select.sql());
        let walk = if after { "(prefix=? AND user_id<?)" } else { "(prefix=?)" };
        assert!(steps[0].starts_with("SEARCH b USING COVERING INDEX") && steps[0].ends_with(walk), "{steps:?}");
    }
    let steps = plan(&h, "SELECT user_id, email, name FROM users WHERE NOT search_indexed LIMIT $1".to_owned());
    assert!(steps[0].contains("users_to_index"), "{steps:?}");
}

#[tokio::test]
async fn a_changed_name_is_found_and_the_old_one_no_longer() {
    let h = start().await;
    let user = h.id();
    for name in ["Ada Byron", "Ada Lovelace"] {
        h.patch("/users/me", &serde_json::json!({"name": name})).customer(user).send().await.expect(200);
        assert_eq!(names(&h, name).await, [name]);
    }
    assert_eq!(names(&h, "ada").await, ["Ada Lovelace"]);
    assert_eq!(names(&h, "byron").await, Vec::<String>::new());
    // A prefix of both e-mail and name stays when the name loses it.
    assert_eq!(names(&h, "example").await, ["Ada Lovelace"]);
}

#[tokio::test]
async fn users_are_listed_newest_first_page_by_page() {
    let users: Vec<_> = (0..25).map(|number| (format!("u{number}@example.com"), format!("User {number}"))).collect();
    let users: Vec<_> = users.iter().map(|(email, name)| (email.as_str(), name.as_str())).collect();
    let h = with_users(&users).await;
    let first = h.get("/users?query=user&limit=10").admin().send().await.expect(200).json();
    let cursor = first["nextCursor"].as_str().unwrap();
    // A registration between two pages does not shift them.
    h.deliver(registered(h.id(), "late@example.com", "User late")).await;
    let second = h.get(&format!("/users?query=user&limit=100&cursor={cursor}")).admin().send().await.expect(200).json();
    let seen: Vec<_> = [&first, &second].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
    let wanted: Vec<_> = (0..25).rev().map(|number| format!("User {number}")).collect();
    assert_eq!(seen.iter().map(|user| user["name"].as_str().unwrap()).collect::<Vec<_>>(), wanted);
    assert!(second["nextCursor"].is_null());
    h.get(&format!("/users?query=other&cursor={cursor}")).admin().send().await.expect_problem(400, "BAD_CURSOR");
    h.get("/users?name=x").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    h.get(&format!("/users?query={}", "x".repeat(201))).admin().send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn users_are_found_whatever_the_accents_by_role_and_by_status() {
    use contracts::auth::{Role, RolesChanged, UserLocked, UserUnlocked};
    let h = start().await;
    let (muller, jose): (contracts::ids::UserId, contracts::ids::UserId) = (h.id(), h.id());
    h.deliver(registered(muller, "a@example.com", "Änne Müller")).await;
    h.advance(Duration::from_millis(1));
    h.deliver(registered(jose, "b@example.com", "Jose\u{301} Weiß")).await;
    for (query, name) in [
        ("muller", "Änne Müller"),
        ("MÜLLER", "Änne Müller"),
        ("anne mu\u{308}l", "Änne Müller"),
        ("jose weiss", "Jose\u{301} Weiß"),
        ("WEIẞ", "Jose\u{301} Weiß"),
    ] {
        assert_eq!(names(&h, query).await, [name], "{query}");
    }
    let found = async |filter: &str| {
        let page = h.get(&format!("/users?{filter}")).admin().send().await.expect(200).json();
        page["items"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("role=CUSTOMER").await, ["b@example.com", "a@example.com"]);
    assert_eq!(found("status=ACTIVE&role=CUSTOMER").await.len(), 2);
    assert!(found("role=SELLER").await.is_empty() && found("status=LOCKED").await.is_empty());
    h.deliver(RolesChanged { user_id: jose, roles: vec![Role::Customer, Role::Seller], changed_by: None }).await;
    h.deliver(UserLocked { user_id: muller, locked_by: None }).await;
    assert_eq!(found("role=SELLER").await, ["b@example.com"]);
    assert_eq!(found("status=LOCKED").await, ["a@example.com"]);
    assert_eq!(found("status=LOCKED&query=muller&role=CUSTOMER").await, ["a@example.com"]);
    assert!(found("status=LOCKED&role=SELLER").await.is_empty() && found("query=b%40example.com&status=LOCKED").await.is_empty());
    let user = h.get(&format!("/users/{muller}")).admin().send().await.expect(200).json();
    assert_eq!(user["status"], "LOCKED");
    h.deliver(UserUnlocked { user_id: muller, unlocked_by: None }).await;
    assert!(found("status=LOCKED").await.is_empty());
    h.get("/users?role=KING").admin().send().await.expect_problem(422, "INVALID_REQUEST");
}
