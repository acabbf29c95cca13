//! What files, functions and words are like, whatever they are about.

use super::sources::{SRC, Source, TESTS, files, root};
use super::{Finding, Known, finds, hold};

// Files.

/// Files that do not open with a `//!`.
fn undocumented(sources: &[Source]) -> Vec<Finding> {
    let bare = sources.iter().filter(|source| !source.text.starts_with("//! "));
    bare.map(|source| Finding::new(source, 1, "opens without a `//!` doc")).collect()
}

/// Files that no `mod` reaches.
fn forgotten(there: &[String], reached: &[Source]) -> Vec<String> {
    let lost = there.iter().filter(|file| !reached.iter().any(|source| source.path == **file));
    lost.cloned().collect()
}

#[test]
fn every_file_says_what_it_owns() {
    let mend = "Open the file with `//!`: what it owns, and what it must not know.";
    const KNOWN: &[Known] = &[("src/local_org/schema/yaml/tests.rs", "opens without a `//!` doc", "a slip")];
    hold(&undocumented(&SRC), KNOWN, mend);
    hold(&undocumented(&TESTS), &[], mend);
    finds(
        undocumented,
        "src/plan/x.rs",
        "// A note.\n//! Late.\nfn f() {}",
        &["1: opens without a `//!` doc"],
    );
}

#[test]
fn no_file_is_forgotten() {
    let (src, tests) = (files("src", ".rs"), files("tests", ".rs"));
    let none: [String; 0] = [];
    assert_eq!(forgotten(&src, &SRC), none, "no `mod` reaches these: declare or delete them");
    assert_eq!(forgotten(&tests, &TESTS), none, "no `mod` reaches these: declare them in tests/it/main.rs");
    let lost = "tests/it/lost.rs".to_owned();
    assert_eq!(forgotten(std::slice::from_ref(&lost), &TESTS), [lost]);
    assert!(SRC.len() > 100 && SRC.iter().any(|source| source.test), "the sources were not found");
}

// Lengths.

/// How many functions may be longer than `LONG` lines. It only ever goes down.
const LONG_FUNCTIONS: usize = 3;
const LONG: usize = 40;
const TOO_LONG: usize = 70;

/// Files of more than 500 lines. The list only ever gets shorter.
const LONG_FILES: &[Known] = &[("src/transform/tests/fields.rs", "has over 500 lines", "a list of cases")];

/// Functions with more lines than this.
fn long_functions(sources: &[Source], than: usize) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let long = source.functions.iter().filter(|function| function.lines > than);
        found.extend(
            long.map(|f| Finding::new(source, f.line, format!("`{}` has {} lines", f.name, f.lines))),
        );
    }
    found
}

/// Of an even number, the upper of the two in the middle.
fn median_length(sources: &[Source]) -> usize {
    let mut lengths: Vec<usize> =
        sources.iter().flat_map(|source| &source.functions).map(|f| f.lines).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

fn long_files(sources: &[Source]) -> Vec<Finding> {
    let long = sources.iter().filter(|source| source.text.lines().count() > 500);
    long.map(|source| Finding::new(source, 501, "has over 500 lines")).collect()
}

#[test]
fn functions_are_short() {
    let median = median_length(&SRC);
    assert!(median < 10, "the median length of a function is {median} lines, and should be under 10");
    hold(
        &long_functions(&SRC, TOO_LONG),
        &[],
        "No function has over 70 lines: name its steps, and make each a function.",
    );
    let long = long_functions(&SRC, LONG);
    if long.len() > LONG_FUNCTIONS {
        let mend = format!(
            "{} functions have over {LONG} lines, and {LONG_FUNCTIONS} may: shorten as many as are too many (LONG_FUNCTIONS \
             in tests/it/house/shape.rs is never raised).",
            long.len()
        );
        hold(&long, &[], &mend);
    }
}

#[test]
fn files_answer_one_question() {
    hold(
        &long_files(&SRC),
        LONG_FILES,
        "A file answers one question in at most 500 lines: find the second question.",
    );
}

#[test]
fn length_is_noticed() {
    let body = "  g();\n".repeat(41);
    let text = format!(
        "fn a() {{\n{body}}}\nfn b() {{}}\n#[test]\nfn c() {{\n{body}}}\nimpl A {{ fn d() {{ 1\n}} }}"
    );
    finds(|sources| long_functions(sources, LONG), "src/plan/x.rs", &text, &["1: `a` has 43 lines"]);
    finds(
        |sources| long_functions(sources, 1),
        "src/plan/x.rs",
        &text,
        &["1: `a` has 43 lines", "89: `d` has 2 lines"],
    );
    let tests = "#[cfg(test)]\nmod tests {\n  fn helper() {\n  }\n}";
    finds(|sources| long_functions(sources, 1), "src/plan/x.rs", tests, &[]);
    assert_eq!(median_length(&[Source::sample("src/plan/x.rs", &text)]), 2);
    finds(long_files, "src/plan/x.rs", &"// a\n".repeat(501), &["501: has over 500 lines"]);
    finds(long_files, "src/plan/x.rs", &"// a\n".repeat(500), &[]);
}

// Words.

/// Words that do not stay in a source. They are put together so that this file does not have them.
fn unfinished_words() -> [String; 5] {
    ["TO DO", "FIX ME", "to do!", "db g!", "unimplemen ted!"].map(|word| word.replace(' ', ""))
}

/// Beginnings of paths that exist on one machine only.
fn machine_paths() -> [String; 5] {
    ["/wo rk/", "/ro ot/", "/ho me/", "/Us ers/", "C:\\Us ers"].map(|path| path.replace(' ', ""))
}

/// Lines that have one of these words, not as a part of a longer word.
fn words_in(file: &str, text: &str, words: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in words {
            let apart = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if line.match_indices(word.as_str()).any(|(at, _)| apart(at)) {
                found.push(Finding {
                    file: file.to_owned(),
                    line: number + 1,
                    what: format!("has `{word}`"),
                });
            }
        }
    }
    found
}

