//! The report for people: a block for each leak, the worst first; what was let be; what was not read; the verdict.

use std::io::{self, Write};

use detector::{Proof, Severity};

use super::Secrets;
use super::place::{also, at, author, reach, wrapping};
use super::steps::{recipes, steps};
use super::text::{NAME_CHARS, path, text};
use super::unread::{size, why};
use super::whose::{alive, day, expiry, owner};
use crate::{Allowed, Judged, Leak, Source, Spot, Verdict};

/// As many places of one leak are shown; the rest is counted.
const PLACES: usize = 5;

/// Writes the report for people. Readable without colour; there is none in it.
pub fn table(out: &mut dyn Write, judged: &Judged, secrets: Secrets) -> io::Result<()> {
    let leaks = judged.worst_first();
    for (number, leak) in (1..).zip(&leaks) {
        block(out, number, leak, judged, secrets)?;
    }
    how_to(out, &leaks)?;
    if judged.more_findings > 0 {
        let more = judged.more_findings;
        writeln!(out, "{more} more findings were not kept: mend these, and scan again.\n")?;
    }
    allowed(out, judged)?;
    unread(out, judged)?;
    let tally = judged.tally;
    let read = [
        (tally.repositories, "1 repository", "repositories"),
        (tally.objects, "1 git object", "git objects"),
        (tally.files, "1 file", "files"),
        (tally.members, "1 member of an archive", "members of archives"),
    ];
    let read = read.into_iter().filter(|(count, ..)| *count > 0);
    let read: Vec<String> = read.map(|(number, one, many)| count(number, one, many)).collect();
    let read = match (read.is_empty(), tally.bytes) {
        (true, 0) => "nothing".to_owned(),
        (true, _) => "streams".to_owned(),
        (false, _) => read.join(", "),
    };
    writeln!(out, "read: {read}; {}", size(tally.bytes))?;
    writeln!(out, "{}", verdict(judged))
}

/// The outcome in one line. `clean` is said only where nothing was found and nothing was passed by.
pub fn verdict(judged: &Judged) -> String {
    let unread = count(judged.unread_count(), "1 thing was not read", "things were not read");
    let places = judged.allowed().count() as u64;
    let nothing = match places {
        0 => "nothing found".to_owned(),
        _ => format!("nothing found but what is let be, at {}", count(places, "1 place", "places")),
    };
    match judged.verdict() {
        Verdict::Found(leaks) => {
            let leaks = count(leaks as u64, "1 leak", "leaks");
            let more = match judged.more_findings {
                0 => String::new(),
                more => format!(", and {more} findings more that were not kept"),
            };
            let unread = if judged.unread_count() == 0 { String::new() } else { format!("; {unread}") };
            format!("{leaks}{more}{unread}")
        }
        Verdict::Unread(_) => format!("{nothing}, but {unread}"),
        Verdict::Allowed(_) => nothing,
        Verdict::Clean => "clean".to_owned(),
    }
}

fn count(count: u64, one: &str, many: &str) -> String {
    if count == 1 { one.to_owned() } else { format!("{count} {many}") }
}

fn block(
    out: &mut dyn Write,
    number: usize,
    leak: &Leak,
    judged: &Judged,
    secrets: Secrets,
) -> io::Result<()> {
    let token = &leak.token;
    let severity = match token.kind.severity() {
        Severity::High => "high",
        Severity::Medium => "medium",
    };
    let tail = text(token.secret.tail().as_bytes(), 40);
    let title = token.kind.title();
    writeln!(out, "{number}. {title}  {}  …{tail}  ({severity})", leak.fingerprint.short())?;
    if secrets == Secrets::Shown {
        row(out, "secret", &text(token.secret.expose().as_bytes(), usize::MAX))?;
    }
    row(out, "whose", &owner(leak))?;
    row(out, "alive", &alive(leak))?;
    if token.proof == Proof::Shape || token.proof == Proof::Name {
        row(out, "proof", "only its looks: nothing in it can be checked offline")?;
    }
    if let Some(issued) = token.claims.issued_at {
        row(out, "issued", &day(issued))?;
    }
    row(out, "expires", &expiry(leak, judged.at))?;
    for (index, spot) in leak.places.iter().take(PLACES).enumerate() {
        place(out, if index == 0 { "where" } else { "also" }, spot)?;
    }
    let more = leak.places.len().saturating_sub(PLACES);
    if more > 0 {
        let more = count(more as u64, "1 more place", "more places");
        row(out, "also", &format!("at {more}; --json has all"))?;
    }
    if !leak.allowed.is_empty() {
        let places = count(leak.allowed.len() as u64, "1 other place", "other places");
        row(out, "let be", &format!("at {places}"))?;
    }
    if let Some(by) = leak.places.iter().find_map(|spot| spot.lapsed.as_ref()) {
        let until = by.line.until.map(day).unwrap_or_default();
        row(out, "let be", &format!("until {until} by {}:{}; that is over", path(&by.file), by.line.line))?;
    }
    for (number, step) in (1..).zip(steps(leak, judged.at)) {
        let text = match step.name {
            "allow" => format!("{number}. if it is no leak, let it be: {}", leak.fingerprint),
            _ => format!("{number}. {}", step.text),
        };
        row(out, if number == 1 { "next" } else { "" }, &text)?;
        // How the others are done stands once, below all.
        if let Some(command) = step.command.filter(|_| step.name == "kill") {
            row(out, "", &format!("     {command}"))?;
        }
    }
    writeln!(out)
}

