//! Pages in a real browser: nothing that was pushed runs, and nothing is fetched from elsewhere.

#![allow(clippy::print_stderr)]

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use oras_registry::Registry;
use oras_testkit::peer::Tool;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client::{Client, IMAGE, image};
use crate::page::look;

/// What scripts leave in the document if they run.
const MARK: &str = "data-ran=\"yes\"";

/// Pieces of documents that run something or fetch something from `elsewhere`.
fn hostile(elsewhere: &str) -> Vec<String> {
    let run = "document.documentElement.dataset.ran='yes'";
    let fetch = format!("http://{elsewhere}");
    vec![
        format!("<script>{run}</script>"),
        format!("\"><img src=x onerror={run}>"),
        format!("<svg onload={run}></svg>"),
        format!("<img src={fetch}/image>"),
        format!("<link rel=stylesheet href={fetch}/style>"),
        format!(
            "<style>@import url({fetch}/import); body {{ background: url({fetch}/background) }}</style>"
        ),
        format!("<iframe src={fetch}/frame></iframe>"),
        format!("<object data={fetch}/object></object>"),
        format!("<video src={fetch}/video autoplay></video>"),
        format!("<script src={fetch}/script></script>"),
    ]
}

/// A server beside the registry that remembers what it was asked for.
struct Elsewhere {
    addr: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Elsewhere {
    /// Answers `/page` with `page` and `policy`, and anything else with nothing.
    async fn start(policy: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let page = format!(
            "<!DOCTYPE html><title>x</title><body>{}",
            hostile(&addr).concat()
        );
        let policy = policy.map_or(String::new(), |policy| {
            format!("Content-Security-Policy: {policy}\r\n")
        });
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (page, policy, seen) = (page.clone(), policy.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    let size = stream.read(&mut head).await.unwrap_or_default();
                    let head = String::from_utf8_lossy(&head[..size]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let body = if path == "/page" { page.as_str() } else { "" };
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{policy}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    if !matches!(path.as_str(), "/page" | "/favicon.ico") {
                        seen.lock().unwrap().push(path);
                    }
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { addr, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The browser, where it is installed; says so on stderr where it isn't.
pub(crate) fn chromium() -> Option<Tool> {
    let found = Tool::find("chromium");
    if found.is_none() {
        eprintln!("note: chromium is not installed, so pages are not tested in a browser");
    }
    found
}

/// The document after the browser has loaded everything it wanted to.
pub(crate) async fn document(chromium: &Path, url: String) -> String {
    let chromium = chromium.to_owned();
    tokio::task::spawn_blocking(move || {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(chromium);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--timeout=20000",
            "--dump-dom",
        ]);
        command
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(&url);
        let output = command.output().unwrap();
        let document = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && document.contains("<html"),
            "{url}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        document
    })
    .await
    .unwrap()
}

/// Pushes all that is hostile to `zoo:v1`.
async fn push(client: &Client, elsewhere: &str) {
    let mut texts = hostile(elsewhere);
    texts.push(format!(
        "<meta http-equiv=refresh content='0;url=http://{elsewhere}/refresh'>"
    ));
    texts.push(format!("<base href='http://{elsewhere}/'>"));
    let digest = client.blob("zoo", "{}").await;
    let layers = texts.iter().map(|text| {
        json!({
            "mediaType": text, "digest": digest.as_str(), "size": 2,
            "annotations": { "org.opencontainers.image.title": text },
        })
    });
    let annotations = texts.iter().map(|text| (text.clone(), json!(text)));
    let manifest = image(json!({
        "artifactType": texts[0],
        "layers": layers.collect::<Vec<_>>(),
        "annotations": annotations.collect::<serde_json::Map<_, _>>(),
    }));
    client
        .put("/v2/zoo/manifests/v1", IMAGE, manifest)
        .await
        .check(201, "");
}

#[tokio::test]
async fn nothing_runs_and_nothing_is_fetched_from_elsewhere() {
    let Some(chromium) = chromium() else { return };
    let chromium = chromium.path();
    let registry = Registry::builder().build().unwrap();
    let client = Client::of(registry.clone());
    let unasked = Elsewhere::start(None).await;
    push(&client, &unasked.addr).await;
    let page = look(&client, "/r/zoo:v1").await;
    let policy = page.reply.header("content-security-policy");

    let bare = Elsewhere::start(None).await;
    let walled = Elsewhere::start(Some(policy)).await;
    let server = registry.bind("127.0.0.1:0").await.unwrap();
    let (harmed, kept, shown) = tokio::join!(
        document(chromium, format!("http://{}/page", bare.addr)),
        document(chromium, format!("http://{}/page", walled.addr)),
        document(chromium, format!("http://{}/r/zoo:v1", server.addr())),
    );
    // The same texts as they are, to see that they would do harm.
    assert!(harmed.contains(MARK), "{harmed}");
    let asked = bare.asked();
    for path in ["/image", "/style", "/import", "/frame", "/script"] {
        assert!(
            asked.iter().any(|own| own == path),
            "{path} not in {asked:?}"
        );
    }
    // Behind our policy they do none, even where the templates have failed.
    assert!(!kept.contains(MARK), "{kept}");
    let requests: Vec<String> = walled.asked();
    assert!(requests.iter().all(String::is_empty), "{requests:?}");
    // And on our pages they are text. Nobody even opens a connection.
    assert!(
        shown.contains("&lt;script&gt;document.documentElement"),
        "{shown}"
    );
    for bad in [MARK, "<script", "<iframe", "<svg"] {
        assert!(!shown.contains(bad), "{bad} in {shown}");
    }
    assert_eq!(unasked.asked(), Vec::<String>::new());
}
