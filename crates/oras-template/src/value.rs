//! What templates compute with: the values a Go program would hold, with the types it would give them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Zoned;

use crate::budget::Charge;
use crate::functions::semver::Version;

/// A value. Everything large is shared, so a clone is cheap.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// An interface that holds nothing.
    Nil,
    Bool(bool),
    Int(IntKind, i64),
    Float(f64),
    Str(Text),
    List(List),
    Map(Map),
    Time(Rc<Zoned>),
    /// Nanoseconds.
    Duration(i64),
    Certificate(Rc<Certificate>),
    Version(Rc<Version>),
}

/// Which of the integer types a number is of: they don't mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntKind {
    Int,
    Int64,
    /// A byte.
    Uint8,
    /// Part of a version.
    Uint64,
}

/// What a list is declared to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elem {
    Any,
    Str,
    Int,
    /// Lists of anything.
    Lists,
}

/// A key pair as `genCA` and its kin return it.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) cert: String,
    pub(crate) key: String,
}

/// Text.
#[derive(Clone, Debug)]
pub(crate) struct Text(Rc<TextInner>);

#[derive(Debug)]
struct TextInner {
    text: String,
    charge: OnceCell<Charge>,
}

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }
}

/// A list, which never changes.
#[derive(Clone, Debug)]
pub(crate) struct List(Rc<ListInner>);

#[derive(Debug)]
struct ListInner {
    elem: Elem,
    items: Vec<Value>,
    charge: OnceCell<Charge>,
}

impl List {
    pub(crate) fn new(elem: Elem, items: Vec<Value>) -> Self {
        Self(Rc::new(ListInner {
            elem,
            items,
            charge: OnceCell::new(),
        }))
    }

    pub(crate) fn elem(&self) -> Elem {
        self.0.elem
    }

    pub(crate) fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// The elements as what they are outside of the list: those of a list of anything are interfaces.
    pub(crate) fn get(&self, at: usize) -> Option<&Value> {
        self.0.items.get(at)
    }
}

/// A map with text as keys. `set` and `merge` change it in place, for everyone who holds it.
#[derive(Clone, Debug)]
pub(crate) struct Map(Rc<MapInner>);

#[derive(Debug)]
struct MapInner {
    elem: Elem,
    items: RefCell<BTreeMap<String, Value>>,
    weight: Cell<usize>,
    charge: OnceCell<Charge>,
}

/// What an element weighs beside its text.
const SLOT: usize = 64;

impl Map {
    pub(crate) fn new(elem: Elem, items: BTreeMap<String, Value>) -> Self {
        let weight = items.keys().map(|key| key.len() + SLOT).sum();
        Self(Rc::new(MapInner {
            elem,
            items: RefCell::new(items),
            weight: Cell::new(weight),
            charge: OnceCell::new(),
        }))
    }

    pub(crate) fn elem(&self) -> Elem {
        self.0.elem
    }

    pub(crate) fn len(&self) -> usize {
        self.0.items.borrow().len()
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.0.items.borrow().get(key).cloned()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.items.borrow().contains_key(key)
    }

    pub(crate) fn insert(&self, key: String, value: Value) {
        let weight = self.0.weight.get();
        self.0
            .weight
            .set(weight.saturating_add(key.len()).saturating_add(SLOT));
        let old = self.0.items.borrow_mut().insert(key, value);
        // Outside of the borrow: dropping it may reach this map again.
        drop(old);
    }

    pub(crate) fn remove(&self, key: &str) {
        let old = self.0.items.borrow_mut().remove(key);
        if old.is_some() {
            let weight = self.0.weight.get();
            self.0.weight.set(weight.saturating_sub(key.len() + SLOT));
        }
    }

