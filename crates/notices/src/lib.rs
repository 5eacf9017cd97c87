//! Channels of notices: how people are told, one file each behind [`model::Channel`].
//!
//! A notice holds no secret, but a channel may: a signing secret, a password, a URL that is one. None of them is
//! in an error. Every call is bounded in time and in what it reads.

mod channels;
mod command;
mod config;
mod error;
mod mail;
mod webhook;

pub use channels::{is_loopback, open, open_within};
pub use config::{ChannelConfig, Limits, Mail, MailSecurity, PlainHttp, Way, Webhook};
pub use mail::is_mailbox;
pub use webhook::{SettingFault, webhook_url};
