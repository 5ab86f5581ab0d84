//! Users: who they are, what they may do, and whether they can log in.

use super::{
    AdminRequest,
    admin_orders::Parameters,
    screens::{Cell, Field, FormView, Link, Refused, Row, Screen, Sheet, Table},
    sent::Sent,
    words::{badge, words},
};
use crate::{
    api::Failure,
    dashboard::{Badge, Head, Listing, Tone},
    session::AdminNotice,
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::{
    auth::{AccountStatus, LOCK_ACCOUNT, Role, SET_ROLES, UNLOCK_ACCOUNT},
    order::LIST_ALL_ORDERS,
    user::{GET_USER, LIST_USERS, User},
};
use serde_json::json;

const PATH: &str = "/admin/users";
/// Orders on the page of a user.
const ORDERS: usize = 10;

fn roles(request: &AdminRequest, user: &User) -> String {
    user.roles.iter().map(|role| words(request.t, role.as_str())).collect::<Vec<_>>().join(", ")
}

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["query", "role", "status"]);
    let (found, faults) = match request.fetch(&LIST_USERS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|user| {
        Row::of([
            Cell::link(&user.name, format!("{PATH}/{}", user.user_id)).over(&user.email),
            Cell::text(roles(&request, user)),
            Cell::badge(badge(t, user.status.as_str())),
            Cell::text(request.moment(user.created_at)),
        ])
    });
    let rows = rows.collect();
    let role_choices = std::iter::once(("", t.all)).chain(Role::ALL.iter().map(|role| (role.as_str(), words(t, role.as_str()))));
    let status_choices = AccountStatus::ALL.iter().map(|status| (status.as_str(), badge(t, status.as_str()).words));
    let screen = Screen {
        title: t.users,
        faults,
        filters: vec![
            Field::new("query", t.name_or_email, "search", list.value("query")),
            Field::select("role", t.role, list.value("role"), role_choices),
            Field::select("status", t.status, list.value("status"), std::iter::once(("", t.all)).chain(status_choices)),
        ],
        chips: [
            list.chip("query", list.value("query")),
            list.chip("role", words(t, list.value("role"))),
            list.chip("status", badge(t, list.value("status")).words),
        ]
        .into_iter()
        .flatten()
        .collect(),
        table: Table {
            id: "users",
            heads: vec![list.head(t.user, "email", "newest"), Head::new(t.roles), Head::new(t.status), Head::new(t.since)],
            rows,
            empty: t.no_users,
            ..Table::default()
        },
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    sheet(request, &id, None).await
}

async fn sheet(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let user = request.call(&GET_USER).path(id).send();
    let orders = request.call(&LIST_ALL_ORDERS).query("userId", id).query("limit", ORDERS).send();
    let (user, orders) = tokio::join!(user, orders);
    let user = match user {
        Ok(user) => user,
        Err(failure) => return request.failed(&failure),
    };
    let orders = orders.map(|page| page.items).unwrap_or_default();
    let rows = orders.iter().map(|order| {
        Row::of([
            Cell::link(&order.order_number, format!("/admin/orders/{}", order.order_id)),
            Cell::text(request.moment(order.created_at)),
            Cell::badge(badge(t, &order.status.to_string())),
            Cell::number(request.money(order.total_amount, order.currency)),
        ])
    });
    let path = |step: &str| format!("{PATH}/{}/{step}", user.user_id);
    let lock = if user.status == AccountStatus::Active {
        FormView::new("lock", t.lock_title, path("lock"), t.lock).hint(t.lock_hint).danger()
    } else {
        FormView::new("unlock", t.unlock_title, path("unlock"), t.unlock)
    };
    let has = |role| user.roles.contains(&role);
    let rights = FormView::new("roles", t.roles, path("roles"), request.d.save)
        .hint(t.roles_hint)
        .field(Field::checkbox("CUSTOMER", t.role_customer, has(Role::Customer)))
        .field(Field::checkbox("ADMIN", t.role_admin, has(Role::Admin)));
    let mut links = vec![Link { label: t.audit, href: format!("/admin/audit?userId={}", user.user_id) }];
    if has(Role::Seller) {
        links.push(Link { label: t.seller, href: format!("/admin/sellers/{}", user.user_id) });
    }
    let verified = if user.email_verified { Badge::new(t.verified, Tone::Good) } else { Badge::new(t.not_verified, Tone::Waiting) };
    let view = Sheet {
        title: if user.name.is_empty() { user.email.clone() } else { user.name.clone() },
        back: Some(Link { label: t.users, href: PATH.into() }),
        badges: vec![badge(t, user.status.as_str())],
        faults: Refused::page_faults(refused.as_ref()),
        links,
        facts: vec![
            (t.email, Cell::text(&user.email)),
            (t.email_state, Cell::badge(verified)),
            (t.phone, Cell::maybe(user.phone.as_ref())),
            (t.roles, Cell::text(roles(&request, &user))),
            (t.since, Cell::text(request.moment(user.created_at))),
            (t.id, Cell::code(user.user_id)),
        ],
        tables: vec![Table {
            id: "orders",
            title: t.orders,
            heads: vec![Head::new(t.order), Head::new(t.placed), Head::new(t.status), Head::number(t.total)],
            rows: rows.collect(),
            empty: t.no_orders,
            ..Table::default()
        }],
        forms: vec![lock, rights],
        ..Sheet::default()
    };
    request.sheet(view)
}

async fn answer<A>(request: AdminRequest, id: &str, form: &'static str, sent: Sent, result: Result<A, Failure>) -> Response {
    let to = (AdminNotice::Saved, &*format!("{PATH}/{id}"));
    request.finish(result, (form, sent), to, |request, refused| sheet(request, id, Some(refused))).await
}

pub async fn lock(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&LOCK_ACCOUNT).path(&id).key(sent.key()).send().await;
    answer(request, &id, "lock", sent, result).await
}

pub async fn unlock(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&UNLOCK_ACCOUNT).path(&id).key(sent.key()).send().await;
    answer(request, &id, "unlock", sent, result).await
}

/// The role SELLER comes with the seller's record, so it is sent as the user has it.
pub async fn set_roles(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let user = match request.call(&GET_USER).path(&id).send().await {
        Ok(user) => user,
        Err(failure) => return request.failed(&failure),
    };
    let kept = user.roles.iter().filter(|role| **role == Role::Seller).map(|role| role.as_str());
    let chosen = ["CUSTOMER", "ADMIN"].into_iter().filter(|role| sent.has(role));
    let roles: Vec<&str> = chosen.chain(kept).collect();
    let result = request.call(&SET_ROLES).path(&id).raw_body(&json!({"roles": roles})).send().await;
    answer(request, &id, "roles", sent, result).await
}
