//! The one integration binary; its modules follow.
#![allow(unreachable_pub, reason = "modules of one binary: what they share is public to each other")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod crash;
#[cfg(unix)]
mod kill;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(unix)]
mod process;
mod same;
#[cfg(unix)]
mod superseded;
mod world;
