//! Which files of a room know each other: no circle of files, no circle of sub-rooms, no folder with more files than one reads at a glance.

use super::sources::{SRC, Source};
use super::{Finding, Known, hold};
use std::collections::{BTreeMap, BTreeSet};

/// Source files of a folder beyond which it needs sub-rooms.
const MOST_FILES: usize = 15;

/// Follows names to the files that define them.
struct Definitions<'s> {
    modules: BTreeMap<&'s [String], &'s Source>,
}

impl<'s> Definitions<'s> {
    fn of(sources: &'s [Source]) -> Self {
        let library = sources.iter().filter(|source| source.path != "src/main.rs");
        Self { modules: library.map(|source| (source.module.as_slice(), source)).collect() }
    }

    /// The file that defines what `from` calls by this path; `None` where another crate does.
    fn file(&self, from: &'s Source, path: &[String]) -> Option<&'s Source> {
        let absolute: Vec<String> = match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some(first) if self.is_child(&from.module, first) => [&from.module, path].concat(),
            _ => return None,
        };
        self.descend(&absolute, 8)
    }

    fn is_child(&self, module: &[String], name: &str) -> bool {
        self.modules.contains_key([module, &[name.to_owned()]].concat().as_slice())
    }

    /// Goes down from the root. A name that a module only hands on leads to where that has it from.
    fn descend(&self, path: &[String], most: usize) -> Option<&'s Source> {
        let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth]))?;
        let source = self.modules[&path[..depth]];
        let Some(name) = path.get(depth) else { return Some(source) };
        match source.short.get(name) {
            Some(long) if most > 0 => {
                let rest = [long, &path[depth + 1..]].concat();
                let absolute = match long[0].as_str() {
                    "crate" => rest[1..].to_vec(),
                    first if self.is_child(&source.module, first) => {
                        [&source.module, rest.as_slice()].concat()
                    }
                    _ => return Some(source),
                };
                if absolute == path { Some(source) } else { self.descend(&absolute, most - 1) }
            }
            _ => Some(source),
        }
    }
}

/// Which group of each room uses which other one; `group` names the group of a file.
fn uses(sources: &[Source], group: impl Fn(&Source) -> Option<String>) -> BTreeMap<String, BTreeSet<String>> {
    let definitions = Definitions::of(sources);
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.test) {
        let names = source.names.iter().filter(|name| name.path.len() > 1 && !name.handed_on && !name.test);
        for file in names.filter_map(|name| definitions.file(source, &name.path)) {
            let (Some(from), Some(to)) = (group(source), group(file)) else { continue };
            if file.room() == source.room() && from != to && !file.test {
                edges.entry(from).or_default().insert(to);
            }
        }
    }
    edges
}

/// The groups that each reach each other, largest first; a group alone is no circle.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> =
        edges.keys().map(|from| (from, reached(edges, from))).collect();
    let mut found: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for (from, there) in &reach {
        let back =
            there.iter().filter(|to| reach.get(*to).is_some_and(|from_there| from_there.contains(from)));
        let circle: BTreeSet<String> = back.map(|to| (*to).clone()).collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn reached<'e>(edges: &'e BTreeMap<String, BTreeSet<String>>, from: &'e String) -> BTreeSet<&'e String> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(next) = open.pop() {
        open.extend(edges.get(next).into_iter().flatten().filter(|to| seen.insert(*to)));
    }
    seen
}

/// Members of a circle that are named one by one.
const MOST_NAMED: usize = 8;

/// A finding for each circle: its first member names it, the others say what it is.
fn told(circles: &[BTreeSet<String>]) -> Vec<Finding> {
    let tell = |circle: &BTreeSet<String>| {
        let mut members = circle.iter().map(|member| member.trim_start_matches("src/"));
        let file = format!("src/{}", members.next().unwrap_or_default());
        let others: Vec<&str> = members.collect();
        let what = match others.len() {
            0..=MOST_NAMED => format!("is in a circle with {}", others.join(", ")),
            more => format!("is in a circle with {more} others"),
        };
        Finding { file, line: 1, what }
    };
    circles.iter().map(tell).collect()
}

fn circles_of_files(sources: &[Source]) -> Vec<Finding> {
    told(&circles(&uses(sources, |source| Some(source.path.clone()))))
}

/// A file's sub-room: the folder below its room. Files of the room itself belong to none.
fn sub_room(source: &Source) -> Option<String> {
    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts = folder.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(src), Some(room), Some(sub)) => Some(format!("{src}/{room}/{sub}")),
        _ => None,
    }
}

fn circles_of_sub_rooms(sources: &[Source]) -> Vec<Finding> {
    told(&circles(&uses(sources, sub_room)))
}

/// Folders with more source files than one reads at a glance, and how many they have.
fn crowded(sources: &[Source]) -> BTreeMap<String, usize> {
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.test) {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        *folders.entry(folder.to_owned()).or_default() += 1;
    }
    folders.retain(|folder, files| *files > MOST_FILES && folder != "src");
    folders
}

#[test]
fn no_files_of_a_room_know_each_other_in_a_circle() {
    let mend =
        "Move what both need into a file of its own, below both. The list of known circles only shrinks.";
    hold(&circles_of_files(&SRC), CIRCLES_OF_FILES, mend);
}

