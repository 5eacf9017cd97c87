//! `keywright secret set`, `list`, `delete`: what the configuration refers to as `sealed:NAME`. No value is shown.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use model::{EventKind, Report, SecretRef, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Exit;
use crate::app::App;
use crate::cli::{SecretDelete, SecretSet};
use crate::config::{self, SealedName, SecretSource, nearest};
use crate::error::{CommandError, operator};
use crate::progress::shown;
use crate::prompt;
use crate::ui::{BOLD, table};

/// What is kept of a secret in the clear.
#[derive(Serialize, Deserialize)]
struct Told {
    set_at: Timestamp,
    set_by: String,
}

/// Settings that refer to a secret, and the line of those that the file has; the others were applied before.
type Uses = BTreeMap<String, Option<usize>>;

pub(crate) async fn set(app: &App, options: SecretSet) -> Result<Exit, CommandError> {
    let name = &options.name;
    let value = match options.from {
        Some(source) => config::secret(&source)?,
        None if std::io::stdin().is_terminal() => {
            let instead = format!("keywright secret set {} --from file:PATH", name.as_str());
            prompt::secret(&format!("secret `{}`", name.as_str()), &instead).await?
        }
        None => config::secret(&SecretSource::Stdin)?,
    };
    let former = known(app).await?.remove(name.as_str());
    let told = Told { set_at: app.clock.now(), set_by: app.actor.clone() };
    let event =
        app.event(EventKind::SecretSet).with("name", name.as_str()).with("replaced", former.is_some());
    app.store.put_secret(&name.stored(), Some((&value, &json!(told))), vec![event]).await?;
    app.store.flush_log().await?;
    let did = match &former {
        Some(former) => format!(
            "replaced {BOLD}sealed:{}{BOLD:#}, which {} had set {}",
            name.as_str(),
            former.set_by,
            shown(former.set_at)
        ),
        None => format!("set {BOLD}sealed:{}{BOLD:#}", name.as_str()),
    };
    let used = uses(app).await?.contains_key(name.as_str());
    let hint = format!("; no setting refers to it yet, such as `password = \"sealed:{}\"`", name.as_str());
    app.ui.result(
        &format!("{did}{}", if used { "" } else { &hint }),
        &json!({"name": name.as_str(), "replaced": former.is_some()}),
    );
    Ok(Exit::Done)
}

pub(crate) async fn list(app: &App) -> Result<Exit, CommandError> {
    let (known, mut uses) = (known(app).await?, uses(app).await?);
    let (mut rows, mut secrets) = (Vec::new(), Vec::new());
    for (name, told) in &known {
        let by = uses.remove(name).unwrap_or_default();
        rows.push(vec![name.clone(), shown(told.set_at), told.set_by.clone(), settings(&by).join(" ")]);
        secrets.push(json!({
            "name": name, "set_at": told.set_at, "set_by": told.set_by, "used_by": settings(&by)
        }));
    }
    let mut text = if known.is_empty() && uses.is_empty() {
        "no secret is sealed under a name; set one with `keywright secret set NAME`".to_owned()
    } else {
        let missing = uses.iter().map(|(name, by)| {
            vec![name.clone(), "NOT SET".to_owned(), "–".to_owned(), settings(by).join(" ")]
        });
        rows.extend(missing);
        table(&["NAME", "SET", "BY", "USED BY"], &rows)
    };
    text.extend(uses.keys().map(|name| format!("  keywright secret set {name}\n")));
    let missing = uses.iter().map(|(name, by)| json!({"name": name, "used_by": settings(by)}));
    app.ui.result(&text, &json!({"missing": missing.collect::<Vec<_>>(), "secrets": secrets}));
    Ok(Exit::Done)
}

pub(crate) async fn delete(app: &App, options: SecretDelete) -> Result<Exit, CommandError> {
    let name = options.name.as_str();
    let known = known(app).await?;
    if !known.contains_key(name) {
        return Err(unknown(name, &known).into());
    }
    let by = uses(app).await?.remove(name).unwrap_or_default();
    if !by.is_empty() && !options.force {
        return Err(in_use(app, name, &by).into());
    }
    let event = app.event(EventKind::SecretDeleted).with("name", name).with("used_by", settings(&by));
    app.store.put_secret(&options.name.stored(), None, vec![event]).await?;
    app.store.flush_log().await?;
    for setting in by.keys() {
        app.ui.warn(&format!("`{setting}` refers to `sealed:{name}`, which is not there any more"));
    }
    app.ui.result(&format!("deleted {BOLD}sealed:{name}{BOLD:#}"), &json!({"deleted": true, "name": name}));
    Ok(Exit::Done)
}

/// What is set, by name.
async fn known(app: &App) -> Result<BTreeMap<String, Told>, CommandError> {
    let memos = app.store.memos(SealedName::PREFIX).await?;
    let told = memos.into_iter().filter_map(|(name, memo)| {
        Some((name.strip_prefix(SealedName::PREFIX)?.to_owned(), serde_json::from_value(memo).ok()?))
    });
    Ok(told.collect())
}

/// Which settings refer to which secret: as the file says, and as instances that are in service were last told.
async fn uses(app: &App) -> Result<BTreeMap<String, Uses>, CommandError> {
    let mut uses: BTreeMap<String, Uses> = BTreeMap::new();
    let mut note = |setting: String, reference: &SecretRef, line: Option<usize>| {
        if let SecretRef::Sealed(name) = reference {
            uses.entry(name.clone()).or_default().entry(setting).or_insert(line);
        }
    };
    for (setting, reference) in app.config.references() {
        let line = app.config.line_of(&setting);
        note(setting, &reference, line);
    }
    for instance in app.store.instances().await?.iter().filter(|instance| instance.retired_at.is_none()) {
        for (setting, reference) in config::references(&instance.name, &instance.login, &instance.transport) {
            note(setting, reference, None);
        }
    }
    Ok(uses)
}

fn settings(uses: &Uses) -> Vec<&str> {
    uses.keys().map(String::as_str).collect()
}

fn in_use(app: &App, name: &str, by: &Uses) -> Report {
    let mut report = operator(format!("`sealed:{name}` is in use"));
    for (setting, line) in by {
        report = report.because(match line {
            Some(line) => format!("{}:{line}: `{setting}` refers to it", app.config.file.display()),
            None => format!("`{setting}` refers to it, as it was last applied"),
        });
    }
    report
        .mend("let the setting refer to another place, and `keywright apply` it")
        .mend(format!("keywright secret delete {name} --force   # whatever uses it fails"))
}

fn unknown(name: &str, known: &BTreeMap<String, Told>) -> Report {
    let report = operator(format!("there is no secret `sealed:{name}`")).because(match known.len() {
        0 => "there is none yet".to_owned(),
        1 => "there is 1 of another name".to_owned(),
        number => format!("there are {number} of other names"),
    });
    let near = nearest(name, known.keys().map(String::as_str));
    let report = near.map_or(report.clone(), |near| report.mend(format!("did you mean `{near}`?")));
    report.mend("keywright secret list")
}
