//! What the command says when it is called wrongly: the words of the reference tool, because scripts read them
//!. Nothing here needs a registry.

use oras_testkit::command::{Oras, Output};

fn oras() -> Oras {
    Oras::new(env!("CARGO_BIN_EXE_oras"))
}

fn call(line: &str) -> Output {
    oras().run(line.split(' ').filter(|word| !word.is_empty()))
}

/// The call fails with exactly this on standard error and nothing on standard output.
#[track_caller]
fn refuses(line: &str, stderr: &str) {
    let output = call(line);
    assert_eq!(output.code, Some(1), "{}", output.all());
    assert_eq!(output.stderr, format!("{stderr}\n"), "oras {line}");
    assert_eq!(output.stdout, "", "oras {line}");
}

#[test]
fn unknown_commands_come_with_suggestions() {
    refuses(
        "nosuch",
        "Error: unknown command \"nosuch\" for \"oras\"\nRun 'oras --help' for usage.",
    );
    let suggesting = |word: &str, names: &str| {
        let expected = format!(
            "Error: unknown command \"{word}\" for \"oras\"\n\nDid you mean this?\n{names}\nRun 'oras --help' for usage."
        );
        refuses(word, &expected);
    };
    suggesting("pus", "\tpull\n\tpush\n");
    suggesting("cpoy", "\tcp\n");
    suggesting("remove", "\tresolve\n");
    // A deliberate difference: the reference tool shows the help of the group and exits 0.
    refuses(
        "blob nosuch",
        "Error: unknown command \"nosuch\" for \"oras blob\"\nRun 'oras blob --help' for usage.",
    );
}

#[test]
fn flag_errors_are_one_line_in_the_words_of_go() {
    for (line, text) in [
        ("push --nosuch", "unknown flag: --nosuch"),
        ("push -Z", "unknown shorthand flag: 'Z' in -Z"),
        ("--version", "unknown flag: --version"),
        ("-v", "unknown shorthand flag: 'v' in -v"),
        ("push --user me x", "unknown flag: --user"),
        (
            "blob push --media-type",
            "flag needs an argument: --media-type",
        ),
        ("pull -u", "flag needs an argument: 'u' in -u"),
        (
            "blob push --size abc",
            r#"invalid argument "abc" for "--size" flag: strconv.ParseInt: parsing "abc": invalid syntax"#,
        ),
        (
            "pull --plain-http=x",
            r#"invalid argument "x" for "--plain-http" flag: strconv.ParseBool: parsing "x": invalid syntax"#,
        ),
        (
            "pull --debug=x",
            r#"invalid argument "x" for "-d, --debug" flag: strconv.ParseBool: parsing "x": invalid syntax"#,
        ),
        (
            "attach --distribution-spec ???",
            "invalid argument \"???\" for \"--distribution-spec\" flag: unknown distribution specification flag: ???\nAvailable options: v1.1-referrers-tag, v1.1-referrers-api",
        ),
        (
            "push --image-spec v2",
            "invalid argument \"v2\" for \"--image-spec\" flag: unknown image specification flag: v2\nAvailable options: v1.1, v1.0",
        ),
        (
            "manifest fetch --media-type a\"b",
            "invalid argument \"a\\\"b\" for \"--media-type\" flag: parse error on line 1, column 2: bare \" in non-quoted-field",
        ),
        ("pull --help --nosuch", "unknown flag: --nosuch"),
    ] {
        refuses(line, &format!("Error: {text}"));
    }
}

