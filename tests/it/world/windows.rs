//! What the crash table says of its tests: that they go through its windows.

use cutover::engine::{CRASH_TABLE, Window};
use std::collections::BTreeMap;

/// A test has been through the windows whose rows name it.
#[track_caller]
pub fn reached(test: &str, met: &BTreeMap<Window, usize>) {
    let named = CRASH_TABLE.iter().filter(|row| row.tests.contains(&test)).map(|row| row.window);
    let missed: Vec<Window> = named.filter(|window| !met.contains_key(window)).collect();
    assert!(missed.is_empty(), "the crash table says that {test} goes through {missed:?}: it met {met:?}");
}
