//! Folders as archives: packing into tar+gzip, and unpacking archives that nobody vouches for.
//!
//! [`pack`] writes the tar that the reference tool would write (library semantics 5.3), so that the digest of the tar
//! is the same; the compressed bytes are not promised to be. [`unpack`] reads tar, tar+gzip and tar+zstd into a fresh
//! folder and believes nothing: names and links stay inside, sizes within [`Quotas`], memory flat.
//!
//! Both block and belong on a blocking thread.

mod gzip;
pub(crate) mod header;
mod input;
mod links;
mod pack;
mod place;
mod reader;
mod unpack;

pub use pack::{Mtime, PackOptions, Packed, pack};
pub use place::place;
pub use unpack::{Permissions, Quotas, UnpackOptions, Unpacked, unpack};
