//! What is answered to a request. Its body is not read.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};

use crate::{Source, render};

/// How long the source may take.
const PATIENCE: Duration = Duration::from_secs(4);

pub(crate) type Answer = Response<Full<Bytes>>;

pub(crate) async fn answer<B>(request: &Request<B>, source: &dyn Source) -> Answer {
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/healthz" | "/readyz" | "/metrics" if !asks => {
            let fault = fault("method_not_allowed", "only GET and HEAD are answered here");
            let mut answer = json(StatusCode::METHOD_NOT_ALLOWED, &fault);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            answer
        }
        "/healthz" => health(source),
        "/readyz" => ready(source).await,
        "/metrics" => metrics(source).await,
        _ => json(StatusCode::NOT_FOUND, &fault("not_found", "there are /healthz, /readyz and /metrics")),
    }
}

fn health(source: &dyn Source) -> Answer {
    if source.alive() {
        json(StatusCode::OK, &json!({ "status": "alive" }))
    } else {
        json(StatusCode::SERVICE_UNAVAILABLE, &fault("stuck", "the loop of this process turns no more"))
    }
}

async fn ready(source: &dyn Source) -> Answer {
    let Ok(ready) = tokio::time::timeout(PATIENCE, source.ready()).await else { return too_late() };
    let (status, word) = if ready.is_ready() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    json(status, &json!({ "status": word, "duty": ready.duty, "not_ready": ready.not_ready }))
}

async fn metrics(source: &dyn Source) -> Answer {
    match tokio::time::timeout(PATIENCE, source.snapshot()).await {
        Ok(snapshot) => whole(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", render(&snapshot)),
        Err(_elapsed) => too_late(),
    }
}

fn too_late() -> Answer {
    json(StatusCode::SERVICE_UNAVAILABLE, &fault("too_late", "the store did not answer in time"))
}

fn fault(code: &str, message: &str) -> Value {
    json!({ "status": code, "message": message })
}

fn json(status: StatusCode, value: &Value) -> Answer {
    whole(status, "application/json", format!("{value}\n"))
}

fn whole(status: StatusCode, media: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
