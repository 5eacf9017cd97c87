use proptest::prelude::*;

use super::{
    change::{held, put, take_out},
    syntax::Fault,
};

const NEW: &str = "n8n_api_example-canary.2";

fn check(before: &str, after: &str) {
    let new = put(before.as_bytes(), "KEY", NEW).unwrap();
    let after = after.replace('@', NEW);
    assert_eq!(std::str::from_utf8(&new).unwrap(), after, "from {before:?}");
    // Once more changes nothing.
    assert_eq!(put(&new, "KEY", NEW).unwrap(), new);
}

fn check_held(text: &str, wanted: Option<&str>) {
    let found = held(text.as_bytes(), "KEY").unwrap();
    assert_eq!(found.as_ref().map(|value| value.as_str()), wanted, "in {text:?}");
}

fn check_fault(text: &[u8], line: usize, why: &str) {
    let fault = put(text, "KEY", NEW).unwrap_err();
    assert_eq!(fault.line, line, "{text:?}");
    assert!(fault.why.contains(why), "{fault:?} of {text:?}");
    let Fault { line, .. } = held(text, "KEY").err().unwrap_or(Fault { line, why: "" });
    assert_eq!(line, fault.line);
}

#[test]
fn only_the_value_changes() {
    check("KEY=old", "KEY=@");
    check("KEY=old\n", "KEY=@\n");
    check("A=1\r\nKEY=old\r\nB=2\r\n", "A=1\r\nKEY=@\r\nB=2\r\n");
    check("KEY='old'\n", "KEY='@'\n");
    check("KEY=\"old\" # why\n", "KEY=\"@\" # why\n");
    check("KEY=`old`\n", "KEY=`@`\n");
    check("export KEY=old\n", "export KEY=@\n");
    check("  export\tKEY = old value  # why\n", "  export\tKEY = @  # why\n");
    check("KEY=old#1\n", "KEY=@\n");
    check("KEY=\n", "KEY=@\n");
    check("KEY= # to come\nA=1", "KEY=@ # to come\nA=1");
    check("KEY=\"two\nKEY=lines\"\nA=1\n", "KEY=\"@\"\nA=1\n");
    check("\u{feff}KEY=old\n", "\u{feff}KEY=@\n");
    check("KEY='it\\'s'\n", "KEY='@'\n");
}

#[test]
fn every_duplicate_is_replaced_each_in_its_style() {
    check("KEY=a\nA=1\nKEY='b'\n#KEY=c\nexport KEY=\"d\"", "KEY=@\nA=1\nKEY='@'\n#KEY=c\nexport KEY=\"@\"");
}

#[test]
fn what_only_looks_like_it_is_left_alone() {
    for text in [
        "# KEY=old\n",
        "A=\"x\nKEY=old\n\"\n",
        "XKEY=old\n",
        "KEY2=old\n",
        "A=KEY=old\n",
        "KEY\n",
        "A='x\nKEY=old'\n",
    ] {
        check(text, &format!("{text}KEY=@\n"));
        check_held(text, None);
    }
}

#[test]
fn a_new_line_follows_the_file() {
    check("", "KEY=@\n");
    check("\u{feff}", "\u{feff}KEY=@\n");
    check("A=1", "A=1\nKEY=@");
    check("A=1\n", "A=1\nKEY=@\n");
    check("A=1\r\n", "A=1\r\nKEY=@\r\n");
    check("A=1\r\nB=2", "A=1\r\nB=2\r\nKEY=@");
    check("export A=1\n# end\n", "export A=1\n# end\nexport KEY=@\n");
}

#[test]
fn of_several_the_last_is_read() {
    check_held("KEY=a\nKEY=b # c\n", Some("b"));
    check_held("KEY=\"a\\\"b\\\\c\\$d\\ne\\x\"\n", Some("a\"b\\c$d\ne\\x"));
    check_held("KEY='a\\nb'\n", Some("a\\nb"));
    check_held("KEY=\"a\nb\"\n", Some("a\nb"));
    check_held("KEY=\n", Some(""));
    check_held("KEY= \t\r\n", Some(""));
}

