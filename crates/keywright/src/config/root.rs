//! The top of the file, and `[serve]`.

use std::net::SocketAddr;
use std::path::Path;

use model::{Period, SecretRef};
use rotation::ScheduleConfig;

use super::read::Section;
use super::secrets::is_plain;
use super::{Config, ServeConfig, StoreSetting};

/// Where repositories lie that were fetched, if nobody says otherwise.
const FETCHED: &str = "keywright-fetched";

/// A reference whose file is relative to the configuration's folder.
pub(super) fn reference(section: &Section<'_>, key: &str, folder: &Path) -> Option<SecretRef> {
    let reference = section.parsed::<SecretRef>(key)?;
    if let SecretRef::Env(name) | SecretRef::Sealed(name) = &reference
        && !is_plain(name)
    {
        section.wrong(key, "names no variable and no sealed secret: letters, digits and `_`");
        return None;
    }
    Some(match reference {
        SecretRef::File(file) => SecretRef::File(folder.join(file).display().to_string()),
        other => other,
    })
}

/// What everything stands on; `None` if something of it is wrong.
pub(super) fn read(top: &Section<'_>, file: &Path) -> Option<Config> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let store = store(top, folder);
    let log = top.text("log");
    let master_key = reference(top, "master_key", folder);
    if matches!(master_key, Some(SecretRef::Sealed(_))) {
        top.wrong("master_key", "is sealed, and is what opens what is sealed");
    }
    let mut serve = top.section("serve", "serve").map(|section| serve(&section)).unwrap_or_default();
    serve.fetched =
        folder.join(if serve.fetched.as_os_str().is_empty() { Path::new(FETCHED) } else { &serve.fetched });
    Some(Config {
        file: file.to_path_buf(),
        store: store?,
        log: folder.join(log?),
        master_key: master_key?,
        serve,
        ..Config::default()
    })
}

/// A file, or a database without its password.
fn store(top: &Section<'_>, folder: &Path) -> Option<StoreSetting> {
    let text = top.text("store")?;
    let password = reference(top, "store_password", folder);
    if matches!(password, Some(SecretRef::Sealed(_))) {
        top.wrong("store_password", "is sealed in the store that it opens");
    }
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        None if top.has("store_password") => {
            top.wrong("store_password", "goes with a database only");
            None
        }
        None => Some(StoreSetting::File(folder.join(text))),
        Some("postgres" | "postgresql") => {
            let user =
                text.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(user, _)| user);
            if user.is_some_and(|user| user.contains(':')) || text.contains("password=") {
                top.wrong("store", "holds a password: it is given by reference, as `store_password`");
            }
            Some(StoreSetting::Postgres { url: text.to_owned(), password })
        }
        Some(_) => {
            top.wrong("store", "is a URL of another kind than `postgresql://`");
            None
        }
    }
}

fn serve(section: &Section<'_>) -> ServeConfig {
    let usual = ScheduleConfig::default();
    let period = |key: &str, usual: Period| {
        let given = section.parsed::<Period>(key);
        if given == Some(Period::ZERO) && key != "stop_within" {
            section.wrong(key, "is no time at all");
        }
        given.unwrap_or(usual)
    };
    ServeConfig {
        listen: section.parsed::<SocketAddr>("listen"),
        listen_hooks: section.parsed::<SocketAddr>("listen_hooks"),
        fetched: section.text("fetched").unwrap_or_default().into(),
        schedule: ScheduleConfig {
            at_once: section.number("at_once").unwrap_or(usual.at_once),
            survey_every: period("survey_every", usual.survey_every),
            warn_before: period("warn_before", usual.warn_before),
            stop_within: period("stop_within", usual.stop_within),
        },
    }
}
