//! What the documents say is what the code does: commands, exit codes, tables, filters, examples.
//!
//! Tables between `<!-- name:begin -->` and `<!-- name:end -->` are written anew by
//! `UPDATE_DOCS=1 cargo test --test it docs`.

use cutover::diagnostic::Code;
use cutover::engine::{CRASH_TABLE, Exit};
use cutover::manifest::json_schema;
use cutover::ports::RealFiles;
use cutover::transform::FILTERS;
use cutover::yaml::{Node, NodeKind};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn path(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The page with this between the markers of that name.
fn with(page: &str, name: &str, inside: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{inside}\n{end}{after}"))
}

/// Holds what stands between the markers to what is generated; writes it instead where `UPDATE_DOCS` says so.
#[track_caller]
fn generated(file: &str, name: &str, inside: &str) {
    let page = read(file);
    let fresh = with(&page, name, inside)
        .unwrap_or_else(|| panic!("{file} has no markers `{name}:begin` and `:end`"));
    if std::env::var("UPDATE_DOCS").is_ok_and(|update| update == "1") {
        std::fs::write(path(file), &fresh).unwrap();
        return;
    }
    assert!(
        page == fresh,
        "{file} is stale: run `UPDATE_DOCS=1 cargo test --test it docs` and commit it\n\n{fresh}"
    );
}

/// A table in Markdown.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        assert!(cells.iter().all(|cell| !cell.contains(['|', '\n'])), "{cells:?}");
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    text.extend(rows.into_iter().map(|row| line(&row)));
    text
}

/// The fenced blocks of a page, with their language.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        found.push((language, inside.join("\n")));
    }
    found
}

#[test]
fn the_readme_begins_with_the_two_commands() {
    let readme = read("README.md");
    let blocks = blocks(&readme);
    let first: Vec<(&str, &str)> =
        blocks.iter().take(2).map(|(language, text)| (*language, text.as_str())).collect();
    assert_eq!(first, [("sh", "cargo run -- apply examples/northwind"), ("sh", "cargo test")]);
}

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let quickstart = read("examples/quickstart/cutover.yaml");
    let (_, manifest) = quickstart.split_once('\n').unwrap();
    let readme = read("README.md");
    let shown =
        blocks(&readme).into_iter().any(|(language, text)| language == "yaml" && text == manifest.trim_end());
    assert!(shown, "README.md shows examples/quickstart/cutover.yaml, less its first line: copy it there");
}

#[test]
fn the_readme_lists_every_exit_code() {
    let rows = Exit::ALL.iter().map(|(exit, meaning)| vec![exit.code().to_string(), (*meaning).to_owned()]);
    generated("README.md", "exit-codes", &table(&["code", "meaning"], rows));
}

#[test]
fn the_crash_table_is_the_one_in_the_code() {
    let tests = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let rows = CRASH_TABLE.iter().map(|row| {
        let [journal, ask, what] = [row.journal, row.ask, row.what].map(str::to_owned);
        vec![journal, ask, what, tests(row.tests)]
    });
    let head = ["journal says", "ask the org", "do", "tests"];
    generated("src/docs/run.md", "crash-table", &table(&head, rows));
}

/// The sources of this binary.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            text.push_str(&sources(&entry));
        } else if entry.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(entry).unwrap());
        }
    }
    text
}

#[test]
fn every_line_of_the_crash_table_has_its_tests() {
    let sources = sources(&path("tests/it"));
    let is_test = |name: &str| sources.contains(&format!("#[test]\nfn {name}() {{"));
    // It says its name to `world::reached`, which holds what it met against the table; the storms hold all of it.
    let says_so = |name: &str| name == "storms" || sources.contains(&format!("\"{name}\""));
    for row in CRASH_TABLE {
        assert!(!row.tests.is_empty(), "no test goes through {:?}", row.window);
        for name in row.tests {
            assert!(is_test(name) && says_so(name), "{:?} names {name}: there is no such test", row.window);
        }
    }
    assert!(!is_test("a_test_that_is_not_there"));
}

#[test]
fn every_code_has_its_line() {
    let rows = Code::ALL.iter().map(|(code, means)| vec![format!("`{code}`"), means.trim().to_owned()]);
    generated("src/docs/codes.md", "codes", &table(&["code", "means"], rows));
}

#[test]
fn every_code_is_explained_once() {
    let page = read("src/docs/codes.md");
    for (code, _) in Code::ALL {
        assert_eq!(page.matches(&code.to_string()).count(), 1, "{code} in src/docs/codes.md");
    }
}

#[test]
fn a_stale_table_is_noticed() {
    let page = "# Page\n<!-- a:begin -->\nold\n<!-- a:end -->\nrest\n";
    let fresh = with(page, "a", &table(&["x", "y"], [vec!["1".to_owned(), "2".to_owned()]])).unwrap();
    assert_eq!(
        fresh,
        "# Page\n<!-- a:begin -->\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n<!-- a:end -->\nrest\n"
    );
    assert_eq!(with(page, "b", ""), None);
}

