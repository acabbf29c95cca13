//! The one integration binary; its modules follow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests fail by panicking, and so do their helpers"
)]

mod cli_reference;
mod docs;
mod house;
