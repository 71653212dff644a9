//! Who may do what, over a socket.

mod clients;
mod pages;
mod rights;
mod tokens;
mod web;

use oras_registry::Registry;
use oras_registry::auth::Auth;

use self::web::{Web, basic, users};

const PULL: &str = "/v2/team/app/manifests/v1";

/// The challenge of an answer.
fn challenge(reply: &crate::client::Reply) -> &str {
    assert_eq!(reply.headers.get_all("www-authenticate").iter().count(), 1);
    reply.header("www-authenticate")
}

#[tokio::test]
async fn the_base_asks_everybody_to_sign_in_even_if_reading_is_free() {
    for anonymous_pull in [false, true] {
        let (file, _folder) = users(&["jo"]);
        let auth = Auth::new().htpasswd(file).unwrap();
        let web = Web::start(auth.anonymous_pull(anonymous_pull)).await;
        let expected = format!(
            r#"Bearer realm="http://{0}/v2/token",service="{0}""#,
            web.host()
        );
        for line in ["GET /v2/", "HEAD /v2/", "GET /v2"] {
            let reply = web.send(line, &[], "").await;
            assert_eq!(reply.status.as_u16(), 401);
            assert_eq!(challenge(&reply), expected);
        }
        let wrong = basic("jo", "wrong");
        let schemes = [&wrong, "Basic ?", "Digest x", ""];
        for credential in schemes {
            let reply = web
                .send("GET /v2/", &[("authorization", credential)], "")
                .await;
            reply.check(401, "UNAUTHORIZED");
            assert_eq!(challenge(&reply), expected);
        }
        let right = basic("jo", "secret-jo");
        let reply = web.send("GET /v2/", &[("authorization", &right)], "").await;
        reply.check(200, "");
        assert_eq!(&reply.body[..], b"{}");
    }
}

