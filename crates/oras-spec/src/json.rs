//! JSON as Go writes it, because a manifest's digest is the digest of its JSON.
//!
//! Three things set Go's encoder apart from `serde_json`: it escapes `<`, `>`, `&`, U+2028 and U+2029 inside strings, it writes
//! floats without a trailing `.0` and with a signed exponent, and it indents by re-scanning the compact text. With these, equal
//! values give equal bytes. What was *received* is never encoded again: see [`RawManifest`](crate::RawManifest).

mod encode;
mod indent;
#[cfg(test)]
mod tests;

pub use encode::{to_vec, to_vec_pretty};
pub use indent::{SyntaxError, indent};
