//! The program `systemd-creds`: plain and sealed bytes through its pipes, and what it means when it says no.

use std::{path::PathBuf, time::Duration};

use model::{DestinationError, DestinationErrorKind as Kind};
use zeroize::Zeroizing;

use crate::{
    Context,
    error::error,
    place::{Content, FilePath},
    program::{Ended, Program, Run, Stdout, shown},
};

/// Where distributions have it.
const PROGRAMS: [&str; 3] =
    ["/usr/bin/systemd-creds", "/bin/systemd-creds", "/run/current-system/sw/bin/systemd-creds"];
/// A TPM takes a second or two.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How a credential under the host's key begins. With nothing but zeros behind it, decrypting it tells whether the
/// key is there and can be read, and unlike encrypting never makes one.
const PROBE: &str = "Whxqht+dQJax1aZeCGLxmiAAAAABAAAADAAAABAAAAA";
const HOST_KEY: &str = "/var/lib/systemd/credential.secret";
/// So that its words are those that are looked for here.
const VARIABLES: [(&str, &str); 6] = [
    ("LC_ALL", "C"),
    ("SYSTEMD_LOG_COLOR", "0"),
    ("SYSTEMD_LOG_LEVEL", "info"),
    ("SYSTEMD_LOG_LOCATION", "0"),
    ("SYSTEMD_LOG_TARGET", "console"),
    ("SYSTEMD_LOG_TIME", "0"),
];

/// What it is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Encrypt,
    Decrypt,
}

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
        }
    }
}

/// The program, for one credential.
#[derive(Clone)]
pub(super) struct Creds {
    pub(super) programs: Vec<PathBuf>,
    pub(super) timeout: Duration,
    pub(super) name: String,
    path: FilePath,
    hidden_variables: Vec<String>,
}

impl Creds {
    pub(super) fn new(path: &FilePath, name: &str, context: &Context) -> Self {
        Self {
            programs: PROGRAMS.map(PathBuf::from).to_vec(),
            timeout: TIMEOUT,
            name: name.to_owned(),
            path: path.clone(),
            hidden_variables: context.hidden_variables.clone(),
        }
    }

    /// What is in a credential of this name.
    pub(super) async fn unseal(&self, sealed: &[u8]) -> Result<Content, DestinationError> {
        let ended = self.run(Verb::Decrypt, sealed).await?;
        self.printed(Verb::Decrypt, ended)
    }

    /// A credential of this name that was seen to be decrypted to `plain`.
    pub(super) async fn seal(&self, plain: &[u8]) -> Result<Content, DestinationError> {
        let probe = Zeroizing::new(format!("{PROBE:A<128}").into_bytes());
        let probed = self.run(Verb::Decrypt, &probe).await?;
        if says(&probed.stderr, "local credential") {
            return Err(self.fault(Verb::Encrypt, &probed));
        }
        let ended = self.run(Verb::Encrypt, plain).await?;
        let sealed = self.printed(Verb::Encrypt, ended)?;
        if self.unseal(&sealed).await?.as_slice() == plain {
            return Ok(sealed);
        }
        Err(error(
            Kind::Failed,
            self.what(Verb::Encrypt),
            "what `systemd-creds` made is not decrypted to what it was given; nothing was written",
            format!("see what `{}` is", self.find()?.path.display()),
        ))
    }

    async fn run(&self, verb: Verb, stdin: &[u8]) -> Result<Ended, DestinationError> {
        let mut program = self.find()?;
        program.arguments =
            vec![verb.as_str().into(), format!("--name={}", self.name), "-".into(), "-".into()];
        let run = Run {
            what: self.what(verb),
            program: &program,
            stdin: Some(stdin),
            stdout: Stdout::Kept,
            hidden_variables: &self.hidden_variables,
            variables: VARIABLES.map(|(name, value)| (name, value.to_owned())).to_vec(),
            timeout: self.timeout,
        };
        run.run().await
    }

