//! The one integration binary; its modules follow.
#![allow(unreachable_pub, reason = "modules of one binary: what they share is public to each other")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they counted"
)]

mod again;
mod cli_reference;
mod crash;
mod docs;
mod house;
mod same;
mod world;
