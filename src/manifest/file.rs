//! The files of a manifest: `cutover.yaml`, what it includes, its maps; and which folder a path is relative to.
//!
//! Knows the top words only; what stands below them is read elsewhere.

use super::values::{Vars, read_vars, refuse_strays, wrong};
use super::words::{INCLUDED, TOP};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::ports::{Files, read_text};
use crate::source::expand;
use crate::transform::ValueMap;
use crate::yaml::{MapReader, Node, Pair, parse};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The files of the project, and which of them were read.
pub(super) struct Shelf<'a> {
    /// The files.
    pub(super) files: &'a dyn Files,
    folder: String,
    /// Manifest and map files read so far.
    pub(super) read: BTreeSet<String>,
    /// Maps read so far; nothing for a map with a fault, which has been told.
    pub(super) maps: BTreeMap<String, Option<ValueMap>>,
}

impl<'a> Shelf<'a> {
    /// The files of the manifest at `path`.
    pub(super) fn new(files: &'a dyn Files, path: &str) -> Self {
        let folder = folder_of(path).to_owned();
        Self { files, folder, read: BTreeSet::new(), maps: BTreeMap::new() }
    }

    /// The folder of `cutover.yaml`, `.` for the project's own.
    pub(super) fn folder(&self) -> &str {
        if self.folder.is_empty() { "." } else { &self.folder }
    }

    /// The text of a file named at `place`; a problem where it cannot be read.
    pub(super) fn text(
        &mut self,
        path: &str,
        place: &Place,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<String> {
        self.read.insert(path.to_owned());
        match read_text(self.files, path) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(error) => {
                let message = match error.kind() {
                    io::ErrorKind::NotFound => format!("there is no file `{path}`"),
                    io::ErrorKind::InvalidData => format!("`{path}` is not UTF-8 text"),
                    _ => format!("`{path}` cannot be read: {error}"),
                };
                problems.push(Diagnostic::error(Code::FileMissing, message).at(place));
                None
            }
        }
    }

    /// The tree of a YAML file named at `place`.
    pub(super) fn tree(&mut self, path: &str, place: &Place, problems: &mut Vec<Diagnostic>) -> Option<Node> {
        let text = self.text(path, place, problems)?;
        let (node, faults) = parse(path, &text);
        problems.extend(faults.into_iter().map(|fault| hinted(fault, &text)));
        if let Some(node) = &node {
            refuse_strays(node, problems);
        }
        node
    }
}

/// A syntax error on a line with `${` is most likely the brace in a `{ … }` or `[ … ]`.
fn hinted(fault: Diagnostic, text: &str) -> Diagnostic {
    let line = fault.place().and_then(|place| text.lines().nth((place.line as usize).checked_sub(1)?));
    if fault.code == Code::YamlSyntax && fault.help.is_none() && line.is_some_and(|line| line.contains("${"))
    {
        return fault.help("quote it: `\"${name}\"`");
    }
    fault
}

/// The folder that a file lies in; empty for the project's own.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path relative to a folder, without `.` and, where that can be told, without `..`.
pub(super) fn join(folder: &str, path: &str) -> String {
    let whole =
        if path.starts_with('/') || folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let root = if whole.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// What `cutover.yaml` says at the top.
pub(super) struct Manifest<'n> {
    /// The project's name.
    pub(super) project: String,
    /// The vars with their defaults.
    pub(super) vars: Vars,
    /// `environments`, with its place.
    pub(super) environments: Option<&'n Pair>,
    /// `defaults`.
    pub(super) defaults: Option<&'n Node>,
    /// `include`, as paths and globs.
    pub(super) include: Vec<(&'n str, &'n Place)>,
    /// The loads written here.
    pub(super) objects: Vec<&'n Node>,
}

