use std::fs::{self, File};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Ingest;

fn age(file: &File, age: Duration) {
    file.set_modified(SystemTime::now() - age).unwrap();
}

#[test]
fn the_folder_exists_only_while_it_is_used() {
    let root = tempfile::tempdir().unwrap();
    let ingest = Arc::new(Ingest::new(root.path()));
    let first = ingest.draft().unwrap();
    let mut second = ingest.draft().unwrap();
    second.write(b"hello").unwrap();
    drop(first);
    assert!(root.path().join("ingest").exists());
    second.publish(&root.path().join("blobs/sha256/x")).unwrap();
    assert_eq!(
        fs::read(root.path().join("blobs/sha256/x")).unwrap(),
        b"hello"
    );
    assert!(!root.path().join("ingest").exists());
}

#[test]
fn what_killed_processes_left_is_swept_away_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let ingest = Arc::new(Ingest::new(root.path()));
    let day = Duration::from_secs(24 * 3600);
    let working = ingest.draft().unwrap();
    age(working.file.as_ref().unwrap().as_file(), day);
    let folder = root.path().join("ingest");
    age(&File::create(folder.join("oras-old")).unwrap(), day);
    age(&File::create(folder.join("foreign-old")).unwrap(), day);
    File::create(folder.join("oras-new")).unwrap();

    ingest.sweep();

    let mut left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    left.sort();
    let mut expected = vec![
        folder.join("foreign-old"),
        folder.join("oras-new"),
        working.file.as_ref().unwrap().path().to_owned(),
    ];
    expected.sort();
    assert_eq!(left, expected);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_its_place_are_left_alone() {
    use std::os::unix::fs::symlink;
    let day = Duration::from_secs(24 * 3600);
    let elsewhere = tempfile::tempdir().unwrap();
    let foreign = elsewhere.path().join("oras-notes");
    age(&File::create(&foreign).unwrap(), day);
    for target in [elsewhere.path(), std::path::Path::new("nowhere")] {
        let root = tempfile::tempdir().unwrap();
        symlink(target, root.path().join("ingest")).unwrap();
        let ingest = Arc::new(Ingest::new(root.path()));
        ingest.sweep();
        let error = ingest.draft().map(drop).unwrap_err();
        assert!(error.to_string().ends_with("ot a directory"), "{error}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);

    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("ingest");
    fs::create_dir(&folder).unwrap();
    let pipe = folder.join("oras-pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let touched = std::process::Command::new("touch")
        .args(["-d", "2020-01-01"])
        .arg(&pipe)
        .status();
    assert!(touched.unwrap().success());
    Ingest::new(root.path()).sweep();
    assert!(pipe.exists());
}
