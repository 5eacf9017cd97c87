//! What can be found.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An API key of n8n 2.x: a JWT with an id of its own.
    Native2,
    /// An API key of n8n 1.x: a JWT without one.
    Native1,
    /// An API key of n8n up to 1.60: `n8n_api_` and 80 hex digits.
    Legacy,
    /// An API key that Keywright's gateway checks.
    Gateway,
    /// A token for n8n's MCP server.
    Mcp,
    /// A token for n8n's SCIM interface.
    Scim,
    /// The cookie of a signed-in user.
    SessionCookie,
    /// The address of a webhook under test, with a user and a password in it.
    WebhookUrl,
    /// What n8n encrypts its credentials with.
    EncryptionKey,
}

/// How bad it is that it got out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Opens something, in part or for a time.
    Medium,
    /// Opens the whole of the API.
    High,
}

impl Kind {
    /// All, the worst first.
    pub const ALL: [Self; 9] = [
        Self::Native2,
        Self::Native1,
        Self::Legacy,
        Self::Gateway,
        Self::Mcp,
        Self::Scim,
        Self::SessionCookie,
        Self::WebhookUrl,
        Self::EncryptionKey,
    ];

    /// Its name in reports, such as `native2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native2 => "native2",
            Self::Native1 => "native1",
            Self::Legacy => "legacy",
            Self::Gateway => "gateway",
            Self::Mcp => "mcp",
            Self::Scim => "scim",
            Self::SessionCookie => "session_cookie",
            Self::WebhookUrl => "webhook_url",
            Self::EncryptionKey => "encryption_key",
        }
    }

    /// A person's words for it, such as `API key of n8n 2.x`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Native2 => "API key of n8n 2.x",
            Self::Native1 => "API key of n8n 1.x",
            Self::Legacy => "legacy API key of n8n",
            Self::Gateway => "gateway key",
            Self::Mcp => "MCP token of n8n",
            Self::Scim => "SCIM token of n8n",
            Self::SessionCookie => "session cookie of n8n",
            Self::WebhookUrl => "webhook test address with a password",
            Self::EncryptionKey => "encryption key of n8n",
        }
    }

    /// Whether it is an API key; the rest are other secrets of n8n's.
    pub fn is_api_key(self) -> bool {
        matches!(self, Self::Native2 | Self::Native1 | Self::Legacy | Self::Gateway)
    }

    /// API keys are high, the rest is apart.
    pub fn severity(self) -> Severity {
        if self.is_api_key() { Severity::High } else { Severity::Medium }
    }
}
