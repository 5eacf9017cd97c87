//! The bytes to and from an SMTP server: bounded, and encrypted before anything is said that matters.

use std::{
    io::{self, Cursor},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use model::{ChannelError, ChannelErrorKind as Kind, ChannelName};
use rustls::{
    ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::ServerName,
    pki_types::pem::PemObject as _,
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::error::{caused_by, error};

/// What a server may say in all.
const MAX_BYTES: usize = 64 * 1024;
/// Longest answer in the clear.
const MAX_PLAIN_BYTES: usize = 8 * 1024;
/// Stands for the greeting that came in the clear.
const GREETING: &[u8] = b"220 greeted before\r\n";

/// The TLS of a channel, with the system's certificate authorities or its own.
pub(super) fn tls(name: &ChannelName, ca_pem: Option<&str>) -> Result<TlsConnector, ChannelError> {
    let bad = |because: &str| {
        error(Kind::BadSetting, name, because, "give a PEM file of certificate authorities as `ca`")
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|fault| caused_by(bad("TLS cannot be set up"), &fault))?;
    let builder = match ca_pem {
        None => builder
            .with_platform_verifier()
            .map_err(|fault| caused_by(bad("the system's certificate authorities cannot be read"), &fault))?,
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()).flatten() {
                roots.add(certificate).map_err(|fault| caused_by(bad("its `ca` is not sound"), &fault))?;
            }
            if roots.is_empty() {
                return Err(bad("its `ca` holds no certificate that can be read"));
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(TlsConnector::from(Arc::new(builder.with_no_client_auth())))
}

/// A connection to an SMTP server.
#[derive(Debug)]
pub(super) struct Wire {
    /// Read first.
    before: Cursor<&'static [u8]>,
    stream: Stream,
    peer: SocketAddr,
    left: usize,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// A connection in the clear; nothing is said yet.
    pub(super) async fn connect(host: &str, port: u16) -> io::Result<Self> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare, port)).await?;
        // Without it, each short line waits for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        Ok(Self { before: Cursor::new(&[]), stream: Stream::Plain(stream), peer, left: MAX_BYTES })
    }

    /// Gets the server to the point where TLS begins. It is not believed in anything else that it says.
    pub(super) async fn start_tls(mut self) -> io::Result<Self> {
        self.expect(b"220").await?;
        self.write_all(b"EHLO [127.0.0.1]\r\n").await?;
        self.expect(b"250").await?;
        self.write_all(b"STARTTLS\r\n").await?;
        self.expect(b"220").await?;
        Ok(self)
    }

    /// Reads one answer, to its last byte and no further: what follows STARTTLS belongs to TLS.
    async fn expect(&mut self, code: &[u8]) -> io::Result<()> {
        let mut line = Vec::new();
        for _ in 0..MAX_PLAIN_BYTES {
            match self.read_u8().await? {
                b'\n' if line.get(3) == Some(&b'-') => line.clear(),
                b'\n' if line.starts_with(code) => return Ok(()),
                b'\n' => return Err(io::Error::other("it does not offer STARTTLS, or is not ready")),
                byte => line.push(byte),
            }
        }
        Err(io::Error::other("its answer is too long"))
    }

    /// TLS from here on; the greeting comes in it.
    pub(super) async fn secure(self, tls: &TlsConnector, host: &str) -> io::Result<Self> {
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(io::Error::other)?;
        let Stream::Plain(stream) = self.stream else { return Err(io::Error::other("TLS within TLS")) };
        let stream = Stream::Tls(Box::new(tls.connect(name, stream).await?));
        Ok(Self { stream, ..self })
    }

    /// TLS from here on; the greeting came before.
    pub(super) async fn secure_greeted(self, tls: &TlsConnector, host: &str) -> io::Result<Self> {
        Ok(Self { before: Cursor::new(GREETING), ..self.secure(tls, host).await? })
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let filled = buffer.filled().len();
        let read = Pin::new(&mut wire.before).poll_read(context, buffer);
        if buffer.filled().len() > filled {
            return read;
        }
        if wire.left == 0 {
            return Poll::Ready(Err(io::Error::other("it says too much")));
        }
        let read = match &mut wire.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        wire.left = wire.left.saturating_sub(buffer.filled().len() - filled);
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
