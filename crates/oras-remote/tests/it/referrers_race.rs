//! Many writers of one referrers index.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use oras_content::{Payload, Push, Referrers};
use oras_remote::{Client, Repository};
use oras_spec::Descriptor;
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
use oras_testkit::fixture::Graph;
use oras_testkit::peer::DockerRegistry;

use crate::support::{artifact, client, patient_client};

async fn attach(repository: &Repository, subject: &Descriptor, number: usize) {
    let (referrer, bytes) = artifact(&format!("test/{number}"), Some(subject));
    repository
        .push(&referrer, Payload::bytes(bytes))
        .await
        .unwrap();
}

async fn attach_all(clients: Vec<Client>, name: &str) {
    let repository = clients[0].repository(name).unwrap();
    let empty = Descriptor::empty_json();
    repository.push(&empty, Payload::bytes("{}")).await.unwrap();
    let (subject, bytes) = artifact("test/subject", None);
    repository
        .push(&subject, Payload::bytes(bytes))
        .await
        .unwrap();
    let count = clients.len();
    let tasks = clients.into_iter().enumerate().map(|(number, client)| {
        let repository = client.repository(name).unwrap();
        let subject = subject.clone();
        tokio::spawn(async move { attach(&repository, &subject, number).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let found = repository.referrers(&subject, None).await.unwrap();
    let types: BTreeSet<_> = found
        .into_iter()
        .filter_map(|entry| entry.artifact_type)
        .collect();
    let expected: BTreeSet<_> = (0..count).map(|number| format!("test/{number}")).collect();
    assert_eq!(types, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_clients_that_know_nothing_of_each_other_lose_no_referrer() {
    let registry = DockerRegistry::start();
    attach_all(
        (0..20).map(|_| patient_client()).collect(),
        &registry.reference("app"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_attaches_of_one_client_share_few_writes() {
    let registry = DockerRegistry::start();
    let client = patient_client();
    attach_all(vec![client; 50], &registry.reference("app")).await;
    let requests = registry.requests();
    let writes = requests
        .iter()
        .filter(|line| line.starts_with("PUT /v2/app/manifests/sha256-"))
        .count();
    assert!(writes <= 15, "{writes} writes");
}

/// A registry that honours conditions, and where somebody else always comes first once.
#[tokio::test]
async fn a_refused_condition_is_read_again_and_merged() {
    let mut graph = Graph::new();
    let subject = graph.artifact("test/subject", &[], None);
    let registry = FakeRegistry::new(graph);
    let (rival, rival_bytes) = artifact("test/rival", Some(&subject));
    let conditions = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&conditions);
    let tag = format!("/v2/app/manifests/{}", subject.digest.referrers_tag());
    let path = tag.clone();
    let server = FaultServer::start(move |request| {
        if request.path() != path {
            return registry.answer(request);
        }
        if request.method != "PUT" {
            let answer = registry.answer(request);
            let etag = format!("\"{}\"", oras_spec::Digest::sha256(&answer.bytes()));
            return answer.header("ETag", etag);
        }
        let condition = |name: &str| request.header(name).map(|value| format!("{name} {value}"));
        let mut seen = seen.lock().unwrap();
        seen.push(
            condition("if-match")
                .or(condition("if-none-match"))
                .unwrap_or_default(),
        );
        if seen.len() > 1 {
            return registry.answer(request);
        }
        let mut index = oras_spec::ImageIndex::new(vec![rival.clone()]);
        index.annotations.insert("kept".into(), "yes".into());
        let mut other = request.clone();
        other.body = serde_json::to_vec(&index).unwrap().into();
        drop(registry.answer(&other));
        Answer::status(412)
    });
    let repository = client().repository(&server.reference("app")).unwrap();
    let (referrer, bytes) = artifact("test/mine", Some(&subject));
    repository
        .push(&referrer, Payload::bytes(bytes))
        .await
        .unwrap();
    let seen = conditions.lock().unwrap().clone();
    assert_eq!(seen[0], "if-none-match *");
    assert!(seen[1].starts_with("if-match \"sha256:"), "{seen:?}");
    let written = server
        .requests()
        .into_iter()
        .rev()
        .find(|request| request.method == "PUT")
        .unwrap();
    let index: oras_spec::ImageIndex = serde_json::from_slice(&written.body).unwrap();
    let digests: Vec<_> = index
        .manifests
        .iter()
        .map(|entry| entry.digest.clone())
        .collect();
    assert_eq!(
        digests,
        [oras_spec::Digest::sha256(&rival_bytes), referrer.digest]
    );
    assert_eq!(index.annotations["kept"], "yes");
}
