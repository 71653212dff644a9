//! Indenting JSON text that must otherwise stay as it is: order, numbers, escapes and invalid UTF-8 are kept.

use std::fmt;

use crate::go::go_quote;

/// Deeper than any manifest; bounds what a hostile one can blow up to.
const MAX_DEPTH: usize = 500;

/// Re-indents JSON by two spaces, as Go's `json.Indent` does. White space after the value is kept.
///
/// ```
/// use oras_spec::json::indent;
///
/// assert_eq!(indent(br#"{"b":[1.0,{}]}"#)?, b"{\n  \"b\": [\n    1.0,\n    {}\n  ]\n}");
/// assert_eq!(indent(b"nope").unwrap_err().to_string(), "invalid character 'o' in literal null (expecting 'u')");
/// # Ok::<(), oras_spec::json::SyntaxError>(())
/// ```
///
/// # Errors
/// [`SyntaxError`], in the words of Go.
pub fn indent(json: &[u8]) -> Result<Vec<u8>, SyntaxError> {
    let mut scanner = Scanner {
        rest: json,
        out: Vec::with_capacity(json.len() + json.len() / 2),
        open: Vec::new(),
    };
    let mut next = Next::Value;
    while next != Next::End {
        next = scanner.step(next)?;
    }
    match scanner.rest.iter().find(|&&b| !is_space(b)) {
        Some(&b) => Err(SyntaxError::unexpected(b, "after top-level value")),
        None => {
            scanner.out.extend_from_slice(scanner.rest);
            Ok(scanner.out)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

/// What the grammar allows at this point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Colon,
    CommaOrClose(Container),
    End,
}

struct Scanner<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    open: Vec<Container>,
}

impl Scanner<'_> {
    fn step(&mut self, next: Next) -> Result<Next, SyntaxError> {
        let blank = self.rest.iter().take_while(|&&b| is_space(b)).count();
        self.rest = self.rest.get(blank..).unwrap_or_default();
        let b = self.peek()?;
        match (next, b) {
            (Next::FirstItem, b']') | (Next::FirstKey, b'}') => {
                self.open.pop();
                self.take();
                Ok(self.after_value())
            }
            (Next::FirstItem, _) => {
                self.line_break();
                self.value(b)
            }
            (Next::Value, _) => self.value(b),
            (Next::FirstKey, b'"') => {
                self.line_break();
                self.string()?;
                Ok(Next::Colon)
            }
            (Next::Key, b'"') => {
                self.string()?;
                Ok(Next::Colon)
            }
            (Next::FirstKey | Next::Key, _) => Err(SyntaxError::unexpected(
                b,
                "looking for beginning of object key string",
            )),
            (Next::Colon, b':') => {
                self.take();
                self.out.push(b' ');
                Ok(Next::Value)
            }
            (Next::Colon, _) => Err(SyntaxError::unexpected(b, "after object key")),
            (Next::CommaOrClose(container), b',') => {
                self.take();
                self.line_break();
                Ok(match container {
                    Container::Array => Next::Value,
                    Container::Object => Next::Key,
                })
            }
            (Next::CommaOrClose(Container::Array), b']')
            | (Next::CommaOrClose(Container::Object), b'}') => {
                self.open.pop();
                self.line_break();
                self.take();
                Ok(self.after_value())
            }
            (Next::CommaOrClose(Container::Array), _) => {
                Err(SyntaxError::unexpected(b, "after array element"))
            }
            (Next::CommaOrClose(Container::Object), _) => {
                Err(SyntaxError::unexpected(b, "after object key:value pair"))
            }
            (Next::End, _) => Ok(Next::End),
        }
    }

    fn value(&mut self, b: u8) -> Result<Next, SyntaxError> {
        match b {
            b'[' => return self.enter(Container::Array, Next::FirstItem),
            b'{' => return self.enter(Container::Object, Next::FirstKey),
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number(b)?,
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            _ => return Err(SyntaxError::unexpected(b, "looking for beginning of value")),
        }
        Ok(self.after_value())
    }

    fn enter(&mut self, container: Container, next: Next) -> Result<Next, SyntaxError> {
        if self.open.len() == MAX_DEPTH {
            return Err(SyntaxError("exceeded max depth".to_owned()));
        }
        self.open.push(container);
        self.take();
        Ok(next)
    }

    fn after_value(&self) -> Next {
        match self.open.last() {
            Some(&container) => Next::CommaOrClose(container),
            None => Next::End,
        }
    }

    fn string(&mut self) -> Result<(), SyntaxError> {
        self.take();
        loop {
            match self.peek()? {
                b'"' => {
                    self.take();
                    return Ok(());
                }
                b'\\' => {
                    self.take();
                    self.escape()?;
                }
                b @ 0..0x20 => return Err(SyntaxError::unexpected(b, "in string literal")),
                _ => self.take(),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        match self.peek()? {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => self.take(),
            b'u' => {
                self.take();
                for _ in 0..4 {
                    let b = self.peek()?;
                    if !b.is_ascii_hexdigit() {
                        return Err(SyntaxError::unexpected(
                            b,
                            "in \\u hexadecimal character escape",
                        ));
                    }
                    self.take();
                }
            }
            b => return Err(SyntaxError::unexpected(b, "in string escape code")),
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Result<(), SyntaxError> {
        if first == b'-' {
            self.take();
        }
        match self.peek()? {
            b'0' => self.take(),
            b'1'..=b'9' => self.digits("in numeric literal")?,
            b => return Err(SyntaxError::unexpected(b, "in numeric literal")),
        }
        if self.rest.first() == Some(&b'.') {
            self.take();
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.rest.first(), Some(b'e' | b'E')) {
            self.take();
            if matches!(self.rest.first(), Some(b'+' | b'-')) {
                self.take();
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn digits(&mut self, place: &str) -> Result<(), SyntaxError> {
        let b = self.peek()?;
        if !b.is_ascii_digit() {
            return Err(SyntaxError::unexpected(b, place));
        }
        while self.rest.first().is_some_and(u8::is_ascii_digit) {
            self.take();
        }
        Ok(())
    }

    fn literal(&mut self, name: &str) -> Result<(), SyntaxError> {
        for expected in name.bytes() {
            let b = self.peek()?;
            if b != expected {
                let place = format!("in literal {name} (expecting '{}')", char::from(expected));
                return Err(SyntaxError::unexpected(b, &place));
            }
            self.take();
        }
        Ok(())
    }

    fn line_break(&mut self) {
        self.out.push(b'\n');
        self.out
            .extend(std::iter::repeat_n(b' ', 2 * self.open.len()));
    }

    fn peek(&self) -> Result<u8, SyntaxError> {
        let end = || SyntaxError("unexpected end of JSON input".to_owned());
        self.rest.first().copied().ok_or_else(end)
    }

    fn take(&mut self) {
        if let Some((&b, rest)) = self.rest.split_first() {
            self.out.push(b);
            self.rest = rest;
        }
    }
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// Text that is not JSON; says where in the grammar it went wrong, in the words of Go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError(String);

impl SyntaxError {
    fn unexpected(b: u8, place: &str) -> Self {
        let shown = match b {
            b'\'' => "\\'".to_owned(),
            b'"' => "\"".to_owned(),
            _ => go_quote(char::from(b).encode_utf8(&mut [0; 4]))
                .trim_matches('"')
                .to_owned(),
        };
        Self(format!("invalid character '{shown}' {place}"))
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SyntaxError {}
