//! Many processes at one target at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use oras_testkit::command::Running;
use tempfile::TempDir;

use crate::kill::assert_valid_layout;
use crate::oras_in;
use crate::target::Target;

const ATTACHING: usize = 20;
const WRITERS: usize = 8;

#[test]
fn twenty_attaches_to_one_subject_are_all_found_on_docker_registry() {
    twenty_attaches(&Target::docker_registry());
}

#[test]
fn twenty_attaches_to_one_subject_are_all_found_by_the_referrers_api() {
    twenty_attaches(&Target::referrers_api());
}

#[test]
fn twenty_attaches_to_one_subject_are_all_found_in_a_layout() {
    twenty_attaches(&Target::layouts());
}

fn twenty_attaches(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("app"), "app").unwrap();
    target.run(&oras, "push", "app:v1", &["app"]).ok();
    let word = target.word("app:v1");
    let layout = target.is_layout().then_some("--oci-layout");
    let running: Vec<Running> = (0..ATTACHING)
        .map(|number| {
            let file = format!("evidence-{number}.json");
            fs::write(dir.path().join(&file), format!("{{\"number\":{number}}}")).unwrap();
            let words = ["attach", "--artifact-type=test/evidence"]
                .into_iter()
                .chain(layout);
            oras.args(words.chain([word.as_str(), file.as_str()]))
                .spawn()
        })
        .collect();
    let attached: BTreeSet<String> = running
        .into_iter()
        .map(|one| one.wait().ok().digest())
        .collect();
    assert_eq!(attached.len(), ATTACHING);
    let found = target
        .run(&oras, "discover", "app:v1", &["--format", "json"])
        .ok()
        .json();
    let found: BTreeSet<_> = found["referrers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["digest"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, attached);
}

#[test]
fn eight_processes_push_and_tag_in_one_layout_and_nothing_is_lost() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("base"), "base").unwrap();
    oras.run(["push", "--oci-layout", "lay:base", "base"]).ok();
    let layout = dir.path().join("lay");
    let done = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let reader = scope.spawn(|| look_until(&layout.join("index.json"), &done));
        // Whatever happens below, the reader must end, or the scope would wait for ever.
        let stop = StopOnDrop(&done);
        for round in 0..3 {
            let mut running = Vec::new();
            for writer in 0..WRITERS {
                let name = format!("{round}-{writer}");
                fs::write(dir.path().join(&name), format!("content of {name}")).unwrap();
                let target = format!("lay:push-{name},also-{name}");
                running.push(oras.args(["push", "--oci-layout", &target, &name]).spawn());
                running.push(
                    oras.args(["tag", "--oci-layout", "lay:base", &format!("tag-{name}")])
                        .spawn(),
                );
            }
            for one in running {
                one.wait().ok();
            }
        }
        drop(stop);
        reader.join().unwrap()
    });
    assert!(looks > 10, "the reader looked only {looks} times");
    let tags = oras
        .run(["repo", "tags", "--oci-layout", "lay"])
        .ok()
        .stdout;
    let found: BTreeSet<&str> = tags.lines().collect();
    let mut expected = BTreeSet::from(["base".to_owned()]);
    for name in (0..3).flat_map(|round| (0..WRITERS).map(move |writer| format!("{round}-{writer}")))
    {
        expected.extend(["push", "also", "tag"].map(|kind| format!("{kind}-{name}")));
    }
    assert_eq!(found, expected.iter().map(String::as_str).collect());
    assert_valid_layout(&layout);
}

/// Reads the index again and again; every single time it must be complete. How often it looked.
fn look_until(index: &Path, done: &AtomicBool) -> usize {
    let mut looks = 0;
    let mut most = 0;
    while !done.load(Ordering::Acquire) {
        let text = fs::read(index).unwrap();
        let index: serde_json::Value =
            serde_json::from_slice(&text).unwrap_or_else(|e| panic!("index.json: {e}"));
        let entries = index["manifests"].as_array().unwrap().len();
        assert!(
            entries >= most,
            "index.json lost {} entries",
            most - entries
        );
        most = entries;
        looks += 1;
    }
    looks
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
