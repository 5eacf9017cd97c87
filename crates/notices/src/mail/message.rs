//! The mail itself: plain text, the same each time that a notice is sent.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use lettre::{
    Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use model::Notice;

use crate::error::shown;

/// Longest line of a notice's own that is written.
const MAX_CHARS: usize = 2000;

/// The whole mail with its headers.
pub(super) fn compose(
    notice: &Notice,
    from: &Mailbox,
    to: &[Mailbox],
) -> Result<Vec<u8>, lettre::error::Error> {
    let about = notice.integration.as_ref().map(ToString::to_string);
    let about = about.or_else(|| notice.instance.as_ref().map(ToString::to_string));
    let about = about.map(|about| format!(": {about}")).unwrap_or_default();
    let auto =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let seconds = Duration::from_secs(notice.at.as_second().try_into().unwrap_or(0));
    let at = SystemTime::UNIX_EPOCH.checked_add(seconds).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut mail = Message::builder()
        .from(from.clone())
        .subject(format!("[keywright] {}{about}", notice.kind.as_str()))
        .date(at)
        // Mail servers and readers know a mail that came twice by it.
        .message_id(Some(format!("<{}@{}>", notice.id, from.email.domain())))
        .raw_header(auto)
        .header(ContentType::TEXT_PLAIN);
    for recipient in to {
        mail = mail.to(recipient.clone());
    }
    Ok(mail.body(text(notice))?.formatted())
}

fn text(notice: &Notice) -> String {
    let mut lines = shown(&notice.text, MAX_CHARS);
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a text cannot fail.
            write!(lines, "\r\n{name}: {}", shown(&value, MAX_CHARS)).ok();
        }
    };
    line("try", notice.mend.clone());
    line("instance", notice.instance.as_ref().map(ToString::to_string));
    line("integration", notice.integration.as_ref().map(ToString::to_string));
    line("rotation", notice.rotation.map(|id| id.to_string()));
    for (name, value) in &notice.detail {
        line(&shown(name, 80), Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    line("at", Some(notice.at.to_string()));
    line("notice", Some(notice.id.to_string()));
    lines.push_str("\r\n");
    lines
}

#[cfg(test)]
mod tests {
    use model::{NoticeId, NoticeKind, Timestamp, Ulid};

    use super::*;

    fn notice(text: &str) -> Notice {
        Notice {
            id: NoticeId(Ulid::from_parts(1_700_000_000_000, 7)),
            at: Timestamp::from_second(1_700_000_000).unwrap(),
            kind: NoticeKind::Stalled,
            instance: Some("prod".parse().unwrap()),
            integration: Some("backups".parse().unwrap()),
            rotation: None,
            text: text.to_owned(),
            mend: Some("keywright rotate --resume backups".to_owned()),
            detail: [("step".to_owned(), "deliver".into())].into(),
        }
    }

    fn mail(text: &str) -> String {
        let (from, to) = ("Keys <keys@example.com>", ["a@example.com", "b@example.com"]);
        let to = to.map(|to| to.parse().unwrap());
        String::from_utf8(compose(&notice(text), &from.parse().unwrap(), &to).unwrap()).unwrap()
    }

    #[test]
    fn it_says_what_and_how_to_mend_it() {
        let mail = mail("`backups` stalled");
        for part in [
            "Subject: [keywright] stalled: backups\r\n",
            "To: a@example.com, b@example.com\r\n",
            "Message-ID: <01hf7yat000000000000000007@example.com>\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "\r\n\r\n`backups` stalled\r\ntry: keywright rotate --resume backups\r\ninstance: prod\r\n",
            "\r\nstep: deliver\r\n",
        ] {
            assert!(mail.contains(part), "{part:?} in {mail}");
        }
    }

    #[test]
    fn a_notice_cannot_add_headers_or_lines() {
        let mail = mail("x\r\nBcc: evil@example.com\r\n.\r\nQUIT\r\n");
        assert!(!mail.contains("\nBcc") && !mail.contains("\n."), "{mail}");
        assert_eq!(mail.matches("\r\n\r\n").count(), 1, "{mail}");
    }
}
