//! What the rules say, and that nobody learns more than that.

use http::{Request, StatusCode};
use http_body_util::Full;
use oras_registry::Registry;
use oras_registry::auth::{Action, Auth, Rule};
use oras_registry::peer::{Certificate, Peer};
use oras_spec::Digest;
use serde_json::{Value, json};

use super::web::{Web, basic, users};
use crate::metrics::Log;

const ALL: [Action; 3] = [Action::Pull, Action::Push, Action::Delete];

fn rule(repository: &str, who: &str, allow: &[Action]) -> Rule {
    Rule {
        repositories: vec![repository.to_owned()],
        who: vec![who.to_owned()],
        allow: allow.to_vec(),
        ..Rule::default()
    }
}

/// `root` may do everything, users what is in their home, everybody reads `public`.
async fn start(names: &[&str]) -> (Web, tempfile::TempDir) {
    let (file, folder) = users(names);
    let auth = Auth::new()
        .htpasswd(file)
        .unwrap()
        .rule(rule("home/{user}/**", "*", &ALL))
        .rule(rule("public/**", "*", &[Action::Pull]))
        .admins(["root"]);
    (Web::start(auth).await, folder)
}

#[tokio::test]
async fn a_user_without_the_right_is_denied_and_reads_what_is_public() {
    let (web, _folder) = start(&["root", "jo", "ann"]).await;
    for name in ["home/jo/app", "public/app"] {
        web.push("root", name, "v1", json!({})).await.check(201, "");
    }
    let check = async |user: &str, line: &str, status: u16, code: &str| {
        let reply = match user {
            "" => web.send(line, &[], "").await,
            user => web.as_user(user, line).await,
        };
        reply.check(status, code);
        let challenged = reply.headers.contains_key("www-authenticate");
        assert_eq!(challenged, status == 401, "{line}");
    };
    let tags = |name: &str| format!("GET /v2/{name}/tags/list");
    check("", &tags("public/app"), 200, "").await;
    let config = Digest::sha256(b"{}");
    let blob = format!("GET /v2/public/app/blobs/{config}");
    let reply = web.send(&blob, &[], "").await;
    let caching = "private, max-age=31536000, immutable";
    assert_eq!(reply.header("cache-control"), caching);
    check("ann", &tags("public/app"), 200, "").await;
    check("ann", "DELETE /v2/public/app/manifests/v1", 403, "DENIED").await;
    check(
        "",
        "DELETE /v2/public/app/manifests/v1",
        401,
        "UNAUTHORIZED",
    )
    .await;
    check("jo", &tags("home/jo/app"), 200, "").await;
    // Whether it exists or not makes no difference.
    for name in ["home/jo/app", "home/jo/nothing", "elsewhere"] {
        check("ann", &tags(name), 403, "DENIED").await;
        check("", &tags(name), 401, "UNAUTHORIZED").await;
        let line = format!("POST /v2/{name}/blobs/uploads/");
        check("ann", &line, 403, "DENIED").await;
    }
    let wrong = [("authorization", &*basic("ann", "wrong"))];
    let reply = web.send(&tags("public/app"), &wrong, "").await;
    reply.check(401, "UNAUTHORIZED");
    assert_eq!(
        web.push("ann", "home/jo/app", "v1", json!({})).await.status,
        StatusCode::FORBIDDEN
    );
    web.push("ann", "home/ann/app", "v1", json!({}))
        .await
        .check(201, "");
    check("ann", "DELETE /v2/home/ann/app/manifests/v1", 202, "").await;
}

#[tokio::test]
async fn the_catalog_shows_what_one_may_read_in_pages_without_gaps() {
    let (web, _folder) = start(&["root", "jo"]).await;
    let mut expected = Vec::new();
    for n in 0..7 {
        for name in [format!("home/jo/{n}"), format!("secret/{n}")] {
            web.push("root", &name, "v1", json!({}))
                .await
                .check(201, "");
        }
        expected.push(format!("home/jo/{n}"));
    }
    let public = format!("public/{}", "x".repeat(100));
    web.push("root", &public, "v1", json!({}))
        .await
        .check(201, "");
    expected.push(public.clone());
    let mut seen = Vec::new();
    let mut next = Some("/v2/_catalog?n=3".to_owned());
    let mut pages = 0;
    while let Some(path) = next {
        let reply = web.as_user("jo", &format!("GET {path}")).await;
        reply.check(200, "");
        let names = reply.json()["repositories"].as_array().unwrap().clone();
        seen.extend(names.iter().map(|name| name.as_str().unwrap().to_owned()));
        let link = reply.headers.get("link").map(|link| link.to_str().unwrap());
        next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
        pages += 1;
    }
    assert_eq!((seen, pages), (expected, 3));
    let reply = web.send("GET /v2/_catalog", &[], "").await;
    reply.check(401, "UNAUTHORIZED");
    let anybody = web.token("", "registry:catalog:*").await;
    let reply = web.bearer("GET /v2/_catalog", &anybody).await;
    assert_eq!(reply.json(), json!({ "repositories": [public] }));
    let all = web.as_user("root", "GET /v2/_catalog").await.json();
    assert_eq!(all["repositories"].as_array().unwrap().len(), 15);
}

