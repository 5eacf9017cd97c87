//! Every setting of `keywright.toml`, described once: what is accepted, what is refused, the reference and the schema
//! are made from it.

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A text.
    Text,
    /// A text that says where a secret is.
    Reference,
    /// A length of time.
    Period,
    /// A whole number from 1 to this.
    Number(i64),
    /// `true` or `false`.
    Flag,
    /// A list of texts.
    Texts,
    /// A list of addresses, each as a text, or as a table of its own section.
    Addresses,
    /// A table of its own, described as a section.
    Table,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// The section it stands in: names that people give are `NAME`.
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    pub(super) takes: Takes,
    /// An example in TOML.
    pub(super) form: &'static str,
    /// What holds without it; `required`, or nothing.
    pub(super) default: &'static str,
    pub(super) means: &'static str,
}

const fn setting(
    section: &'static str,
    key: &'static str,
    takes: Takes,
    form: &'static str,
    default: &'static str,
    means: &'static str,
) -> Setting {
    Setting { section, key, takes, form, default, means }
}

/// Without it nothing can be done.
pub(super) const REQUIRED: &str = "required";

/// Sections, and what each is.
pub(super) const SECTIONS: [(&str, &str); 12] = [
    ("", "What everything stands on."),
    ("serve", "How `keywright serve` goes about it."),
    ("instance.NAME", "An n8n server to take charge of."),
    ("instance.NAME.admin", "The user whose session makes and kills keys: best one of its own, an admin."),
    ("instance.NAME.tls", "Certificates, where they are not the system's own."),
    ("instance.NAME.proxy", "An HTTP or HTTPS proxy on the way to it."),
    ("integration.NAME", "A program that uses an instance's API, with a key of its own."),
    (
        "integration.NAME.deliver",
        "One place, if there is more to say of it than its address: `deliver = [{ to = …, reload = … }]`.",
    ),
    (
        "service.NAME",
        "A secrets manager, CI system or cluster that addresses of `deliver` start with: `NAME:place`.",
    ),
    ("notify.NAME", "A channel of notices; one of `webhook`, `command`, `mail`."),
    ("notify.NAME.mail", "Mail by SMTP."),
    (
        "forge.NAME",
        "GitHub or GitLab: `keywright serve` looks through what is pushed there, at `/hooks/NAME` of `serve.listen_hooks`.",
    ),
];

