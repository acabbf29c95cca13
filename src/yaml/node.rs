//! The tree: raw text and place of every scalar, so that `NO` stays a word and `01` keeps its zero.

use crate::diagnostic::{Code, Diagnostic, Place};
use serde::de::DeserializeOwned;

/// One node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands. The length covers the first line of it.
    pub place: Place,
}

/// The three kinds of node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A scalar with its text as written (after YAML's own unquoting).
    Scalar {
        /// The text.
        text: String,
        /// Whether it stood without quotes: only then can it be a boolean, a number or nothing.
        plain: bool,
    },
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order written.
    Mapping(Vec<Pair>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The raw text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a mapping.
    pub fn pairs(&self) -> Option<&[Pair]> {
        match &self.kind {
            NodeKind::Mapping(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.pairs()?.iter().find(|p| p.key == key).map(|p| &p.value)
    }

    /// Whether it is a plain scalar that YAML reads as nothing: empty, `~` or `null`.
    pub fn is_nothing(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Whether it is a plain scalar that YAML reads as a boolean, a number or nothing, not as text.
    pub fn is_literal(&self) -> bool {
        self.is_nothing()
            || matches!(&self.kind, NodeKind::Scalar { text, plain: true }
                if !matches!(serde_yaml::from_str::<serde_yaml::Value>(text), Ok(serde_yaml::Value::String(_)) | Err(_)))
    }

    /// What it is, in words, for messages.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar { .. } if self.is_nothing() => "nothing",
            NodeKind::Scalar { .. } => "text",
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
        }
    }

    /// A plain scalar read as a number or a boolean by YAML's rules.
    ///
    /// # Errors
    /// A diagnostic at this place, saying what was expected.
    pub fn scalar<T: DeserializeOwned>(&self, expected: &str) -> Result<T, Diagnostic> {
        let wrong = || {
            let message = match self.text() {
                Some(text) => format!("`{text}` is not {expected}"),
                None => format!("{} stands where {expected} is expected", self.what()),
            };
            Diagnostic::error(Code::WrongValue, message).at(&self.place)
        };
        match &self.kind {
            NodeKind::Scalar { text, plain: true } => serde_yaml::from_str(text).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}
