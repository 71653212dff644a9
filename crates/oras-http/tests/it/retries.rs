use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::Method;
use oras_http::{Body, Client, ErrorKind, Request, RetryNotice};

use crate::bodies::Source;
use crate::server::{Server, answer, builder, client, fast_retries, ok};

/// A client that tells what it waited for.
fn noting() -> (Client, Arc<Mutex<Vec<RetryNotice>>>) {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&notices);
    let client = builder()
        .on_retry(Arc::new(move |notice| {
            seen.lock().unwrap().push(notice.clone());
        }))
        .build()
        .unwrap();
    (client, notices)
}

#[tokio::test]
async fn a_503_is_retried_with_the_same_body() {
    let server = Server::start(|number, _| {
        if number < 2 {
            answer("503 Service Unavailable", &[], "")
        } else {
            ok("done")
        }
    })
    .await;
    let data: Vec<u8> = (0..700_000_u32).map(|n| n as u8).collect();
    let (client, notices) = noting();
    let request =
        Request::new(Method::PUT, server.url("/a?_state=s")).body(Source::of(&data).body());
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status, 200);
    assert!(server.requests().iter().all(|request| request.body == data));
    assert_eq!(server.requests().len(), 3);
    let notices = notices.lock().unwrap();
    assert_eq!(
        notices
            .iter()
            .map(|notice| notice.attempt)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(notices[0].cause, "503 Service Unavailable");
    assert_eq!(
        notices[0].request,
        format!("PUT {}?_state=*****", server.url("/a"))
    );
}

#[tokio::test]
async fn exhausted_retries_return_the_last_answer() {
    let server =
        Server::start(|number, _| answer("500 Internal Server Error", &[], &number.to_string()))
            .await;
    let response = client().send(Request::get(server.url("/"))).await.unwrap();
    assert_eq!(response.status, 500);
    assert_eq!(response.bytes(10).await.unwrap(), "5");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn other_statuses_are_final() {
    for status in [
        "401 Unauthorized",
        "404 Not Found",
        "501 Not Implemented",
        "507 Insufficient Storage",
    ] {
        let server = Server::start(move |_, _| answer(status, &[], "")).await;
        client().send(Request::get(server.url("/"))).await.unwrap();
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_the_cap() {
    let date = jiff::Timestamp::try_from(SystemTime::now() + Duration::from_secs(3600)).unwrap();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&date)
        .unwrap();
    for (status, value) in [
        ("429 Too Many Requests", "7".to_owned()),
        ("503 Service Unavailable", date),
    ] {
        let server = Server::start(move |number, _| match number {
            0 => answer(status, &[("Retry-After", &value)], ""),
            _ => ok(""),
        })
        .await;
        let (client, notices) = noting();
        client.send(Request::get(server.url("/"))).await.unwrap();
        assert_eq!(
            notices.lock().unwrap()[0].wait,
            fast_retries().max_retry_after
        );
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_repeated_is_sent_once() {
    let server = Server::start(|_, _| answer("503 Service Unavailable", &[], "")).await;
    let request =
        Request::new(Method::PUT, server.url("/")).body(Source::of(b"once").one_shot().body());
    assert_eq!(client().send(request).await.unwrap().status, 503);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_is_retried() {
    let server = Server::start(|number, _| if number == 0 { Vec::new() } else { ok("done") }).await;
    let request = Request::new(Method::POST, server.url("/")).body(Body::bytes("x"));
    let response = client().send(request).await.unwrap();
    assert_eq!(response.bytes(10).await.unwrap(), "done");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_connection_closed_every_time_ends_as_eof() {
    let server = Server::start(|_, _| Vec::new()).await;
    let error = client()
        .send(Request::get(server.url("/")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(
        error.to_string(),
        format!("Get \"{}\": EOF", server.url("/"))
    );
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn the_budget_ends_retrying() {
    let server = Server::start(|_, _| answer("503 Service Unavailable", &[], "")).await;
    let mut policy = fast_retries();
    policy.budget = Duration::ZERO;
    let client = builder().retry(policy).build().unwrap();
    client.send(Request::get(server.url("/"))).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}
