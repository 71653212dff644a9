//! Referrers through the API and through the tag schema.

use oras_content::{Delete, ErrorKind, Payload, Predecessors, Push, Referrers};
use oras_remote::{Capability, ReferrersMode};
use oras_spec::{Descriptor, ImageIndex, media_type};
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
use oras_testkit::fixture::Graph;

use crate::support::{artifact, blob, builder, client, repository};

fn entry(name: &str, kind: Option<&str>) -> Descriptor {
    let mut entry = Descriptor::of_bytes("application/x", name.as_bytes());
    entry.artifact_type = kind.map(str::to_owned);
    entry
}

fn index_of(entries: &[Descriptor]) -> Vec<u8> {
    serde_json::to_vec(&ImageIndex::new(entries.to_vec())).unwrap()
}

fn index(entries: &[Descriptor]) -> Answer {
    Answer::ok(media_type::IMAGE_INDEX, index_of(entries))
}

fn subject() -> Descriptor {
    artifact("test/subject", None).0
}

#[tokio::test]
async fn a_registry_with_the_api_records_referrers_itself() {
    let mut graph = Graph::new();
    let subject = graph.artifact("test/subject", &[], None);
    let server = FakeRegistry::new(graph).with_referrers_api().serve();
    let client = client();
    let app = client.repository(&server.reference("app")).unwrap();
    assert_eq!(app.referrers_capability(), Capability::Unknown);
    let (referrer, bytes) = artifact("test/sig", Some(&subject));
    app.push(&referrer, Payload::bytes(bytes)).await.unwrap();
    let other = client.repository(&server.reference("other")).unwrap();
    assert_eq!(other.referrers_capability(), Capability::Supported);
    let found = app.predecessors(&subject).await.unwrap();
    assert!(found.len() == 1 && found[0].same_content(&referrer));
    app.delete(&referrer).await.unwrap();
    let methods: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.method.clone())
        .collect();
    assert_eq!(methods, ["PUT", "GET", "DELETE"]);
}

#[tokio::test]
async fn lists_are_filtered_here_if_the_registry_did_not() {
    let entries = [
        entry("a", Some("x/y")),
        entry("b", Some("x/z")),
        entry("c", None),
    ];
    let cases = [
        (index(&entries), 1),
        (
            index(&entries).header("OCI-Filters-Applied", "foo, artifactType"),
            3,
        ),
    ];
    for (answer, expected) in cases {
        let answer = answer.with_header(
            "Content-Type",
            "application/vnd.oci.image.index.v1+json; charset=utf-8",
        );
        let server = FaultServer::start(move |_| answer.clone());
        let app = repository(&server.reference("app"));
        let found = app.referrers(&subject(), Some("x/y")).await.unwrap();
        assert_eq!(found.len(), expected);
        let line = format!(
            "GET /v2/app/referrers/{}?artifactType=x%2Fy",
            subject().digest
        );
        assert_eq!(server.request_lines(), [line]);
        assert_eq!(app.referrers_capability(), Capability::Supported);
    }
}

#[tokio::test]
async fn pages_of_referrers_are_joined() {
    let server = FaultServer::start(|request| match request.target.contains("page=2") {
        false => index(&[entry("a", None)]).header("Link", "<?page=2>; rel=\"next\""),
        true => index(&[entry("b", None)]),
    });
    let found = repository(&server.reference("app"))
        .referrers(&subject(), None)
        .await
        .unwrap();
    assert_eq!(found, [entry("a", None), entry("b", None)]);
}

