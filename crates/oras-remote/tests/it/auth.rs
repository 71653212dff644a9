//! Challenges and tokens against a registry and its token service; what every server received is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oras_content::{ErrorKind, Fetch};
use oras_remote::{Access, Client, Credential, Repository};
use oras_testkit::fault::{Answer, FaultServer, Request};

use crate::support::{blob, client, client_as, read};

/// A token service that gives the tokens `token-1`, `token-2`, …
pub(crate) struct Service {
    pub(crate) server: FaultServer,
    issued: Arc<AtomicUsize>,
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::with(|number| format!(r#"{{"token":"token-{number}","expires_in":300}}"#))
    }

    pub(crate) fn with(body: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let issued = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&issued);
        let server = FaultServer::start(move |_| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            Answer::ok("application/json", body(number))
        });
        Self { server, issued }
    }

    pub(crate) fn issued(&self) -> usize {
        self.issued.load(Ordering::SeqCst)
    }

    pub(crate) fn challenge(&self) -> String {
        format!(
            r#"Bearer realm="{}/token",service="reg""#,
            self.server.url()
        )
    }
}

pub(crate) fn bearer(request: &Request) -> Option<&str> {
    request.header("authorization")?.strip_prefix("Bearer ")
}

/// Serves the blob `hello` to whoever shows a token for which `good` holds.
pub(crate) fn guarded(
    challenge: String,
    good: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> FaultServer {
    FaultServer::start(move |request| match bearer(request) {
        Some(token) if good(token) => Answer::ok("application/octet-stream", "hello"),
        _ => Answer::error(401, "UNAUTHORIZED", "authentication required")
            .header("WWW-Authenticate", &challenge),
    })
}

fn app(client: &Client, server: &FaultServer) -> Repository {
    client.repository(&server.reference("app")).unwrap()
}

async fn fetch(repository: &Repository) -> Result<String, oras_content::Error> {
    read(repository.fetch(&blob(b"hello")).await?).await
}

#[tokio::test]
async fn an_anonymous_token_is_fetched_once_and_used_again() {
    let service = Service::start();
    let server = guarded(service.challenge(), |token| token == "token-1");
    let client = client();
    for _ in 0..3 {
        assert_eq!(fetch(&app(&client, &server)).await.unwrap(), "hello");
    }
    assert_eq!(
        service.server.request_lines(),
        ["GET /token?scope=repository%3Aapp%3Apull&service=reg"]
    );
    assert_eq!(service.server.requests()[0].header("authorization"), None);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_password_goes_to_the_token_service_only() {
    let service = Service::start();
    let server = guarded(service.challenge(), |_| true);
    let client = client_as(&server.addr(), Credential::basic("me", "hunter2"));
    fetch(&app(&client, &server)).await.unwrap();
    let expected = format!("Basic {}", STANDARD.encode("me:hunter2"));
    assert_eq!(
        service.server.requests()[0].header("authorization"),
        Some(expected.as_str())
    );
    let sent: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(sent, [None, Some("Bearer token-1".to_owned())]);
}

#[tokio::test]
async fn an_identity_token_is_exchanged_by_post() {
    let service = Service::with(|_| r#"{"access_token":"abc","refresh_token":"next"}"#.to_owned());
    let server = guarded(service.challenge(), |token| token == "abc");
    let client = client_as(
        &server.addr(),
        Credential::Identity {
            token: "secret".into(),
        },
    );
    fetch(&app(&client, &server)).await.unwrap();
    let request = &service.server.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/token")
    );
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let expected = "client_id=oras&grant_type=refresh_token&refresh_token=secret\
                    &scope=repository%3Aapp%3Apull&service=reg";
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn an_access_token_is_sent_as_it_is() {
    let service = Service::start();
    let server = guarded(service.challenge(), |token| token == "mine");
    let client = client_as(
        &server.addr(),
        Credential::Access {
            token: "mine".into(),
        },
    );
    fetch(&app(&client, &server)).await.unwrap();
    assert_eq!(service.issued(), 0);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let service = Service::start();
    let uses = AtomicUsize::new(0);
    let server = guarded(service.challenge(), move |token| match token {
        // Good once, as if it had expired early.
        "token-1" => uses.fetch_add(1, Ordering::SeqCst) == 0,
        other => other == "token-2",
    });
    let repository = app(&client(), &server);
    fetch(&repository).await.unwrap();
    fetch(&repository).await.unwrap();
    assert_eq!(service.issued(), 2);

    let never = guarded(service.challenge(), |_| false);
    let error = fetch(&app(&client(), &never)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!((service.issued(), never.requests().len()), (3, 2));
}

#[tokio::test]
async fn an_expired_token_that_is_answered_with_400_is_replaced() {
    let service = Service::start();
    let challenge = service.challenge();
    let server = FaultServer::start({
        let uses = AtomicUsize::new(0);
        move |request| match bearer(request) {
            Some("token-1") if uses.fetch_add(1, Ordering::SeqCst) > 0 => {
                Answer::error(400, "DENIED", "Your Authorization Token is invalid.")
            }
            Some(_) => Answer::ok("application/octet-stream", "hello"),
            None => Answer::status(401).header("WWW-Authenticate", &challenge),
        }
    });
    let repository = app(&client(), &server);
    fetch(&repository).await.unwrap();
    fetch(&repository).await.unwrap();
    assert_eq!(service.issued(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_need_the_same_token_fetch_it_once() {
    let service = Service::start();
    let server = guarded(service.challenge(), |_| true);
    let repository = app(&client(), &server);
    let tasks = (0..16).map(|_| {
        let repository = repository.clone();
        tokio::spawn(async move { fetch(&repository).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    assert_eq!(service.issued(), 1);
}

#[tokio::test]
async fn a_token_for_reading_and_writing_is_asked_for_at_once() {
    let service = Service::start();
    let server = guarded(service.challenge(), |_| true);
    let client = client();
    let repository = app(&client, &server).with_access(Access::ReadWrite);
    fetch(&repository).await.unwrap();
    // The larger token also serves a handle that only reads.
    fetch(&app(&client, &server)).await.unwrap();
    let lines = service.server.request_lines();
    assert_eq!(
        lines,
        ["GET /token?scope=repository%3Aapp%3Apull%2Cpush&service=reg"]
    );
}

#[tokio::test]
async fn the_scope_of_the_challenge_is_asked_for_too() {
    let service = Service::start();
    let challenge = format!(r#"{},scope="aws repository:app:pull""#, service.challenge());
    let server = guarded(challenge, |_| true);
    let repository = app(&client(), &server);
    fetch(&repository).await.unwrap();
    fetch(&repository).await.unwrap();
    let lines = service.server.request_lines();
    assert_eq!(
        lines,
        ["GET /token?scope=aws&scope=repository%3Aapp%3Apull&service=reg"]
    );
}

#[tokio::test]
async fn a_bearer_challenge_is_preferred_and_odd_quoting_is_read() {
    let service = Service::start();
    let realm = format!("{}/token", service.server.url());
    for challenge in [
        format!(r#"Basic realm="x", bearer REALM="{realm}" , service=reg"#),
        format!("BEARER realm={realm},service=\"reg\""),
        format!(r#"Bearer error="a \"b\", c",realm="{realm}",service="reg"#),
    ] {
        let server = guarded(challenge.clone(), |_| true);
        assert_eq!(
            fetch(&app(&client(), &server)).await.unwrap(),
            "hello",
            "{challenge}"
        );
    }
}

#[tokio::test]
async fn a_token_service_without_tokens_is_an_error_that_shows_where() {
    let service = Service::with(|_| r#"{"token":""}"#.to_owned());
    let server = guarded(service.challenge(), |_| true);
    let client = client_as(
        &server.addr(),
        Credential::Identity {
            token: "secret".into(),
        },
    );
    let error = fetch(&app(&client, &server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    let expected = format!(
        "POST \"{}/token\": empty token returned",
        service.server.url()
    );
    assert!(error.chain().ends_with(&expected), "{}", error.chain());
    assert!(!error.chain().contains("secret"));
}

#[tokio::test]
async fn a_credential_that_does_not_fit_is_named() {
    let server = FaultServer::start(|_| {
        Answer::status(401).header("WWW-Authenticate", r#"Basic realm="x""#)
    });
    let url = format!("{}/v2/app/blobs/{}", server.url(), blob(b"hello").digest);
    for (credential, text) in [
        (Credential::Anonymous, "basic credential not found"),
        (
            Credential::basic("me", ""),
            "missing username or password for basic auth",
        ),
        (
            Credential::Identity { token: "t".into() },
            "missing username or password for basic auth",
        ),
    ] {
        let client = client_as(&server.addr(), credential);
        let error = fetch(&app(&client, &server)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential);
        assert_eq!(error.to_string(), format!("GET \"{url}\""));
        assert_eq!(error.chain(), format!("GET \"{url}\": {text}"));
    }
    let client = client_as(&server.addr(), Credential::basic("me", "wrong"));
    let error = fetch(&app(&client, &server)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("GET \"{url}\": response status code 401: Unauthorized")
    );
}

#[tokio::test]
async fn a_realm_inside_of_our_network_is_refused() {
    let server = guarded(
        r#"Bearer realm="http://169.254.169.254/latest""#.to_owned(),
        |_| true,
    );
    let error = fetch(&app(&client(), &server)).await.unwrap_err();
    assert!(
        error
            .chain()
            .contains(r#"bearer realm host "169.254.169.254" is a loopback"#),
        "{}",
        error.chain()
    );
}
