//! The SQL of this service.

pub mod personal;

use crate::domain::ReviewRecord;
use contracts::{
    ids::{OrderId, OrderItemId, ProductId, ReviewId, UserId},
    review::{Histogram, ModerationSort, ProductReviewFilter, ReviewAnswer, ReviewFilter, ReviewFlag, ReviewSort, SellerReviewFilter},
    string_enum,
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params, table,
};

string_enum! {
    /// What a customer can say of a review, once.
    VoteKind {
        /// It is helpful.
        Helpful = "HELPFUL",
        /// An administrator should look at it.
        Flag = "FLAG",
    }
}

/// An item of a confirmed order.
pub struct OrderedItem {
    pub order_item_id: OrderItemId,
    pub order_id: OrderId,
    pub user_id: UserId,
    pub product_id: ProductId,
    pub title_snapshot: String,
}

/// A product that was delivered to a customer.
pub struct Purchase {
    pub user_id: UserId,
    pub product_id: ProductId,
    pub order_id: OrderId,
    pub title_snapshot: String,
    pub delivered_at: Timestamp,
}

/// The published reviews of a product by stars.
pub struct ProductRating {
    pub product_id: ProductId,
    pub seller_id: Option<UserId>,
    pub histogram: Histogram,
}

/// The published reviews of all products of a seller by stars.
pub struct SellerRating {
    pub seller_id: UserId,
    pub histogram: Histogram,
}

table! {
    OrderedItems in "ordered_items" of OrderedItem, key [order_item_id];
    columns { order_item_id, order_id, user_id, product_id, title_snapshot }
}

table! {
    Purchases in "purchases" of Purchase, key [user_id, product_id];
    columns { user_id, product_id, order_id, title_snapshot, delivered_at }
}

table! {
    ProductRatings in "product_ratings" of ProductRating, key [product_id];
    columns { product_id, histogram: Histogram { one, two, three, four, five } }
    insert_only { seller_id }
}

table! {
    SellerRatings in "seller_ratings" of SellerRating, key [seller_id];
    columns { seller_id, histogram: Histogram { one, two, three, four, five } }
}

table! {
    pub Reviews in "reviews" of ReviewRecord, key [review_id];
    columns {
        review_id, rating, title, text = body, status, reason, was_rejected,
        answer: Option<ReviewAnswer> { text = answer, author = answer_author, answered_at }, updated_at,
    }
    insert_only { product_id, seller_id, user_id, order_id, title_snapshot, helpful_count, flag_count, created_at }
}

table! {
    Votes in "review_votes" of ReviewFlag, key [review_id, kind, user_id];
    columns { user_id, reason, created_at }
    extra { review_id, kind }
}

/// Stores the items of a confirmed order. A repetition changes nothing.
pub async fn insert_ordered(tx: &mut Tx, item: &OrderedItem) -> Result<(), Error> {
    tx.insert_if_absent::<OrderedItems>(item, "(order_item_id)").await.map(|_| ())
}

/// Returns the items of an order that were not delivered yet, and forgets them.
pub async fn take_ordered(tx: &mut Tx, order: OrderId) -> Result<Vec<OrderedItem>, Error> {
    let items = tx.list::<OrderedItems>("WHERE order_id = $1 ORDER BY order_item_id", params![order]).await?;
    tx.execute_pipelined("DELETE FROM ordered_items WHERE order_id = $1", params![order]).await?;
    Ok(items)
}

/// Stores a purchase. An earlier one of the same product stays.
pub async fn insert_purchase(tx: &mut Tx, purchase: &Purchase) -> Result<(), Error> {
    tx.insert_if_absent::<Purchases>(purchase, "(user_id, product_id)").await.map(|_| ())
}

/// Gives the purchases of a guest by one order to an account, as far as it has none of the product.
pub async fn set_purchaser(tx: &mut Tx, order: OrderId, guest: UserId, user: UserId) -> Result<(), Error> {
    let sql = "INSERT INTO purchases (user_id, product_id, order_id, title_snapshot, delivered_at) \
               SELECT $3, product_id, order_id, title_snapshot, delivered_at FROM purchases WHERE user_id = $2 AND order_id = $1 \
               ON CONFLICT (user_id, product_id) DO NOTHING";
    tx.execute_pipelined(sql, params![order, guest, user]).await?;
    tx.execute_pipelined("DELETE FROM purchases WHERE user_id = $2 AND order_id = $1", params![order, guest]).await?;
    tx.execute_pipelined("UPDATE ordered_items SET user_id = $3 WHERE order_id = $1 AND user_id = $2", params![order, guest, user]).await
}

