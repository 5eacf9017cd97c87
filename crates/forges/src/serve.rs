//! The HTTP server that takes webhooks in: `POST /hooks/NAME`. It believes nobody: the signature is seen before a byte of a
//! body is parsed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use model::{ForgeName, Timestamp};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::delivery::NoDelivery;
use crate::signature::is_genuine;
use crate::{Delivery, Forge};

/// More wait until one of these is over.
const MAX_CONNECTIONS: usize = 64;
/// Bodies that are read at the same time; so much memory may strangers fill.
const MAX_BODIES: usize = 8;
/// GitHub sends at most 25 MB, and of a push of 2,048 commits a few.
const MAX_BODY_BYTES: usize = 8 << 20;
/// From the connection to the end of the answer. Forges give up after ten.
const MAX_LIFE: Duration = Duration::from_secs(15);
/// Request line and headers.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Who is told of deliveries.
#[async_trait::async_trait]
pub trait Inbox: Send + Sync {
    /// The forge of this name, as the configuration has it now.
    fn forge(&self, name: &ForgeName) -> Option<Arc<Forge>>;

    /// What time it is.
    fn now(&self) -> Timestamp;

    /// Keeps a delivery for later. It is durable when this returns `New`.
    async fn take(&self, forge: &Forge, delivery: Delivery) -> Taken;

    /// A webhook was refused: not signed as it should be, or not readable.
    fn refused(&self, forge: &ForgeName);
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept, and will be looked into.
    New,
    /// It was there before.
    Known,
    /// Too many wait, or the store does not answer.
    NotNow,
}

type Answer = Response<Full<Bytes>>;

/// Answers until `stop`; what is being answered then is answered to its end.
pub async fn serve(listener: TcpListener, inbox: Arc<dyn Inbox>, stop: impl Future<Output = ()> + Send) {
    let bodies = Arc::new(Semaphore::new(MAX_BODIES));
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn(connection(stream, Arc::clone(&inbox), Arc::clone(&bodies)));
                }
                // Out of descriptors: those that are served end and give theirs back.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, inbox: Arc<dyn Inbox>, bodies: Arc<Semaphore>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (inbox, bodies) = (Arc::clone(&inbox), Arc::clone(&bodies));
        async move { Ok::<_, Infallible>(answer(request, &*inbox, &bodies).await) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // An error here is a client that left, or one that does not speak HTTP.
    drop(tokio::time::timeout(MAX_LIFE, served).await);
}

async fn answer(request: Request<Incoming>, inbox: &dyn Inbox, bodies: &Semaphore) -> Answer {
    let name = request.uri().path().strip_prefix("/hooks/").and_then(|name| name.parse::<ForgeName>().ok());
    let Some(forge) = name.and_then(|name| inbox.forge(&name)) else {
        return say(StatusCode::NOT_FOUND, "not_found", "there is no such hook");
    };
    if request.method() != Method::POST {
        let mut answer = say(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "a hook takes POST alone");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return answer;
    }
    let told =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > MAX_BODY_BYTES)
        || request.body().size_hint().lower() > MAX_BODY_BYTES as u64
    {
        return too_large();
    }
    let (head, body) = request.into_parts();
    let Ok(_permit) = bodies.acquire().await else { return not_now() };
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(fault) if fault.is::<LengthLimitError>() => return too_large(),
        Err(_) => return say(StatusCode::BAD_REQUEST, "cut", "the body was not sent to its end"),
    };
    if !is_genuine(forge.kind, &forge.secret, &head.headers, &body, inbox.now()) {
        inbox.refused(&forge.name);
        return say(StatusCode::UNAUTHORIZED, "not_genuine", "it is not signed with this hook's secret");
    }
    let is_json = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|media| {
        media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
    });
    if !is_json {
        return say(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "set the webhook's content type to application/json",
        );
    }
    match Delivery::read(&forge, &head.headers, &body) {
        Err(NoDelivery::OtherEvent) => {
            say(StatusCode::OK, "passed_over", "it tells of nothing that is looked into")
        }
        Err(NoDelivery::OtherRepository) => {
            say(StatusCode::OK, "passed_over", "this repository is not among those that are looked through")
        }
        Err(NoDelivery::Malformed) => {
            inbox.refused(&forge.name);
            say(StatusCode::BAD_REQUEST, "malformed", "it is not what this forge sends")
        }
        Ok(delivery) => {
            drop(body);
            match inbox.take(&forge, delivery).await {
                Taken::New => say(StatusCode::ACCEPTED, "taken", "it will be looked into"),
                Taken::Known => say(StatusCode::OK, "known", "it was taken before"),
                Taken::NotNow => not_now(),
            }
        }
    }
}

fn too_large() -> Answer {
    say(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than 8 MiB")
}

fn not_now() -> Answer {
    say(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_now",
        "too many wait, or the store does not answer: send it again later",
    )
}

fn say(status: StatusCode, code: &str, message: &str) -> Answer {
    let mut answer =
        Response::new(Full::new(Bytes::from(format!("{}\n", json!({ "status": code, "message": message })))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
