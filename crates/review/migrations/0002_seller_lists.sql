-- The published reviews of a seller's goods, and those of them that have no answer.
CREATE INDEX reviews_of_seller ON reviews (seller_id, review_id) WHERE status = 'PUBLISHED';
CREATE INDEX reviews_of_seller_unanswered ON reviews (seller_id, review_id) WHERE status = 'PUBLISHED' AND answered_at IS NULL;
