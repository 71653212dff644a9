//! Templates that are meant to do harm, or mean nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{prints, run};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_text_makes_it_panic(pieces in vec(select(PIECES), 0..12)) {
        let (_, error) = run(&pieces.concat());
        prop_assert!(!error.unwrap_or_default().contains("failed unexpectedly"));
    }

    #[test]
    fn no_arguments_make_a_function_panic(name in select(CALLABLE), args in vec(select(OPERANDS), 0..4)) {
        let (_, error) = run(&format!("{{{{{name} {}}}}}", args.join(" ")));
        prop_assert!(!error.unwrap_or_default().contains("failed unexpectedly"));
    }
}

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "-}}",
    " ",
    "\n",
    "é",
    "/*",
    "*/",
    ".",
    ".a",
    "$",
    "$x",
    ":=",
    "=",
    ",",
    "|",
    "(",
    ")",
    "\"",
    "`",
    "'",
    "\\",
    "1",
    "0x",
    "1e",
    "-",
    "if ",
    "range ",
    "end",
    "else ",
    "with ",
    "define ",
    "template ",
    "block ",
    "\"t\"",
    "break",
    "nil",
    "true",
    "upper",
    "printf ",
    "index ",
    "{{if 1}}",
    "{{end}}",
    "{{range .tags}}",
    "\u{7f}",
    "\u{2028}",
];

const CALLABLE: &[&str] = &[
    "abbrev",
    "abbrevboth",
    "b32dec",
    "b64dec",
    "chunk",
    "clean",
    "dateInZone",
    "dateModify",
    "dig",
    "dir",
    "duration",
    "durationRound",
    "expandenv",
    "fromJson",
    "index",
    "initial",
    "int64",
    "kebabcase",
    "mod",
    "div",
    "divf",
    "mulf",
    "mustToDate",
    "nindent",
    "plural",
    "printf",
    "regexFindAll",
    "regexReplaceAll",
    "regexSplit",
    "repeat",
    "round",
    "semver",
    "semverCompare",
    "seq",
    "slice",
    "snakecase",
    "camelcase",
    "splitList",
    "splitn",
    "substr",
    "toDate",
    "toJson",
    "toDecimal",
    "trunc",
    "untilStep",
    "urlParse",
    "urlJoin",
    "wrap",
    "wrapWith",
    "decryptAES",
    "buildCustomCert",
    "genSelfSignedCert",
    "len",
    "unixEpoch",
    "htmlDate",
    "replace",
    "title",
    "urlquery",
    "html",
    "add",
    "randInt",
    "default",
    "without",
];

const OPERANDS: &[&str] = &[
    "0",
    "1",
    "-1",
    "3",
    "16",
    "-9223372036854775808",
    "9223372036854775807",
    "1.5",
    "1e308",
    "\"\"",
    "\"é\"",
    "\"a-é/ß:%zz\"",
    "\"2006-01-02T15:04:05.000Z07:00 MST\"",
    "\"1h-\"",
    "\"%[9]*.*d%-010s%q\"",
    "\"^1.x || ~>2 - 3,\"",
    "\"http://[::1]:a/%\"",
    "\"(\"",
    "\"x*\"",
    "\"$1${\"",
    "\"AAAAAAA=\"",
    "nil",
    "true",
    ".",
    ".tags",
    ".map",
    ".missing",
    ".nothing",
    "now",
    "(list 1 nil)",
    "(semver \"1\")",
    "(until 3)",
    "(split \",\" \"a,b\")",
    "(add 1)",
];

#[test]
fn hostile_templates_end_in_an_error() {
    let deep = format!(
        "{}1{}",
        "{{".to_owned() + &"(".repeat(5001),
        ")".repeat(5001) + "}}"
    );
    let blocks = "{{if 1}}".repeat(5000);
    let bombs = [
        deep.as_str(),
        blocks.as_str(),
        "{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}",
        "{{until 1000000000}}",
        "{{range until 1000000000}}{{end}}",
        "{{repeat 1000000000 \"x\"}}",
        "{{$x := repeat 1000000 \"x\"}}{{range until 40}}{{$x = print $x $x}}{{end}}",
        "{{$l := list}}{{range until 2000}}{{$l = append $l (repeat 1000000 \"x\")}}{{end}}",
        "{{$l := list 1}}{{range until 60}}{{$l = list $l $l}}{{end}}{{$l}}",
        "{{$l := list 1}}{{range until 60}}{{$l = list $l $l}}{{end}}{{deepCopy $l}}",
        "{{$l := list 1}}{{range until 5000}}{{$l = list $l}}{{end}}{{$l}}",
        "{{$d := dict}}{{$_ := set $d \"d\" $d}}{{$d}}",
        "{{$d := dict}}{{$_ := set $d \"d\" $d}}{{mustToJson $d}}",
        "{{$s := repeat 1000000 \"x\"}}{{replace \"\" $s $s}}",
        "{{$s := repeat 1000000 \"\\n\"}}{{indent 1000 $s}}",
        "{{$s := repeat 1000000 \"x\"}}{{regexReplaceAll \"x\" $s $s}}",
    ];
    for bomb in bombs {
        let (_, error) = run(bomb);
        assert!(error.is_some(), "{bomb:.60}");
    }
    // Dropping what is nested deeper than any stack works.
    prints(&[(
        "{{$l := list}}{{range until 200000}}{{$l = list $l}}{{end}}ok",
        "ok",
    )]);
}
