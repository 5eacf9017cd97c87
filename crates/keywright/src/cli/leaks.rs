//! `keywright leaks …`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use detector::{Kind, Severity};

#[derive(Debug, Subcommand)]
pub(crate) enum LeaksCommand {
    /// Search files, archives and whole histories. Exit code 3 if a key is found, 1 if not all could be read
    Scan(Box<LeaksScan>),
    /// Hooks of git that keep keys out of commits and pushes
    #[command(subcommand)]
    Hook(LeaksHook),
    /// Search what is new in folders and repositories, until it is stopped. Exit code 3 if a key was found
    Watch(LeaksWatch),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct LeaksScan {
    /// Files, folders, repositories; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only what is new since the last time: a cursor for each repository and folder is kept
    #[arg(long)]
    pub(crate) since_last: bool,
    /// Only what the next commit would hold
    #[arg(long, conflicts_with_all = ["since_last", "range", "history_only", "tree_only"])]
    pub(crate) staged: bool,
    /// Only commits that NEW has and OLD has not; of everything before NEW without OLD
    #[arg(long, value_name = "OLD..NEW", conflicts_with_all = ["since_last", "history_only", "tree_only"])]
    pub(crate) range: Option<Range>,
    /// Only the repositories: commits, notes, stashes, what no ref leads to; no files
    #[arg(long, conflicts_with = "tree_only")]
    pub(crate) history_only: bool,
    /// Only files as they lie there, no repository's history
    #[arg(long)]
    pub(crate) tree_only: bool,
    #[command(flatten)]
    pub(crate) searching: Searching,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = LeaksFormat::Table, conflicts_with = "json")]
    pub(crate) format: LeaksFormat,
    /// Where the report is written, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print the keys themselves; to a terminal only
    #[arg(long, conflicts_with = "output")]
    pub(crate) show: bool,
    /// Print the keys themselves, to wherever the report goes: whoever reads it has them
    #[arg(long)]
    pub(crate) dangerous_show: bool,
    #[command(flatten)]
    pub(crate) doing: Doing,
}

/// What is done with what was found.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What is done with a key")]
pub(crate) struct Doing {
    /// Ask the instances that we know whether it is alive, and no other host
    #[arg(long)]
    pub(crate) check: bool,
    /// Ask this n8n too; may be given several times
    #[arg(long, value_name = "URL", requires = "check")]
    pub(crate) check_host: Vec<String>,
    /// Turn what is alive and ours as compromised, at once: the old key dies before the new one is delivered
    #[arg(long)]
    pub(crate) rotate: bool,
    /// Say what would be turned
    #[arg(long, requires = "rotate")]
    pub(crate) dry_run: bool,
}

/// What is looked for, and within which bounds.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What is searched")]
pub(crate) struct Searching {
    /// Keys that are known and let be [default: `.keywright-allow.toml` here, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) allowlist: Option<PathBuf>,
    /// Report what an allowlist or a mark `keywright:allow` would let be
    #[arg(long, conflicts_with = "allowlist")]
    pub(crate) no_allowlist: bool,
    /// Only these kinds, such as `native2,gateway`
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub(crate) kinds: Vec<Kind>,
    /// Only what is at least so bad: `medium` is all, `high` are API keys
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = LeastSeverity::Medium)]
    pub(crate) min_severity: LeastSeverity,
    /// Do not read these files and folders, such as `node_modules` or `docs/**/*.pdf`; histories are read whole
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// What cannot be read is told, and is no reason for exit code 1
    #[arg(long)]
    pub(crate) allow_unread: bool,
    /// Larger objects of git are not read if they are deltas, such as `64M`
    #[arg(long, value_name = "SIZE", default_value = "64M")]
    pub(crate) max_object_size: Size,
    /// Archives within archives
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(0..=64))]
    pub(crate) max_depth: u8,
    /// What one file or object may unpack to, such as `1G`
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    pub(crate) max_unpacked: Size,
    /// Threads that read [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LeaksHook {
    /// Put hooks into the repository around here; all that it takes, unless some are named
    Install(LeaksHookInstall),
    /// Take them away again; what was there before comes back
    Uninstall(LeaksHookInstall),
    /// Which there are
    Status {
        /// Of the hooks that hold for all repositories of this user
        #[arg(long)]
        global: bool,
    },
    /// What a hook runs
    #[command(hide = true)]
    Run(LeaksHookRun),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct LeaksHookInstall {
    /// What is about to be committed
    #[arg(long)]
    pub(crate) pre_commit: bool,
    /// What is about to be pushed
    #[arg(long)]
    pub(crate) pre_push: bool,
    /// What others push to this repository; for servers
    #[arg(long)]
    pub(crate) pre_receive: bool,
    /// For all repositories of this user: `core.hooksPath` of git's global configuration
    #[arg(long, conflicts_with = "pre_receive")]
    pub(crate) global: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LeaksHookRun {
    /// Which
    #[arg(value_enum)]
    pub(crate) name: HookName,
    /// What git says to it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) told: Vec<std::ffi::OsString>,
}

/// Hooks that we have a part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "git calls them so")]
pub(crate) enum HookName {
    PreCommit,
    PrePush,
    PreReceive,
}

impl HookName {
    pub(crate) const ALL: [Self; 3] = [Self::PreCommit, Self::PrePush, Self::PreReceive];

    /// Its name, as git has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct LeaksWatch {
    /// Folders, repositories, folders of repositories
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) searching: Searching,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeaksFormat {
    /// For people
    Table,
    /// The shape of docs/reference/leaks-report.md
    Json,
    /// SARIF 2.1.0, as code scanning of GitHub takes it
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// A secret detection report of GitLab CI/CD
    GitlabSecrets,
    /// A code quality report of GitLab CI/CD
    GitlabCodequality,
}

/// How bad something is at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeastSeverity {
    Medium,
    High,
}

