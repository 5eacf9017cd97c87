//! This process as others on the host see it.

use model::LeaseHolder;
use rotation::Liveness;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};

/// No core dumps, and no look into our memory by other processes of the same user.
pub(crate) fn harden() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Both can only fail where the system forbids it; the commands work all the same.
    rustix::process::setrlimit(Resource::Core, none).ok();
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

/// Whether a signal is ignored here, as `nohup` has it: then it is ignored by what we run too.
pub(crate) fn ignores(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// Whether our process group is the one that the terminal talks to: it then gets the signals of keys such as Ctrl-C
/// as a whole.
pub(crate) fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    let foreground = terminal.ok().and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
    foreground == Some(rustix::process::getpgrp())
}

/// Who we are to other drivers of rotations.
pub(crate) fn holder(nonce: u128) -> LeaseHolder {
    let pid = std::process::id();
    LeaseHolder {
        host: host(),
        pid,
        start_ticks: stat(pid).map_or(0, |(_, ticks)| ticks),
        nonce: format!("{nonce:032x}"),
    }
}

/// One boot of one host, and one PID namespace of it: within these, a process id means something.
fn host() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{name} {} {}", boot.trim(), namespace.display())
}

/// A process's state, and when it started in ticks since boot: the 3rd and 22nd field of its `stat`, counted
/// behind the name, which may hold spaces and parentheses.
fn stat(pid: u32) -> Option<(char, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Whether no process has this id, or another one has it by now, or it is one that nobody has reaped. Where
/// `/proc` hides other processes, only the kernel's word that there is none counts.
fn is_gone(holder: &LeaseHolder) -> bool {
    if let Some((state, ticks)) = stat(holder.pid) {
        return matches!(state, 'Z' | 'X') || ticks != holder.start_ticks;
    }
    let pid = i32::try_from(holder.pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_none_or(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Judges a lease's holder by `/proc`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcLiveness;

impl Liveness for ProcLiveness {
    fn is_dead(&self, holder: &LeaseHolder) -> bool {
        let here = host();
        // Without a boot id or a namespace, two hosts could look the same.
        let known = here.contains("pid:[") && here.split(' ').nth(1).is_some_and(|boot| boot.len() == 36);
        known && holder.host == here && is_gone(holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_alive_and_a_later_process_of_our_id_is_not_us() {
        let us = holder(7);
        assert!(!ProcLiveness.is_dead(&us));
        assert!(ProcLiveness.is_dead(&LeaseHolder { start_ticks: us.start_ticks + 1, ..us.clone() }));
        assert!(ProcLiveness.is_dead(&LeaseHolder { pid: u32::MAX, ..us.clone() }));
    }

    #[test]
    fn nobody_is_judged_across_hosts() {
        let us = holder(7);
        let elsewhere = LeaseHolder { host: format!("{}x", us.host), pid: u32::MAX, ..us };
        assert!(!ProcLiveness.is_dead(&elsewhere));
    }
}
