//! What Salesforce does is not always known: each such place in the code bears a mark with a short name, and
//! `src/docs/unconfirmed.md` says what is not known, what was chosen, and how to find out. The two agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const PAGE: &str = "src/docs/unconfirmed.md";
const MARK: &str = "Unconfirmed";

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// Names of marks with their files, and marks without a name.
#[derive(Default)]
struct Marks {
    named: BTreeMap<String, BTreeSet<String>>,
    bare: Vec<String>,
}

fn gather(text: &str, file: &str, marks: &mut Marks) {
    for (number, line) in text.lines().enumerate() {
        for rest in line.split(MARK).skip(1) {
            match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                Some((name, rest)) if rest.starts_with(':') => {
                    marks.named.entry(name.to_owned()).or_default().insert(file.to_owned());
                }
                _ => marks.bare.push(format!("{file}:{}: {}", number + 1, line.trim())),
            }
        }
    }
}

fn walk(folder: &Path, root: &Path, marks: &mut Marks) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, root, marks);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let file = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            gather(&read(&path), &file, marks);
        }
    }
}

fn marks() -> Marks {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut marks = Marks::default();
    walk(&root.join("src"), root, &mut marks);
    marks
}

/// Rows of the page's tables: the name, and the cells behind it.
fn rows(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<String> = line.trim_matches('|').split(" | ").map(|c| c.trim().to_owned()).collect();
        let name = cells[0].trim_matches('`').to_owned();
        assert!(found.insert(name.clone(), cells[1..].to_vec()).is_none(), "{name} stands twice");
    }
    found
}

#[test]
fn every_mark_has_its_line_and_every_line_its_mark() {
    let marks = marks();
    assert_eq!(marks.bare, [""; 0], "a mark is written `{MARK}(short-name): what; choice: what we do.`");
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE));
    let lines: BTreeSet<String> = rows(&page).into_keys().collect();
    let named: BTreeSet<String> = marks.named.keys().cloned().collect();
    let missing: Vec<_> = named.difference(&lines).map(|name| (name, &marks.named[name])).collect();
    let idle: Vec<_> = lines.difference(&named).collect();
    assert!(
        missing.is_empty() && idle.is_empty(),
        "{PAGE}: marks without a line: {missing:#?}\nlines without a mark: {idle:#?}"
    );
}

#[test]
fn every_line_says_all() {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE));
    let rows = rows(&page);
    assert!(rows.len() > 10);
    for (name, cells) in rows {
        assert_eq!(cells.len(), 3, "{name}: what is not known, the choice, how to check: {cells:?}");
        assert!(cells[0].len() > 15 && cells[1].len() > 2 && cells[2].len() > 8, "{name}: {cells:?}");
    }
}

#[test]
fn marks_are_seen() {
    let mut marks = Marks::default();
    let text = ["// ", MARK, "(a-b): x; choice: y.\n/// ", MARK, ": z\n"].concat();
    gather(&text, "src/x.rs", &mut marks);
    assert_eq!(marks.named.keys().collect::<Vec<_>>(), ["a-b"]);
    assert_eq!(marks.bare.len(), 1);
}
