//! Entry point 1, HTTP.

use crate::{
    App, Error,
    actions::{self, Decision},
    domain::Viewer,
    store::{self, ListKey},
};
use axum::response::{IntoResponse, Response};
use contracts::{
    ids::{ProductId, ReviewId, UserId},
    review::{
        AnswerReview, FlagReview, ModerateReview, ProductReviewFilter, ProductReviews, Review, ReviewFilter, ReviewFlag, ReviewSort,
        SellerReviewFilter, UpdateReview, WriteReview,
    },
    time::Timestamp,
};
use platform::{
    db::Tx,
    http::{
        Body, Created, DescribeAnswer, Idempotent, Json, MaybeBody, MaybeIdempotencyKey, NoBody, NoContent, Paged, Paging, Path, Problem,
        Query, RenderedPage, Routes, State, describe::OperationBuilder,
    },
    identity::{Admin, Customer, MaybeUser, Role, SellerOfRecord, SellerOrAdmin},
};

pub fn routes() -> Routes<App> {
    Routes::new("review")
        .get("/products/{productId}/reviews", list_of_product, "The published reviews of a product, with its ratings")
        .post("/products/{productId}/reviews", write, "Reviews a product that was delivered to the caller")
        .get("/reviews", list_own, "The caller's reviews in every status, the newest first")
        .get("/reviews/{reviewId}", get, "One review")
        .patch("/reviews/{reviewId}", update, "Changes the caller's review")
        .delete("/reviews/{reviewId}", withdraw, "Withdraws the caller's review")
        .post("/reviews/{reviewId}/helpful", mark_helpful, "Votes that a review is helpful, once")
        .post("/reviews/{reviewId}/flag", flag, "Reports a review to the administrators, once")
        .put("/reviews/{reviewId}/answer", answer, "Answers a published review of the caller's product")
        .get("/seller/reviews", list_of_seller, "The published reviews of the caller's goods, the newest first")
        .get("/admin/reviews", list, "Reviews of everyone, the newest first")
        .get("/admin/reviews/{reviewId}/flags", list_flags, "Who reported a review, and why")
        .post("/admin/reviews/{reviewId}/publish", publish, "Publishes a review")
        .post("/admin/reviews/{reviewId}/reject", reject, "Rejects a review")
}

/// A page of reviews with the summary of their product.
struct ReviewsPage(ProductReviews);

impl IntoResponse for ReviewsPage {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => RenderedPage { body: body.into(), next_cursor: self.0.next_cursor }.into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

impl DescribeAnswer for ReviewsPage {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<ProductReviews>(200, "The reviews of this page, and all published reviews of the product in numbers.");
        operation.answer_header("Link", "The next page, with `rel=\"next\"`.");
    }
}

async fn list_of_product(
    _: MaybeUser,
    State(app): State<App>,
    Path(product): Path<ProductId>,
    Query(filter): Query<ProductReviewFilter>,
    paging: Paging,
) -> Result<ReviewsPage, Problem> {
    let sort = filter.sort.unwrap_or(ReviewSort::Newest);
    let tag = format!("reviews of {product} {sort:?} {:?}", filter.rating);
    let (after, rows) = (paging.after::<ListKey>(&tag)?, paging.fetch());
    let read = async move |tx: &mut Tx| -> Result<_, Error> {
        let Some(rating) = store::find_product_rating(tx, product).await? else { return Ok(None) };
        let reviews = store::of_product(product, filter, after, rows).list(tx).await?;
        Ok(Some((rating.histogram.summary(), reviews)))
    };
    let (summary, reviews) = match app.ctx.db.read(read).await? {
        Some(found) => found,
        // A product without any review is not known here.
        None if actions::is_product(&app, product).await? => Default::default(),
        None => return Err(Error::NotFound.into()),
    };
    let page = paging.page(&tag, reviews, |last| store::list_key(sort, last.rating, last.helpful_count, last.review_id));
    let page = page.map(|review| review.view(Viewer::Anyone));
    Ok(ReviewsPage(ProductReviews { items: page.items, next_cursor: page.next_cursor, summary }))
}

async fn write(
    customer: Customer,
    State(app): State<App>,
    Path(product): Path<ProductId>,
    key: MaybeIdempotencyKey,
    Body(body): Body<WriteReview>,
) -> Result<Idempotent<Created<Review>>, Problem> {
    actions::write_review(&app, customer.id, product, key, body).await
}

