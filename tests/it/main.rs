//! The one integration binary; its modules follow.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod cli_reference;
