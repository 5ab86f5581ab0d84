//! The `souk` program as a library, so that the journeys in `tests/` use its API client.

#[macro_use]
pub mod out;

pub mod admin;
pub mod api_client;
pub mod audit_tools;
pub mod backup;
pub mod bench;
pub mod child;
pub mod config;
pub mod data_dir;
pub mod demo;
pub mod doctor;
pub mod documents;
pub mod entry;
pub mod event_list;
pub mod new_folder;
pub mod operations;
pub mod platform_run;
pub mod processes;
pub mod restore;
pub mod search_tools;
pub mod serve;
pub mod services;
pub mod style;
