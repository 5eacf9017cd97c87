//! Canaries: every secret of a whole flow with failures is looked for in all that is kept, said and shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use sandbox::{Account, Effect, Fault, Matcher, Options, Profile, Sandbox};
use tokio::process::Child;

use crate::support::child::{At, dies};
use crate::support::home::{Ended, Home};
use crate::support::places::{Kinds, Places};
use crate::support::tap::Tap;
use crate::support::world::{create, until};

const EMAIL: &str = "owner@example.com";
const CANARY: &str = "Canary-password-example-7f3a";
const WRONG: &str = "Canary-wrong-example-91bd";
const SEED: &str = "CANARYSEEDEXAMPLECANARYSEEDEXAMP";
const RECOVERY: &str = "canary00-recovery-example";

struct Flow {
    home: Home,
    sandbox: Sandbox,
    tap: Tap,
    /// Where what was found, as it may be searched.
    said: BTreeMap<String, Vec<u8>>,
}

impl Flow {
    async fn begin() -> Self {
        let owner = Account::new(EMAIL, CANARY).with_mfa(SEED, &[RECOVERY]);
        let options = Options { owner: Some(owner), ..Options::default() };
        let sandbox = Sandbox::start(Profile::V2_41, options).await.unwrap();
        let tap = Tap::open(&sandbox.url()).await;
        let home = Home::empty("");
        let file =
            |name: &str, text: &str| std::fs::write(home.folder().join("given").join(name), text).unwrap();
        std::fs::create_dir(home.folder().join("given")).unwrap();
        file("password", CANARY);
        file("wrong", WRONG);
        file("seed", SEED);
        file("recovery", RECOVERY);
        Self { home, sandbox, tap, said: BTreeMap::new() }
    }

    fn note(&mut self, what: &str, ended: &Ended) {
        let all = format!("{}\n{}", ended.stdout, ended.stderr);
        self.said.insert(format!("{} {what}", self.said.len()), all.into_bytes());
    }

    /// Runs a command twice over where that does no harm: for people, and as data.
    async fn looks(&mut self, arguments: &[&str], code: i32) {
        for arguments in [arguments.to_vec(), [arguments, &["--json"]].concat()] {
            self.ends(&arguments, code).await;
        }
    }

    async fn ends(&mut self, arguments: &[&str], code: i32) -> Ended {
        let ended = self.home.run(arguments).await;
        self.note(&arguments.join(" "), &ended);
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        ended
    }

    async fn connect(&mut self, password: &str, factor: &[&str], code: i32) {
        let (url, password) = (self.tap.url.clone(), format!("file:given/{password}"));
        let words = ["connect", "prod", &url, "--email", EMAIL, "--password-from", &password];
        self.ends(&[&words[..], factor].concat(), code).await;
    }

    async fn opening(&mut self) {
        self.ends(&["init"], 0).await;
        self.connect("wrong", &[], 4).await;
        self.connect("password", &[], 4).await;
        let recovery = ["--recovery-code-from", "file:given/recovery"];
        // A dry run would use the code up.
        self.connect("password", &[&recovery[..], &["--dry-run"]].concat(), 2).await;
        self.connect("password", &recovery, 0).await;
        self.connect("password", &["--totp-from", "file:given/seed", "--json"], 0).await;
        // A secret where none may be is refused, and not repeated.
        for option in ["--password-from", "--totp-from"] {
            self.ends(&["connect", "x", "http://127.0.0.1:1", "--email", EMAIL, option, CANARY], 2).await;
        }
    }

