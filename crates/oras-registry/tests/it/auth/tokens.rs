//! The token service, and tokens where they are used.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oras_registry::auth::{Action, Auth, Rule};
use oras_registry::memory::MemoryDriver;
use oras_registry::{Registry, auth};
use serde_json::{Value, json};

use super::challenge;
use super::web::{Web, basic, users};
use crate::client::Reply;

/// `jo` may do everything with `team`, everybody may read `public`.
fn rules() -> Auth {
    let rule = |repository: &str, who: &str, allow: &[Action]| Rule {
        repositories: vec![repository.to_owned()],
        who: vec![who.to_owned()],
        allow: allow.to_vec(),
        ..Rule::default()
    };
    let all = [Action::Pull, Action::Push, Action::Delete];
    Auth::new()
        .rule(rule("team/**", "jo", &all))
        .rule(rule("public/**", "*", &[Action::Pull]))
}

async fn start() -> (Web, tempfile::TempDir) {
    let (file, folder) = users(&["jo", "ann"]);
    (Web::start(rules().htpasswd(file).unwrap()).await, folder)
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// What a token allows, as `name=actions`.
fn access(token: &str) -> Vec<String> {
    let claims = claims(token);
    let grants = claims["access"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let grants = grants.iter().map(|grant| {
        let actions = grant["actions"].as_array().unwrap();
        let actions: Vec<_> = actions.iter().map(text).collect();
        format!("{}={}", text(&grant["name"]), actions.join(","))
    });
    grants.collect()
}

#[tokio::test]
async fn a_token_has_as_much_of_the_scopes_as_the_user_may_have() {
    let (web, _folder) = start().await;
    let issued = web.asks("jo", "account=jo&client_id=docker").await;
    assert_eq!(issued["token"], issued["access_token"]);
    assert_eq!(issued["expires_in"], 300);
    let at = issued["issued_at"].as_str().unwrap();
    at.parse::<jiff::Timestamp>().unwrap();
    assert!(at.ends_with('Z') && issued.get("refresh_token").is_none());
    let token = issued["token"].as_str().unwrap();
    assert!(access(token).is_empty());
    assert_eq!(claims(token)["sub"], "jo");
    assert_eq!(claims(token)["aud"], web.host());
    web.bearer("GET /v2/", token).await.check(200, "");

    let check = async |user: &str, query: &str, expected: &[&str]| {
        let issued = web.asks(user, query).await;
        assert_eq!(
            access(issued["token"].as_str().unwrap()),
            expected,
            "{query}"
        );
    };
    let both = ["public/a=pull", "team/a=pull,push"];
    check(
        "jo",
        "scope=repository:team/a:pull,push&scope=repository:public/a:pull,push",
        &both,
    )
    .await;
    check(
        "jo",
        "scope=repository:team/a:pull,push%20repository:public/a:pull",
        &both,
    )
    .await;
    check(
        "jo",
        "scope=repository:team/a:pull,push+repository:public/a:pull",
        &both,
    )
    .await;
    check(
        "jo",
        "scope=repository:team/a:*",
        &["team/a=pull,push,delete"],
    )
    .await;
    check("jo", "scope=repository:other.example:5000/team/a:pull", &[]).await;
    check("jo", "scope=registry:catalog:*", &["catalog=*"]).await;
    check("ann", "scope=repository:team/a:pull,push", &[]).await;
    check(
        "",
        "scope=repository:public/a:pull,push",
        &["public/a=pull"],
    )
    .await;
    let own = format!("scope=repository:{}/team/a:pull", web.host());
    check("jo", &own, &["team/a=pull"]).await;
    let many: String = (0..300)
        .map(|n| format!("&scope=repository:team/a{n}:pull"))
        .collect();
    check("jo", &many, &["**=pull"]).await;
    let token = web.token("", "repository:public/a:pull").await;
    assert!(claims(&token).get("sub").is_none());
    web.bearer("GET /v2/", &token).await.check(200, "");
}

#[tokio::test]
async fn a_wrong_password_fails_and_asks_for_another() {
    let (web, _folder) = start().await;
    for path in ["/v2/token", "/token"] {
        let wrong = basic("jo", "wrong");
        let line = format!("GET {path}?offline_token=true");
        let reply = web.send(&line, &[("authorization", &wrong)], "").await;
        reply.check(401, "UNAUTHORIZED");
        assert!(challenge(&reply).starts_with("Basic realm=\""));
    }
    let (file, _folder) = users(&["jo"]);
    let closed = Web::start(Auth::new().htpasswd(file).unwrap()).await;
    let reply = closed.send("GET /v2/token", &[], "").await;
    reply.check(401, "UNAUTHORIZED");
    let open = Web::start(Auth::new()).await;
    let reply = open.send("GET /v2/token", &[], "").await;
    reply.check(404, "UNSUPPORTED");
}

async fn post(web: &Web, form: &str) -> Reply {
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    let line = "POST /v2/token";
    web.send(line, &[form_type], form.to_owned()).await
}

#[tokio::test]
async fn tokens_are_posted_for_and_refreshed_until_the_password_changes() {
    let (file, _folder) = users(&["jo"]);
    let web = Web::start(rules().htpasswd(&file).unwrap()).await;
    let scope = "service=x&client_id=c&scope=repository:team/a:pull+repository:team/b:push";
    let password = "grant_type=password&username=jo&password=secret-jo";
    let reply = post(&web, &format!("{password}&access_type=offline&{scope}")).await;
    reply.check(200, "");
    assert_eq!(reply.header("cache-control"), "no-store");
    let issued = reply.json();
    let token = issued["access_token"].as_str().unwrap();
    assert_eq!(access(token), ["team/a=pull", "team/b=push"]);
    assert!(
        post(&web, password)
            .await
            .json()
            .get("refresh_token")
            .is_none()
    );

    let offline = web.asks("jo", "offline_token=true").await;
    for issued in [&issued, &offline] {
        let refresh = issued["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={refresh}&{scope}");
        let reply = post(&web, &form).await;
        reply.check(200, "");
        let token = reply.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(access(&token), ["team/a=pull", "team/b=push"]);
        web.bearer("GET /v2/", &token).await.check(200, "");
        // Neither can be used as the other.
        web.bearer("GET /v2/", refresh)
            .await
            .check(401, "UNAUTHORIZED");
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        post(&web, &form).await.check(401, "UNAUTHORIZED");
    }

    for (form, status, error) in [
        (
            "grant_type=password&username=jo&password=x",
            401,
            "invalid_grant",
        ),
        ("grant_type=password", 401, "invalid_grant"),
        (
            "grant_type=refresh_token&refresh_token=x",
            401,
            "invalid_grant",
        ),
        ("grant_type=magic", 400, "unsupported_grant_type"),
        ("", 400, "invalid_request"),
    ] {
        let reply = post(&web, form).await;
        assert_eq!(reply.status.as_u16(), status, "{form}");
        assert_eq!(reply.json()["error"], error, "{form}");
    }
    let reply = post(&web, &"x".repeat(100_000)).await;
    reply.check(413, "SIZE_INVALID");

    let hash = bcrypt::hash("another", 4).unwrap();
    std::fs::write(&file, format!("jo:{hash}\n")).unwrap();
    let refresh = offline["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    while post(&web, &form).await.status.as_u16() == 200 {
        tokio::task::yield_now().await;
    }
    post(&web, &form).await.check(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_token_that_is_too_narrow_is_told_from_one_that_can_not_be_wider() {
    let (web, _folder) = start().await;
    let get = "GET /v2/team/app/tags/list";
    let narrow = web.token("jo", "repository:team/other:pull").await;
    let reply = web.bearer(get, &narrow).await;
    reply.check(401, "UNAUTHORIZED");
    let end = r#",scope="repository:team/app:pull",error="insufficient_scope""#;
    assert!(challenge(&reply).ends_with(end), "{}", challenge(&reply));
    let wide = web.token("jo", "repository:team/app:pull").await;
    web.bearer(get, &wide).await.check(404, "NAME_UNKNOWN");
    let reply = web.bearer("POST /v2/team/app/blobs/uploads/", &wide).await;
    assert!(challenge(&reply).contains("pull,push"));

    for user in ["ann", ""] {
        let refused = web.token(user, "repository:team/app:pull").await;
        let reply = web.bearer(get, &refused).await;
        reply.check(403, "DENIED");
        assert!(!reply.headers.contains_key("www-authenticate"));
        let unasked = web.token(user, "").await;
        let reply = web.bearer(get, &unasked).await;
        assert!(challenge(&reply).ends_with(end));
    }
    let reply = web.bearer("GET /v2/_catalog", &wide).await;
    assert!(challenge(&reply).ends_with(r#""registry:catalog:*",error="insufficient_scope""#));
    let catalog = web.token("jo", "registry:catalog:*").await;
    web.bearer("GET /v2/_catalog", &catalog)
        .await
        .check(200, "");
}

/// A token signed as the registry would.
fn signed(key: [u8; 32], header: &str, claims: &Value) -> String {
    let [header, claims] =
        [header.to_owned(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
    let text = format!("{header}.{claims}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn only_fresh_tokens_of_this_registry_count() {
    let (file, folder) = users(&["jo"]);
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, "07".repeat(32)).unwrap();
    let auth = rules().htpasswd(file).unwrap().token_key_file(key_file);
    let web = Web::start(auth).await;
    let good = claims(&web.token("jo", "repository:team/a:pull").await);
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let status = async |token: String| {
        let reply = web.bearer("GET /v2/team/a/tags/list", &token).await;
        let status = reply.status.as_u16();
        if status == 401 {
            assert!(challenge(&reply).ends_with(r#",error="invalid_token""#));
        }
        status
    };
    let key = [7; 32];
    assert_eq!(status(signed(key, header, &good)).await, 404);
    let now = good["iat"].as_u64().unwrap();
    for (name, value) in [
        ("exp", json!(now)),
        ("nbf", json!(now + 100)),
        ("aud", json!("other.example")),
        ("sub", json!("ann")),
        ("password", json!("x")),
        ("exp", Value::Null),
    ] {
        let mut changed = good.clone();
        changed[name] = value;
        assert_eq!(status(signed(key, header, &changed)).await, 401, "{name}");
    }
    assert_eq!(status(signed([8; 32], header, &good)).await, 401);
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS512","typ":"JWT"}"#, "{}"] {
        assert_eq!(status(signed(key, header, &good)).await, 401, "{header}");
    }
    let whole = signed(key, header, &good);
    let (unsigned, _) = whole.rsplit_once('.').unwrap();
    for token in [
        unsigned,
        &format!("{unsigned}."),
        "",
        "a.b.c",
        &"A".repeat(20_000),
    ] {
        assert_eq!(status(token.to_owned()).await, 401, "{token}");
    }
}

#[tokio::test]
async fn rights_are_asked_again_when_a_token_is_used() {
    let (file, folder) = users(&["jo"]);
    let key_file = folder.path().join("keys/key");
    let public_url = "http://registry.example";
    let driver = MemoryDriver::new();
    let start = async |auth: Auth| {
        let auth = auth.htpasswd(&file).unwrap().public_url(public_url);
        let auth: auth::Auth = auth.token_key_file(&key_file);
        let registry = Registry::builder().store(driver.clone()).auth(auth);
        Web::of(registry.build().unwrap()).await
    };
    let (before, after) = tokio::join!(start(rules()), start(rules().deny(["team/a"])));
    let token = before.token("jo", "repository:team/a:pull").await;
    let get = "GET /v2/team/a/tags/list";
    before.bearer(get, &token).await.check(404, "NAME_UNKNOWN");
    after.bearer(get, &token).await.check(403, "DENIED");
}

#[tokio::test]
async fn tokens_outlive_a_registry_that_keeps_everything_in_a_folder() {
    let (file, folder) = users(&["jo"]);
    let root = folder.path().join("root");
    let key_file = root.join(".oras/token.key");
    let open = Registry::builder().folder(&root).build().unwrap();
    assert!(!key_file.exists());
    drop(open);
    let start = async || {
        let auth = Auth::new().htpasswd(&file).unwrap();
        let auth = auth.public_url("http://registry.example");
        Web::of(
            Registry::builder()
                .folder(&root)
                .auth(auth)
                .build()
                .unwrap(),
        )
        .await
    };
    let before = start().await;
    let token = before.token("jo", "").await;
    drop(before);
    assert!(key_file.exists());
    let after = start().await;
    after.bearer("GET /v2/", &token).await.check(200, "");
    std::fs::write(&key_file, "nonsense").unwrap();
    let auth = Auth::new().htpasswd(&file).unwrap();
    let broken = Registry::builder().folder(&root).auth(auth).build();
    assert!(broken.is_err());
}

#[tokio::test]
async fn checks_are_counted_and_clients_of_a_trusted_proxy_are_logged() {
    for trusted in [true, false] {
        let (file, _folder) = users(&["jo"]);
        let auth = rules().htpasswd(file).unwrap();
        let proxies: &[&str] = if trusted { &["127.0.0.1"] } else { &[] };
        let log = crate::metrics::Log::default();
        let registry = Registry::builder().auth(auth.trusted_proxies(proxies.iter().copied()));
        let web = Web::of(registry.observer(log.clone()).build().unwrap()).await;
        let right = basic("jo", "secret-jo");
        let wrong = basic("jo", "secret");
        for (credential, status) in [(&right, 200), (&wrong, 401)] {
            let headers = [
                ("authorization", credential.as_str()),
                ("x-forwarded-for", "192.0.2.1"),
            ];
            let reply = web.send("GET /v2/", &headers, "").await;
            assert_eq!(reply.status.as_u16(), status);
        }
        let metrics = web.send("GET /metrics", &[], "").await;
        let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
        for result in ["accepted", "rejected"] {
            let line = format!(r#"oras_serve_auth_total{{method="basic",result="{result}"}} 1"#);
            assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}");
        }
        let expected = if trusted { "192.0.2.1" } else { "127.0.0.1" };
        let access = log.take();
        assert_eq!(access[0].remote.unwrap().to_string(), expected);
    }
}
