//! What the kernel says of this process; nothing where it has no `/proc`.

use std::fs;

use crate::text::{Page, count};

/// Linux counts time for programs in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) fn write(page: &mut Page) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    page.gauge("process_resident_memory_bytes", "Memory that the process holds in RAM.")
        .maybe(&[], kilobytes(&status, "VmRSS:"));
    page.gauge("process_virtual_memory_bytes", "Address space of the process.")
        .maybe(&[], kilobytes(&status, "VmSize:"));
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    page.counter("process_cpu_seconds_total", "Processor time that the process used.")
        .maybe(&[], cpu_seconds(&stat));
    let open = fs::read_dir("/proc/self/fd").ok().and_then(|files| u64::try_from(files.count()).ok());
    page.gauge("process_open_fds", "Open file descriptors.").maybe(&[], open.map(count));
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    page.gauge("process_max_fds", "File descriptors that the process may open.").maybe(&[], max_fds(&limits));
}

fn kilobytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(count(kilobytes.saturating_mul(1024)))
}

/// User and system time. The program's name, the second field, may hold anything, so counting begins behind it.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(count(ticks()? + ticks()?) / TICKS_PER_SECOND)
}

fn max_fds(limits: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(kilobytes("VmPeak:\t 9 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12_288.0));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 100 1 2";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(max_fds("Max open files            1024                 4096      files\n"), Some(1024.0));
        assert_eq!((kilobytes("", "VmRSS:"), cpu_seconds(""), max_fds("")), (None, None, None));
    }
}
