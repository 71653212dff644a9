//! Killing a command at random moments, and looking at what is left.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use oras_spec::Digest;
use oras_testkit::command::Invocation;
use serde_json::Value;

/// How often each command is killed.
const KILLS: u32 = 50;

/// Kills a command at random moments of its run, until it was hit often enough.
pub(crate) struct Killer {
    random: u64,
    whole: Duration,
    hits: u32,
    tries: u32,
}

impl Killer {
    /// For a command that takes `whole` when it is left alone.
    pub(crate) fn new(whole: Duration) -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        Self {
            random: now.as_nanos() as u64 | 1,
            whole,
            hits: 0,
            tries: 0,
        }
    }

    /// The number of the next try, as long as there is one to make.
    pub(crate) fn next_try(&mut self) -> Option<u32> {
        self.tries += 1;
        assert!(
            self.tries <= 6 * KILLS,
            "only {} runs of {} were killed in time",
            self.hits,
            self.tries
        );
        (self.hits < KILLS).then_some(self.tries)
    }

    /// Runs the command and kills it at the next moment, which it returns.
    pub(crate) fn kill(&mut self, call: &Invocation) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let moment = self.whole.mul_f64((self.random % 1000) as f64 / 1000.0);
        let out = call.spawn().kill_after(moment);
        match out.code {
            None => self.hits += 1,
            // It was faster than thought: aim earlier from now on.
            Some(0) => self.whole = self.whole.min(out.took),
            Some(_) => panic!("it failed before it was killed: {}", out.all()),
        }
        moment
    }
}

/// Asserts that a folder is a complete OCI image layout: valid JSON, every blob what its name says, everything that is listed
/// there with all that it refers to.
#[track_caller]
pub(crate) fn assert_valid_layout(dir: &Path) {
    let marker: Value = json(&dir.join("oci-layout"));
    assert_eq!(marker["imageLayoutVersion"], "1.0.0");
    let blobs = dir.join("blobs/sha256");
    let mut present = BTreeSet::new();
    for item in fs::read_dir(&blobs).into_iter().flatten() {
        let path = item.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let actual = Digest::sha256(&fs::read(&path).unwrap());
        assert_eq!(
            actual.encoded(),
            name,
            "a wrong or partial blob under its final name"
        );
        present.insert(actual.to_string());
    }
    let index = json(&dir.join("index.json"));
    assert_eq!(index["schemaVersion"], 2);
    let mut open: Vec<Value> = index["manifests"].as_array().unwrap().clone();
    while let Some(descriptor) = open.pop() {
        let digest = descriptor["digest"].as_str().unwrap();
        assert!(
            present.contains(digest),
            "{digest} is referred to but not there"
        );
        let kind = descriptor["mediaType"].as_str().unwrap();
        if kind.contains("manifest") || kind.contains("image.index") {
            let manifest = json(&blobs.join(&digest["sha256:".len()..]));
            for key in ["config", "subject"] {
                open.extend(Some(manifest[key].clone()).filter(Value::is_object));
            }
            for key in ["layers", "blobs", "manifests"] {
                open.extend(manifest[key].as_array().cloned().unwrap_or_default());
            }
        }
    }
}

#[track_caller]
fn json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes)
        .unwrap_or_else(|e| panic!("{} is not valid: {e}", path.display()))
}