/// All of them, in the order of the reference.
#[rustfmt::skip]
pub(super) const SETTINGS: [Setting; 65] = {
    use Takes::{Addresses, Flag, Number, Period, Reference, Table, Text, Texts};
    [
        setting("", "store", Text, "\"keywright.db\"", REQUIRED, "the database file (mode 0600, our own, no symlink), or `postgresql://user@host/database` without a password"),
        setting("", "store_password", Reference, "\"file:pg-password\"", "none", "where the database's password is: `env:NAME` or `file:PATH`"),
        setting("", "log", Text, "\"keywright-log\"", REQUIRED, "the folder of the log's segments. It holds one log. Not writable by everybody"),
        setting("", "master_key", Reference, "\"file:keywright.key\"", REQUIRED, "`file:PATH` (mode 0600 or 0400) or `env:NAME`; what seals every secret"),
        setting("", "serve", Table, "{ listen = \"127.0.0.1:9876\" }", "", "the section below"),
        setting("", "instance", Table, "{ prod = { url = \"https://n8n.example.com\" } }", "", "the sections below"),
        setting("", "integration", Table, "{ backups = { scopes = [\"workflow:list\"] } }", "", "the sections below"),
        setting("", "service", Table, "{ vault = { url = \"https://vault.example.com\" } }", "", "the sections below"),
        setting("", "notify", Table, "{ on-call = { command = \"/usr/local/bin/notify\" } }", "", "the sections below"),
        setting("", "forge", Table, "{ github = { kind = \"github\", repositories = [\"acme/app\"], secret = \"env:HOOK_SECRET\" } }", "", "the sections below"),
        setting("serve", "listen", Text, "\"127.0.0.1:9876\"", "no listener", "address and port of `/healthz`, `/readyz`, `/metrics`"),
        setting("serve", "listen_hooks", Text, "\"127.0.0.1:9877\"", "no listener", "address and port of `/hooks/NAME`, where forges tell of pushes"),
        setting("serve", "fetched", Text, "\"keywright-fetched\"", "keywright-fetched", "the folder where repositories of forges are fetched to"),
        setting("serve", "at_once", Number(256), "8", "8", "rotations that run at the same time, at most"),
        setting("serve", "survey_every", Period, "\"1h\"", "1h", "how often each instance is asked for its keys: their use, and who else has one"),
        setting("serve", "warn_before", Period, "\"7d\"", "7d", "how long before a key is due a person is told, where only a person can turn it"),
        setting("serve", "stop_within", Period, "\"20s\"", "20s", "how long what is in hand may go on when it is to stop"),
        setting("instance.NAME", "url", Text, "\"https://n8n.example.com\"", REQUIRED, "its base URL, without `/api/v1`"),
        setting("instance.NAME", "admin", Table, "{ email = \"keys@example.com\", password = \"env:N8N_PASSWORD\" }", "", "the section below; required, unless `assisted`"),
        setting("instance.NAME", "assisted", Flag, "true", "false", "no admin session can be had, as behind single sign-on: a person makes and deletes keys by hand, told click by click"),
        setting("instance.NAME", "dangerous_plain_http", Flag, "true", "false", "accept `http://` to another host, where the password can be read on its way"),
        setting("instance.NAME", "tls", Table, "{ ca = \"ca.pem\" }", "", "the section below"),
        setting("instance.NAME", "proxy", Table, "{ url = \"http://proxy.example.com:3128\" }", "", "the section below"),
        setting("instance.NAME.tls", "ca", Text, "\"ca.pem\"", "the system's", "a file of certificate authorities in PEM, instead of the system's"),
        setting("instance.NAME.tls", "client_certificate", Text, "\"us.pem\"", "none", "a file of our certificate and its chain in PEM, together with `client_key`"),
        setting("instance.NAME.tls", "client_key", Reference, "\"file:us.key\"", "none", "where its private key is, in PEM, unencrypted"),
        setting("instance.NAME.proxy", "url", Text, "\"http://proxy.example.com:3128\"", REQUIRED, "the proxy, without user and password"),
        setting("instance.NAME.proxy", "user", Text, "\"keywright\"", "none", "who we are to it, together with `password`"),
        setting("instance.NAME.proxy", "password", Reference, "\"env:PROXY_PASSWORD\"", "none", "where its password is"),
        setting("instance.NAME.admin", "email", Text, "\"keys@example.com\"", REQUIRED, "its login id"),
        setting("instance.NAME.admin", "password", Reference, "\"env:N8N_PASSWORD\"", "asked for once, then sealed", "where its password is"),
        setting("instance.NAME.admin", "totp", Reference, "\"file:/run/secrets/n8n-totp\"", "none", "where its TOTP seed is, if it has a second factor"),
        setting("integration.NAME", "instance", Text, "\"prod\"", "the only one", "the instance whose API it uses"),
        setting("integration.NAME", "issuer", Text, "\"native\"", "native", "who makes its key: n8n itself"),
        setting("integration.NAME", "owner", Text, "\"ops\"", "nobody", "who answers for it: `keywright rotate --owner ops`"),
        setting("integration.NAME", "scopes", Texts, "[\"workflow:list\", \"workflow:read\"]", "none", "what its key may do; required where n8n has scopes"),
        setting("integration.NAME", "rotate_every", Period, "\"90d\"", "never by age", "how long after it was made its key is due"),
        setting("integration.NAME", "rotate_on", Text, "\"0 3 1 */3 *\"", "never by date", "when its key is due, as cron writes it, UTC; instead of `rotate_every`"),
        setting("integration.NAME", "grace", Period, "\"24h\"", "24h", "how long an old key works after the new one is confirmed everywhere"),
        setting("integration.NAME", "expires_after", Text, "\"120d\"", "its rotation's period, its grace and 14 days; never without a rotation", "when n8n itself ends its key: a length of time, or `never`"),
        setting("integration.NAME", "silent_after", Period, "\"2d\"", "learned from its calls", "after how long without a call somebody is told"),
        setting("integration.NAME", "deliver", Addresses, "[\"dotenv:/srv/backup/.env#N8N_API_KEY\"]", "nowhere: a person is shown the key once", "where its key is put: the addresses of [destinations](../destinations.md)"),
        setting("integration.NAME.deliver", "to", Text, "\"dotenv:/srv/backup/.env#N8N_API_KEY\"", REQUIRED, "the address"),
        setting("integration.NAME.deliver", "reload", Text, "\"systemd:backup.service\"", "nothing", "what makes the program take up a new key there, after its delivery was confirmed: a [hook](../destinations.md#hooks)"),
        setting("service.NAME", "kind", Text, "\"vault\"", "its name", "what it is"),
        setting("notify.NAME", "webhook", Text, "\"https://hooks.example.com/keywright\"", "", "the URL of a POST with the notice as JSON, or where that URL is (`env:NAME`, `file:PATH`)"),
        setting("notify.NAME", "secret", Reference, "\"env:HOOK_SECRET\"", "not signed", "what a webhook is signed with, as Standard Webhooks says"),
        setting("notify.NAME", "dangerous_plain_http", Flag, "true", "false", "accept a webhook at `http://` on another host"),
        setting("notify.NAME", "command", Text, "\"/usr/local/bin/notify --team ops\"", "", "a program and its arguments; the notice is JSON on its standard input"),
        setting("notify.NAME", "mail", Table, "{ server = \"smtp.example.com:587\", from = \"keys@example.com\", to = [\"ops@example.com\"] }", "", "the section below"),
        setting("notify.NAME", "kinds", Texts, "[\"stalled\", \"due_soon\"]", "all", "which notices it gets: stalled, due_soon, done, unknown_key, silence, missing_key, drifted, unreachable, leaked"),
        setting("notify.NAME.mail", "server", Text, "\"smtp.example.com:587\"", REQUIRED, "host and port"),
        setting("notify.NAME.mail", "from", Text, "\"Keywright <keys@example.com>\"", REQUIRED, "the sender"),
        setting("notify.NAME.mail", "to", Texts, "[\"ops@example.com\"]", REQUIRED, "the recipients"),
        setting("notify.NAME.mail", "security", Text, "\"starttls\"", "starttls", "`starttls`, `tls`, or `plain` (to this machine only)"),
        setting("notify.NAME.mail", "user", Text, "\"keys@example.com\"", "none", "the login, together with `password`"),
        setting("notify.NAME.mail", "password", Reference, "\"file:/run/secrets/smtp\"", "none", "where its password is"),
        setting("notify.NAME.mail", "ca", Text, "\"/etc/ssl/ours.pem\"", "the system's", "certificate authorities in PEM"),
        setting("forge.NAME", "kind", Text, "\"github\"", REQUIRED, "`github` or `gitlab`"),
        setting("forge.NAME", "url", Text, "\"https://git.example.com\"", "github.com or gitlab.com", "what stands before `owner/name.git`: `https://…`, or `file:///…` for a folder of bare repositories"),
        setting("forge.NAME", "repositories", Texts, "[\"acme/app\"]", REQUIRED, "the repositories that are looked through, as the forge writes them; no others are"),
        setting("forge.NAME", "secret", Reference, "\"env:HOOK_SECRET\"", REQUIRED, "what its webhook is signed with; at GitLab the secret token, or the signing token (`whsec_…`)"),
        setting("forge.NAME", "token", Reference, "\"sealed:github_read\"", "none: everybody may read them", "a token that may read the repositories' contents, and nothing else"),
        setting("forge.NAME", "ca", Text, "\"ca.pem\"", "the system's", "a file of certificate authorities in PEM, instead of the system's"),
        setting("forge.NAME", "action", Text, "\"rotate\"", "rotate", "about a key of ours that was pushed: `rotate` it as compromised at once, or `notify` only"),
    ]
};

