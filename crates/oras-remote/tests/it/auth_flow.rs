//! Authentication where it is easy to get wrong: other origins, uploads, several identities.

use std::sync::atomic::{AtomicUsize, Ordering};

use oras_content::{Fetch, Payload, Push};
use oras_remote::{Credential, Repository};
use oras_spec::Descriptor;
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
use oras_testkit::fixture::Graph;

use crate::auth::{Service, bearer, guarded};
use crate::support::{blob, client, client_as, read};

async fn fetch(repository: &Repository) -> Result<String, oras_content::Error> {
    read(repository.fetch(&blob(b"hello")).await?).await
}

fn authorizations(server: &FaultServer) -> Vec<Option<String>> {
    let requests = server.requests();
    requests
        .iter()
        .map(|request| request.header("authorization").map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_redirect_to_storage_carries_no_credential() {
    let storage = FaultServer::start(|_| Answer::ok("application/octet-stream", "hello"));
    let target = format!("{}/signed?sig=abc", storage.url());
    let server = FaultServer::start(move |request| match request.header("authorization") {
        Some(_) => Answer::status(307).header("Location", &target),
        None => Answer::status(401).header("WWW-Authenticate", "Basic"),
    });
    let me = client_as(&server.addr(), Credential::basic("me", "pw"));
    let repository = me.repository(&server.reference("app")).unwrap();
    assert_eq!(fetch(&repository).await.unwrap(), "hello");
    assert_eq!(authorizations(&storage), [None]);
    assert!(authorizations(&server)[1].is_some());
}

#[tokio::test]
async fn a_challenge_of_another_origin_is_not_answered() {
    let thief = FaultServer::start(|_| Answer::status(401).header("WWW-Authenticate", "Basic"));
    let target = thief.url();
    let server = FaultServer::start(move |_| Answer::status(307).header("Location", &target));
    let me = client_as(&server.addr(), Credential::basic("me", "pw"));
    let error = fetch(&me.repository(&server.reference("app")).unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(error.response().unwrap().host, thief.addr());
    assert_eq!(authorizations(&thief), [None]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_upload_to_another_host_carries_no_credential() {
    let storage = FaultServer::start(|_| Answer::status(201));
    let location = format!("{}/up?state=x%2Fy", storage.url());
    let server = FaultServer::start(move |request| match request.header("authorization") {
        Some(_) => Answer::status(202).header("Location", &location),
        None => Answer::status(401).header("WWW-Authenticate", "Basic"),
    });
    let me = client_as(&server.addr(), Credential::basic("me", "pw"));
    let repository = me.repository(&server.reference("app")).unwrap();
    let hello = blob(b"hello");
    repository
        .push(&hello, Payload::bytes("hello"))
        .await
        .unwrap();
    assert_eq!(authorizations(&storage), [None]);
    let expected = format!(
        "PUT /up?state=x%2Fy&digest=sha256%3A{}",
        hello.digest.encoded()
    );
    assert_eq!(storage.request_lines(), [expected]);
    assert_eq!(storage.requests()[0].body, "hello");
}

/// The token ends between the two requests of an upload.
fn forgetful(service: &Service) -> FaultServer {
    let challenge = service.challenge();
    let registry = FakeRegistry::new(Graph::new());
    let puts = AtomicUsize::new(0);
    FaultServer::start(move |request| {
        let refused = request.method == "PUT" && puts.fetch_add(1, Ordering::SeqCst) == 0;
        match bearer(request) {
            Some(_) if !refused => registry.answer(request),
            _ => Answer::status(401).header("WWW-Authenticate", &challenge),
        }
    })
}

#[tokio::test]
async fn a_body_is_sent_again_when_the_token_ended_during_the_upload() {
    let service = Service::start();
    let server = forgetful(&service);
    let repository = client().repository(&server.reference("app")).unwrap();
    let big = vec![b'x'; 100_000];
    let descriptor: Descriptor = blob(&big);
    repository
        .push(&descriptor, Payload::bytes(big.clone()))
        .await
        .unwrap();
    let bodies: Vec<_> = server
        .requests()
        .iter()
        .filter(|r| r.method == "PUT")
        .map(|r| r.body.len())
        .collect();
    assert_eq!(bodies, [big.len(), big.len()]);
    assert_eq!(service.issued(), 2);
    let scopes = service.server.request_lines();
    assert!(scopes[0].contains("pull%2Cpush"), "{scopes:?}");
}

#[tokio::test]
async fn a_stream_can_not_be_sent_again() {
    let service = Service::start();
    let server = forgetful(&service);
    let repository = client().repository(&server.reference("app")).unwrap();
    let payload = Payload::stream(oras_content::once("hello".into()));
    let error = repository.push(&blob(b"hello"), payload).await.unwrap_err();
    assert!(
        error
            .chain()
            .ends_with("\": request body is not rewindable"),
        "{}",
        error.chain()
    );
    assert_eq!(server.requests().last().unwrap().method, "DELETE");
}

#[tokio::test]
async fn two_identities_never_share_a_token() {
    let service = Service::start();
    let server = guarded(service.challenge(), |_| true);
    for name in ["alice", "bob"] {
        let client = client_as(&server.addr(), Credential::basic(name, "pw"));
        fetch(&client.repository(&server.reference("app")).unwrap())
            .await
            .unwrap();
    }
    let sent: Vec<_> = authorizations(&server).into_iter().flatten().collect();
    assert_eq!(sent, ["Bearer token-1", "Bearer token-2"]);
    let asked = authorizations(&service.server);
    assert_ne!(asked[0], asked[1]);
}

#[tokio::test]
async fn a_dead_challenge_for_a_dead_token_is_asked_again_without() {
    let service = Service::start();
    let challenge = service.challenge();
    let uses = AtomicUsize::new(0);
    let server = FaultServer::start(move |request| match bearer(request) {
        Some("token-1") if uses.fetch_add(1, Ordering::SeqCst) > 0 => {
            Answer::status(401).header("WWW-Authenticate", "Bearer error=\"invalid_token\"")
        }
        Some(_) => Answer::ok("application/octet-stream", "hello"),
        None => Answer::status(401).header("WWW-Authenticate", &challenge),
    });
    let repository = client().repository(&server.reference("app")).unwrap();
    fetch(&repository).await.unwrap();
    fetch(&repository).await.unwrap();
    assert_eq!(service.issued(), 2);
}