pub async fn find_purchase(tx: &mut Tx, user: UserId, product: ProductId) -> Result<Option<Purchase>, Error> {
    tx.find::<Purchases>("user_id = $1 AND product_id = $2", params![user, product]).await
}

pub async fn find_product_rating(tx: &mut Tx, product: ProductId) -> Result<Option<ProductRating>, Error> {
    tx.find::<ProductRatings>("product_id = $1", params![product]).await
}

/// Stores a product without published reviews unless it is known.
pub async fn insert_product(tx: &mut Tx, product_id: ProductId, seller_id: Option<UserId>) -> Result<(), Error> {
    let rating = ProductRating { product_id, seller_id, histogram: Histogram::default() };
    tx.insert_if_absent::<ProductRatings>(&rating, "(product_id)").await.map(|_| ())
}

/// Returns the counts of a product and locks their row. A review of it is locked before, everywhere.
pub async fn lock_product_rating(tx: &mut Tx, product: ProductId) -> Result<Option<ProductRating>, Error> {
    tx.lock::<ProductRatings>("product_id = $1", params![product]).await
}

pub async fn save_product_rating(tx: &mut Tx, rating: &ProductRating) -> Result<(), Error> {
    tx.replace::<ProductRatings>(rating).await
}

/// Returns the counts of a seller and locks their row, which is created if there is none. The row of the product is locked
/// before, everywhere.
pub async fn lock_seller_rating(tx: &mut Tx, seller_id: UserId) -> Result<SellerRating, Error> {
    let none = SellerRating { seller_id, histogram: Histogram::default() };
    tx.insert_if_absent::<SellerRatings>(&none, "(seller_id)").await?;
    let found = tx.lock::<SellerRatings>("seller_id = $1", params![seller_id]).await?;
    found.ok_or_else(|| Error::Failed("a seller's rating has no row".into()))
}

pub async fn save_seller_rating(tx: &mut Tx, rating: &SellerRating) -> Result<(), Error> {
    tx.replace::<SellerRatings>(rating).await
}

/// Inserts a review. Returns `false` and writes nothing when its author has another one of the product.
pub async fn insert(tx: &mut Tx, review: &ReviewRecord) -> Result<bool, Error> {
    tx.insert_if_absent::<Reviews>(review, "(user_id, product_id) WHERE status <> 'WITHDRAWN'").await
}

/// Whether an administrator rejected a review of the product by this author.
pub async fn was_rejected(tx: &mut Tx, user: UserId, product: ProductId) -> Result<bool, Error> {
    let found = tx
        .query_opt("SELECT 1 FROM reviews WHERE user_id = $1 AND product_id = $2 AND was_rejected LIMIT 1", params![user, product], |row| {
            row.next::<i64>()
        })
        .await?;
    Ok(found.is_some())
}

pub async fn find(tx: &mut Tx, id: ReviewId) -> Result<Option<ReviewRecord>, Error> {
    tx.find::<Reviews>("review_id = $1", params![id]).await
}

/// Returns a review and locks its row. With `author`, the review of another user is not found.
pub async fn lock(tx: &mut Tx, author: Option<UserId>, id: ReviewId) -> Result<Option<ReviewRecord>, Error> {
    Select::of::<Reviews>().filter("review_id = ?", id).filter_some("user_id = ?", author).lock(tx).await
}

pub async fn save(tx: &mut Tx, review: &ReviewRecord) -> Result<(), Error> {
    tx.replace::<Reviews>(review).await
}

/// Stores a vote or a report. Returns whether it is the first one of this customer; the count of the review is right then.
pub async fn insert_vote(tx: &mut Tx, review: &mut ReviewRecord, kind: VoteKind, vote: &ReviewFlag) -> Result<bool, Error> {
    let id = review.review_id;
    let target = "(review_id, kind, user_id)";
    if !tx.insert_if_absent_with::<Votes>(vote, target, &[("review_id", &id), ("kind", &kind)]).await? {
        return Ok(false);
    }
    match kind {
        VoteKind::Helpful => {
            review.helpful_count += 1;
            tx.execute_pipelined("UPDATE reviews SET helpful_count = $2 WHERE review_id = $1", params![id, review.helpful_count]).await?;
        }
        VoteKind::Flag => {
            review.flag_count += 1;
            tx.execute_pipelined("UPDATE reviews SET flag_count = $2 WHERE review_id = $1", params![id, review.flag_count]).await?;
        }
    }
    Ok(true)
}

