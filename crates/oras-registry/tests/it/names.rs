//! Names of repositories.

use oras_spec::Digest;
use serde_json::json;

use crate::both::{Storage, on_both};

on_both!(
    repositories_of_every_valid_name_hold_lists_and_forget,
    invalid_names_are_refused_by_every_endpoint,
);

/// The longest component, the longest name, and all there is between.
fn valid() -> Vec<String> {
    let long = [
        "x".repeat(200),
        format!("{}/{}", "y".repeat(200), "z".repeat(54)),
    ];
    let short = [
        "a",
        "0",
        "a0",
        "a/b",
        "a/b/c/d/e/f/g",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a--b",
        "a----b",
        "a-b_c.d__e",
        "0.0",
        "1/2/3",
        "a.b/c_d/e-f",
        "blobs",
        "uploads",
        "manifests",
        "tags",
        "referrers",
        "list",
        "index.json",
        "oci-layout",
        "con",
        "nul",
        "aux.txt",
        "a/blobs",
        "a/blobs/uploads",
        "a/manifests",
        "a/tags",
        "a/tags/list",
        "a/referrers",
        "blobs/uploads",
        "blobs/uploads/blobs/uploads",
        "manifests/v1",
        "tags/list/tags/list",
        "v2",
        "v2/v2",
        "sha256",
        "a/index.json",
        "a/oci-layout",
        "library/debian",
        "com.example/x",
    ];
    short
        .iter()
        .map(|name| (*name).to_owned())
        .chain(long)
        .collect()
}

fn invalid() -> Vec<String> {
    let long = [
        "x".repeat(201),
        format!("{}/{}", "y".repeat(200), "z".repeat(55)),
        "a/".repeat(128) + "a",
    ];
    let short = [
        "A",
        "aB",
        "a/B",
        "Library/debian",
        "_a",
        "a_",
        "-a",
        "a-",
        ".a",
        "a.",
        ".",
        "..",
        "a/..",
        "../a",
        "a/../b",
        "a/./b",
        "a..b",
        "a___b",
        "a._b",
        "a_.b",
        "a-.b",
        "a.-b",
        "a-_b",
        "a_-b",
        "a//b",
        "a/",
        "/a",
        "",
        "a+b",
        "a:b",
        "a@b",
        "a~b",
        "a$b",
        "a%20b",
        "a%2Fb",
        "a%2fb",
        "%61%2F%62",
        "a%00b",
        "%C3%A9",
        "a%ff",
        "a*",
        "(a)",
        "_catalog",
        "a/_b",
    ];
    short
        .iter()
        .map(|name| (*name).to_owned())
        .chain(long)
        .collect()
}

async fn repositories_of_every_valid_name_hold_lists_and_forget(storage: Storage) {
    let client = storage.client();
    let names = valid();
    assert!(names.len() >= 40);
    for name in &names {
        let digest = client.image(name, "v1").await;
        let session = client.session(name).await;
        let blob = Digest::sha256(name.as_bytes());
        let put = format!("PUT {session}?digest={blob}");
        client.send(&put, &[], name.clone()).await.check(201, "");
        let reply = client.get(&format!("/v2/{name}/blobs/{blob}")).await;
        assert_eq!(&reply.body[..], name.as_bytes());
        let reply = client.get(&format!("/v2/{name}/manifests/v1")).await;
        assert_eq!(reply.header("docker-content-digest"), digest.as_str());
        let reply = client.get(&format!("/v2/{name}/tags/list")).await;
        assert_eq!(reply.json(), json!({ "name": name, "tags": ["v1"] }));
        let reply = client.get(&format!("/v2/{name}/referrers/{digest}")).await;
        assert_eq!(reply.json()["manifests"], json!([]));
    }
    let mut sorted = names.clone();
    sorted.sort();
    let catalog = client.get("/v2/_catalog").await.json();
    assert_eq!(catalog["repositories"], json!(sorted));
    for name in &names {
        let digest = client.get(&format!("/v2/{name}/manifests/v1")).await;
        let digest = digest.header("docker-content-digest").to_owned();
        let delete = format!("DELETE /v2/{name}/manifests/{digest}");
        client.send(&delete, &[], "").await.check(202, "");
    }
    let catalog = client.get("/v2/_catalog").await.json();
    assert_eq!(catalog["repositories"], json!([]));
}

async fn invalid_names_are_refused_by_every_endpoint(storage: Storage) {
    let client = storage.client();
    let names = invalid();
    assert!(names.len() >= 40);
    let digest = Digest::sha256(b"");
    for name in names {
        for line in [
            format!("GET /v2/{name}/tags/list"),
            format!("GET /v2/{name}/manifests/v1"),
            format!("PUT /v2/{name}/manifests/v1"),
            format!("DELETE /v2/{name}/manifests/{digest}"),
            format!("GET /v2/{name}/blobs/{digest}"),
            format!("POST /v2/{name}/blobs/uploads/?digest={digest}"),
            format!("PATCH /v2/{name}/blobs/uploads/00000000-0000-4000-8000-000000000000"),
            format!("GET /v2/{name}/referrers/{digest}"),
        ] {
            let reply = client.send(&line, &[], "").await;
            let code = &reply.json()["errors"][0]["code"];
            assert_eq!(
                (reply.status.as_u16(), code),
                (400, &json!("NAME_INVALID")),
                "{line}"
            );
        }
    }
    let catalog = client.get("/v2/_catalog").await.json();
    assert_eq!(catalog["repositories"], json!([]));
}
