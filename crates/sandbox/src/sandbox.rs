//! The handle that tests and the demo hold.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::calls::Calls;
use crate::state::State;
use crate::{Call, Clock, Faults, KeyView, Matcher, Options, Profile, server};

/// A running sandbox. It ends when it is shut down or dropped.
pub struct Sandbox {
    shared: Arc<Shared>,
    profile: Profile,
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// What the server and the handle both hold.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) clock: Clock,
    pub(crate) latency: Duration,
}

impl Shared {
    /// The state, for the length of one synchronous change.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Starts one on the loopback interface, on the current tokio runtime.
    pub async fn start(profile: Profile, options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            calls: Calls::new(options.calls_kept),
            faults: Faults::new(),
            clock: options.clock.clone(),
            latency: options.latency,
            state: Mutex::new(State::new(profile, options, format!("http://{address}"))),
        });
        let task = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, profile, address, task })
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The version that it plays.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The faults on order.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The calls so far, the oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.all()
    }

    /// How many calls there were so far.
    pub fn call_count(&self) -> u64 {
        self.shared.calls.count()
    }

    /// The first matching call since the start that is answered, cut or held by a fault; waits for it.
    pub async fn wait_for(&self, matcher: &Matcher) -> Call {
        self.wait_for_after(0, matcher).await
    }

    /// The same, for calls after the one with this number.
    pub async fn wait_for_after(&self, number: u64, matcher: &Matcher) -> Call {
        self.shared.calls.wait_for(matcher, number).await
    }

    /// Every key that there is or was, in the order they were made.
    pub fn keys(&self) -> Vec<KeyView> {
        self.shared.state().key_views()
    }

    /// The keys that nobody deleted, in the order they were made.
    pub fn current_keys(&self) -> Vec<KeyView> {
        self.shared.state().current_key_views()
    }

    /// Whether the public API would let this key in now.
    pub fn key_works(&self, text: &str) -> bool {
        self.shared.state().live_key_id(text).is_some()
    }

    /// Ends it, its connections included; its port is free when this returns.
    pub async fn shutdown(mut self) {
        self.task.abort();
        let _cancelled = (&mut self.task).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}
