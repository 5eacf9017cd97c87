//! A proxy for one target, which notes what it was asked.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it makes of those who come.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// Everybody may.
    Open,
    /// Who gives `user` and `canary-password` may.
    Login,
    /// Nobody may.
    Closed,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) async fn start(rule: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = noted.clone();
                // A cut connection is the client's to tell.
                tokio::spawn(async move { drop(pass(stream, rule, &noted).await) });
            }
        });
        Self { url, heads }
    }

    /// The first lines of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap();
        heads.iter().map(|head| head.lines().next().unwrap().to_owned()).collect()
    }
}

async fn pass(mut client: TcpStream, rule: Rule, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    noted.lock().unwrap().push(head.clone());
    let login = base64::engine::general_purpose::STANDARD.encode("user:canary-password");
    let let_in = match rule {
        Rule::Open => true,
        Rule::Login => head.contains(&format!("Basic {login}")),
        Rule::Closed => false,
    };
    if !let_in {
        let status =
            if matches!(rule, Rule::Login) { "407 Authentication Required" } else { "403 Forbidden" };
        return client
            .write_all(
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
            )
            .await;
    }
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    if method == "CONNECT" {
        let mut server = TcpStream::connect(target).await?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    } else {
        let host = target.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        let mut server = TcpStream::connect(host).await?;
        server.write_all(head.as_bytes()).await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    }
    Ok(())
}
