//! Keeping credentials in Docker configuration files.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use oras_content::ErrorKind;
use oras_remote::{
    Client, Credential, CredentialProvider, CredentialStore, DockerConfig, StaticCredential,
};
use oras_testkit::peer::{DockerRegistry, PASSWORD, USER};

fn me() -> Credential {
    Credential::basic("me", "pw")
}

const MINE: &str =
    "{\n\t\"auths\": {\n\t\t\"r.test\": {\n\t\t\t\"auth\": \"bWU6cHc=\"\n\t\t}\n\t}\n}";
const NONE: &str = "{\n\t\"auths\": {}\n}";

fn load(path: &Path) -> DockerConfig {
    DockerConfig::load(vec![path.to_owned()]).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_put_is_known_until_it_is_erased() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/config.json");
    let config = load(&path);
    config.erase("r.test").await.unwrap();
    assert!(!dir.path().join("a").exists(), "nothing was to be erased");

    config.put("r.test", &me()).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), MINE);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&dir.path().join("a")), 0o700);
    assert_eq!(mode(&dir.path().join("a/b")), 0o700);
    for config in [&config, &config.clone(), &load(&path)] {
        assert_eq!(config.credential("r.test").await.unwrap(), me());
    }
    for credential in [
        Credential::Identity { token: "t".into() },
        Credential::Access { token: "t".into() },
        Credential::basic("<&>", "a:b"),
    ] {
        config.put("r.test", &credential).await.unwrap();
        assert_eq!(load(&path).credential("r.test").await.unwrap(), credential);
    }

    config.erase("r.test").await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), NONE);
    assert!(config.credential("r.test").await.unwrap().is_anonymous());
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn what_can_not_be_kept_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    let config = load(&path);
    for (credential, problem) in [
        (
            Credential::basic("a:b", "pw"),
            "bad credential format: colons(:) are not allowed in username",
        ),
        (Credential::Anonymous, "there is no credential to store"),
    ] {
        let error = config.put("r.test", &credential).await.unwrap_err();
        assert_eq!(error.chain(), problem);
    }
    assert!(!path.exists());

    // Somebody broke the file since it was read.
    fs::write(&path, "{").unwrap();
    assert!(config.put("r.test", &me()).await.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "{");

    let below_a_file = path.join("config.json");
    let parent = path.display();
    let error = match DockerConfig::load(vec![below_a_file]) {
        Ok(config) => config.put("r.test", &me()).await.unwrap_err().chain(),
        Err(error) => error.chain(),
    };
    assert!(error.contains("not a directory"), "{error} ({parent})");

    let none = DockerConfig::load(Vec::new()).unwrap();
    assert!(none.put("r.test", &me()).await.is_err());
    assert!(none.erase("r.test").await.is_err());
}

#[tokio::test]
async fn the_file_behind_a_link_is_written_and_the_link_stays() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("real");
    fs::create_dir(&folder).unwrap();
    let (link, second) = (dir.path().join("link.json"), dir.path().join("second.json"));
    symlink("second.json", &link).unwrap();
    symlink("real/config.json", &second).unwrap();
    for registry in ["r.test", "other.test"] {
        // The first time the file is not there yet.
        load(&link).put(registry, &me()).await.unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&second).unwrap().is_symlink());
        let known = load(&folder.join("config.json")).credential(registry).await;
        assert_eq!(known.unwrap(), me());
    }
}

#[tokio::test]
async fn only_the_first_file_is_written_and_only_the_exact_key() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("1.json"), dir.path().join("2.json"));
    let old = r#"{"auths":{"https://r.test/v1/":{"auth":"b2xkOnB3"}}}"#;
    fs::write(&second, old).unwrap();
    let config = DockerConfig::load(vec![first.clone(), second.clone()]).unwrap();
    config.put("r.test", &me()).await.unwrap();
    assert_eq!(fs::read_to_string(&first).unwrap(), MINE);
    assert_eq!(config.credential("r.test").await.unwrap(), me());
    config.erase("r.test").await.unwrap();
    assert_eq!(fs::read_to_string(&second).unwrap(), old);
    // The old key is found again, and not erased.
    let known = Credential::basic("old", "pw");
    assert_eq!(config.credential("r.test").await.unwrap(), known);
    let config = load(&second);
    config.erase("r.test").await.unwrap();
    assert_eq!(fs::read_to_string(&second).unwrap(), old);
}

#[tokio::test]
async fn what_is_right_already_is_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    let number = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
    load(&path).put("r.test", &me()).await.unwrap();
    let before = number();
    load(&path).put("r.test", &me()).await.unwrap();
    assert_eq!(number(), before);
    // Unless others can read it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    load(&path).put("r.test", &me()).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_loses_an_entry_to_somebody_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/config.json");
    let name = |number: usize| format!("r{number}.test");
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            // Each of them has seen an empty file.
            let config = load(&path);
            tokio::spawn(async move { config.put(&name(number), &me()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let config = load(&path);
    for number in 0..50 {
        assert_eq!(config.credential(&name(number)).await.unwrap(), me());
    }
}

#[tokio::test]
async fn a_login_is_checked_with_its_own_credential_alone() {
    let server = DockerRegistry::with_auth();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    let store = load(&path);
    let good = Credential::basic(USER, PASSWORD);
    let known = StaticCredential::new(&server.addr(), good.clone());
    let client = Client::builder().credentials(Arc::new(known)).build();
    let registry = client.unwrap().registry(&server.addr()).unwrap();
    registry.ping().await.unwrap();

    let wrong = Credential::basic(USER, "wrong");
    let error = registry.login(wrong, &store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(!path.exists());
    registry.ping().await.unwrap();

    registry.login(good.clone(), &store).await.unwrap();
    let kept = load(&path).credential(&server.addr()).await.unwrap();
    assert_eq!(kept, good);
    assert_eq!(store.plain_text_file(&server.addr()), Some(path.as_path()));
}

#[test]
fn secrets_of_a_file_are_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    fs::write(&path, MINE).unwrap();
    let shown = format!("{:?}", load(&path));
    assert!(shown.contains("config.json") && !shown.contains("bWU6cHc="));
}
