//! `keywright store migrate` and `keywright seal rotate`: another place for everything, another key that seals it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use model::{Clock as _, EventKind, SecretRef};
use serde_json::json;
use store::log::LogConfig;
use store::{MasterKey, StorePlace, migrate};

use crate::app::{self, App};
use crate::cli::Migrate;
use crate::config::{self, Config};
use crate::error::{CommandError, operator};
use crate::system::SystemClock;
use crate::ui::{BOLD, Ui};
use crate::{Exit, Hooks, Sealing};

/// Copies everything to another place; this one is used no more.
pub(crate) async fn run_migrate(
    path: &Path,
    ui: Ui,
    hooks: &Hooks,
    options: &Migrate,
) -> Result<Exit, CommandError> {
    let config = Config::load(path)?;
    let key = app::master_key(&config)?;
    let from = config.place()?;
    let to = if options.to.starts_with("postgres") {
        let password = options.password_from.as_ref().map(config::secret).transpose()?;
        StorePlace::Postgres { url: options.to.clone(), password }
    } else {
        StorePlace::Sqlite(PathBuf::from(&options.to))
    };
    if options.dry_run {
        let app = App::open(path, ui, hooks).await?;
        let (instances, keys) = (app.store.instances().await?.len(), app.store.keys(None).await?.len());
        let text = format!(
            "would move {instances} instances and {keys} keys from {}; nothing was changed",
            app.store.place_shown()
        );
        ui.result(&text, &json!({"dry_run": true, "instances": instances, "keys": keys}));
        return Ok(Exit::Done);
    }
    let report = migrate(&from, &to, &key, &LogConfig::new(&config.log)).await?;
    let rows: usize = report.rows.iter().map(|(_, rows)| rows).sum();
    let moved = store::open(&to, &key, &LogConfig::new(&config.log)).await?;
    let mut event = app::event(EventKind::StoreMigrated, SystemClock.now());
    event = event.with("from", report.from.clone()).with("to", report.to.clone());
    moved.record(vec![event]).await?;
    moved.flush_log().await?;
    let text = format!(
        "moved {rows} rows and {} sealed values from {} to {}\n\
         Now write {BOLD}store = \"{}\"{BOLD:#} into {}; until then nothing opens.",
        report.sealed,
        report.from,
        report.to,
        options.to,
        path.display()
    );
    let tables: serde_json::Map<String, serde_json::Value> =
        report.rows.iter().map(|(table, rows)| ((*table).to_owned(), json!(rows))).collect();
    ui.result(&text, &json!({"from": report.from, "to": report.to, "rows": tables, "sealed": report.sealed}));
    Ok(Exit::Done)
}

/// Makes a new master key and seals everything under it.
pub(crate) async fn run_seal(app: &App, to: Option<&Path>, dry_run: bool) -> Result<Exit, CommandError> {
    let file = match (&app.config.master_key, to) {
        (_, Some(to)) => to.to_path_buf(),
        (SecretRef::File(file), None) => PathBuf::from(file),
        (other, None) => {
            let report = operator(format!("the master key is in `{other}`, where nothing can be written"))
                .mend("keywright seal rotate --to FILE   # then put its text there");
            return Err(report.into());
        }
    };
    if to.is_some() && file.symlink_metadata().is_ok() {
        let report = operator(format!("`{}` exists already", file.display()))
            .because("nothing that may hold a master key is overwritten")
            .mend("name another file; this store is not sealed with what is in that one");
        return Err(report.into());
    }
    if dry_run {
        let text = format!("would write a new master key to {}; nothing was changed", file.display());
        app.ui.result(&text, &json!({"dry_run": true, "master_key": file}));
        return Ok(Exit::Done);
    }
    let former = app::master_key(&app.config)?;
    // In the place of the one that is in force only once the store has taken it; elsewhere, it is there at once.
    let written = if to.is_some() { file.clone() } else { app::pending(&file) };
    let new = match app::left_behind(&written)? {
        Some(left) => left,
        None => write_private(&written)?,
    };
    app.passes(Sealing::Written);
    // From here on the new key is on disk; whether the store has taken it is found out at the next opening.
    let event = app.event(EventKind::MasterKeyRotated).with("from", former.id().to_string());
    let event = event.with("to", new.id().to_string());
    app.store.rotate_master_key(&new, vec![event]).await?;
    app.passes(Sealing::Sealed);
    let kept = if to.is_some() { None } else { app::put_in_place(&written, &file)? };
    app.passes(Sealing::Placed);
    app.store.flush_log().await?;
    let kept = kept.map(|kept| kept.display().to_string());
    let hint = kept.as_ref().map_or_else(String::new, |kept| {
        format!(
            "\nThe former one is in {kept}: older backups of the store need it. Keep it with them, not here."
        )
    });
    let text = format!(
        "sealed everything under a new master key, {BOLD}{}{BOLD:#}, in {}: back it up\n\
         Start every other Keywright on this store again.{hint}",
        new.id(),
        file.display()
    );
    app.ui.result(&text, &json!({"master_key": file, "id": new.id().to_string(), "former": kept}));
    Ok(Exit::Done)
}

/// A new one, in a file that is there whole or not at all.
fn write_private(path: &Path) -> Result<MasterKey, CommandError> {
    let cannot =
        |error: &std::io::Error| operator(format!("cannot write `{}`", path.display())).caused_by(error);
    let new = MasterKey::generate()?;
    let text = zeroize::Zeroizing::new(format!("{}\n", new.to_text().expose()));
    let folder = app::folder_of(path);
    // Only its owner can read it.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| cannot(&error))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all());
    written.map_err(|error| cannot(&error))?;
    file.persist_noclobber(path).map_err(|error| cannot(&error.error))?;
    let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| cannot(&error))?;
    Ok(new)
}
