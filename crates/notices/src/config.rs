//! What a channel needs to know, its secrets resolved.

use std::time::Duration;

use model::{ChannelName, NoticeKind, Secret};

/// One channel.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// Its name in the configuration.
    pub name: ChannelName,
    /// What it is told; everything if empty.
    pub kinds: Vec<NoticeKind>,
    /// How.
    pub way: Way,
}

impl ChannelConfig {
    /// Whether it is told of this. A test is for every channel.
    pub fn wants(&self, kind: NoticeKind) -> bool {
        self.kinds.is_empty() || kind == NoticeKind::Test || self.kinds.contains(&kind)
    }
}

/// How a channel tells.
#[derive(Clone, Debug)]
pub enum Way {
    /// An HTTP POST of the notice as JSON, signed as Standard Webhooks says.
    Webhook(Webhook),
    /// A program of the operator's own: the notice as JSON on its stdin. No shell is involved.
    Command {
        /// The program's whole path and its arguments, quoted as in a shell.
        line: String,
    },
    /// A mail by SMTP.
    Mail(Mail),
}

/// Where a webhook is.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its URL. Many receivers know their callers by it alone, so only its host is ever shown.
    pub url: Secret,
    /// What it is signed with: `whsec_` and Base64, or any other text as it is; not signed if `None`.
    pub secret: Option<Secret>,
    /// Whether the notice may travel in the clear.
    pub plain_http: PlainHttp,
    /// Certificate authorities in PEM, instead of the system's.
    pub ca_pem: Option<String>,
}

/// Whether a notice may travel in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// `http://` only to this machine.
    #[default]
    Loopback,
    /// `http://` to any host; somebody decided so.
    DangerousAnywhere,
}

/// Where mails go, and how.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The SMTP server.
    pub host: String,
    /// Its port: 587 for STARTTLS and 465 for TLS, as a rule.
    pub port: u16,
    /// How the way to it is kept private.
    pub security: MailSecurity,
    /// User and password, if it wants them.
    pub login: Option<(String, Secret)>,
    /// The sender, such as `Keywright <keys@example.com>`.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// Certificate authorities in PEM, instead of the system's.
    pub ca_pem: Option<String>,
}

/// How the way to an SMTP server is kept private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS after STARTTLS. A server without it gets nothing.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None; to this machine only.
    Plain,
    /// None, to any host; somebody decided so.
    DangerousPlain,
}

/// How long a channel waits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For all of one sending.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), whole: Duration::from_secs(15) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kinds_are_all_kinds_and_a_test_is_for_all() {
        let mut config = ChannelConfig {
            name: "ops".parse().unwrap(),
            kinds: Vec::new(),
            way: Way::Command { line: "/bin/true".to_owned() },
        };
        assert!(NoticeKind::ALL.into_iter().all(|kind| config.wants(kind)));
        config.kinds.push(NoticeKind::Stalled);
        let wanted: Vec<_> = NoticeKind::ALL.into_iter().filter(|kind| config.wants(*kind)).collect();
        assert_eq!(wanted, [NoticeKind::Stalled, NoticeKind::Test]);
    }
}
