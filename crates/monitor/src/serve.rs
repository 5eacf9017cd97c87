//! The HTTP server: few connections, one request each, none for long.

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::{Source, answer::answer};

/// More wait until one of these is over.
const MAX_CONNECTIONS: usize = 64;
/// From the connection to the end of the answer.
const MAX_LIFE: Duration = Duration::from_secs(5);
/// Request line and headers.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Answers until `stop`; what is being answered then is answered to its end.
pub async fn serve(listener: TcpListener, source: Arc<dyn Source>, stop: impl Future<Output = ()> + Send) {
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn(connection(stream, Arc::clone(&source)));
                }
                // Out of descriptors: those that are served end and give theirs back.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, source: Arc<dyn Source>) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let source = Arc::clone(&source);
        async move { Ok::<_, Infallible>(answer(&request, source.as_ref()).await) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // An error here is a client that left, or one that does not speak HTTP.
    drop(tokio::time::timeout(MAX_LIFE, served).await);
}
