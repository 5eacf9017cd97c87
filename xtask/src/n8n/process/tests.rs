use super::*;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const PATIENCE: Duration = Duration::from_secs(20);

/// A shell that leads its own session, says when it is ready, and does what `script` says.
fn shell(script: &str) -> (Child, Process, String) {
    let mut child = Command::new("setsid").args(["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let process = Process::of(child.id().try_into().unwrap()).unwrap();
    (child, process, line.trim().to_owned())
}

#[test]
fn a_stat_line_with_a_nasty_name_is_read() {
    let line = "42 (a) S 1 (x) R 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 777 26";
    assert_eq!(Stat::parse(line), Some(Stat { state: 'R', session: 9, start_ticks: 777 }));
    assert_eq!(Stat::parse("42 (a) S"), None);
    assert_eq!(Stat::parse(""), None);
}

#[test]
fn this_process_lives_and_holds_memory() {
    let own = Process::of(std::process::id().try_into().unwrap()).unwrap();
    assert!(own.lives());
    assert!(own.memory_kib().unwrap() > 100);
    assert!(!Process { start_ticks: own.start_ticks + 1, ..own }.lives());
}

#[test]
fn stop_ends_the_process() {
    let (mut child, process, _) = shell("echo ready; exec sleep 600");
    process.stop(Signal::TERM, PATIENCE).unwrap();
    assert!(!process.lives());
    assert!(!child.wait().unwrap().success());
}

#[test]
fn stop_kills_what_does_not_listen() {
    let (mut child, process, _) = shell("trap '' TERM; echo ready; while :; do sleep 600; done");
    process.stop(Signal::TERM, Duration::from_millis(50)).unwrap();
    assert!(!process.lives());
    assert!(!child.wait().unwrap().success());
}

#[test]
fn stop_takes_the_session_along() {
    let (mut child, process, line) = shell("(trap '' TERM; exec sleep 600) & echo $!; wait");
    let relative = Process::of(line.parse().unwrap()).unwrap();
    let handle = relative.open().unwrap();
    process.stop(Signal::TERM, PATIENCE).unwrap();
    assert!(ends_within(&handle, PATIENCE), "the rest of the session ends too");
    child.wait().unwrap();
}

#[test]
fn a_reused_number_is_left_alone() {
    let (mut child, process, _) = shell("echo ready; exec sleep 600");
    let earlier = Process { start_ticks: process.start_ticks - 1, ..process };
    earlier.stop(Signal::KILL, PATIENCE).unwrap();
    assert!(process.lives(), "another process has that number now");
    child.kill().unwrap();
    child.wait().unwrap();
}
