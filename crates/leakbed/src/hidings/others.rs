//! Places of other secrets of n8n: cookies, tokens, test webhooks, the encryption key.
use crate::hiding::{Fits, Hiding};
use crate::truth::Kind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const COOKIE: Fits = Fits::Only(Kind::SessionCookie);
const MCP: Fits = Fits::Only(Kind::Mcp);
const SCIM: Fits = Fits::Only(Kind::Scim);
const HOOK: Fits = Fits::Only(Kind::WebhookUrl);
const ENCRYPTION: Fits = Fits::Only(Kind::EncryptionKey);

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::plain("session_cookie", "cookie.har", "{\"log\":{\"entries\":[{\"request\":{\"headers\":[{\"name\":\"Cookie\",\"value\":\"a=b; n8n-auth=¤; c=d\"}]}}]}}\n").fits(COOKIE),
    Hiding::plain("session_cookie", "login.http", "HTTP/1.1 200 OK\r\nSet-Cookie: n8n-auth=¤; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax\r\n\r\n").fits(COOKIE),
    Hiding::plain("session_cookie", "browser.sh", "curl -b 'n8n-auth=¤' https://n8n.corp.test/rest/login\n").fits(COOKIE),
    Hiding::plain("mcp_token", ".mcp.json", "{\"mcpServers\":{\"n8n\":{\"url\":\"https://n8n.corp.test/mcp-server/http\",\"headers\":{\"Authorization\":\"Bearer ¤\"}}}}\n").fits(MCP),
    Hiding::text("mcp_token", "mcp.yaml", &["base64"], "data:\n  token: ¤\n", |k| STANDARD.encode(k)).fits(MCP),
    Hiding::plain("scim_token", "okta.tf", "resource \"app\" \"n8n\" {\n  scim_token = \"¤\"\n}\n").fits(SCIM),
    Hiding::plain("scim_token", "scim.log", "Authorization: Bearer ¤ 201\n").fits(SCIM),
    Hiding::plain("webhook_url", "hooks.md", "Try it with ¤ first.\n").fits(HOOK),
    Hiding::plain("webhook_url", "hook.sh", "curl -X POST '¤' -d @a.json\n").fits(HOOK),
    Hiding::plain("encryption_key", "n8n.env", "N8N_PORT=5678\nN8N_ENCRYPTION_KEY=¤\nDB_TYPE=postgresdb\n").fits(ENCRYPTION),
    Hiding::plain("encryption_key", ".n8n/config", "{\n\t\"encryptionKey\": \"¤\"\n}").fits(ENCRYPTION),
    Hiding::plain("encryption_key", "stack.yml", "services:\n  n8n:\n    environment:\n      N8N_ENCRYPTION_KEY: \"¤\"\n").fits(ENCRYPTION),
    Hiding::plain("encryption_key", "start.sh", "docker run -d -e N8N_ENCRYPTION_KEY='¤' -p 5678:5678 n8n\n").fits(ENCRYPTION),
];