    /// The keys, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0.items.borrow().keys().cloned().collect()
    }

    /// What is in it now, sorted by key.
    pub(crate) fn entries(&self) -> Vec<(String, Value)> {
        let items = self.0.items.borrow();
        items.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Drops what is inside without recursion: values can be nested deeper than the stack allows.
fn drop_flat(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(mut list) => {
                if let Some(inner) = Rc::get_mut(&mut list.0) {
                    pending.append(&mut inner.items);
                }
            }
            Value::Map(mut map) => {
                if let Some(inner) = Rc::get_mut(&mut map.0) {
                    pending.extend(std::mem::take(inner.items.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}

impl Drop for ListInner {
    fn drop(&mut self) {
        drop_flat(std::mem::take(&mut self.items));
    }
}

impl Drop for MapInner {
    fn drop(&mut self) {
        drop_flat(std::mem::take(self.items.get_mut()).into_values().collect());
    }
}

impl Value {
    pub(crate) fn str(text: impl Into<String>) -> Self {
        Self::Str(Text(Rc::new(TextInner {
            text: text.into(),
            charge: OnceCell::new(),
        })))
    }

    pub(crate) fn int(number: i64) -> Self {
        Self::Int(IntKind::Int, number)
    }

    pub(crate) fn int64(number: i64) -> Self {
        Self::Int(IntKind::Int64, number)
    }

    /// The length of something, as a number.
    pub(crate) fn count(number: usize) -> Self {
        Self::int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(Elem::Any, items))
    }

    pub(crate) fn strings(items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let items = items.into_iter().map(Self::str).collect();
        Self::List(List::new(Elem::Str, items))
    }

    pub(crate) fn map(items: BTreeMap<String, Self>) -> Self {
        Self::Map(Map::new(Elem::Any, items))
    }

    /// What decoding this JSON into an interface gives: every number is a float.
    pub(crate) fn of_json(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or(0.0)),
            serde_json::Value::String(text) => Self::str(text),
            serde_json::Value::Array(items) => {
                Self::list(items.into_iter().map(Self::of_json).collect())
            }
            serde_json::Value::Object(fields) => Self::map(
                fields
                    .into_iter()
                    .map(|(key, value)| (key, Self::of_json(value)))
                    .collect(),
            ),
        }
    }

    /// The name of its type in Go.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(IntKind::Int, _) => "int",
            Self::Int(IntKind::Int64, _) => "int64",
            Self::Int(IntKind::Uint8, _) => "uint8",
            Self::Int(IntKind::Uint64, _) => "uint64",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::List(list) => match list.elem() {
                Elem::Any => "[]interface {}",
                Elem::Str => "[]string",
                Elem::Int => "[]int",
                Elem::Lists => "[][]interface {}",
            },
            Self::Map(map) => match map.elem() {
                Elem::Str => "map[string]string",
                _ => "map[string]interface {}",
            },
            Self::Time(_) => "time.Time",
            Self::Duration(_) => "time.Duration",
            Self::Certificate(_) => "sprig.certificate",
            Self::Version(_) => "*semver.Version",
        }
    }

    /// The kind of its type in Go.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Duration(_) => "int64",
            Self::Time(_) | Self::Certificate(_) => "struct",
            Self::Version(_) => "ptr",
            other => other.type_name(),
        }
    }

    /// Whether `if` takes its first branch.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(flag) => *flag,
            Self::Int(_, number) | Self::Duration(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.as_str().is_empty(),
            Self::List(list) => !list.items().is_empty(),
            Self::Map(map) => map.len() > 0,
            Self::Time(_) | Self::Certificate(_) | Self::Version(_) => true,
        }
    }

    /// The text, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// What it takes of memory beside its elements, and where that is written down.
    pub(crate) fn weight(&self) -> Option<(usize, &OnceCell<Charge>)> {
        match self {
            Self::Str(text) => Some((text.0.text.len() + SLOT, &text.0.charge)),
            Self::List(list) => Some((
                list.0
                    .items
                    .capacity()
                    .saturating_mul(size_of::<Self>())
                    .saturating_add(SLOT),
                &list.0.charge,
            )),
            Self::Map(map) => Some((map.0.weight.get() + SLOT, &map.0.charge)),
            _ => None,
        }
    }

    /// Its elements.
    pub(crate) fn children(&self) -> Vec<Self> {
        match self {
            Self::List(list) => list.items().to_vec(),
            Self::Map(map) => map.0.items.borrow().values().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
