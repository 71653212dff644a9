//! Any tree comes back as it was packed, and other tools can read it.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use oras_content::archive::{
    Mtime, PackOptions, Packed, Permissions, Quotas, UnpackOptions, pack, place, unpack,
};
use oras_spec::Digest;
use oras_testkit::fixture::{Tree, assert_same_tree};
use proptest::prelude::*;

fn pack_to_memory(folder: &Path, title: &str) -> (Vec<u8>, Packed) {
    let mut bytes = Vec::new();
    let options = PackOptions {
        title,
        mtime: Mtime::Keep,
        cancelled: &|| false,
    };
    let packed = pack(folder, &mut bytes, &options).unwrap();
    assert_eq!(packed.digest, Digest::sha256(&bytes));
    assert_eq!(packed.size, bytes.len() as u64);
    (bytes, packed)
}

fn round_trip(folder: &Path, title: &str) {
    let (bytes, packed) = pack_to_memory(folder, title);
    let there = tempfile::tempdir().unwrap();
    let staging = there.path().join("staging");
    let target = there.path().join("target");
    fs::create_dir(&staging).unwrap();
    let options = UnpackOptions {
        title,
        target: &target,
        permissions: Permissions::Preserve,
        quotas: Quotas::default(),
        content_digest: Some(&packed.content_digest),
    };
    let unpacked = unpack(&mut Cursor::new(bytes), &staging, &options).unwrap();
    place(&staging, &unpacked, &options).unwrap();
    assert_same_tree(folder, &target);
    assert!(!staging.exists());
    // Down to the times: packing it again gives the same tar.
    let (_, again) = pack_to_memory(&target, title);
    assert_eq!(again.content_digest, packed.content_digest);
}

/// Something in a random tree: where, and what.
#[derive(Clone, Debug)]
enum Thing {
    Folder(Vec<String>, u32),
    File(Vec<String>, Vec<u8>, u32),
    Link(Vec<String>),
}

fn thing() -> impl Strategy<Value = Thing> {
    let name = prop_oneof![
        4 => "[a-c]{1,2}",
        1 => "[a-z]{90,120}",
        1 => "[ä-ü]{1,60}",
        1 => "[!-.0-~ ]{1,8}",
        1 => Just(".oras-x.tmp".to_owned()),
    ];
    let name = name.prop_filter("no special name", |name: &String| {
        name != "." && name != ".."
    });
    let path = prop::collection::vec(name, 1..5);
    let mode = prop_oneof![Just(0o755), Just(0o700), Just(0o777)];
    let size = prop_oneof![Just(0), Just(511), Just(512), Just(513), 1..70_000_usize];
    prop_oneof![
        (path.clone(), mode.clone()).prop_map(|(path, mode)| Thing::Folder(path, mode)),
        (path.clone(), size, any::<u8>(), mode).prop_map(|(path, size, byte, mode)| Thing::File(
            path,
            vec![byte; size],
            mode & 0o666
        )),
        path.prop_map(Thing::Link),
    ]
}

impl Thing {
    /// Makes it, unless something else is in the way.
    fn make(&self, root: &Path) {
        let (Self::Folder(path, _) | Self::File(path, ..) | Self::Link(path)) = self;
        let path = root.join(path.join("/"));
        let fits = !path.exists()
            && !path.is_symlink()
            && fs::create_dir_all(path.parent().unwrap()).is_ok();
        if !fits || path.parent().unwrap().is_symlink() {
            return;
        }
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        match self {
            Self::Folder(_, mode) if fs::create_dir(&path).is_ok() => set(*mode),
            Self::File(_, content, mode) if fs::write(&path, content).is_ok() => set(*mode),
            // Dangling: writing below it fails, so that nothing is made behind a link.
            Self::Link(_) => symlink("nowhere/at all", &path).unwrap(),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back_as_it_was_packed(things in prop::collection::vec(thing(), 0..25), title in "[a-z]{1,9}(/[a-z]{1,99}){0,2}") {
        let here = tempfile::tempdir().unwrap();
        let root = here.path().join("root");
        fs::create_dir(&root).unwrap();
        for thing in &things {
            thing.make(&root);
        }
        round_trip(&root, &title);
    }

    #[test]
    fn random_bytes_never_unpack_outside_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..3000), seed in any::<u64>()) {
        let outer = tempfile::tempdir().unwrap();
        // Half of the time a real archive with a byte turned over.
        if seed % 2 == 0 {
            let here = tempfile::tempdir().unwrap();
            fs::write(here.path().join("f"), "content").unwrap();
            symlink("f", here.path().join("l")).unwrap();
            let gz = pack_to_memory(here.path(), "d").0;
            let mut tar = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&gz[..]), &mut tar).unwrap();
            let at = usize::try_from(seed >> 8).unwrap() % tar.len();
            tar[at] ^= u8::try_from(seed >> 1 & 0x7f).unwrap() | 1;
            bytes = tar;
        }
        let staging = outer.path().join("staging");
        fs::create_dir(&staging).unwrap();
        let target = outer.path().join("target");
        let options = UnpackOptions {
            title: "d",
            target: &target,
            permissions: Permissions::Masked,
            quotas: Quotas::default(),
            content_digest: None,
        };
        let _ = unpack(&mut Cursor::new(bytes), &staging, &options);
        let names: Vec<_> = fs::read_dir(outer.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        prop_assert_eq!(names, ["staging"]);
    }
}

