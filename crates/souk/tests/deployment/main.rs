//! Failures of an installation of many processes: PostgreSQL, NATS, two processes of each service, two gateways.
//!
//! `scripts/deployment` starts one, runs these tests on it and stops it. SOUK_TEST_DEPLOY is the folder of an installation that
//! `deploy/local up --replicas 2 -- --rate-limits off` started. The tests take turns on it, each leaves it whole, and each ends with
//! the same questions: is every order at rest, is everything there that was answered, does the doctor find nothing?

#![expect(clippy::disallowed_methods, reason = "they wait for other processes by the clock of the system")]

mod balancer;
mod databases;
mod events;
mod installation;
mod processes;
mod replacing;
mod replicas;
mod shopping;
mod upstreams;
