//! Tar headers as Go's archive writer lays them out: USTAR where it fits, a PAX record in front where it does not.
//!
//! The digest of the tar is recorded in the artifact, so every byte here matters.

use std::collections::BTreeMap;
use std::io::{self, Write};

/// The unit of tar.
pub(crate) const BLOCK: usize = 512;

const NAME: usize = 100;
const PREFIX: usize = 155;
/// What eleven octal digits can say.
const OCTAL_11: u64 = 0o777_7777_7777;

/// What an entry is: its type flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Regular = b'0' as isize,
    HardLink = b'1' as isize,
    Symlink = b'2' as isize,
    CharDevice = b'3' as isize,
    BlockDevice = b'4' as isize,
    Directory = b'5' as isize,
    Fifo = b'6' as isize,
}

/// One entry to be written. Owner and group are root without a name, always.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Permissions, setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// Bytes of content that follow.
    pub(crate) size: u64,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    pub(crate) link: Vec<u8>,
    /// Major and minor number of a device.
    pub(crate) device: (u64, u64),
}

impl Header {
    /// Writes the header block, after a PAX record if it needs one.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let records = self.pax_records();
        let split = split_name(&self.name);
        let name_fits = split.is_some() || !needs_record(&self.name);
        let only_name = records.keys().all(|key| *key == "path");
        if name_fits && only_name {
            let (prefix, name) = split.unwrap_or((b"", &self.name));
            return out.write_all(&self.block(prefix, name, &self.link));
        }
        write_pax(out, &self.name, &records)?;
        out.write_all(&self.block(b"", &ascii(&self.name), &ascii(&self.link)))
    }

    /// What the header block can't say.
    fn pax_records(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let mut records = BTreeMap::new();
        if needs_record(&self.name) {
            records.insert("path", self.name.clone());
        }
        if needs_record(&self.link) {
            records.insert("linkpath", self.link.clone());
        }
        if self.size > OCTAL_11 {
            records.insert("size", self.size.to_string().into_bytes());
        }
        if u64::try_from(self.mtime).map_or(true, |mtime| mtime > OCTAL_11) {
            records.insert("mtime", self.mtime.to_string().into_bytes());
        }
        records
    }

    fn block(&self, prefix: &[u8], name: &[u8], link: &[u8]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        text(&mut block[..NAME], name);
        octal(&mut block[100..108], u64::from(self.mode));
        octal(&mut block[108..116], 0);
        octal(&mut block[116..124], 0);
        octal(&mut block[124..136], self.size);
        octal(&mut block[136..148], u64::try_from(self.mtime).unwrap_or(0));
        block[156] = self.kind as u8;
        text(&mut block[157..257], link);
        octal(&mut block[329..337], self.device.0);
        octal(&mut block[337..345], self.device.1);
        text(&mut block[345..500], prefix);
        seal(&mut block);
        block
    }
}

/// Whether a name is too long or too foreign for its field.
fn needs_record(name: &[u8]) -> bool {
    name.len() > NAME || !name.is_ascii()
}

/// A long name as prefix and rest, split at the last slash that the prefix field has room for.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME || !name.is_ascii() {
        return None;
    }
    let mut room = name.len().min(PREFIX + 1);
    if name[room - 1] == b'/' {
        room -= 1;
    }
    let slash = name[..room].iter().rposition(|b| *b == b'/')?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    let fits = !prefix.is_empty() && !rest.is_empty() && rest.len() <= NAME;
    fits.then_some((prefix, rest))
}

/// Writes an extension header, which speaks of the entry after it.
fn write_pax(
    out: &mut impl Write,
    name: &[u8],
    records: &BTreeMap<&str, Vec<u8>>,
) -> io::Result<()> {
    let mut body = Vec::new();
    for (key, value) in records {
        push_record(&mut body, key, value);
    }
    let mut own_name = ascii(&pax_name(name));
    own_name.truncate(NAME);
    while own_name.last() == Some(&b'/') {
        own_name.pop();
    }
    let mut block = [0; BLOCK];
    text(&mut block[..NAME], &own_name);
    for field in [100..108, 108..116, 116..124, 136..148] {
        octal(&mut block[field], 0);
    }
    octal(&mut block[124..136], body.len() as u64);
    block[156] = b'x';
    seal(&mut block);
    out.write_all(&block)?;
    body.resize(body.len().next_multiple_of(BLOCK), 0);
    out.write_all(&body)
}