/// Returns the reports of a review, the newest first.
pub async fn list_flags(tx: &mut Tx, id: ReviewId, before: Option<(Timestamp, UserId)>, rows: i64) -> Result<Vec<ReviewFlag>, Error> {
    let select = Select::of::<Votes>().filter("review_id = ?", id).filter_literal("kind = 'FLAG'");
    let select = match before {
        Some(before) => select.filter_below("(created_at, user_id)", before),
        None => select,
    };
    select.limit("created_at DESC, user_id DESC", rows).list(tx).await
}

/// The key of a review in a product's list: what the list is ordered by, and the id.
pub type ListKey = (i64, ReviewId);

/// Returns the key of a review in this order.
#[must_use]
pub fn list_key(sort: ReviewSort, rating: i64, helpful_count: i64, id: ReviewId) -> ListKey {
    match sort {
        ReviewSort::Newest => (0, id),
        ReviewSort::Helpful => (helpful_count, id),
        ReviewSort::RatingUp | ReviewSort::RatingDown => (rating, id),
    }
}

/// Builds the query of the published reviews of a product after `after`. Each order reads one range of an index.
pub fn of_product(product: ProductId, filter: ProductReviewFilter, after: Option<ListKey>, rows: i64) -> Select<Reviews> {
    let select = Select::of::<Reviews>()
        .filter("product_id = ?", product)
        .filter_literal("status = 'PUBLISHED'")
        .filter_some("rating = ?", filter.rating.map(|stars| stars.get()));
    match (filter.sort.unwrap_or(ReviewSort::Newest), after) {
        (ReviewSort::Newest, after) => select.filter_some("review_id < ?", after.map(|(_, id)| id)).limit("review_id DESC", rows),
        (ReviewSort::Helpful, None) => select.limit("helpful_count DESC, review_id DESC", rows),
        (ReviewSort::Helpful, Some(after)) => {
            select.filter_below("(helpful_count, review_id)", after).limit("helpful_count DESC, review_id DESC", rows)
        }
        (ReviewSort::RatingUp, None) => select.limit("rating, review_id", rows),
        (ReviewSort::RatingUp, Some(after)) => select.filter_above("(rating, review_id)", after).limit("rating, review_id", rows),
        (ReviewSort::RatingDown, None) => select.limit("rating DESC, review_id DESC", rows),
        (ReviewSort::RatingDown, Some(after)) => {
            select.filter_below("(rating, review_id)", after).limit("rating DESC, review_id DESC", rows)
        }
    }
}

/// Returns the reviews of an author, the newest first.
pub async fn list_own(tx: &mut Tx, user: UserId, before: Option<ReviewId>, rows: i64) -> Result<Vec<ReviewRecord>, Error> {
    Select::of::<Reviews>().filter("user_id = ?", user).filter_some("review_id < ?", before).limit("review_id DESC", rows).list(tx).await
}

/// Builds the query of the published reviews of a seller's goods before `before`, the newest first.
pub fn of_seller(seller: UserId, filter: SellerReviewFilter, before: Option<ReviewId>, rows: i64) -> Select<Reviews> {
    // Literals instead of parameters, so that the database uses the partial indexes.
    let select = Select::of::<Reviews>().filter("seller_id = ?", seller).filter_literal("status = 'PUBLISHED'");
    let select = match filter.answered {
        Some(true) => select.filter_literal("answered_at IS NOT NULL"),
        Some(false) => select.filter_literal("answered_at IS NULL"),
        None => select,
    };
    select
        .filter_some("product_id = ?", filter.product_id)
        .filter_some("rating = ?", filter.rating.map(|stars| stars.get()))
        .filter_some("review_id < ?", before)
        .limit("review_id DESC", rows)
}

/// Builds the query of the reviews that an administrator asks for, after `after`.
pub fn moderated(filter: ReviewFilter, after: Option<ListKey>, rows: i64) -> Select<Reviews> {
    let select = Select::of::<Reviews>().filter_some("status = ?", filter.status).filter_some("product_id = ?", filter.product_id);
    // Literals instead of parameters, so that the database uses the partial index.
    let select = match filter.flagged {
        Some(true) => select.filter_literal("flag_count > 0"),
        Some(false) => select.filter_literal("flag_count = 0"),
        None => select,
    };
    let id = after.map(|(_, id)| id);
    match (filter.sort.unwrap_or(ModerationSort::Newest), after) {
        (ModerationSort::Newest, _) => select.filter_some("review_id < ?", id).limit("review_id DESC", rows),
        (ModerationSort::Oldest, _) => select.filter_some("review_id > ?", id).limit("review_id", rows),
        (ModerationSort::RatingUp, None) => select.limit("rating, review_id", rows),
        (ModerationSort::RatingUp, Some(after)) => select.filter_above("(rating, review_id)", after).limit("rating, review_id", rows),
    }
}