/// What a section has.
pub(super) fn of(section: &str) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(move |setting| setting.section == section)
}

/// What a text looks like, beyond its being one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// As this pattern says. It leaves out nothing that the reader takes.
    Like(&'static str),
    /// One of these.
    Words(&'static [&'static str]),
}

/// Letters, digits and marks that a name of ours has.
pub(super) const NAME: &str = "^[a-z0-9][a-z0-9._-]{0,39}$";
/// What is no control character.
pub(super) const PRINTABLE: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";
/// Where a secret is.
pub(super) const REFERENCE: &str =
    r"^(env:[A-Za-z_][A-Za-z0-9._-]*|file:[^\x00-\x1f\x7f-\x9f]+|sealed:[A-Za-z_][A-Za-z0-9._-]*)$";
/// Where a secret is that opens the store.
const UNSEALED: &str = r"^(env:[A-Za-z_][A-Za-z0-9._-]*|file:[^\x00-\x1f\x7f-\x9f]+)$";
/// A length of time.
pub(super) const PERIOD: &str = "^[0-9]+[wdhms]$";
/// A length of time that is not zero.
const SOME_TIME: &str = "^0*[1-9][0-9]*[wdhms]$";
/// A place: of a kind of our own, or of a service.
const ADDRESS: &str = "^(dotenv:/[^#]*#.+|file:/.+|(json|yaml|toml):/[^#]*#/.*|\
    systemd-creds:/[^#]+(#[^/:]+)?|command:.+|\
    (?!(dotenv|file|json|yaml|toml|systemd-creds|command):)[a-z0-9-]+:.+)$";
