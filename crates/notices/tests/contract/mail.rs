//! SMTP servers as the receivers.

use std::{marker::PhantomData, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{ChannelErrorKind as Kind, Secret};
use notices::{ChannelConfig, Mail, MailSecurity, Way};

use crate::receiver::{CANARY, FixedClock, LONG, Mood, Receiver, channel, notice};
use crate::smtp::{Begins, Server, serve, serve_offering};

pub(crate) trait Security {
    const OURS: MailSecurity;
    const THEIRS: Begins;
}
pub(crate) struct StartTls;
impl Security for StartTls {
    const OURS: MailSecurity = MailSecurity::StartTls;
    const THEIRS: Begins = Begins::WhenAsked;
}
pub(crate) struct Tls;
impl Security for Tls {
    const OURS: MailSecurity = MailSecurity::Tls;
    const THEIRS: Begins = Begins::AtOnce;
}
pub(crate) struct Plain;
impl Security for Plain {
    const OURS: MailSecurity = MailSecurity::Plain;
    const THEIRS: Begins = Begins::Never;
}

pub(crate) struct MailReceiver<S>(Server, PhantomData<S>);

fn settings(server: &Server, security: MailSecurity) -> Mail {
    Mail {
        host: "localhost".to_owned(),
        port: server.port,
        security,
        login: Some(("keys".to_owned(), Secret::new(CANARY))),
        from: "Keywright <keys@example.com>".to_owned(),
        to: vec!["a@example.com".to_owned(), "B <b@example.com>".to_owned()],
        ca_pem: Some(server.ca_pem.clone()),
    }
}

impl<S: Security> Receiver for MailReceiver<S> {
    async fn start(mood: Mood) -> Self {
        Self(serve(mood, S::THEIRS).await, PhantomData)
    }

    fn way(&self) -> Way {
        Way::Mail(settings(&self.0, S::OURS))
    }

    fn arrived(&self) -> Vec<String> {
        let mails = self.0.mails.lock().unwrap();
        let id = |mail: &String| Some(mail.split_once("Message-ID: <")?.1.split_once('@')?.0.to_owned());
        mails.iter().filter_map(id).collect()
    }
}

#[tokio::test]
async fn nothing_that_matters_is_said_before_tls() {
    let server = serve(Mood::Takes, Begins::WhenAsked).await;
    channel(Way::Mail(settings(&server, MailSecurity::StartTls)), LONG).send(&notice()).await.unwrap();
    let lines = server.lines.lock().unwrap().clone();
    let clear: Vec<_> = lines.iter().filter(|line| !line.starts_with("TLS ")).collect();
    assert_eq!(clear, ["EHLO [127.0.0.1]\r\n", "STARTTLS\r\n"]);
    let login = STANDARD.encode(format!("\0keys\0{CANARY}"));
    assert!(lines.contains(&format!("TLS AUTH PLAIN {login}\r\n")), "{lines:?}");
    for to in ["TLS RCPT TO:<a@example.com>\r\n", "TLS RCPT TO:<b@example.com>\r\n"] {
        assert!(lines.iter().any(|line| line == to), "{lines:?}");
    }
    let mail = server.mails.lock().unwrap().remove(0);
    assert!(mail.contains("Subject: [keywright] stalled: backups\r\n"), "{mail}");
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let server = serve(Mood::Takes, Begins::Never).await;
    let failure = channel(Way::Mail(settings(&server, MailSecurity::StartTls)), LONG).send(&notice()).await;
    assert_eq!(failure.unwrap_err().kind, Kind::Unreachable);
    let lines = server.lines.lock().unwrap().clone();
    assert_eq!(lines, ["EHLO [127.0.0.1]\r\n", "STARTTLS\r\n"]);
}

#[tokio::test]
async fn a_server_that_takes_no_login_is_told_as_what_it_is() {
    for offers in ["SIZE 1000", "AUTH XOAUTH2"] {
        let server = serve_offering(Mood::Takes, Begins::AtOnce, offers).await;
        let failure = channel(Way::Mail(settings(&server, MailSecurity::Tls)), LONG).send(&notice()).await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind, Kind::Refused, "{failure}");
        let mends = failure.report.mend.join(" ");
        assert!(failure.to_string().contains("takes no login"), "{failure}");
        assert!(mends.contains("leave out `user` and `password`") && mends.contains("587"), "{mends}");
        let lines = server.lines.lock().unwrap().clone();
        assert!(!lines.iter().any(|line| line.contains("AUTH")), "{lines:?}");
    }
}

#[tokio::test]
async fn a_server_of_another_authority_gets_nothing() {
    let server = serve(Mood::Takes, Begins::AtOnce).await;
    let mut settings = settings(&server, MailSecurity::Tls);
    // The certificate is of another authority.
    settings.ca_pem = Some(serve(Mood::Takes, Begins::AtOnce).await.ca_pem);
    let failure = channel(Way::Mail(settings), LONG).send(&notice()).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Unreachable, "{failure}");
    assert_eq!(*server.lines.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn a_bad_setting_is_named() {
    let good = Mail {
        host: "mail.example.com".to_owned(),
        port: 587,
        security: MailSecurity::StartTls,
        login: None,
        from: "keys@example.com".to_owned(),
        to: vec!["a@example.com".to_owned()],
        ca_pem: None,
    };
    let open = |mail: Mail| {
        let config = ChannelConfig { name: "ops".parse().unwrap(), kinds: Vec::new(), way: Way::Mail(mail) };
        notices::open(&config, &[], Arc::new(FixedClock)).err()
    };
    assert_eq!(open(good.clone()), None);
    assert_eq!(open(Mail { security: MailSecurity::DangerousPlain, ..good.clone() }), None);
    for bad in [
        Mail { from: "keys".to_owned(), ..good.clone() },
        Mail { from: "a@example.com\r\nBcc: x@example.com".to_owned(), ..good.clone() },
        Mail { to: Vec::new(), ..good.clone() },
        Mail { security: MailSecurity::Plain, ..good.clone() },
        Mail { ca_pem: Some("no PEM".to_owned()), ..good },
    ] {
        let failure = open(bad.clone()).unwrap();
        assert_eq!(failure.kind, Kind::BadSetting, "{bad:?}");
        assert!(!failure.to_string().contains('\n'), "{failure}");
    }
}
