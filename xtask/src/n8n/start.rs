//! Starts what does not run yet, all at the same time, and waits until every one is ready.
use super::lock::Lock;
use super::postgres::Cluster;
use super::{Cache, Release, RunningInstance, install, instance};
use crate::progress::tell;
use crate::{Fault, Result};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

/// Makes sure that these releases run, and hands back how to reach them.
///
/// What runs and answers is left as it is; everything else starts from nothing.
pub fn start(cache: &Cache, run: &Path, releases: &[&'static Release]) -> Result<Vec<RunningInstance>> {
    let _lock = Lock::take(run, "run.lock")?;
    let found: Vec<_> = releases.iter().map(|release| RunningInstance::healthy(run, release)).collect();
    for instance in found.iter().flatten() {
        tell(&format!("n8n {} runs already at {}", instance.version, instance.url));
    }
    if found.iter().all(Option::is_some) {
        return Ok(found.into_iter().flatten().collect());
    }
    install(cache, releases)?;
    let cluster = if let Some(cluster) = Cluster::running(run) {
        cluster
    } else {
        Cluster::forget(run)?;
        Cluster::create(run)?
    };
    std::thread::scope(|scope| {
        let begin = |(release, found): (&&'static Release, Option<RunningInstance>)| {
            let (release, cluster) = (*release, &cluster);
            scope.spawn(move || match found {
                Some(instance) => Ok(instance),
                None => instance::start(cache, run, cluster, release),
            })
        };
        let started: Vec<_> = releases.iter().zip(found).map(begin).collect();
        // All are waited for, also after one has failed, so that none is left half started.
        let ended: Vec<_> =
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(broken()))).collect();
        ended.into_iter().collect()
    })
}

fn broken() -> Fault {
    Fault::new("starting an instance broke off", "report this with the text above")
}

/// Ports that nothing listens on at this moment.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let fault = |e: std::io::Error| {
        Fault::new("there is no free port on 127.0.0.1", "close some programs").because(e)
    };
    let mut ports = [0; N];
    // Held until all are known, so that they differ.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fault)?;
        *port = listener.local_addr().map_err(fault)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Asks again and again until there is an answer, or `patience` is over.
pub(crate) fn until<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        #[expect(clippy::disallowed_methods, reason = "a starting server tells nobody when it is ready")]
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let [a, b, c] = free_ports().unwrap();
        assert!(a != b && b != c && a != c && a > 0);
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, a)).is_ok());
    }

    #[test]
    fn until_asks_at_least_once_and_gives_up() {
        assert_eq!(until(Duration::ZERO, || Some(1)), Some(1));
        let mut asked = 0;
        assert_eq!(
            until(Duration::ZERO, || -> Option<()> {
                asked += 1;
                None
            }),
            None
        );
        assert_eq!(asked, 1);
        let mut left = 2;
        assert_eq!(
            until(Duration::from_secs(20), || {
                left -= 1;
                (left == 0).then_some("done")
            }),
            Some("done")
        );
    }
}