const HOST_AND_PORT: &str = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):0*[1-9][0-9]{0,4}$";

/// Shapes of texts, and of the texts in lists, by section and key; the schema says them.
#[rustfmt::skip]
pub(super) const SHAPES: [(&str, &str, Shape); 29] = {
    use Shape::{Like, Words};
    [
        ("", "store", Like(r"^(postgres(ql)?://([^:@]*@)?[^@]*|([^:\x00-\x1f\x7f-\x9f]|:[^/]|:/[^/])+:?/?)$")),
        ("", "store_password", Like(UNSEALED)),
        ("", "master_key", Like(UNSEALED)),
        ("serve", "listen", Like(r"^(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]{1,5}$")),
        ("serve", "listen_hooks", Like(r"^(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]{1,5}$")),
        ("serve", "survey_every", Like(SOME_TIME)),
        ("serve", "warn_before", Like(SOME_TIME)),
        ("instance.NAME", "url", Like(r"^\s*[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+([/?#].*)?$")),
        ("instance.NAME.proxy", "url", Like("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?$")),
        ("integration.NAME", "instance", Like(NAME)),
        ("integration.NAME", "issuer", Words(&["native"])),
        ("integration.NAME", "scopes", Like("^[A-Za-z0-9-]+:[A-Za-z0-9-]+$")),
        ("integration.NAME", "rotate_every", Like(SOME_TIME)),
        ("integration.NAME", "rotate_on", Like(r"^\s*\S+(\s+\S+){4}\s*$")),
        ("integration.NAME", "expires_after", Like("^(never|0*[1-9][0-9]*[wdhms])$")),
        ("integration.NAME", "silent_after", Like(SOME_TIME)),
        ("integration.NAME", "deliver", Like(ADDRESS)),
        ("integration.NAME.deliver", "to", Like(ADDRESS)),
        ("integration.NAME.deliver", "reload", Like("^[a-z0-9-]+:.+$")),
        ("notify.NAME", "webhook", Like(r"^(https?://[^/?#@]+([/?#].*)?|env:[A-Za-z_][A-Za-z0-9._-]*|file:.+|sealed:[A-Za-z_][A-Za-z0-9._-]*)$")),
        ("notify.NAME", "command", Like("^/")),
        ("notify.NAME", "kinds", Words(&["stalled", "due_soon", "done", "unknown_key", "silence", "missing_key", "drifted", "unreachable", "leaked"])),
        ("notify.NAME.mail", "server", Like(HOST_AND_PORT)),
        ("notify.NAME.mail", "to", Like(".@.")),
        ("notify.NAME.mail", "security", Words(&["starttls", "tls", "plain"])),
        ("forge.NAME", "kind", Words(&["github", "gitlab"])),
        ("forge.NAME", "url", Like(r"^(https://[^/?#@ \\]+(/[^?#@ \\]*)?|file:///[^?#@ \\]*)$")),
        ("forge.NAME", "repositories", Like("^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$")),
        ("forge.NAME", "action", Words(&["rotate", "notify"])),
    ]
};

/// The shape of a setting, if it has one of its own.
pub(super) fn shape(section: &str, key: &str) -> Option<Shape> {
    SHAPES.iter().find(|(of, its, _)| (*of, *its) == (section, key)).map(|(_, _, shape)| *shape)
}
