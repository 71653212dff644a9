//! Listings in pages.

use futures_util::TryStreamExt;
use oras_content::{ErrorKind, ListTags};
use oras_testkit::fault::{Answer, FaultServer};

use crate::support::{client, repository};

fn page(names: &[&str]) -> Answer {
    let tags = serde_json::json!({"name": "app", "tags": names});
    Answer::ok("application/json", tags.to_string())
}

async fn tags(server: &FaultServer) -> Result<Vec<Vec<String>>, oras_content::Error> {
    repository(&server.reference("app"))
        .tags(None)
        .try_collect()
        .await
}

#[tokio::test]
async fn links_are_followed_on_the_same_origin() {
    let server = FaultServer::start(|request| match request.target.as_str() {
        "/v2/app/tags/list" => {
            page(&["a", "b"]).header("Link", r#"</v2/app/tags/list?last=b&n=2>; rel="next""#)
        }
        "/v2/app/tags/list?last=b&n=2" => page(&[]).header("Link", "<list?last=c>; rel=next"),
        _ => Answer::ok("application/json", r#"{"name":"app","tags":null}"#),
    });
    assert_eq!(
        tags(&server).await.unwrap(),
        [vec!["a".to_owned(), "b".to_owned()], vec![], vec![]]
    );
}

#[tokio::test]
async fn a_link_to_another_origin_is_refused_and_not_visited() {
    let other = FaultServer::start(|_| page(&["x"]));
    let link = format!("<{}/next>; rel=\"next\"", other.url());
    let server = FaultServer::start(move |_| page(&["a"]).header("Link", &link));
    let error = tags(&server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let expected = format!(
        r#"invalid next link "{}/next": not the same origin as "{}""#,
        other.url(),
        server.url()
    );
    assert_eq!(error.to_string(), expected);
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_refused_link_is_shown_without_its_secrets() {
    for (link, shown) in [
        (
            "http://u:secret@other.test/x?sig=secret",
            "http://other.test/x?sig=*****",
        ),
        ("http://[secret?sig=secret", "http://[secret"),
    ] {
        let server = FaultServer::start(move |_| page(&["a"]).header("Link", format!("<{link}>")));
        let text = tags(&server).await.unwrap_err().to_string();
        let expected = format!("invalid next link \"{shown}\": ");
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[tokio::test]
async fn a_circle_of_pages_ends() {
    let server =
        FaultServer::start(|_| page(&["a"]).header("Link", "</v2/app/tags/list>; rel=\"next\""));
    let error = tags(&server).await.unwrap_err();
    assert!(error.to_string().contains("leads in a circle"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn pages_without_end_end() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let server = FaultServer::start(move |_| {
        let next = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        page(&[]).header(
            "Link",
            format!("</v2/app/tags/list?last={next}>; rel=\"next\""),
        )
    });
    let error = tags(&server).await.unwrap_err();
    let expected = "the registry's list has more than 10000 pages";
    assert!(error.to_string().ends_with(expected), "{error}");
    assert_eq!(server.requests().len(), 10_000);
}

#[tokio::test]
async fn full_pages_without_links_are_followed_by_their_last_name() {
    let server = FaultServer::start(|request| match request.target.as_str() {
        "/v2/app/tags/list?n=2" => page(&["a", "b"]),
        "/v2/app/tags/list?last=b&n=2" => page(&["c"]),
        other => Answer::error(400, "UNSUPPORTED", other),
    });
    let app = repository(&server.reference("app")).with_page_size(2);
    let pages: Vec<_> = app.tags(None).try_collect().await.unwrap();
    assert_eq!(pages, [vec!["a", "b"], vec!["c"]]);
    let after: Vec<_> = app.tags(Some("b")).try_collect().await.unwrap();
    assert_eq!(after, [vec!["c"]]);
}

#[tokio::test]
async fn a_page_that_is_too_long_or_no_json_is_an_error() {
    let server = FaultServer::start(|_| Answer::ok("application/json", vec![b' '; (4 << 20) + 1]));
    assert_eq!(
        tags(&server).await.unwrap_err().kind(),
        ErrorKind::SizeLimit
    );
    let server = FaultServer::start(|_| Answer::ok("text/html", "<html>"));
    assert_eq!(tags(&server).await.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn something_else_than_a_registry_is_not_found() {
    let server = FaultServer::start(|_| Answer::status(404).body("nothing here"));
    let registry = client().registry(&server.addr()).unwrap();
    let error = registry.ping().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFound, "not found")
    );
    assert_eq!(
        client().registry("a b").unwrap_err().to_string(),
        r#"invalid reference: invalid registry "a b""#
    );
    assert_eq!(
        client().registry("docker.io").unwrap().host(),
        "registry-1.docker.io"
    );
}
