//! A small SMTP server: STARTTLS, TLS or neither, with a login.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::receiver::Mood;

/// When a server begins with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    Never,
    AtOnce,
    WhenAsked,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}
type Talk = BufReader<Box<dyn Stream>>;

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) ca_pem: String,
    pub(crate) mails: Arc<Mutex<Vec<String>>>,
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Session {
    mood: Mood,
    begins: Begins,
    /// Its last word after `EHLO`.
    offers: &'static str,
    tls: TlsAcceptor,
    mails: Arc<Mutex<Vec<String>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

pub(crate) async fn serve(mood: Mood, begins: Begins) -> Server {
    serve_offering(mood, begins, "AUTH PLAIN").await
}

pub(crate) async fn serve_offering(mood: Mood, begins: Begins, offers: &'static str) -> Server {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Port 1 is nobody's: none of the tests' servers gets it.
    let port = if mood == Mood::Gone { 1 } else { listener.local_addr().unwrap().port() };
    let (mails, lines) = (Arc::default(), Arc::default());
    let tls = TlsAcceptor::from(Arc::new(config));
    let session = Session { mood, begins, offers, tls, mails: Arc::clone(&mails), lines: Arc::clone(&lines) };
    if mood != Mood::Gone {
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // The other side goes away when it has had enough: that is no failure here.
                tokio::spawn(session.clone().talk(stream));
            }
        });
    }
    Server { port, ca_pem: made.cert.pem(), mails, lines }
}

async fn say(talk: &mut Talk, text: &str) -> Option<()> {
    talk.write_all(text.as_bytes()).await.ok()?;
    talk.flush().await.ok()
}

impl Session {
    async fn talk(self, stream: TcpStream) -> Option<()> {
        let mut secured = false;
        let mut talk: Talk = BufReader::new(Box::new(stream));
        if self.begins == Begins::AtOnce {
            talk = BufReader::new(Box::new(self.tls.accept(talk.into_inner()).await.ok()?));
            secured = true;
        }
        if self.mood == Mood::Silent {
            std::future::pending::<()>().await;
        }
        if self.mood == Mood::Floods {
            while say(&mut talk, &"flood".repeat(10_000)).await.is_some() {}
        }
        say(&mut talk, "220 mx.example ESMTP\r\n").await?;
        loop {
            let mut line = String::new();
            if talk.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            self.lines.lock().unwrap().push(format!("{}{line}", if secured { "TLS " } else { "" }));
            let word = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            match word.as_str() {
                "STARTTLS" if self.begins == Begins::WhenAsked => {
                    say(&mut talk, "220 go ahead\r\n").await?;
                    talk = BufReader::new(Box::new(self.tls.accept(talk.into_inner()).await.ok()?));
                    secured = true;
                }
                "EHLO" if self.begins == Begins::WhenAsked && !secured => {
                    say(&mut talk, "250-mx.example\r\n250-8BITMIME\r\n250 STARTTLS\r\n").await?;
                }
                "EHLO" => {
                    let offers = format!("250-mx.example\r\n250-8BITMIME\r\n250 {}\r\n", self.offers);
                    say(&mut talk, &offers).await?;
                }
                "AUTH" if self.mood == Mood::Refuses => say(&mut talk, &format!("535 no: {line}")).await?,
                "RCPT" if self.mood == Mood::Throttles => say(&mut talk, "451 canary, later\r\n").await?,
                "DATA" => {
                    say(&mut talk, "354 go on\r\n").await?;
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        talk.read_line(&mut mail).await.ok().filter(|read| *read > 0)?;
                    }
                    self.mails.lock().unwrap().push(mail);
                    say(&mut talk, "250 taken\r\n").await?;
                }
                "QUIT" => return say(&mut talk, "221 bye\r\n").await,
                _ => say(&mut talk, "250 fine\r\n").await?,
            }
        }
    }
}
