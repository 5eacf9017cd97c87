//! One request for many who ask at the same time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lets concurrent callers share one run of something, each of them only a run that began after it asked.
#[derive(Debug)]
pub(crate) struct Coalesced<T> {
    started: AtomicU64,
    running: tokio::sync::Mutex<()>,
    latest: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> Coalesced<T> {
    pub(crate) fn new() -> Self {
        Self { started: AtomicU64::new(0), running: tokio::sync::Mutex::new(()), latest: Mutex::new(None) }
    }

    /// The result of a run that began after this call did. A run whose caller gives up is begun anew by the
    /// next in line.
    pub(crate) async fn run<F: Future<Output = T>>(&self, work: impl FnOnce() -> F) -> T {
        let asked_after = self.started.load(Ordering::SeqCst);
        let _turn = self.running.lock().await;
        if let Some(result) = self.latest(|run| run > asked_after) {
            return result;
        }
        let run = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        let result = work().await;
        *self.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((run, result.clone()));
        result
    }

    fn latest(&self, fits: impl Fn(u64) -> bool) -> Option<T> {
        let latest = self.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        latest.as_ref().filter(|(run, _)| fits(*run)).map(|(_, result)| result.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn many_at_once_cost_two_runs_and_nobody_gets_an_old_one() {
        let shared = Arc::new(Coalesced::new());
        let runs = Arc::new(AtomicU64::new(0));
        let asked = Arc::new(AtomicU64::new(0));
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let callers: Vec<_> = (0..64)
            .map(|_| {
                let (shared, runs, asked, gate) = (shared.clone(), runs.clone(), asked.clone(), gate.clone());
                tokio::spawn(async move {
                    asked.fetch_add(1, Ordering::SeqCst);
                    let before = runs.load(Ordering::SeqCst);
                    let work = || async {
                        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
                        drop(gate.acquire().await);
                        run
                    };
                    let got = shared.run(work).await;
                    assert!(got > before, "run {got} had begun before the caller asked");
                })
            })
            .collect();
        while asked.load(Ordering::SeqCst) < 64 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1);
        for caller in callers {
            caller.await.unwrap();
        }
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_does_not_stop_the_others() {
        let shared = Arc::new(Coalesced::new());
        let stuck = tokio::spawn({
            let shared = shared.clone();
            async move { shared.run(std::future::pending::<u8>).await }
        });
        tokio::task::yield_now().await;
        let waiting = tokio::spawn({
            let shared = shared.clone();
            async move { shared.run(|| std::future::ready(7)).await }
        });
        tokio::task::yield_now().await;
        stuck.abort();
        assert_eq!(waiting.await.unwrap(), 7);
    }
}
