//! Journeys against the built program: it is started, called over HTTP, killed and restarted.

#![expect(clippy::disallowed_methods, reason = "they wait for another process by the clock of the system")]

mod access;
mod account_pages;
mod accounting;
mod administering;
mod auditing;
mod authorising;
mod backing_up;
mod browser;
mod browsing;
mod buying;
mod checking_out;
mod consistency;
mod couponing;
mod crashing;
mod delivering;
mod dividing;
mod erasing;
mod guesting;
mod importing;
mod integrating;
mod integrators;
mod keys;
mod looking_around;
mod marketplace;
mod parting;
mod picturing;
mod racing;
mod resisting;
mod restoring;
mod returning;
mod reviewing;
mod selling;
mod selling_pages;
mod server;
mod servers;
mod sessions;
mod starting;
mod storage;
mod suspending;
mod taxing;
mod tools;
mod verifying;
mod webhooking;
mod wishing;
