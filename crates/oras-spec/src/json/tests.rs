use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn compact(value: &Value) -> String {
    String::from_utf8(to_vec(value).unwrap()).unwrap()
}

#[test]
fn escaping_table() {
    for (text, encoded) in [
        ("<a href=\"x\">&", r#""\u003ca href=\"x\"\u003e\u0026""#),
        ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
        ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
        ("\0\u{b}\u{1f}", r#""\u0000\u000b\u001f""#),
        ("\u{7f}\u{80}é漢😀", "\"\u{7f}\u{80}é漢😀\""),
        ("/\\'", r#""/\\'""#),
        ("<", r#""\u003c""#),
        ("", "\"\""),
    ] {
        assert_eq!(compact(&json!(text)), encoded);
        assert_eq!(
            compact(&json!({ text: 1 })),
            format!("{{{encoded}:1}}"),
            "keys are escaped, too"
        );
    }
}

#[test]
fn number_table() {
    for (number, encoded) in [
        (json!(1.0), "1"),
        (json!(-0.0), "-0"),
        (json!(0.5), "0.5"),
        (json!(1e20), "100000000000000000000"),
        (json!(1e21), "1e+21"),
        (json!(1e30), "1e+30"),
        (json!(1.5e300), "1.5e+300"),
        (json!(0.000_001), "0.000001"),
        (json!(0.000_000_1), "1e-7"),
        (json!(-2.5e-10), "-2.5e-10"),
        (json!(1_234_567_890_123_456_789_f64), "1234567890123456800"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(i64::MIN), "-9223372036854775808"),
    ] {
        assert_eq!(compact(&number), encoded);
    }
}

#[test]
fn pretty_prints_empty_containers_in_one_piece() {
    let value = json!({"a": [], "b": {}, "c": [1, {"d": "<"}]});
    let expected = r#"{
  "a": [],
  "b": {},
  "c": [
    1,
    {
      "d": "\u003c"
    }
  ]
}"#;
    assert_eq!(
        String::from_utf8(to_vec_pretty(&value).unwrap()).unwrap(),
        expected
    );
}

#[test]
fn indenting_keeps_everything_but_white_space() {
    let source =
        b" \n{ \"b\" : 1.0e5 ,\t\"a\":\"\\u003c\\/ \xff\",\"a\":[ ],\"c\":[ true , null ]}\n";
    let expected = b"{\n  \"b\": 1.0e5,\n  \"a\": \"\\u003c\\/ \xff\",\n  \"a\": [],\n  \"c\": [\n    true,\n    null\n  ]\n}\n";
    assert_eq!(indent(source).unwrap(), expected);
}

#[test]
fn syntax_errors_are_in_the_words_of_go() {
    let end = "unexpected end of JSON input";
    for (source, message) in [
        ("", end),
        ("  ", end),
        ("{", end),
        ("[1,", end),
        ("\"a", end),
        ("-", end),
        ("1.", end),
        ("1e", end),
        ("tru", end),
        (
            "no",
            "invalid character 'o' in literal null (expecting 'u')",
        ),
        (
            "trux",
            "invalid character 'x' in literal true (expecting 'e')",
        ),
        (
            "<html>",
            "invalid character '<' looking for beginning of value",
        ),
        (
            "[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        (
            "{a",
            "invalid character 'a' looking for beginning of object key string",
        ),
        (
            "{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        ),
        ("{\"a\"1", "invalid character '1' after object key"),
        (
            "{\"a\":1]",
            "invalid character ']' after object key:value pair",
        ),
        ("[1 2]", "invalid character '2' after array element"),
        ("01", "invalid character '1' after top-level value"),
        ("{}x", "invalid character 'x' after top-level value"),
        ("\"\n\"", "invalid character '\\n' in string literal"),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        (
            "\"\\u12g4\"",
            "invalid character 'g' in \\u hexadecimal character escape",
        ),
        ("-a", "invalid character 'a' in numeric literal"),
        (
            "1.e",
            "invalid character 'e' after decimal point in numeric literal",
        ),
        (
            "1e+x",
            "invalid character 'x' in exponent of numeric literal",
        ),
        (
            "'",
            "invalid character '\\'' looking for beginning of value",
        ),
        ("{}\"", "invalid character '\"' after top-level value"),
        (
            "\\",
            "invalid character '\\\\' looking for beginning of value",
        ),
        (
            "\0",
            "invalid character '\\x00' looking for beginning of value",
        ),
    ] {
        assert_eq!(
            indent(source.as_bytes()).unwrap_err().to_string(),
            message,
            "{source:?}"
        );
    }
    let not_utf8 = indent(b"\xff").unwrap_err().to_string();
    assert_eq!(
        not_utf8,
        "invalid character 'ÿ' looking for beginning of value"
    );
}

#[test]
fn nesting_is_bounded() {
    assert!(
        indent("[".repeat(500).as_bytes())
            .unwrap_err()
            .to_string()
            .starts_with("unexpected end")
    );
    assert_eq!(
        indent("[".repeat(501).as_bytes()).unwrap_err().to_string(),
        "exceeded max depth"
    );
}

proptest! {
    #[test]
    fn indent_takes_exactly_what_is_json(bytes in "[\\[\\]{}:,\"\\\\a0-9.eE+ \ntrufalsn-]{0,24}") {
        let valid = serde_json::from_str::<Box<serde_json::value::RawValue>>(&bytes);
        prop_assert_eq!(indent(bytes.as_bytes()).is_ok(), valid.is_ok());
    }

    #[test]
    fn strings_survive(text: String) {
        let bytes = to_vec(&text).unwrap();
        prop_assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), text);
    }

    #[test]
    fn floats_survive(number in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO) {
        let bytes = to_vec(&number).unwrap();
        prop_assert_eq!(serde_json::from_slice::<f64>(&bytes).unwrap(), number);
    }

    #[test]
    fn indenting_twice_is_indenting_once(text in prop::collection::vec(any::<Option<String>>(), 0..5)) {
        let once = to_vec_pretty(&text).unwrap();
        prop_assert_eq!(&indent(&once).unwrap(), &once);
    }
}
