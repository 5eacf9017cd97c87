//! `keywright leaks scan`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use leaks::show::Secrets;
use leaks::tree::{self, Reads};
use leaks::{Coverage, Report, Verdict, git};
use model::Clock as _;

use super::cursor::{Cursors, Told};
use super::print::Form;
use super::search::Search;
use super::{history, whose};
use crate::cli::{LeaksFormat, LeaksScan};
use crate::error::{CommandError, operator};
use crate::system::SystemClock;
use crate::ui::Ui;
use crate::{Exit, Hooks};

/// What stands for standard input.
const STDIN: &str = "-";

pub(super) async fn run(
    options: LeaksScan,
    config: &Path,
    ui: Ui,
    hooks: &Hooks,
) -> Result<Exit, CommandError> {
    let secrets = secrets(&options)?;
    let form = Form {
        format: if ui.is_json() { LeaksFormat::Json } else { options.format },
        secrets,
        output: options.output.as_deref(),
        started_at: SystemClock.now(),
    };
    let search = Search::open(&options.searching)?;
    let cursors = options.since_last.then(Cursors::open).transpose()?;
    let mut found = Found::default();
    let coverage = if options.staged || options.range.is_some() {
        found.report = part(&options, &search)?;
        Coverage::Part
    } else {
        whole(&options, &search, cursors.as_ref(), ui, &mut found)?;
        let is_part = options.since_last || options.history_only || options.tree_only;
        if is_part || !options.searching.exclude.is_empty() { Coverage::Part } else { Coverage::Whole }
    };
    let mut judged = search.judge(found.report, coverage);
    let acted = whose::act(&mut judged, &options, config, ui, hooks).await?;
    form.print(&judged, ui)?;
    if options.since_last && !matches!(judged.verdict(), Verdict::Found(_)) {
        ui.note("this is of what is new since the last time: what was told then is not told again");
    }
    let turned = acted.tell(ui);
    if let Some(cursors) = &cursors {
        let kept = found.read.map_or(Ok(()), |read| read.keep(cursors));
        let kept =
            kept.and_then(|()| found.told.iter().try_for_each(|(path, told)| cursors.save(path, told)));
        kept.map_err(|error| {
            operator("cannot keep the cursor")
                .caused_by(&error)
                .because("the next scan will tell all of this once more")
        })?;
    }
    Ok(search.exit(&judged).and(turned))
}

#[derive(Default)]
struct Found {
    report: Report,
    read: Option<history::Read>,
    told: Vec<(PathBuf, Told)>,
}

/// Keys are printed where a person reads them, and elsewhere only by the longer word.
fn secrets(options: &LeaksScan) -> Result<Secrets, CommandError> {
    if options.dangerous_show {
        return Ok(Secrets::Shown);
    }
    if !options.show {
        return Ok(Secrets::Hidden);
    }
    if std::io::stdout().is_terminal() {
        return Ok(Secrets::Shown);
    }
    let report = operator("keys are shown to a terminal only")
        .because("standard output is none: they would lie in a file or a log, and leak once more")
        .mend("leave `--show` out: fingerprint and last characters tell which key it is")
        .mend("keywright leaks scan --dangerous-show   # if that is what you want");
    Err(CommandError::usage(report))
}

/// What is staged, or a stretch of history, of one repository.
fn part(options: &LeaksScan, search: &Search) -> Result<Report, CommandError> {
    let [path] = options.paths.as_slice() else {
        let report =
            operator("several paths are given").because("`--staged` and `--range` are of one repository");
        return Err(CommandError::usage(report.mend("give one path, or none for the repository here")));
    };
    let Some((repository, _)) = tree::around(path).map_err(|error| unreadable(path, &error))? else {
        return Err(operator(format!("`{}` lies in no git repository", path.display()))
            .because("`--staged` and `--range` are of one repository")
            .mend("give a folder of the repository")
            .into());
    };
    match &options.range {
        None => history::staged(&repository, None, search),
        Some(range) => {
            let id = |name: &String| history::named(&repository, name, search);
            let range = git::Range {
                new: vec![(range.new.clone(), id(&range.new)?)],
                old: range.old.iter().map(id).collect::<Result<_, _>>()?,
                ..git::Range::default()
            };
            history::range(&repository, &range, search)
        }
    }
}

/// Files, and repositories on the way.
fn whole(
    options: &LeaksScan,
    search: &Search,
    cursors: Option<&Cursors>,
    ui: Ui,
    found: &mut Found,
) -> Result<(), CommandError> {
    let (streams, mut paths): (Vec<PathBuf>, Vec<PathBuf>) =
        options.paths.iter().cloned().partition(|path| path.as_os_str() == STDIN);
    for path in &paths {
        std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    }
    paths.dedup();
    let reads = if options.history_only { Reads::RepositoriesOnly } else { Reads::Files };
    let mut met = Vec::new();
    for path in paths {
        let mut report = Report::default();
        met.extend(tree::scan(
            vec![path.clone()],
            reads,
            &search.excluded,
            &search.contents,
            &search.limits,
            &mut report,
        ));
        if let Some(cursors) = cursors {
            let new = cursors.told(&path).only_new(&mut report.findings);
            found.told.push((path.clone(), new));
        }
        found.report.take_in(report, &search.limits);
        if !options.tree_only {
            tell_of_history_around(&path, &met, ui);
        }
    }
    if !streams.is_empty() {
        leaks::stream(
            STDIN,
            &mut std::io::stdin().lock(),
            &search.contents,
            &search.limits,
            &mut found.report,
        );
    }
    if !options.tree_only {
        found.read = Some(history::read(&met, search, cursors, ui, &mut found.report));
    }
    Ok(())
}

/// Of a folder within a repository only its files are read; that is not what some expect.
fn tell_of_history_around(path: &Path, met: &[tree::Repository], ui: Ui) {
    let Ok(Some((repository, _))) = tree::around(path) else { return };
    let is_met = |one: &tree::Repository| one.path.canonicalize().is_ok_and(|met| met == repository);
    if !met.iter().any(is_met) {
        let repository = repository.display();
        ui.note(&format!("the history around it is not read: keywright leaks scan {repository}"));
    }
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> CommandError {
    operator(format!("cannot read `{}`", path.display()))
        .caused_by(error)
        .mend("give files and folders that are there, or `-` for standard input")
        .into()
}
