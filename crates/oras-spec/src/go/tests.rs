use super::*;
use serde_json::json;

#[test]
fn quote_table() {
    for (text, quoted) in [
        ("", r#""""#),
        ("a b", r#""a b""#),
        ("a\"b\\c'", r#""a\"b\\c'""#),
        ("\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
        ("\0\x1b\x7f", r#""\x00\x1b\x7f""#),
        ("é漢😀", r#""é漢😀""#),
        ("e\u{301}", "\"e\u{301}\""),
        ("\u{301}", "\"\u{301}\""),
        (
            "\u{a0}\u{ad}\u{200b}\u{2028}\u{feff}",
            r#""\u00a0\u00ad\u200b\u2028\ufeff""#,
        ),
        ("\u{80}\u{e000}\u{e0001}", r#""\u0080\ue000\U000e0001""#),
    ] {
        assert_eq!(go_quote(text), quoted);
    }
}

#[test]
fn value_table() {
    for (value, text) in [
        (json!(null), "<nil>"),
        (json!("a b"), "a b"),
        (json!(true), "true"),
        (json!([]), "[]"),
        (json!({}), "map[]"),
        (json!(["a", ["b"], null]), "[a [b] <nil>]"),
        (
            json!({"n": 12345678, "a": [1, 2.5, null, true, "x"], "b": "1"}),
            "map[a:[1 2.5 <nil> true x] b:1 n:1.2345678e+07]",
        ),
    ] {
        assert_eq!(go_value(&value), text);
    }
}

#[test]
fn float_table() {
    for (number, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (576.0, "576"),
        (2.5, "2.5"),
        (100_000.0, "100000"),
        (1_000_000.0, "1e+06"),
        (123_456.7, "123456.7"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-12_345_678.0, "-1.2345678e+07"),
        (1e100, "1e+100"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ] {
        assert_eq!(go_float(number), text);
    }
}
