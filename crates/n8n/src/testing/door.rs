//! An address of one's own in front of an instance.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::Trouble;

/// A relay to an instance. What goes through it comes to n8n from a loopback address that nobody else uses, so
/// that 1.x, which counts logins per address, counts them apart. Closed when dropped.
#[derive(Debug)]
pub struct Door {
    url: String,
    relay: JoinHandle<()>,
}

impl Door {
    /// Opens a door to the server at `url` (`http://`, an IPv4 address, a port).
    pub async fn open(url: &str) -> Result<Self, Trouble> {
        let to: SocketAddr = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/').parse()?;
        let random = RandomState::new().build_hasher().finish().to_le_bytes();
        let [a, b, c, ..] = random;
        // 127.0.x.y is left to everybody else.
        let from = Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let relay = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                open.spawn(pass(client, from, to));
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { url, relay })
    }

    /// The base URL in front of the instance.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

async fn pass(mut client: TcpStream, from: Ipv4Addr, to: SocketAddr) {
    let connected = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.connect(to).await
    };
    if let Ok(mut server) = connected.await {
        // Both ends see what became of it.
        drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
    }
}
