//! The service through its doors, and its rules against a small world of upstreams.

mod books;
mod cancelling;
mod doors;
mod faults;
mod leading;
mod rules;
mod stored;
mod upstreams;
mod world;
