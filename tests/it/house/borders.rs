//! Who may use whom, and who may name what: rooms, foreign crates, and what lies outside the program.

use super::sources::{Name, SRC, Source, root};
use super::{Finding, Known, finds, hold};

/// The rooms, in the order in which the data flow. `src/lib.rs` lists them so.
const ROOMS: [&str; 17] = [
    "diagnostic",
    "yaml",
    "model",
    "ports",
    "source",
    "transform",
    "manifest",
    "bind",
    "ledger",
    "stage",
    "plan",
    "salesforce",
    "checkpoint",
    "engine",
    "report",
    "local_org",
    "cli",
];

// Who may use whom.

/// The rooms that a room may use.
fn may_use(room: &str) -> Vec<&'static str> {
    let above = ROOMS.iter().take_while(|other| **other != room).copied();
    match room {
        "local_org" => vec!["diagnostic", "yaml", "model"],
        "checkpoint" => above.filter(|other| *other != "salesforce").collect(),
        "docs" => Vec::new(),
        _ => above.collect(),
    }
}

/// Paths that lead into a room that may not be used from here.
fn wrong_rooms(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let (start, allowed) = match source.path.as_str() {
            "src/main.rs" => ("cutover", vec!["cli"]),
            _ => ("crate", may_use(source.room())),
        };
        for name in source.names.iter().filter(|name| name.path[0] == start && name.path.len() > 1) {
            let room = name.path[1].as_str();
            if room != source.room() && !allowed.contains(&room) {
                found.push(Finding::new(source, name.line, format!("uses {start}::{room}")));
            }
        }
    }
    found
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    const KNOWN: &[Known] = &[];
    let mend = "A room uses only rooms above it in src/lib.rs; local_org uses diagnostic, yaml and model only; \
        checkpoint and salesforce do not see each other; the binary sees cli only. Move what is shared up, or hand it in.";
    hold(&wrong_rooms(&SRC), KNOWN, mend);
}

#[test]
fn a_room_that_looks_down_is_noticed() {
    let finds = |path: &str, text: &str, expected: &[&str]| finds(wrong_rooms, path, text, expected);
    finds(
        "src/plan/x.rs",
        "use crate::model::Key;\nuse crate::engine::{run, Exit};",
        &["2: uses crate::engine", "2: uses crate::engine"],
    );
    finds("src/plan/x.rs", "fn f() {\n  vec![1, crate::report::f()]\n}", &["2: uses crate::report"]);
    finds(
        "src/plan/x.rs",
        "#[cfg(test)]\nmod tests {\n  use super::super::super::cli::x;\n}",
        &["3: uses crate::cli"],
    );
    finds(
        "src/plan/mod.rs",
        "use super::cli;\nfn f() {\n  cli::go()\n}",
        &["1: uses crate::cli", "3: uses crate::cli"],
    );
    finds("src/plan/x.rs", "use crate::*;", &["1: uses crate::*"]);
    finds("src/plan/x.rs", "pub(crate) use super::build;\nuse crate::{model, plan};", &[]);
    finds(
        "src/local_org/x.rs",
        "use crate::yaml::parse;\nuse crate::salesforce::Client;",
        &["2: uses crate::salesforce"],
    );
    finds("src/local_org/x.rs", "use crate::ports::Files;", &["1: uses crate::ports"]);
    finds("src/salesforce/x.rs", "type A = crate::checkpoint::Event;", &["1: uses crate::checkpoint"]);
    finds("src/salesforce/x.rs", "type A = crate::local_org::Org;", &["1: uses crate::local_org"]);
    finds("src/checkpoint/x.rs", "type A = crate::salesforce::Job;", &["1: uses crate::salesforce"]);
    finds("src/cli/x.rs", "use crate::{local_org, salesforce, engine};", &[]);
    finds("src/docs/mod.rs", "use crate::model;", &["1: uses crate::model"]);
    finds(
        "src/main.rs",
        "fn main() { cutover::cli::main(); cutover::engine::run() }",
        &["1: uses cutover::engine"],
    );
}

/// The modules that `src/lib.rs` lists.
fn listed(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).unwrap();
    let names = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(room) => Some(room.ident.to_string()),
        _ => None,
    });
    names.collect()
}

