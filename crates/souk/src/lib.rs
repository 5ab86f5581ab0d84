//! The program: one binary that runs the whole marketplace, or a part of it, and the tools around it.
//!
//! A library as well, so that the journeys in `tests/` drive the built program with the load driver's own client.

#[macro_use]
pub mod out;

pub mod admin;
pub mod bench;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod documents;
mod phase;
pub mod platform_run;
pub mod search_tools;
pub mod serve;
pub mod services;
pub mod style;
