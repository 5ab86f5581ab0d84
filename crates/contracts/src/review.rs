//! Review: what customers write of products that were delivered to them, and the ratings that follow from it.

use crate::{
    body::{BoundedInt, Patch},
    calls, events,
    ids::{OrderId, ProductId, ReviewId, UserId},
    machine,
    page::Page,
    service::ServiceSpec,
    string_enum,
    text::{LongText, RequiredLongText, RequiredShortText},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "review";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Keeps the reviews of delivered products and the ratings of products and sellers.",
    machines: &[ReviewStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/reviews", "/products/{productId}/reviews", "/reviews", "/seller/reviews"],
};

machine! {
    /// The life of a review. Only published reviews are public and count in ratings.
    ReviewStatus;
    /// What can happen to a review.
    ReviewFact;
    states {
        /// Waits for an administrator.
        Pending = "PENDING",
        /// Public.
        Published = "PUBLISHED",
        /// An administrator rejected it. Its author may change it, which submits it again.
        Rejected = "REJECTED",
        /// Its author withdrew it, and may write another one.
        Withdrawn = "WITHDRAWN",
    }
    resting { Published, Rejected }
    facts {
        /// It was published: by an administrator, or at once where the shop does not moderate.
        Published,
        /// An administrator rejected it.
        Rejected,
        /// Its author changed it, and an administrator has to look at it again.
        Resubmitted,
        /// Its author withdrew it.
        Withdrawn,
    }
    table {
        Pending, Published => Published;
        Pending, Rejected => Rejected;
        Pending, Withdrawn => Withdrawn;
        Published, Rejected => Rejected;
        Published, Resubmitted => Pending;
        Published, Withdrawn => Withdrawn;
        Rejected, Published => Published;
        Rejected, Resubmitted => Pending;
        Rejected, Withdrawn => Withdrawn;
    }
}

string_enum! {
    /// Who answered a review.
    AnswerAuthor {
        /// The seller of the product.
        Seller = "SELLER",
        /// The shop.
        Shop = "SHOP",
    }

    /// The order of a list of an administrator.
    ModerationSort {
        /// The newest first.
        Newest = "newest",
        /// The oldest first.
        Oldest = "oldest",
        /// The lowest rating first.
        RatingUp = "rating",
    }

    /// The order of a product's reviews.
    ReviewSort {
        /// The newest first.
        Newest = "newest",
        /// Those with the most helpful votes first.
        Helpful = "helpful",
        /// The lowest rating first.
        RatingUp = "rating",
        /// The highest rating first.
        RatingDown = "-rating",
    }
}

/// A number of stars: 1 is the worst, 5 the best.
pub type Stars = BoundedInt<1, 5>;

/// The average of the published reviews of a product or of a seller's products.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rating {
    /// In hundredths of a star, rounded half up: 450 is 4.5 stars; 0 without reviews.
    pub average_hundredths: i64,
    /// The number of published reviews.
    pub count: i64,
}

/// The number of published reviews by stars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    #[serde(rename = "1")]
    pub one: i64,
    #[serde(rename = "2")]
    pub two: i64,
    #[serde(rename = "3")]
    pub three: i64,
    #[serde(rename = "4")]
    pub four: i64,
    #[serde(rename = "5")]
    pub five: i64,
}

impl Histogram {
    /// Returns the count of a number of stars; `None` unless it is 1 to 5.
    pub fn count_mut(&mut self, stars: i64) -> Option<&mut i64> {
        match stars {
            1 => Some(&mut self.one),
            2 => Some(&mut self.two),
            3 => Some(&mut self.three),
            4 => Some(&mut self.four),
            5 => Some(&mut self.five),
            _ => None,
        }
    }

    /// Returns the average and the number of reviews.
    #[must_use]
    pub fn rating(&self) -> Rating {
        let Histogram { one, two, three, four, five } = *self;
        let count = one + two + three + four + five;
        let stars = one + 2 * two + 3 * three + 4 * four + 5 * five;
        let average_hundredths = if count == 0 { 0 } else { (200 * stars + count) / (2 * count) };
        Rating { average_hundredths, count }
    }

    /// Returns the ratings as answers show them.
    #[must_use]
    pub fn summary(&self) -> RatingSummary {
        let Rating { average_hundredths, count } = self.rating();
        RatingSummary { average_hundredths, count, histogram: *self }
    }
}

/// The published reviews of a product in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RatingSummary {
    /// In hundredths of a star, rounded half up: 450 is 4.5 stars; 0 without reviews.
    pub average_hundredths: i64,
    /// The number of published reviews.
    pub count: i64,
    /// The number of published reviews by stars.
    pub histogram: Histogram,
}

/// Reviews a product.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteReview {
    /// 1 to 5 stars.
    pub rating: Stars,
    /// One line of 1 to 200 characters.
    #[serde(default)]
    pub title: Option<RequiredShortText>,
    /// At most 5,000 characters.
    #[serde(default)]
    pub text: Option<LongText>,
}

