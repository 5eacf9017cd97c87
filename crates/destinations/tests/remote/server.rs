//! A small HTTP server that answers as a service is documented to, checks strictly what it is sent, and can be told to
//! misbehave.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;

/// One request, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Without the query, as it was sent.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<serde_json::Value, String> {
        if !self.header("content-type").is_some_and(|media| media.contains("json")) {
            return Err(format!("content-type {:?}", self.header("content-type")));
        }
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// Whether it may change something.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "LIST")
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: serde_json::to_vec(body).unwrap() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }
}

/// A service as it is documented. `Err` is what no client may send; the test fails for it.
pub(crate) trait Shape: Send + Sync + 'static {
    fn answer(&self, seen: &Seen) -> Result<Reply, String>;

    /// Whether a request is a part of logging in; it is not what is misbehaved about.
    fn is_login(&self, _seen: &Seen) -> bool {
        false
    }

    /// Whether a request changes what is kept.
    fn writes(&self, seen: &Seen) -> bool {
        seen.writes() && !self.is_login(seen)
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// 429 that asks for so many seconds.
    Throttled(u32),
    Status(u16),
    /// What the service itself says when it refuses.
    Answer(Reply),
    /// No answer.
    Silent,
    /// The answer ends in its middle.
    Cut,
    /// Not JSON.
    Garbage,
    /// JSON of another shape.
    Misshapen,
    /// More than any answer may be.
    Huge,
    Redirect(String),
    /// It is carried out; then the connection ends without an answer.
    LostAnswer,
    /// It is carried out; then that goes wrong.
    Late(Box<Self>),
}

/// To which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    All,
    Writes,
}

type Hook = Box<dyn FnOnce() + Send>;

/// What goes wrong after some writes.
struct Strike {
    /// Writes that are answered well before.
    left: usize,
    fault: Fault,
    /// Whether all later writes go wrong too.
    lasts: bool,
}

#[derive(Default)]
struct State {
    faults: VecDeque<(To, Fault)>,
    always: Option<(To, Fault)>,
    strike: Option<Strike>,
    writes: usize,
    before_write: VecDeque<Hook>,
    /// What runs after so many other reads.
    before_read: Option<(usize, Hook)>,
    seen: Vec<Seen>,
    violations: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    struck: Arc<Notify>,
}

impl State {
    /// What goes wrong with a write, as far as that was counted off.
    fn strike(&mut self) -> Option<Fault> {
        let strike = self.strike.as_mut()?;
        if strike.left > 0 {
            strike.left -= 1;
            return None;
        }
        let fault = strike.fault.clone();
        if !strike.lasts {
            self.strike = None;
        }
        Some(fault)
    }
}

impl State {
    fn before_read(&mut self) -> Option<Hook> {
        match self.before_read.take()? {
            (0, hook) => Some(hook),
            (others, hook) => {
                self.before_read = Some((others - 1, hook));
                None
            }
        }
    }
}

impl Server {
    pub(crate) async fn start(shape: Arc<dyn Shape>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let struck = Arc::new(Notify::new());
        let shared = (Arc::clone(&state), Arc::clone(&struck));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, shape) = (shared.clone(), Arc::clone(&shape));
                let service = service_fn(move |request| {
                    let (state, struck) = shared.clone();
                    serve(request, state, struck, Arc::clone(&shape))
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, state, struck }
    }

    /// The next request of that sort goes wrong; after it, the next fault.
    pub(crate) fn fail_once(&self, to: To, fault: Fault) {
        self.state.lock().unwrap().faults.push_back((to, fault));
    }

    /// Every request of that sort goes wrong from now on.
    pub(crate) fn fail(&self, to: To, fault: Fault) {
        self.state.lock().unwrap().always = Some((to, fault));
    }

    /// The write after so many others goes wrong; all later ones too, if it lasts.
    pub(crate) fn strike(&self, left: usize, fault: Fault, lasts: bool) {
        self.state.lock().unwrap().strike = Some(Strike { left, fault, lasts });
    }

    /// Returns when what was struck has come to that: carried out or not, and not yet answered.
    pub(crate) async fn struck(&self) {
        self.struck.notified().await;
    }

    pub(crate) fn behave(&self) {
        let mut state = self.state.lock().unwrap();
        (state.always, state.faults, state.strike) = (None, VecDeque::new(), None);
    }