#[tokio::test]
async fn mounting_gives_nobody_what_they_may_not_read() {
    let (web, _folder) = start(&["root", "jo"]).await;
    web.push("root", "secret/a", "v1", json!({}))
        .await
        .check(201, "");
    let digest = Digest::sha256(b"{}");
    let mount = |from: &str| format!("POST /v2/home/jo/a/blobs/uploads/?mount={digest}{from}");
    let check = async |from: &str, status: u16| {
        let reply = web.as_user("jo", &mount(from)).await;
        assert_eq!(reply.status.as_u16(), status, "{from}");
    };
    for from in [
        "",
        "&from=secret/a",
        "&from=secret/none",
        "&from=..",
        "&from=home/jo/a",
    ] {
        check(from, 202).await;
    }
    web.push("root", "public/a", "v1", json!({}))
        .await
        .check(201, "");
    // The rights of the user count, not what the token is for.
    let to = |name: &str, from: &str| {
        format!("POST /v2/home/jo/{name}/blobs/uploads/?mount={digest}{from}")
    };
    for (name, from) in [("a", "&from=public/a"), ("b", "")] {
        let narrow = format!("repository:home/jo/{name}:pull,push");
        let narrow = web.token("jo", &narrow).await;
        let reply = web.bearer(&to(name, from), &narrow).await;
        reply.check(201, "");
    }
}

#[tokio::test]
async fn an_upload_belongs_to_who_started_it() {
    let (file, _folder) = users(&["jo", "ann"]);
    let web = Web::start(Auth::new().htpasswd(file).unwrap()).await;
    let reply = web.as_user("jo", "POST /v2/a/blobs/uploads/").await;
    let session = reply.header("location").to_owned();
    let digest = Digest::sha256(b"");
    let put = format!("PUT {session}?digest={digest}");
    for line in ["GET", "PATCH", "DELETE"].map(|method| format!("{method} {session}")) {
        web.as_user("ann", &line)
            .await
            .check(404, "BLOB_UPLOAD_UNKNOWN");
    }
    web.as_user("ann", &put)
        .await
        .check(404, "BLOB_UPLOAD_UNKNOWN");
    web.as_user("jo", &format!("GET {session}"))
        .await
        .check(204, "");
    let token = web.token("jo", "repository:a:pull,push").await;
    web.bearer(&format!("PATCH {session}"), &token)
        .await
        .check(202, "");
    web.as_user("jo", &put).await.check(201, "");
    web.as_user("ann", &put)
        .await
        .check(404, "BLOB_UPLOAD_UNKNOWN");
    web.as_user("jo", &put).await.check(201, "");
}

/// A registry where `v*` is immutable.
async fn with_immutable_tags() -> (Web, tempfile::TempDir) {
    let (file, folder) = users(&["jo"]);
    let rule = Rule {
        immutable_tags: vec!["v*".to_owned()],
        ..rule("**", "@users", &ALL)
    };
    let auth = Auth::new().htpasswd(file).unwrap().rule(rule);
    (Web::start(auth).await, folder)
}

fn numbered(n: usize) -> Value {
    json!({ "annotations": { "n": n.to_string() } })
}

#[tokio::test]
async fn an_immutable_tag_can_be_pushed_again_but_not_moved() {
    let (web, _folder) = with_immutable_tags().await;
    let push = async |tag: &str, n: usize| web.push("jo", "a", tag, numbered(n)).await;
    push("v1", 1).await.check(201, "");
    push("v1", 1).await.check(201, "");
    let refused = push("v1", 2).await;
    refused.check(403, "DENIED");
    let message = &refused.json()["errors"][0]["message"];
    assert_eq!(
        message,
        "a tag is immutable (v*) and points to something else"
    );
    push("latest", 1).await.check(201, "");
    push("latest", 2).await.check(201, "");

    let manifest = crate::client::image(numbered(3));
    let digest = Digest::sha256(&manifest);
    let credential = basic("jo", "secret-jo");
    let put = async |line: String, condition: (&str, &str)| {
        let headers = [
            ("authorization", credential.as_str()),
            ("content-type", crate::client::IMAGE),
            condition,
        ];
        web.send(&line, &headers, manifest.clone()).await
    };
    let none = ("x-none", "");
    let tags = |tags: &str| format!("PUT /v2/a/manifests/{digest}?{tags}");
    put(tags("tag=latest&tag=v1"), none)
        .await
        .check(403, "DENIED");
    put(tags("tag=latest&tag=v3"), none).await.check(201, "");
    let any = ("if-match", "*");
    put("PUT /v2/a/manifests/v1".to_owned(), any)
        .await
        .check(403, "DENIED");
    let absent = ("if-none-match", "*");
    put("PUT /v2/a/manifests/v1".to_owned(), absent)
        .await
        .check(412, "DENIED");
    put("PUT /v2/a/manifests/v4".to_owned(), absent)
        .await
        .check(201, "");
    let same = format!("\"{digest}\"");
    put("PUT /v2/a/manifests/v4".to_owned(), ("if-match", &same))
        .await
        .check(201, "");
    let first = Digest::sha256(&crate::client::image(numbered(1)));
    let reply = web.as_user("jo", "HEAD /v2/a/manifests/v1").await;
    assert_eq!(reply.header("docker-content-digest"), first.as_str());
}