/// Changes a review. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateReview {
    /// 1 to 5 stars.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub rating: Patch<Stars>,
    /// Null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub title: Patch<Option<RequiredShortText>>,
    /// Null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub text: Patch<Option<LongText>>,
}

/// Reports a review to the administrators.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlagReview {
    /// One line of 1 to 200 characters, for administrators.
    pub reason: Option<RequiredShortText>,
}

/// Answers a review, or changes the answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerReview {
    /// 1 to 5,000 characters.
    pub text: RequiredLongText,
}

/// Publishes or rejects a review.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModerateReview {
    /// One line of 1 to 200 characters, shown to the author.
    pub reason: Option<RequiredShortText>,
}

/// A review of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    pub review_id: ReviewId,
    pub product_id: ProductId,
    /// What the product was called when its author ordered it.
    #[serde(default)]
    pub product_title: String,
    /// Its author, who received the product; for the author and administrators, null for others.
    pub user_id: Option<UserId>,
    /// 1 to 5 stars.
    pub rating: i64,
    /// One line; null when there is none.
    pub title: Option<String>,
    /// Text of several lines; null when there is none.
    pub text: Option<String>,
    /// The present status.
    pub status: ReviewStatus,
    /// Why an administrator published or rejected it; for its author and administrators, null for others.
    pub reason: Option<String>,
    /// The answer of the seller or the shop; null when there is none.
    pub answer: Option<ReviewAnswer>,
    /// How many customers found it helpful.
    pub helpful_count: i64,
    /// How many customers reported it; for administrators, null for others.
    pub flag_count: Option<i64>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When its text, status or answer last changed.
    pub updated_at: Timestamp,
}

/// The answer to a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewAnswer {
    /// Text of several lines.
    pub text: String,
    /// Who wrote it.
    pub author: AnswerAuthor,
    /// When it was written or last changed.
    pub answered_at: Timestamp,
}

/// A customer's report of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewFlag {
    /// The customer who reported it.
    pub user_id: UserId,
    /// Null when the customer gave none.
    pub reason: Option<String>,
    /// When it was reported.
    pub created_at: Timestamp,
}

/// One page of the published reviews of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductReviews {
    /// The reviews of this page.
    pub items: Vec<Review>,
    /// Opaque; null on the last page.
    pub next_cursor: Option<String>,
    /// All published reviews of the product in numbers, whatever the filter.
    pub summary: RatingSummary,
}

/// Which reviews of a product a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProductReviewFilter {
    /// The order; the newest first when absent.
    pub sort: Option<ReviewSort>,
    /// Only reviews with this number of stars.
    pub rating: Option<Stars>,
}

/// Which reviews a list of an administrator shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReviewFilter {
    /// Only reviews in this status.
    pub status: Option<ReviewStatus>,
    /// Only reviews of this product.
    pub product_id: Option<ProductId>,
    /// With `true`, only reviews that customers reported; with `false`, only the others.
    pub flagged: Option<bool>,
    /// The order; the newest first when absent.
    pub sort: Option<ModerationSort>,
}

/// Which reviews of their goods a seller sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SellerReviewFilter {
    /// Only reviews of this product.
    pub product_id: Option<ProductId>,
    /// Only reviews with this number of stars.
    pub rating: Option<Stars>,
    /// With `true`, only reviews that have an answer; with `false`, only the others.
    pub answered: Option<bool>,
}

calls! {
    /// Lists the published reviews of a product with its ratings. The answer is a page: it takes `limit` and `cursor`.
    LIST_PRODUCT_REVIEWS: get(()) -> ProductReviews, "/products/{productId}/reviews", query ProductReviewFilter;
    /// Reviews a product that was delivered to the caller, once.
    WRITE_REVIEW: post(WriteReview) -> Review, "/products/{productId}/reviews";
    /// Lists the caller's reviews in every status, the newest first.
    LIST_OWN_REVIEWS: get(()) -> Page<Review>, "/reviews";
    /// Reads a review. One that is not published is for its author and administrators.
    GET_REVIEW: get(()) -> Review, "/reviews/{reviewId}";
    /// Changes the caller's review. It may have to be published again.
    UPDATE_REVIEW: patch(UpdateReview) -> Review, "/reviews/{reviewId}";
    /// Withdraws the caller's review.
    WITHDRAW_REVIEW: delete(()) -> (), "/reviews/{reviewId}";
    /// Votes that a review is helpful. A repetition changes nothing.
    MARK_REVIEW_HELPFUL: post(()) -> Review, "/reviews/{reviewId}/helpful";
    /// Reports a review to the administrators. A repetition changes nothing.
    FLAG_REVIEW: post(FlagReview) -> Review, "/reviews/{reviewId}/flag";
    /// Answers a published review of the caller's product, or changes the answer.
    ANSWER_REVIEW: put(AnswerReview) -> Review, "/reviews/{reviewId}/answer";
    /// Lists the published reviews of the caller's goods, the newest first.
    LIST_SELLER_REVIEWS: get(()) -> Page<Review>, "/seller/reviews", query SellerReviewFilter;
    /// Lists reviews of all products, the newest first.
    LIST_ALL_REVIEWS: get(()) -> Page<Review>, "/admin/reviews", query ReviewFilter;
    /// Lists the reports of a review, the newest first.
    LIST_REVIEW_FLAGS: get(()) -> Page<ReviewFlag>, "/admin/reviews/{reviewId}/flags";
    /// Publishes a review. A published one stays as it is.
    PUBLISH_REVIEW: post(ModerateReview) -> Review, "/admin/reviews/{reviewId}/publish";
    /// Rejects a review. A rejected one stays as it is.
    REJECT_REVIEW: post(ModerateReview) -> Review, "/admin/reviews/{reviewId}/reject";
}

