//! Keys in literals that are split over lines or put together.
use crate::hiding::{Fits, Hiding};

pub(super) const HIDINGS: &[Hiding] = &[
    split("split_backslash", "run.sh", "export N8N_API_KEY=\"¤\"\n", |k| joined(k, "\\\n")),
    split("split_backslash", "key.h", "#define N8N_KEY \"¤\"\n", |k| joined(k, "\\\n")),
    split("split_backslash", "key.py", "KEY = '¤'\n", |k| joined(k, "\\\n")),
    split("split_backslash", "Dockerfile", "FROM node\nENV KEY=¤\nRUN make\n", |k| joined(k, "\\\n")),
    split("split_adjacent", "settings.py", "KEY = (\n    \"¤\"\n)\n", |k| joined(k, "\"\n    \"")),
    split("split_adjacent", "key.c", "static const char key[] = \"¤\";\n", |k| joined(k, "\"\n    \"")),
    split("split_array_join", "key.js", "const key = [\n  \"¤\",\n].join(\"\");\n", |k| {
        joined(k, "\",\n  \"")
    }),
    split("split_array_join", "join.py", "key = \"\".join(['¤'])\n", |k| joined(k, "', '")),
    split("split_array_join", "join.php", "<?php $key = implode('', array('¤'));\n", |k| {
        joined(k, "',\n    '")
    }),
    split("split_plus", "Key.java", "String KEY = \"¤\";\n", |k| joined(k, "\" +\n        \"")),
    split("split_plus", "key.ts", "export const key = '¤';\n", |k| joined(k, "'\n  + '")),
    split("split_plus", "Key.cs", "var key = \"¤\";\n", |k| joined(k, "\" + \"")),
    split("split_dot", "key.php", "<?php $key = '¤';\n", |k| joined(k, "'\n    . '")),
    split("split_dot", "key.pl", "my $key = \"¤\";\n", |k| joined(k, "\" . \"")),
    split("split_ampersand", "Key.vb", "Dim key = \"¤\"\n", |k| joined(k, "\" & _\n    \"")),
    split("split_ampersand", "macro.bas", "key = \"¤\"\n", |k| joined(k, "\" & \"")),
    split("split_bars", "seed.sql", "UPDATE k SET v = '¤';\n", |k| joined(k, "' ||\n  '")),
    split("split_bars", "one.sql", "SELECT '¤' FROM dual;\n", |k| joined(k, "' || '")),
    split("split_two_dots", "key.lua", "local key = \"¤\"\n", |k| joined(k, "\" ..\n  \"")).extra(),
    split("split_yaml_quoted", "quoted.yaml", "key: \"¤\"\n", |k| joined(k, "\\\n  ")).extra(),
    split("split_properties", "split.properties", "n8n.key=¤\n", |k| joined(k, "\\\n    ")).extra(),
    split("split_append", "append.sh", "K='¤'\n", |k| joined(k, "'\nK+='")).extra(),
    split("split_wrapped", "letter.txt", "The key:\n\n    ¤\n\nBye\n", |k| joined(k, "\n    ")).extra(),
    split("split_folded", "card.vcf", "BEGIN:VCARD\r\nNOTE:¤\r\nEND:VCARD\r\n", |k| joined(k, "\r\n "))
        .extra(),
    split("split_quoted_reply", "reply.eml", "Subject: Re: key\n\n> ¤\n", |k| joined(k, "\n> ")).extra(),
    Hiding::text("split_at_dots", "parts.js", &["split"], "const key = [\n  \"¤\"\n].join(\".\");\n", |k| {
        k.replace('.', "\",\n  \"")
    })
    .extra()
    .fits(Fits::Native),
    Hiding::text("split_at_dots", "parts.py", &["split"], "key = '¤'\n", |k| k.replace('.', "' + '.' + '"))
        .extra()
        .fits(Fits::Native),
];

const fn split(
    name: &'static str,
    file: &'static str,
    template: &'static str,
    form: fn(&str) -> String,
) -> Hiding {
    Hiding::text(name, file, &["split"], template, form)
}

/// The key in three to five pieces with `glue` between.
fn joined(key: &str, glue: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let width = (characters.len() / 3).clamp(17, 70);
    let pieces: Vec<String> = characters.chunks(width).map(|piece| piece.iter().collect()).collect();
    pieces.join(glue)
}