#[test]
fn the_changelog_has_room_for_the_next_change() {
    let changelog = read("CHANGELOG.md");
    let first = changelog.lines().find(|line| line.starts_with("## "));
    assert_eq!(first, Some("## [Unreleased]"), "the first section of CHANGELOG.md");
}

/// The names in the first cells of the table of filters.
fn filters(page: &str) -> Vec<String> {
    let section = page.split_once("### Filters\n").unwrap().1;
    let section = section.split_once("\n#").map_or(section, |(section, _)| section);
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let written = cells.flat_map(|cell| cell.split("`, `").map(|name| name.trim_end_matches('`').to_owned()));
    written.map(|name| name.split('(').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_manual_lists_every_filter() {
    let known: BTreeSet<&str> = FILTERS.iter().map(|filter| filter.name).collect();
    let listed = filters(&read("src/docs/manifest.md"));
    let set: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(set, known, "the table of filters in src/docs/manifest.md (left), transform::FILTERS (right)");
    assert_eq!(listed.len(), set.len(), "a filter is listed twice: {listed:?}");
    let page = "### Filters\n\n| filter | gives |\n|---|---|\n| `a`, `b` | `c` |\n| `d(x=\"|\")` | - |\n\n## Next\n| `e` | - |\n";
    assert_eq!(filters(page), ["a", "b", "d"]);
}

/// A document as YAML reads it: plain words are numbers, booleans or nothing where they look so.
fn json(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Scalar { .. } if node.is_nothing() => Value::Null,
        NodeKind::Scalar { text, plain: true } => {
            let literal = serde_json::from_str(text).ok().filter(|value: &Value| !value.is_string());
            literal
                .filter(|value| value.is_number() || value.is_boolean())
                .unwrap_or_else(|| text.as_str().into())
        }
        NodeKind::Scalar { text, .. } => text.as_str().into(),
        NodeKind::Sequence(items) => items.iter().map(json).collect(),
        NodeKind::Mapping(pairs) => pairs.iter().map(|pair| (pair.key.clone(), json(&pair.value))).collect(),
    }
}

/// What the JSON Schema has against a manifest.
fn judged(file: &str, text: &str) -> Vec<String> {
    let (node, problems) = cutover::yaml::parse(file, text);
    let Some(node) = node else { return problems.iter().map(|problem| format!("{problem:?}")).collect() };
    let schema = jsonschema::draft202012::new(&json_schema()).unwrap();
    let document = json(&node);
    schema
        .iter_errors(&document)
        .map(|error| format!("{file}: {} at {}", error, error.instance_path()))
        .collect()
}

/// The folders in `examples`.
fn examples() -> Vec<String> {
    let folders = std::fs::read_dir(path("examples")).unwrap().map(Result::unwrap);
    let folders = folders.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The manifests of an example: its `cutover.yaml` and what lies in its folders.
fn manifests(example: &str) -> Vec<String> {
    let mut found = vec![format!("examples/{example}/cutover.yaml")];
    let Ok(entries) = std::fs::read_dir(path(&format!("examples/{example}/objects"))) else { return found };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    found.extend(
        names.filter(|name| name.ends_with(".yaml")).map(|name| format!("examples/{example}/objects/{name}")),
    );
    found
}

#[test]
fn every_example_is_whole() {
    let names = examples();
    assert!(names.contains(&"northwind".to_owned()) && names.len() >= 4, "{names:?}");
    let overview = read("examples/README.md");
    for name in names {
        for file in ["README.md", "cutover.yaml", "org.yaml"] {
            assert!(path(&format!("examples/{name}/{file}")).is_file(), "examples/{name} has no {file}");
        }
        assert!(overview.contains(&name), "examples/README.md does not name {name}");
    }
}

#[test]
fn every_example_keeps_to_the_schema() {
    let files: Vec<String> = examples().iter().flat_map(|name| manifests(name)).collect();
    assert!(files.iter().any(|file| file.contains("/objects/")), "no included file was found: {files:?}");
    let problems: Vec<String> = files.iter().flat_map(|file| judged(file, &read(file))).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_manifest_against_the_schema_is_noticed() {
    let quickstart = read("examples/quickstart/cutover.yaml");
    for (good, bad) in
        [("cutover: 1", "cutover: \"1\""), ("source:", "sauce:"), ("key: Legacy_Id__c", "key: [a]")]
    {
        assert!(!judged("a.yaml", &quickstart.replace(good, bad)).is_empty(), "{bad}");
    }
}

#[test]
fn every_example_reads_without_a_word() {
    for name in examples() {
        let files = RealFiles::new(path(&format!("examples/{name}")));
        let loaded = cutover::manifest::load(&files, "cutover.yaml", None, &|_| None);
        let told: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
        assert!(told.is_empty() && loaded.migration.is_some(), "examples/{name}:\n{}", told.join("\n"));
    }
}

#[test]
fn the_manual_s_manifest_keeps_to_the_schema() {
    let page = read("src/docs/manifest.md");
    let (_, manifest) = blocks(&page).into_iter().find(|(language, _)| *language == "yaml").unwrap();
    assert_eq!(judged("src/docs/manifest.md", &manifest), Vec::<String>::new());
}
