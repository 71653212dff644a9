//! Tables: a template, and what Go makes of it.

mod hostile;

use serde_json::{Value, json};

use crate::{Host, Template};

struct Variables;

impl Host for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "NAME").then(|| "value".to_owned())
    }
}

fn data() -> Value {
    json!({
        "digest": "sha256:abc",
        "size": 576,
        "large": 12_345_678,
        "small": 0.00001,
        "ok": true,
        "nothing": null,
        "tags": ["v2", "v1"],
        "map": {"b": 2, "a": "x", "<": "&"},
        "content": {"layers": [{"digest": "d1", "size": 3_000_000}, {"digest": "d2"}]}
    })
}

/// What was printed, and the error if there is one.
fn run(text: &str) -> (String, Option<String>) {
    let template = match Template::parse("format output", text) {
        Ok(template) => template,
        Err(error) => return (String::new(), Some(error.to_string())),
    };
    let mut out = Vec::new();
    let done = template.execute(data(), &Variables, &mut out);
    let out = String::from_utf8(out).unwrap();
    (out, done.err().map(|error| error.to_string()))
}

#[track_caller]
fn prints(table: &[(&str, &str)]) {
    for (template, expected) in table {
        let (out, error) = run(template);
        assert_eq!((out.as_str(), error), (*expected, None), "{template}");
    }
}

/// Each row: the template, what is printed before, and the error without its beginning.
#[track_caller]
fn fails(table: &[(&str, &str, &str)]) {
    for (template, before, expected) in table {
        let (out, error) = run(template);
        let expected = Some(format!("template: format output:{expected}"));
        assert_eq!((out.as_str(), error), (*before, expected), "{template}");
    }
}

#[test]
fn values_print_as_in_go() {
    prints(&[
        ("", ""),
        ("plain\n", "plain\n"),
        ("{{.digest}}", "sha256:abc"),
        ("{{.size}} {{.large}} {{.small}}", "576 1.2345678e+07 1e-05"),
        (
            "{{index .content.layers 0 | toJson}}",
            r#"{"digest":"d1","size":3000000}"#,
        ),
        ("{{(first .content.layers).size}}", "3e+06"),
        (
            "{{.ok}} {{.nothing}} {{.missing}} {{.missing.deeper.still}}",
            "true <no value> <no value> <no value>",
        ),
        ("{{.tags}} {{.map}}", "[v2 v1] map[<:& a:x b:2]"),
        ("{{print .nothing}} {{list nil}}", "<nil> [<nil>]"),
        (
            "{{1}} {{-1.5}} {{0x10}} {{1e3}} {{'a'}} {{1_000}} {{017}}",
            "1 -1.5 16 1000 97 1000 15",
        ),
        ("{{`raw\\n`}}{{\"\\x41\\u00e9\\t|\"}}", "raw\\nAé\t|"),
        (
            "{{$}}",
            "map[content:map[layers:[map[digest:d1 size:3e+06] map[digest:d2]]] digest:sha256:abc large:1.2345678e+07 map:map[<:& a:x b:2] nothing:<nil> ok:true size:576 small:1e-05 tags:[v2 v1]]",
        ),
    ]);
}

