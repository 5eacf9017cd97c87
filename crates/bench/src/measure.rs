//! What a process cost.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::Trouble;

/// Ticks a second in `/proc/PID/stat`, as Linux has them on every architecture that we run on.
const TICKS_PER_S: u64 = 100;

/// One run of one process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time, to 10 ms.
    pub(crate) cpu: Duration,
    /// Peak resident memory.
    pub(crate) peak_bytes: u64,
}

/// Runs a command to its end; it has to succeed.
pub(crate) async fn run(command: &mut Command) -> Result<Cost, Trouble> {
    let log = tempfile::NamedTempFile::new()?;
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.reopen()?)
        .stderr(log.reopen()?)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().unwrap_or_default();
    let (mut cpu, mut peak_bytes) = (Duration::ZERO, 0);
    loop {
        // Both only grow, so that the last look is the figure, short by at most one interval.
        cpu = cpu_of(pid).unwrap_or(cpu);
        peak_bytes = peak_of(pid).unwrap_or(peak_bytes);
        tokio::select! {
            status = child.wait() => {
                let wall = began.elapsed();
                if !status?.success() {
                    let said = std::fs::read_to_string(log.path())?;
                    let last: Vec<&str> = said.lines().rev().take(12).collect();
                    return Err(format!("the command failed: {}", last.join(" | ")).into());
                }
                return Ok(Cost { wall, cpu, peak_bytes });
            }
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
}

fn cpu_of(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_S))
}

fn peak_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