fn unfinished(sources: &[Source]) -> Vec<Finding> {
    let words = unfinished_words();
    sources.iter().flat_map(|source| words_in(&source.path, &source.text, &words)).collect()
}

/// `unsafe`, anywhere.
fn unsafe_code(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let names = source.names.iter().filter(|name| name.path == ["unsafe"]);
        found.extend(names.map(|name| Finding::new(source, name.line, "is unsafe")));
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    hold(&unfinished(&SRC), &[], "Do it now, or write an issue: the sources hold no notes to self.");
    for word in unfinished_words() {
        finds(
            unfinished,
            "src/plan/x.rs",
            &format!("fn f() {{}}\n// {word} later"),
            &[&format!("2: has `{word}`")],
        );
        finds(unfinished, "src/plan/x.rs", &format!("// is_{word}"), &[]);
    }
}

#[test]
fn nothing_is_unsafe() {
    let mend = "Write it without `unsafe`.";
    hold(&unsafe_code(&SRC), &[], mend);
    hold(&unsafe_code(&TESTS), &[], mend);
    finds(unsafe_code, "src/plan/x.rs", "fn f() {\n  unsafe { g() } // unsafe\n}", &["2: is unsafe"]);
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    let words = machine_paths();
    let mut found = Vec::new();
    for file in files("", "") {
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        found.extend(words_in(&file, &text, &words));
    }
    hold(&found, &[], "Write paths from the root of the project, or make one up below /tmp.");
    for word in machine_paths() {
        let lines = format!("see\nthe file {word}x\nhttps://example.org{word}");
        let found: Vec<usize> = words_in("a.md", &lines, &words).iter().map(|found| found.line).collect();
        assert_eq!(found, [2]);
    }
}

/// Maps without an order, in rooms whose order reaches output.
fn unordered(sources: &[Source]) -> Vec<Finding> {
    let rooms = ["bind", "plan", "engine", "report"];
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| rooms.contains(&source.room())) {
        for name in &source.names {
            let map = name.path.iter().find(|word| ["HashMap", "HashSet"].contains(&word.as_str()));
            found.extend(map.map(|map| Finding::new(source, name.line, format!("names {map}"))));
        }
    }
    found
}

#[test]
fn order_that_reaches_output_is_never_a_hash_map_s() {
    hold(
        &unordered(&SRC),
        &[],
        "Use BTreeMap, BTreeSet or a sorted Vec: same inputs, same plan, byte for byte.",
    );
}

#[test]
fn a_hash_map_is_noticed() {
    finds(unordered, "src/engine/x.rs", "use std::collections::{BTreeMap, HashSet};", &["1: names HashSet"]);
    finds(
        unordered,
        "src/plan/mod.rs",
        "fn f(a: &std::collections::HashMap<u8, u8>) {}",
        &["1: names HashMap"],
    );
    finds(unordered, "src/source/x.rs", "use std::collections::HashMap;", &[]);
}
