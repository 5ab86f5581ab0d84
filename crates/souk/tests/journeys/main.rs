//! Journeys against the built program: started as a newcomer would start it, driven over HTTP, killed and started again.

mod access;
mod auditing;
mod books;
mod buying;
mod crashing;
mod delivering;
mod house;
mod racing;
mod starting;
mod tools;
