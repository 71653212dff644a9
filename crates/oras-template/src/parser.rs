//! From items to a tree, with the messages of Go's parser.

use std::collections::VecDeque;

use crate::ast::{Branch, Command, Invocation, Node, Pipe, Templates, Term, Word};
use crate::budget::MAX_DEPTH;
use crate::fmt::quote;
use crate::functions::Functions;
use crate::lexer::{Item, Keyword, Kind, Lexer};
use crate::literal;
use crate::value::Value;

/// What is wrong, and in which line.
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) message: String,
}

type Parsed<T> = Result<T, Wrong>;

/// All templates of `text`, of which the outermost is called `name`.
///
/// # Errors
/// If it is not a template.
pub(crate) fn parse(name: &str, text: &str, functions: &Functions) -> Parsed<Templates> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        ahead: VecDeque::new(),
        line: 1,
        action_line: 0,
        variables: vec!["$".to_owned()],
        loops: 0,
        depth: 0,
        templates: Templates::new(),
        functions,
        name,
    };
    parser.main()?;
    Ok(parser.templates)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Items that were looked at already.
    ahead: VecDeque<Item>,
    line: usize,
    /// Where the action began.
    action_line: usize,
    variables: Vec<String>,
    /// How many `range` are around.
    loops: usize,
    depth: usize,
    templates: Templates,
    functions: &'a Functions,
    name: &'a str,
}

/// How a list of statements ended.
enum Ending {
    End,
    Else,
}

/// One statement, or what ends a list of them.
enum Statement {
    Node(Node),
    Ending(Ending),
}

