//! Keys as they are, in what programs and people leave behind.
use crate::hiding::Hiding;

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::plain("shell_history", ".bash_history", "ls -la\ncd infra\ncurl -H 'X-N8N-API-KEY: ¤' http://n8n:5678/api/v1/workflows\nexit\n"),
    Hiding::plain("shell_history", ".zsh_history", ": 1717171717:0;export N8N_API_KEY=¤\n: 1717171720:0;make\n"),
    Hiding::plain("shell_history", "fish_history", "- cmd: set -x KEY ¤\n  when: 1717171717\n"),
    Hiding::plain("log", "worker.log", "¶2026-05-04T10:00:00Z INFO GET /api/v1/users headers={\"x-n8n-api-key\":\"¤\",\"accept\":\"*/*\"} 200\n¶"),
    Hiding::plain("log", "access.log", "10.0.0.7 - - [04/May/2026:10:00:00 +0000] \"GET /api/v1/workflows?apiKey=¤ HTTP/1.1\" 200 512\n"),
    Hiding::plain("log_coloured", "ci.log", "\u{1b}[32minfo\u{1b}[0m key \u{1b}[1m¤\u{1b}[0m ok\n").extra(),
    Hiding::plain("http_dump", "request.http", "GET /api/v1/workflows HTTP/1.1\r\nHost: n8n.corp.test\r\nX-N8N-API-KEY: ¤\r\nAccept: */*\r\n\r\n"),
    Hiding::plain("http_dump", "trace.txt", "> POST /api/v1/tags HTTP/2\n> x-n8n-api-key: ¤\n>\n< HTTP/2 201\n"),
    Hiding::plain("har", "session.har", "{\"log\":{\"version\":\"1.2\",\"entries\":[{\"request\":{\"method\":\"GET\",\"url\":\"https://n8n.corp.test/api/v1/users\",\"headers\":[{\"name\":\"Accept\",\"value\":\"*/*\"},{\"name\":\"X-N8N-API-KEY\",\"value\":\"¤\"}]}}]}}\n"),
    Hiding::plain("curl", "try.sh", "curl -sS -X GET \\\n  -H \"X-N8N-API-KEY: ¤\" \\\n  https://n8n.corp.test/api/v1/executions\n"),
    Hiding::plain("curl", "wiki.txt", "curl https://n8n.corp.test/api/v1/users --header X-N8N-API-KEY:¤ | jq .\n"),
    Hiding::plain("sql_dump", "dump.sql", "COPY public.user_api_keys (id, label, \"apiKey\") FROM stdin;\n1\tci\t¤\n\\.\n"),
    Hiding::plain("sql_dump", "mysqldump.sql", "INSERT INTO `user_api_keys` VALUES (1,'ci','¤','2025-01-01'),(2,'x','','2025-01-01');\n"),
    Hiding::plain("chat_export", "slack/general/2026-05-04.json", "[{\"user\":\"U1\",\"text\":\"use this: `¤` and delete it :pray:\",\"ts\":\"1717171717.000100\"}]\n"),
    Hiding::plain("chat_export", "messages.html", "<div class=\"message\"><div class=\"text\">key: <code>¤</code></div></div>\n"),
    Hiding::plain("chat_export", "_chat.txt", "[04/05/2026, 10:00:00] Ana: ¤\n[04/05/2026, 10:00:09] Ben: thanks\n"),
    Hiding::plain("patch_file", "0001-wip.patch", "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] keys\n\n--- a/.env\n+++ b/.env\n@@ -1 +1,2 @@\n A=1\n+N8N_API_KEY=¤\n--\n2.47.3\n").extra(),
    Hiding::plain("patch_file", "undo.diff", "@@ -1,2 +1 @@\n-KEY=¤\n A=1\n").extra(),
    Hiding::plain("swap_lines", "todo.txt.rej", "***************\n*** 1\n- ¤\n--- 1 ----\n").extra(),
    Hiding::plain("core_dump_strings", "strings.txt", "PATH=/usr/bin\nHOME=/home/app\nN8N_API_KEY=¤\n_=/usr/bin/node\n").extra(),
    Hiding::bytes("memory_dump", "core.4711", &[], |key, chance| {
        let mut bytes = chance.bytes(9000);
        bytes.extend_from_slice(format!("\0N8N_API_KEY={key}\0HOSTNAME=a\0").as_bytes());
        bytes.extend(chance.bytes(9000));
        Ok(bytes)
    })
    .extra(),
    Hiding::bytes("editor_swap", ".config.py.swp", &[], |key, chance| {
        let mut bytes = b"b0VIM 9.1\0".to_vec();
        bytes.resize(4096, 0);
        bytes.extend_from_slice(b"ad\0\0");
        bytes.resize(6000, 0);
        // Lines lie last to first, with NUL between.
        bytes.extend_from_slice(format!("DEBUG = True\0KEY = '{key}'\0import os\0").as_bytes());
        bytes.extend_from_slice(chance.prose(300).as_bytes());
        bytes.resize(8192, 0);
        Ok(bytes)
    })
    .extra(),
];
