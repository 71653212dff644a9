use http::Method;
use oras_http::{Body, ErrorKind, Origin, Redirect, Request};

use crate::bodies::Source;
use crate::server::{Server, answer, builder, client, ok};

fn to(status: &str, location: impl ToString) -> Vec<u8> {
    answer(status, &[("Location", &location.to_string())], "")
}

#[tokio::test]
async fn another_origin_gets_no_credentials_and_home_never_gets_them_back() {
    // home -> storage -> home again
    let storage =
        Server::start(|_, request| to("307 Temporary Redirect", request.header("x-back").unwrap()))
            .await;
    let away = storage.url("/blob");
    let home = Server::start(move |number, _| match number {
        0 => to("307 Temporary Redirect", &away),
        _ => ok("data"),
    })
    .await;
    let client = builder()
        .origin(Origin::of(&home.url("/")).unwrap())
        .header("X-Secret", "s")
        .build()
        .unwrap();
    let request = Request::get(home.url("/start"))
        .header("Authorization", "Bearer t")
        .header("Cookie", "c=1")
        .header("X-Back", home.url("/end").as_str())
        .header("Accept", "a/b");
    let response = client.send(request).await.unwrap();

    assert_eq!(response.url, home.url("/end"));
    assert!(!response.is_from_other_origin());
    let (home, storage) = (home.requests(), storage.requests());
    assert_eq!(home[0].header("authorization"), Some("Bearer t"));
    assert_eq!(home[0].header("cookie"), Some("c=1"));
    assert_eq!(home[0].header("x-secret"), Some("s"));
    for later in [&storage[0], &home[1]] {
        for name in ["authorization", "cookie", "x-secret"] {
            assert_eq!(later.header(name), None, "{name}");
        }
        assert_eq!(later.header("accept"), Some("a/b"));
        assert_eq!(later.header("user-agent"), Some("test/1"));
    }
}

#[tokio::test]
async fn the_same_origin_keeps_credentials() {
    let server = Server::start(|number, _| {
        if number == 0 {
            to("302 Found", "/b?x=1")
        } else {
            ok("")
        }
    })
    .await;
    let client = builder()
        .origin(Origin::of(&server.url("/")).unwrap())
        .header("X-Secret", "s")
        .build()
        .unwrap();
    let request = Request::get(server.url("/a")).header("Authorization", "Bearer t");
    let response = client.send(request).await.unwrap();
    assert_eq!(response.url, server.url("/b?x=1"));
    assert_eq!(server.requests()[1].target, "/b?x=1");
    assert_eq!(
        server.requests()[1].header("authorization"),
        Some("Bearer t")
    );
    assert_eq!(server.requests()[1].header("x-secret"), Some("s"));
}

#[tokio::test]
async fn a_307_repeats_method_and_body() {
    let server = Server::start(|number, _| {
        if number == 0 {
            to("307 Temporary Redirect", "/b")
        } else {
            ok("")
        }
    })
    .await;
    let request =
        Request::new(Method::PUT, server.url("/a")).body(Source::of(b"the same bytes").body());
    client().send(request).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[1].method, "PUT");
    assert_eq!(requests[1].body, b"the same bytes");
}

#[tokio::test]
async fn a_307_is_returned_if_the_body_is_gone() {
    let server = Server::start(|_, _| to("307 Temporary Redirect", "/b")).await;
    let request =
        Request::new(Method::PUT, server.url("/a")).body(Source::of(b"once").one_shot().body());
    assert_eq!(client().send(request).await.unwrap().status, 307);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_303_turns_post_into_get_without_body() {
    let server = Server::start(|number, _| {
        if number == 0 {
            to("303 See Other", "/b")
        } else {
            ok("")
        }
    })
    .await;
    let request = Request::new(Method::POST, server.url("/a"))
        .header("Content-Type", "text/plain")
        .body(Body::bytes("form"));
    client().send(request).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[1].method, "GET");
    assert_eq!(requests[1].header("content-type"), None);
    assert_eq!(requests[1].header("content-length"), None);
}

#[tokio::test]
async fn a_loop_ends_after_ten() {
    let server = Server::start(|_, _| to("302 Found", "/again")).await;
    let error = client()
        .send(Request::get(server.url("/")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(
        error.to_string(),
        format!(
            "Get \"{}\": stopped after 10 redirects",
            server.url("/again")
        )
    );
    assert_eq!(server.requests().len(), 11);
}

#[tokio::test]
async fn redirects_can_be_left_to_the_caller() {
    let server = Server::start(|_, _| to("302 Found", "/b")).await;
    let request = Request::get(server.url("/a")).redirect(Redirect::None);
    assert_eq!(client().send(request).await.unwrap().status, 302);
}

#[tokio::test]
async fn userinfo_in_a_location_is_ignored_and_never_printed() {
    let server = Server::start(|number, request| {
        if number == 0 {
            to(
                "302 Found",
                format!("http://u:p@{}/b", request.header("host").unwrap()),
            )
        } else {
            Vec::new()
        }
    })
    .await;
    let client = builder()
        .retry(oras_http::RetryPolicy::never())
        .build()
        .unwrap();
    let error = client
        .send(Request::get(server.url("/a")))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Get \"{}\": EOF", server.url("/b"))
    );
    assert_eq!(server.requests()[1].header("authorization"), None);
}

#[tokio::test]
async fn other_schemes_are_not_followed() {
    let server = Server::start(|_, _| to("302 Found", "file:///etc/passwd")).await;
    let error = client()
        .send(Request::get(server.url("/")))
        .await
        .unwrap_err();
    assert_eq!(error.cause(), "unsupported protocol scheme \"file\"");
}
