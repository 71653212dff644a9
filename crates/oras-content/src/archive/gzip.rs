//! The one place that knows the gzip encoder: a parallel one can take its seat here.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

/// The compression level: the default of every gzip.
const LEVEL: u32 = 6;
/// "Unknown" in the header's field for the operating system, so that the bytes depend on the content alone.
const OS_UNKNOWN: u8 = 255;

/// Compresses what is written to it into `out`: one member, no name, no time. Call `finish` at the end.
pub(super) fn encoder<W: Write>(out: W) -> GzEncoder<W> {
    GzBuilder::new()
        .mtime(0)
        .operating_system(OS_UNKNOWN)
        .write(out, Compression::new(LEVEL))
}
