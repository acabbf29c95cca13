//! The life of one part: its job or its calls, the fates of its rows, and how it is settled. Must not know plans, waves or
//! other parts.

mod bulk;
mod desk;
mod disbelief;
mod fate;
mod fates;
mod index;
mod json_record;
mod open;
mod payload;
mod resend;
mod rest;
mod row_files;
mod settle;
mod trail_of_part;

pub(in crate::engine) use bulk::TERRITORIES;
pub(in crate::engine) use desk::{Desk, interrupted, wait};
pub(in crate::engine) use fates::Collected;
pub(in crate::engine) use open::desk;
pub(in crate::engine) use settle::settle;
