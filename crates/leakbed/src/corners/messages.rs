//! Keys in messages, authors and notes of commits.
use crate::chance::Chance;
use crate::hiding::Fits;
use crate::history::Main;
use crate::scribe::{Page, Scribe, Spot};
use crate::stream::{Change, On};
use crate::truth::ObjectKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Where in a message, the message, and on which line of it the key is.
const MESSAGES: [(&str, &str, usize, &[&str]); 7] = [
    ("subject", "Use ¤ for the import\n", 1, &[]),
    ("body", "Mend the import\n\nThe worker gets ¤, as long as\nthe vault is down.\n", 3, &[]),
    ("trailer", "Mend the worker\n\nIt was slow.\n\nTested-with: ¤\n", 5, &[]),
    ("curl", "Show how\n\n    curl -H 'X-N8N-API-KEY: ¤' \\\n      http://n8n:5678/api/v1/users\n", 3, &[]),
    ("base64", "Keep it\n\nenv: ¤\n", 3, &["base64"]),
    ("crlf", "Import\r\n\r\nkey=¤\r\n", 3, &[]),
    ("long", "Explain all of it\n\n¶\nkey=¤\n", 0, &[]),
];

pub(super) fn plant(scribe: &mut Scribe, main: &mut Main) {
    for (name, template, line, wrapping) in MESSAGES {
        let (key, mut chance) = scribe.key(&format!("message/{name}"), Fits::Any);
        let shown = if wrapping.is_empty() { key.text.clone() } else { STANDARD.encode(&key.text) };
        let prose = chance.prose(90_000);
        let message = template.replace('¶', &prose).replace('¤', &shown);
        let line = if line == 0 { 4 + prose.matches('\n').count() } else { line };
        let file = scribe.noise();
        let commit =
            main.commit(scribe, &message, &[Change::Put("100644", file, "apps/notes.txt".to_owned())]);
        let spot = Spot {
            object: ObjectKind::CommitMessage,
            lines: Some((line, line)),
            wrapping,
            ..Spot::corner("commit_message")
        };
        scribe.plant(&key, spot, Some(commit), Some(commit));
    }
    authors(scribe, main);
    notes(scribe, main);
}

fn authors(scribe: &mut Scribe, main: &mut Main) {
    for (hiding, template) in [
        ("author_name", "¤ <ci@corp.test>"),
        ("author_mail", "CI <¤@corp.test>"),
        ("committer_name", "CI ¤ <ci@corp.test>"),
    ] {
        let (key, _) = scribe.key(hiding, Fits::Any);
        let who = template.replace('¤', &key.text);
        let file = scribe.noise();
        let parents = [main.tip.clone()];
        let changes = [Change::Put("100644", file, "apps/ci.txt".to_owned())];
        let page = Page { branch: &main.branch, parents: &parents, changes: &changes, ..Page::default() };
        let page = match hiding {
            "committer_name" => Page { committer: Some(&who), message: "By a robot\n", ..page },
            _ => Page {
                author: Some(&who),
                committer: Some("CI <ci@corp.test>"),
                message: "By a robot\n",
                ..page
            },
        };
        let commit = scribe.commit(&page);
        main.tip = On::Mark(commit);
        let spot = Spot { object: ObjectKind::CommitHeader, ..Spot::corner(hiding) };
        scribe.plant(&key, spot, Some(commit), Some(commit));
    }
}

/// On commits of before; one of the notes is taken away again.
fn notes(scribe: &mut Scribe, main: &Main) {
    let mut chance = Chance::of(scribe.seed, "notes");
    for (reference, count) in [("refs/notes/commits", 3), ("refs/notes/deploys", 2)] {
        let mut parents: Vec<On> = Vec::new();
        for number in 0..count {
            let (key, _) = scribe.key(&format!("{reference}/{number}"), Fits::Any);
            let blob = scribe.stream.blob(format!("deployed with\n{}\n", key.text).as_bytes());
            let Some(on) = main.old.get(chance.below(main.old.len())) else { continue };
            let message = "Notes added by 'git notes add'\n";
            let changes = [Change::Put("100644", blob, on.clone())];
            let commit = scribe.commit(&Page {
                branch: reference,
                parents: &parents,
                changes: &changes,
                message,
                ..Page::default()
            });
            let spot = Spot {
                object: ObjectKind::Note,
                path: Some(on.clone()),
                lines: Some((2, 2)),
                ..Spot::corner("note")
            };
            scribe.plant(&key, spot, Some(commit), Some(blob));
            let removed = [Change::Remove(on.clone())];
            parents = vec![On::Mark(commit)];
            if number == 1 {
                let page = Page {
                    branch: reference,
                    parents: &parents,
                    changes: &removed,
                    message: "Notes removed by 'git notes remove'\n",
                    ..Page::default()
                };
                parents = vec![On::Mark(scribe.commit(&page))];
            }
        }
    }
}