#[test]
fn a_wrong_number_of_arguments_takes_three_lines() {
    let expected = |path: &str, usage: &str, count: &str, what: &str, got: usize| {
        format!(
            "Error: \"{path}\" requires {count} but got {got}\nUsage: {path} {usage}\nPlease specify {count} as {what}. Run \"{path} -h\" for more options and examples"
        )
    };
    for (line, usage, count, what) in [
        (
            "push",
            "[flags] <name>[:<tag>[,<tag>][...]] <file>[:<type>] [...]",
            "at least 1 argument",
            "the destination for pushing",
        ),
        (
            "pull",
            "[flags] <name>{:<tag>|@<digest>}",
            "exactly 1 argument",
            "the artifact reference you want to pull",
        ),
        (
            "attach",
            "[flags] --artifact-type=<type> <name>{:<tag>|@<digest>} {<file>[:<layer_media_type>]|--annotation <key>=<value>} [...]",
            "at least 1 argument",
            "the destination artifact for attaching.",
        ),
        (
            "discover",
            "[flags] <name>{:<tag>|@<digest>}",
            "exactly 1 argument",
            "the target artifact to discover referrers from",
        ),
        (
            "cp",
            "[flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]",
            "exactly 2 argument",
            "the source and destination for copying",
        ),
        (
            "blob fetch",
            "[flags] {--output <file> | --descriptor} <name>@<digest>",
            "exactly 1 argument",
            "the target blob to fetch",
        ),
        (
            "blob push",
            "[flags] <name>[@digest] <file>",
            "exactly 2 argument",
            "the destination to push to and the file to read blob content from",
        ),
        (
            "blob delete",
            "[flags] <name>@<digest>",
            "exactly 1 argument",
            "the target blob to delete",
        ),
        (
            "manifest fetch",
            "[flags] <name>{:<tag>|@<digest>}",
            "exactly 1 argument",
            "the manifest to fetch",
        ),
        (
            "manifest fetch-config",
            "[flags] <name>{:<tag>|@<digest>}",
            "exactly 1 argument",
            "the manifest config to fetch",
        ),
        (
            "manifest push",
            "[flags] <name>[:<tag>[,<tag>][...]|@<digest>] <file>",
            "exactly 2 argument",
            "the destination to push to and the file to read manifest content from",
        ),
        (
            "manifest delete",
            "[flags] <name>{:<tag>|@<digest>}",
            "exactly 1 argument",
            "the manifest to delete",
        ),
        (
            "repo ls",
            "[flags] <registry>",
            "exactly 1 argument",
            "the target registry to list repositories from",
        ),
        (
            "repo tags",
            "[flags] <name>",
            "exactly 1 argument",
            "the target repository to list tags from",
        ),
        (
            "resolve",
            "[flags] <name>{:<tag>|@<digest>}",
            "exactly 1 argument",
            "the target artifact reference to resolve",
        ),
        (
            "tag",
            "[flags] <name>{:<tag>|@<digest>} <new_tag> [...]",
            "at least 1 argument",
            "the artifact to be retagged and the tags to be added",
        ),
    ] {
        refuses(
            line,
            &expected(&format!("oras {line}"), usage, count, what, 0),
        );
    }
    // Aliases are told by their canonical names.
    let usage = "[flags] <name>{:<tag>|@<digest>}";
    let what = "the manifest to fetch";
    refuses(
        "manifest show a b",
        &expected("oras manifest fetch", usage, "exactly 1 argument", what, 2),
    );
}

#[test]
fn bad_references_say_what_is_wrong() {
    let reason = |raw: &str, reason: &str| {
        let hint = "Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]";
        refuses(
            &format!("resolve {raw}"),
            &format!("Error: \"{raw}\": invalid reference: {reason}\n{hint}"),
        );
    };
    reason("/oras", "invalid registry \"\"");
    reason("foo", "missing registry or repository");
    reason("ubuntu:latest", "missing registry or repository");
    reason("r/B:v1", "invalid repository \"B\"");
    reason("r/m:bad!", "invalid tag \"bad!\"");
    reason(
        "r/m@sha256:00",
        "invalid digest \"sha256:00\": invalid checksum digest length",
    );
    reason(
        "r/m@md5:abc",
        "invalid digest \"md5:abc\": unsupported digest algorithm",
    );
    reason(
        "r/m@sha256",
        "invalid digest \"sha256\": invalid checksum digest format",
    );
    reason(
        "http://localhost:5000/m:v1",
        "invalid repository \"/localhost\"",
    );
}

#[test]
fn a_missing_reference_names_the_forms() {
    refuses(
        "manifest fetch localhost:1/m",
        "Error: \"localhost:1/m\": no tag or digest specified\nUsage: oras manifest fetch [flags] <name>{:<tag>|@<digest>}\nPlease specify a reference in the form of \"<name>:<tag>\" or \"<name>@<digest>\". Run \"oras manifest fetch -h\" for more options and examples",
    );
    refuses(
        "blob delete localhost:1/m",
        "Error: \"localhost:1/m\": no digest specified\nUsage: oras blob delete [flags] <name>@<digest>\nPlease specify a reference in the form of \"<name>@<digest>\". Run \"oras blob delete -h\" for more options and examples",
    );
    call("attach --artifact-type a/b localhost:1/m")
        .fails()
        .complains([
            "no tag or digest specified",
            "\nAre you missing an artifact reference to attach to? Please specify a reference",
        ]);
}

