use oras::content::Error as Sdk;
use oras::spec::RegistryError;

use super::*;

fn repository() -> Audience {
    Audience::Repository(Registry {
        host: "localhost:5000".into(),
        config: Some("empty.config".into()),
        namespaced: None,
    })
}

fn answer(host: &str, errors: Vec<RegistryError>) -> Sdk {
    Sdk::new(
        ErrorKind::Unauthorized,
        "response status code 401: Unauthorized",
    )
    .with_response(ResponseInfo {
        method: "HEAD".into(),
        url: format!("http://{host}/v2/m/manifests/t"),
        host: host.into(),
        status: 401,
        errors,
    })
    .context("failed to resolve digest")
}

#[track_caller]
fn check(error: Sdk, audience: &Audience, expected: &str) {
    assert_eq!(audience.words(&error).text(), expected);
}

#[test]
fn a_registry_answer_replaces_all_wrapping() {
    check(
        answer("localhost:5000", Vec::new()),
        &repository(),
        "Error response from registry: HEAD \"http://localhost:5000/v2/m/manifests/t\": response status code 401: Unauthorized",
    );
    let errors = vec![
        RegistryError::new("UNAUTHORIZED", "authentication required"),
        RegistryError::new("DENIED", ""),
    ];
    check(
        answer("localhost:5000", errors),
        &repository(),
        "Error response from registry: unauthorized: authentication required; denied",
    );
}

#[test]
fn an_answer_of_another_host_is_told_as_it_is() {
    check(
        answer("elsewhere:80", Vec::new()),
        &repository(),
        "Error: failed to resolve digest: response status code 401: Unauthorized",
    );
}

#[test]
fn what_is_not_there_is_the_registry_s_word_except_for_layouts() {
    let error = || Sdk::not_found("localhost:5000/m:nosuch").context("failed to resolve digest");
    let text = "failed to resolve digest: localhost:5000/m:nosuch: not found";
    check(
        error(),
        &repository(),
        &format!("Error response from registry: {text}"),
    );
    check(
        error(),
        &Audience::LayoutPath,
        &format!("Error response from registry: {text}"),
    );
    check(error(), &Audience::Layout, &format!("Error: {text}"));
}

#[test]
fn a_missing_credential_names_the_file_to_look_at() {
    let error = Sdk::new(ErrorKind::Credential, NO_CREDENTIAL)
        .context("Get \"http://localhost:5000/v2/m/manifests/t\"")
        .context("failed to resolve digest");
    check(
        error,
        &repository(),
        "Error: failed to resolve digest: basic credential not found\n\
         Please check whether the registry credential stored in the authentication file at \"empty.config\" is correct",
    );
}

#[test]
fn errors_while_copying_name_the_side() {
    let end = |kind, raw: &str, audience| End {
        kind,
        raw: raw.into(),
        audience,
    };
    let ends = Ends {
        source: end("oci-layout", "lay:x", Audience::Layout),
        destination: end("registry", "localhost:5000/z:v1", repository()),
    };
    let told = |error: Sdk| ends.tell(error.into()).into_failure().text();
    assert_eq!(
        told(Sdk::new(ErrorKind::NotFound, "not found").with_side(Side::Source)),
        "Error from source oci-layout for \"lay:x\": not found",
    );
    assert_eq!(
        told(answer("localhost:5000", Vec::new()).with_side(Side::Destination)),
        "Error from destination registry for \"localhost:5000/z:v1\": HEAD \"http://localhost:5000/v2/m/manifests/t\": response status code 401: Unauthorized",
    );
    assert_eq!(
        told(Sdk::new(
            ErrorKind::NotFound,
            "failed to resolve nosuch: not found"
        )),
        "Error response from registry: failed to resolve nosuch: not found",
    );
}
