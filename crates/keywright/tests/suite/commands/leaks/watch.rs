//! `keywright leaks watch`: what is there, then what comes, each once.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::support::home::Home;
use crate::support::repo::{Repo, key, short};

struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command(&[&["leaks", "watch"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line, which has to be about this key.
    async fn tells_of(&mut self, number: u32) -> String {
        let line = tokio::time::timeout(Duration::from_mins(1), self.lines.next_line()).await;
        let line = line.expect("a line in a minute").unwrap().expect("it goes on");
        assert!(line.contains(&short(&key(number))) && !line.contains(&key(number)), "{line}");
        line
    }

    async fn ends(mut self, signal: Signal) -> (Option<i32>, Vec<String>) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let mut rest = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            rest.push(line);
        }
        (self.child.wait().await.unwrap().code(), rest)
    }
}

#[tokio::test]
async fn what_is_there_and_what_comes_is_told_once() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "tree/repo").await;
    repo.commit("x", &key(1)).await;
    repo.git(&["rm", "--quiet", "x"]).await;
    repo.git(&["commit", "--quiet", "--message", "gone"]).await;
    let tree = home.folder().join("tree");
    let mut watching = Watching::start(&home, &["tree"]);
    watching.tells_of(1).await;
    std::fs::write(tree.join("new"), key(2)).unwrap();
    assert!(watching.tells_of(2).await.contains("tree/new:1"));
    // The same once more, and then another.
    std::fs::write(tree.join("new"), format!("{}\n{}\n", key(2), key(3))).unwrap();
    watching.tells_of(3).await;
    std::fs::create_dir_all(home.folder().join("a/b")).unwrap();
    std::fs::write(home.folder().join("a/b/c"), key(4)).unwrap();
    std::fs::rename(home.folder().join("a"), tree.join("moved")).unwrap();
    watching.tells_of(4).await;
    std::fs::write(tree.join("moved/b/d"), key(5)).unwrap();
    watching.tells_of(5).await;
    // A commit's message is in the logs of its refs too; a tag's is nowhere else.
    repo.git(&["tag", "--annotate", "--message", &key(6), "six"]).await;
    watching.tells_of(6).await;
    let other = Repo::new(&home, "tree/other").await;
    other.git(&["commit", "--quiet", "--allow-empty", "--message", "fine"]).await;
    other.git(&["tag", "--annotate", "--message", &key(7), "seven"]).await;
    watching.tells_of(7).await;
    assert_eq!(watching.ends(Signal::INT).await, (Some(3), vec![]));
}

#[tokio::test]
async fn lines_of_json_and_a_clean_end() {
    let home = Home::empty("");
    std::fs::create_dir(home.folder().join("tree")).unwrap();
    std::fs::write(home.folder().join("tree/x"), key(1)).unwrap();
    let mut watching = Watching::start(&home, &["tree", "--json"]);
    let line: serde_json::Value = serde_json::from_str(&watching.tells_of(1).await).unwrap();
    assert_eq!((&line["kind"], &line["place"]), (&"legacy".into(), &"tree/x:1".into()));
    assert_eq!(watching.ends(Signal::TERM).await.0, Some(3));
    let refused = home.run(&["leaks", "watch", "absent"]).await;
    assert!(refused.code == Some(1) && super::super::is_whole(&refused.stderr), "{refused:?}");
    assert_eq!(home.run(&["leaks", "watch"]).await.code, Some(2));
}
