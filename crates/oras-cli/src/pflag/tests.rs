use super::*;

fn command() -> Command {
    prepare(
        Command::new("test")
            .arg(
                Arg::new("debug")
                    .long("debug")
                    .short('d')
                    .action(ArgAction::SetTrue),
            )
            .arg(
                Arg::new("username")
                    .long("username")
                    .short('u')
                    .default_value(""),
            )
            .arg(
                Arg::new("header")
                    .long("header")
                    .short('H')
                    .action(ArgAction::Append),
            )
            .arg(
                Arg::new("size")
                    .long("size")
                    .value_parser(parse_int)
                    .default_value("-1"),
            ),
    )
}

fn words(line: &str) -> Vec<String> {
    line.split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn reads(line: &str, user: &str, debug: bool, positionals: &[&str]) {
    let read = parse(&command(), &words(line)).unwrap();
    assert_eq!(
        read.matches.get_one::<String>("username").unwrap(),
        user,
        "{line}"
    );
    assert_eq!(
        *read.matches.get_one::<bool>("debug").unwrap(),
        debug,
        "{line}"
    );
    assert_eq!(read.positionals, positionals, "{line}");
}

#[track_caller]
fn refuses(line: &str, error: &str) {
    assert_eq!(
        parse(&command(), &words(line)).unwrap_err().to_string(),
        error,
        "{line}"
    );
}

#[test]
fn every_notation_of_a_flag_is_read() {
    reads("a -u me b", "me", false, &["a", "b"]);
    reads("-ume", "me", false, &[]);
    reads("-u=me", "me", false, &[]);
    reads("-du me", "me", true, &[]);
    reads("--username me --username you", "you", false, &[]);
    reads("--username=-x --debug x", "-x", true, &["x"]);
    reads("-u -x - -- -u", "-x", false, &["-", "-u"]);
    reads("--debug=T --debug=0 true", "", false, &["true"]);
    reads("--username=", "", false, &[]);
}

#[test]
fn errors_are_in_the_words_of_go() {
    refuses("--nosuch", "unknown flag: --nosuch");
    refuses("--user me", "unknown flag: --user");
    refuses("---x", "bad flag syntax: ---x");
    refuses("-Zd", "unknown shorthand flag: 'Z' in -Zd");
    refuses("--username", "flag needs an argument: --username");
    refuses("-u", "flag needs an argument: 'u' in -u");
    refuses(
        "--size abc",
        r#"invalid argument "abc" for "--size" flag: strconv.ParseInt: parsing "abc": invalid syntax"#,
    );
    refuses(
        "--debug=x",
        r#"invalid argument "x" for "-d, --debug" flag: strconv.ParseBool: parsing "x": invalid syntax"#,
    );
    refuses(
        "--size 99999999999999999999",
        r#"invalid argument "99999999999999999999" for "--size" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range"#,
    );
}

#[test]
fn the_first_fault_on_the_line_is_told() {
    refuses(
        "--size x --nosuch",
        r#"invalid argument "x" for "--size" flag: strconv.ParseInt: parsing "x": invalid syntax"#,
    );
    refuses("--nosuch --size x", "unknown flag: --nosuch");
    refuses("--help --nosuch", "unknown flag: --nosuch");
}

#[test]
fn occurrences_count_even_when_false_or_empty() {
    let line = parse(&command(), &words("--debug=false -H a:b -H c:d --help")).unwrap();
    assert!(line.given.has("debug") && line.help);
    assert!(line.given.has("header"));
    let names = ["debug".to_owned(), "header".to_owned(), "size".to_owned()];
    assert_eq!(
        line.given.conflict(&names).unwrap(),
        "--debug, --header cannot be used at the same time"
    );
}

#[test]
fn whole_numbers_in_all_notations() {
    for (word, number) in [
        ("7", 7),
        ("-3", -3),
        ("+3", 3),
        ("0x1F", 31),
        ("010", 8),
        ("0b11", 3),
        ("0", 0),
    ] {
        assert_eq!(parse_int(word).unwrap(), number, "{word}");
    }
    assert!(parse_int("").is_err() && parse_int("1e3").is_err() && parse_int("08").is_err());
}
