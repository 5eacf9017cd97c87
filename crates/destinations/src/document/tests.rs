use super::*;

const KEY: &str = "eyJhbGciOiJIUzI1NiJ9.canary-_.x";

/// Puts a key at `to`: of the document, only what `|` stands around may change, into what is between the bars of
/// `wanted`.
fn check(format: Format, before: &str, to: &str, held: &str, wanted: &str) {
    let to: Pointer = to.parse().unwrap();
    let slot = format.find(before, &to).unwrap_or_else(|fault| panic!("{fault:?} in {before}"));
    assert_eq!(*slot.held, held, "{before}");
    let new = format.put(before, &to, KEY).unwrap_or_else(|fault| panic!("{fault:?} in {before}"));
    assert_eq!(std::str::from_utf8(&new).unwrap(), wanted.replace("KEY", KEY), "{before}");
    let again = format.put(std::str::from_utf8(&new).unwrap(), &to, KEY).unwrap();
    assert_eq!(again, new);
}

fn refused(format: Format, text: &str, to: &str) -> String {
    match format.put(text, &to.parse().unwrap(), KEY) {
        Err(Fault::Malformed { line, why }) => format!("{line}: {why}"),
        Err(Fault::Missing { part }) => format!("nothing at {part}"),
        Ok(new) => panic!("{text} became {}", String::from_utf8_lossy(&new)),
    }
}

