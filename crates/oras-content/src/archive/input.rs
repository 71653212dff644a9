//! The tar inside of a blob: decompressed, hashed and held to the quotas while it is read.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use oras_spec::{Digest, Hasher};

use super::unpack::Quotas;
use crate::error::{Error, ErrorKind};

const BUFFER: usize = 64 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A tar on its way out of its compression.
pub(super) struct Input<'a> {
    tar: BufReader<Box<dyn Read + 'a>>,
    hasher: Option<Hasher>,
    quotas: Quotas,
    /// Bytes of tar so far.
    count: u64,
    /// Bytes of blob so far.
    compressed: Rc<Cell<u64>>,
}

impl<'a> Input<'a> {
    /// Reads `blob`, whose compression is seen from its first bytes: folders come under any media type.
    /// The tar is hashed if there is a `digest` to compare it with.
    pub(super) fn new(
        blob: &'a mut dyn BufRead,
        digest: Option<&Digest>,
        quotas: Quotas,
    ) -> io::Result<Self> {
        let mut magic = [0; 4];
        let mut length = 0;
        while length < magic.len() {
            match blob.read(&mut magic[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let compressed = Rc::new(Cell::new(0));
        let counted = Counted {
            inner: blob,
            count: Rc::clone(&compressed),
        };
        // What was looked at is read again.
        let whole = io::Cursor::new(magic[..length].to_vec()).chain(counted);
        let tar: Box<dyn Read + 'a> = if magic.starts_with(&GZIP_MAGIC) {
            Box::new(MultiGzDecoder::new(whole))
        } else if magic == ZSTD_MAGIC {
            Box::new(zstd::Decoder::with_buffer(whole)?)
        } else {
            Box::new(whole)
        };
        Ok(Self {
            tar: BufReader::with_capacity(BUFFER, tar),
            // A digest of an algorithm that nobody can compute is as good as none.
            hasher: digest.and_then(|digest| digest.hasher().ok()),
            quotas,
            count: 0,
            compressed,
        })
    }

    /// The digest of the tar up to here.
    pub(super) fn digest(&self) -> Option<Digest> {
        self.hasher.clone().map(Hasher::finish)
    }

    /// Reads to the very end, where the compression checks its own sums.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    fn check(&self) -> io::Result<()> {
        let Quotas {
            bytes,
            ratio,
            ratio_from,
            ..
        } = self.quotas;
        if self.count > bytes {
            let text = format!("archive holds more than {bytes} bytes");
            return Err(Error::new(ErrorKind::QuotaExceeded, text).into());
        }
        let allowed = self.compressed.get().max(1).saturating_mul(ratio);
        if self.count > ratio_from && self.count > allowed {
            let text = format!("archive is compressed more than {ratio} to 1");
            return Err(Error::new(ErrorKind::QuotaExceeded, text).into());
        }
        Ok(())
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.tar.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        self.count += read as u64;
        self.check()?;
        Ok(read)
    }
}

/// Counts what is consumed.
struct Counted<'a> {
    inner: &'a mut dyn BufRead,
    count: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count.set(self.count.get() + amount as u64);
        self.inner.consume(amount);
    }
}
