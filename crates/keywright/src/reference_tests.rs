//! The docs say what the program does: the command reference is made from clap's definitions, every command line
//! parses, every name in a table is one that the code knows, every link leads somewhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _, Parser as _};

use crate::cli::Cli;

const BLESS: &str = "KEYWRIGHT_BLESS=1 cargo nextest run -p keywright --lib the_command_reference";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Markdown file of the checkout, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let (mut folders, mut pages) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !path.is_symlink() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                pages.push((path.clone(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(pages.len() > 20, "only {} pages were found", pages.len());
    pages
}

/// What stands in fenced blocks, and what stands around them, line ends kept.
fn parted(text: &str) -> (String, String) {
    let (mut fenced, mut prose, mut inside) = (String::new(), String::new(), false);
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        inside ^= is_fence;
        let to = if inside && !is_fence { &mut fenced } else { &mut prose };
        writeln!(to, "{}", if is_fence { "" } else { line }).unwrap();
    }
    assert!(!inside, "a fence is never closed");
    (fenced, prose)
}

fn explain(command: &mut Command, path: &str, page: &mut String) {
    let help = command.render_long_help().to_string();
    // What every command takes is told once, at the top.
    let own = help.split("\nGlobal options:").next().unwrap();
    let help = if path == "keywright" { &help } else { own };
    write!(page, "\n## `{path}`\n\n```text\n").unwrap();
    help.trim_end().lines().for_each(|line| writeln!(page, "{}", line.trim_end()).unwrap());
    page.push_str("```\n");
    for child in command.get_subcommands_mut().filter(|child| child.get_name() != "help") {
        explain(child, &format!("{path} {}", child.get_name()), page);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whether to write the page comes from whoever runs the tests")]
fn the_command_reference_is_made_from_the_commands() {
    let mut page = String::from("# Commands\n\nMade from the program's own definitions: do not edit it.\n");
    let mut command = Cli::command().term_width(100).mut_arg("config", |config| config.hide_env_values(true));
    command.build();
    explain(&mut command, "keywright", &mut page);
    let path = root().join("docs/reference/commands.md");
    if std::env::var_os("KEYWRIGHT_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == page,
        "docs/reference/commands.md is not what the program says; write it anew: {BLESS}"
    );
}

/// The command lines in a block: after a prompt, in a crontab, in a unit; up to a pipe or a redirection.
fn command_lines(block: &str) -> Vec<Vec<String>> {
    let whole = block.replace("\\\n", " ");
    let starts = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("$ ").unwrap_or(line);
        let rest = line.strip_prefix("keywright ").or_else(|| Some(line.split_once("/bin/keywright ")?.1))?;
        Some(format!("keywright {rest}"))
    };
    let ends = ["|", "||", "&&", ";", ">", ">>"];
    let words = |line: String| shlex::split(&line).unwrap_or_else(|| panic!("a quote is open: {line}"));
    let cut =
        |words: Vec<String>| words.into_iter().take_while(|word| !ends.contains(&word.as_str())).collect();
    whole.lines().filter_map(starts).map(words).map(cut).collect()
}

/// Texts between backticks that begin with the program's name and leave nothing out.
fn spans(prose: &str) -> impl Iterator<Item = &str> {
    let spans = prose.split('`').skip(1).step_by(2);
    spans.filter(|span| span.starts_with("keywright ") && !span.contains(['…', '\n']))
}

fn refusal(words: &[String]) -> Option<ErrorKind> {
    match Cli::try_parse_from(words).map_err(|refused| refused.kind()) {
        Ok(_) | Err(ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => None,
        Err(kind) => Some(kind),
    }
}

#[test]
fn every_command_in_the_docs_is_one() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for (path, text) in pages() {
        let (fenced, prose) = parted(&text);
        for words in command_lines(&fenced) {
            checked += 1;
            wrong.extend(refusal(&words).map(|kind| (path.clone(), words, kind)));
        }
        for words in spans(&prose).filter_map(shlex::split) {
            // A span may name a command only.
            let named = [ErrorKind::MissingRequiredArgument, ErrorKind::MissingSubcommand];
            let named = |kind: &ErrorKind| {
                named.contains(kind) || *kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            };
            checked += 1;
            let kind = refusal(&words).filter(|kind| !named(kind));
            wrong.extend(kind.map(|kind| (path.clone(), words, kind)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 60, "only {checked} commands were found");
}

/// A heading as links name it.
fn slug(heading: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    };
    heading.to_lowercase().chars().filter_map(kept).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for (path, text) in pages() {
        let (_, prose) = parted(&text);
        for target in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            if target.contains("://") {
                continue;
            }
            checked += 1;
            let to = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let Ok(found) = std::fs::read_to_string(&to).map(|text| parted(&text).1) else {
                wrong.push((path.clone(), target.to_owned()));
                continue;
            };
            let headings = found.lines().filter_map(|line| line.strip_prefix('#'));
            let mut slugs = headings.map(|line| slug(line.trim_start_matches('#').trim()));
            if !heading.is_empty() && !slugs.any(|slug| slug == heading) {
                wrong.push((path.clone(), target.to_owned()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 40, "only {checked} links were found");
}

/// All Rust below a folder, as one text.
fn rust(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path.extension() {
        _ if path.is_dir() => rust(&path),
        Some(end) if end == "rs" => std::fs::read_to_string(path).unwrap(),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn every_file_and_test_that_is_named_is_there() {
    let (sources, mut checked) = (rust(&root().join("crates")), 0);
    for page in ["SECURITY.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let (_, prose) = parted(&text);
        for span in prose.split('`').skip(1).step_by(2) {
            let is_test =
                span.matches('_').count() > 2 && span.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let is_path = span.starts_with("crates/") && !span.contains("NAME");
            checked += u32::from(is_test || is_path);
            let there = || ["(", "<"].iter().any(|end| sources.contains(&format!("fn {span}{end}")));
            assert!(!is_test || there(), "{page}: there is no test `{span}`");
            assert!(!is_path || root().join(span).exists(), "{page}: there is no `{span}`");
        }
    }
    assert!(checked > 30, "only {checked} names were found");
}

/// The variants of an enum in a source file, as `rename` writes them.
fn variants(source: &str, name: &str, joint: char) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(source)).unwrap();
    let body = text.split(&format!("pub enum {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
    let names = body.lines().filter_map(|line| line.trim().strip_suffix(','));
    let snake = |name: &str| {
        let mut snake = String::new();
        for (at, c) in name.char_indices() {
            if c.is_uppercase() && at > 0 {
                snake.push(joint);
            }
            snake.extend(c.to_lowercase());
        }
        snake
    };
    names.map(snake).collect()
}

fn check_table(page: &str, source: &str, name: &str, joint: char) {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let known = variants(source, name, joint);
    assert!(known.len() > 3, "{known:?}");
    for variant in known {
        assert!(text.contains(&format!("\n| `{variant}` |")), "{page} has no row for `{variant}` of {name}");
    }
}

#[test]
fn every_event_step_and_state_has_its_row() {
    check_table("docs/reference/events.md", "crates/model/src/event.rs", "EventKind", '_');
    check_table("docs/reference/steps.md", "crates/model/src/rotation.rs", "StepKind", '-');
    check_table("docs/reference/steps.md", "crates/model/src/rotation.rs", "RotationStatus", '_');
    check_table("docs/reference/steps.md", "crates/model/src/rotation.rs", "Mode", '_');
    check_table("docs/reference/log-format.md", "crates/store/src/log/chain.rs", "FaultKind", '_');
}
