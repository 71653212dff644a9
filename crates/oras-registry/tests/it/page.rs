//! Pages for people with a browser: who gets one, how it is sent, and how lists are cut.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oras_registry::Registry;
use oras_spec::Digest;

use crate::client::{Client, Reply};

/// What browsers ask for.
pub(crate) const ACCEPT: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

/// Opens a page like a browser does.
pub(crate) async fn look(client: &Client, path: &str) -> Page {
    Page::of(
        client
            .send(
                &format!("GET {path}"),
                &[("accept", ACCEPT), ("host", "reg.example:5000")],
                "",
            )
            .await,
    )
}

pub(crate) struct Page {
    pub(crate) reply: Reply,
    pub(crate) html: String,
}

impl Page {
    /// Checks what holds for every page.
    #[track_caller]
    pub(crate) fn of(reply: Reply) -> Self {
        let html = String::from_utf8(reply.body.to_vec()).unwrap();
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert_eq!(reply.header("vary"), "Accept, Authorization");
        if !html.is_empty() {
            assert!(
                html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"),
                "{html}"
            );
            let style = between(&html, "<style>", "</style>");
            let digest = Digest::sha256(style.as_bytes());
            let bytes: Vec<u8> = (0..64)
                .step_by(2)
                .map(|at| u8::from_str_radix(&digest.encoded()[at..at + 2], 16).unwrap())
                .collect();
            let policy = format!(
                "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'self'; \
                 frame-ancestors 'none'",
                STANDARD.encode(bytes)
            );
            assert_eq!(reply.header("content-security-policy"), policy);
            assert!(
                !html.contains("<script") && !html.contains(" style="),
                "{html}"
            );
        }
        Self { reply, html }
    }

    #[track_caller]
    pub(crate) fn has(&self, text: &str) {
        assert!(self.html.contains(text), "no {text} in {}", self.html);
    }

    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) {
        assert!(!self.html.contains(text), "{text} in {}", self.html);
    }

    /// All addresses it links to.
    pub(crate) fn links(&self) -> Vec<String> {
        let starts = self.html.match_indices("<a ");
        let tags = starts.map(|(at, _)| between(&self.html[at..], "<a ", ">"));
        let links = tags.map(|tag| between(tag, "href=\"", "\""));
        links.map(|link| link.replace("&amp;", "&")).collect()
    }

    /// Where its next page is.
    pub(crate) fn next(&self) -> Option<String> {
        let at = self.html.find("rel=\"next\"")?;
        Some(between(&self.html[at..], "href=\"", "\"").replace("&amp;", "&"))
    }
}

pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

#[tokio::test]
async fn browsers_get_a_page_and_programs_a_line_of_text() {
    let client = Client::new();
    let check = async |accept: &str, html: bool| {
        let reply = client.send("GET /", &[("accept", accept)], "").await;
        reply.check(200, "");
        let got = reply.header("content-type").starts_with("text/html");
        assert_eq!(got, html, "{accept}");
    };
    check(ACCEPT, true).await;
    check("text/html", true).await;
    check("application/json;q=0.5, TEXT/HTML; q=0.6", true).await;
    for program in [
        "*/*",
        "",
        "text/plain",
        "text/html;q=0.1, text/plain",
        "text/html;q=0",
        "text/html;q=x",
    ] {
        check(program, false).await;
    }
    let reply = client.get("/").await;
    assert!(reply.body.starts_with(b"oras registry "));
}

