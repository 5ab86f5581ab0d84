//! Goods that came back by a return: what is owed for them, and which of them go on sale again.

use super::{Order, PartStock, Step, StockState};
use contracts::{
    ids::{OrderItemId, ReturnId},
    order::RefundCause,
};
use serde::{Deserialize, Serialize};

/// Units of one line that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnedUnits {
    pub order_item_id: OrderItemId,
    pub restocked: u32,
    pub written_off: u32,
}

/// The units of a return that go on sale again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRestock {
    pub return_id: ReturnId,
    pub units: Vec<(OrderItemId, u32)>,
    pub is_done: bool,
}

impl Order {
    /// Makes the refund and the restock of a return due, once.
    pub(super) fn goods_returned(&mut self, id: ReturnId, refund_amount: i64, units: &[ReturnedUnits]) {
        if self.saga.part_refunds.iter().any(|refund| refund.cause_id == id.0) {
            return;
        }
        self.request_refund(RefundCause::Return, id.0, refund_amount);
        for of_line in units {
            if let Some(item) = self.items.iter_mut().find(|item| item.order_item_id == of_line.order_item_id) {
                item.returned_quantity = (item.returned_quantity + of_line.restocked + of_line.written_off).min(item.quantity);
            }
        }
        // What was put on sale again with its whole fulfilment is not put there twice.
        let is_kept = |id: OrderItemId| {
            let seller = self.items.iter().find(|item| item.order_item_id == id).map(|item| item.seller_id);
            !self.fulfilments.iter().any(|part| Some(part.seller_id) == seller && part.stock != PartStock::Kept)
        };
        let restocked = units.iter().filter(|of_line| of_line.restocked > 0 && is_kept(of_line.order_item_id));
        let units: Vec<_> = restocked.map(|of_line| (of_line.order_item_id, of_line.restocked)).collect();
        if !units.is_empty() {
            self.saga.return_restocks.push(ReturnRestock { return_id: id, units, is_done: false });
        }
    }

    /// Returns the calls that put returned units on sale again.
    pub(super) fn return_restock_steps(&self) -> Vec<Step> {
        let Some(reservation) = self.saga.reservation_in(StockState::Confirmed) else { return Vec::new() };
        let due = self.saga.return_restocks.iter().filter(|restock| !restock.is_done);
        due.map(|restock| Step::RestockReturn(reservation, restock.return_id)).collect()
    }

    pub(super) fn return_restocked(&mut self, id: ReturnId) {
        if let Some(restock) = self.saga.return_restocks.iter_mut().find(|restock| restock.return_id == id) {
            restock.is_done = true;
        }
    }

    /// Returns the units that a return puts on sale again, by SKU.
    #[must_use]
    pub fn restocked_by(&self, restock: &ReturnRestock) -> Vec<(&str, u32)> {
        let mut lines: Vec<(&str, u32)> = Vec::new();
        for (id, units) in &restock.units {
            let Some(item) = self.items.iter().find(|item| item.order_item_id == *id) else { continue };
            match lines.iter_mut().find(|(sku, _)| *sku == item.sku) {
                Some((_, sum)) => *sum += units,
                None => lines.push((&item.sku, *units)),
            }
        }
        lines
    }
}
