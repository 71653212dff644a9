//! Reading tar: USTAR, PAX and GNU names, with every buffer bounded.
//!
//! The `tar` crate keeps name records of any size in memory, which makes a small bomb deadly; so this is our own.

use std::io::{self, Read};

use super::header::{BLOCK, Kind};

/// The most bytes a record about the next entry (its long name, its PAX fields) may have.
const MAX_RECORD: u64 = 1024 * 1024;
/// The most such records in front of one entry.
const MAX_RECORDS: usize = 16;

/// What an archive says of one of its entries.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// `None` for what is neither file, folder, link nor device.
    pub(super) kind: Option<Kind>,
    pub(super) mode: u32,
    /// Seconds and nanoseconds since 1970.
    pub(super) mtime: (i64, u32),
}

/// Reads entry after entry. Between two, [`Read`] gives the content of the current one.
pub(super) struct Reader<R> {
    inner: R,
    /// Bytes of the current content that were not read yet.
    left: u64,
    /// Zeros after it.
    padding: u64,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            left: 0,
            padding: 0,
        }
    }

    /// What is read from: right behind the two blocks that end the archive, once there are no more entries.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    /// The next entry; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut known = Records::default();
        for _ in 0..MAX_RECORDS {
            self.skip()?;
            let Some(block) = self.header()? else {
                return Ok(None);
            };
            let size = number(&block[124..136])?;
            match block[156] {
                b'x' => known.read_pax(&self.record(size)?)?,
                b'g' => self.content(size)?,
                b'L' => known.name = Some(terminated(&self.record(size)?).to_vec()),
                b'K' => known.link = Some(terminated(&self.record(size)?).to_vec()),
                b'S' => return Err(invalid("sparse files are not supported")),
                flag => return self.entry(&block, flag, size, known).map(Some),
            }
        }
        Err(invalid("too many records about one entry"))
    }

    fn entry(
        &mut self,
        block: &[u8; BLOCK],
        flag: u8,
        size: u64,
        known: Records,
    ) -> io::Result<Entry> {
        let name = known.name.unwrap_or_else(|| block_name(block));
        let kind = match flag {
            0 if name.ends_with(b"/") => Some(Kind::Directory),
            0 | b'0' | b'7' => Some(Kind::Regular),
            b'1' => Some(Kind::HardLink),
            b'2' => Some(Kind::Symlink),
            b'3' => Some(Kind::CharDevice),
            b'4' => Some(Kind::BlockDevice),
            b'5' => Some(Kind::Directory),
            b'6' => Some(Kind::Fifo),
            _ => None,
        };
        // Everything but files has no content, whatever its size field says.
        let size = match kind {
            Some(Kind::Regular) | None => known.size.unwrap_or(size),
            Some(_) => 0,
        };
        self.content(size)?;
        Ok(Entry {
            link: known
                .link
                .unwrap_or_else(|| terminated(&block[157..257]).to_vec()),
            mode: u32::try_from(number(&block[100..108])? & 0o7777).unwrap_or(0),
            mtime: match known.mtime {
                Some(mtime) => mtime,
                None => (signed(&block[136..148])?, 0),
            },
            name,
            kind,
        })
    }

    /// The next header block; `None` at the end of the archive.
    fn header(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        if !self.block(&mut block)? {
            return Ok(None);
        }
        if block == [0; BLOCK] {
            // The end is two blocks of zeros; the second may be missing.
            if self.block(&mut block)? && block != [0; BLOCK] {
                return Err(invalid("invalid tar header"));
            }
            return Ok(None);
        }
        let sum = |value: fn(u8) -> i64| -> i64 {
            let blanks = 8 * i64::from(b' ');
            block[..148]
                .iter()
                .chain(&block[156..])
                .map(|b| value(*b))
                .sum::<i64>()
                + blanks
        };
        let said = number(&block[148..156])?.cast_signed();
        // Some ancient writers summed signed bytes.
        if said != sum(i64::from) && said != sum(|b| i64::from(b.cast_signed())) {
            return Err(invalid("invalid tar header"));
        }
        Ok(Some(block))
    }

    /// Fills `block`; false if there was nothing left at all.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Says that `size` bytes of content come next.
    fn content(&mut self, size: u64) -> io::Result<()> {
        let whole = size.checked_next_multiple_of(BLOCK as u64);
        self.padding = whole.ok_or_else(|| invalid("invalid tar header"))? - size;
        self.left = size;
        Ok(())
    }

    /// A record about the next entry.
    fn record(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_RECORD {
            return Err(invalid("tar record is too large"));
        }
        self.content(size)?;
        let mut record = Vec::new();
        self.read_to_end(&mut record)?;
        Ok(record)
    }

    /// Goes to the next header.
    fn skip(&mut self) -> io::Result<()> {
        let mut rest = self.left + self.padding;
        let mut buffer = [0; 8192];
        while rest > 0 {
            let want = usize::try_from(rest).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            match self.inner.read(&mut buffer[..want]) {
                // The padding of the last entry may be missing.
                Ok(0) if rest <= self.padding => break,
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => rest -= read as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if want == 0 {
            return Ok(0);
        }
        match self.inner.read(&mut buffer[..want])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.left -= read as u64;
                Ok(read)
            }
        }
    }
}