/// `dir/PaxHeaders.0/file`.
fn pax_name(name: &[u8]) -> Vec<u8> {
    let cut = name
        .iter()
        .rposition(|b| *b == b'/')
        .map_or(0, |slash| slash + 1);
    let (folder, file) = name.split_at(cut);
    [folder, b"PaxHeaders.0/", file].concat()
}

/// `<length> <key>=<value>\n`, where the length counts itself.
fn push_record(body: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + " =\n".len();
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    body.extend_from_slice(format!("{length} {key}=").as_bytes());
    body.extend_from_slice(value);
    body.push(b'\n');
}

fn ascii(name: &[u8]) -> Vec<u8> {
    name.iter().copied().filter(u8::is_ascii).collect()
}

/// Fills a text field; what is too long is cut, and a cut name never ends in a slash.
fn text(field: &mut [u8], value: &[u8]) {
    let kept = value.len().min(field.len());
    field[..kept].copy_from_slice(&value[..kept]);
    if value.len() > kept && field[kept - 1] == b'/' {
        let end = field
            .iter()
            .rposition(|b| *b != b'/')
            .map_or(0, |last| last + 1);
        field[end] = 0;
    }
}

/// Fills a number field: octal digits, zeros in front, NUL at the end. What does not fit is said by a PAX record.
fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let fits = digits >= 22 || value >> (3 * digits) == 0;
    let written = format!("{:0digits$o}", if fits { value } else { 0 });
    field[..digits].copy_from_slice(written.as_bytes());
    field[digits] = 0;
}

/// Puts magic, version and checksum in.
fn seal(block: &mut [u8; BLOCK]) {
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    // Six digits, NUL, and the blank that is there already.
    octal(&mut block[148..155], sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, mtime: i64) -> Vec<u8> {
        let header = Header {
            name: name.as_bytes().to_vec(),
            kind: Kind::Regular,
            mode: 0o644,
            size: 3,
            mtime,
            link: Vec::new(),
            device: (0, 0),
        };
        let mut out = Vec::new();
        header.write(&mut out).unwrap();
        out
    }

    #[test]
    fn a_plain_entry_is_one_ustar_block() {
        let block = written("d/hello", 1_700_000_000);
        assert_eq!(block.len(), BLOCK);
        assert_eq!(&block[..8], b"d/hello\0");
        assert_eq!(&block[100..108], b"0000644\0");
        assert_eq!(&block[108..116], b"0000000\0");
        assert_eq!(&block[124..136], b"00000000003\0");
        assert_eq!(&block[136..148], b"14524770400\0");
        assert_eq!(&block[154..156], b"\0 ");
        assert_eq!(block[156], b'0');
        assert_eq!(&block[257..265], b"ustar\x0000");
        assert_eq!(&block[329..345], b"0000000\x000000000\0");
        assert!(block[345..].iter().all(|b| *b == 0));
    }

    #[test]
    fn a_long_name_is_split_where_it_fits() {
        let name = format!("{}/{}", "p".repeat(150), "n".repeat(100));
        let block = written(&name, 0);
        assert_eq!(block.len(), BLOCK);
        assert_eq!(&block[345..495], "p".repeat(150).as_bytes());
        assert_eq!(&block[..100], "n".repeat(100).as_bytes());
    }

    #[test]
    fn what_ustar_cannot_say_goes_into_a_pax_record() {
        let name = format!("d/{}", "n".repeat(101));
        let long = written(&name, 0);
        assert_eq!(long.len(), 3 * BLOCK);
        assert_eq!(long[156], b'x');
        assert!(long.starts_with(b"d/PaxHeaders.0/nnn"));
        assert!(long[BLOCK..].starts_with(format!("113 path={name}\n").as_bytes()));

        let foreign = written("d/\u{fc}ber", 0);
        assert!(foreign[BLOCK..].starts_with("16 path=d/\u{fc}ber\n".as_bytes()));
        assert!(foreign[2 * BLOCK..].starts_with(b"d/ber\0"));

        let old = written("d/x", -1);
        assert!(old[BLOCK..].starts_with(b"12 mtime=-1\n"));
        assert_eq!(&old[2 * BLOCK + 136..2 * BLOCK + 148], b"00000000000\0");
    }

    #[test]
    fn a_record_counts_its_own_length() {
        for length in [1, 85, 86, 87, 88, 985, 986, 987, 990] {
            let mut body = Vec::new();
            push_record(&mut body, "path", &vec![b'x'; length]);
            let said: usize = std::str::from_utf8(&body)
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(said, body.len());
        }
    }
}