    async fn create(&mut self, name: &str, kinds: Kinds) -> Places {
        let places = Places::make(self.home.folder(), name, kinds);
        let arguments = create(name, &places);
        self.ends(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), 0).await;
        places
    }

    async fn failing(&mut self, places: &Places) {
        // A hook that tells everybody what it was given, and fails.
        let hook = places.folder().join("put.sh");
        let good = std::fs::read_to_string(&hook).unwrap();
        std::fs::write(&hook, "#!/bin/sh\nkey=$(cat)\necho \"no: $key\" >&2\necho \"$key\"\nexit 1\n")
            .unwrap();
        self.ends(&["rotate", "busy"], 1).await;
        self.ends(&["rotate", "--resume", "busy", "--json"], 1).await;
        self.looks(&["status"], 3).await;
        std::fs::write(&hook, good).unwrap();
        self.ends(&["rotate", "--resume", "busy"], 0).await;
        for effect in [Effect::Status(500), Effect::LostAnswer] {
            let making = Matcher::of("POST", "/rest/api-keys");
            self.sandbox.faults().push(Fault::times(9, making, effect));
            self.ends(&["rotate", "busy"], 1).await;
            self.sandbox.faults().clear();
            self.ends(&["rotate", "busy", "--abort", "--json"], 0).await;
        }
        for step in [1, 3, 9] {
            dies(&self.home, &["rotate", "busy"], step, At::Effected).await.unwrap();
            // What a dead process leaves: the database's journal, perhaps a half-written file.
            let mut left = BTreeMap::new();
            files(self.home.folder(), &mut left);
            assert!(
                left.keys().any(|name| name.ends_with("-wal"))
                    && left.keys().any(|name| name.ends_with("-shm"))
            );
            self.said
                .extend(left.into_iter().map(|(name, bytes)| (format!("dead in {step}: {name}"), bytes)));
            self.ends(&["rotate", "--resume", "busy"], 0).await;
        }
    }

    fn secrets(&self) -> BTreeSet<String> {
        let tokens = self.tap.tokens();
        let fingerprints: BTreeSet<String> = tokens.iter().map(|token| fingerprint(token)).collect();
        let keys = self.sandbox.keys();
        // The others are those whose answers were lost: their texts never came here.
        let known = keys.iter().filter(|key| fingerprints.contains(&key.fingerprint)).count();
        assert!(known >= 8 && known + 3 == keys.len(), "{known} of {}", keys.len());
        let master = std::fs::read_to_string(self.home.folder().join("keywright.key")).unwrap();
        let others = [CANARY, WRONG, SEED, RECOVERY, master.trim()].map(str::to_owned);
        // The signature alone, too: the rest of a token is hardly secret.
        let parts = tokens
            .iter()
            .filter_map(|token| token.rsplit('.').next())
            .map(|part| part.chars().take(24).collect());
        parts.chain(others).collect()
    }
}

fn fingerprint(key: &str) -> String {
    model::Fingerprint::of(&model::Secret::new(key)).to_string()
}

/// All files below, but those that hold secrets because somebody put them there.
fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !matches!(name, "given" | "places") {
            files(&path, found);
        } else if path.is_file() && name != "keywright.key" {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
}

fn look(secrets: &BTreeSet<String>, places: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let holds =
        |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    let found = |(place, bytes): (&String, &Vec<u8>)| {
        let secret = secrets.iter().find(|secret| holds(bytes, secret))?;
        Some(format!("{place} holds {}…", secret.get(..8)?))
    };
    places.iter().filter_map(found).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_kept_or_said_in_the_clear() {
    let mut flow = Flow::begin().await;
    flow.opening().await;
    let places = flow.create("busy", Kinds::All).await;
    flow.failing(&places).await;
    flow.ends(&["rotate", "busy", "--compromised", "--json"], 0).await;
    for looks in [
        &["key", "list", "--all"][..],
        &["key", "show", "busy"],
        &["status"],
        &["log", "show"],
        &["log", "verify"],
    ] {
        flow.looks(looks, 0).await;
    }
    flow.ends(&["log", "export"], 0).await;
    flow.ends(&["rotate", "busy", "--dry-run"], 0).await;
    flow.ends(&["key", "revoke", "busy", "--yes"], 0).await;
    for (name, more) in [("shown", &[][..]), ("shown-data", &["--json"])] {
        let create = ["key", "create", name, "--scope", "workflow:list"];
        let ended = flow.home.must(&[&create[..], more].concat()).await;
        // On standard error there is nothing of it, and on standard output the key once.
        flow.said.insert(format!("stderr of {name}"), ended.stderr.into_bytes());
        let tokens = flow.tap.tokens();
        let times = tokens.iter().map(|token| ended.stdout.matches(token.as_str()).count()).sum::<usize>();
        assert_eq!(times, 1, "{name}");
    }
    let secrets = flow.secrets();
    assert!(secrets.len() >= 16, "{}", secrets.len());
    let mut kept = BTreeMap::new();
    files(flow.home.folder(), &mut kept);
    let both = kept.keys().any(|name| name.ends_with("keywright.db"))
        && kept.keys().any(|name| name.contains(".jsonl"));
    assert!(both && kept.len() >= 3, "{:?}", kept.keys());
    println!("{} secrets looked for in {} outputs and {} files", secrets.len(), flow.said.len(), kept.len());
    assert_eq!(look(&secrets, &flow.said), Vec::<String>::new());
    assert_eq!(look(&secrets, &kept), Vec::<String>::new());
    // That a secret would be found: the place that the operator gave for a key holds one until it is revoked.
    let held: BTreeMap<_, _> =
        [("a place".to_owned(), places.held()[0].clone().unwrap().into_bytes())].into();
    assert_eq!(look(&secrets, &held).len(), 1);
}

/// What others on the host see of a process.
fn shown_by_proc(pid: u32, what: &str) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/{what}")).unwrap()
}

