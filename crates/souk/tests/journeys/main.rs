//! Journeys against the built program: started as a newcomer would start it, driven over HTTP, killed and started again.

mod access;
mod buying;
mod crashing;
mod house;
mod racing;
