-- How many units of a confirmed line went back on sale before the whole reservation was returned.
ALTER TABLE reservation_lines ADD COLUMN returned_qty BIGINT NOT NULL DEFAULT 0;

-- What units of a reservation were returned for, such as a cancelled fulfilment. One cause returns them once.
CREATE TABLE reservation_returns (
    reservation_id UUID NOT NULL REFERENCES reservations (reservation_id),
    cause_id       UUID NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (reservation_id, cause_id)
);

-- A line is reserved and sold or released once, and may go back on sale in several parts, each of which is recorded above.
DROP INDEX stock_movements_by_reservation;
CREATE INDEX stock_movements_of_reservation ON stock_movements (reservation_id, stock_item_id) WHERE reservation_id IS NOT NULL;
CREATE UNIQUE INDEX stock_movements_by_reservation ON stock_movements (reservation_id, stock_item_id, reason)
    WHERE reservation_id IS NOT NULL AND reason <> 'RETURNED';