#[test]
fn the_system_tar_reads_what_we_pack() {
    let here = tempfile::tempdir().unwrap();
    let root = here.path().join("root");
    Tree::default().write(&root);
    fs::write(root.join("n".repeat(150)), "long").unwrap();
    fs::create_dir(root.join("p".repeat(120))).unwrap();
    fs::write(root.join("p".repeat(120)).join("q".repeat(99)), "split").unwrap();
    fs::File::open(root.join("run.sh"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    let (bytes, _) = pack_to_memory(&root, "a/title");
    let archive = here.path().join("archive.tgz");
    fs::write(&archive, bytes).unwrap();
    let there = here.path().join("there");
    fs::create_dir(&there).unwrap();
    // Rounded to seconds, what was made just now is of the future.
    let tar = Command::new("tar")
        .arg("--warning=no-timestamp")
        .arg("-xpzf")
        .arg(&archive)
        .arg("-C")
        .arg(&there)
        .output()
        .unwrap();
    assert!(
        tar.status.success(),
        "{}",
        String::from_utf8_lossy(&tar.stderr)
    );
    assert!(
        tar.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&tar.stderr)
    );
    assert_same_tree(&root, &there.join("a/title"));
}

#[test]
fn we_read_what_the_system_tar_packs() {
    let here = tempfile::tempdir().unwrap();
    let root = here.path().join("d");
    Tree::default().write(&root);
    fs::write(root.join("n".repeat(150)), "long").unwrap();
    fs::hard_link(root.join("run.sh"), root.join("hard")).unwrap();
    for format in ["gnu", "pax", "ustar"] {
        if format == "ustar" {
            fs::remove_file(root.join("n".repeat(150))).unwrap();
        }
        let tar = Command::new("tar")
            .args(["-czf", "-", &format!("--format={format}"), "d"])
            .current_dir(here.path())
            .output()
            .unwrap();
        assert!(
            tar.status.success(),
            "{format}: {}",
            String::from_utf8_lossy(&tar.stderr)
        );
        let there = tempfile::tempdir().unwrap();
        let (staging, target) = (there.path().join("staging"), there.path().join("d"));
        fs::create_dir(&staging).unwrap();
        let options = UnpackOptions {
            title: "d",
            target: &target,
            permissions: Permissions::Masked,
            quotas: Quotas::default(),
            content_digest: None,
        };
        let unpacked = unpack(&mut Cursor::new(tar.stdout), &staging, &options).unwrap();
        place(&staging, &unpacked, &options).unwrap();
        assert_same_tree(&root, &target);
    }
}

#[test]
fn entries_are_laid_out_as_the_reference_tool_does() {
    let here = tempfile::tempdir().unwrap();
    fs::create_dir(here.path().join("sub")).unwrap();
    fs::write(here.path().join("sub/b"), "b").unwrap();
    fs::write(here.path().join("a"), "a").unwrap();
    let entries = |title: &str| -> Vec<(String, tar::EntryType)> {
        let (bytes, _) = pack_to_memory(here.path(), title);
        assert_eq!(&bytes[..10], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            assert_eq!(
                (entry.header().uid().unwrap(), entry.header().gid().unwrap()),
                (0, 0)
            );
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            (name, entry.header().entry_type())
        });
        entries.collect()
    };
    let names =
        |title: &str| -> Vec<String> { entries(title).into_iter().map(|(name, _)| name).collect() };
    assert_eq!(names("x/y"), ["x/y", "x/y/a", "x/y/sub", "x/y/sub/b"]);
    assert_eq!(names("."), [".", "a", "sub", "sub/b"]);
    assert_eq!(names("./d/"), ["d", "d/a", "d/sub", "d/sub/b"]);
    assert_eq!(names("/abs/d")[1], "/abs/d/a");
    assert_eq!(names("../d")[1], "../d/a");
    assert_eq!(entries("d")[2].1, tar::EntryType::Directory);
}
