//! The service through its doors, and its rules against a small world of neighbours.

mod doors;
mod neighbours;
mod rules;
mod world;