#[test]
fn statements_work_as_in_go() {
    prints(&[
        (
            "{{if .ok}}a{{else}}b{{end}}{{if not .ok}}a{{else if .size}}c{{else}}b{{end}}",
            "ac",
        ),
        ("{{range .tags}}{{println .}}{{end}}", "v2\nv1\n"),
        (
            "{{range $i, $t := .tags}}{{$i}}={{$t}} {{end}}",
            "0=v2 1=v1 ",
        ),
        (
            "{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}",
            "<=&;a=x;b=2;",
        ),
        (
            "{{range .missing}}x{{else}}none{{end}}{{range 3}}{{.}}{{end}}",
            "none012",
        ),
        (
            "{{range until 9}}{{if eq . 1}}{{continue}}{{end}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}",
            "023",
        ),
        (
            "{{with .digest}}{{.}}{{end}}{{with .missing}}a{{else with .size}}{{.}}{{else}}b{{end}}",
            "sha256:abc576",
        ),
        (
            "{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{$x}}{{$y}}{{end}}{{$x}}",
            "232",
        ),
        (
            "{{define \"t\"}}<{{.}}{{$}}>{{end}}{{template \"t\" .size}}{{template \"t\"}}",
            "<576576><<no value><no value>>",
        ),
        ("{{block \"b\" .digest}}[{{.}}]{{end}}", "[sha256:abc]"),
        (
            "a {{- /* c */ -}} b {{- 1 -}} c {{2 -}}\n d{{/* x */}}",
            "ab1c 2d",
        ),
        (
            "{{and .ok .missing}}{{or .missing \"x\"}}{{and 1 0 (fail \"not run\")}}",
            "<no value>x0",
        ),
        ("{{.digest | upper | printf \"%s-%d\" \"a\" | len}}", "24"),
        (
            "{{(index .content.layers 1).digest}}{{((.content).layers | first).digest}}",
            "d2d1",
        ),
        (
            "{{eq .digest \"a\" \"sha256:abc\"}}{{ne .size 576.0}}{{lt 1 2}}{{ge \"b\" \"a\"}}{{eq .missing nil}}",
            "truefalsetruetruetrue",
        ),
        (
            "{{html \"<a&'\\\">\"}} {{js \"it's\"}} {{urlquery \"a b&c\"}}",
            "&lt;a&amp;&#39;&#34;&gt; it\\'s a+b%26c",
        ),
        (
            "{{len .tags}}{{len .digest}}{{len .map}}{{index .map \"a\"}}{{index \"abc\" 1}}",
            "2103x98",
        ),
    ]);
}

#[test]
fn formats_have_go_verbs() {
    prints(&[
        (
            "{{printf \"%s %v %q\" \"a\" .tags \"b\"}}",
            "a [v2 v1] \"b\"",
        ),
        (
            "{{printf \"%.0f|%6.2f|%-6.1f|%e|%g\" .size 3.14159 2.0 .large .large}}",
            "576|  3.14|2.0   |1.234568e+07|1.2345678e+07",
        ),
        (
            "{{printf \"%d %05d %x %o %b %c %U %+d %t\" 12 12 255 8 5 65 65 1 true}}",
            "12 00012 ff 10 101 A U+0041 +1 true",
        ),
        (
            "{{printf \"%d\" .size}} {{printf \"%s\" 1}} {{printf \"%d %d\" 1}} {{printf \"x\" 1}}",
            "%!d(float64=576) %!s(int=1) 1 %!d(MISSING) x%!(EXTRA int=1)",
        ),
        (
            "{{printf \"%[2]s %[1]s %% %\" \"a\" \"b\"}}",
            "b a % %!(NOVERB)",
        ),
        (
            "{{printf \"%T %T %T %T %T\" .size 1 \"s\" .tags .map}}",
            "float64 int string []interface {} map[string]interface {}",
        ),
        (
            "{{printf \"%#v %#v %x %*d|%5s|%-5s|%.2s\" .tags \"q\" \"hi\" 4 7 \"a\" \"b\" \"xyz\"}}",
            "[]interface {}{\"v2\", \"v1\"} \"q\" 6869    7|    a|b    |xy",
        ),
        (
            "{{print 1 2 \"a\" 3}}{{print nil}}{{println \"a\" 1}}",
            "1 2a3<nil>a 1\n",
        ),
    ]);
}