// No event has the text of a review: it is personal, and the audit log keeps events for good.
events! {
    "REVIEW", review_id: ReviewId;
    /// A customer reviewed a product. The review is PENDING; `ReviewPublished` follows where it is published at once.
    ReviewSubmitted {
        product_id: ProductId,
        /// The order that was delivered.
        order_id: OrderId,
        user_id: UserId,
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
        /// 1 to 5 stars.
        rating: i64,
    }
    /// A review became public.
    ReviewPublished {
        product_id: ProductId,
        /// The product's title when it was ordered.
        title_snapshot: String,
        user_id: UserId,
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
        /// 1 to 5 stars.
        rating: i64,
    }
    /// An administrator rejected a review.
    ReviewRejected {
        product_id: ProductId,
        user_id: UserId,
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
        /// Why; null when no reason was given.
        reason: Option<String>,
    }
    /// Its author changed a review. It is PENDING again where an administrator has to look at it.
    ReviewUpdated {
        product_id: ProductId,
        user_id: UserId,
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
        /// 1 to 5 stars.
        rating: i64,
        /// The status after the change.
        status: ReviewStatus,
    }
    /// Its author withdrew a review.
    ReviewWithdrawn {
        product_id: ProductId,
        user_id: UserId,
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
    }
    /// The seller or the shop answered a review, or changed the answer.
    ReviewAnswered {
        product_id: ProductId,
        /// The product's title when it was ordered.
        title_snapshot: String,
        user_id: UserId,
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
        /// Who answered.
        author: AnswerAuthor,
    }
    /// A customer reported a review to the administrators.
    ReviewFlagged {
        product_id: ProductId,
        user_id: UserId,
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
        /// How many customers reported it so far.
        flag_count: i64,
    }
    "PRODUCT_RATING", product_id: ProductId;
    /// The published reviews of a product changed in number or in stars.
    ProductRatingChanged {
        /// The seller of the product; null for the marketplace itself.
        seller_id: Option<UserId>,
        /// The average and the number of reviews.
        rating: Rating,
        /// The number of reviews by stars.
        histogram: Histogram,
    }
    "SELLER_RATING", seller_id: UserId;
    /// The published reviews of a seller's products changed in number or in stars.
    SellerRatingChanged {
        /// The average and the number of reviews of all products of the seller.
        rating: Rating,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_average_is_rounded_half_up_to_a_hundredth() {
        let rating = |one, two, three, four, five| Histogram { one, two, three, four, five }.rating();
        for (counts, average_hundredths) in [
            ((0, 0, 0, 0, 0), 0),
            ((0, 0, 0, 0, 1), 500),
            ((0, 0, 0, 1, 1), 450),
            // 4.333…, 4.666… and 2.125, which is in the middle between two hundredths.
            ((0, 0, 0, 2, 1), 433),
            ((0, 0, 0, 1, 2), 467),
            ((4, 2, 0, 1, 1), 213),
        ] {
            let (one, two, three, four, five) = counts;
            assert_eq!(rating(one, two, three, four, five), Rating { average_hundredths, count: one + two + three + four + five });
        }
    }

    #[test]
    fn a_histogram_is_written_by_stars() {
        let histogram = Histogram { one: 1, five: 7, ..Histogram::default() };
        assert_eq!(serde_json::to_value(histogram).unwrap(), serde_json::json!({"1": 1, "2": 0, "3": 0, "4": 0, "5": 7}));
    }

    proptest! {
        #[test]
        fn an_average_lies_between_the_lowest_and_the_highest_number_of_stars(stars in proptest::collection::vec(1_i64..=5, 1..60)) {
            let mut histogram = Histogram::default();
            for one in &stars {
                *histogram.count_mut(*one).unwrap() += 1;
            }
            let Rating { average_hundredths, count } = histogram.rating();
            prop_assert_eq!(count, stars.len() as i64);
            prop_assert!(stars.iter().min().unwrap() * 100 <= average_hundredths && average_hundredths <= stars.iter().max().unwrap() * 100);
            // At most half a hundredth away from the true average.
            let exact = 100 * stars.iter().sum::<i64>();
            prop_assert!((average_hundredths * count - exact).abs() * 2 <= count);
        }
    }
}
