//! The text of an expression, cut into tokens with their places in characters.
//!
//! Knows characters only. What other languages write (`&&`, `=`, `${…}`) is refused here with what to write instead.

use crate::diagnostic::Code;
use std::ops::Range;

/// A token and where it stands, in characters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: TokenKind,
    /// Where it stands.
    pub(super) at: Range<usize>,
}

/// The kinds of token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A name or a word such as `and`.
    Name(String),
    /// A text, without its quotes.
    Text(String),
    /// Digits with at most one point.
    Number(String),
    /// An operator or bracket.
    Mark(&'static str),
    /// The end.
    End,
}

/// A fault in an expression, before it is dressed for the user.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble {
    /// Its code.
    pub(super) code: Code,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: Option<String>,
    /// Where, in characters.
    pub(super) at: Range<usize>,
}

impl Trouble {
    /// Trouble without help.
    pub(super) fn new(code: Code, at: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, at }
    }

    /// Adds what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

const MARKS: &[&str] = &[
    "==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "<", ">", "(", ")", "[", "]", ",", ".", ":",
    "~", "|", "=",
];

/// Marks of other languages, with what to write instead.
const FOREIGN: &[(&str, &str)] = &[
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("&", "write `and`, or `~` to join"),
    ("!", "write `not`"),
    ("?", "write `a if condition else b`"),
    ("${", "`${…}` is replaced only inside a value, default, fallback or match; here write `vars.name`"),
    ("{{", "an expression stands without braces"),
    ("{%", "statements are not part of an expression; write `a if condition else b`"),
    ("{", "dictionaries are not part of an expression"),
    ("}", "an expression stands without braces"),
    (";", "a list is written `[a, b]`"),
];

/// Cuts the text. The last token is always [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Trouble> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0 };
    let mut found = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.kind == TokenKind::End;
        found.push(token);
        if end {
            return Ok(found);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn next(&mut self) -> Result<Token, Trouble> {
        self.take_while(char::is_whitespace);
        let start = self.at;
        let kind = match self.peek(0) {
            None => TokenKind::End,
            Some(quote @ ('"' | '\'')) => self.text(quote)?,
            Some(c) if c.is_ascii_digit() => self.number()?,
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                TokenKind::Name(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'))
            }
            Some(c) => self.mark(c)?,
        };
        let end = if kind == TokenKind::End { start + 1 } else { self.at };
        Ok(Token { kind, at: start..end })
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(&wanted) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn starts_with(&self, mark: &str) -> bool {
        mark.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    fn mark(&mut self, c: char) -> Result<TokenKind, Trouble> {
        if let Some((mark, help)) = FOREIGN
            .iter()
            .find(|(mark, _)| self.starts_with(mark) && !(*mark == "!" && self.starts_with("!=")))
        {
            let at = self.at..self.at + mark.chars().count();
            return Err(syntax(at, format!("`{mark}` is not part of an expression")).help(*help));
        }
        match MARKS.iter().find(|mark| self.starts_with(mark)) {
            Some(mark) => {
                self.at += mark.len();
                Ok(TokenKind::Mark(mark))
            }
            None => Err(syntax(self.at..self.at + 1, format!("unexpected character `{}`", c.escape_debug()))
                .help(
                    "a column whose name is more than letters, digits and `_` is written `row[\"Odd Name\"]`",
                )),
        }
    }

    fn number(&mut self) -> Result<TokenKind, Trouble> {
        let start = self.at;
        let mut text = self.take_while(|c| c.is_ascii_digit());
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            text.push('.');
            text.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        if self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.take_while(|c| c.is_alphanumeric() || c == '_');
            return Err(syntax(start..self.at, "neither a number nor a name").help(
                "numbers are plain decimals such as `1.5`; a column whose name starts with a digit is written `row[\"1st\"]`",
            ));
        }
        Ok(TokenKind::Number(text))
    }

    fn text(&mut self, quote: char) -> Result<TokenKind, Trouble> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.peek(0);
            self.at += 1;
            match c {
                None => {
                    return Err(syntax(start..self.at - 1, "a text that does not end")
                        .help(format!("close it with {quote}")));
                }
                Some(c) if c == quote => return Ok(TokenKind::Text(text)),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    /// What follows a backslash: the escapes of JSON and the two quotes, as in Jinja.
    fn escape(&mut self) -> Result<char, Trouble> {
        let start = self.at - 1;
        let c = self.peek(0);
        self.at += 1;
        let known = match c {
            Some(c @ ('"' | '\'' | '\\' | '/')) => Some(c),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('u') => self.unicode(),
            _ => None,
        };
        known.ok_or_else(|| {
            let end = self.at.min(self.chars.len()).max(start + 1);
            syntax(start..end, "unknown escape in a text").help("write `\\\\` for a backslash")
        })
    }

    fn unicode(&mut self) -> Option<char> {
        let digits: String = (0..4).map_while(|i| self.peek(i)).collect();
        self.at += digits.chars().count();
        (digits.len() == 4).then(|| u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32))?
    }
}

fn syntax(at: Range<usize>, message: impl Into<String>) -> Trouble {
    Trouble::new(Code::ExpressionSyntax, at, message)
}
