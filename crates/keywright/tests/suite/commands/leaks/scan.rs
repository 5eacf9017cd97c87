//! What a scan reads, finds, tells and refuses.

use serde_json::Value;

use super::super::{is_whole, piped, shown};
use crate::support::home::{Ended, Home};
use crate::support::repo::{Repo, fingerprint, key, short};

fn told(home: &Home, ended: &Ended) -> String {
    let folder = home.folder().canonicalize().unwrap().display().to_string();
    shown(ended, &[(&folder, "HOME")])
}

/// How often each key is in the report.
fn places(report: &Value) -> Vec<(String, usize)> {
    let leaks = report["leaks"].as_array().unwrap();
    let one = |leak: &Value| {
        (leak["fingerprint"].as_str().unwrap().to_owned(), leak["places"].as_array().unwrap().len())
    };
    let mut all: Vec<_> = leaks.iter().map(one).collect();
    all.sort();
    all
}

fn expected(keys: &[(u32, usize)]) -> Vec<(String, usize)> {
    let mut all: Vec<_> = keys.iter().map(|(number, places)| (fingerprint(&key(*number)), *places)).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_clean_folder_needs_nothing_and_changes_nothing() {
    let home = Home::empty("");
    std::fs::write(home.folder().join("notes"), "nothing here").unwrap();
    let ended = home.run(&["leaks", "scan"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.trim_end().ends_with("clean") && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(std::fs::read_dir(home.folder()).unwrap().count(), 1);
}

#[tokio::test]
async fn files_and_history_are_read_and_no_key_is_printed() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.commit(".env", &format!("N8N_API_KEY={}\n", key(1))).await;
    repo.commit(".env", "N8N_API_KEY=\n").await;
    repo.write("uncommitted.txt", &key(2));
    let ended = repo.keywright(&["leaks", "scan"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    for number in [1, 2] {
        assert!(!ended.stdout.contains(&key(number)) && !ended.stderr.contains(&key(number)));
        assert!(ended.stdout.contains(&short(&key(number))), "{ended:?}");
    }
    assert!(ended.stdout.contains("uncommitted.txt") && ended.stdout.contains(".env"), "{ended:?}");
    let json = async |arguments: &[&str]| {
        let ended = repo.keywright(&[&["leaks", "scan", "--json"], arguments].concat()).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(3), ""), "{ended:?}");
        places(&ended.json())
    };
    assert_eq!(json(&[]).await, expected(&[(1, 1), (2, 1)]));
    assert_eq!(json(&["--history-only"]).await, expected(&[(1, 1)]));
    assert_eq!(json(&["--tree-only"]).await, expected(&[(2, 1)]));
    // What `json` is called with is another's choice: the shape is in docs/reference/json.md.
    assert_eq!(json(&["../repo"]).await, expected(&[(1, 1), (2, 1)]));
}

#[tokio::test]
async fn a_folder_of_repositories_is_read_with_each_history_once() {
    let home = Home::empty("");
    let one = Repo::new(&home, "all/one").await;
    one.commit("x", &key(1)).await;
    one.git(&["rm", "--quiet", "x"]).await;
    one.git(&["commit", "--quiet", "--message", "gone"]).await;
    one.git(&["worktree", "add", "--quiet", "../linked"]).await;
    one.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]).await;
    let nested = Repo::new(&home, "all/one/nested").await;
    nested.commit("y", &key(2)).await;
    nested.git(&["rm", "--quiet", "y"]).await;
    let ended = home.run(&["leaks", "scan", "all", "--json"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(places(&ended.json()), expected(&[(1, 2), (2, 1)]), "{ended:?}");
    assert_eq!(ended.json()["tally"]["repositories"], 3, "{ended:?}");
}

#[tokio::test]
async fn standard_input_is_read() {
    let home = Home::empty("");
    let ended = piped(&home, &["leaks", "scan", "-"], &format!("a\n b {}\n", key(1))).await;
    assert!(ended.code == Some(3) && ended.stdout.contains("standard input:2:4"), "{ended:?}");
    let ended = piped(&home, &["leaks", "scan", "-"], "nothing").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn one_of_the_forms_goes_into_a_file_and_holds_no_key() {
    let home = Home::empty("");
    std::fs::create_dir(home.folder().join("in")).unwrap();
    std::fs::write(home.folder().join("in/x"), key(1)).unwrap();
    for format in ["table", "json", "sarif", "github", "gitlab-secrets", "gitlab-codequality"] {
        let ended = home.run(&["leaks", "scan", "in", "--format", format, "--output", "out"]).await;
        assert!(ended.code == Some(3) && ended.stdout.is_empty(), "{ended:?}");
        assert!(ended.stderr.contains("1 leak"), "{ended:?}");
        let text = std::fs::read_to_string(home.folder().join("out")).unwrap();
        assert!(text.contains("in/x") && !text.contains(&key(1)), "{format}: {text}");
        if format != "table" && format != "github" {
            serde_json::from_str::<Value>(&text).unwrap();
        }
        let printed = home.run(&["leaks", "scan", "in", "--format", format]).await;
        assert!(!printed.stdout.contains(&key(1)) && printed.stdout.contains("in/x"), "{printed:?}");
    }
    let ended = home.run(&["leaks", "scan", "in", "--output", "no/folder/out"]).await;
    assert!(ended.code == Some(1) && is_whole(&ended.stderr), "{ended:?}");
}

#[tokio::test]
async fn a_key_is_shown_to_a_terminal_or_where_one_insists() {
    let home = Home::empty("");
    std::fs::write(home.folder().join("x"), key(1)).unwrap();
    let refused = home.run(&["leaks", "scan", "--show"]).await;
    assert!(refused.code == Some(2) && is_whole(&refused.stderr) && refused.stdout.is_empty(), "{refused:?}");
    let insisted = home.run(&["leaks", "scan", "--dangerous-show"]).await;
    assert!(insisted.code == Some(3) && insisted.stdout.contains(&key(1)), "{insisted:?}");
    let terminal = crate::support::terminal::Terminal::start(&home, &["leaks", "scan", "--show"]);
    let (code, text) = terminal.ends().await;
    assert!(code == Some(3) && text.contains(&key(1)), "{text}");
    // A file that was there, and that everybody may read, is ours alone before the key is in it.
    std::fs::write(home.folder().join("out"), "former").unwrap();
    home.run(&["leaks", "scan", "x", "--dangerous-show", "--output", "out"]).await;
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&home.folder().join("out").metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_allowlist_or_a_mark_lets_a_key_be_unless_it_is_ignored() {
    let home = Home::empty("");
    std::fs::write(home.folder().join("x"), format!("{}\n", key(1))).unwrap();
    std::fs::write(home.folder().join("y"), format!("{} # keywright:allow\n", key(2))).unwrap();
    let list = |number: u32| {
        format!("[[allow]]\nfingerprint = \"{}\"\nreason = \"a canary\"\n", fingerprint(&key(number)))
    };
    std::fs::write(home.folder().join(".keywright-allow.toml"), list(1)).unwrap();
    std::fs::write(home.folder().join("other.toml"), list(3)).unwrap();
    let code = async |arguments: &[&str]| home.run(&[&["leaks", "scan"], arguments].concat()).await.code;
    assert_eq!(code(&[]).await, Some(0));
    assert_eq!(code(&["--no-allowlist"]).await, Some(3));
    assert_eq!(code(&["--allowlist", "other.toml"]).await, Some(3));
    assert_eq!(code(&["--allowlist", "other.toml", "y"]).await, Some(0));
    let absent = home.run(&["leaks", "scan", "--allowlist", "absent"]).await;
    assert!(absent.code == Some(1) && is_whole(&absent.stderr), "{absent:?}");
    std::fs::write(home.folder().join(".keywright-allow.toml"), "[[allow]]\nfingerprint = 7\n").unwrap();
    let faulty = home.run(&["leaks", "scan"]).await;
    assert!(faulty.code == Some(1) && is_whole(&faulty.stderr), "a faulty list lets nothing be: {faulty:?}");
}

#[tokio::test]
async fn kinds_severities_and_exclusions() {
    let home = Home::empty("");
    std::fs::create_dir(home.folder().join("vendor")).unwrap();
    std::fs::write(home.folder().join("vendor/x"), key(1)).unwrap();
    let code = async |arguments: &[&str]| home.run(&[&["leaks", "scan"], arguments].concat()).await.code;
    assert_eq!(code(&["--kinds", "legacy"]).await, Some(3));
    assert_eq!(code(&["--kinds", "native2,gateway"]).await, Some(0));
    assert_eq!(code(&["--min-severity", "high"]).await, Some(3));
    assert_eq!(code(&["--exclude", "vendor"]).await, Some(0));
    assert_eq!(code(&["--exclude", "vendor/y", "--threads", "1"]).await, Some(3));
    let refused = home.run(&["leaks", "scan", "--exclude", "a["]).await;
    assert!(refused.code == Some(2) && is_whole(&refused.stderr), "{refused:?}");
}

#[tokio::test]
async fn what_was_not_read_is_never_clean() {
    let home = Home::empty("");
    // A gzip file that ends in the middle.
    let cut: Vec<u8> = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b].into();
    std::fs::write(home.folder().join("cut.gz"), cut).unwrap();
    let ended = home.run(&["leaks", "scan"]).await;
    assert!(ended.code == Some(1) && ended.stdout.contains("cut.gz"), "{ended:?}");
    assert!(!ended.stdout.contains("clean"), "{ended:?}");
    assert_eq!(home.run(&["leaks", "scan", "--allow-unread"]).await.code, Some(0));
    std::fs::write(home.folder().join("x"), key(1)).unwrap();
    assert_eq!(home.run(&["leaks", "scan"]).await.code, Some(3), "a finding outweighs");
}

#[tokio::test]
async fn what_is_staged_and_what_a_range_brings() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.commit("x", &key(1)).await;
    repo.commit("y", &key(2)).await;
    repo.write("z", &key(3));
    let found = async |arguments: &[&str]| {
        let ended = repo.keywright(&[&["leaks", "scan", "--json"], arguments].concat()).await;
        assert!(ended.code == Some(3) || ended.code == Some(0), "{ended:?}");
        places(&ended.json())
    };
    assert_eq!(found(&["--staged"]).await, []);
    repo.git(&["add", "z"]).await;
    repo.write("z", "not staged");
    assert_eq!(found(&["--staged"]).await, expected(&[(3, 1)]));
    assert_eq!(found(&["--range", "HEAD~1..HEAD"]).await, expected(&[(2, 1)]));
    assert_eq!(found(&["--range", "..main"]).await, expected(&[(1, 1), (2, 1)]));
    assert_eq!(found(&["--range", "main..main"]).await, []);
    for (arguments, code) in [
        (["--range", "nowhere..HEAD", "."], 1),
        (["--range", "HEAD", "."], 2),
        (["--staged", ".", ".."], 2),
        (["--staged", "--range", "a..b"], 2),
        (["--since-last", "--staged", "."], 2),
        (["--staged", "--tree-only", "."], 2),
    ] {
        let ended = repo.keywright(&[&["leaks", "scan"][..], &arguments].concat()).await;
        assert!(ended.code == Some(code) && ended.stdout.is_empty() && !ended.stderr.is_empty(), "{ended:?}");
    }
    let nowhere = home.run(&["leaks", "scan", "--staged"]).await;
    assert!(nowhere.code == Some(1) && is_whole(&nowhere.stderr), "{nowhere:?}");
}

#[tokio::test]
async fn bad_input_is_refused_with_what_why_and_how() {
    let home = Home::empty("");
    let absent = home.run(&["leaks", "scan", "absent"]).await;
    insta::assert_snapshot!(told(&home, &absent), @r"
    exit code 1
    error: cannot read `absent`
    because: No such file or directory (os error 2)
    try: give files and folders that are there, or `-` for standard input
    ");
    let refused: [&[&str]; 8] = [
        &["--kinds", "jwt"],
        &["--max-unpacked", "much"],
        &["--max-depth", "65"],
        &["--threads", "0"],
        &["--format", "xml"],
        &["--check-host", "https://n8n.example.com"],
        &["--dry-run"],
        &["--json", "--format", "sarif"],
    ];
    for arguments in refused {
        let ended = home.run(&[&["leaks", "scan"], arguments].concat()).await;
        assert!(ended.code == Some(2) && ended.stdout.is_empty(), "{arguments:?} {ended:?}");
    }
}

#[tokio::test]
async fn the_history_around_a_folder_is_pointed_at() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.commit("inner/x", "").await;
    let ended = home.run(&["leaks", "scan", "repo/inner"]).await;
    insta::assert_snapshot!(told(&home, &Ended { stdout: String::new(), ..ended }), @r"
    exit code 0
    the history around it is not read: keywright leaks scan HOME/repo
    ");
}
