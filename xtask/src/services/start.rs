//! Starts what does not run yet, all at the same time; each is in the record as soon as it is ready.
use super::board::Board;
use super::server::Server;
use super::{SERVICES, Service};
use crate::environment::program;
use crate::n8n::{Cache, apt_install, command, lock::Lock};
use crate::progress::tell;
use crate::{Fault, Result};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Makes sure that all of them run, and hands back the record.
///
/// What runs is left as it is. One that fails keeps none of the others from coming.
pub fn start(cache: &Cache, run: &Path) -> Result<String> {
    // Servers run in a folder of their own, and their records are read from others.
    let run = &std::path::absolute(run)
        .map_err(|e| Fault::new(format!("`{}` is no folder", run.display()), "another one").because(e))?;
    let _lock = Lock::take(run, "run.lock")?;
    let board = Board::of(run);
    board.retain(|name| Server::living(run, name).is_some())?;
    let failed: Vec<Fault> = std::thread::scope(|scope| {
        let begun: Vec<_> = SERVICES
            .iter()
            .map(|service| {
                let board = &board;
                scope.spawn(move || begin(cache, run, board, service))
            })
            .collect();
        let broken = || Fault::new("starting a server broke off", "report this with the text above");
        let ended = begun.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(broken())));
        ended.filter_map(Result::err).collect()
    });
    let mut failed = failed.into_iter();
    match failed.next() {
        None => board.text(),
        Some(first) => {
            // The first is told by who called; the others here.
            failed.for_each(|fault| tell(fault.to_string().trim_end()));
            Err(first)
        }
    }
}

fn begin(cache: &Cache, run: &Path, board: &Board, service: &Service) -> Result<()> {
    let name = service.name;
    if board.entry(name).is_some() {
        tell(&format!("{name} runs already"));
        return Ok(());
    }
    let began = Instant::now();
    let entry = (service.begin)(cache, run, name)?;
    board.put(name, entry)?;
    tell(&format!("{name} is ready, {:.1} s", began.elapsed().as_secs_f32()));
    Ok(())
}

/// No server: the program that seals credentials for systemd, which needs no systemd to run.
pub(super) fn find_systemd_creds(cache: &Cache, _run: &Path, name: &str) -> Result<Value> {
    const PROGRAM: &str = "systemd-creds";
    if program(PROGRAM).is_none() {
        apt_install(cache, &["systemd"])?;
    }
    let found = program(PROGRAM).and_then(|path| {
        let version = command::output(Command::new(&path).arg("--version"))?;
        Some(json!({"path": path, "version": version.lines().next()?}))
    });
    found.ok_or_else(|| {
        Fault::new(format!("`{name}` is not there"), "install systemd 250 or later")
            .because(format!("`{PROGRAM} --version` says nothing"))
    })
}
