//! `keywright init`: a configuration, a master key, an empty store. All of them, or none.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use model::{Clock as _, Event, EventKind, Ids as _, Report};
use serde_json::json;
use store::MasterKey;
use store::log::LogConfig;

use crate::Exit;
use crate::config::{self, Config, TEMPLATE};
use crate::error::{CommandError, operator};
use crate::system::{SystemClock, SystemIds};
use crate::ui::Ui;

pub(crate) async fn run(path: &Path, ui: Ui) -> Result<Exit, CommandError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let key_path = folder.join("keywright.key");
    for made in [path, &key_path, &folder.join("keywright.db"), &folder.join("keywright-log")] {
        if made.symlink_metadata().is_ok() {
            let report = operator(format!("`{}` exists already", made.display()))
                .because("nothing that may hold keys is overwritten")
                .mend("keywright status   # if this is your Keywright")
                .mend("keywright --config OTHER/keywright.toml init");
            return Err(report.into());
        }
    }
    std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    let config = match make(path, &key_path).await {
        Ok(config) => config,
        Err(error) => {
            // Nothing of these was there before: what a failed try made is taken back.
            for made in [path, &key_path, &folder.join("keywright.db")] {
                std::fs::remove_file(made).ok();
            }
            std::fs::remove_dir_all(folder.join("keywright-log")).ok();
            return Err(error);
        }
    };
    let text = format!(
        "made {config}, {key} (the master key) and {db}\n\
         Back up {key} somewhere else: without it, nothing sealed in the store can be opened.\n\
         Next: keywright connect prod https://n8n.example.com --email you@example.com",
        config = path.display(),
        key = key_path.display(),
        db = config.store,
    );
    let json =
        json!({"config": path, "master_key": key_path, "store": config.store.to_string(), "log": config.log});
    ui.result(&text, &json);
    Ok(Exit::Done)
}

async fn make(path: &Path, key_path: &Path) -> Result<Config, CommandError> {
    let master_key = MasterKey::generate()?;
    let text = zeroize::Zeroizing::new(format!("{}\n", master_key.to_text().expose()));
    write_new(key_path, 0o600, &text)?;
    write_new(path, 0o644, TEMPLATE)?;
    let config = Config::load(path)?;
    let store = store::create(&config.place()?, &master_key, &LogConfig::new(&config.log)).await?;
    let at = SystemClock.now();
    store.record(vec![Event::new(SystemIds.event(at), at, EventKind::StoreCreated, config::actor())]).await?;
    store.flush_log().await?;
    Ok(config)
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), Report> {
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(|error| cannot_write(path, &error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Report {
    operator(format!("cannot write `{}`", path.display())).caused_by(error)
}
