//! The rules of reviews and ratings. No async, no I/O, no clock.

use contracts::{
    ids::{OrderId, ProductId, ReviewId, UserId},
    machine::{IllegalTransition, Machine},
    review::{Histogram, Review, ReviewAnswer, ReviewFact, ReviewStatus, UpdateReview},
    time::Timestamp,
};

/// A review as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRecord {
    pub review_id: ReviewId,
    pub product_id: ProductId,
    pub seller_id: Option<UserId>,
    pub user_id: UserId,
    pub order_id: OrderId,
    /// The product's title when it was ordered.
    pub title_snapshot: String,
    pub rating: i64,
    pub title: Option<String>,
    pub text: Option<String>,
    pub status: ReviewStatus,
    /// Of the administrator's last decision.
    pub reason: Option<String>,
    /// Whether an administrator ever rejected it.
    pub was_rejected: bool,
    pub answer: Option<ReviewAnswer>,
    pub helpful_count: i64,
    pub flag_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Who looks at a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    Anyone,
    User(UserId),
    Admin,
}

impl ReviewRecord {
    /// # Errors
    /// [`IllegalTransition`] when the table has no row for the fact.
    pub fn apply(&mut self, fact: ReviewFact, now: Timestamp) -> Result<(), IllegalTransition<ReviewStatus>> {
        self.status = self.status.transition(fact)?;
        self.was_rejected |= self.status == ReviewStatus::Rejected;
        self.updated_at = now;
        Ok(())
    }

    /// Changes the fields that the author changes. A review that an administrator had decided on is submitted again: a
    /// published one unless `publish_at_once`, a rejected one always. Returns whether anything changed.
    ///
    /// # Errors
    /// [`IllegalTransition`] for a review that was withdrawn.
    pub fn revise(&mut self, change: UpdateReview, publish_at_once: bool, now: Timestamp) -> Result<bool, IllegalTransition<ReviewStatus>> {
        let before = self.clone();
        self.rating = change.rating.0.map_or(self.rating, |stars| stars.get());
        if let Some(title) = change.title.0 {
            self.title = title.map(|title| title.into_string());
        }
        if let Some(text) = change.text.0 {
            self.text = text.map(|text| text.into_string()).filter(|text| !text.is_empty());
        }
        match self.status {
            ReviewStatus::Withdrawn => return Err(IllegalTransition { from: self.status, fact: ReviewFact::Resubmitted }),
            _ if *self == before => return Ok(false),
            ReviewStatus::Published if publish_at_once && !self.was_rejected => self.updated_at = now,
            ReviewStatus::Pending => self.updated_at = now,
            ReviewStatus::Published | ReviewStatus::Rejected => self.apply(ReviewFact::Resubmitted, now)?,
        }
        Ok(true)
    }

    /// Returns the stars with which it counts in ratings; `None` while it is not published.
    #[must_use]
    pub fn counted_stars(&self) -> Option<i64> {
        (self.status == ReviewStatus::Published).then_some(self.rating)
    }

    /// Whether `viewer` may see it.
    #[must_use]
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        match viewer {
            Viewer::Admin => true,
            Viewer::User(user) if user == self.user_id => true,
            Viewer::Anyone | Viewer::User(_) => self.status == ReviewStatus::Published,
        }
    }

    /// Returns it as `viewer` sees it.
    #[must_use]
    pub fn view(self, viewer: Viewer) -> Review {
        let is_admin = viewer == Viewer::Admin;
        let is_own = is_admin || viewer == Viewer::User(self.user_id);
        Review {
            review_id: self.review_id,
            product_id: self.product_id,
            product_title: self.title_snapshot,
            user_id: is_own.then_some(self.user_id),
            rating: self.rating,
            title: self.title,
            text: self.text,
            status: self.status,
            reason: self.reason.filter(|_| is_own),
            answer: self.answer,
            helpful_count: self.helpful_count,
            flag_count: is_admin.then_some(self.flag_count),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Moves one review in the counts by stars.
pub fn recount(histogram: &mut Histogram, before: Option<i64>, after: Option<i64>) {
    if let Some(count) = before.and_then(|stars| histogram.count_mut(stars)) {
        *count -= 1;
    }
    if let Some(count) = after.and_then(|stars| histogram.count_mut(stars)) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests;
