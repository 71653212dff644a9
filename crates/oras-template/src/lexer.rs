//! From the text of a template to its items.

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The message is the item's text.
    Error,
    Bool,
    Char,
    CharConstant,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    Nil,
    Keyword(Keyword),
}

/// Words that are statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A piece of the text.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// Byte offset.
    pub(crate) pos: usize,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Item {
    /// How an error shows it.
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone(),
            Kind::Keyword(_) => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let head: String = self.text.chars().take(10).collect();
                format!("{}...", crate::fmt::quote(&head))
            }
            _ => crate::fmt::quote(&self.text),
        }
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// Walks over the text.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    line: usize,
    parens: usize,
    inside: bool,
    done: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            pos: 0,
            line: 1,
            parens: 0,
            inside: false,
            done: false,
        }
    }

    /// The next item; after the end and after an error there is nothing but the end.
    pub(crate) fn next_item(&mut self) -> Item {
        if self.done {
            return self.item(Kind::Eof, 0);
        }
        loop {
            let item = match self.inside {
                true => Some(self.action()),
                false => self.text(),
            };
            let Some(item) = item else { continue };
            self.done = matches!(item.kind, Kind::Eof | Kind::Error);
            return item;
        }
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.pos..).unwrap_or("")
    }

    /// Takes `len` bytes as an item.
    fn item(&mut self, kind: Kind, len: usize) -> Item {
        let text = self.rest().get(..len).unwrap_or("").to_owned();
        let item = Item {
            kind,
            pos: self.pos,
            line: self.line,
            text,
        };
        self.skip(len);
        item
    }

    fn skip(&mut self, len: usize) {
        let skipped = self.rest().get(..len).unwrap_or("");
        self.line += skipped.matches('\n').count();
        self.pos += len;
    }

    fn error(&self, message: impl Into<String>) -> Item {
        Item {
            kind: Kind::Error,
            pos: self.pos,
            line: self.line,
            text: message.into(),
        }
    }

    /// Text up to the next action, a comment (nothing), or the delimiter.
    fn text(&mut self) -> Option<Item> {
        let rest = self.rest();
        let Some(at) = rest.find(LEFT) else {
            return Some(match rest.is_empty() {
                true => self.item(Kind::Eof, 0),
                false => self.item(Kind::Text, rest.len()),
            });
        };
        let trims = trims_left(&rest[at + LEFT.len()..]);
        let text = &rest[..at];
        let kept = if trims {
            text.trim_end_matches(SPACES).len()
        } else {
            at
        };
        if kept > 0 {
            let item = self.item(Kind::Text, kept);
            self.skip(at - kept);
            return Some(item);
        }
        self.skip(at);
        let marker = if trims { 2 } else { 0 };
        if self.rest()[LEFT.len() + marker..].starts_with("/*") {
            return self.comment(LEFT.len() + marker);
        }
        let item = self.item(Kind::LeftDelim, LEFT.len());
        self.skip(marker);
        self.inside = true;
        self.parens = 0;
        Some(item)
    }

    /// Skips a comment that begins `start` bytes ahead.
    fn comment(&mut self, start: usize) -> Option<Item> {
        let Some(end) = self.rest()[start..].find("*/") else {
            return Some(self.error("unclosed comment"));
        };
        let after = &self.rest()[start + end + 2..];
        let (len, trims) = match () {
            () if after.starts_with(RIGHT) => (RIGHT.len(), false),
            () if trims_right(after) => (2 + RIGHT.len(), true),
            () => return Some(self.error("comment ends before closing delimiter")),
        };
        self.skip(start + end + 2 + len);
        if trims {
            self.trim();
        }
        None
    }

    fn trim(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start_matches(SPACES).len());
    }

    /// The next item of an action.
    fn action(&mut self) -> Item {
        let rest = self.rest();
        let trims = trims_right(rest);
        if trims || rest.starts_with(RIGHT) {
            if self.parens > 0 {
                return self.error("unclosed left paren");
            }
            if trims {
                self.skip(2);
            }
            let item = self.item(Kind::RightDelim, RIGHT.len());
            if trims {
                self.trim();
            }
            self.inside = false;
            return item;
        }
        let Some(first) = rest.chars().next() else {
            return self.error("unclosed action");
        };
        match first {
            ' ' | '\t' | '\r' | '\n' => {
                let len = rest.len() - rest.trim_start_matches(SPACES).len();
                // The last blank may be part of a marker.
                let len = match trims_right(&rest[len - 1..]) {
                    true if len == 1 => return self.action_after_blank(),
                    true => len - 1,
                    false => len,
                };
                self.item(Kind::Space, len)
            }
            '=' => self.item(Kind::Assign, 1),
            ':' if rest.starts_with(":=") => self.item(Kind::Declare, 2),
            ':' => self.error("expected :="),
            '|' => self.item(Kind::Pipe, 1),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match rest[1..].find('`') {
                Some(len) => self.item(Kind::RawString, len + 2),
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.word(Kind::Variable),
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => match rest.len() {
                1 => {
                    self.skip(1);
                    self.error("unclosed action")
                }
                _ => self.word(Kind::Field),
            },
            '.' | '+' | '-' | '0'..='9' => self.number(),
            '(' => {
                self.parens += 1;
                self.item(Kind::LeftParen, 1)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.item(Kind::RightParen, 1)
            }
            c if is_word(c) => self.identifier(),
            c if c.is_ascii_graphic() => self.item(Kind::Char, 1),
            c => self.error(format!(
                "unrecognized character in action: {}",
                code_point(c)
            )),
        }
    }

    /// The delimiter behind a blank that belongs to it.
    fn action_after_blank(&mut self) -> Item {
        if self.parens > 0 {
            return self.error("unclosed left paren");
        }
        self.skip(2);
        let item = self.item(Kind::RightDelim, RIGHT.len());
        self.trim();
        self.inside = false;
        item
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Item {
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if chars.next().is_some_and(|(_, next)| next != '\n') => {}
                '\\' | '\n' => break,
                c if c == quote => return self.item(kind, at + 1),
                _ => {}
            }
        }
        self.error(unterminated)
    }

    /// `.field` or `$variable`; the bare sign is an item of its own.
    fn word(&mut self, kind: Kind) -> Item {
        let rest = self.rest();
        let len = 1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1);
        if let Some(bad) = self.not_terminated(len) {
            return bad;
        }
        match (kind, len) {
            (Kind::Field, 1) => self.item(Kind::Dot, 1),
            _ => self.item(kind, len),
        }
    }

    fn identifier(&mut self) -> Item {
        let rest = self.rest();
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if let Some(bad) = self.not_terminated(len) {
            return bad;
        }
        let kind = match &rest[..len] {
            "true" | "false" => Kind::Bool,
            "nil" => Kind::Nil,
            "block" => Kind::Keyword(Keyword::Block),
            "break" => Kind::Keyword(Keyword::Break),
            "continue" => Kind::Keyword(Keyword::Continue),
            "define" => Kind::Keyword(Keyword::Define),
            "else" => Kind::Keyword(Keyword::Else),
            "end" => Kind::Keyword(Keyword::End),
            "if" => Kind::Keyword(Keyword::If),
            "range" => Kind::Keyword(Keyword::Range),
            "template" => Kind::Keyword(Keyword::Template),
            "with" => Kind::Keyword(Keyword::With),
            _ => Kind::Identifier,
        };
        self.item(kind, len)
    }

    /// An error if a word of `len` bytes is followed by what can't follow it.
    fn not_terminated(&self, len: usize) -> Option<Item> {
        let after = &self.rest()[len..];
        let next = after.chars().next()?;
        let ends = matches!(
            next,
            ' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '('
        );
        match ends || after.starts_with(RIGHT) {
            true => None,
            false => Some(self.error(format!("bad character {}", code_point(next)))),
        }
    }

    fn number(&mut self) -> Item {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut at = usize::from(rest.starts_with(['+', '-']));
        let run = |at: usize, allowed: &dyn Fn(u8) -> bool| {
            at + bytes[at..]
                .iter()
                .take_while(|b| allowed(**b) || **b == b'_')
                .count()
        };
        let prefix = rest[at..].get(..2).unwrap_or("").to_ascii_lowercase();
        let hex = prefix == "0x";
        let digits: &dyn Fn(u8) -> bool = match prefix.as_str() {
            "0x" => &|b| b.is_ascii_hexdigit(),
            "0o" => &|b| matches!(b, b'0'..=b'7'),
            "0b" => &|b| matches!(b, b'0' | b'1'),
            _ => &|b| b.is_ascii_digit(),
        };
        let plain = !matches!(prefix.as_str(), "0x" | "0o" | "0b");
        if !plain {
            at += 2;
        }
        at = run(at, digits);
        if bytes.get(at) == Some(&b'.') {
            at = run(at + 1, digits);
        }
        let exponent: &[u8] = if hex { b"pP" } else { b"eE" };
        if (plain || hex) && bytes.get(at).is_some_and(|b| exponent.contains(b)) {
            at += 1;
            at += usize::from(bytes.get(at).is_some_and(|b| matches!(b, b'+' | b'-')));
            at = run(at, &|b| b.is_ascii_digit());
        }
        match rest[at..].chars().next() {
            Some(next) if is_word(next) => {
                let bad = &rest[..at + next.len_utf8()];
                self.error(format!("bad number syntax: {}", crate::fmt::quote(bad)))
            }
            _ => self.item(Kind::Number, at),
        }
    }
}

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Whether what follows the left delimiter is a marker that trims.
fn trims_left(after: &str) -> bool {
    let mut chars = after.chars();
    chars.next() == Some('-') && chars.next().is_some_and(|c| SPACES.contains(&c))
}

/// Whether this is a marker that trims with the right delimiter.
fn trims_right(text: &str) -> bool {
    text.starts_with(SPACES) && text[1..].starts_with("-}}")
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// `U+0041 'A'`
pub(crate) fn code_point(c: char) -> String {
    match c.is_control() {
        true => format!("U+{:04X}", u32::from(c)),
        false => format!("U+{:04X} '{c}'", u32::from(c)),
    }
}
