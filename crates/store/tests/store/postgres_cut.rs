//! A way to the database that breaks where transactions end.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex as Lock};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// What becomes of the end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It passes.
    Not,
    /// It does not reach the database.
    Before,
    /// It is done, and its answer is lost.
    After,
    /// As [`Cut::After`], and nobody gets a connection until it is [`Way::repaired`].
    AfterAndDown,
    /// It does not reach the database, and whoever sent it waits.
    HoldBefore,
    /// It is done, and whoever sent it waits for the answer.
    HoldAfter,
}

#[derive(Default)]
struct Plan {
    cuts: VecDeque<Cut>,
    is_down: bool,
}

/// It ends when dropped.
pub(crate) struct Way {
    at: SocketAddr,
    plan: Arc<Lock<Plan>>,
    held: Mutex<mpsc::UnboundedReceiver<()>>,
    task: JoinHandle<()>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Way {
    /// A way to where the URL leads.
    pub(crate) async fn to(url: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (at, to) = (listener.local_addr().unwrap(), place(url).to_owned());
        let plan = Arc::<Lock<Plan>>::default();
        let (tell, held) = mpsc::unbounded_channel();
        let planned = Arc::clone(&plan);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !planned.lock().unwrap().is_down {
                    let (to, plan, tell) = (to.clone(), Arc::clone(&planned), tell.clone());
                    tokio::spawn(async move { pass(client, &to, &plan, &tell).await });
                }
            }
        });
        Self { at, plan, held: Mutex::new(held), task }
    }

    /// The URL by this way, in the clear so that it can be looked into.
    pub(crate) fn url(&self, url: &str) -> String {
        format!("{}?sslmode=disable", url.replace(place(url), &self.at.to_string()))
    }

    /// What becomes of the next ends.
    pub(crate) fn next(&self, cuts: &[Cut]) {
        self.plan.lock().unwrap().cuts = cuts.iter().copied().collect();
    }

    /// Whether all that was planned happened.
    pub(crate) fn is_through(&self) -> bool {
        self.plan.lock().unwrap().cuts.is_empty()
    }

    /// Waits until an end is held.
    pub(crate) async fn held(&self) {
        self.held.lock().await.recv().await.unwrap();
    }

    /// Connections come to be again.
    pub(crate) fn repaired(&self) {
        self.plan.lock().unwrap().is_down = false;
    }
}

/// Host and port of a URL.
fn place(url: &str) -> &str {
    url.split(['/', '@']).find(|part| part.contains("127.0.0.1:")).unwrap()
}

async fn pass(mut client: TcpStream, to: &str, plan: &Lock<Plan>, tell: &mpsc::UnboundedSender<()>) {
    let mut server = TcpStream::connect(to).await.unwrap();
    let (mut asked, mut said) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let cut = next(&asked[..count], plan);
                if !matches!(cut, Cut::Before | Cut::HoldBefore) {
                    server.write_all(&asked[..count]).await.unwrap();
                }
                if matches!(cut, Cut::After | Cut::AfterAndDown | Cut::HoldAfter) {
                    assert_ne!(server.read(&mut said).await.unwrap(), 0, "it is done");
                }
                if matches!(cut, Cut::HoldBefore | Cut::HoldAfter) {
                    tell.send(()).unwrap();
                    while let Ok(1..) = client.read(&mut asked).await {}
                }
                if cut != Cut::Not {
                    return;
                }
            }
            read = server.read(&mut said) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&said[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What becomes of what was asked.
fn next(asked: &[u8], plan: &Lock<Plan>) -> Cut {
    if !asked.windows(7).any(|word| word == b"COMMIT\0") {
        return Cut::Not;
    }
    let mut plan = plan.lock().unwrap();
    let cut = plan.cuts.pop_front().unwrap_or(Cut::Not);
    plan.is_down |= cut == Cut::AfterAndDown;
    cut
}