#[test]
fn errors_have_go_s_words_and_positions() {
    fails(&[
        ("{{.digest", "", "1: unclosed action"),
        ("{{nofunc}}", "", "1: function \"nofunc\" not defined"),
        ("{{end}}", "", "1: unexpected {{end}}"),
        ("{{if .ok}}", "", "1: unexpected EOF"),
        ("\n\n{{else}}", "", "3: unexpected {{else}}"),
        ("{{$x}}", "", "1: undefined variable \"$x\""),
        ("{{}}", "", "1: missing value for command"),
        ("{{if}}x{{end}}", "", "1: missing value for if"),
        ("{{break}}", "", "1: {{break}} outside {{range}}"),
        (
            "{{.a | 1}}",
            "",
            "1: non executable command in pipeline stage 2",
        ),
        ("{{(.a}}", "", "1: unclosed left paren"),
        ("{{.a)}}", "", "1: unexpected right paren"),
        ("{{\"a}}", "", "1: unterminated quoted string"),
        ("{{/* a}}", "", "1: unclosed comment"),
        ("{{1.2.3}}", "", "1: unexpected \".3\" in operand"),
        ("{{1a}}", "", "1: bad number syntax: \"1a\""),
        ("{{.a#}}", "", "1: bad character U+0023 '#'"),
        (
            "{{template \"no\"}}",
            "",
            "1:11: executing \"format output\" at <{{template \"no\"}}>: template \"no\" not defined",
        ),
        (
            "a{{.digest.x}}b",
            "a",
            "1:10: executing \"format output\" at <.digest.x>: can't evaluate field x in type interface {}",
        ),
        (
            "{{.nothing.x}}",
            "",
            "1:10: executing \"format output\" at <.nothing.x>: nil pointer evaluating interface {}.x",
        ),
        (
            "{{index .content.layers 9}}",
            "",
            "1:2: executing \"format output\" at <index .content.layers 9>: error calling index: index out of range: 9",
        ),
        (
            "{{eq .size 576}}",
            "",
            "1:2: executing \"format output\" at <eq .size 576>: error calling eq: incompatible types for comparison: float64 and int",
        ),
        (
            "{{upper .size}}",
            "",
            "1:8: executing \"format output\" at <.size>: wrong type for value; expected string; got float64",
        ),
        (
            "{{upper 1}}",
            "",
            "1:8: executing \"format output\" at <1>: expected string; found 1",
        ),
        (
            "{{upper .missing}}",
            "",
            "1:8: executing \"format output\" at <.missing>: invalid value; expected string",
        ),
        (
            "{{upper}}",
            "",
            "1:2: executing \"format output\" at <upper>: wrong number of args for upper: want 1 got 0",
        ),
        (
            "{{repeat (add 1 2) \"x\"}}",
            "",
            "1:16: executing \"format output\" at <2>: wrong type for value; expected int; got int64",
        ),
        (
            "{{range .digest}}{{end}}",
            "",
            "1:8: executing \"format output\" at <.digest>: range can't iterate over sha256:abc",
        ),
        (
            "{{.digest 1}}",
            "",
            "1:2: executing \"format output\" at <.digest>: digest is not a method but has arguments",
        ),
        (
            "x\n{{fail \"no\"}}",
            "x\n",
            "2:2: executing \"format output\" at <fail \"no\">: error calling fail: no",
        ),
        (
            "{{div 1 0}}",
            "",
            "1:2: executing \"format output\" at <div 1 0>: error calling div: runtime error: integer divide by zero",
        ),
        (
            "{{nil}}",
            "",
            "1:2: executing \"format output\" at <nil>: nil is not a command",
        ),
    ]);
}

