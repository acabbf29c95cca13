//! Memory is flat in the row count: four times the rows, the same peak.
//!
//! The rows are short on purpose: what a worker holds grows with the rows of a chunk and not with its bytes, and a
//! megabyte of such rows once took 8 MB more whenever two full chunks happened to be under way together.

use crate::process::{REMOTE, Site};
use std::fmt::Write;
use std::time::{Duration, Instant};

const MANIFEST: &str = "\
cutover: 1
project: many
environments:
REMOTE
objects:
  - object: Account
    key: Legacy_Id__c
    source: parents.csv
    fields: { Legacy_Id__c: id, Name: name }
  - object: Contact
    key: Legacy_Id__c
    source: children.csv
    fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: parent } }
";

const ORG: &str = "\
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
";

/// A quarter of the rows are parents, three quarters children.
fn site(rows: u32) -> Site {
    let site =
        Site::empty(&["SELECT COUNT() FROM Account", "SELECT COUNT() FROM Contact WHERE AccountId != null"]);
    let remote = REMOTE.replace("parallel_jobs: 1", "parallel_jobs: 2, part_rows: 5000");
    site.write("cutover.yaml", &MANIFEST.replace("REMOTE\n", &remote));
    site.write("org.yaml", ORG);
    let (parents, mut text) = (rows / 4, String::from("id,name\n"));
    for row in 0..parents {
        writeln!(text, "P{row},Parent {row}").unwrap();
    }
    site.write("parents.csv", &text);
    text = String::from("id,name,parent\n");
    for row in 0..rows - parents {
        // Parents come in no order.
        writeln!(text, "C{row},Child {row},P{}", (u64::from(row) * 7_919) % u64::from(parents)).unwrap();
    }
    site.write("children.csv", &text);
    site
}

/// Peak memory of one apply in KB, as the kernel last told it.
fn peak(rows: u32) -> (u64, Duration) {
    let site = site(rows);
    let world = site.world("world");
    let begun = Instant::now();
    let mut process = world.begin_with(world.command("apply").arg("--yes"));
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    while !process.is_over() {
        // A process that is over has no such line any more.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let read = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kb| kb.parse().ok());
        peak = peak.max(read.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(process.wait().code(), Some(0));
    let lasted = begun.elapsed();
    let counts: Vec<_> = world.contents().into_iter().map(|(_, rows)| rows[0][0].clone().unwrap()).collect();
    assert_eq!(counts, [(rows / 4).to_string(), (rows - rows / 4).to_string()]);
    (peak, lasted)
}

#[test]
fn four_times_the_rows_in_the_same_memory() {
    let (few, first) = peak(100_000);
    let (many, second) = peak(400_000);
    println!("100,000 rows: {few} KB in {first:.1?}; 400,000 rows: {many} KB in {second:.1?}");
    assert!(few > 1_000, "the peak was read");
    assert!(many * 10 <= few * 11, "{few} KB for 100,000 rows, {many} KB for 400,000");
}
