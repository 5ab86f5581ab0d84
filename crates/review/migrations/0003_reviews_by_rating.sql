-- The list of administrators by the lowest rating.
CREATE INDEX reviews_by_rating ON reviews (rating, review_id);