    fn find(&self) -> Result<Program, DestinationError> {
        let Some(path) = self.programs.iter().find(|path| rustix::fs::stat(path.as_path()).is_ok()) else {
            let names = self.programs.iter().map(|path| format!("`{}`", path.display()));
            return Err(error(
                Kind::NotFound,
                format!("cannot use the credential `{}`", self.path.display()),
                format!(
                    "there is no program `systemd-creds`: looked for {}",
                    names.collect::<Vec<_>>().join(", ")
                ),
                "install systemd, 250 or newer: `apt install systemd`",
            ));
        };
        let program = Program { path: path.clone(), arguments: Vec::new() };
        program.check()?;
        Ok(program)
    }

    fn printed(&self, verb: Verb, ended: Ended) -> Result<Content, DestinationError> {
        if !ended.status.success() {
            return Err(self.fault(verb, &ended));
        }
        if ended.overflowed {
            return Err(error(
                Kind::Malformed,
                self.what(verb),
                "it is too large to hold a key and nothing else; nothing was written",
                "give the path of a credential that holds one line, the key, or of a file that does not exist yet",
            ));
        }
        Ok(ended.stdout)
    }

    fn what(&self, verb: Verb) -> String {
        format!("cannot {} the credential `{}`", verb.as_str(), self.path.display())
    }

    fn fault(&self, verb: Verb, ended: &Ended) -> DestinationError {
        let (kind, because, mend) = judge(verb, &ended.stderr, &self.name, &self.path).unwrap_or_else(|| {
            (
                Kind::Failed,
                format!("`systemd-creds {}` ended with {}", verb.as_str(), ended.status),
                format!("try by hand: `systemd-creds {} --name={} - - < …`", verb.as_str(), self.name),
            )
        });
        let mut failure = error(kind, self.what(verb), because, mend);
        failure.report.because.extend(shown(&ended.stderr, None));
        failure
    }
}

fn says(stderr: &[u8], words: &str) -> bool {
    stderr.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Whose fault it is by what the program says, and how to mend it.
pub(super) fn judge(
    verb: Verb,
    stderr: &[u8],
    name: &str,
    path: &FilePath,
) -> Option<(Kind, String, String)> {
    let says = |words: &str| says(stderr, words);
    let shown = path.display();
    if says("local credential") && says("Permission denied") {
        let uid = rustix::process::geteuid().as_raw();
        return Some((
            Kind::Denied,
            format!("no read permission on `{HOST_KEY}`, this machine's key for credentials, for uid {uid}"),
            "run Keywright as root: that key is for nobody else".to_owned(),
        ));
    }
    if says("local credential") && says("Operation not permitted") {
        return Some((
            Kind::Denied,
            format!(
                "systemd refuses `{HOST_KEY}`, this machine's key for credentials: its mode must be 0400, and it must have one name"
            ),
            format!("see `stat {HOST_KEY}`, and `chmod 0400 {HOST_KEY}`"),
        ));
    }
    if says("local credential") && says("No such file") {
        return Some(match verb {
            Verb::Encrypt => (
                Kind::NotFound,
                "this machine has no key for credentials yet".to_owned(),
                "`systemd-creds setup` makes it, as root".to_owned(),
            ),
            Verb::Decrypt => (
                Kind::NotFound,
                "this machine's key for credentials, with which it was encrypted, is gone".to_owned(),
                format!("bring `{HOST_KEY}` back from a backup; or `rm {shown}` and `systemd-creds setup`"),
            ),
        });
    }
    if verb == Verb::Encrypt {
        return None;
    }
    if says("does not match filename") {
        return Some((
            Kind::Malformed,
            format!("it was made under another name than `{name}`; nothing was written"),
            format!(
                "write the name that it has, and that the service loads it by: `systemd-creds:{shown}#…`"
            ),
        ));
    }
    if says("time passed") {
        return Some((
            Kind::Malformed,
            "it has expired; nothing was written".to_owned(),
            format!("`rm {shown}`: the next delivery makes one that does not expire"),
        ));
    }
    let broken = ["Unknown encryption format", "too short", "Failed to read encrypted", "Decryption failed"];
    (broken.iter().any(|words| says(words)) || says("in header") || says("scoped to")).then(|| {
        (
            Kind::Malformed,
            "it is damaged, of another machine, of a user, or no credential at all; nothing was written"
                .to_owned(),
            format!("see `systemd-creds decrypt --name={name} {shown} -`; or give the path of a file that does not exist yet"),
        )
    })
}
