//! Every real capture is a test of both sides: our client reads it, and our local org's answer to the same request has
//! the same fields, kinds and headers. `tests/fixtures/captures/` holds the captures, an index a set, and the one list
//! of differences that are allowed.

mod answers;
mod cassettes;
mod cases;
mod client;
mod csv_files;
mod differences;
mod index;
mod org;
mod reads;
mod shape;