/// What records in front of an entry said about it.
#[derive(Default)]
struct Records {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<(i64, u32)>,
}

impl Records {
    fn read_pax(&mut self, mut body: &[u8]) -> io::Result<()> {
        let broken = || invalid("invalid PAX record");
        while !body.is_empty() {
            let blank = body.iter().position(|b| *b == b' ').ok_or_else(broken)?;
            let length: usize = parse(&body[..blank]).ok_or_else(broken)?;
            let record = body.get(blank + 1..length).ok_or_else(broken)?;
            let (b'\n', record) = record
                .split_last()
                .map(|(last, rest)| (*last, rest))
                .ok_or_else(broken)?
            else {
                return Err(broken());
            };
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(broken)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(parse(value).ok_or_else(broken)?),
                b"mtime" => self.mtime = Some(pax_time(value).ok_or_else(broken)?),
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(invalid("sparse files are not supported"));
                }
                _ => {}
            }
            body = &body[length..];
        }
        Ok(())
    }
}

fn block_name(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = terminated(&block[..100]);
    let prefix = match &block[257..263] {
        b"ustar\0" => terminated(&block[345..500]),
        _ => b"",
    };
    match prefix {
        b"" => name.to_vec(),
        prefix => [prefix, b"/", name].concat(),
    }
}

fn terminated(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    &field[..end]
}

/// An unsigned number field: octal, or GNU's binary form.
fn number(field: &[u8]) -> io::Result<u64> {
    u64::try_from(signed(field)?).map_err(|_| invalid("invalid tar header"))
}

fn signed(field: &[u8]) -> io::Result<i64> {
    let broken = || invalid("invalid tar header");
    if field[0] & 0x80 != 0 {
        // Two's complement over the whole field, its top bit used up as the mark.
        let negative = field[0] & 0x40 != 0;
        let first = if negative {
            field[0] | 0x80
        } else {
            field[0] & 0x7f
        };
        let mut value = i128::from(first.cast_signed());
        for byte in &field[1..] {
            value = value << 8 | i128::from(*byte);
        }
        return i64::try_from(value).map_err(|_| broken());
    }
    let is_filler = |b: &u8| *b == b' ' || *b == 0;
    let start = field
        .iter()
        .position(|b| !is_filler(b))
        .unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(is_filler).unwrap_or(digits.len());
    let mut value: i64 = 0;
    for digit in &digits[..end] {
        if !matches!(digit, b'0'..=b'7') {
            return Err(broken());
        }
        value = value.checked_mul(8).ok_or_else(broken)? + i64::from(digit - b'0');
    }
    Ok(value)
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `seconds[.fraction]`.
fn pax_time(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = seconds.parse().ok()?;
    let digits = fraction.get(..fraction.len().min(9))?;
    let nanos: u32 = if digits.is_empty() {
        0
    } else {
        format!("{digits:0<9}").parse().ok()?
    };
    match (seconds.starts_with('-'), nanos) {
        (true, 1..) => Some((whole - 1, 1_000_000_000 - nanos)),
        _ => Some((whole, nanos)),
    }
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