#[test]
fn text_functions_have_sprig_s_meaning() {
    prints(&[
        (
            "{{trim \" a \"}}{{trimAll \"$\" \"$5$\"}}{{trimPrefix \"-\" \"-h\"}}{{trimSuffix \"-\" \"h-\"}}",
            "a5hh",
        ),
        (
            "{{title \"hello world-wide\"}} {{untitle \"Hello World\"}} {{swapcase \"aB\"}}",
            "Hello World-Wide hello world Ab",
        ),
        (
            "{{repeat 3 \"ab\"}} {{replace \" \" \"-\" \"a b c\"}} {{nospace \"a b\"}} {{initials \"First Try\"}}",
            "ababab a-b-c ab FT",
        ),
        (
            "{{trunc 5 \"hello world\"}} {{trunc -5 \"hello world\"}} {{substr 0 5 \"hello world\"}} {{substr -1 3 \"hello\"}}",
            "hello world hello hel",
        ),
        (
            "{{abbrev 5 \"hello world\"}} {{abbrevboth 5 10 \"1234 5678 9123\"}}",
            "he... ...5678...",
        ),
        (
            "{{wrap 6 \"aaa bbb ccc\"}}|{{wrapWith 5 \"\\t\" \"HelloWorld\"}}",
            "aaa\nbbb\nccc|Hello\tWorld",
        ),
        (
            "{{indent 2 \"a\\nb\"}}|{{nindent 1 \"a\"}}|{{plural \"one\" \"many\" 1}}{{plural \"one\" \"many\" 2}}",
            "  a\n  b|\n a|onemany",
        ),
        (
            "{{quote \"a\" 1 nil}} {{squote \"a\" \"b\"}} {{cat \"a\" nil 1}}",
            "\"a\" \"1\" 'a' 'b' a 1",
        ),
        (
            "{{camelcase \"http_server\"}} {{snakecase \"FirstName\"}} {{snakecase \"HTTPServer\"}} {{kebabcase \"FirstName\"}} {{snakecase \"HTTP20xOK\"}}",
            "HttpServer first_name http_server first-name http_20x_ok",
        ),
        (
            "{{join \",\" .tags}} {{sortAlpha .tags | join \" \"}} {{join \"-\" (list 1 nil 2)}}",
            "v2,v1 v1 v2 1-2",
        ),
        (
            "{{$p := split \"/\" \"a/b\"}}{{$p._0}}{{$p._1}} {{(splitn \"/\" 2 \"a/b/c\")._1}} {{splitList \",\" \"a,b\"}}",
            "ab b/c [a b]",
        ),
        (
            "{{contains \"a\" \"cat\"}}{{hasPrefix \"c\" \"cat\"}}{{hasSuffix \"c\" \"cat\"}}",
            "truetruefalse",
        ),
        (
            "{{b64enc \"hi\"}} {{b64dec \"aGk=\"}} {{b32enc \"hello\"}} {{b32dec \"NBUQ====\"}}",
            "aGk= hi NBSWY3DP hi",
        ),
        (
            "{{regexMatch \"^v\\\\d\" \"v1\"}} {{regexFindAll \"[a-z]\" \"a1b2\" -1}} {{regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\"}} {{regexReplaceAllLiteral \"a\" \"ab\" \"${1}\"}} {{regexSplit \"z+\" \"pizza\" -1}} {{regexQuoteMeta \"1.2\"}}",
            "true [a b] -W-xxW- ${1}b [pi a] 1\\.2",
        ),
        (
            "{{env \"NAME\"}} {{expandenv \"a-$NAME-${NAME}-$NONE\"}} {{hello}}",
            "value a-value-value- Hello!",
        ),
        (
            "{{base \"/a/b.c\"}} {{dir \"/a/b.c\"}} {{ext \"b.c\"}} {{clean \"a//b/../c\"}} {{isAbs \"/a\"}} {{osBase \"\"}}",
            "b.c /a .c a/c true .",
        ),
        (
            "{{(urlParse \"http://u:p@h:8/p%20q?a=b#f\").host}} {{urlParse \"http://u:p@h:8/p%20q?a=b#f\"}}",
            "h:8 map[fragment:f host:h:8 hostname:h opaque: path:/p q query:a=b scheme:http userinfo:u:p]",
        ),
        (
            "{{urlJoin (dict \"scheme\" \"http\" \"host\" \"h\" \"path\" \"/p\" \"query\" \"q\" \"fragment\" \"f\")}}",
            "http://h/p?q#f",
        ),
    ]);
}

