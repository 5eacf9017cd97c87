//! `keywright discover`: where a key lies, and the configuration that would deliver there.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use destinations::{Search, Wanted};
use model::{EventKind, Key, Report};

use super::discovered::{Owners, Seen};
use crate::Exit;
use crate::app::App;
use crate::cli::Discover;
use crate::config::{self, SecretSource};
use crate::error::{CommandError, operator};
use crate::prompt;

/// A key is longer; what is shorter is found everywhere.
const SHORTEST: usize = 16;

pub(crate) async fn run(app: &App, options: Discover) -> Result<Exit, CommandError> {
    let services = services(app, &options)?;
    let folders = folders(&options)?;
    let (wanted, owners) = wanted(app, &options).await?;
    let mut search = Search::new(wanted, options.max_reads);
    let shown = folders.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    let begun = app.event(EventKind::KeySearchStarted).with("services", services.join(" "));
    // Reads of other people's secrets are in the log before they are made.
    app.store.record(vec![begun.with("folders", shown.join(" "))]).await?;
    app.store.flush_log().await?;
    let mut failed: Vec<(String, Report)> = Vec::new();
    for name in &services {
        app.ui.note(&format!("looking through {name}"));
        if let Err(failure) = app.services().search(name, &mut search).await {
            failed.push((name.clone(), *failure.report));
        }
    }
    for folder in folders {
        app.ui.note(&format!("looking through {}", folder.display()));
        let looked = tokio::task::spawn_blocking(move || {
            search.folder(&folder);
            search
        });
        search = looked.await.map_err(|error| operator("cannot finish the search").caused_by(&error))?;
    }
    let ended = app
        .event(EventKind::KeySearched)
        .with("reads", search.reads)
        .with("compared", search.compared)
        .with("found", search.found.len());
    app.store.record(vec![ended]).await?;
    let seen = Seen {
        integrations: app.store.integrations().await?,
        instances: app.store.instances().await?,
        owners,
        search,
        failed,
    };
    seen.tell(app);
    app.store.flush_log().await?;
    Ok(seen.exit())
}

/// The folders that are named, as they are called where destinations are: without `.`, `..` and links.
fn folders(options: &Discover) -> Result<Vec<PathBuf>, CommandError> {
    let real = |folder: &PathBuf| {
        let found = folder.canonicalize().and_then(|real| std::fs::read_dir(&real).map(|_| real));
        found.map_err(|error| {
            let report = operator(format!("cannot look through `{}`", folder.display())).caused_by(&error);
            report.mend("name a folder that is there and can be read").into()
        })
    };
    options.folders.iter().map(real).collect()
}

/// Those that are named, or that are declared.
fn services(app: &App, options: &Discover) -> Result<Vec<String>, CommandError> {
    let declared: Vec<String> = app.config.services.iter().map(|one| one.name().to_owned()).collect();
    if !options.services.is_empty() {
        let named: BTreeSet<String> = options.services.iter().cloned().collect();
        return Ok(named.into_iter().collect());
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

async fn wanted(app: &App, options: &Discover) -> Result<(Vec<Wanted>, Owners), CommandError> {
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
        let name = known.map_or_else(|| "the key".to_owned(), called);
        let owner = known.map(|key| (name.clone(), key.integration.clone()));
        return Ok((vec![Wanted { name, secret }], owner.into_iter().collect()));
    };
    if app.store.integration(name).await?.is_none() {
        return Err(super::key::unknown(app, name).await);
    }
    let mut wanted = Vec::new();
    for key in app.store.keys(Some(name)).await? {
        if let Some(secret) = app.store.key_secret(key.id).await? {
            wanted.push(Wanted { name: called(&key), secret });
        }
    }
    if wanted.is_empty() {
        return Err(operator(format!("no key of `{name}` is known by its text"))
            .because("texts of dead keys are forgotten")
            .mend("give the key itself: `keywright discover --key-from file:PATH`")
            .into());
    }
    let owners = wanted.iter().map(|one| (one.name.clone(), name.clone())).collect();
    Ok((wanted, owners))
}

fn called(key: &Key) -> String {
    format!("{} ({})", key.integration, super::key::state(key))
}