#[test]
fn rooms_are_listed_in_the_order_of_the_data() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let expected: Vec<&str> = ROOMS.into_iter().chain(["docs"]).collect();
    assert_eq!(
        listed(&lib),
        expected,
        "src/lib.rs lists the rooms in the order of src/docs/architecture.md, then docs"
    );
    assert_eq!(listed("pub mod cli;\nmod yaml;"), ["cli", "yaml"]);
    let page = std::fs::read_to_string(root().join("src/docs/architecture.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let rooms: Vec<&str> = rows.map(|(room, _)| room).filter(|name| !name.contains(['/', '.'])).collect();
    assert_eq!(rooms, ROOMS, "the table of rooms in src/docs/architecture.md has each room, in order");
}

// What is named in one place only.

/// A crate, and the files or folders (ending with `/`) that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("reqwest", &["src/salesforce/transport.rs"]),
    // Keys and certificates are its types; the local org needs one of them.
    (
        "rustls",
        &["src/salesforce/transport.rs", "src/salesforce/login/key.rs", "src/local_org/auth/certificate.rs"],
    ),
    (
        "ring",
        &[
            "src/ports/random.rs",
            "src/salesforce/login/",
            "src/local_org/http/oauth.rs",
            "src/local_org/tests/login.rs",
        ],
    ),
    ("webpki", &["src/local_org/auth/certificate.rs"]),
    ("sled", &["src/checkpoint/store.rs"]),
    ("petgraph", &["src/plan/graph.rs", "src/plan/cycle.rs"]),
    ("minijinja", &["src/transform/expr.rs", "src/local_org/rule.rs"]),
    ("saphyr_parser", &["src/yaml/"]),
    ("serde_yaml", &["src/yaml/"]),
    ("rusqlite", &["src/local_org/"]),
    ("axum", &["src/local_org/", "src/cli/socket.rs"]),
    ("hyper", &["src/cli/socket.rs"]),
    ("hyper_util", &["src/cli/socket.rs"]),
    ("indicatif", &["src/cli/"]),
    ("clap", &["src/cli/"]),
    ("clap_complete", &["src/cli/"]),
    ("jiff", &["src/transform/", "src/local_org/", "src/ports/clock.rs", "src/cli/until.rs"]),
];

fn at_home(path: &str, homes: &[&str]) -> bool {
    homes.iter().any(|home| path == *home || (home.ends_with('/') && path.starts_with(home)))
}

/// Crates that are named away from their homes.
fn strayed_crates(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        for (foreign, _) in HOMES.iter().filter(|(_, homes)| !at_home(&source.path, homes)) {
            let names = source.names.iter().filter(|name| name.path.len() > 1 && name.path[0] == *foreign);
            found.extend(names.map(|name| Finding::new(source, name.line, format!("names {foreign}"))));
        }
    }
    found
}

#[test]
fn a_foreign_crate_is_named_at_its_home_only() {
    const KNOWN: &[Known] = &[
        (
            "src/manifest/source.rs",
            "names jiff",
            "near names of time zones; transform could offer the list beside is_time_zone",
        ),
        (
            "src/manifest/tests/schema.rs",
            "names serde_yaml",
            "a test reads YAML into JSON; it could go by yaml::parse",
        ),
    ];
    let mend = "Each of these crates has one home (HOMES in tests/it/house/borders.rs); call what its home offers instead.";
    hold(&strayed_crates(&SRC), KNOWN, mend);
}

#[test]
fn a_crate_away_from_home_is_noticed() {
    let finds = |path: &str, text: &str, expected: &[&str]| finds(strayed_crates, path, text, expected);
    finds("src/engine/x.rs", "use sled::Db;\nfn f(sled: u8) -> u8 { sled }", &["1: names sled"]);
    finds("src/checkpoint/store.rs", "use sled::Db;", &[]);
    finds("src/plan/x.rs", "use petgraph as p;\nfn f() { p::algo::toposort() }", &["2: names petgraph"]);
    finds(
        "src/transform/dates.rs",
        "use jiff::Zoned;\nfn f() { minijinja::Value::from(1) }",
        &["2: names minijinja"],
    );
    finds("src/report/x.rs", "#[derive(clap::Parser)]\nstruct A;", &["1: names clap"]);
    finds(
        "src/cli/socket.rs",
        "use {axum::Router, clap::Parser, rusqlite::Connection};",
        &["1: names rusqlite"],
    );
}

// Clock, threads, randomness, environment, terminal.

/// Something outside the program, how it is reached, and who may.
struct Outside {
    what: &'static str,
    /// Paths that begin so.
    begins: &'static [&'static str],
    /// Paths that have these segments anywhere.
    has: &'static [&'static str],
    homes: &'static [&'static str],
}

