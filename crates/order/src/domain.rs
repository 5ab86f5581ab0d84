//! The rules of an order: its totals, its status changes and the calls that are due. No async, no I/O, no clock.
//!
//! An order has one status of the transition table. Beside it the order keeps a [`PaymentState`], a [`StockState`] and a
//! [`ShipmentState`], because the authorization and the reservation run side by side, and because a cancelled order still has
//! to release both. [`Order::apply`] lists every fact and where it is handled; [`due_steps`] lists every call.

mod daily;
mod fact;
mod fulfilment;
mod order;
mod part_refund;
mod payment;
mod returned_goods;
mod saga_state;
mod shipment;
mod status_change;
mod steps;
mod stock;
mod totals;

pub use daily::{DayCount, by_day};
pub use fact::{Fact, ParcelLabel};
pub use fulfilment::{Fulfilment, PartAmounts, PartRefusal, PartStock};
pub use order::{Order, is_settled, order_number};
pub use part_refund::PartRefund;
pub use payment::PaymentState;
pub use returned_goods::{ReturnRestock, ReturnedUnits};
pub use saga_state::{Cancellation, SagaState};
pub use shipment::ShipmentState;
pub use status_change::{ChangeCause, PaymentFailure, StatusChange};
pub use steps::{Step, due_steps};
pub use stock::StockState;
pub use totals::{Totals, set_taxes};

use contracts::{machine::IllegalTransition, order::OrderStatus};

/// The result of a rule that may change the status. An error means that the transition table has no such row.
type Applied = Result<(), IllegalTransition<OrderStatus>>;