/// Reads the top of `cutover.yaml`.
pub(super) fn read_top<'n>(root: &'n Node, problems: &mut Vec<Diagnostic>) -> Option<Manifest<'n>> {
    let mut reader = MapReader::new(root, "a manifest", problems)?;
    super::words::refuse_unbuilt(root, TOP, &mut reader);
    version(&mut reader);
    let project = project(&mut reader);
    let vars = reader.take("vars").map(|node| read_vars(node, reader.problems())).unwrap_or_default();
    let environments = reader.take_pair("environments");
    if environments.is_none() {
        let problem = Diagnostic::error(Code::MissingKey, "a manifest needs `environments`").at(&root.place);
        reader.problem(
            problem.help("for the embedded org: `environments: { local: { org: { local: org.yaml } } }`"),
        );
    }
    let defaults = reader.take("defaults");
    let include = reader.take_texts("include");
    let objects = objects(&mut reader, include.is_empty());
    reader.finish();
    let vars = vars.into_iter().map(|(name, _, text)| (name, text)).collect();
    Some(Manifest { project, vars, environments, defaults, include, objects })
}

fn version(reader: &mut MapReader<'_, '_>) {
    let Some(node) = reader.need("cutover") else { return };
    match node.scalar::<u64>("a format version") {
        Ok(1) => {}
        Ok(other) => {
            let message = format!("this is format version {other}; this `cutover` reads version 1");
            reader.problem(wrong(node, message));
        }
        Err(problem) => reader.problem(problem.help("write `cutover: 1`")),
    }
}

fn project(reader: &mut MapReader<'_, '_>) -> String {
    let Some(node) = reader.need("project") else { return String::new() };
    match node.text().map(str::trim).filter(|text| !text.is_empty() && !node.is_nothing()) {
        Some(text) => text.to_owned(),
        None => {
            reader.problem(wrong(node, "`project` must be a name"));
            String::new()
        }
    }
}

/// The loads under `objects`.
fn objects<'n>(reader: &mut MapReader<'n, '_>, needed: bool) -> Vec<&'n Node> {
    let node = if needed { reader.need("objects") } else { reader.take("objects") };
    let Some(node) = node else { return Vec::new() };
    match node.items() {
        Some([]) if needed => reader.problem(wrong(node, "`objects` has no load")),
        Some(items) => return items.iter().collect(),
        None => {
            let problem = wrong(node, format!("`objects` must be a list of loads, not {}", node.what()));
            reader.problem(problem.help("begin each load with `- `"));
        }
    }
    Vec::new()
}

/// The trees of the included files, each once, in the order they are named.
pub(super) fn included(
    manifest: &Manifest<'_>,
    main: &str,
    shelf: &mut Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Node> {
    let mut trees = Vec::new();
    for (pattern, place) in &manifest.include {
        for path in included_paths(pattern, place, shelf, problems) {
            if path == main {
                let problem = Diagnostic::error(Code::Conflict, "a manifest cannot include itself").at(place);
                problems.push(problem.help("keep included files in a folder of their own"));
            } else if !shelf.read.contains(&path) {
                trees.extend(shelf.tree(&path, place, problems));
            }
        }
    }
    trees
}

fn included_paths(
    pattern: &str,
    place: &Place,
    shelf: &Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<String> {
    if super::values::is_stray(pattern) {
        return Vec::new();
    }
    let message = match expand(shelf.files, shelf.folder(), pattern) {
        Ok(paths) if paths.is_empty() => format!("`{pattern}` matches no file"),
        Ok(paths) => return paths.iter().map(|path| join("", path)).collect(),
        Err(error) => format!("`{pattern}` cannot be read: {error}"),
    };
    problems.push(Diagnostic::error(Code::FileMissing, message).at(place));
    Vec::new()
}

/// The loads of an included file, which holds nothing else.
pub(super) fn read_included<'n>(root: &'n Node, problems: &mut Vec<Diagnostic>) -> Vec<&'n Node> {
    let Some(mut reader) = MapReader::new(root, "an included file", problems) else { return Vec::new() };
    for word in TOP.iter().filter(|word| INCLUDED.iter().all(|i| i.name != word.name)) {
        if let Some(pair) = root.get(word.name).and_then(|_| reader.take_pair(word.name)) {
            let message = format!("`{}` does not stand in an included file", word.name);
            let problem = Diagnostic::error(Code::UnknownKey, message).at(&pair.place);
            reader.problem(problem.help("an included file holds `objects` only; write it in `cutover.yaml`"));
        }
    }
    let objects = objects(&mut reader, true);
    reader.finish();
    objects
}