const OUTSIDE: &[Outside] = &[
    Outside {
        what: "the clock",
        begins: &["tokio::time::sleep", "tokio::time::interval", "std::thread::sleep"],
        has: &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"],
        homes: &["src/ports/clock.rs", "src/cli/"],
    },
    Outside {
        what: "threads and tasks",
        begins: &["std::thread", "tokio::spawn", "tokio::task"],
        has: &["spawn_blocking"],
        // The clock is where a thread sleeps.
        homes: &["src/ports/work.rs", "src/ports/clock.rs", "src/cli/"],
    },
    Outside {
        what: "the system's randomness",
        begins: &[],
        has: &["ports::entropy"],
        homes: &["src/ports/", "src/cli/"],
    },
    Outside { what: "the environment", begins: &["std::env"], has: &[], homes: &["src/cli/"] },
    Outside {
        what: "the end of the process",
        begins: &["std::process::exit", "std::process::abort"],
        has: &[],
        homes: &["src/cli/"],
    },
    Outside {
        what: "the terminal",
        begins: &["std::io::stdout", "std::io::stderr", "std::io::stdin", "anstream"],
        has: &[],
        homes: &["src/cli/"],
    },
];

/// What reaches outside from a room that does not own it.
fn strayed_effects(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        for outside in OUTSIDE.iter().filter(|outside| !at_home(&source.path, outside.homes)) {
            let reaches = |name: &&Name| {
                outside.begins.iter().any(|path| name.begins(path))
                    || outside.has.iter().any(|path| name.has(path))
            };
            let names = source.names.iter().filter(reaches);
            found.extend(names.map(|name| {
                Finding::new(source, name.line, format!("reaches {} by `{}`", outside.what, name.text()))
            }));
        }
    }
    found
}

/// `println!` and its kin outside `cli`.
fn strayed_prints(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.room() != "cli") {
        let prints = |name: &&Name| {
            let last = name.path.last().map(String::as_str);
            name.called && matches!(last, Some("print" | "println" | "eprint" | "eprintln"))
        };
        let names = source.names.iter().filter(prints);
        found.extend(
            names.map(|name| Finding::new(source, name.line, format!("prints by `{}!`", name.text()))),
        );
    }
    found
}

#[test]
fn the_outside_is_reached_by_its_owners_only() {
    const WHY: &str = "a test that serves one connection needs a thread";
    const KNOWN: &[Known] = &[
        ("src/salesforce/transport_tests.rs", "reaches threads and tasks by `std::thread::JoinHandle`", WHY),
        ("src/salesforce/transport_tests.rs", "reaches threads and tasks by `std::thread::spawn`", WHY),
    ];
    let mend = "Take a port (Clock, Work, Random) or an argument instead: clock, threads, the system's randomness, \
        environment, terminal and the end of the process belong to ports/clock.rs, ports/work.rs and cli.";
    hold(&strayed_effects(&SRC), KNOWN, mend);
}

#[test]
fn nothing_prints_but_the_cli() {
    hold(&strayed_prints(&SRC), &[], "Give the text back, or tell an Observer; only cli prints.");
}

#[test]
fn reaching_outside_is_noticed() {
    let finds = |path: &str, text: &str, expected: &[&str]| finds(strayed_effects, path, text, expected);
    finds(
        "src/engine/x.rs",
        "use std::time::Instant;\nfn f() { Instant::now(); }",
        &["2: reaches the clock by `std::time::Instant::now`"],
    );
    finds(
        "src/engine/x.rs",
        "use std::{thread as t, io};\nfn f() { t::scope(|s| 1); io::stdout() }",
        &[
            "1: reaches threads and tasks by `std::thread`",
            "2: reaches threads and tasks by `std::thread::scope`",
            "2: reaches the terminal by `std::io::stdout`",
        ],
    );
    finds(
        "src/source/x.rs",
        "fn f() { handle.spawn_blocking(g) }",
        &["1: reaches threads and tasks by `spawn_blocking`"],
    );
    finds(
        "src/model/x.rs",
        "fn f() -> String { env!(\"A\"); std::env::var(\"A\") }",
        &["1: reaches the environment by `std::env::var`"],
    );
    finds(
        "src/report/x.rs",
        "fn f() { std::process::exit(1) }",
        &["1: reaches the end of the process by `std::process::exit`"],
    );
    finds(
        "src/engine/x.rs",
        "fn f() { crate::ports::entropy() }",
        &["1: reaches the system's randomness by `crate::ports::entropy`"],
    );
    finds("src/ports/work.rs", "fn f() { std::thread::scope(g) }", &[]);
    finds(
        "src/ports/work.rs",
        "fn f() { std::time::SystemTime::now() }",
        &["1: reaches the clock by `std::time::SystemTime::now`"],
    );
    finds("src/cli/x.rs", "fn f() { std::env::args(); std::process::exit(1) }", &[]);
}

#[test]
fn printing_is_noticed() {
    finds(
        strayed_prints,
        "src/report/x.rs",
        "fn f() {\n  std::eprintln!(\"a\");\n}",
        &["2: prints by `std::eprintln!`"],
    );
    finds(strayed_prints, "src/report/x.rs", "fn f() { if print != 1 { format!(\"println!\") } }", &[]);
    finds(strayed_prints, "src/cli/x.rs", "fn f() { println!(\"a\") }", &[]);
}
