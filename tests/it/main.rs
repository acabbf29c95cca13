//! The one integration binary; its modules follow.
