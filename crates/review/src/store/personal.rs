//! What this service keeps about users, to be exported and to be erased. The stars of a review stay, so that ratings stay true; what
//! its author wrote goes, because nobody can tell whether it says who wrote it.

use super::{Purchases, Reviews, Votes};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, forget_answers, json},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let reviews = tx.list::<Reviews>("WHERE user_id = $1 ORDER BY review_id", params![user]).await?;
    let reviews = reviews.into_iter().map(|review| {
        json!({
            "reviewId": review.review_id, "productId": review.product_id, "orderId": review.order_id, "status": review.status,
            "rating": review.rating, "title": review.title, "text": review.text, "answer": review.answer,
            "createdAt": review.created_at, "updatedAt": review.updated_at,
        })
    });
    let votes = tx.list::<Votes>("WHERE user_id = $1 ORDER BY created_at", params![user]).await?;
    let votes = votes.into_iter().map(|vote| json!({"reason": vote.reason, "createdAt": vote.created_at}));
    let purchases = tx.list::<Purchases>("WHERE user_id = $1 ORDER BY product_id", params![user]).await?;
    let purchases = purchases.into_iter().map(|bought| {
        json!({
            "productId": bought.product_id, "orderId": bought.order_id, "titleSnapshot": bought.title_snapshot,
            "deliveredAt": bought.delivered_at,
        })
    });
    Ok([("reviews".to_owned(), reviews.collect()), ("votes".to_owned(), votes.collect()), ("purchases".to_owned(), purchases.collect())]
        .into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for review in tx.list::<Reviews>("WHERE user_id = $1 OR seller_id = $1", params![user]).await? {
        forget_answers(tx, review.review_id).await?;
    }
    tx.execute("UPDATE reviews SET title = NULL, body = NULL, reason = NULL WHERE user_id = $1", params![user]).await?;
    tx.execute("UPDATE review_votes SET reason = NULL WHERE user_id = $1", params![user]).await?;
    tx.execute("DELETE FROM purchases WHERE user_id = $1", params![user]).await?;
    tx.execute("DELETE FROM ordered_items WHERE user_id = $1", params![user]).await?;
    let answers =
        "UPDATE reviews SET answer = NULL, answer_author = NULL, answered_at = NULL WHERE seller_id = $1 AND answer_author = 'SELLER'";
    tx.execute_pipelined(answers, params![user]).await
}
