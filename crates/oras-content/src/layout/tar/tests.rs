use std::io::Write;

use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::TarIndex;
use crate::error::Result;

fn index(bytes: &[u8]) -> Result<TarIndex> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    TarIndex::read(file.path())
}

fn entry(name: &str, kind: EntryType, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, EntryType::Regular, content)
}

/// What the index finds as `name` in these bytes.
fn found(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let (start, size) = index(bytes).unwrap().find(name)?;
    let start = usize::try_from(start).unwrap();
    Some(bytes[start..start + usize::try_from(size).unwrap()].to_vec())
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let mut len = rest.len() + 1;
        while format!("{len}{rest}").len() != len {
            len += 1;
        }
        text += &format!("{len}{rest}");
    }
    entry("pax", EntryType::XHeader, text.as_bytes())
}

#[test]
fn names_are_cleaned_and_only_those_of_a_layout_are_kept() {
    let tar = [
        file("./oci-layout", b"one"),
        file("blobs//sha256/./abc", b"two"),
        file("x/../index.json", b"three"),
        file("../oci-layout2", b"four"),
        file("README", b"five"),
    ]
    .concat();
    assert_eq!(found(&tar, "oci-layout").unwrap(), b"one");
    assert_eq!(found(&tar, "blobs/sha256/abc").unwrap(), b"two");
    assert_eq!(found(&tar, "index.json").unwrap(), b"three");
    assert_eq!(index(&tar).unwrap().files.len(), 3);
}

#[test]
fn the_last_of_two_files_with_one_name_counts() {
    let tar = [file("oci-layout", b"old"), file("./oci-layout", b"new")].concat();
    assert_eq!(found(&tar, "oci-layout").unwrap(), b"new");
}

#[test]
fn only_regular_files_count() {
    let tar = [
        entry("oci-layout", EntryType::Symlink, b""),
        entry("index.json", EntryType::Directory, b""),
        entry("blobs/sha256/a/", EntryType::Regular, b""),
        entry("blobs/sha256/b", EntryType::Link, b""),
    ]
    .concat();
    assert!(index(&tar).unwrap().files.is_empty());
}

#[test]
fn long_names_of_both_kinds_are_read() {
    let digest = "a".repeat(128);
    let name = format!("blobs/sha512/{digest}");
    let pax_tar = [
        pax(&[("path", &name)]),
        file("short", b"pax"),
        file("oci-layout", b"x"),
    ]
    .concat();
    assert_eq!(found(&pax_tar, &name).unwrap(), b"pax");
    assert_eq!(found(&pax_tar, "oci-layout").unwrap(), b"x");

    let mut gnu = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o644);
    gnu.append_data(&mut header, &name, &b"gnu"[..]).unwrap();
    assert_eq!(found(&gnu.into_inner().unwrap(), &name).unwrap(), b"gnu");
}

#[test]
fn a_size_that_only_the_extended_header_has_is_used() {
    let mut big = file("index.json", b"hello");
    // As writers do for files above 8 GiB: the plain field can't hold the size.
    big[124..136].copy_from_slice(b"00000000000\0");
    let mut header = Header::from_byte_slice(&big[..512]).clone();
    header.set_cksum();
    big[..512].copy_from_slice(header.as_bytes());
    let tar = [pax(&[("size", "5")]), big, file("oci-layout", b"x")].concat();
    assert_eq!(found(&tar, "index.json").unwrap(), b"hello");
    assert_eq!(found(&tar, "oci-layout").unwrap(), b"x");
}

#[test]
fn a_blob_of_many_gigabytes_costs_nothing_to_find() {
    let size: u64 = 9 << 30;
    let mut header = Header::new_ustar();
    header.set_path("blobs/sha256/abc").unwrap();
    header.set_size(0);
    header.set_cksum();
    let head = [
        pax(&[("size", &size.to_string())]),
        header.as_bytes().to_vec(),
    ]
    .concat();
    let mut sparse = NamedTempFile::new().unwrap();
    sparse.write_all(&head).unwrap();
    sparse.as_file().set_len(head.len() as u64 + size).unwrap();
    let found = TarIndex::read(sparse.path())
        .unwrap()
        .find("blobs/sha256/abc");
    assert_eq!(found, Some((head.len() as u64, size)));
}

#[test]
fn an_empty_file_and_zeros_are_empty_archives() {
    assert!(index(b"").unwrap().files.is_empty());
    assert!(index(&[0; 1024]).unwrap().files.is_empty());
}

#[test]
fn what_is_no_tar_is_told_apart() {
    let text = |bytes: &[u8]| index(bytes).err().unwrap().chain();
    assert!(text(b"short").ends_with("\" does not look like a tar archive: unexpected EOF"));
    assert_eq!(text(&[b'x'; 512]), "archive/tar: invalid tar header");
    let cut = &file("oci-layout", &[b'x'; 600])[..1000];
    assert!(text(cut).ends_with("\" does not look like a tar archive: unexpected EOF"));
    let huge = entry("long", EntryType::GNULongName, &vec![b'x'; 2 << 20]);
    assert_eq!(text(&huge), "archive/tar: invalid tar header");
    let lying = pax(&[("size", "18446744073709551615")]);
    let tar = [lying, file("oci-layout", b"x")].concat();
    assert_eq!(text(&tar), "archive/tar: invalid tar header");
}