#[test]
fn what_readers_would_disagree_on_is_refused() {
    check_fault(b"A=1\nB=\"x\nC=2\n", 2, "never closed");
    check_fault(b"KEY='x\n", 1, "never closed");
    check_fault(b"A=1\nKEY=a\0b\n", 2, "NUL");
    check_fault(b"A=1\rKEY=x\r", 1, "line feed");
    check_fault(b"KEY=\"a\"'b'\n", 1, "after the closing quote");
    check_fault(b"KEY=a\"b\"\n", 1, "middle");
    check_fault(b"KEY=a\\\nb\n", 1, "backslash");
    check_fault(b"KEY: a\n", 1, "`:`");
    check_fault(b"A=1\nB=x\\\n", 3, "backslash");
    assert!(put(b"A=\xff\nKEY=x\n", "KEY", NEW).is_ok(), "bytes elsewhere are nobody's business");
    assert_eq!(
        held(b"A=1\nKEY=\xff\n", "KEY").unwrap_err(),
        Fault { line: 2, why: "the value is not UTF-8" }
    );
}

#[test]
fn taking_out_undoes_an_appended_line() {
    for text in [
        "",
        "A=1",
        "A=1\n",
        "A=1\r\nB=2",
        "A=1\r\n",
        "\u{feff}",
        "\u{feff}A=1\n",
        "# c",
        "\n\n",
        "export A=1\n",
    ] {
        let added = put(text.as_bytes(), "KEY", NEW).unwrap();
        let back = take_out(&added, "KEY").unwrap();
        assert_eq!(std::str::from_utf8(&back).unwrap(), text);
    }
    let back = take_out(b"\xef\xbb\xbfKEY=a\nA=1\nKEY='b\nc'\nB=2\n", "KEY").unwrap();
    assert_eq!(back.as_slice(), b"\xef\xbb\xbfA=1\nB=2\n");
}

#[test]
fn a_value_that_does_not_fit_its_quotes_gets_others() {
    for (before, value, after) in [
        ("KEY=a", "b c", "KEY='b c'"),
        ("KEY=a", "it's", "KEY=\"it's\""),
        ("KEY='a'", "it's $1", "KEY=\"it's \\$1\""),
        ("KEY=\"a\"", "b$c", "KEY='b$c'"),
        ("KEY=`a`", "b`c", "KEY='b`c'"),
        ("KEY=a", "#b", "KEY='#b'"),
        ("KEY=a", "~b", "KEY='~b'"),
        ("KEY=a", "b\\c", "KEY=\"b\\\\c\""),
        ("KEY=a", "b\nKEY=c", "KEY='b\nKEY=c'"),
        ("KEY='a'", "", "KEY=''"),
    ] {
        let new = put(before.as_bytes(), "KEY", value).unwrap();
        assert_eq!(std::str::from_utf8(&new).unwrap(), after);
        check_held(after, Some(value));
    }
}

/// A line of a .env file that is not KEY's; the `bool` says whether a shell reads it as the readers do.
fn other_line() -> impl Strategy<Value = (String, bool)> {
    let shell = prop_oneof![
        Just(String::new()),
        "[ \t]{0,3}#[ -~é]{0,20}",
        "#[ \t]?(export )?KEY=[a-z]{1,6}",
        "[A-JL-Z_][A-Z0-9_]{0,5}=[A-Za-z0-9._/:@%+-]{0,12}",
        "export [A-JL-Z_][A-Z0-9_]{0,5}=[a-z0-9]{0,8}[ \t]+#[ -~]{0,10}",
        "[A-JL-Z_][A-Z0-9_]{0,5}='[ -&(-\\[\\]-~é\n]{0,16}'",
        "[A-JL-Z_][A-Z0-9_]{0,5}=\"[ #%-\\[\\]-_a-~é\n]{0,16}\"",
        "[A-JL-Z_][A-Z0-9_]{0,5}='\nKEY=inner\n'",
        "KEY[0-9]{1,2}=[a-z0-9]{0,8}",
    ]
    .prop_map(|line| (line, true));
    let odd = prop_oneof![
        "[ \t]{0,3}[A-J]{1,4}[ \t]{1,3}=[ \t]{0,3}[a-z0-9 ]{0,12}",
        "[a-z.-]{1,8}=[a-z0-9][a-z0-9 ']{0,3}[a-z]{1,3}",
        "[a-z ?!]{1,16}",
    ]
    .prop_map(|line| (line, false));
    prop_oneof![6 => shell, 1 => odd]
}

/// How KEY's line is written around its value.
fn key_line() -> impl Strategy<Value = (String, String)> {
    let before = prop_oneof![Just("KEY="), Just("export KEY="), Just("  KEY="), Just("export  KEY=")];
    let quote = prop_oneof![Just(""), Just("'"), Just("\"")];
    let after = prop_oneof![Just(""), Just("  "), Just(" # old KEY=x"), Just("\t#")];
    (before, quote, after)
        .prop_map(|(before, quote, after)| (format!("{before}{quote}"), format!("{quote}{after}")))
}

