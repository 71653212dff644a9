//! Pages about what an attacker pushed.

use oras_spec::Digest;
use serde_json::{Value, json};

use crate::client::{Client, IMAGE, image};
use crate::page::look;

/// Texts that would do something if they were not text, and what a page makes of them.
const HOSTILE: [(&str, &str); 8] = [
    (
        "<script>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ),
    (
        "\"><img src=x onerror=alert(1)>",
        "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;",
    ),
    (
        "</style></title><svg onload=alert(1)>",
        "&lt;/style&gt;&lt;/title&gt;&lt;svg onload=alert(1)&gt;",
    ),
    (
        "--><iframe src=//evil.example>",
        "--&gt;&lt;iframe src=//evil.example&gt;",
    ),
    ("&lt;b&gt;<b>&#60;", "&amp;lt;b&amp;gt;&lt;b&gt;&amp;#60;"),
    (
        "gpj.\u{202e}exe",
        "gpj.<span class=\"hidden\">U+202E</span>exe",
    ),
    (
        "a\u{1b}[2J\u{0}\u{200b}b",
        "a<span class=\"hidden\">U+001B</span>[2J<span class=\"hidden\">U+0000 U+200B</span>b",
    ),
    (
        "\u{2066}\u{e0041}x",
        "<span class=\"hidden\">U+2066 U+E0041</span>x",
    ),
];

/// A manifest that has `text` wherever a text can be.
fn manifest(text: &str) -> Vec<u8> {
    let digest = Digest::sha256(b"{}");
    image(json!({
        "artifactType": text,
        "layers": [
            {
                "mediaType": text, "digest": digest.as_str(), "size": 2,
                "annotations": { "org.opencontainers.image.title": text, text: text },
            },
            { "mediaType": text, "digest": digest.as_str(), "size": 2, "urls": [text] },
        ],
        "annotations": {
            text: text,
            "org.opencontainers.image.url": text,
            "org.opencontainers.image.source": text,
            "org.opencontainers.image.created": text,
        },
    }))
}

async fn push(client: &Client, name: &str, manifest: Vec<u8>) -> Digest {
    client.blob(name, "{}").await;
    let digest = Digest::sha256(&manifest);
    client
        .put(&format!("/v2/{name}/manifests/v1"), IMAGE, manifest)
        .await
        .check(201, "");
    digest
}

#[tokio::test]
async fn hostile_texts_are_text_wherever_they_stand() {
    for (text, shown) in HOSTILE {
        let client = Client::new();
        let subject = push(&client, "a", manifest(text)).await;
        let mut referrer: Value = serde_json::from_slice(&manifest(text)).unwrap();
        referrer["subject"] = json!({ "mediaType": text, "digest": subject.as_str(), "size": 1 });
        let referrer = push(&client, "a", serde_json::to_vec(&referrer).unwrap()).await;
        let paths = [
            "/".into(),
            "/r/a".into(),
            format!("/r/a@{subject}"),
            format!("/r/a@{referrer}"),
        ];
        for path in &paths {
            let page = look(&client, path).await;
            assert_eq!(page.reply.status, 200);
            page.lacks(text);
            if path != "/" {
                page.has(shown);
            }
        }
        // Type, two layers, annotations, the link back, and the source.
        let page = look(&client, &paths[3]).await;
        let number = page.html.matches(shown).count();
        assert!(number >= 10, "{number} times {shown} in {}", page.html);
    }
}

#[tokio::test]
async fn hostile_filters_and_pages_are_text() {
    let client = Client::new();
    for number in 0..60 {
        client.image("a", &format!("v{number}")).await;
    }
    let text = "\"><script>";
    let escaped = "%22%3E%3Cscript%3E";
    for path in [
        format!("/?filter={escaped}"),
        format!("/?after={escaped}"),
        format!("/r/a?filter={escaped}"),
        format!("/r/a?after={escaped}&filter=v"),
    ] {
        let page = look(&client, &path).await;
        assert_eq!(page.reply.status, 200, "{path}");
        page.lacks(text);
    }
    look(&client, &format!("/?filter={escaped}"))
        .await
        .has("&quot;&gt;&lt;script&gt;");
}

#[tokio::test]
async fn only_web_addresses_become_links() {
    for bad in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "https://bank.example@evil.example/",
        "//evil.example",
        "ftp://a.example/",
        "https://a\u{202e}.example/",
    ] {
        let client = Client::new();
        push(&client, "a", manifest(bad)).await;
        let page = look(&client, "/r/a:v1").await;
        let outside: Vec<String> = page
            .links()
            .into_iter()
            .filter(|link| !link.starts_with('/'))
            .collect();
        assert_eq!(outside, Vec::<String>::new(), "{bad}");
    }
    let client = Client::new();
    push(
        &client,
        "a",
        manifest("https://a.example/\"onclick=\"alert(1)"),
    )
    .await;
    let page = look(&client, "/r/a:v1").await;
    page.has("href=\"https://a.example/%22onclick=%22alert(1)\"");
    page.lacks("\"onclick=\"");
}

#[tokio::test]
async fn files_are_offered_under_harmless_names() {
    let client = Client::new();
    push(&client, "a", manifest("../x/.\u{202e}\"y<z>.txt")).await;
    look(&client, "/r/a:v1")
        .await
        .has("download=\"__y_z_.txt\"");
}

#[tokio::test]
async fn what_is_long_or_many_is_cut_with_a_note() {
    let client = Client::new();
    let long = "é".repeat(100_000);
    push(&client, "long", manifest(&long)).await;
    for path in ["/r/long", "/r/long:v1"] {
        let page = look(&client, path).await;
        assert!(page.html.len() < 256 * 1024, "{path}: {}", page.html.len());
        if path == "/r/long:v1" {
            page.has("more characters");
            page.has("Cut after");
        }
    }
    let digest = Digest::sha256(b"{}");
    let file = json!({ "mediaType": "a/b\u{202e}x\u{202e}", "digest": digest.as_str(), "size": 2 });
    let annotations: Value = (0..1_000)
        .map(|key| (key.to_string(), json!("\u{202e}a".repeat(20))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let many = image(json!({ "layers": vec![file; 2_000], "annotations": annotations }));
    push(&client, "many", many).await;
    let page = look(&client, "/r/many:v1").await;
    page.has("2,000 files");
    page.has("And 1,800 files more");
    page.has("And 900 annotations more");
    assert!(page.html.len() < 1024 * 1024, "{}", page.html.len());
}
