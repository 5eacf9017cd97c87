//! A server that says what it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::IssuerErrorKind as Kind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a server says, whatever it is asked.
#[derive(Clone)]
pub(crate) enum Says {
    /// These bytes; then it closes.
    Bytes(Vec<u8>),
    /// The first, then the second for ever.
    Forever(Vec<u8>, Vec<u8>),
    /// The first, then a byte now and then.
    Drips(Vec<u8>),
    /// Nothing, and stays.
    Silence,
}

pub(crate) struct Stand {
    pub(crate) url: String,
    pub(crate) connections: Arc<AtomicUsize>,
}

pub(crate) async fn stand(says: Says) -> Stand {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let says = says.clone();
            // The other side goes away when it has had enough: that is no failure here.
            tokio::spawn(async move { drop(answer(stream, says).await) });
        }
    });
    Stand { url, connections }
}

async fn answer(mut stream: TcpStream, says: Says) -> std::io::Result<()> {
    let mut request = [0_u8; 8192];
    if stream.read(&mut request).await? == 0 {
        return Ok(());
    }
    match says {
        Says::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Says::Forever(first, then) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&then).await?;
            }
        }
        Says::Drips(first) => {
            stream.write_all(&first).await?;
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                stream.write_all(b" ").await?;
            }
        }
        Says::Silence => {
            while stream.read(&mut request).await? > 0 {}
            Ok(())
        }
    }
}

pub(crate) fn http(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn json(body: &str) -> Says {
    Says::Bytes(http(200, "", body.as_bytes()))
}

const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"data\":\"";

/// Every way to misbehave, and what it must be called.
pub(crate) fn misbehaviours() -> Vec<(&'static str, Says, &'static [Kind])> {
    const HOSTILE: &[Kind] = &[Kind::Hostile];
    const UNREACHABLE: &[Kind] = &[Kind::Unreachable];
    const EITHER: &[Kind] = &[Kind::Hostile, Kind::Unreachable];
    let block = vec![b'a'; 64 << 10];
    let huge = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10000000000\r\n\r\n";
    let chunked = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"10000\r\n".as_slice(), &block, b"\r\n"].concat();
    let deep = format!("{{\"data\":{}", "[".repeat(100_000));
    let wide = format!("{{\"data\":[{}{{}}]}}", "{},".repeat(300_000));
    let flood = "x-flood: canary\r\n".repeat(20_000);
    let cut = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"data\":";
    let short =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{\"data\":[]}";
    let html = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<p>canary</p>";
    vec![
        ("huge", Says::Forever(huge.to_vec(), block.clone()), HOSTILE),
        ("endless", Says::Forever(ENDLESS.to_vec(), block), EITHER),
        ("endless chunks", Says::Forever(chunked.to_vec(), chunk), EITHER),
        (
            "endless interim answers",
            Says::Forever(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
            EITHER,
        ),
        (
            "endless headers",
            Says::Forever(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-canary: 1\r\n".to_vec()),
            HOSTILE,
        ),
        ("many headers", Says::Bytes(http(200, &flood, b"{}")), HOSTILE),
        ("deep", json(&deep), HOSTILE),
        ("wide", json(&wide), HOSTILE),
        ("a number", json("{\"data\":7}"), HOSTILE),
        ("a list of numbers", json("{\"data\":[1,2]}"), HOSTILE),
        (
            "keys with numbers for ids",
            json("{\"data\":{\"items\":[{\"id\":5,\"label\":\"canary\"}]}}"),
            HOSTILE,
        ),
        ("an id that is a path", json("{\"data\":[{\"id\":\"../canary\",\"label\":\"x\"}]}"), HOSTILE),
        ("null", json("null"), HOSTILE),
        ("no body", json(""), HOSTILE),
        ("invalid UTF-8", Says::Bytes(http(200, "", b"{\"data\":\"\xff\xfe canary\"}")), HOSTILE),
        ("a page", Says::Bytes(html.to_vec()), HOSTILE),
        ("cut in the middle", Says::Bytes(cut.to_vec()), UNREACHABLE),
        ("a length that is too short", Says::Bytes(short.to_vec()), HOSTILE),
        ("not HTTP", Says::Bytes(b"SSH-2.0-canary\r\n".to_vec()), EITHER),
        ("closed at once", Says::Bytes(Vec::new()), UNREACHABLE),
        ("a slow drip", Says::Drips(ENDLESS.to_vec()), UNREACHABLE),
        ("silence", Says::Silence, UNREACHABLE),
    ]
}
