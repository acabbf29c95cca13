//! Value maps: written in place, or in a CSV file beside the manifest.

use super::file::{Shelf, folder_of, join};
use super::values::{is_stray, scalar, wrong};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::transform::{MapFault, ValueMap};
use crate::yaml::{MapReader, Node, Pair};

/// Takes `map` or `map_file`.
pub(super) fn read_map(reader: &mut MapReader<'_, '_>, shelf: &mut Shelf<'_>) -> Option<ValueMap> {
    let inline = reader.take_pair("map");
    let file = reader.take_pair("map_file");
    if let (Some(inline), Some(file)) = (inline, file) {
        let (first, second) = if inline.place < file.place { (inline, file) } else { (file, inline) };
        let problem = Diagnostic::error(Code::Conflict, "`map` and `map_file` exclude each other");
        let problem = problem.at(&second.place).label(&first.place, "the first is here");
        reader.problem(problem.help("put all pairs into one of them"));
    }
    let inline = inline.and_then(|pair| read_inline(&pair.value, reader.problems()));
    inline.or(file.and_then(|pair| {
        let node = scalar(&pair.value, "`map_file`", reader.problems())?;
        read_file(node, shelf, reader.problems())
    }))
}

fn read_inline(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<ValueMap> {
    let Some(pairs) = node.pairs().filter(|pairs| !pairs.is_empty()) else {
        problems.push(
            wrong(node, "`map` must be a mapping of values").help("`map: { C: Customer, P: Prospect }`"),
        );
        return None;
    };
    let mut read: Vec<(String, String)> = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let key = pair.key.trim();
        let first = pairs[..index].iter().find(|earlier| earlier.key.trim() == key);
        problems.extend(key_problem(key, pair, first));
        let value = scalar(&pair.value, &format!("what `{key}` becomes"), problems);
        read.push((key.to_owned(), value.and_then(Node::text).unwrap_or_default().to_owned()));
    }
    ValueMap::from_pairs(read).ok()
}

fn key_problem(key: &str, pair: &Pair, first: Option<&Pair>) -> Option<Diagnostic> {
    if key.is_empty() {
        let problem = Diagnostic::error(Code::ValueMap, "a blank never reaches a map").at(&pair.place);
        return Some(problem.help("write `default`"));
    }
    let problem = Diagnostic::error(Code::ValueMap, format!("`{key}` is mapped twice"))
        .label(&pair.place, "again here");
    Some(problem.label(&first?.place, "first here").help("blanks around a value do not count"))
}

/// Reads a map file, once however often it is named.
fn read_file(node: &Node, shelf: &mut Shelf<'_>, problems: &mut Vec<Diagnostic>) -> Option<ValueMap> {
    let text = node.text().filter(|text| !is_stray(text))?;
    let path = join(folder_of(&node.place.file), text);
    if let Some(known) = shelf.maps.get(&path) {
        return known.clone();
    }
    let map = shelf.text(&path, &node.place, problems).and_then(|text| match ValueMap::parse_csv(&text) {
        Ok(map) => Some(map),
        Err(faults) => {
            problems.extend(faults.into_iter().map(|fault| told(&path, fault, node)));
            None
        }
    });
    shelf.maps.insert(path, map.clone());
    map
}

fn told(path: &str, fault: MapFault, node: &Node) -> Diagnostic {
    let place = if fault.line == 0 { Place::file(path) } else { Place::new(path, fault.line, 0, 0) };
    Diagnostic::error(Code::ValueMap, fault.message).at(&place).label(&node.place, "used here")
}
