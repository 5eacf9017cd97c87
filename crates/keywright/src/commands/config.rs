//! `keywright config check` and `schema`; `keywright notify test`.

use std::path::Path;

use model::{ChannelName, Notice, NoticeKind};
use serde_json::json;

use crate::Exit;
use crate::app::App;
use crate::channels::Channels;
use crate::config::{self, Config, nearest};
use crate::error::{CommandError, operator};
use crate::ui::{BAD, BOLD, GOOD, Ui, report_json};

pub(crate) fn check(path: &Path, ui: Ui) -> Result<Exit, CommandError> {
    Config::load(path)?;
    let text = format!("`{}` is sound", path.display());
    ui.result(&text, &json!({"file": path, "sound": true}));
    Ok(Exit::Done)
}

pub(crate) fn schema(ui: Ui) -> Exit {
    ui.out(&format!("{:#}", config::schema()));
    Exit::Done
}

/// Sends a notice to see whether it arrives.
pub(crate) async fn notify(app: &App, wanted: &[ChannelName]) -> Result<Exit, CommandError> {
    let channels = Channels::open(app.channels().await?, app.hidden_variables(), &app.clock);
    let known = channels.names();
    if known.is_empty() {
        let report = operator("no channel is configured")
            .mend("[notify.on-call] command = \"/usr/local/bin/notify\"   # in the configuration file");
        return Err(report.into());
    }
    if let Some(name) = wanted.iter().find(|name| !known.contains(name)) {
        let near = nearest(name.as_str(), known.iter().map(|known| known.as_str()));
        let names = known.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ");
        let report = operator(format!("there is no channel `{name}`")).because(format!("there are: {names}"));
        let near = near.map(|near| format!("keywright notify test {near}"));
        return Err(near.map_or(report.clone(), |near| report.mend(near)).into());
    }
    let at = app.clock.now();
    let notice = Notice::new(
        app.ids.notice(at),
        at,
        NoticeKind::Test,
        format!("{} wants to see whether notices arrive", app.actor),
    );
    let (mut lines, mut views, mut exit) = (Vec::new(), Vec::new(), Exit::Done);
    for (name, sent) in channels.send(&notice, wanted).await {
        match sent {
            Ok(()) => {
                lines.push(format!("{GOOD}✓{GOOD:#} {BOLD}{name}{BOLD:#}  took it"));
                views.push(json!({"channel": name, "error": null}));
            }
            Err(failure) => {
                exit = Exit::Failed;
                lines.push(format!("{BAD}✗{BAD:#} {BOLD}{name}{BOLD:#}  did not take it"));
                views.push(json!({"channel": name, "error": report_json(&failure.report)}));
                app.ui.report(&failure.report);
            }
        }
    }
    app.ui.result_lines(&lines, &json!({"notice": notice.id, "channels": views}));
    Ok(exit)
}
