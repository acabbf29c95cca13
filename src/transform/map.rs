//! Value maps: from the source's words to the org's.
//!
//! In memory; keys compare exactly, after trimming. Reading the file is the caller's work.

use crate::source::records;
use std::collections::BTreeMap;

/// A value map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueMap {
    pairs: BTreeMap<String, String>,
}

/// A fault of a map file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapFault {
    /// The line it stands on, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

impl ValueMap {
    /// From pairs; the error names a `from` that is there twice, once trimmed.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut map = Self::default();
        for (from, to) in pairs {
            let from = from.trim().to_owned();
            if map.pairs.contains_key(&from) {
                return Err(from);
            }
            map.pairs.insert(from, to);
        }
        Ok(map)
    }

    /// From a CSV text with a header: the first column from, the second to, the others ignored. All faults at once.
    pub fn parse_csv(text: &str) -> Result<Self, Vec<MapFault>> {
        let mut records = records(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut found = Found::default();
        match records.next() {
            Some((_, Ok(header))) if header.len() >= 2 => {}
            Some((line, Err(fault))) => found.fault(line, fault.to_string()),
            _ => found.fault(1, "a map file needs a header with two columns: from, to"),
        }
        for (line, record) in records {
            match record {
                Ok(cells) => found.record(line, &cells),
                Err(fault) => found.fault(line, fault.to_string()),
            }
        }
        if found.faults.is_empty() { Ok(found.map) } else { Err(found.faults) }
    }

    /// What a value becomes.
    pub fn get(&self, value: &str) -> Option<&str> {
        self.pairs.get(value.trim()).map(String::as_str)
    }

    /// All pairs, by `from`.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(from, to)| (from.as_str(), to.as_str()))
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// A hash of the content: the same for the same pairs in any order.
    pub fn hash(&self) -> u128 {
        let mut bytes = Vec::new();
        for text in self.pairs.iter().flat_map(|(from, to)| [from, to]) {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        xxhash_rust::xxh3::xxh3_128(&bytes)
    }
}

#[derive(Default)]
struct Found {
    map: ValueMap,
    lines: BTreeMap<String, u32>,
    faults: Vec<MapFault>,
}

impl Found {
    fn fault(&mut self, line: u32, message: impl Into<String>) {
        self.faults.push(MapFault { line, message: message.into() });
    }

    fn record(&mut self, line: u32, cells: &[String]) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        let (Some(from), Some(to)) = (cells.first().map(|from| from.trim()), cells.get(1)) else {
            return self.fault(line, "two columns are needed: from, to");
        };
        if from.is_empty() {
            return self.fault(line, "`from` is blank, and blanks are never looked up; use `default`");
        }
        match self.lines.insert(from.to_owned(), line) {
            Some(first) => self.fault(line, format!("`{from}` stands on line {first} already")),
            None => {
                self.map.pairs.insert(from.to_owned(), to.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ValueMap;

    #[test]
    fn reads_a_map_file() {
        let map = ValueMap::parse_csv("\u{feff}from,to,note\nC ,Customer,x\nP,\"Pros,pect\"\n,,\n").unwrap();
        assert_eq!(map.get(" C"), Some("Customer"));
        assert_eq!(map.get("c"), None);
        assert_eq!(map.pairs().collect::<Vec<_>>(), [("C", "Customer"), ("P", "Pros,pect")]);
        let turned =
            ValueMap::from_pairs([("P".into(), "Pros,pect".into()), ("C".into(), "Customer".into())]);
        assert_eq!(turned.as_ref().map(ValueMap::hash), Ok(map.hash()));
        assert_ne!(ValueMap::default().hash(), map.hash());
    }

    #[test]
    fn names_both_lines_of_a_repeated_key() {
        let faults = ValueMap::parse_csv("from,to\nA,1\nB,2\nA ,3\nC\n,4\n").unwrap_err();
        let told: Vec<_> = faults.iter().map(|f| (f.line, f.message.as_str())).collect();
        assert_eq!(told[0], (4, "`A` stands on line 2 already"));
        assert_eq!((told[1].0, told[2].0, told.len()), (5, 6, 3));
        assert!(ValueMap::parse_csv("only\nA\n").is_err() && ValueMap::parse_csv("").is_err());
        assert_eq!(
            ValueMap::from_pairs([("A".into(), "1".into()), (" A".into(), "2".into())]),
            Err("A".into())
        );
    }
}
