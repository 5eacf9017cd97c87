//! Ends exactly the processes that were started here, by their identity.
use super::SERVICES;
use super::board::Board;
use super::server::Server;
use crate::n8n::lock::Lock;
use crate::{Fault, Result};
use std::path::Path;

/// Stops all of them and forgets the record.
pub fn stop(run: &Path) -> Result<()> {
    let _lock = Lock::take(run, "run.lock")?;
    Board::of(run).remove()?;
    std::thread::scope(|scope| {
        let stopping: Vec<_> =
            SERVICES.iter().map(|service| scope.spawn(|| Server::stop(run, service.name))).collect();
        let broken = || Fault::new("stopping a server broke off", "report this with the text above");
        let ended: Vec<_> =
            stopping.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(broken()))).collect();
        ended.into_iter().collect()
    })
}
