//! What the machine around knows: names of hosts and variables.

use std::net::ToSocketAddrs;

use super::Param::Str;
use super::{Function, fixed};
use crate::Host;
use crate::budget::fits;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("getHostByName", &[Str], |call| {
        let found = (call.str(0), 0).to_socket_addrs();
        let first = found.ok().and_then(|mut addresses| addresses.next());
        Ok(Value::str(
            first.map_or(String::new(), |address| address.ip().to_string()),
        ))
    }),
    fixed("env", &[Str], |call| {
        Ok(Value::str(
            call.host.variable(call.str(0)).unwrap_or_default(),
        ))
    }),
    fixed("expandenv", &[Str], |call| expanded(call.str(0), call.host)),
];

/// Replaces `$name` and `${name}`.
fn expanded(text: &str, host: &dyn Host) -> super::Result {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let special = |c: char| "*#$@!?-0123456789".contains(c);
        let (name, len) = match after.chars().next() {
            Some('{') => match after.find('}') {
                Some(end) => (after.get(1..end).unwrap_or(""), end + 1),
                None => ("", 1),
            },
            Some(c) if special(c) => (&after[..1], 1),
            Some(c) if word(c) => {
                let len = after.find(|c| !word(c)).unwrap_or(after.len());
                (&after[..len], len)
            }
            _ => {
                out.push('$');
                ("", 0)
            }
        };
        if !name.is_empty() {
            out.push_str(&host.variable(name).unwrap_or_default());
            fits(out.len())?;
        }
        rest = after.get(len..).unwrap_or("");
    }
    out.push_str(rest);
    Ok(Value::str(out))
}
