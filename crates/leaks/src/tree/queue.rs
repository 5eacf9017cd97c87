//! Jobs that make more jobs, shared by threads; the newest first, so that few folders are open at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct State<J> {
    jobs: Vec<J>,
    /// Threads that may still add some.
    busy: usize,
}

pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

/// A job in hand. The queue is over when there is none left, and none in hand.
pub(super) struct Hold<'a, J>(&'a Queue<J>);

impl<J> Queue<J> {
    pub(super) fn new(jobs: Vec<J>) -> Self {
        Self { state: Mutex::new(State { jobs, busy: 0 }), changed: Condvar::new() }
    }

    /// The next job; waits while another thread may add one. Nothing when all is done.
    pub(super) fn take(&self) -> Option<(J, Hold<'_, J>)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop() {
                state.busy += 1;
                return Some((job, Hold(self)));
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn add(&self, job: J) {
        self.lock().jobs.push(job);
        self.changed.notify_one();
    }

    /// Adds a job if nobody has enough to do; gives it back otherwise.
    pub(super) fn offer(&self, job: J, enough: usize) -> Result<(), J> {
        let mut state = self.lock();
        if state.jobs.len() >= enough {
            return Err(job);
        }
        state.jobs.push(job);
        self.changed.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Drop for Hold<'_, J> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        if state.busy == 0 {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn every_job_is_done_once_by_whichever_thread() {
        let (queue, done) = (Queue::new(vec![12_u32]), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((job, _hold)) = queue.take() {
                        done.fetch_add(1, Ordering::SeqCst);
                        (0..2).filter(|_| job > 0).for_each(|_| queue.add(job - 1));
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), (1 << 13) - 1, "a tree of twelve levels");
    }

    #[test]
    fn a_job_that_is_not_needed_is_given_back() {
        let queue = Queue::new(vec![1]);
        assert_eq!(queue.offer(2, 2), Ok(()));
        assert_eq!(queue.offer(3, 2), Err(3));
    }
}