#[tokio::test]
async fn what_is_no_referrers_api_leads_to_the_tag_schema() {
    for answer in [
        Answer::status(404),
        Answer::ok("text/html", "<html>"),
        Answer::error(404, "NOT_FOUND", "?"),
    ] {
        let tag = subject().digest.referrers_tag();
        let server = FaultServer::start(move |request| match request.path() {
            path if path.contains("/referrers/") => answer.clone(),
            path if path.ends_with(&tag) => {
                index(&[entry("a", Some("x/y")), entry("b", Some("x/z"))])
            }
            _ => Answer::status(500),
        });
        let app = repository(&server.reference("app"));
        assert_eq!(app.referrers(&subject(), None).await.unwrap().len(), 2);
        assert_eq!(
            app.referrers(&subject(), Some("x/z")).await.unwrap(),
            [entry("b", Some("x/z"))]
        );
        assert_eq!(app.referrers_capability(), Capability::Unsupported);
        let asked = server
            .request_lines()
            .iter()
            .filter(|line| line.contains("/referrers/"))
            .count();
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn errors_of_the_api_are_errors() {
    for answer in [
        Answer::error(404, "NAME_UNKNOWN", "who?"),
        Answer::error(403, "DENIED", "no"),
    ] {
        let server = FaultServer::start(move |_| answer.clone());
        let app = repository(&server.reference("app"));
        assert!(
            app.referrers(&subject(), None)
                .await
                .unwrap_err()
                .status()
                .is_some()
        );
        assert_eq!(app.referrers_capability(), Capability::Unknown);
    }
    let server = FaultServer::start(|_| Answer::status(404));
    let client = builder().referrers(ReferrersMode::Api).build().unwrap();
    let app = client.repository(&server.reference("app")).unwrap();
    assert_eq!(
        app.referrers(&subject(), None).await.unwrap_err().status(),
        Some(404)
    );
    let app = app.with_referrers_capability(Capability::Unsupported);
    assert_eq!(app.referrers(&subject(), None).await.unwrap(), []);
}

/// GitLab takes the tag `sha256-<hex>` for the digest, so it answers with the subject itself.
#[tokio::test]
async fn the_subject_is_never_taken_for_its_list_of_referrers() {
    let image = ImageIndex::new(vec![entry("child", None)]);
    let bytes = serde_json::to_vec(&image).unwrap();
    let subject = Descriptor::of_bytes(media_type::IMAGE_INDEX, &bytes);
    let server =
        FaultServer::start(
            move |request| match (request.method.as_str(), request.path()) {
                ("PUT", path) if path.contains("/sha256:") => Answer::status(201),
                ("GET", path) if path.contains("/manifests/sha256-") => {
                    Answer::ok(media_type::IMAGE_INDEX, bytes.clone())
                }
                _ => Answer::status(404),
            },
        );
    let app = repository(&server.reference("app"));
    assert_eq!(app.referrers(&subject, None).await.unwrap(), []);
    let (referrer, bytes) = artifact("test/sig", Some(&subject));
    let error = app
        .push(&referrer, Payload::bytes(bytes))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.chain().ends_with("is not a list of referrers"),
        "{}",
        error.chain()
    );
    let lines = server.request_lines();
    assert!(!lines.iter().any(
        |line| line.starts_with("DELETE") || line.starts_with("PUT /v2/app/manifests/sha256-")
    ));
}

#[tokio::test]
async fn types_that_other_tools_left_out_are_looked_up() {
    let mut graph = Graph::new();
    let subject = graph.artifact("test/subject", &[], None);
    let referrer = graph.artifact("test/sig", &[], Some(&subject));
    let list = graph.blob(media_type::IMAGE_INDEX, index_of(&[referrer.plain()]));
    let registry = FakeRegistry::new(graph).tag(&subject.digest.referrers_tag(), &list);
    let server = registry.serve();
    let found = repository(&server.reference("app"))
        .referrers(&subject, Some("test/sig"))
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn only_manifests_are_asked_about() {
    let server = FaultServer::start(|_| Answer::status(500));
    let app = repository(&server.reference("app"));
    assert_eq!(app.predecessors(&blob(b"x")).await.unwrap(), []);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_referrer_leaves_the_list_before_it_is_deleted() {
    let mut graph = Graph::new();
    let subject = graph.artifact("test/subject", &[], None);
    let server = FakeRegistry::new(graph).serve();
    let (referrer, bytes) = artifact("test/sig", Some(&subject));
    let app = repository(&server.reference("app"));
    app.push(&referrer, Payload::bytes(bytes)).await.unwrap();
    let before = server.requests().len();
    // A new client has to find out first that there is no API.
    repository(&server.reference("app"))
        .delete(&referrer)
        .await
        .unwrap();
    let tag = subject.digest.referrers_tag();
    let lines: Vec<_> = server.request_lines().split_off(before);
    let nothing = format!("sha256:{}", "0".repeat(64));
    let expected = [
        format!("GET /v2/app/manifests/{}", referrer.digest),
        format!("GET /v2/app/referrers/{nothing}"),
        format!("GET /v2/app/manifests/{tag}"),
        format!("PUT /v2/app/manifests/{tag}"),
        format!("GET /v2/app/manifests/{tag}"),
        format!("DELETE /v2/app/manifests/{}", referrer.digest),
    ];
    assert_eq!(lines, expected);
    assert_eq!(app.predecessors(&subject).await.unwrap(), []);
}