#[test]
fn flags_that_exclude_each_other_are_told_together() {
    for (line, text) in [
        (
            "pull -u a --identity-token b r/m:v1",
            "--username, --identity-token cannot be used at the same time",
        ),
        (
            "pull -p a --identity-token b --password-stdin r/m:v1",
            "--password, --identity-token, --password-stdin cannot be used at the same time",
        ),
        (
            "pull --oci-layout=false --oci-layout-path= x",
            "--oci-layout-path, --oci-layout cannot be used at the same time",
        ),
        (
            "pull --cert-file x r/m:v1",
            "--cert-file must be used in conjunction with --key-file",
        ),
        ("pull -H bad r/m:v1", "invalid header: \"bad\""),
        (
            "attach --artifact-type a/b --oci-layout -H=foo:bar lay:v1",
            "custom header flags cannot be used on an OCI image layout target",
        ),
        (
            "cp --from-username a --from-identity-token b r/m:v1 r/n",
            "--from-username, --from-identity-token cannot be used at the same time",
        ),
        (
            "cp --to-key-file x r/m:v1 r/n",
            "--to-key-file must be used in conjunction with --to-cert-file",
        ),
        (
            "cp --from-oci-layout --from-oci-layout-path x r/m:v1 r/n",
            "--from-oci-layout-path, --from-oci-layout cannot be used at the same time",
        ),
        (
            "push --config a --artifact-type t/t --artifact-platform linux r/m",
            "--config, --artifact-platform cannot be used at the same time",
        ),
        (
            "manifest fetch --format json --pretty r/m:v1",
            "--format, --pretty cannot be used at the same time",
        ),
        (
            "manifest fetch --format text --descriptor r/m:v1",
            "--format, --descriptor cannot be used at the same time",
        ),
        (
            "manifest fetch -o - --format json r/m:v1",
            "`--output -` cannot be used with `--format ` at the same time",
        ),
        (
            "blob fetch r/m@x",
            "either `--output` or `--descriptor` must be provided",
        ),
        (
            "blob delete --descriptor r/m@x",
            "must apply --force to confirm the deletion if the descriptor is outputted",
        ),
        (
            "blob push r/m -",
            "`--size` must be provided if the blob is read from stdin",
        ),
        (
            "manifest push --password-stdin r/m -",
            "`-` read file from input and `--password-stdin` read password from input cannot be both used",
        ),
        (
            "discover --depth 0 r/m:v1",
            "depth value should be at least 1",
        ),
        (
            "discover --output json --format tree r/m:v1",
            "--format, --output cannot be used at the same time",
        ),
        ("push --platform x r/m", "unknown flag: --platform"),
        (
            "pull --platform a/b/c/d r/m:v1",
            "failed to parse platform \"a/b/c/d\": expected format os[/arch[/variant]]",
        ),
        ("push -a k=1 -a k=2 r/m", "duplicate annotation key: k, "),
        (
            "push --config f --image-spec v1.0 --artifact-type t/t r/m",
            "--artifact-type and --config cannot both be provided for 1.0 OCI image",
        ),
        (
            "attach r/m:v1 file",
            "required flag(s) \"artifact-type\" not set",
        ),
        (
            "attach foo file",
            "\"foo\": invalid reference: missing registry or repository\nPlease make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]",
        ),
    ] {
        refuses_last(line, &format!("Error: {text}"));
    }
}

/// Like [`refuses`], with warnings allowed in front.
#[track_caller]
fn refuses_last(line: &str, error: &str) {
    let output = call(line);
    assert_eq!(output.code, Some(1), "{}", output.all());
    assert!(
        output.stderr.ends_with(&format!("{error}\n")),
        "oras {line}\n{}",
        output.stderr
    );
    assert_eq!(output.stdout, "", "oras {line}");
}

#[test]
fn secrets_on_the_command_line_are_warned_about_but_not_for_cp() {
    let warning = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n";
    let output = call("pull -u me -p hunter2 localhost:1/m");
    assert!(output.stderr.starts_with(warning), "{}", output.stderr);
    assert!(!output.stderr.contains("hunter2"));
    assert!(
        !call("cp --from-username me --from-password x localhost:1/m r/n")
            .stderr
            .contains("WARNING")
    );
    assert!(
        !call("pull --oci-layout -p x nosuch:v1")
            .stderr
            .contains("WARNING")
    );
}

#[test]
fn templates_are_checked_before_anything_is_done() {
    refuses(
        "repo tags --template x r/m",
        "Error: --template must be used with --format go-template",
    );
    refuses(
        "repo tags --format go-template r/m",
        "Error: \"go-template\" format specified but no template given\nuse `--format go-template=TEMPLATE` to specify the template",
    );
    refuses(
        "repo tags --format yaml r/m",
        "Error: invalid format type: \"yaml\"\nsupported types: json, go-template, text",
    );
    refuses(
        "repo tags --format go-template={{.tags r/m",
        "Error: template: format output:1: unclosed action",
    );
}

