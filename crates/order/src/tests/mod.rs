//! The service through its doors, and its rules against a small world of neighbours.

mod books;
mod cancelling;
mod doors;
mod faults;
mod leading;
mod neighbours;
mod rules;
mod world;
