//! The programs people use, signing in.

use std::path::Path;

use oras_registry::auth::Auth;
use oras_testkit::peer::{Tool, skopeo};

use super::web::{Web, users};
use crate::tools::{attempt, layout, run};

const COPY: [&str; 5] = [
    "copy",
    "--preserve-digests",
    "--insecure-policy",
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
];

#[tokio::test]
async fn skopeo_signs_in_pushes_pulls_and_signs_out() {
    let skopeo = skopeo();
    let skopeo = skopeo.path();
    let (file, folder) = users(&["jo"]);
    let web = Web::start(Auth::new().htpasswd(file).unwrap().anonymous_pull(true)).await;
    let host = web.host();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir(&from).unwrap();
    layout(&from).await;
    let image = format!("docker://{host}/team/app:v1");
    let from = format!("oci:{}:v1", from.display());
    let to = format!("oci:{}:v1", to.display());
    let config = folder.path().join("auth.json");
    let config = format!("--authfile={}", config.display());
    let login = |password| {
        let insecure = "--tls-verify=false";
        [
            "login", insecure, &config, "-u", "jo", "-p", password, &host,
        ]
    };
    let copy = |from, to| [&COPY[..], &[&config, from, to]].concat();

    attempt(skopeo, &login("wrong")).await.unwrap_err();
    let refused = attempt(skopeo, &copy(&from, &image)).await.unwrap_err();
    assert!(
        refused.contains("denied") || refused.contains("authentication"),
        "{refused}"
    );
    run(skopeo, &login("secret-jo")).await;
    run(skopeo, &copy(&from, &image)).await;
    run(skopeo, &["logout", &config, &host]).await;
    // Nobody in particular may still read.
    run(skopeo, &copy(&image, &to)).await;
    attempt(skopeo, &copy(&to, &image)).await.unwrap_err();
}

/// Needs no container to run, only the file that says who is signed in.
#[tokio::test]
async fn podman_and_buildah_sign_in_with_the_right_password_only() {
    let (file, folder) = users(&["jo"]);
    let web = Web::start(Auth::new().htpasswd(file).unwrap()).await;
    let host = web.host();
    for name in ["podman", "buildah"] {
        let Some(tool) = Tool::find(name) else {
            eprintln!("note: {name} is not installed, so it is not tested");
            continue;
        };
        let config = folder.path().join(name);
        let config = format!("--authfile={}", config.display());
        sign_in(tool.path(), &host, &config).await;
    }
}

async fn sign_in(tool: &Path, host: &str, config: &str) {
    let login = |password| {
        [
            "login",
            "--tls-verify=false",
            config,
            "-u",
            "jo",
            "-p",
            password,
            host,
        ]
    };
    attempt(tool, &login("wrong")).await.unwrap_err();
    run(tool, &login("secret-jo")).await;
    run(tool, &["logout", config, host]).await;
}
