//! The one integration binary; its modules follow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests fail by panicking, and so do their helpers"
)]

mod project;
mod http;

mod check;
mod examples;
mod exit_codes;
mod held;
mod privacy;
mod rerun;
mod screens;