#[tokio::test]
async fn without_the_page_there_is_only_the_api() {
    let client = Client::of(Registry::builder().page(false).build().unwrap());
    client.image("a", "v1").await;
    let html = [("accept", ACCEPT)];
    let reply = client.send("GET /", &html, "").await;
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    for path in ["/r/a", "/r/a:v1", "/r/b"] {
        let reply = client.send(&format!("GET {path}"), &html, "").await;
        reply.check(404, "UNSUPPORTED");
        assert_eq!(reply.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn an_empty_registry_says_how_to_begin() {
    let page = look(&Client::new(), "/").await;
    page.has("oras push reg.example:5000/hello:v1");
    page.lacks("<form");
}

#[tokio::test]
async fn pages_are_only_read() {
    let client = Client::new();
    let digest = client.image("a", "v1").await;
    let (tag, by_digest) = ("/r/a:v1", format!("/r/a@{digest}"));
    for path in ["/", "/r/a", tag, &by_digest, "/r/nowhere"] {
        let page = look(&client, path).await;
        let head = client
            .send(
                &format!("HEAD {path}"),
                &[("accept", ACCEPT), ("host", "reg.example:5000")],
                "",
            )
            .await;
        assert_eq!(head.status, page.reply.status, "{path}");
        assert_eq!(head.header("content-length"), page.html.len().to_string());
        let head = Page::of(head);
        assert!(head.html.is_empty());
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = client.send(&format!("{method} {tag}"), &[], "").await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("allow")),
            (405, "GET, HEAD")
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so() {
    let client = Client::new();
    client.image("a", "v1").await;
    let digest = Digest::sha256(b"nothing");
    for path in [
        "/r/b",
        "/r/a:v2",
        "/r/b:v1",
        "/r/A",
        "/r/",
        "/r/../a",
        "/r/a%2Fb",
        "/r/a:%3Cscript%3E",
        "/r/a@sha256:00",
        &format!("/r/a@{digest}"),
        &format!("/r/b@{digest}"),
        "/r/a:v1?after=%3Cscript%3E",
    ] {
        let page = look(&client, path).await;
        assert_eq!(page.reply.status, 404, "{path}");
        page.has("Nothing here");
        page.lacks("script");
    }
}

#[tokio::test]
async fn repositories_come_in_pages_and_can_be_filtered() {
    let client = Client::new();
    for number in 0..120 {
        let space = if number % 2 == 0 { "even" } else { "odd" };
        client.image(&format!("{space}/n{number:03}"), "v1").await;
    }
    client.image("even/n000", "v2").await;
    let walk = async |start: &str| {
        let (mut next, mut sizes, mut names) = (Some(start.to_owned()), Vec::new(), Vec::new());
        while let Some(path) = next {
            let page = look(&client, &path).await;
            let links = page.links();
            let found = links.iter().filter_map(|link| link.strip_prefix("/r/"));
            let before = names.len();
            names.extend(found.map(str::to_owned));
            sizes.push(names.len() - before);
            next = page.next();
        }
        assert!(names.is_sorted());
        (sizes, names.len())
    };
    assert_eq!(walk("/").await, (vec![50, 50, 20], 120));
    assert_eq!(walk("/?filter=odd").await, (vec![50, 10], 60));
    assert_eq!(walk("/?filter=ODD+n00").await, (vec![5], 5));
    assert_eq!(walk("/?filter=nothing").await, (vec![0], 0));

    let page = look(&client, "/").await;
    page.has("<span class=\"note\">2 tags</span>");
    page.has("<span class=\"note\">1 tag</span>");
    page.has("<form class=\"filter\" action=\"/\" method=\"get\"");
    let page = look(&client, "/?filter=odd+n01&after=odd/n011").await;
    page.has("value=\"odd n01\"");
    page.lacks("/r/odd/n011\"");
    page.has("/r/odd/n013\"");
    assert!(
        page.links().contains(&"/?filter=odd+n01".to_owned()),
        "{:?}",
        page.links()
    );
    let page = look(&client, "/?filter=nothing").await;
    page.has("No repository matches <b><bdi>nothing</bdi></b>");
}

#[tokio::test]
async fn tags_come_in_pages_and_can_be_filtered() {
    let client = Client::new();
    for number in 0..60 {
        client.image("team/app", &format!("v{number:02}")).await;
    }
    let first = look(&client, "/r/team/app").await;
    first.has("oras repo tags reg.example:5000/team/app");
    assert_eq!(
        first
            .links()
            .iter()
            .filter(|link| link.starts_with("/r/team/app:"))
            .count(),
        50
    );
    let next = first.next().unwrap();
    assert_eq!(next, "/r/team/app?after=v49");
    let second = look(&client, &next).await;
    assert_eq!(
        second
            .links()
            .iter()
            .filter(|link| link.starts_with("/r/team/app:"))
            .count(),
        10
    );
    assert_eq!(second.next(), None);
    assert!(second.links().contains(&"/r/team/app".to_owned()));
    let filtered = look(&client, "/r/team/app?filter=v5").await;
    assert_eq!(
        filtered
            .links()
            .iter()
            .filter(|link| link.starts_with("/r/team/app:"))
            .count(),
        10
    );

    client.blob("only-blobs", "x").await;
    let page = look(&client, "/r/only-blobs").await;
    assert_eq!(page.reply.status, 200);
    page.has("No tags.");
}

#[tokio::test]
async fn a_host_that_is_none_does_not_get_into_commands() {
    let client = Client::new();
    client.image("a", "v1").await;
    for host in [
        "a.example;id",
        "$(id)",
        "\"><script>",
        "a.example/x",
        "",
        "-x",
        "é",
    ] {
        let headers = [("accept", ACCEPT), ("host", host)];
        let page = Page::of(client.send("GET /r/a:v1", &headers, "").await);
        page.has("<code>oras pull REGISTRY/a:v1</code>");
    }
    let headers = [("accept", ACCEPT), ("host", "[::1]:5000")];
    let page = Page::of(client.send("GET /r/a:v1", &headers, "").await);
    page.has("<code>oras pull [::1]:5000/a:v1</code>");
}
