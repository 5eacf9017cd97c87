//! A mail by SMTP, over STARTTLS, TLS, or, to this machine, nothing.

mod message;
mod wire;

use lettre::{
    address::Envelope,
    message::Mailbox,
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::AsyncSmtpConnection,
        extension::ClientId,
    },
};
use model::{Channel, ChannelError, ChannelErrorKind as Kind, ChannelName, Notice};

use self::wire::Wire;
use crate::{
    Limits, Mail as Settings, MailSecurity,
    channels::is_loopback,
    error::{caused_by, error, shown, too_late},
};

/// How we log in: the connection is encrypted, or to this machine.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

struct Mail {
    name: ChannelName,
    settings: Settings,
    from: Mailbox,
    to: Vec<Mailbox>,
    tls: Option<tokio_rustls::TlsConnector>,
    limits: Limits,
}

/// Whether a text is a mail address, with or without a name before it.
pub fn is_mailbox(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

pub(crate) fn open(
    name: &ChannelName,
    settings: &Settings,
    limits: Limits,
) -> Result<Box<dyn Channel>, ChannelError> {
    let bad = |because: &str, mend: &str| error(Kind::BadSetting, name, because, mend);
    let mailbox = |text: &String| -> Result<Mailbox, ChannelError> {
        text.parse().map_err(|_malformed| {
            let because = format!("`{}` is not a mail address", shown(text, 100));
            error(Kind::BadSetting, name, because, "write `name@example.com` or `Name <name@example.com>`")
        })
    };
    let from = mailbox(&settings.from)?;
    let to = settings.to.iter().map(mailbox).collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() {
        return Err(bad("it has no recipient", "name at least one mail address"));
    }
    let tls = match settings.security {
        MailSecurity::StartTls | MailSecurity::Tls => Some(wire::tls(name, settings.ca_pem.as_deref())?),
        MailSecurity::Plain if !is_loopback(&settings.host) => {
            let mend = "use STARTTLS or TLS: `plain` is for this machine only";
            return Err(bad("the notice would travel in the clear", mend));
        }
        MailSecurity::Plain | MailSecurity::DangerousPlain => None,
    };
    Ok(Box::new(Mail { name: name.clone(), settings: settings.clone(), from, to, tls, limits }))
}

impl Mail {
    async fn talk(&self, notice: &Notice) -> Result<(), ChannelError> {
        let unwritable = |fault: &dyn std::error::Error| {
            let failed = error(Kind::Failed, &self.name, "the mail cannot be written", "report this");
            caused_by(failed, fault)
        };
        let mail = message::compose(notice, &self.from, &self.to).map_err(|fault| unwritable(&fault))?;
        let to = self.to.iter().map(|mailbox| mailbox.email.clone()).collect();
        let envelope =
            Envelope::new(Some(self.from.email.clone()), to).map_err(|fault| unwritable(&fault))?;
        let wire = self.connect().await?;
        let hello = ClientId::default();
        let mut smtp = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello)
            .await
            .map_err(|fault| self.fault(&fault, "did not greet as SMTP servers do"))?;
        if let Some((user, password)) = &self.settings.login {
            if smtp.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
                return Err(self.takes_no_login());
            }
            let login = Credentials::new(user.clone(), password.expose().to_owned());
            smtp.auth(&MECHANISMS, &login)
                .await
                .map_err(|fault| self.fault(&fault, "did not accept the login"))?;
        }
        smtp.send(&envelope, &mail).await.map_err(|fault| self.fault(&fault, "did not take the mail"))?;
        // It is taken; how the farewell goes changes nothing.
        drop(smtp.quit().await);
        Ok(())
    }

    async fn connect(&self) -> Result<Wire, ChannelError> {
        let connecting = Wire::connect(&self.settings.host, self.settings.port);
        let plain = match tokio::time::timeout(self.limits.connect, connecting).await {
            Ok(Ok(plain)) => plain,
            Ok(Err(io)) => return Err(self.unreached("was not reached", &io)),
            Err(_elapsed) => return Err(self.too_late(self.limits.connect)),
        };
        let Some(tls) = &self.tls else { return Ok(plain) };
        let host = &self.settings.host;
        let secured = if self.settings.security == MailSecurity::StartTls {
            let ready = plain.start_tls().await.map_err(|io| self.unreached("did not start TLS", &io))?;
            ready.secure_greeted(tls, host).await
        } else {
            plain.secure(tls, host).await
        };
        secured.map_err(|io| self.unreached("does not speak TLS as it should", &io))
    }

    fn place(&self) -> String {
        format!("{}:{}", shown(&self.settings.host, 200), self.settings.port)
    }

    fn too_late(&self, limit: std::time::Duration) -> ChannelError {
        too_late(&self.name, limit, format!("see whether `{}` is up and answers", self.place()))
    }

    fn unreached(&self, how: &str, io: &std::io::Error) -> ChannelError {
        let mend =
            format!("see whether `{}` is the mail server, its port and its kind of TLS right", self.place());
        caused_by(error(Kind::Unreachable, &self.name, format!("`{}` {how}", self.place()), mend), io)
    }

    fn takes_no_login(&self) -> ChannelError {
        let because =
            format!("`{}` takes no login with user and password (AUTH PLAIN or LOGIN)", self.place());
        let mend = "leave out `user` and `password`, if it wants none; else name its port for programs that log in, \
                    mostly 587 with `starttls` or 465 with `tls`";
        error(Kind::Refused, &self.name, because, mend)
    }

    /// What an SMTP failure means. The server's text is not quoted: it may repeat what it was sent.
    fn fault(&self, fault: &lettre::transport::smtp::Error, how: &str) -> ChannelError {
        let place = self.place();
        let Some(code) = fault.status() else {
            let kind =
                if fault.is_response() || fault.is_client() { Kind::Failed } else { Kind::Unreachable };
            let because = format!("`{place}` {how}: the talk was cut, or is not SMTP");
            return error(kind, &self.name, because, "see the mail server's own log");
        };
        let because = format!("`{place}` {how}: code {code}");
        if fault.is_transient() {
            return error(Kind::Throttled, &self.name, because, "it is tried again later");
        }
        let mend = "see whether user, password, sender and recipients are right, and the mail server's log";
        error(Kind::Refused, &self.name, because, mend)
    }
}

#[async_trait::async_trait]
impl Channel for Mail {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), ChannelError> {
        let done = tokio::time::timeout(self.limits.whole, Box::pin(self.talk(notice))).await;
        done.unwrap_or_else(|_elapsed| Err(self.too_late(self.limits.whole)))
    }
}
