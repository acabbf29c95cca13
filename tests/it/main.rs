//! The one integration binary; its modules follow.
mod review;