/// A file as the text before, between and after KEY's values.
fn file() -> impl Strategy<Value = (Vec<String>, bool)> {
    let lines = proptest::collection::vec(other_line(), 0..6);
    let section = (lines, key_line());
    let last = proptest::collection::vec(other_line(), 0..6);
    let sections = proptest::collection::vec(section, 1..3);
    (sections, last, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(sections, last, crlf, bom, end)| {
            let eol = if crlf { "\r\n" } else { "\n" };
            let mut shell = !crlf && !bom;
            let mut parts = Vec::new();
            let mut part = String::from(if bom { "\u{feff}" } else { "" });
            for (lines, (before, after)) in sections {
                for (line, for_shell) in lines {
                    shell &= for_shell;
                    part.push_str(&line);
                    part.push_str(eol);
                }
                part.push_str(&before);
                parts.push(std::mem::take(&mut part));
                part.push_str(&after);
                part.push_str(eol);
            }
            for (line, for_shell) in last {
                shell &= for_shell;
                part.push_str(&line);
                part.push_str(eol);
            }
            if !end {
                part.truncate(part.trim_end_matches(['\r', '\n']).len());
            }
            parts.push(part);
            (parts, shell)
        },
    )
}

/// All variables that a shell finds in a file.
fn by_shell(text: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("env");
    std::fs::write(&path, text).unwrap();
    let output = std::process::Command::new("/bin/sh")
        .args(["-c", "set -a; . \"$1\" && exec /usr/bin/env -0", "sh"])
        .arg(&path)
        .env_clear()
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(text)
    );
    let mut variables: Vec<_> =
        String::from_utf8(output.stdout).unwrap().split('\0').map(str::to_owned).collect();
    variables.retain(|variable| !variable.starts_with("_="));
    variables.sort_unstable();
    variables
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_other_bytes_are_kept((parts, shell) in file(), key in "[A-Za-z0-9._-]{1,40}") {
        let before = parts.join("old.example-1");
        let after = parts.join(&key);
        let new = put(before.as_bytes(), "KEY", &key).unwrap();
        prop_assert_eq!(std::str::from_utf8(&new).unwrap(), &after);
        let found = held(&new, "KEY").unwrap().unwrap();
        prop_assert_eq!(found.as_str(), &key);
        let back = put(&new, "KEY", "old.example-1").unwrap();
        prop_assert_eq!(std::str::from_utf8(&back).unwrap(), &before);
        if shell {
            let wanted = format!("KEY={key}");
            let old = by_shell(before.as_bytes());
            prop_assert!(old.contains(&"KEY=old.example-1".to_owned()), "{old:?}");
            let now: Vec<_> =
                old.into_iter().map(|line| if line.starts_with("KEY=") { wanted.clone() } else { line }).collect();
            prop_assert_eq!(by_shell(&new), now);
        }
    }

    #[test]
    fn any_value_reads_the_same_here_and_in_a_shell(
        quote in prop_oneof![Just(""), Just("'"), Just("\"")],
        value in "[ -~é\n]{1,24}",
    ) {
        let text = format!("A=1\nKEY={quote}old{quote}\nB=2\n");
        let new = put(text.as_bytes(), "KEY", &value).unwrap();
        let found = held(&new, "KEY").unwrap().unwrap();
        prop_assert_eq!(found.as_str(), &value);
        let variables = by_shell(&new);
        prop_assert!(variables.contains(&format!("KEY={value}")), "{variables:?}");
        prop_assert!(variables.contains(&"B=2".to_owned()));
    }

    #[test]
    fn any_bytes_are_changed_well_or_refused(text in proptest::collection::vec(
        prop_oneof![Just(b"KEY".to_vec()), Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"=".to_vec()),
            Just(b"'".to_vec()), Just(b"\"".to_vec()), Just(b"\\".to_vec()), Just(b"#".to_vec()),
            Just(b" ".to_vec()), Just(b"export ".to_vec()), proptest::collection::vec(any::<u8>(), 1..3)], 0..40)) {
        let text = text.concat();
        if let Ok(new) = put(&text, "KEY", NEW) {
            let found = held(&new, "KEY").unwrap().unwrap();
            prop_assert_eq!(found.as_str(), NEW);
            if super::syntax::parse(&text, "KEY").unwrap().found.is_empty() {
                let back = take_out(&new, "KEY").unwrap();
                prop_assert_eq!(back.as_slice(), text.as_slice());
            }
            prop_assert_eq!(held(&take_out(&new, "KEY").unwrap(), "KEY").unwrap(), None);
        }
    }
}
