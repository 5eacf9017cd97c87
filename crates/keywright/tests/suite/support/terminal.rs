//! Keywright at a terminal, with a person who reads and types.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::home::Home;

/// A command that runs at a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: String,
    /// What was read of it.
    read: usize,
}

impl Terminal {
    /// Starts a command.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let words = std::iter::once(env!("CARGO_BIN_EXE_keywright")).chain(arguments.iter().copied());
        // Not below a shell, which Ctrl-C would end too.
        let line = format!("exec {}", shlex::try_join(words).unwrap());
        let mut command = home.command_of(Path::new("script"));
        command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keyboard, screen, shown: String::new(), read: 0 }
    }

    /// Reads on until `text` has come; gives what came before it.
    pub(crate) async fn reads(&mut self, text: &str) -> String {
        let looks = async {
            loop {
                let unread = self.shown.get(self.read..).unwrap();
                if let Some((before, _)) = unread.split_once(text) {
                    let before = before.to_owned();
                    self.read += before.len() + text.len();
                    return before;
                }
                let mut more = [0; 4096];
                let count = self.screen.read(&mut more).await.unwrap();
                assert!(count > 0, "`{text}` did not come:\n{}", self.shown);
                self.shown.push_str(&String::from_utf8_lossy(more.get(..count).unwrap()));
            }
        };
        let found = tokio::time::timeout(Duration::from_mins(1), looks).await;
        found.unwrap_or_else(|_late| panic!("`{text}` did not come in a minute"))
    }

    /// Types a line.
    pub(crate) async fn types(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Presses Ctrl-C.
    pub(crate) async fn interrupts(&mut self) {
        self.keyboard.write_all(b"\x03").await.unwrap();
    }

    /// Waits for its end; gives the exit code and all that was shown.
    pub(crate) async fn ends(mut self) -> (Option<i32>, String) {
        let ends = async {
            let mut more = Vec::new();
            self.screen.read_to_end(&mut more).await.unwrap();
            self.shown.push_str(&String::from_utf8_lossy(&more));
            self.child.wait().await.unwrap().code()
        };
        let code = tokio::time::timeout(Duration::from_mins(1), ends).await.expect("an end in a minute");
        (code, self.shown)
    }
}
