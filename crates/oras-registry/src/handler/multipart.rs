//! Several parts of a blob in one body (RFC 9110, section 14.6).

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oras_spec::media_type;

use super::range::Part;
use crate::driver::{BlobReader, BlobStream};
use crate::id;

/// The parts, and what stands between them.
pub(super) struct Multipart {
    boundary: String,
    /// Each with the lines before it.
    parts: Vec<(Bytes, Part)>,
    end: Bytes,
}

impl Multipart {
    /// The `parts` of a blob of `size` bytes.
    pub(super) fn new(parts: &[Part], size: u64) -> Self {
        // Random: nobody can have put it into the blob.
        let boundary = id::random();
        let head = |(index, part): (usize, &Part)| {
            let before = if index == 0 { "" } else { "\r\n" };
            let (media_type, range) = (media_type::OCTET_STREAM, part.of(size));
            let head = format!(
                "{before}--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {range}\r\n\r\n"
            );
            (head.into(), *part)
        };
        let parts = parts.iter().enumerate().map(head).collect();
        let end = format!("\r\n--{boundary}--\r\n").into();
        Self {
            boundary,
            parts,
            end,
        }
    }

    /// What the body is.
    pub(super) fn media_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// How many bytes the body has.
    pub(super) fn length(&self) -> u64 {
        let parts = self.parts.iter();
        let parts = parts.map(|(head, part)| head.len() as u64 + part.length);
        parts.sum::<u64>() + self.end.len() as u64
    }

    /// The body. Of the blob, `readers` has one for each part.
    pub(super) fn read(self, readers: Vec<Box<dyn BlobReader>>) -> BlobStream {
        let parts = self.parts.into_iter().zip(readers);
        let parts = parts.map(|((head, part), reader)| {
            let content = reader.read(part.start, part.length);
            stream::once(async { Ok(head) }).chain(content).boxed()
        });
        let end = stream::once(async { Ok(self.end) });
        stream::iter(parts).flatten().chain(end).boxed()
    }
}