    /// How many writes were asked for so far.
    pub(crate) fn writes(&self) -> usize {
        self.state.lock().unwrap().writes
    }

    /// Runs once, before the next write is carried out.
    pub(crate) fn before_write(&self, hook: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().before_write.push_back(Box::new(hook));
    }

    /// Runs once, before a read after so many others.
    pub(crate) fn before_read(&self, others: usize, hook: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().before_read = Some((others, Box::new(hook)));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub(crate) fn forget_seen(&self) {
        self.state.lock().unwrap().seen.clear();
    }

    /// What was sent that no client may send, and secrets in URLs.
    pub(crate) fn unclean(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let told = |seen: &&Seen| format!("{} {:?}", seen.path, seen.query).contains("canary");
        let told = state.seen.iter().filter(told).map(|seen| format!("a secret is in the URL of {seen:?}"));
        state.violations.iter().cloned().chain(told).collect()
    }

    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.unclean(), [""; 0]);
    }
}

async fn serve(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    struck: Arc<Notify>,
    shape: Arc<dyn Shape>,
) -> Result<Response<Sent>, Unanswered> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect(),
        body,
    };
    let (fault, hook) = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        let meant = |to: &To| match to {
            To::All => !shape.is_login(&seen),
            To::Writes => shape.writes(&seen),
        };
        let fault = match state.faults.front() {
            Some((to, _)) if meant(to) => state.faults.pop_front().map(|(_, fault)| fault),
            _ => state.always.as_ref().filter(|(to, _)| meant(to)).map(|(_, fault)| fault.clone()),
        };
        if shape.writes(&seen) {
            state.writes += 1;
            let strike = state.strike();
            if strike.is_some() {
                struck.notify_one();
            }
            (fault.or(strike), state.before_write.pop_front())
        } else {
            (fault, state.before_read())
        }
    };
    if let Some(hook) = hook {
        hook();
    }
    let answer = || {
        shape.answer(&seen).unwrap_or_else(|violation| {
            let line = format!("{} {}: {violation}", seen.method, seen.path);
            state.lock().unwrap().violations.push(line);
            Reply::empty(400)
        })
    };
    match fault {
        None => Ok(respond(answer())),
        Some(Fault::Late(fault)) => {
            drop(answer());
            misbehave(*fault).await
        }
        Some(Fault::LostAnswer) => {
            drop(answer());
            Err(Unanswered)
        }
        Some(fault) => misbehave(fault).await,
    }
}

/// Ends the connection without an answer.
#[derive(Debug)]
struct Unanswered;

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer is lost")
    }
}

impl std::error::Error for Unanswered {}

/// A body, whole or cut off.
struct Sent {
    bytes: Option<Bytes>,
    is_cut: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Unanswered;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unanswered>>> {
        Poll::Ready(match self.bytes.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.is_cut => Some(Err(Unanswered)),
            None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.bytes.as_ref().map_or(0, Bytes::len) as u64;
        if self.is_cut { SizeHint::default() } else { SizeHint::with_exact(left) }
    }
}

async fn misbehave(fault: Fault) -> Result<Response<Sent>, Unanswered> {
    Ok(respond(match fault {
        Fault::Throttled(seconds) => {
            Reply { headers: vec![("retry-after".to_owned(), seconds.to_string())], ..Reply::empty(429) }
        }
        Fault::Status(status) => Reply::empty(status),
        Fault::Answer(reply) => reply,
        Fault::Silent => std::future::pending().await,
        Fault::Cut => {
            // More is announced than comes.
            let headers = vec![("content-length".to_owned(), "1000".to_owned())];
            let mut cut = respond(Reply { status: 200, headers, body: b"{\"canary\":".to_vec() });
            cut.body_mut().is_cut = true;
            return Ok(cut);
        }
        Fault::Garbage => Reply { body: b"<html>canary</html>".to_vec(), ..Reply::empty(200) },
        Fault::Misshapen => Reply::json(200, &serde_json::json!([["canary"]])),
        Fault::Huge => Reply { body: vec![b' '; 20 << 20], ..Reply::empty(200) },
        Fault::Redirect(to) => Reply { headers: vec![("location".to_owned(), to)], ..Reply::empty(307) },
        Fault::LostAnswer | Fault::Late(_) => return Err(Unanswered),
    }))
}

fn respond(reply: Reply) -> Response<Sent> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Sent { bytes: Some(Bytes::from(reply.body)), is_cut: false }).unwrap()
}
