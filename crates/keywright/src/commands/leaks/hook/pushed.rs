//! What git says of a push, a line for each ref.

use leaks::git::{KnownRefs, Range};

use crate::cli::HookName;
use crate::config::GitSays;
use crate::error::{CommandError, operator};

/// A ref that is pushed: what it leads to here, and what it led to there; zeros for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    name: String,
    new: String,
    old: String,
}

/// Of `pre-push`: name, id, name there, id there. Of `pre-receive`: old id, new id, name.
pub(super) fn lines(told: &str) -> Result<Vec<Line>, CommandError> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (new, old, name) = match words.as_slice() {
            [_here, new, name, old] => (*new, *old, *name),
            [old, new, name] => (*new, *old, *name),
            _ => return None,
        };
        let is_whole = is_id(new) && is_id(old);
        is_whole.then(|| Line { name: name.to_owned(), new: new.to_owned(), old: old.to_owned() })
    };
    let parsed: Option<Vec<Line>> = told.lines().map(line).collect();
    parsed.ok_or_else(|| {
        operator("cannot read what git says to the hook")
            .because("a line is none of refs and ids")
            .mend("git push --no-verify   # if you know what it holds")
            .into()
    })
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// All that is new by a push.
pub(super) fn range(name: HookName, lines: &[Line], says: &GitSays) -> Range {
    Range {
        new: lines.iter().map(|line| (line.name.clone(), line.new.clone())).collect(),
        old: lines.iter().map(|line| line.old.clone()).collect(),
        // A server has what its refs lead to; who pushes knows what remotes had by the refs that follow them.
        known: match name {
            HookName::PreReceive => KnownRefs::All,
            HookName::PreCommit | HookName::PrePush => KnownRefs::Remotes,
        },
        quarantine: says.objects.iter().cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_refused() {
        let (a, b) = ("a".repeat(40), "b".repeat(64));
        let line =
            |name: &str, new: &str, old: &str| Line { name: name.into(), new: new.into(), old: old.into() };
        let check = |told: String, expected: &[Line]| assert_eq!(lines(&told).unwrap(), expected, "{told}");
        check(String::new(), &[]);
        check(format!("refs/heads/x {a} refs/heads/y {b}\n"), &[line("refs/heads/y", &a, &b)]);
        let two = [line("refs/heads/x", &a, &b), line("refs/heads/y", &b, &a)];
        check(format!("{b} {a} refs/heads/x\n{a} {b} refs/heads/y\n"), &two);
        for bad in ["x", "a b c", "a b c d", &format!("{a} {b}"), &format!("{a} --all x")] {
            assert!(lines(bad).is_err(), "{bad}");
        }
    }
}