#[test]
fn json_changes_in_place() {
    let json =
        |before: &str, to: &str, held: &str, wanted: &str| check(Format::Json, before, to, held, wanted);
    json(r#"{"a":"old"}"#, "/a", "old", r#"{"a":"KEY"}"#);
    json(
        "\u{feff}{ // why\r\n  \"b\": 1,\r\n\t\"a\" : [ null, \"o\\\"ld\" ],  /* x */\r\n}\r\n",
        "/a/1",
        "o\"ld",
        "\u{feff}{ // why\r\n  \"b\": 1,\r\n\t\"a\" : [ null, \"KEY\" ],  /* x */\r\n}\r\n",
    );
    json(
        r#"{"mcpServers":{"n8n":{"env":{"N8N":null}}}}"#,
        "/mcpServers/n8n/env/N8N",
        "",
        r#"{"mcpServers":{"n8n":{"env":{"N8N":"KEY"}}}}"#,
    );
    json(r#"{"a/b~":{"":"ü"}}"#, "/a~1b~0/", "ü", r#"{"a/b~":{"":"KEY"}}"#);
}

#[test]
fn toml_changes_in_place() {
    let toml =
        |before: &str, to: &str, held: &str, wanted: &str| check(Format::Toml, before, to, held, wanted);
    toml("a = 'old' # why\n", "/a", "old", "a = 'KEY' # why\n");
    toml("[n8n]\r\nkey=\"o\\tld\"\r\n", "/n8n/key", "o\tld", "[n8n]\r\nkey=\"KEY\"\r\n");
    toml(
        "n8n.key = '''\nold'''\n[[a]]\n[[a]]\nb = { c = \"\" }",
        "/n8n/key",
        "old",
        "n8n.key = 'KEY'\n[[a]]\n[[a]]\nb = { c = \"\" }",
    );
    toml(
        "\"ü\" = 1\n[[a]]\n[[a]]\nb = { c = \"\" }",
        "/a/1/b/c",
        "",
        "\"ü\" = 1\n[[a]]\n[[a]]\nb = { c = \"KEY\" }",
    );
    toml("\"a.b\" = [\"x\", \"old\"]", "/a.b/1", "old", "\"a.b\" = [\"x\", \"KEY\"]");
}

#[test]
fn yaml_changes_in_place() {
    let yaml =
        |before: &str, to: &str, held: &str, wanted: &str| check(Format::Yaml, before, to, held, wanted);
    yaml("a: old # why\n", "/a", "old", "a: KEY # why\n");
    yaml(
        "ü: ü\r\na:\r\n  - \"ü\"\r\n  - 'o''ld'\r\n",
        "/a/1",
        "o'ld",
        "ü: ü\r\na:\r\n  - \"ü\"\r\n  - 'KEY'\r\n",
    );
    yaml("a: \"o\\\"ld\"  # it's \"why\"\n", "/a", "o\"ld", "a: \"KEY\"  # it's \"why\"\n");
    yaml("a: &x\"y 'o''ld' # it's\n", "/a", "o'ld", "a: &x\"y 'KEY' # it's\n");
    yaml("a: &x \"old\"\nb: *x\n", "/a", "old", "a: &x \"KEY\"\nb: *x\n");
    yaml("a: &x old\nb: *x\n", "/a", "old", "a: &x KEY\nb: *x\n");
    yaml("a: {b: [c, {d: old}], e: f}\n", "/a/b/1/d", "old", "a: {b: [c, {d: KEY}], e: f}\n");
    yaml("a:\nb: 1\n", "/a", "", "a: \"KEY\"\nb: 1\n");
    yaml("a:   # why\n\nb: 1\n", "/a", "", "a: \"KEY\"   # why\n\nb: 1\n");
    yaml("a: put it here, please\n", "/a", "put it here, please", "a: KEY\n");
    yaml("a: ~\n", "/a", "", "a: KEY\n");
    yaml("a: null", "/a", "", "a: KEY");
    yaml(
        "# one\nkind: A\n---\nkind: Secret\nstringData:\n  n8n: \"\"\n...\n",
        "/stringData/n8n",
        "",
        "# one\nkind: A\n---\nkind: Secret\nstringData:\n  n8n: \"KEY\"\n...\n",
    );
    yaml("\"a b\": \"x\\u00fc\\\n  y\"\n", "/a b", "xüy", "\"a b\": \"KEY\"\n");
}

#[test]
fn what_is_not_clear_is_refused() {
    let json = |text: &str, to: &str| refused(Format::Json, text, to);
    assert_eq!(json("{\n\"a\": 1}", "/a"), "2: what is there is neither a text nor null");
    assert_eq!(json("{\"a\":\n\"x\", \"a\": \"y\"}", "/a"), "2: this name is there a second time");
    assert_eq!(json("{\"a\": {}}", "/a/b/c"), "nothing at /a/b");
    assert_eq!(json("{\"a\": [\"x\"]}", "/a/01"), "nothing at /a/01");
    assert_eq!(json("", "/a"), "1: there is nothing in it");
    for bad in ["{a: \"x\"}", "{'a': 1}", "{\"a\": \"x\" \"b\": 1}", "{\"a\":", "[", &"[".repeat(100_000)] {
        assert!(json(bad, "/a").contains("no JSON"), "{bad:.20}");
    }
    let toml = |text: &str, to: &str| refused(Format::Toml, text, to);
    assert_eq!(toml("a = 7", "/a"), "1: what is there is no text");
    assert_eq!(toml("[a]\n", "/a/b"), "nothing at /a/b");
    assert!(toml("a = 1\nb = \"x\nc", "/b").contains("no TOML"));
    let yaml = |text: &str, to: &str| refused(Format::Yaml, text, to);
    assert_eq!(yaml("a: 7", "/a"), "1: what is there is not a text; put quotes around it");
    assert_eq!(yaml("a: yes", "/a"), "1: what is there is not a text; put quotes around it");
    assert_eq!(yaml("x: 1\na: |\n  old\n", "/a"), "3: what is there is a block; write it on one line");
    assert_eq!(yaml("a: old\n  and older\n", "/a"), "1: what is there spans several lines; write it on one");
    assert_eq!(yaml("b: &x old\na: *x\n", "/a"), "2: what is there is an alias; write it out");
    assert_eq!(yaml("b: &x {c: old}\na: *x\n", "/a/c"), "2: the way leads through an alias; write it out");
    assert_eq!(yaml("a: !vault old\n", "/a"), "1: what is there has a tag; leave it out");
    assert_eq!(yaml("a: x\n---\na: z\n", "/a"), "3: a second document in the file has this place too");
    assert_eq!(yaml("a: x\na: z\n", "/a"), "2: this name is there a second time");
    assert_eq!(yaml("a:\n  -\n  - x\n", "/a/0"), "2: nothing is there; write an empty text (`\"\"`)");
    assert_eq!(yaml("a: {b: c}\n---\nx: y\n", "/a/d"), "nothing at /a/d");
    assert!(yaml(&"[".repeat(100_000), "/a").contains("no YAML"));
}
