//! The HTTP server: connections, bodies, latency, faults. What is answered is decided in `routes`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::answer::{self, Answer, Payload};
use crate::calls::{KeySeen, Outcome};
use crate::faults::{Effect, Hostile};
use crate::routes::{self, Request};
use crate::sandbox::Shared;
use crate::token;

/// n8n's own limit is 16 MB.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// The connection is to be cut.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is cut by a fault")
    }
}

impl std::error::Error for Cut {}

/// Accepts connections until it is dropped; its connections end with it.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                // Out of descriptors: those that are served end and give theirs back.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without it, small answers wait for the client's acknowledgement.
    let _slower_but_right = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { handle(request, &shared).await }
    });
    // An error here is a fault that cut the connection, or a client that left.
    let _cut = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Notes a client that leaves while its call is held.
struct Watched<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.shared.calls.became(self.number, Outcome::Abandoned);
    }
}

async fn handle(request: hyper::Request<Incoming>, shared: &Shared) -> Result<Response<Payload>, Cut> {
    let (head, body) = request.into_parts();
    let method = head.method.as_str();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else { return Err(Cut) };
    let body = body.to_bytes();

    let key = head
        .headers
        .get("x-n8n-api-key")
        .and_then(|key| key.to_str().ok())
        .map(|text| KeySeen { fingerprint: token::fingerprint(text), id: shared.state().live_key_id(text) });
    let number = shared.calls.arrived(shared.clock.now(), method, path, key);
    let _watched = Watched { shared, number };
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }

    let effect = || {
        let request = Request::new(head.method.clone(), &head.uri, &head.headers, body.clone());
        routes::answer(&mut shared.state(), &request)
    };
    let answered = match shared.faults.strike(method, path) {
        None => Ok(effect()),
        Some(fault) => faulty(fault, shared, number, effect).await,
    };
    shared
        .calls
        .became(number, answered.as_ref().map_or(Outcome::Cut, |answer| Outcome::Answered(answer.status)));
    answered.map(Answer::into_response)
}

async fn faulty(
    fault: Effect,
    shared: &Shared,
    number: u64,
    effect: impl FnOnce() -> Answer,
) -> Result<Answer, Cut> {
    Ok(match fault {
        Effect::RefuseBefore => return Err(Cut),
        Effect::LostAnswer => {
            drop(effect());
            return Err(Cut);
        }
        Effect::Delay(long) => {
            shared.calls.became(number, Outcome::Held);
            tokio::time::sleep(long).await;
            effect()
        }
        Effect::Status(status) => answer::message(status, "Internal server error"),
        Effect::StatusAfter(status) => {
            drop(effect());
            answer::message(status, "Internal server error")
        }
        Effect::TooMany { retry_after_s } => {
            let answer = answer::raw(429, "text/html; charset=utf-8", routes::TOO_MANY);
            answer::with(answer, "retry-after", &retry_after_s.to_string())
        }
        Effect::Hostile(kind) => hostile(kind),
        Effect::RedirectTo(url) => answer::with(answer::raw(302, "text/plain", "Found"), "location", &url),
        Effect::Hang => {
            held(shared, number).await;
            effect()
        }
        Effect::HangAfter => {
            let answer = effect();
            held(shared, number).await;
            answer
        }
    })
}

async fn held(shared: &Shared, number: u64) {
    let mut released = shared.faults.released();
    shared.calls.became(number, Outcome::Held);
    if released.changed().await.is_err() {
        // Nobody is left who could release it.
        std::future::pending::<()>().await;
    }
}

fn hostile(kind: Hostile) -> Answer {
    let filler = Bytes::from_static(&[b'['; 16 * 1024]);
    let body = match kind {
        Hostile::Bytes(bytes) => Payload::Whole(Some(bytes.into())),
        Hostile::Huge(bytes) => Payload::Repeated { piece: filler, left: Some(bytes) },
        Hostile::Endless => Payload::Repeated { piece: filler, left: None },
        Hostile::Deep(levels) => {
            Payload::Whole(Some(["[".repeat(levels), "]".repeat(levels)].concat().into()))
        }
    };
    let mut answer = answer::raw(200, "application/json; charset=utf-8", "");
    answer.body = body;
    answer
}
