//! The service through its doors, and its rules against a small world of neighbours.

mod books;
mod doors;
mod faults;
mod leading;
mod neighbours;
mod rules;
mod world;
