//! YAML with places: text -> nodes that keep raw text and spans -> values.
//!
//! Owns the syntax, the refusal of YAML features that surprise (anchors, tags, merge keys, duplicate keys) and the
//! reading of mappings with near names for unknown keys. The only room that names a YAML crate. Must not know what
//! any key means.

mod node;
mod parse;
mod read;

pub use node::{Node, NodeKind, Pair};
pub use parse::parse;
pub use read::MapReader;
