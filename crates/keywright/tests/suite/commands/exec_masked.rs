//! `keywright exec --mask`: what passes and what does not, signals, the terminal, and memory.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;

use super::exec::{key, line, running, world};
use crate::support::terminal::Terminal;

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

async fn ended(child: &mut Child) -> Option<i32> {
    tokio::time::timeout(Duration::from_mins(1), child.wait())
        .await
        .expect("an end in a minute")
        .unwrap()
        .code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_comes_in_pieces_is_masked_and_the_rest_does_not_wait() {
    let (world, places) = world().await;
    let key = key(&places);
    let script = "printf 'name: '; read a
        printf '<%s' \"${N8N_API_KEY%\"$TAIL\"}\"; read b
        printf '%s>' \"$TAIL\"; printf '%s' \"$N8N_API_KEY\" | base64; printf '%s\\n' \"$N8N_API_KEY\" >&2; read c";
    let arguments = ["exec", "backups", "--mask", "--", "sh", "-c", script];
    let mut command = world.home.command(&arguments);
    command.env("TAIL", key.get(key.len() / 2..).unwrap()).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = [0; 6];
    out.read_exact(&mut shown).await.unwrap();
    assert_eq!(&shown, b"name: ", "a question without a line's end is seen before its answer");
    stdin.write_all(b"x\n").await.unwrap();
    out.read_exact(&mut shown[..1]).await.unwrap();
    assert_eq!(&shown[..1], b"<");
    // The first half is on its way or held back; nothing of it may come.
    stdin.write_all(b"x\n").await.unwrap();
    let mut masked = [0; 9];
    out.read_exact(&mut masked).await.unwrap();
    assert_eq!(&masked, b"[masked]>");
    drop(stdin);
    let (mut rest, mut complaint) = (String::new(), String::new());
    out.read_to_string(&mut rest).await.unwrap();
    child.stderr.take().unwrap().read_to_string(&mut complaint).await.unwrap();
    assert!(rest.starts_with("[masked]") && rest.len() < 16, "{rest}");
    assert_eq!(complaint, "[masked]\n");
    assert_eq!(ended(&mut child).await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_pass_in_little_memory() {
    const BYTES: usize = 100 << 20;
    let (world, _places) = world().await;
    let script = format!("head -c {BYTES} /dev/urandom; read end");
    let (mut child, mut out) = running(&world, &["--mask"], &script);
    let (mut count, mut chunk) = (0, vec![0; 1 << 16]);
    while count < BYTES {
        let read = out.read(&mut chunk).await.unwrap();
        assert!(read > 0, "{count} bytes came");
        count += read;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 << 10, "{peak} kB");
    println!("{count} bytes, at most {peak} kB");
    drop(child.stdin.take());
    assert_eq!((ended(&mut child).await, count), (Some(1), BYTES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_are_passed_on() {
    let (world, _places) = world().await;
    let script = "trap 'exit 9' INT TERM HUP QUIT USR1 USR2 WINCH; echo ready
        while :; do sleep 60 >/dev/null 2>&1 & wait $!; done";
    for signal in
        [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2, Signal::WINCH]
    {
        let (mut child, mut out) = running(&world, &["--mask"], script);
        assert_eq!(line(&mut out).await, "ready");
        send(&child, signal);
        assert_eq!(ended(&mut child).await, Some(9), "{signal:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ignored_stays_so() {
    let (world, _places) = world().await;
    let program = env!("CARGO_BIN_EXE_keywright");
    for mask in ["", "--mask"] {
        let script =
            format!("trap '' HUP; exec {program} exec backups {mask} -- sh -c 'echo ready; read x; exit 5'");
        let mut command = world.home.command_of(std::path::Path::new("sh"));
        let mut child = command.args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap();
        let mut out = tokio::io::BufReader::new(child.stdout.take().unwrap());
        assert_eq!(line(&mut out).await, "ready");
        send(&child, Signal::HUP);
        child.stdin.take().unwrap().write_all(b"go on\n").await.unwrap();
        assert_eq!(ended(&mut child).await, Some(5), "as under `nohup` {mask}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_at_a_terminal_reaches_it_once_and_it_reads_what_is_typed() {
    let (world, places) = world().await;
    let script = "n=0; trap 'n=$((n+1)); echo \"heard $n\"' INT; echo ready
        until read text; do :; done; echo \"total $n $text $N8N_API_KEY\"; exit 3";
    let mut terminal = Terminal::start(&world.home, &["exec", "backups", "--mask", "--", "sh", "-c", script]);
    terminal.reads("ready").await;
    // Two at the same time may count as one; not so five times.
    for times in 1..=5 {
        terminal.interrupts().await;
        terminal.reads(&format!("heard {times}")).await;
    }
    terminal.types("typed").await;
    terminal.reads("total 5 typed [masked]").await;
    let (code, shown) = terminal.ends().await;
    assert!(code == Some(3) && !shown.contains(&key(&places)), "{code:?}: {shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_away_ends_it_as_without_us() {
    let (world, _places) = world().await;
    let (mut child, mut out) = running(&world, &["--mask"], "exec yes");
    assert_eq!(line(&mut out).await, "y");
    drop(out);
    assert_eq!(ended(&mut child).await, Some(128 + 13), "SIGPIPE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_leaves_running_prints_on_until_we_are_told_to_stop() {
    let (world, _places) = world().await;
    // What is left prints once its shell is reaped: told to stop before, the shell would end by the signal.
    let left = "(while kill -0 $$ 2>/dev/null; do sleep 0.01; done; echo later; exec sleep 60) & exit 4";
    let (mut child, mut out) = running(&world, &["--mask"], left);
    assert_eq!(line(&mut out).await, "later");
    send(&child, Signal::TERM);
    assert_eq!(ended(&mut child).await, Some(4));
}
