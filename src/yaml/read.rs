//! Reading a mapping key by key: what is wanted is taken, what is left over is an unknown key with a near name.

use super::node::{Node, Pair};
use crate::diagnostic::{Code, Diagnostic, Place, near_name};

/// A mapping being read. Problems collect in the caller's list; nothing stops at the first.
pub struct MapReader<'n, 'p> {
    pairs: Vec<&'n Pair>,
    known: Vec<&'static str>,
    place: Place,
    what: String,
    problems: &'p mut Vec<Diagnostic>,
}

impl<'n, 'p> MapReader<'n, 'p> {
    /// Starts reading; `what` names the mapping in messages ("a load", "an environment"). `None`, with a problem
    /// noted, when the node is no mapping.
    pub fn new(node: &'n Node, what: &str, problems: &'p mut Vec<Diagnostic>) -> Option<Self> {
        let Some(pairs) = node.pairs() else {
            let message = format!("{what} must be a mapping, not {}", node.what());
            problems.push(Diagnostic::error(Code::WrongValue, message).at(&node.place));
            return None;
        };
        let pairs = pairs.iter().collect();
        Some(Self { pairs, known: Vec::new(), place: node.place.clone(), what: what.into(), problems })
    }

    /// The mapping's own place.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Notes a problem.
    pub fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// The caller's list, to hand on to readers of inner nodes.
    pub fn problems(&mut self) -> &mut Vec<Diagnostic> {
        self.problems
    }

    /// Takes the pair under `key`, if it is there.
    pub fn take_pair(&mut self, key: &'static str) -> Option<&'n Pair> {
        self.known.push(key);
        let index = self.pairs.iter().position(|p| p.key == key)?;
        Some(self.pairs.remove(index))
    }

    /// Takes the value under `key`, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.take_pair(key).map(|p| &p.value)
    }

    /// Takes the value under `key`; notes a problem when it is missing.
    pub fn need(&mut self, key: &'static str) -> Option<&'n Node> {
        let found = self.take(key);
        if found.is_none() {
            let message = format!("{} needs `{key}`", self.what);
            self.problems.push(Diagnostic::error(Code::MissingKey, message).at(&self.place));
        }
        found
    }

    /// Takes text: a scalar, its raw text kept.
    pub fn take_text(&mut self, key: &'static str) -> Option<(&'n str, &'n Place)> {
        let node = self.take(key)?;
        match node.text().filter(|_| !node.is_nothing()) {
            Some(text) => Some((text, &node.place)),
            None => {
                let message = format!("`{key}` must be text, not {}", node.what());
                self.problems.push(Diagnostic::error(Code::WrongValue, message).at(&node.place));
                None
            }
        }
    }

    /// Takes a list of texts; one text alone is a list of one.
    pub fn take_texts(&mut self, key: &'static str) -> Vec<(&'n str, &'n Place)> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let items = node.items().unwrap_or(std::slice::from_ref(node));
        let mut texts = Vec::new();
        for item in items {
            match item.text() {
                Some(text) => texts.push((text, &item.place)),
                None => {
                    let message = format!("`{key}` holds text, not {}", item.what());
                    self.problems.push(Diagnostic::error(Code::WrongValue, message).at(&item.place));
                }
            }
        }
        texts
    }

    /// Takes a boolean.
    pub fn take_bool(&mut self, key: &'static str) -> Option<bool> {
        self.take_scalar(key, "`true` or `false`")
    }

    /// Takes a whole number that is not negative.
    pub fn take_count(&mut self, key: &'static str) -> Option<u64> {
        self.take_scalar(key, "a whole number")
    }

    /// Takes one of a closed list of words; an unknown one is a problem with a near name.
    pub fn take_word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let (text, place) = self.take_text(key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all = words.iter().map(|(w, _)| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        let near = near_name(text, words.iter().map(|(w, _)| *w)).map(|n| format!("did you mean `{n}`?"));
        let message = format!("`{key}` is one of {all}, not `{text}`");
        self.problems.push(Diagnostic::error(Code::WrongValue, message).at(place).help_maybe(near));
        None
    }

    /// Everything not taken yet, as pairs: for mappings whose keys are the user's own names.
    pub fn rest(&mut self) -> Vec<&'n Pair> {
        std::mem::take(&mut self.pairs)
    }

    /// Refuses a word of the language that is not built yet.
    pub fn not_built(&mut self, key: &'static str, instead: &str) {
        if let Some(pair) = self.take_pair(key) {
            let message = format!("`{key}` is not built yet");
            self.problems.push(Diagnostic::error(Code::NotBuilt, message).at(&pair.place).help(instead));
        }
    }

    /// Ends the reading: each key left over is unknown.
    pub fn finish(self) {
        for pair in self.pairs {
            let near =
                near_name(&pair.key, self.known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
            let help = near.unwrap_or_else(|| format!("{} takes {}", self.what, list(&self.known)));
            let message = format!("`{}` is not a word of {}", pair.key, self.what);
            self.problems.push(Diagnostic::error(Code::UnknownKey, message).at(&pair.place).help(help));
        }
    }

    fn take_scalar<T: serde::de::DeserializeOwned>(
        &mut self,
        key: &'static str,
        expected: &str,
    ) -> Option<T> {
        let node = self.take(key)?;
        match node.scalar(expected) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}

fn list(words: &[&'static str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}
