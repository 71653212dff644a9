use std::io::{Read, Write};
use std::net::TcpStream;

use super::{Answer, FakeRegistry, FaultServer, Length};
use crate::fixture::Graph;

fn ask(server: &FaultServer, request: &str) -> String {
    let mut socket = TcpStream::connect(server.addr()).unwrap();
    socket
        .write_all(request.replace('\n', "\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn get(server: &FaultServer, path: &str) -> String {
    ask(
        server,
        &format!("GET {path} HTTP/1.1\nConnection: close\n\n"),
    )
}

#[test]
fn lies_about_lengths_are_told_as_asked() {
    let server = FaultServer::start(|request| match request.path() {
        "/claimed" => Answer::ok("a/b", "abc").length(Length::Claimed(9)),
        "/chunked" => Answer::ok("a/b", "abc").length(Length::Chunked),
        "/cut" => Answer::ok("a/b", "abc").cut_after(1),
        _ => Answer::status(404).cut_after(0),
    });
    assert!(get(&server, "/claimed").contains("Content-Length: 9\r\n"));
    assert!(get(&server, "/chunked").ends_with("3\r\nabc\r\n0\r\n\r\n"));
    assert!(get(&server, "/cut").ends_with("Content-Length: 3\r\nConnection: close\r\n\r\na"));
    assert_eq!(get(&server, "/gone"), "");
    assert_eq!(
        server.request_lines(),
        ["GET /claimed", "GET /chunked", "GET /cut", "GET /gone"]
    );
}

#[test]
fn the_fake_registry_keeps_what_is_pushed() {
    let server = FakeRegistry::new(Graph::new()).with_referrers_api().serve();
    let digest = Graph::new().blob("a/b", "abc").digest;
    let uploaded = ask(
        &server,
        &format!(
            "PUT /v2/x/blobs/uploads/7?digest={digest} HTTP/1.1\nContent-Length: 3\nConnection: close\n\nabc"
        ),
    );
    assert!(uploaded.starts_with("HTTP/1.1 201"), "{uploaded}");
    assert!(get(&server, &format!("/v2/x/blobs/{digest}")).ends_with("\r\n\r\nabc"));
    let empty = get(&server, &format!("/v2/x/referrers/{digest}"));
    assert!(empty.contains(r#""manifests":[]"#), "{empty}");
}
