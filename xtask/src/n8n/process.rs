//! Processes by identity: a number and the moment it was given out, so that a reused number is never touched.
use crate::{Fault, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// One process that was started here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start_ticks: u64,
}

impl Process {
    /// The process that has this number now.
    pub fn of(pid: i32) -> Option<Self> {
        Stat::read(pid).map(|stat| Self { pid, start_ticks: stat.start_ticks })
    }

    /// Whether it is this very process, and has not ended.
    pub fn lives(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.start_ticks == self.start_ticks && stat.state != 'Z')
    }

    /// How much memory it holds, in KiB.
    pub fn memory_kib(self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Asks it to end with `signal`, kills it after `patience`, and then what is left of its session.
    ///
    /// A process that has ended, or whose number has passed to another, is left alone.
    pub(crate) fn stop(self, signal: Signal, patience: Duration) -> Result<()> {
        let Some(handle) = self.open() else { return Ok(()) };
        let family: Vec<OwnedFd> = self.session().into_iter().filter_map(Self::open).collect();
        send(&handle, signal);
        if !ends_within(&handle, patience) {
            send(&handle, Signal::KILL);
            if !ends_within(&handle, Duration::from_secs(10)) {
                return Err(Fault::new(format!("process {} does not end", self.pid), "look at it by hand")
                    .because("it was sent a KILL ten seconds ago"));
            }
        }
        for relative in family {
            if !ends_within(&relative, Duration::from_secs(1)) {
                send(&relative, Signal::KILL);
            }
        }
        Ok(())
    }

    /// A handle that stays with this process whatever becomes of its number.
    fn open(self) -> Option<OwnedFd> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        self.lives().then_some(handle)
    }

    /// The other processes of the session that this one leads.
    fn session(self) -> Vec<Self> {
        let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
        let pids = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| *pid != self.pid)
            .filter_map(|pid| Some((pid, Stat::read(pid)?)))
            .filter(|(_, stat)| stat.session == self.pid && stat.start_ticks >= self.start_ticks)
            .map(|(pid, stat)| Self { pid, start_ticks: stat.start_ticks })
            .collect()
    }
}

fn send(handle: &OwnedFd, signal: Signal) {
    // It may have ended in between, which is what was wanted.
    pidfd_send_signal(handle, signal).ok();
}

/// Whether the process ends before `patience` runs out.
fn ends_within(handle: &OwnedFd, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else { return false };
        match poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// What `/proc/PID/stat` says, as far as it is asked.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    session: i32,
    start_ticks: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the name in brackets, which may hold anything: the rest begins after the last bracket.
    fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let session = fields.nth(2)?.parse().ok()?;
        let start_ticks = fields.nth(15)?.parse().ok()?;
        Some(Self { state, session, start_ticks })
    }
}

#[cfg(test)]
mod tests;
