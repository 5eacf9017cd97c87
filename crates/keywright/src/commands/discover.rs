//! `keywright discover`: where a key lies, and the configuration that would deliver there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;

use destinations::{How, Search, Wanted};
use model::{EventKind, Report};
use serde_json::json;

use crate::Exit;
use crate::app::App;
use crate::cli::Discover;
use crate::config::{self, SecretSource};
use crate::error::{CommandError, operator};
use crate::prompt;
use crate::ui::{BOLD, GOOD, WARN, clean, report_json};

/// A key is longer; what is shorter is found everywhere.
const SHORTEST: usize = 16;

pub(crate) async fn run(app: &App, options: Discover) -> Result<Exit, CommandError> {
    let services = services(app, &options)?;
    let wanted = wanted(app, &options).await?;
    let mut search = Search::new(wanted, options.max_reads);
    let begun = app.event(EventKind::KeySearchStarted).with("services", services.join(" ")).with(
        "folders",
        options.folders.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" "),
    );
    // Reads of other people's secrets are in the log before they are made.
    app.store.record(vec![begun]).await?;
    app.store.flush_log().await?;
    let mut failed: Vec<(String, Report)> = Vec::new();
    for name in &services {
        app.ui.note(&format!("looking through {name}"));
        if let Err(failure) = app.services().search(name, &mut search).await {
            failed.push((name.clone(), *failure.report));
        }
    }
    for folder in &options.folders {
        app.ui.note(&format!("looking through {}", folder.display()));
        let folder = std::path::absolute(folder).map_err(|error| {
            operator(format!("cannot look through `{}`", folder.display())).caused_by(&error)
        })?;
        let looked = tokio::task::spawn_blocking(move || {
            search.folder(&folder);
            search
        });
        search = looked.await.map_err(|error| operator("cannot finish the search").caused_by(&error))?;
    }
    let known = known(app).await?;
    let ended = app
        .event(EventKind::KeySearched)
        .with("reads", search.reads)
        .with("compared", search.compared)
        .with("found", search.found.len());
    app.store.record(vec![ended]).await?;
    tell(app, &search, &failed, &known);
    app.store.flush_log().await?;
    if !failed.is_empty() {
        return Ok(Exit::Failed);
    }
    let strange = search.found.iter().any(|found| found.how != How::NamedLike && !known.contains(&found.at));
    Ok(if strange { Exit::Findings } else { Exit::Done })
}

/// Those that are named, or that are declared.
fn services(app: &App, options: &Discover) -> Result<Vec<String>, CommandError> {
    let declared: Vec<String> = app.config.services.iter().map(|one| one.name().to_owned()).collect();
    if !options.services.is_empty() {
        return Ok(options.services.clone());
    }
    if declared.is_empty() && options.folders.is_empty() {
        return Err(operator("there is nowhere to look")
            .because("no service is declared, and no folder is named")
            .mend("keywright discover --folder /srv")
            .mend("[service.NAME] in the configuration, or `--in KIND` for one that the environment opens")
            .into());
    }
    // A folder alone is a wish for that folder.
    Ok(if options.folders.is_empty() { declared } else { Vec::new() })
}

async fn wanted(app: &App, options: &Discover) -> Result<Vec<Wanted>, CommandError> {
    let Some(name) = &options.integration else {
        let secret = match &options.key_from {
            Some(source) => config::secret(source)?,
            None if std::io::stdin().is_terminal() => {
                prompt::secret("The key to look for", "--key-from SOURCE").await?
            }
            None => config::secret(&SecretSource::Stdin)?,
        };
        if secret.expose().trim().len() < SHORTEST {
            return Err(operator("that is no key to look for")
                .because(format!("it has fewer than {SHORTEST} characters"))
                .mend("give the whole key, on standard input or by `--key-from`")
                .into());
        }
        let secret = model::Secret::new(secret.expose().trim());
        let keys = app.store.keys(None).await?;
        let its = model::Fingerprint::of(&secret);
        let known = keys.iter().find(|key| key.fingerprint == its);
        let name = known.map_or_else(|| "the key".to_owned(), |key| key.integration.to_string());
        return Ok(vec![Wanted { name, secret }]);
    };
    if app.store.integration(name).await?.is_none() {
        return Err(super::key::unknown(app, name).await);
    }
    let mut wanted = Vec::new();
    for key in app.store.keys(Some(name)).await? {
        if let Some(secret) = app.store.key_secret(key.id).await? {
            let name = format!("{name} ({})", super::key::state(&key));
            wanted.push(Wanted { name, secret });
        }
    }
    if wanted.is_empty() {
        return Err(operator(format!("no key of `{name}` is known by its text"))
            .because("texts of dead keys are forgotten")
            .mend("give the key itself: `keywright discover --key-from file:PATH`")
            .into());
    }
    Ok(wanted)
}

/// Addresses that are delivered to already.
async fn known(app: &App) -> Result<BTreeSet<String>, CommandError> {
    let integrations = app.store.integrations().await?;
    let in_service = integrations.iter().filter(|of| of.retired_at.is_none());
    Ok(in_service.flat_map(|of| of.destinations.iter().map(ToString::to_string)).collect())
}

fn tell(app: &App, search: &Search, failed: &[(String, Report)], known: &BTreeSet<String>) {
    let mut lines = Vec::new();
    let mut proposed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for found in &search.found {
        let at = clean(&found.at);
        lines.push(match found.how {
            How::Holds if known.contains(&found.at) => {
                format!("{GOOD}✓{GOOD:#} {at}  holds {}, delivered by Keywright", found.of)
            }
            How::Holds => {
                proposed.entry(&found.of).or_default().push(&found.at);
                format!("{WARN}!{WARN:#} {BOLD}{at}{BOLD:#}  holds {}", found.of)
            }
            How::Within => {
                format!("{WARN}!{WARN:#} {BOLD}{at}{BOLD:#}  has {} in it, among other things", found.of)
            }
            How::NamedLike => format!("? {at}  cannot be read; its name is like one of a key of n8n"),
        });
    }
    lines.extend(search.left_out.iter().map(|line| format!("{WARN}left out{WARN:#} {}", clean(line))));
    if search.is_exhausted() {
        lines.push(format!("{WARN}not all was looked through{WARN:#}: `--max-reads` were made"));
    }
    let (places, reads, compared) = (search.found.len(), search.reads, search.compared);
    lines.push(format!("{places} found; {compared} values compared in {reads} reads"));
    for (of, places) in &proposed {
        let name = of.split(' ').next().filter(|_| *of != "the key").unwrap_or("NAME");
        lines.push(String::new());
        lines.push(format!("[integration.{name}]"));
        let quoted = |at: &&str| format!("  {}", json!(at));
        lines.push(format!("deliver = [\n{},\n]", places.iter().map(quoted).collect::<Vec<_>>().join(",\n")));
    }
    let json = json!({
        "found": search.found.iter().map(|found| json!({
            "of": found.of, "at": found.at, "how": found.how, "declared": known.contains(&found.at),
        })).collect::<Vec<_>>(),
        "reads": reads,
        "compared": compared,
        "left_out": search.left_out,
        "exhausted": search.is_exhausted(),
        "failed": failed.iter().map(|(service, report)| json!({"service": service, "error": report_json(report)})).collect::<Vec<_>>(),
    });
    app.ui.result_lines(&lines, &json);
    for (_, report) in failed {
        app.ui.report(report);
    }
}