impl Ending {
    fn shown(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

impl Parser<'_> {
    fn next(&mut self) -> Item {
        match self.ahead.pop_front() {
            Some(item) => item,
            None => self.read(),
        }
    }

    fn read(&mut self) -> Item {
        let item = self.lexer.next_item();
        self.line = item.line;
        if item.kind == Kind::LeftDelim {
            self.action_line = item.line;
        }
        item
    }

    fn back(&mut self, item: Item) {
        self.ahead.push_front(item);
    }

    fn peek(&mut self) -> Item {
        let item = self.next();
        self.back(item.clone());
        item
    }

    fn next_word(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    fn peek_word(&mut self) -> Item {
        let item = self.next_word();
        self.back(item.clone());
        item
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(Wrong {
            line: self.line,
            message: message.into(),
        })
    }

    fn unexpected<T>(&self, item: &Item, context: &str) -> Parsed<T> {
        if item.kind != Kind::Error {
            return self.wrong(format!("unexpected {} in {context}", item.shown()));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != item.line {
            extra = format!(" in action started at {}:{}", self.name, self.action_line);
            if item.text.ends_with(" action") {
                extra = extra.replacen(" in action", "", 1);
            }
        }
        self.wrong(format!("{}{extra}", item.text))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Item> {
        let item = self.next_word();
        match item.kind == kind {
            true => Ok(item),
            false => self.unexpected(&item, context),
        }
    }

    /// Runs `parse` one level deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return self.wrong(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn main(&mut self) -> Parsed<()> {
        let mut root = Vec::new();
        loop {
            let item = self.next();
            match item.kind {
                Kind::Eof => break,
                Kind::LeftDelim => {
                    let word = self.next_word();
                    if word.kind == Kind::Keyword(Keyword::Define) {
                        self.definition()?;
                        continue;
                    }
                    self.back(word);
                    self.back(item);
                }
                _ => self.back(item),
            }
            match self.statement()? {
                Statement::Node(node) => root.push(node),
                Statement::Ending(ending) => {
                    return self.wrong(format!("unexpected {}", ending.shown()));
                }
            }
        }
        let name = self.name.to_owned();
        self.add(&name, root)
    }

    /// `{{define "name"}} … {{end}}`
    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_word();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (list, ending) = self.list()?;
        self.variables = outer;
        self.loops = loops;
        match ending {
            Ending::End => self.add(&name, list),
            Ending::Else => self.wrong(format!("unexpected {} in {CONTEXT}", ending.shown())),
        }
    }

    /// A template that has no text to speak of does not replace one that has.
    fn add(&mut self, name: &str, list: Vec<Node>) -> Parsed<()> {
        let empty = |list: &[Node]| {
            list.iter()
                .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
        };
        match self.templates.get(name) {
            Some(old) if !empty(old) => match empty(&list) {
                true => Ok(()),
                false => self.wrong(format!(
                    "template: multiple definition of template {}",
                    quote(name)
                )),
            },
            _ => {
                self.templates.insert(name.to_owned(), list);
                Ok(())
            }
        }
    }

    fn template_name(&self, item: &Item, context: &str) -> Parsed<String> {
        match item.kind {
            Kind::String | Kind::RawString => self.unquote(&item.text),
            _ => self.unexpected(item, context),
        }
    }

    fn unquote(&self, text: &str) -> Parsed<String> {
        match literal::unquote(text) {
            Some(text) => Ok(text),
            None => self.wrong("invalid syntax"),
        }
    }

    fn list(&mut self) -> Parsed<(Vec<Node>, Ending)> {
        let mut list = Vec::new();
        while self.peek_word().kind != Kind::Eof {
            match self.statement()? {
                Statement::Node(node) => list.push(node),
                Statement::Ending(ending) => return Ok((list, ending)),
            }
        }
        self.wrong("unexpected EOF")
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let item = self.next_word();
        match item.kind {
            Kind::Text => Ok(Statement::Node(Node::Text(item.text))),
            Kind::LeftDelim => self.deeper(Self::action),
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Statement> {
        let item = self.next_word();
        let node = match item.kind {
            Kind::Keyword(Keyword::If) => Node::If(self.control("if")?),
            Kind::Keyword(Keyword::With) => Node::With(self.control("with")?),
            Kind::Keyword(Keyword::Range) => Node::Range(self.control("range")?),
            Kind::Keyword(Keyword::Template) => self.invocation()?,
            Kind::Keyword(Keyword::Block) => self.block()?,
            Kind::Keyword(Keyword::Break) => self.jump(Node::Break, "{{break}}")?,
            Kind::Keyword(Keyword::Continue) => self.jump(Node::Continue, "{{continue}}")?,
            Kind::Keyword(Keyword::End) => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Statement::Ending(Ending::End));
            }
            Kind::Keyword(Keyword::Else) => {
                let next = self.peek_word().kind;
                // `else if` is an `if` inside of an `else`, and `else with` likewise.
                let chained = [Kind::Keyword(Keyword::If), Kind::Keyword(Keyword::With)];
                if !chained.contains(&next) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Statement::Ending(Ending::Else));
            }
            _ => {
                self.back(item);
                Node::Action(self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Statement::Node(node))
    }

    fn jump(&mut self, node: Node, shown: &str) -> Parsed<Node> {
        let item = self.next_word();
        if item.kind != Kind::RightDelim {
            return self.unexpected(&item, shown);
        }
        match self.loops {
            0 => self.wrong(format!("{shown} outside {{{{range}}}}")),
            _ => Ok(node),
        }
    }

    fn control(&mut self, context: &'static str) -> Parsed<Branch> {
        let scope = self.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let loops = self.loops;
        if context == "range" {
            self.loops += 1;
        }
        let (then, ending) = self.list()?;
        self.loops = loops;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.alternative(context)?),
        };
        self.variables.truncate(scope);
        Ok(Branch {
            pipe,
            then,
            otherwise,
        })
    }

    /// What follows an `else`. One `end` closes a whole chain.
    fn alternative(&mut self, context: &'static str) -> Parsed<Vec<Node>> {
        let next = self.peek_word().kind;
        if context == "if" && next == Kind::Keyword(Keyword::If) {
            self.next_word();
            return Ok(vec![Node::If(self.deeper(|it| it.control("if"))?)]);
        }
        if context == "with" && next == Kind::Keyword(Keyword::With) {
            self.next_word();
            return Ok(vec![Node::With(self.deeper(|it| it.control("with"))?)]);
        }
        let (list, ending) = self.list()?;
        match ending {
            Ending::End => Ok(list),
            Ending::Else => self.wrong(format!("expected end; found {}", ending.shown())),
        }
    }

    fn invocation(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_word();
        let name = self.template_name(&item, CONTEXT)?;
        let next = self.next_word();
        let pipe = match next.kind {
            Kind::RightDelim => None,
            _ => {
                self.back(next);
                Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
            }
        };
        let pos = item.pos;
        Ok(Node::Template(Invocation { pos, name, pipe }))
    }

    /// `{{block "name" pipeline}} … {{end}}` defines a template and uses it.
    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_word();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (list, ending) = self.list()?;
        self.variables = outer;
        self.loops = loops;
        if matches!(ending, Ending::Else) {
            return self.wrong(format!("unexpected {} in {CONTEXT}", ending.shown()));
        }
        self.add(&name, list)?;
        let pos = item.pos;
        let pipe = Some(pipe);
        Ok(Node::Template(Invocation { pos, name, pipe }))
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let mut pipe = Pipe {
            pos: self.peek_word().pos,
            assigns: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let item = self.next_word();
            match item.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(item);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        if pipe.commands.is_empty() {
            return self.wrong(format!("missing value for {context}"));
        }
        let literal = |command: &Command| {
            matches!(
                command.words.first().map(|word| &word.term),
                Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String(..))
            )
        };
        match pipe.commands.iter().skip(1).position(literal) {
            Some(at) => self.wrong(format!(
                "non executable command in pipeline stage {}",
                at + 2
            )),
            None => Ok(pipe),
        }
    }