#[test]
fn functions_of_numbers_lists_and_maps_have_sprig_s_meaning() {
    prints(&[
        (
            "{{add 1 2.9 \"3\"}} {{sub 5 2}} {{mul 2 3 4}} {{div 7 2}} {{mod 7 2}} {{add1 .size}} {{max 1 5 3}} {{min 2 1}}",
            "6 3 24 3 1 577 5 1",
        ),
        (
            "{{addf 0.1 0.2}} {{subf 1 0.9}} {{mulf 1.1 1.1}} {{divf 1 3}} {{round 123.5555 3}} {{ceil 1.2}} {{floor 1.9}} {{maxf 1 2.5}}",
            "0.3 0.1 1.21 0.3333333333333333 123.556 2 1 2.5",
        ),
        (
            "{{until 3}} {{until -2}} {{untilStep 3 9 3}} {{seq 3}} {{seq 0 2 5}} {{seq 2 0}} {{seq 5 1 2}}|",
            "[0 1 2] [0 -1] [3 6] 1 2 3 0 2 4 2 1 0 |",
        ),
        (
            "{{int \"12\"}} {{int64 3.7}} {{float64 \"1.5\"}} {{atoi \"x\"}} {{toDecimal \"777\"}} {{toString 1}}",
            "12 3 1.5 0 511 1",
        ),
        (
            "{{first .tags}} {{last .tags}} {{rest .tags}} {{initial .tags}} {{first (list)}}",
            "v2 v1 [v1] [v2] <no value>",
        ),
        (
            "{{append .tags 1}} {{prepend .tags 0}} {{concat .tags (list 1)}} {{reverse .tags}} {{uniq (list 1 1 2)}} {{without (list 1 2 3) 2}}",
            "[v2 v1 1] [0 v2 v1] [v2 v1 1] [v1 v2] [1 2] [1 3]",
        ),
        (
            "{{has \"v1\" .tags}} {{compact (list 0 1 \"\")}} {{slice (list 1 2 3) 1}} {{slice (list 1 2 3) 1 2}} {{chunk 2 (list 1 2 3)}}",
            "true [1] [2 3] [2] [[1 2] [3]]",
        ),
        (
            "{{$d := dict \"a\" 1 \"b\"}}{{set $d \"c\" 3}}{{get $d \"x\"}}{{hasKey $d \"c\"}}{{unset $d \"a\"}}{{keys $d}}{{values $d}}",
            "map[a:1 b: c:3]truemap[b: c:3][b c][ 3]",
        ),
        (
            "{{pick .map \"a\"}}{{omit .map \"a\" \"<\"}}{{pluck \"a\" .map (dict \"a\" 2)}}",
            "map[a:x]map[b:2][x 2]",
        ),
        (
            "{{merge (dict \"a\" 1) (dict \"a\" 2 \"b\" 3)}}{{mergeOverwrite (dict \"a\" 1) (dict \"a\" 2)}}",
            "map[a:1 b:3]map[a:2]",
        ),
        (
            "{{dig \"map\" \"a\" \"no\" .}}{{dig \"map\" \"z\" \"no\" .}}{{deepEqual (list 1) (list 1)}}{{deepCopy .map}}",
            "xnotruemap[<:& a:x b:2]",
        ),
        (
            "{{default \"d\" .missing}}{{default \"d\" \"e\"}}{{empty 0}}{{coalesce 0 \"\" 2}}{{all 1 0}}{{any 1 0}}{{ternary \"a\" \"b\" false}}{{1 | default 2}}",
            "detrue2falsetrueb1",
        ),
        (
            "{{typeOf .size}} {{kindOf .tags}} {{kindIs \"map\" .map}} {{typeIs \"string\" .digest}} {{typeIsLike \"semver.Version\" (semver \"1.2.3\")}}",
            "float64 slice true true true",
        ),
        (
            "{{toJson .map}} {{toRawJson .map}} {{toPrettyJson .tags}} {{(fromJson \"{\\\"a\\\":[1]}\").a}}",
            "{\"\\u003c\":\"\\u0026\",\"a\":\"x\",\"b\":2} {\"<\":\"&\",\"a\":\"x\",\"b\":2} [\n  \"v2\",\n  \"v1\"\n] [1]",
        ),
        (
            "{{semverCompare \"^1.2.0\" \"1.3.0\"}}{{semverCompare \"~1.2\" \"1.3.0\"}}{{semverCompare \">=1.0, <2 || 3.x\" \"3.4.5\"}}{{semverCompare \"1.2 - 1.4\" \"1.3.9\"}}{{semverCompare \"*\" \"0.1.0\"}}{{semverCompare \">1\" \"1.5.0\"}}{{semverCompare \"^1\" \"1.2.0-rc\"}}",
            "truefalsetruetruetruefalsefalse",
        ),
        (
            "{{$v := semver \"v1.2.3-rc.1+b\"}}{{$v.Major}} {{$v.Prerelease}} {{$v.Metadata}} {{$v}} {{$v.Original}} {{(semver \"2\").Compare $v}}",
            "1 rc.1 b 1.2.3-rc.1+b v1.2.3-rc.1+b 1",
        ),
    ]);
}

#[test]
fn dates_follow_go_s_layouts() {
    prints(&[
        (
            "{{dateInZone \"2006-01-02T15:04:05Z07:00\" 1500000000 \"UTC\"}}",
            "2017-07-14T02:40:00Z",
        ),
        (
            "{{dateInZone \"Mon Jan _2 3:04PM 06 MST -0700\" 1500000000 \"UTC\"}}",
            "Fri Jul 14 2:40AM 17 UTC +0000",
        ),
        (
            "{{dateInZone \"Monday, 2 January 2006 .000 002\" 1500000000 \"UTC\"}}",
            "Friday, 14 July 2017 .000 195",
        ),
        (
            "{{htmlDateInZone 1500000000 \"UTC\"}} {{(toDate \"2006-01-02 -0700\" \"2020-02-29 +0000\").Unix}}",
            "2017-07-14 1582934400",
        ),
        (
            "{{toDate \"2006-01-02T15:04:05Z07:00\" \"2020-01-02T03:04:05Z\" | dateModify \"-1h30m\" | unixEpoch}}",
            "1577928845",
        ),
        (
            "{{duration \"95\"}} {{duration (int64 3600)}} {{duration 1}} {{durationRound \"2h10m5s\"}} {{durationRound \"2400h10m5s\"}}",
            "1m35s 1h0m0s 0s 2h 3mo",
        ),
        ("{{ago now}} {{(toDate \"x\" \"y\").Year}}", "0s 1"),
    ]);
    fails(&[(
        "{{mustToDate \"2006-01-02\" \"nope\"}}",
        "",
        "1:2: executing \"format output\" at <mustToDate \"2006-01-02\" \"nope\">: error calling mustToDate: parsing time \"nope\" as \"2006-01-02\": cannot parse \"nope\" as \"2006\"",
    )]);
}

