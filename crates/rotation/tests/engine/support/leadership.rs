//! Roles that one process holds, and news of writes.

use std::sync::Arc;

use model::{Changes, Leadership, StoreError};
use tokio::sync::watch;

use super::{FakeStore, Process};

/// A role, given back when it is dropped or its process dies.
pub(crate) struct FakeLeadership {
    store: Arc<FakeStore>,
    role: String,
    process: Arc<Process>,
}

impl FakeLeadership {
    pub(crate) async fn take(store: Arc<FakeStore>, role: &str, process: Arc<Process>) -> Self {
        loop {
            let vacated = store.vacated.notified();
            let taken = store.arrange(|kept| {
                let free = !kept.leaders.contains_key(role);
                if free {
                    kept.leaders.insert(role.to_owned(), process.pid);
                }
                free
            });
            if taken {
                return Self { store: store.clone(), role: role.to_owned(), process };
            }
            vacated.await;
        }
    }
}

impl Drop for FakeLeadership {
    fn drop(&mut self) {
        self.store.arrange(|kept| {
            if kept.leaders.get(&self.role) == Some(&self.process.pid) {
                kept.leaders.remove(&self.role);
            }
        });
        self.store.vacated.notify_waiters();
    }
}

#[async_trait::async_trait]
impl Leadership for FakeLeadership {
    async fn lost(&mut self) {
        loop {
            let vacated = self.store.vacated.notified();
            if self.store.look(|kept| kept.leaders.get(&self.role) != Some(&self.process.pid)) {
                return;
            }
            vacated.await;
        }
    }
}

pub(crate) struct FakeChanges(pub(crate) watch::Receiver<u32>);

#[async_trait::async_trait]
impl Changes for FakeChanges {
    async fn next(&mut self) -> Result<(), StoreError> {
        // The store outlives its views.
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}
