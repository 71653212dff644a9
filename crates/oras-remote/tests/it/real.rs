//! Against Debian's docker-registry.

use bytes::Bytes;
use futures_util::TryStreamExt;
use oras_content::{
    Delete, ErrorKind, Fetch, FetchExt, FetchReference, ListTags, Mount, Mounted, Payload,
    Predecessors, Push, PushReference, Pushed, Referrers, Resolve, Tag,
};
use oras_remote::{Credential, Repository};
use oras_spec::{Descriptor, EMPTY_JSON_BYTES};
use oras_testkit::peer::{DockerRegistry, PASSWORD, USER};

use crate::support::{artifact, blob, client, client_as, read, repository};

async fn push_artifact(
    repository: &Repository,
    kind: &str,
    subject: Option<&Descriptor>,
) -> Descriptor {
    let empty = Descriptor::empty_json();
    if !repository.exists(&empty).await.unwrap() {
        let payload = Payload::bytes(EMPTY_JSON_BYTES);
        repository.push(&empty, payload).await.unwrap();
    }
    let (descriptor, bytes) = artifact(kind, subject);
    repository
        .push(&descriptor, Payload::bytes(bytes))
        .await
        .unwrap();
    descriptor
}

#[tokio::test]
async fn a_blob_goes_there_and_back() {
    let registry = DockerRegistry::start();
    let repository = repository(&registry.reference("team/app"));
    let hello = blob(b"hello world");
    assert!(!repository.exists(&hello).await.unwrap());
    let error = repository.fetch(&hello).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let expected = format!(
        "{}@{}: not found",
        registry.reference("team/app"),
        hello.digest
    );
    assert_eq!(error.to_string(), expected);

    let pushed = repository
        .push(&hello, Payload::bytes("hello world"))
        .await
        .unwrap();
    assert_eq!(pushed, Pushed::Stored);
    assert!(repository.exists(&hello).await.unwrap());
    assert_eq!(
        repository
            .resolve_blob(hello.digest.as_str())
            .await
            .unwrap(),
        hello
    );
    assert_eq!(
        read(repository.fetch(&hello).await.unwrap()).await.unwrap(),
        "hello world"
    );
    let named = repository
        .fetch_blob_reference(hello.digest.as_str())
        .await
        .unwrap();
    assert_eq!(read(named).await.unwrap(), "hello world");
    let rest: Vec<Bytes> = repository
        .fetch_from(&hello, 6)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rest.concat(), b"world");
    let lines = registry.requests();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("POST "))
            .count(),
        1,
        "{lines:?}"
    );

    repository.delete_blob(&hello.digest).await.unwrap();
    assert!(!repository.exists(&hello).await.unwrap());
    assert!(repository.delete(&hello).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let registry = DockerRegistry::start();
    let repository = repository(&registry.reference("app"));
    let nothing = blob(b"");
    repository.push(&nothing, Payload::bytes("")).await.unwrap();
    assert_eq!(
        read(repository.fetch(&nothing).await.unwrap())
            .await
            .unwrap(),
        ""
    );
}

#[tokio::test]
async fn a_manifest_is_pushed_tagged_resolved_and_deleted() {
    let registry = DockerRegistry::start();
    let repository = repository(&registry.reference("app"));
    let manifest = push_artifact(&repository, "test/a", None).await;
    repository.tag(&manifest, "v1").await.unwrap();
    let (_, bytes) = artifact("test/a", None);
    repository
        .push_reference(&manifest, bytes.into(), "v2")
        .await
        .unwrap();

    let full = registry.reference("app:v1");
    for reference in ["v1", "v2", manifest.digest.as_str(), full.as_str()] {
        assert_eq!(repository.resolve(reference).await.unwrap(), manifest);
        let content = repository.fetch_reference(reference).await.unwrap();
        assert_eq!(content.descriptor(), &manifest);
    }
    let fetched = repository.fetch_manifest(&manifest).await.unwrap();
    assert_eq!(fetched.artifact_type(), Some("test/a"));
    let tags: Vec<Vec<String>> = repository.tags(None).try_collect().await.unwrap();
    assert_eq!(tags.concat(), ["v1", "v2"]);

    repository.delete(&manifest).await.unwrap();
    let error = repository.resolve("v1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::NotFound, Some(404))
    );
    assert_eq!(
        error.to_string(),
        format!("{}: not found", registry.reference("app:v1"))
    );
    let error = repository.delete(&manifest).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}@{}: not found",
            registry.reference("app"),
            manifest.digest
        )
    );
}

#[tokio::test]
async fn what_the_registry_says_of_an_unknown_repository_is_kept() {
    let registry = DockerRegistry::start();
    let repository = repository(&registry.reference("nobody"));
    let error = repository
        .tags(None)
        .try_collect::<Vec<_>>()
        .await
        .unwrap_err();
    let expected = format!(
        "GET \"http://{}/v2/nobody/tags/list\": response status code 404: \
         name unknown: repository name not known to registry: map[name:nobody]",
        registry.addr()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.registry_errors()[0].code, "NAME_UNKNOWN");
    assert_eq!(error.response().unwrap().host, registry.addr());
    let error = repository.resolve("v1").await.unwrap_err();
    assert!(error.is_not_found());
}

