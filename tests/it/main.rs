//! The one integration binary: helpers first, then the tests, a module a subject.
#![allow(unreachable_pub, reason = "modules of one binary: what they share is public to each other")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they counted"
)]

mod damaging_proxy;
mod dice;
mod http;
#[cfg(unix)]
mod process;
mod project;
mod world;

mod again;
#[cfg(unix)]
mod alive;
mod allowances;
mod assigned;
mod calls;
mod captures;
mod changing;
mod check;
mod cli_reference;
mod copies;
mod leniency;
mod created_date;
mod crash;
mod day;
mod describes;
#[cfg(unix)]
mod disk;
mod docs;
mod examples;
mod exit_codes;
mod faults;
mod first_of;
mod held;
mod house;
mod keys;
#[cfg(unix)]
mod kill;
mod lies;
mod login;
mod lookups;
mod maintenance;
mod malformed;
#[cfg(target_os = "linux")]
mod memory;
mod deletes;
mod record_identity;
#[cfg(unix)]
mod npsp;
mod numbers;
mod older_copy;
mod operations;
mod orgs;
mod others;
mod paths;
mod pauses;
mod privacy;
mod protect;
mod put_off;
mod reasons;
mod recorded_clients;
mod renewed;
mod rerun;
mod parents;
mod rollback;
mod determinism;
mod screens;
mod sent;
mod serve;
#[cfg(unix)]
mod sockets;
mod state;
mod stand_ins;
mod storm;
#[cfg(unix)]
mod superseded;
mod tls;
mod trust;
mod undoing;
mod unconfirmed;
mod values;
mod wire;
