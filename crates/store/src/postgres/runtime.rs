//! The runtime on which all connections live, with one thread of its own: the store does not depend on its
//! caller's, nor on whether there is one.

use model::StoreError;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{bug, unavailable};

/// Dropping it ends what runs on it, and waits for nothing.
pub(crate) struct Background(Option<Runtime>);

impl Background {
    pub(crate) fn start() -> Result<Self, StoreError> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("store-postgres").enable_all();
        let made = builder.build();
        let runtime = made.map_err(|error| unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> Result<&Handle, StoreError> {
        self.0.as_ref().map(Runtime::handle).ok_or_else(ended)
    }

    /// Runs it to its end, whether the caller waits or not.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        what: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.handle()?.spawn(what).await.map_err(|_panicked| ended())?
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn ended() -> StoreError {
    bug("the store's runtime has ended")
}