#[tokio::test]
async fn a_blob_is_mounted_from_a_sibling() {
    let registry = DockerRegistry::start();
    let client = client();
    let from = client.repository(&registry.reference("from")).unwrap();
    let to = client.repository(&registry.reference("to")).unwrap();
    let hello = blob(b"hello");
    from.push(&hello, Payload::bytes("hello")).await.unwrap();
    assert_eq!(to.mount(&hello, "from").await.unwrap(), Mounted::Mounted);
    assert!(to.exists(&hello).await.unwrap());
    let other = blob(b"not there");
    assert_eq!(to.mount(&other, "from").await.unwrap(), Mounted::Declined);
    let last = registry.requests().last().unwrap().clone();
    assert!(last.starts_with("DELETE /v2/to/blobs/uploads/"), "{last}");
}

#[tokio::test]
async fn a_payload_that_is_not_the_descriptor_leaves_nothing() {
    let registry = DockerRegistry::start();
    let repository = repository(&registry.reference("app"));
    let hello = blob(b"hello");
    for (wrong, kind, text) in [
        ("HELLO", ErrorKind::DigestMismatch, "mismatched digest"),
        ("hell", ErrorKind::SizeMismatch, "unexpected EOF"),
        ("hello!", ErrorKind::SizeMismatch, "trailing data"),
    ] {
        let error = repository
            .push(&hello, Payload::bytes(wrong))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
        assert!(!repository.exists(&hello).await.unwrap());
        let requests = registry.requests();
        let cancelled = requests
            .iter()
            .any(|line| line.starts_with("DELETE /v2/app/blobs/uploads/"));
        assert!(cancelled, "{requests:?}");
    }
}

#[tokio::test]
async fn referrers_are_listed_by_tag_and_leave_the_list_when_deleted() {
    let registry = DockerRegistry::start();
    let repository = repository(&registry.reference("app"));
    let subject = push_artifact(&repository, "test/subject", None).await;
    assert_eq!(repository.predecessors(&subject).await.unwrap(), []);
    let sbom = push_artifact(&repository, "test/sbom", Some(&subject)).await;
    let signature = push_artifact(&repository, "test/sig", Some(&subject)).await;

    let all = repository.referrers(&subject, None).await.unwrap();
    let types: Vec<_> = all
        .iter()
        .map(|entry| entry.artifact_type.clone().unwrap())
        .collect();
    assert_eq!(types, ["test/sbom", "test/sig"]);
    let signatures = repository
        .referrers(&subject, Some("test/sig"))
        .await
        .unwrap();
    assert_eq!(signatures.len(), 1);
    assert!(signatures[0].same_content(&signature));

    repository.delete(&sbom).await.unwrap();
    assert!(repository.predecessors(&subject).await.unwrap()[0].same_content(&signature));
    repository.delete(&signature).await.unwrap();
    assert_eq!(repository.predecessors(&subject).await.unwrap(), []);
    assert!(repository.exists(&subject).await.unwrap());
}

#[tokio::test]
async fn a_password_opens_a_registry_that_wants_one() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let me = client_as(&addr, Credential::basic(USER, PASSWORD));
    me.registry(&addr).unwrap().ping().await.unwrap();
    let repository = me.repository(&registry.reference("app")).unwrap();
    let big = vec![7; 300_000];
    repository
        .push(&blob(&big), Payload::bytes(big.clone()))
        .await
        .unwrap();
    assert!(repository.exists(&blob(&big)).await.unwrap());

    let error = client().registry(&addr).unwrap().ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(
        error.chain(),
        format!("GET \"http://{addr}/v2/\": basic credential not found")
    );
    let stranger = client_as(&addr, Credential::basic(USER, "wrong"));
    let error = stranger.registry(&addr).unwrap().ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(
        error
            .to_string()
            .contains("response status code 401: unauthorized: authentication required"),
        "{error}"
    );
}

#[tokio::test]
async fn repositories_are_listed_in_pages() {
    let registry = DockerRegistry::start();
    let client = client();
    for name in ["a", "b", "c"] {
        let repository = client.repository(&registry.reference(name)).unwrap();
        push_artifact(&repository, "test/x", None).await;
    }
    let handle = client.registry(&registry.addr()).unwrap().with_page_size(2);
    let pages: Vec<_> = handle.repositories(None).try_collect().await.unwrap();
    assert_eq!(pages, [vec!["a", "b"], vec!["c"]]);
    let after: Vec<_> = handle.repositories(Some("b")).try_collect().await.unwrap();
    assert_eq!(after, [vec!["c"]]);
}