async fn list_own(customer: Customer, State(app): State<App>, paging: Paging) -> Result<Paged<Review>, Problem> {
    let user = customer.id;
    let read = async move |tx: &mut Tx, before, rows| store::list_own(tx, user, before, rows).await;
    let page = paging.list(&app.ctx.db, &format!("reviews by {user}"), read, |review| review.review_id).await?;
    Ok(Paged(page.map(|review| review.view(Viewer::User(user)))))
}

async fn get(user: MaybeUser, State(app): State<App>, Path(id): Path<ReviewId>) -> Result<Json<Review>, Problem> {
    let viewer = match user.id() {
        Some(_) if user.has_role(Role::Admin) => Viewer::Admin,
        Some(id) => Viewer::User(id),
        None => Viewer::Anyone,
    };
    let found = app.ctx.db.read(async move |tx| store::find(tx, id).await).await?;
    Ok(Json(found.filter(|review| review.is_visible_to(viewer)).ok_or(Error::NotFound)?.view(viewer)))
}

async fn update(
    customer: Customer,
    State(app): State<App>,
    Path(id): Path<ReviewId>,
    Body(body): Body<UpdateReview>,
) -> Result<Json<Review>, Problem> {
    Ok(Json(actions::update_review(&app, customer.id, id, body).await?))
}

async fn withdraw(customer: Customer, State(app): State<App>, Path(id): Path<ReviewId>) -> Result<NoContent, Problem> {
    actions::withdraw_review(&app.ctx.db, customer.id, id).await?;
    Ok(NoContent)
}

async fn mark_helpful(
    customer: Customer,
    State(app): State<App>,
    Path(id): Path<ReviewId>,
    key: MaybeIdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<Review>>, Problem> {
    actions::mark_helpful(&app.ctx.db, customer.id, id, key.about(id)).await
}

async fn flag(
    customer: Customer,
    State(app): State<App>,
    Path(id): Path<ReviewId>,
    key: MaybeIdempotencyKey,
    MaybeBody(body): MaybeBody<FlagReview>,
) -> Result<Idempotent<Json<Review>>, Problem> {
    actions::flag_review(&app.ctx.db, customer.id, id, key.about(id), body).await
}

async fn answer(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<ReviewId>,
    Body(body): Body<AnswerReview>,
) -> Result<Json<Review>, Problem> {
    Ok(Json(actions::answer_review(&app.ctx.db, caller.owner(), id, body).await?))
}

async fn list_of_seller(
    seller: SellerOfRecord,
    State(app): State<App>,
    Query(filter): Query<SellerReviewFilter>,
    paging: Paging,
) -> Result<Paged<Review>, Problem> {
    let id = seller.id;
    let tag = format!("reviews of goods of {id} {filter:?}");
    let read = async move |tx: &mut Tx, before, rows| store::of_seller(id, filter, before, rows).list(tx).await;
    let page = paging.list(&app.ctx.db, &tag, read, |review| review.review_id).await?;
    Ok(Paged(page.map(|review| review.view(Viewer::User(id)))))
}

async fn list(_: Admin, State(app): State<App>, Query(filter): Query<ReviewFilter>, paging: Paging) -> Result<Paged<Review>, Problem> {
    let tag = format!("all reviews {filter:?}");
    let read = async move |tx: &mut Tx, after, rows| store::moderated(filter, after, rows).list(tx).await;
    let page = paging.list(&app.ctx.db, &tag, read, |review| (review.rating, review.review_id)).await?;
    Ok(Paged(page.map(|review| review.view(Viewer::Admin))))
}

async fn list_flags(_: Admin, State(app): State<App>, Path(id): Path<ReviewId>, paging: Paging) -> Result<Paged<ReviewFlag>, Problem> {
    let read = async move |tx: &mut Tx, before: Option<(Timestamp, UserId)>, rows| -> Result<_, Error> {
        store::find(tx, id).await?.ok_or(Error::NotFound)?;
        Ok(store::list_flags(tx, id, before, rows).await?)
    };
    paging.list(&app.ctx.db, &format!("flags of {id}"), read, |flag| (flag.created_at, flag.user_id)).await.map(Paged)
}

macro_rules! decides {
    ($($name:ident: $decision:expr;)*) => {$(
        async fn $name(
            _: Admin,
            State(app): State<App>,
            Path(id): Path<ReviewId>,
            key: MaybeIdempotencyKey,
            MaybeBody(body): MaybeBody<ModerateReview>,
        ) -> Result<Idempotent<Json<Review>>, Problem> {
            actions::moderate(&app.ctx.db, id, $decision, key.about(id), body).await
        }
    )*};
}
decides! {
    publish: Decision::Publish;
    reject: Decision::Reject;
}
