//! Events of the YAML parser to nodes, refusing what manifests do not use; one document a file.

use super::node::{Node, NodeKind, Pair};
use crate::diagnostic::{Code, Diagnostic, Place};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::sync::Arc;

/// Nested deeper than this, a document is refused rather than followed.
const DEEPEST: usize = 64;

/// The tree of one document and everything wrong with it. `None` when there is no tree to go on with.
pub fn parse(file: &str, text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let lines = text.lines().collect();
    let mut builder =
        Builder { file: file.into(), lines, problems: Vec::new(), stack: Vec::new(), root: None };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                builder.syntax(error.info(), error.marker().line(), error.marker().col());
                return (None, builder.problems);
            }
        }
        if builder.stack.len() > DEEPEST {
            builder.syntax("nested too deeply", 0, 0);
            return (None, builder.problems);
        }
    }
    builder.finish()
}

/// A container that is still open.
enum Open {
    Sequence(Place, Vec<Node>),
    Mapping(Place, Vec<Pair>, Option<(String, Place)>),
}

struct Builder<'t> {
    file: Arc<str>,
    lines: Vec<&'t str>,
    problems: Vec<Diagnostic>,
    stack: Vec<Open>,
    root: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(anchor != 0, tag.is_some(), &place);
                let plain = style == ScalarStyle::Plain;
                let place =
                    quote_of(style).map_or_else(|| place.clone(), |quote| self.to_quote(&place, quote));
                self.add(Node { kind: NodeKind::Scalar { text: text.into_owned(), plain }, place });
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(anchor != 0, tag.is_some(), &place);
                self.stack.push(Open::Sequence(place, Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(anchor != 0, tag.is_some(), &place);
                self.stack.push(Open::Mapping(place, Vec::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(_) => {
                self.feature("an alias", &place);
                self.add(Node { kind: NodeKind::Scalar { text: String::new(), plain: false }, place });
            }
            _ => {}
        }
    }

    fn close(&mut self) {
        let node = match self.stack.pop() {
            Some(Open::Sequence(place, items)) => Node { kind: NodeKind::Sequence(items), place },
            Some(Open::Mapping(place, pairs, _)) => Node { kind: NodeKind::Mapping(pairs), place },
            None => return,
        };
        self.add(node);
    }

    fn add(&mut self, node: Node) {
        match self.stack.last_mut() {
            Some(Open::Sequence(_, items)) => items.push(node),
            Some(Open::Mapping(_, pairs, key @ None)) => match node.kind {
                NodeKind::Scalar { text, .. } => {
                    if let Some(problem) = key_problem(&text, &node.place, pairs) {
                        self.problems.push(problem);
                    }
                    *key = Some((text, node.place));
                }
                _ => {
                    let problem = Diagnostic::error(Code::WrongValue, "a key must be text").at(&node.place);
                    self.problems.push(problem);
                    *key = Some((String::new(), node.place));
                }
            },
            Some(Open::Mapping(_, pairs, key)) => {
                if let Some((key, place)) = key.take()
                    && key != "<<"
                    && !pairs.iter().any(|p| p.key == key)
                {
                    pairs.push(Pair { key, place, value: node });
                }
            }
            None if self.root.is_none() => self.root = Some(node),
            None => self.feature("a second document", &node.place),
        }
    }

    fn refuse(&mut self, anchor: bool, tag: bool, place: &Place) {
        if anchor {
            self.feature("an anchor", place);
        }
        if tag {
            self.feature("a tag", place);
        }
    }

    fn feature(&mut self, what: &str, place: &Place) {
        self.problems.push(
            Diagnostic::error(Code::YamlFeature, format!("{what} is not used here"))
                .at(place)
                .help("write the value out where it is needed"),
        );
    }

    fn syntax(&mut self, info: &str, line: usize, column: usize) {
        let place = Place::new(
            self.file.clone(),
            line as u32,
            column as u32 + u32::from(line > 0),
            u32::from(line > 0),
        );
        self.problems
            .push(Diagnostic::error(Code::YamlSyntax, format!("this is not YAML: {info}")).at(&place));
    }

    fn place(&self, span: Span) -> Place {
        let (start, end) = (span.start, span.end);
        let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
        Place::new(self.file.clone(), start.line() as u32, start.col() as u32 + 1, length.max(1) as u32)
    }

    /// The place of a quoted scalar up to its closing quote: the parser's own span goes on over blanks and remarks.
    fn to_quote(&self, place: &Place, quote: char) -> Place {
        let line = self.lines.get((place.line as usize).saturating_sub(1)).copied().unwrap_or_default();
        let raw = line.chars().skip((place.column as usize).saturating_sub(1));
        quoted_length(raw, quote).map_or_else(|| place.clone(), |length| Place { length, ..place.clone() })
    }

    fn finish(mut self) -> (Option<Node>, Vec<Diagnostic>) {
        if self.root.is_none() && self.problems.is_empty() {
            let place = Place::file(self.file.clone());
            self.problems.push(Diagnostic::error(Code::YamlSyntax, "the file is empty").at(&place));
        }
        (self.root, self.problems)
    }
}

/// The quote that a style has.
fn quote_of(style: ScalarStyle) -> Option<char> {
    match style {
        ScalarStyle::SingleQuoted => Some('\''),
        ScalarStyle::DoubleQuoted => Some('"'),
        _ => None,
    }
}

/// How many characters a quoted scalar takes, both quotes counted; nothing when it does not end on this line.
fn quoted_length(raw: impl Iterator<Item = char>, quote: char) -> Option<u32> {
    let mut raw = raw.peekable();
    let mut length = u32::from(raw.next()? == quote);
    while let Some(character) = raw.next().filter(|_| length > 0) {
        length += 1;
        let doubled = quote == '\'' && character == quote && raw.peek() == Some(&quote);
        if doubled || (quote == '"' && character == '\\') {
            length += u32::from(raw.next().is_some());
        } else if character == quote {
            return Some(length);
        }
    }
    None
}

/// What is wrong with a key, given the pairs before it.
fn key_problem(key: &str, place: &Place, pairs: &[Pair]) -> Option<Diagnostic> {
    if key == "<<" {
        return Some(
            Diagnostic::error(Code::YamlFeature, "the merge key `<<` is not used here")
                .at(place)
                .help("write the keys out"),
        );
    }
    let first = pairs.iter().find(|p| p.key == key)?;
    Some(
        Diagnostic::error(Code::DuplicateKey, format!("`{key}` is set twice"))
            .label(place, "again here")
            .label(&first.place, "first here")
            .help("keep one of them"),
    )
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::diagnostic::Code;

    #[test]
    fn keeps_raw_text_and_places() {
        let (node, problems) = parse("m.yaml", "map: { NO: Norway, 01: Gold }\nlist:\n  - 1e3\n");
        assert!(problems.is_empty(), "{problems:?}");
        let node = node.unwrap();
        let map = node.get("map").unwrap().pairs().unwrap();
        assert_eq!((map[0].key.as_str(), map[1].key.as_str()), ("NO", "01"));
        assert_eq!(node.get("list").unwrap().items().unwrap()[0].text(), Some("1e3"));
        assert_eq!(map[1].place.to_string(), "m.yaml:1:20");
    }

    #[test]
    fn a_quoted_scalar_ends_at_its_quote() {
        for (text, length) in [
            ("a: \"xyz\" # c\n", 5),
            ("a: 'x''y'   \n", 6),
            ("a: { b: \"x\\\"y\" }\n", 6),
            ("a: ''\n", 2),
            ("a: \"x\n  y\" # c\n", 1),
            ("a: xyz # c\n", 3),
        ] {
            let node = parse("m.yaml", text).0.unwrap();
            let value = &node.pairs().unwrap()[0].value;
            let value = value.pairs().map_or(value, |pairs| &pairs[0].value);
            assert_eq!(value.place.length, length, "{text}");
        }
    }

    #[test]
    fn refuses_what_surprises_all_at_once() {
        let (_, problems) = parse("m.yaml", "a: &x 1\nb: *x\nc: !!str 2\n<<: {d: 1}\na: 3\n");
        let codes: Vec<_> = problems.iter().map(|p| p.code).collect();
        use Code::{DuplicateKey, YamlFeature};
        assert_eq!(codes, [YamlFeature, YamlFeature, YamlFeature, YamlFeature, DuplicateKey]);
    }

    #[test]
    fn bombs_and_broken_text_are_diagnostics() {
        assert!(parse("m.yaml", &"[".repeat(100_000)).0.is_none());
        assert_eq!(parse("m.yaml", "a: [1, 2\nb: }").1[0].code, Code::YamlSyntax);
        assert_eq!(parse("m.yaml", "").1[0].code, Code::YamlSyntax);
    }
}