    /// Takes a variable in front of `:=`, `=` or a comma. Says whether another may follow.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<bool> {
        if self.peek_word().kind != Kind::Variable {
            return Ok(false);
        }
        let variable = self.next_word();
        let after = self.next();
        let blank = (after.kind == Kind::Space).then(|| after.clone());
        let next = match blank {
            Some(_) => self.next_word(),
            None => after,
        };
        let is_comma = next.kind == Kind::Char && next.text == ",";
        match next.kind {
            Kind::Assign | Kind::Declare => {
                pipe.assigns = next.kind == Kind::Assign;
                pipe.variables.push(variable.text.clone());
                self.variables.push(variable.text);
                Ok(false)
            }
            _ if is_comma => {
                pipe.variables.push(variable.text.clone());
                self.variables.push(variable.text);
                if context != "range" || pipe.variables.len() > 1 {
                    return self.wrong(format!("too many declarations in {context}"));
                }
                match self.peek_word().kind {
                    Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                    _ => self.wrong("range can only initialize variables"),
                }
            }
            _ => {
                self.back(next);
                if let Some(blank) = blank {
                    self.back(blank);
                }
                self.back(variable);
                Ok(false)
            }
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let pos = self.peek_word().pos;
        let mut words = Vec::new();
        loop {
            self.peek_word();
            if let Some(word) = self.operand()? {
                words.push(word);
            }
            let item = self.next();
            match item.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.back(item);
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&item, "operand"),
            }
        }
        match words.is_empty() {
            true => self.wrong("empty command"),
            false => Ok(Command { pos, words }),
        }
    }

    fn operand(&mut self) -> Parsed<Option<Word>> {
        let Some(mut word) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(word));
        }
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(field(&self.next()));
        }
        match &mut word.term {
            Term::Field(all) | Term::Variable(all) => {
                all.append(&mut names);
                word.pos = first.pos;
                Ok(Some(word))
            }
            Term::Bool(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let shown = quote(&word.to_string());
                self.wrong(format!("unexpected . after term {shown}"))
            }
            _ => Ok(Some(Word {
                pos: first.pos,
                term: Term::Chain(Box::new(word), names),
            })),
        }
    }

    fn term(&mut self) -> Parsed<Option<Word>> {
        let item = self.next_word();
        let pos = item.pos;
        let term = match item.kind {
            Kind::Identifier if !self.functions.has(&item.text) => {
                let name = quote(&item.text);
                return self.wrong(format!("function {name} not defined"));
            }
            Kind::Identifier => Term::Identifier(item.text),
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable if !self.variables.contains(&item.text) => {
                return self.wrong(format!("undefined variable {}", quote(&item.text)));
            }
            Kind::Variable => Term::Variable(vec![item.text]),
            Kind::Field => Term::Field(vec![field(&item)]),
            Kind::Bool => Term::Bool(item.text == "true"),
            Kind::CharConstant | Kind::Number => match literal::number(&item.text) {
                Ok(number) => Term::Number(number),
                Err(message) => return self.wrong(message),
            },
            Kind::LeftParen => {
                let pipe =
                    self.deeper(|it| it.pipeline("parenthesized pipeline", Kind::RightParen))?;
                Term::Pipe(pipe)
            }
            Kind::String | Kind::RawString => {
                let text = self.unquote(&item.text)?;
                Term::String(item.text, Value::str(text))
            }
            _ => {
                self.back(item);
                return Ok(None);
            }
        };
        Ok(Some(Word { pos, term }))
    }
}

/// The name in `.name`.
fn field(item: &Item) -> String {
    item.text.trim_start_matches('.').to_owned()
}