#[test]
fn no_sub_rooms_know_each_other_in_a_circle() {
    let mend = "Move what both need into a sub-room below both. The list of known circles only shrinks.";
    hold(&circles_of_sub_rooms(&SRC), CIRCLES_OF_SUB_ROOMS, mend);
}

#[test]
fn a_folder_can_be_surveyed() {
    let found = crowded(&SRC);
    let allowed: BTreeMap<String, usize> =
        CROWDED.iter().map(|(folder, most, _)| ((*folder).to_owned(), *most)).collect();
    assert_eq!(
        found, allowed,
        "\na folder with over {MOST_FILES} source files needs sub-rooms; CROWDED holds those of before, and its figures only go down\n"
    );
}

#[test]
fn a_circle_is_noticed() {
    let file = |path: &str, text: &str| Source::sample(path, text);
    let found = |sources: &[Source]| -> Vec<String> {
        circles_of_files(sources).iter().map(|f| format!("{} {}", f.file, f.what)).collect()
    };
    let root = || file("src/plan/mod.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\npub use b::B;");
    let circle = [
        root(),
        file("src/plan/a.rs", "use super::b::B;\npub struct A;"),
        file("src/plan/b.rs", "use super::c::C;\npub struct B;"),
        file("src/plan/c.rs", "pub struct C(super::A);"),
    ];
    assert_eq!(
        found(&circle),
        ["src/plan/a.rs is in a circle with plan/b.rs, plan/c.rs"],
        "by what the room hands on"
    );
    let tests = [
        root(),
        file("src/plan/a.rs", "use super::b::B;\npub struct A;"),
        file("src/plan/b.rs", "pub struct B;\n#[cfg(test)]\nmod tests {\n  use super::super::a::A;\n}"),
        file("src/plan/c.rs", "use crate::plan::{A, B};"),
    ];
    assert_eq!(found(&tests), [""; 0], "tests may look anywhere, and handing on is no use");
}

#[test]
fn a_circle_of_sub_rooms_is_noticed() {
    let sources = [
        Source::sample("src/plan/mod.rs", "mod x;\nmod y;"),
        Source::sample("src/plan/x/mod.rs", "mod a;\nmod b;\npub use a::A;"),
        Source::sample("src/plan/x/a.rs", "pub struct A;"),
        Source::sample("src/plan/x/b.rs", "use crate::plan::y::C;"),
        Source::sample("src/plan/y/mod.rs", "mod c;\npub use c::C;"),
        Source::sample("src/plan/y/c.rs", "use crate::plan::x::A;\npub struct C;"),
    ];
    assert!(circles_of_files(&sources).is_empty());
    let found = circles_of_sub_rooms(&sources);
    let found: Vec<String> = found.iter().map(|f| format!("{} {}", f.file, f.what)).collect();
    assert_eq!(found, ["src/plan/x is in a circle with plan/y"]);
}

#[test]
fn a_crowded_folder_is_noticed() {
    let files = |count: usize| -> Vec<Source> {
        (0..count).map(|n| Source::sample(&format!("src/plan/f{n}.rs"), "")).collect()
    };
    assert!(crowded(&files(15)).is_empty());
    assert_eq!(crowded(&files(16)), BTreeMap::from([("src/plan".to_owned(), 16)]));
}

/// Circles that are there for a reason. The list only shrinks.
const CIRCLES_OF_FILES: &[Known] = &[
    (
        "src/local_org/fault/mod.rs",
        "is in a circle with local_org/fault/read.rs",
        "reading a fault checks it against those that are there; the list of faults reads",
    ),
    (
        "src/local_org/http/admin.rs",
        "is in a circle with 63 others",
        "the org hands itself to its router, and each handler is handed the org; a writer and its checks, and a query and \
         its subqueries, call each other",
    ),
    (
        "src/local_org/schema/mod.rs",
        "is in a circle with local_org/schema/standard.rs",
        "a schema begins with the standard objects, which are read as objects of a schema",
    ),
    (
        "src/local_org/schema/yaml.rs",
        "is in a circle with local_org/schema/yaml/assign.rs, local_org/schema/yaml/field.rs, local_org/schema/yaml/login.rs",
        "each part of `org.yaml` is read by the helpers of the whole",
    ),
    ("src/manifest/lookup.rs", "is in a circle with manifest/verb.rs", "`first_of` holds verbs, and is one"),
    ("src/source/chunks.rs", "is in a circle with source/cutter.rs", "a cutter says what broke a chunk"),
];
const CIRCLES_OF_SUB_ROOMS: &[Known] = &[];
/// Folders with more files than one reads at a glance, how many, and why. The figures only go down.
const CROWDED: &[(&str, usize, &str)] = &[
    ("src/cli", 23, "one file a command, and what they share"),
    (
        "src/local_org/http",
        25,
        "one file a kind of call; calls about data, jobs and logins could be sub-rooms",
    ),
    ("src/manifest", 22, "reading and what is read could be sub-rooms"),
    ("src/salesforce", 22, "jobs, queries and REST calls could be sub-rooms"),
    ("src/stage", 20, "reading and staging could be sub-rooms"),
    ("src/transform", 30, "expressions, conversions and rules could be sub-rooms"),
];