#[tokio::test]
async fn a_challenge_says_what_is_needed() {
    let (file, _folder) = users(&["jo"]);
    let web = Web::start(Auth::new().htpasswd(file).unwrap()).await;
    let digest = oras_spec::Digest::sha256(b"{}");
    let check = async |line: &str, scope: &str| {
        let reply = web.send(line, &[], "").await;
        assert_eq!(reply.status.as_u16(), 401, "{line}");
        let end = format!(r#",scope="{scope}""#);
        assert!(
            challenge(&reply).ends_with(&end),
            "{line}: {}",
            challenge(&reply)
        );
        if !line.starts_with("HEAD") {
            let action = &reply.json()["errors"][0]["detail"][0]["action"];
            let actions = scope.split(' ').next().unwrap().rsplit(':').next().unwrap();
            assert_eq!(action, actions.split(',').next().unwrap());
        }
    };
    let blob = format!("/v2/a/b/blobs/{digest}");
    check(&format!("GET {PULL}"), "repository:team/app:pull").await;
    check(&format!("HEAD {PULL}"), "repository:team/app:pull").await;
    check(&format!("PUT {PULL}"), "repository:team/app:pull,push").await;
    check(&format!("DELETE {PULL}"), "repository:team/app:delete").await;
    check(&format!("GET {blob}"), "repository:a/b:pull").await;
    check(&format!("DELETE {blob}"), "repository:a/b:delete").await;
    check("GET /v2/a/b/tags/list", "repository:a/b:pull").await;
    check(
        &format!("GET /v2/a/referrers/{digest}"),
        "repository:a:pull",
    )
    .await;
    check("GET /v2/_catalog", "registry:catalog:*").await;
    let uploads = "/v2/a/b/blobs/uploads/";
    check(&format!("POST {uploads}"), "repository:a/b:pull,push").await;
    for method in ["GET", "PATCH", "PUT", "DELETE"] {
        let line = format!("{method} {uploads}1");
        check(&line, "repository:a/b:pull,push").await;
    }
    let mount = |from: &str| format!("POST {uploads}?mount={digest}&from={from}");
    let both = "repository:a/b:pull,push repository:c:pull";
    check(&mount("c"), both).await;
    check(&mount("c%22%2Cx"), "repository:a/b:pull,push").await;
}

#[tokio::test]
async fn the_realm_is_where_the_client_found_the_registry() {
    let (file, _folder) = users(&["jo"]);
    let realm = async |auth: Auth, headers: &[(&str, &str)]| {
        let web = Web::start(auth.htpasswd(file.clone()).unwrap()).await;
        let reply = web.send("GET /v2/", headers, "").await;
        challenge(&reply).to_owned()
    };
    let says = |address: &str, service: &str| {
        format!(r#"Bearer realm="{address}/v2/token",service="{service}""#)
    };
    for host in ["registry.example:5000", "[::1]:5000", "10.1.2.3"] {
        let got = realm(Auth::new(), &[("host", host)]).await;
        assert_eq!(got, says(&format!("http://{host}"), host));
    }
    let forwarded = [
        ("host", "inner"),
        ("x-forwarded-host", "r.example"),
        ("x-forwarded-proto", "https"),
    ];
    let got = realm(Auth::new().trusted_proxies(["127.0.0.0/8"]), &forwarded).await;
    assert_eq!(got, says("https://r.example", "r.example"));
    let got = realm(Auth::new().trusted_proxies(["10.0.0.0/8"]), &forwarded).await;
    assert_eq!(got, says("http://inner", "inner"));
    let got = realm(Auth::new().public_url("https://p.example/"), &forwarded).await;
    assert_eq!(got, says("https://p.example", "p.example"));
}

#[tokio::test]
async fn a_changed_file_of_users_counts_while_the_server_runs() {
    let (file, _folder) = users(&["jo"]);
    let web = Web::start(Auth::new().htpasswd(&file).unwrap()).await;
    let status = async |user: &str| {
        let credential = basic(user, &format!("secret-{user}"));
        let reply = web
            .send("GET /v2/", &[("authorization", &credential)], "")
            .await;
        reply.status.as_u16()
    };
    let token = web.token("jo", "").await;
    assert_eq!((status("jo").await, status("ann").await), (200, 401));
    let (others, _other_folder) = users(&["ann"]);
    std::fs::rename(others, &file).unwrap();
    // Refusals take longer and longer, so these are few.
    while status("ann").await != 200 {}
    assert_eq!(status("jo").await, 401);
    let reply = web.bearer("GET /v2/", &token).await;
    reply.check(401, "UNAUTHORIZED");
    assert!(challenge(&reply).ends_with(r#",error="invalid_token""#));
}

#[tokio::test]
async fn who_tries_passwords_is_slowed_down_and_others_are_not() {
    let (file, _folder) = users(&["jo", "ann"]);
    let web = Web::start(Auth::new().htpasswd(file).unwrap()).await;
    let attempts = (0..30).map(|n| {
        let (web, wrong) = (&web, basic("jo", &n.to_string()));
        async move { web.send("GET /v2/", &[("authorization", &wrong)], "").await }
    });
    let ann = async {
        let right = basic("ann", "secret-ann");
        web.send("GET /v2/", &[("authorization", &right)], "").await
    };
    let (replies, ann) = tokio::join!(futures_util::future::join_all(attempts), ann);
    ann.check(200, "");
    let (mut refused, mut slowed) = (0, 0);
    for reply in replies {
        match reply.status.as_u16() {
            401 => refused += 1,
            _ => {
                reply.check(429, "TOOMANYREQUESTS");
                assert_eq!(reply.header("retry-after"), "1");
                slowed += 1;
            }
        }
    }
    assert!(refused <= 12 && slowed >= 18, "{refused} {slowed}");
}

#[tokio::test]
async fn mistakes_in_the_settings_are_errors() {
    let build = |auth: Auth| {
        let error = Registry::builder().auth(auth).build().err().unwrap();
        std::error::Error::source(&error).unwrap().to_string()
    };
    assert_eq!(
        build(Auth::new().deny(["a//b"])),
        "invalid pattern \"a//b\": a part of it is empty"
    );
    assert_eq!(
        build(Auth::new().trusted_proxies(["here"])),
        "not a network or address: \"here\""
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    std::fs::write(&file, "\njo:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n").unwrap();
    let error = Auth::new().htpasswd(&file).err().unwrap().to_string();
    assert!(
        error.contains("line 2: ") && !error.contains("2jmj"),
        "{error}"
    );
}
