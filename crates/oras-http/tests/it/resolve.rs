use std::net::IpAddr;

use oras_http::{Request, ResolveRule};

use crate::server::{Server, builder, ok};

#[track_caller]
fn check(rule: &str, expected: Result<(&str, u16, &str, u16), &str>) {
    let found = rule
        .parse::<ResolveRule>()
        .map_err(|error| error.to_string());
    let expected = expected
        .map_err(str::to_owned)
        .map(|(host, port, address, address_port)| ResolveRule {
            host: host.to_owned(),
            port,
            address: address.parse::<IpAddr>().unwrap(),
            address_port,
        });
    assert_eq!(found, expected, "{rule}");
}

#[test]
fn rules_are_parsed_with_the_reference_errors() {
    check("a.test:80:10.0.0.1", Ok(("a.test", 80, "10.0.0.1", 80)));
    check(
        "a.test:80:10.0.0.1:5000",
        Ok(("a.test", 80, "10.0.0.1", 5000)),
    );
    check(
        "a:b",
        Err(r#"failed to parse resolve flag "a:b": expecting host:port:address[:address_port]"#),
    );
    check(
        "",
        Err(r#"failed to parse resolve flag "": expecting host:port:address[:address_port]"#),
    );
    check(
        "a:b:1.1.1.1",
        Err(r#"failed to parse resolve flag "a:b:1.1.1.1": expecting uint64 host port"#),
    );
    check(
        "a:80:foo",
        Err(r#"failed to parse resolve flag "a:80:foo": invalid IP address"#),
    );
    check(
        "a:80:1.1.1.1:x",
        Err(r#"failed to parse resolve flag "a:80:1.1.1.1:x": expecting uint64 address port"#),
    );
    check(
        "a:80:1.1.1.1:1:2",
        Err(r#"failed to parse resolve flag "a:80:1.1.1.1:1:2": expecting uint64 address port"#),
    );
    check(
        "a:80:::1",
        Err(r#"failed to parse resolve flag "a:80:::1": invalid IP address"#),
    );
}

#[tokio::test]
async fn the_last_rule_wins_and_the_host_header_stays() {
    let server = Server::start(|_, _| ok("here")).await;
    let rule = |address: &str| {
        format!("registry.test:80:{address}")
            .parse::<ResolveRule>()
            .unwrap()
    };
    let client = builder()
        .resolve(rule("127.0.0.1:1"))
        .resolve(rule(&server.address.to_string()))
        .resolve("registry.test:81:127.0.0.1:1".parse().unwrap())
        .build()
        .unwrap();
    let response = client
        .send(Request::get("http://registry.test/v2/".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(response.bytes(10).await.unwrap(), "here");
    assert_eq!(server.requests()[0].header("host"), Some("registry.test"));
}
