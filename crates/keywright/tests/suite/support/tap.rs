//! A relay to the instance that remembers what passes, and finds the secrets in it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

/// It ends when dropped.
pub(crate) struct Tap {
    pub(crate) url: String,
    heard: Heard,
    task: JoinHandle<()>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tap {
    pub(crate) async fn open(url: &str) -> Self {
        let to: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Heard::default();
        let all = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, to, Arc::clone(&all)));
            }
        });
        Self { url, heard, task }
    }

    /// Every token that passed: sessions and keys, those included that nobody kept.
    pub(crate) fn tokens(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for stream in &*self.heard.lock().unwrap() {
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
            for word in stream.split(|byte| !is_part(byte)) {
                let text = String::from_utf8(word.to_vec()).unwrap();
                if text.starts_with("eyJ") && text.split('.').count() == 3 {
                    found.insert(text);
                }
            }
        }
        found
    }
}

async fn pass(mut client: TcpStream, to: SocketAddr, heard: Heard) {
    let Ok(mut server) = TcpStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::select! {
        () = copy(&mut from_client, &mut to_server, &heard) => {}
        () = copy(&mut from_server, &mut to_client, &heard) => {}
    }
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), heard: &Heard) {
    let stream = {
        let mut all = heard.lock().unwrap();
        all.push(Vec::new());
        all.len() - 1
    };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        heard.lock().unwrap()[stream].extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
