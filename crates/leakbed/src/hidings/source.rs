//! Keys as they are, in programs and what follows them there.
use crate::chance::Chance;
use crate::hiding::Hiding;

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::plain("followed_by_comma", "a.rb", "call(¤, :now)\n"),
    Hiding::plain("followed_by_ampersand", "link.txt", "https://n8n.corp.test/api?key=¤&limit=5\n"),
    Hiding::plain("followed_by_parenthesis", "notes.md", "the old one (¤) still works\n"),
    Hiding::plain("followed_by_angle", "page.html", "<p>Key: ¤<br>ask Ana</p>\n"),
    Hiding::plain("followed_by_semicolon", "run.sh", "N8N_KEY=¤;export N8N_KEY\n").extra(),
    Hiding::plain("followed_by_full_stop", "mail.txt", "The key is ¤. Do not lose it.\n").extra(),
    Hiding::plain("followed_by_escape", "dump.txt", "\"line one\\nkey=¤\\nline three\"\n").extra(),
    Hiding::plain("preceded_by_escape", "dump.json", "{\"log\":\"started\\n¤\\n\"}\n").extra(),
    Hiding::plain("preceded_by_percent", "redirect.txt", "/login?header=Bearer%20¤%0A\n").extra(),
    Hiding::plain("source", "client.py", "import requests\nHEADERS = {'X-N8N-API-KEY': '¤'}\n"),
    Hiding::plain("source", "client.go", "package main\n\nconst key = `¤`\n"),
    Hiding::plain(
        "source",
        "client.test.ts",
        "it('lists', async () => {\n  await list({ apiKey: \"¤\" });\n});\n",
    ),
    Hiding::plain("source", "run.ps1", "$env:N8N_API_KEY = '¤'\n"),
    Hiding::bytes("minified_script", "app.min.js", &[], |key, chance| Ok(minified(key, chance).into_bytes())),
    Hiding::bytes("source_map", "app.js.map", &["json_escape"], |key, chance| Ok(source_map(key, chance)))
        .extra(),
    Hiding::text(
        "notebook",
        "import.ipynb",
        &["json_escape"],
        "{\"cells\":[{\"cell_type\":\"code\",\"source\":[\n\"import os\\n\",\n\"key = \\\"¤\\\"\\n\"\n],\"outputs\":[]}]}\n",
        str::to_owned,
    ),
    Hiding::plain(
        "notebook",
        "run.ipynb",
        "{\"cells\":[{\"outputs\":[{\"output_type\":\"stream\",\"text\":[\n\"200 OK\\n\",\n\"{'X-N8N-API-KEY': '¤'}\\n\"]}],\"source\":[]}]}\n",
    ),
    Hiding::bytes("across_chunks", "big.txt", &[], |key, chance| Ok(across(key, 64 * 1024, chance))),
    Hiding::bytes("across_chunks", "bigger.txt", &[], |key, chance| Ok(across(key, 1024 * 1024, chance))),
    Hiding::bytes("end_of_big_file", "trace.txt", &[], |key, chance| {
        let mut text = chance.prose(100_000).repeat(24);
        text.push_str(key);
        Ok(text.into_bytes())
    }),
];

fn minified(key: &str, chance: &mut Chance) -> String {
    let mut code = vec!["!function(){\"use strict\";".to_owned()];
    for part in 0..4000 {
        if part == 2600 {
            code.push(format!("e.exports={{headers:{{\"X-N8N-API-KEY\":\"{key}\"}}}},"));
        }
        let (a, b, c) = (chance.hex(1), chance.base62(3), chance.below(999));
        code.push(format!("x{a}=function(t,e){{return t.{b}?e[{c}]:void 0}},"));
    }
    code.concat() + "t()}();\n"
}

fn source_map(key: &str, chance: &mut Chance) -> Vec<u8> {
    let source = format!("// {}\nconst KEY = \"{key}\";\n", chance.prose(200));
    let map = serde_json::json!({"version": 3, "sources": ["a.ts"], "sourcesContent": [source], "mappings": "AAAA"});
    map.to_string().into_bytes()
}

/// The key lies over the boundary at `at_bytes`.
fn across(key: &str, at_bytes: usize, chance: &mut Chance) -> Vec<u8> {
    let mut text = chance.prose(30_000).repeat(at_bytes / 30_000 + 1).into_bytes();
    text.truncate(at_bytes - key.len() / 2 - 1);
    text.push(b'\n');
    text.extend_from_slice(key.as_bytes());
    text.push(b'\n');
    text.extend_from_slice(chance.prose(2000).as_bytes());
    text
}
