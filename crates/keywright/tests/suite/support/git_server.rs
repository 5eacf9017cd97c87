//! A server of git as forges have one: HTTPS, a token for those who read and one for those who push. The work behind it is
//! git's own `http-backend`.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What opens it for those who push.
pub(crate) const WRITER: &str = "someone:canary-write-token-example";

/// Ends when dropped.
pub(crate) struct GitServer {
    /// Without a slash at the end.
    pub(crate) url: String,
    /// Its certificate authority, in PEM.
    pub(crate) ca: String,
    task: JoinHandle<()>,
}

struct Shared {
    root: PathBuf,
    reader: String,
}

impl GitServer {
    /// Serves the bare repositories of a folder; `reader` is the login, `user:token`, that may fetch.
    pub(crate) fn start(root: &Path, reader: &str) -> Self {
        let (ca, acceptor) = certified();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let listener = TcpListener::from_std(listener).unwrap();
        let shared = Arc::new(Shared { root: root.to_owned(), reader: reader.to_owned() });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request| {
                        let shared = Arc::clone(&shared);
                        async move { Ok::<_, Infallible>(shared.answer(request).await) }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    drop(http.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { url, ca, task }
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let login =
            header(AUTHORIZATION).strip_prefix("Basic ").and_then(|login| STANDARD.decode(login).ok());
        let login = login.and_then(|login| String::from_utf8(login).ok()).unwrap_or_default();
        let writes = path.ends_with("/git-receive-pack") || query.contains("git-receive-pack");
        if login != WRITER && (writes || login != self.reader) {
            let refused = Response::builder().status(401).header(WWW_AUTHENTICATE, "Basic realm=\"git\"");
            return refused.body(Full::default()).unwrap();
        }
        let Ok(body) = body.collect().await else { return Response::new(Full::default()) };
        let body = body.to_bytes();
        let mut backend = tokio::process::Command::new("git");
        backend
            .arg("http-backend")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REMOTE_USER", login.split(':').next().unwrap_or_default())
            .env("REQUEST_METHOD", head.method.as_str())
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("CONTENT_TYPE", header(CONTENT_TYPE))
            .env("CONTENT_LENGTH", body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", header(CONTENT_ENCODING))
            .env("HTTP_GIT_PROTOCOL", header(HeaderName::from_static("git-protocol")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = backend.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let write = async move { stdin.write_all(&body).await.ok() };
        let (output, _) = tokio::join!(child.wait_with_output(), write);
        answer_of(&output.unwrap().stdout)
    }
}

/// The answer that a CGI program wrote.
fn answer_of(output: &[u8]) -> Response<Full<Bytes>> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").expect("http-backend has answered");
    let mut answer = Response::builder();
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        answer = if name == "Status" {
            answer.status(value.split(' ').next().unwrap())
        } else {
            answer.header(name, value)
        };
    }
    answer.body(Full::from(output[end + 4..].to_vec())).unwrap()
}

/// A certificate authority in PEM, and TLS with a certificate of it.
fn certified() -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)
        .unwrap();
    (ca.pem(), TlsAcceptor::from(Arc::new(config)))
}