impl From<LeastSeverity> for Severity {
    fn from(least: LeastSeverity) -> Self {
        match least {
            LeastSeverity::Medium => Self::Medium,
            LeastSeverity::High => Self::High,
        }
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    let known = Kind::ALL.into_iter().find(|kind| kind.name() == text.replace('-', "_"));
    known.ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
        format!("the kinds are {}", names.join(", "))
    })
}

/// A number of bytes, such as `64M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = text.strip_prefix(digits).unwrap_or_default();
        let shift = match unit {
            "" => 0,
            "K" | "KiB" => 10,
            "M" | "MiB" => 20,
            "G" | "GiB" => 30,
            _ => u32::MAX,
        };
        let size = digits.parse().ok().and_then(|number: u64| number.checked_mul(1_u64.checked_shl(shift)?));
        size.filter(|size| *size > 0).map(Self).ok_or_else(|| {
            "write a number above nothing, and a unit: `500K`, `64M`, `2G`; bytes without one".to_owned()
        })
    }
}

/// Two ends of a stretch of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) old: Option<String>,
    pub(crate) new: String,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| !name.is_empty() && !name.starts_with(['-', '.']) && !name.contains("..");
        match text.split_once("..") {
            Some((old, new)) if is_name(new) && (old.is_empty() || is_name(old)) => {
                let old = Some(old.to_owned()).filter(|old| !old.is_empty());
                Ok(Self { old, new: new.to_owned() })
            }
            _ => Err("write two commits or refs with two dots between: `origin/main..HEAD`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(text.parse::<Size>().ok().map(|size| size.0), expected, "{text}");
        };
        check("7", Some(7));
        check("64M", Some(64 << 20));
        check("1GiB", Some(1 << 30));
        for bad in ["", "0", "M", "1.5M", "-1", "1T", "99999999999G", "1 M", "18446744073709551616"] {
            check(bad, None);
        }
    }

    #[test]
    fn ranges() {
        let check = |text: &str, expected: Option<(Option<&str>, &str)>| {
            let expected =
                expected.map(|(old, new)| Range { old: old.map(str::to_owned), new: new.to_owned() });
            assert_eq!(text.parse::<Range>().ok(), expected, "{text}");
        };
        check("a..b", Some((Some("a"), "b")));
        check("..HEAD", Some((None, "HEAD")));
        check("origin/main..HEAD~3", Some((Some("origin/main"), "HEAD~3")));
        for bad in ["", "a", "a..", "a...b", "..", "--all..b", "a..--upload-pack=x", "a..b..c"] {
            check(bad, None);
        }
    }

    #[test]
    fn kinds_are_told_when_one_is_none() {
        assert_eq!(kind("session-cookie"), Ok(Kind::SessionCookie));
        assert!(kind("jwt").unwrap_err().starts_with("the kinds are native2, "));
    }
}