fn how_to(out: &mut dyn Write, leaks: &[&Leak]) -> io::Result<()> {
    for recipe in recipes(leaks) {
        writeln!(out, "To {}:", recipe.what_for)?;
        for line in recipe.command.lines() {
            row(out, "", line)?;
        }
        if let Some(warning) = recipe.warning {
            writeln!(out, "{warning}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn place(out: &mut dyn Write, label: &str, spot: &Spot) -> io::Result<()> {
    row(out, label, &at(&spot.place))?;
    if let Some(also) = also(spot) {
        row(out, "", &also)?;
    }
    if !spot.wrapping.is_empty() {
        row(out, "", &wrapping(&spot.wrapping))?;
    }
    if let Source::Git(git) = &spot.place.source {
        row(out, "", &format!("in {}", path(&git.repository)))?;
        if let Some(first) = &git.first {
            row(out, "", &author(first))?;
        }
        row(out, "", &reach(git))?;
    }
    Ok(())
}

fn allowed(out: &mut dyn Write, judged: &Judged) -> io::Result<()> {
    let inline = judged.allowed().filter(|(.., by)| **by == Allowed::Inline).count();
    for list in judged.allowlists.iter().filter(|list| list.places > 0) {
        writeln!(out, "{} left out by {}:", list.places, path(&list.file))?;
        for (leak, spot, by) in judged.allowed() {
            let Allowed::List(by) = by else { continue };
            if by.file == list.file {
                let by_whom = by.line.by.as_ref().map(|who| format!(", {}", text(who.as_bytes(), 60)));
                let reason = text(by.line.reason.as_bytes(), NAME_CHARS);
                let (line, whom) = (by.line.line, by_whom.unwrap_or_default());
                row(
                    out,
                    &leak.fingerprint.short(),
                    &format!("{}: {reason} (line {line}{whom})", at(&spot.place)),
                )?;
            }
        }
        writeln!(out)?;
    }
    if inline > 0 {
        writeln!(out, "{inline} left out by a mark in the line itself:")?;
        for (leak, spot, _) in judged.allowed().filter(|(.., by)| **by == Allowed::Inline) {
            row(out, &leak.fingerprint.short(), &at(&spot.place))?;
        }
        writeln!(out)?;
    }
    for list in &judged.allowlists {
        let file = path(&list.file);
        for line in &list.unused {
            writeln!(
                out,
                "{file}:{}: nothing here has this fingerprint any more: take the line out",
                line.line
            )?;
        }
        for line in &list.lapsed {
            let until = line.until.map(day).unwrap_or_default();
            writeln!(out, "{file}:{}: its time was over at {until}: the key is reported again", line.line)?;
        }
    }
    Ok(())
}

fn unread(out: &mut dyn Write, judged: &Judged) -> io::Result<()> {
    if judged.unread_count() == 0 {
        return Ok(());
    }
    writeln!(out, "not read:")?;
    for one in &judged.unread {
        writeln!(out, "   {}: {}", text(&one.what, NAME_CHARS), why(&one.why))?;
    }
    if judged.more_unread > 0 {
        writeln!(out, "   and {} more", judged.more_unread)?;
    }
    writeln!(out)
}

fn row(out: &mut dyn Write, label: &str, value: &str) -> io::Result<()> {
    writeln!(out, "   {label:<8} {value}")
}
