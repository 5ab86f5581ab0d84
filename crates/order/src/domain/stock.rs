//! The stock of an order.

use super::{Applied, ChangeCause, Order, PartStock, SagaState, StatusChange, Step};
use contracts::{
    ids::ReservationId,
    order::OrderStatus,
    problem::{Code, Failure},
};
use serde::{Deserialize, Serialize};

/// How far the current reservation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StockState {
    /// No stock is known to be reserved.
    Due,
    Reserved,
    /// Sold to the customer.
    #[serde(rename = "Sold")]
    Confirmed,
    /// Released, expired or returned: no stock is held.
    #[serde(rename = "LetGo")]
    Released,
}

impl SagaState {
    /// Returns the id of the current reservation if it is in `state`.
    pub(super) fn reservation_in(&self, state: StockState) -> Option<ReservationId> {
        self.reservation_id.filter(|_| self.stock == state)
    }

    /// Returns the call that releases the stock of an order that ended without a sale.
    pub(super) fn stock_release_step(&self) -> Option<Step> {
        let reservation_id = self.reservation_id?;
        match self.stock {
            StockState::Reserved => Some(Step::ReleaseReservation(reservation_id)),
            StockState::Confirmed => Some(Step::ReturnReservation(reservation_id)),
            StockState::Due | StockState::Released => None,
        }
    }

    /// Makes another reservation due.
    pub(super) fn start_next_reservation(&mut self) {
        self.past_reservations.extend(self.reservation_id.take());
        self.reservation_attempt += 1;
        self.stock = StockState::Due;
    }

    /// Whether a fact is about the current reservation. The first id after [`SagaState::start_next_reservation`] becomes the
    /// current one.
    fn accept_reservation_id(&mut self, id: ReservationId) -> bool {
        !self.past_reservations.contains(&id) && *self.reservation_id.get_or_insert(id) == id
    }
}

impl Order {
    pub(super) fn stock_reserved(&mut self, id: ReservationId, changes: &mut Vec<StatusChange>) -> Applied {
        if self.saga.accept_reservation_id(id) && self.saga.stock == StockState::Due {
            self.saga.stock = StockState::Reserved;
            self.check_ready_to_capture(changes)?;
        }
        Ok(())
    }

    pub(super) fn out_of_stock(&mut self, attempt: u32, changes: &mut Vec<StatusChange>) -> Applied {
        if !self.is_settled() && self.saga.stock == StockState::Due && self.saga.reservation_attempt == attempt {
            self.failure = Some(Failure::from(Code::INSUFFICIENT_STOCK));
            changes.push(self.change_status(ChangeCause::OutOfStock)?);
        }
        Ok(())
    }

    pub(super) fn stock_confirmed(&mut self, id: ReservationId, changes: &mut Vec<StatusChange>) -> Applied {
        if self.saga.accept_reservation_id(id) && self.saga.stock != StockState::Released {
            self.saga.stock = StockState::Confirmed;
            self.check_confirmed(changes)?;
        }
        Ok(())
    }

    /// The reservation expired while the payment took long, or was released for a failure just before the customer paid again.
    /// An order that is not settled makes another reservation.
    pub(super) fn reservation_ended(&mut self, reservation_id: ReservationId, changes: &mut Vec<StatusChange>) -> Applied {
        if self.saga.accept_reservation_id(reservation_id) && self.saga.stock != StockState::Confirmed {
            if self.is_settled() {
                self.saga.stock = StockState::Released;
            } else {
                self.saga.start_next_reservation();
                if self.status == OrderStatus::InventoryReserved {
                    changes.push(self.change_status(ChangeCause::ReservationLost { reservation_id })?);
                }
            }
        }
        Ok(())
    }

    pub(super) fn stock_returned(&mut self, id: ReservationId) {
        if self.saga.accept_reservation_id(id) {
            self.saga.stock = StockState::Released;
            for part in self.fulfilments.iter_mut().filter(|part| part.stock == PartStock::ReturnDue) {
                part.stock = PartStock::Returned;
            }
        }
    }
}
