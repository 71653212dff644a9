//! Much and many: flat memory, no second copy on disk, each byte hashed once.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use oras_testkit::command::{Oras, Output};
use oras_testkit::fixture::{Entry, Tree, assert_same_tree, snapshot, sparse_file};
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

const MIB: u64 = 1 << 20;
const LARGE: u64 = 2048 * MIB;
const MEMORY_KIB: u64 = 32 * 1024;
/// Manifests, configs, and what the file system rounds up.
const SMALL: u64 = MIB;

#[test]
fn a_file_of_two_gibibytes_goes_through_flat_on_docker_registry() {
    large_file(&Target::docker_registry());
}

#[test]
fn a_file_of_two_gibibytes_goes_through_flat_in_a_layout() {
    large_file(&Target::layouts());
}

fn large_file(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    sparse_file(&dir.path().join("large.bin"), 3, LARGE);

    let watch = Watch::start(vec![oras.temporary(), dir.path().join(".")]);
    let before = room(dir.path());
    let out = target
        .run(&oras, "push", "large:v1", &["--debug", "large.bin"])
        .ok();
    assert_flat(&out);
    assert_hashed(&out, LARGE..LARGE + SMALL);
    assert!(
        watch.stop() <= before + SMALL,
        "push made a temporary copy: {}",
        out.line
    );

    let watch = Watch::start(vec![oras.temporary(), dir.path().join("out")]);
    let out = target
        .run(&oras, "pull", "large:v1", &["--debug", "-o", "out"])
        .ok();
    assert_flat(&out);
    assert_hashed(&out, LARGE..LARGE + SMALL);
    assert!(
        watch.stop() <= LARGE + SMALL,
        "pull made a second copy: {}",
        out.line
    );
    let same = std::process::Command::new("cmp")
        .args(["large.bin", "out/large.bin"])
        .current_dir(dir.path())
        .status();
    assert!(same.unwrap().success());
}

#[test]
fn a_folder_of_five_thousand_files_goes_through_flat_on_docker_registry() {
    large_folder(&Target::docker_registry());
}

#[test]
fn a_folder_of_five_thousand_files_goes_through_flat_in_a_layout() {
    large_folder(&Target::layouts());
}

fn large_folder(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let folder = dir.path().join("many");
    Tree {
        files: 5000,
        folders: 200,
        largest: 8000,
        seed: 11,
    }
    .write(&folder);
    // What a tar of it holds: a block per entry, contents in whole blocks, two blocks at the end.
    let tar: u64 = 1024
        + snapshot(&folder)
            .values()
            .fold(512, |sum, entry| sum + 512 + blocks(entry));

    let out = target
        .run(&oras, "push", "many:v1", &["--debug", "many"])
        .ok();
    assert_flat(&out);
    let manifest = target
        .run(&oras, "manifest fetch", "many:v1", &[])
        .ok()
        .json();
    let packed = manifest["layers"][0]["size"].as_u64().unwrap();
    // Two streams with a digest each: the tar and its compressed form.
    assert_hashed(&out, tar + packed..tar + packed + SMALL);
    assert_eq!(
        snapshot(&oras.temporary()).len(),
        0,
        "the packed folder was left behind"
    );

    let out = target
        .run(&oras, "pull", "many:v1", &["--debug", "-o", "out"])
        .ok();
    assert_flat(&out);
    assert_hashed(&out, tar + packed..tar + packed + SMALL);
    assert_same_tree(&folder, &dir.path().join("out/many"));
    assert_eq!(
        snapshot(&oras.temporary()).len(),
        0,
        "the packed folder was left behind"
    );
}

fn blocks(entry: &Entry) -> u64 {
    match entry {
        Entry::File(size, ..) => size.div_ceil(512) * 512,
        _ => 0,
    }
}

#[track_caller]
fn assert_flat(out: &Output) {
    assert!(out.peak_kib > 0, "no memory was measured: {}", out.line);
    assert!(
        out.peak_kib < MEMORY_KIB,
        "{} KiB of memory at its peak: {}",
        out.peak_kib,
        out.line
    );
}

/// A debug build ends its debug output by the number of bytes it hashed.
#[track_caller]
fn assert_hashed(out: &Output, expected: std::ops::Range<u64>) {
    let count = out.stderr.lines().find_map(|line| {
        line.strip_prefix("hashed ")?
            .strip_suffix(" bytes")?
            .parse()
            .ok()
    });
    let count: u64 = count.unwrap_or_else(|| panic!("no count of hashed bytes: {}", out.line));
    assert!(
        expected.contains(&count),
        "hashed {count} bytes, not {expected:?}: {}",
        out.line
    );
}

/// Watches how much room some folders take while something runs.
struct Watch {
    done: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Watch {
    fn start(folders: Vec<PathBuf>) -> Self {
        let (done, most) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (stop, peak) = (Arc::clone(&done), Arc::clone(&most));
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Acquire) {
                let sum = folders.iter().map(|folder| room(folder)).sum();
                peak.fetch_max(sum, Ordering::AcqRel);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { done, most, thread }
    }

    /// The most bytes on disk at one moment.
    fn stop(self) -> u64 {
        self.done.store(true, Ordering::Release);
        self.thread.join().unwrap();
        self.most.load(Ordering::Acquire)
    }
}

/// Bytes allocated on disk by everything below a folder, holes not counted.
fn room(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return 0;
    };
    let below = fs::read_dir(path).into_iter().flatten().flatten();
    meta.blocks() * 512 + below.map(|item| room(&item.path())).sum::<u64>()
}

/// Kept honest: the counter is there at all, and counts a small file once.
#[test]
fn hashed_bytes_are_counted() {
    let dir = TempDir::new().unwrap();
    let oras: Oras = oras_in(dir.path());
    fs::write(dir.path().join("a"), vec![1; 100_000]).unwrap();
    let out = oras
        .run(["push", "--debug", "--oci-layout", "lay:v1", "a"])
        .ok();
    assert_hashed(&out, 100_000..110_000);
    let out = oras
        .run([
            "cp",
            "--debug",
            "--from-oci-layout",
            "lay:v1",
            "--to-oci-layout",
            "copy:v1",
        ])
        .ok();
    assert_hashed(&out, 100_000..110_000);
}