#[test]
fn help_is_on_standard_output_and_never_shows_deprecated_flags() {
    for line in [
        "push",
        "pull",
        "attach",
        "discover",
        "cp",
        "resolve",
        "tag",
        "blob fetch",
        "blob push",
        "blob delete",
        "manifest fetch",
        "manifest fetch-config",
        "manifest push",
        "manifest delete",
        "repo ls",
        "repo tags",
    ] {
        let output = call(&format!("{line} surplus arguments --help")).ok();
        assert!(output.stdout.contains("\nExample - "), "{line}");
        assert!(
            output.stdout.contains(&format!("\nUsage:\n  oras {line} ")),
            "{line}"
        );
        assert!(output.stdout.contains("\nFlags:\n"), "{line}");
        assert!(!output.stdout.contains("--verbose"), "{line}");
        assert_eq!(output.stderr, "", "{line}");
    }
    let discover = call("discover -h").ok().stdout;
    assert!(discover.starts_with("[Preview] Discover"));
    assert!(discover.contains("** This command is in preview and under development. **"));
    assert!(discover.contains("disable colors") && !discover.contains("disable progress bars"));
    call("manifest get --help")
        .ok()
        .says(["Aliases:\n  fetch, get, show\n"]);
    assert_eq!(call("").ok().stdout, call("help").ok().stdout);
    assert_eq!(
        call("help blob nosuch").ok().stdout,
        call("blob").ok().stdout
    );
    let nosuch = call("help nosuch");
    assert_eq!((nosuch.code, nosuch.stdout.as_str()), (Some(0), ""));
    assert!(
        nosuch
            .stderr
            .starts_with("Unknown help topic [`nosuch`]\nUsage:\n  oras [command]\n")
    );
}

#[test]
fn cp_has_prefixed_flags_and_no_plain_ones() {
    let help = call("cp --help").ok().stdout;
    for flag in [
        "--from-username string",
        "--to-plain-http",
        "--from-header stringArray",
        "--resolve host:port",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
    for line in help
        .lines()
        .filter(|line| line.contains("-distribution-spec "))
    {
        assert!(
            line.contains("-spec string  ") && line.contains("  [Preview] "),
            "{line}"
        );
    }
    assert!(!help.contains("-stdin") && !help.contains(" --username"));
    refuses("cp --username x a b", "Error: unknown flag: --username");
    refuses(
        "cp --from-password-stdin a b",
        "Error: unknown flag: --from-password-stdin",
    );
}

#[test]
fn the_deprecated_flag_is_noticed_once_per_use() {
    let notice = "Flag --verbose has been deprecated, and will be removed in a future release.\n";
    let output = call("resolve -v --verbose=false localhost:1/m");
    assert!(
        output.stderr.starts_with(&notice.repeat(2)),
        "{}",
        output.stderr
    );
    assert!(!call("resolve -v --nosuch").stderr.contains("deprecated"));
}

#[test]
fn version_ignores_arguments_and_says_so() {
    let output = call("version a b").ok();
    assert_eq!(
        output.stderr,
        "warning: `oras version` requires no argument, \"a,b\" will be ignored\n"
    );
    assert!(
        output.stdout.starts_with("Version:    1.3.3\n"),
        "{}",
        output.stdout
    );
    output.says(["\nOS/Arch:    "]);
}

#[test]
fn a_full_standard_output_is_an_error() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_oras"))
        .arg("version")
        .stdout(
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        )
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "Error: display output error: write /dev/stdout: no space left on device\n"
    );
}

#[test]
fn tag_list_points_to_repo_tags() {
    refuses(
        "tag list",
        "Error: there is no \"list\" sub-command for \"oras tag\" command\nUsage: oras tag [flags] <name>{:<tag>|@<digest>} <new_tag> [...]\nIf you want to list available tags in a repository, use \"oras repo tags\"",
    );
    call("tag --oci-layout ls")
        .fails()
        .complains(["in an OCI image layout, use"]);
}

#[test]
fn a_missing_layout_is_not_made_by_reading() {
    let oras = oras();
    let output = oras.run(["pull", "--oci-layout", "nolay:v1"]);
    let expected = "Error: invalid argument \"nolay:v1\": failed to find path \"nolay\": stat nolay: no such file or directory\n";
    assert_eq!((output.code, output.stderr.as_str()), (Some(1), expected));
    assert!(!oras.home().join("nolay").exists());
    let output = oras.run(["repo", "tags", "--oci-layout", ":v1"]);
    assert_eq!(
        output.stderr,
        "Error: found empty file path in \":v1\"\ninvalid reference\n"
    );
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_command_with_an_error_of_its_own() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("{}/app:v1", silent.local_addr().unwrap());
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_oras"))
        .args(["resolve", "--plain-http", &name])
        .env("HOME", "/nonexistent")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It is in the middle of a request that is never answered.
    let _connection = silent.accept().unwrap();
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "Error: interrupt signal received\n"
    );
}