fn limit_of_core(pid: u32) -> String {
    let limits = String::from_utf8(shown_by_proc(pid, "limits")).unwrap();
    limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned()
}

/// A rotation that runs, and the process of its hook, which hangs.
async fn in_a_hook(flow: &Flow, places: &Places, variables: &[(&str, &str)]) -> (Child, Pid) {
    places.raise("slow");
    let mut command = flow.home.command(&["rotate", "busy"]);
    command.envs(variables.iter().copied());
    let process = command.spawn().unwrap();
    let reached = places.folder().join("reached");
    let hook = || std::fs::read_to_string(&reached).ok()?.trim().parse::<i32>().ok();
    until("the hook runs", || hook().is_some()).await;
    let hook = hook().unwrap();
    // By then it has become the program that hangs.
    let sleeps = || std::fs::read(format!("/proc/{hook}/cmdline")).unwrap().starts_with(b"sleep");
    until("the hook hangs", sleeps).await;
    (process, Pid::from_raw(hook).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_a_process_list_and_none_in_a_hooks_environment() {
    let mut flow = Flow::begin().await;
    flow.opening().await;
    let places = flow.create("busy", Kinds::Command).await;
    let config = flow.home.folder().join("keywright.toml");
    let master = std::fs::read_to_string(flow.home.folder().join("keywright.key")).unwrap();
    for name in ["KEYWRIGHT_MASTER_KEY", "OUR_MASTER_KEY"] {
        let text = std::fs::read_to_string(&config).unwrap();
        let line = text.lines().find(|line| line.starts_with("master_key")).unwrap();
        std::fs::write(&config, text.replace(line, &format!("master_key = \"env:{name}\""))).unwrap();
        let (mut process, hook) = in_a_hook(&flow, &places, &[(name, master.trim()), ("KEPT", "yes")]).await;
        let (pid, hook_pid) = (process.id().unwrap(), hook.as_raw_nonzero().get().unsigned_abs());
        let mut seen = BTreeMap::new();
        seen.insert("our command line".to_owned(), shown_by_proc(pid, "cmdline"));
        seen.insert("the hook's command line".to_owned(), shown_by_proc(hook_pid, "cmdline"));
        seen.insert("the hook's environment".to_owned(), shown_by_proc(hook_pid, "environ"));
        assert!(seen["the hook's environment"].windows(8).any(|window| window == b"KEPT=yes"));
        assert_eq!(look(&flow.secrets_so_far(), &seen), Vec::<String>::new(), "{name}");
        let core = limit_of_core(pid);
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
        process.kill().await.unwrap();
        kill_process(hook, Signal::KILL).unwrap();
        places.lower("slow");
        places.lower("reached");
        let mut resume = flow.home.command(&["rotate", "--resume", "busy"]);
        assert!(resume.env(name, master.trim()).status().await.unwrap().success());
    }
}

impl Flow {
    /// What may not be seen in the middle of it.
    fn secrets_so_far(&self) -> BTreeSet<String> {
        let master = std::fs::read_to_string(self.home.folder().join("keywright.key")).unwrap();
        self.tap.tokens().into_iter().chain([CANARY, SEED, master.trim()].map(str::to_owned)).collect()
    }
}