#[tokio::test]
async fn of_fifty_clients_that_set_an_immutable_tag_one_wins() {
    let (web, _folder) = with_immutable_tags().await;
    web.push("jo", "a", "other", json!({})).await.check(201, "");
    let pushes = (0..50).map(|n| web.push("jo", "a", "v1", numbered(n)));
    let replies = futures_util::future::join_all(pushes).await;
    let won = replies
        .iter()
        .filter(|reply| reply.status == StatusCode::CREATED);
    assert_eq!(won.count(), 1);
    let lost = replies
        .iter()
        .filter(|reply| reply.status == StatusCode::FORBIDDEN);
    assert_eq!(lost.count(), 49);
}

#[tokio::test]
async fn a_client_certificate_is_an_identity() {
    let auth = Auth::new()
        .rule(rule("built/**", "cert:builder", &ALL))
        .rule(rule("shared/**", "@ci", &[Action::Pull]));
    let registry = Registry::builder().auth(auth).build().unwrap();
    let send = async |common_name: Option<&str>, line: &str, token: Option<&str>| {
        let (method, path) = line.split_once(' ').unwrap();
        let certificate = common_name.map(|name| Certificate {
            common_name: name.to_owned(),
            organizational_units: vec!["ci".to_owned()],
        });
        let peer = Peer {
            addr: None,
            tls: true,
            certificate,
        };
        let mut request = Request::builder().method(method).uri(path).extension(peer);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        registry
            .respond(request.body(Full::<bytes::Bytes>::default()).unwrap())
            .await
    };
    let status = async |name, line, token| send(name, line, token).await.status().as_u16();
    assert_eq!(status(Some("builder"), "GET /v2/", None).await, 200);
    assert_eq!(status(None, "GET /v2/", None).await, 401);
    let upload = "POST /v2/built/a/blobs/uploads/";
    assert_eq!(status(Some("builder"), upload, None).await, 202);
    assert_eq!(status(Some("other"), upload, None).await, 403);
    assert_eq!(status(None, upload, None).await, 401);
    assert_eq!(
        status(Some("other"), "GET /v2/shared/a/tags/list", None).await,
        404
    );

    let line = "GET /v2/token?scope=repository:built/a:push,pull";
    let reply = send(Some("builder"), line, None).await;
    let body = http_body_util::BodyExt::collect(reply.into_body())
        .await
        .unwrap()
        .to_bytes();
    let issued: Value = serde_json::from_slice(&body).unwrap();
    let token = issued["token"].as_str();
    assert_eq!(status(Some("builder"), upload, token).await, 202);
    // A stolen token is of no use without the certificate.
    assert_eq!(status(None, upload, token).await, 401);
    assert_eq!(status(Some("other"), upload, token).await, 401);
}

#[tokio::test]
async fn who_is_refused_is_told_what_and_named_in_the_log() {
    let (file, _folder) = users(&["ann"]);
    let rule = rule("public", "*", &[Action::Pull]);
    let auth = Auth::new().htpasswd(file).unwrap().rule(rule);
    let log = Log::default();
    let registry = Registry::builder().memory().auth(auth);
    let web = Web::of(registry.observer(log.clone()).build().unwrap()).await;
    let uploads = "POST /v2/public/blobs/uploads/";
    let reply = web.as_user("ann", uploads).await;
    reply.check(403, "DENIED");
    assert_eq!(
        reply.json()["errors"][0]["message"],
        "ann may not push to public"
    );
    let seen = log.take();
    assert_eq!(seen[0].user.as_deref(), Some("ann"));

    web.as_user("ann", "GET /v2/token").await.check(200, "");
    let form = "grant_type=password&username=ann&password=";
    let right = web.send("POST /v2/token", &[], format!("{form}secret-ann"));
    right.await.check(200, "");
    let wrong = web.send("POST /v2/token", &[], format!("{form}wrong"));
    wrong.await.check(401, "UNAUTHORIZED");
    let seen = log.take();
    let users: Vec<_> = seen.iter().map(|access| access.user.as_deref()).collect();
    assert_eq!(users, [Some("ann"), Some("ann"), None]);
}