#[test]
fn secrets_are_made_as_other_programs_make_them() {
    prints(&[
        (
            "{{sha1sum \"a\"}} {{adler32sum \"Wikipedia\"}}",
            "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8 300286872",
        ),
        (
            "{{sha256sum \"\"}}",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        // From the documentation of the function.
        (
            "{{derivePassword 1 \"long\" \"password\" \"user\" \"example.com\"}}",
            "ZedaFaxcZaso9*",
        ),
        (
            "{{encryptAES \"key\" \"plain\" | decryptAES \"key\"}}{{encryptAES \"k\" \"\"}}",
            "plain",
        ),
        (
            "{{len (randAlphaNum 12)}}{{regexMatch \"^[0-9]{4}$\" (randNumeric 4)}}{{len (b64dec (randBytes 3 | b64enc))}}",
            "12true4",
        ),
        (
            "{{regexMatch \"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$\" uuidv4}}{{randInt 3 4}}{{shuffle \"aaa\"}}",
            "true3aaa",
        ),
        (
            "{{regexMatch \"^me:\\\\$2a\\\\$10\\\\$.{53}$\" (htpasswd \"me\" \"secret\")}}",
            "true",
        ),
    ]);
}

#[test]
fn certificates_are_signed_by_whom_they_should_be() {
    let ca = "{{$k := genPrivateKey \"ecdsa\"}}{{$ca := genCAWithKey \"ca\" 365 $k}}";
    let leaf = "{{$c := genSignedCertWithKey \"leaf\" (list \"10.0.0.1\") (list \"a.test\") 30 $ca (genPrivateKey \"ed25519\")}}";
    let (out, error) = run(&format!(
        "{ca}{leaf}{{{{$ca.Cert}}}}|{{{{$c.Cert}}}}|{{{{$c.Key}}}}"
    ));
    assert_eq!(error, None);
    let parts: Vec<&str> = out.split('|').collect();
    let dir = std::env::temp_dir().join(format!("oras-template-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for (name, text) in ["ca.pem", "leaf.pem"].iter().zip(&parts) {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let openssl = std::process::Command::new("openssl")
        .args([
            "verify",
            "-x509_strict",
            "-verify_hostname",
            "a.test",
            "-CAfile",
            "ca.pem",
            "leaf.pem",
        ])
        .current_dir(&dir)
        .output();
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(parts[2].starts_with("-----BEGIN PRIVATE KEY-----\n"));
    // Where there is no openssl, that the parts have their forms has to do.
    if let Ok(verified) = openssl {
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success(), "{said}");
    }
    prints(&[
        (
            "{{$c := genSelfSignedCert \"me\" (list) (list \"b.test\") 1}}{{trunc 27 $c.Cert}} {{trunc 31 $c.Key}} {{typeOf $c}}",
            "-----BEGIN CERTIFICATE----- -----BEGIN RSA PRIVATE KEY----- sprig.certificate",
        ),
        (
            "{{$c := genSelfSignedCert \"me\" nil nil 1}}{{$d := buildCustomCert (b64enc $c.Cert) (b64enc $c.Key)}}{{eq $c.Cert $d.Cert}}",
            "true",
        ),
        ("{{genPrivateKey \"none\"}}", "Unknown type none"),
    ]);
    fails(&[(
        "{{genPrivateKey \"dsa\"}}",
        "",
        "1:2: executing \"format output\" at <genPrivateKey \"dsa\">: error calling genPrivateKey: DSA keys are not supported: nothing accepts them any more",
    )]);
}
