//! The server, over bare connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use monitor::{Duty, NotReady, Readiness, Snapshot, Source, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::states::full;

#[derive(Default)]
struct Stand {
    dead: AtomicBool,
    no_store: AtomicBool,
    stuck: AtomicBool,
    panics: AtomicBool,
}

#[async_trait::async_trait]
impl Source for Stand {
    async fn snapshot(&self) -> Snapshot {
        assert!(!self.panics.load(Ordering::SeqCst), "a source that fails");
        if self.stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        full()
    }

    async fn ready(&self) -> Readiness {
        let store = NotReady { part: "store".to_owned(), why: "the disk is full".to_owned() };
        let not_ready = if self.no_store.load(Ordering::SeqCst) { vec![store] } else { Vec::new() };
        Readiness { duty: Some(Duty::Standby), not_ready }
    }

    fn alive(&self) -> bool {
        !self.dead.load(Ordering::SeqCst)
    }
}

struct Server {
    address: std::net::SocketAddr,
    stand: Arc<Stand>,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stand = Arc::new(Stand::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let source = stand.clone();
    let ended = tokio::spawn(async move { serve(listener, source, async { drop(stopped.await) }).await });
    Server { address, stand, stop, ended }
}

impl Server {
    /// All that comes back for these bytes.
    async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The other side may have had enough already.
        stream.write_all(bytes).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8(answer).unwrap()
    }

    async fn check(&self, method: &str, path: &str, status: u16, part: &str) {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = self.say(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
        assert!(answer.contains(part), "{part} in {answer}");
    }
}

#[tokio::test]
async fn each_path_has_its_answer() {
    let server = start().await;
    server.check("GET", "/healthz", 200, "{\"status\":\"alive\"}").await;
    server.check("GET", "/readyz", 200, "\"duty\":\"standby\"").await;
    server.check("GET", "/metrics?x=1", 200, "\nkeywright_log_waiting_events 10\n").await;
    server.check("GET", "/metrics", 200, "content-type: text/plain; version=0.0.4; charset=utf-8").await;
    server.check("GET", "/", 404, "\"status\":\"not_found\"").await;
    server.check("GET", "/metrics/", 404, "content-type: application/json").await;
    server.check("POST", "/metrics", 405, "allow: GET, HEAD").await;
    server.check("DELETE", "/healthz", 405, "\"status\":\"method_not_allowed\"").await;
    let head = server.say(b"HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let server = start().await;
    server.stand.dead.store(true, Ordering::SeqCst);
    server.check("GET", "/healthz", 503, "\"status\":\"stuck\"").await;
    server.stand.no_store.store(true, Ordering::SeqCst);
    server.check("GET", "/readyz", 503, "{\"part\":\"store\",\"why\":\"the disk is full\"}").await;
    server.stand.stuck.store(true, Ordering::SeqCst);
    server.check("GET", "/metrics", 503, "\"status\":\"too_late\"").await;
    // One that fails takes its own connection down and nothing else.
    server.stand.panics.store(true, Ordering::SeqCst);
    assert_eq!(server.say(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
    server.stand.dead.store(false, Ordering::SeqCst);
    server.check("GET", "/healthz", 200, "alive").await;
}

#[tokio::test]
async fn bad_clients_are_refused_or_cut_off() {
    let server = start().await;
    let flood = [b"GET /healthz HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 1 << 20]].concat();
    assert!(!server.say(&flood).await.starts_with("HTTP/1.1 200"));
    assert!(!server.say(b"\x16\x03\x01 not HTTP\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    let body = [
        b"GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n".as_slice(),
        &vec![0; 1 << 20],
    ];
    server.say(&body.concat()).await;
    let began = Instant::now();
    assert_eq!(server.say(b"GET /healthz HTTP/1.1\r\nslow: ").await, "");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    server.check("GET", "/healthz", 200, "alive").await;
}

#[tokio::test]
async fn idle_clients_hold_others_up_for_a_moment_only() {
    let server = start().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    drop(idle.split_off(64));
    server.check("GET", "/healthz", 200, "alive").await;
}

#[tokio::test]
async fn it_stops_when_told_and_lets_go_of_its_port() {
    let server = start().await;
    server.check("GET", "/healthz", 200, "alive").await;
    server.stop.send(()).unwrap();
    server.ended.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
