//! Whose found keys are, whether they are alive, and their end: by the store, if there is one. Where nothing was found,
//! nothing is opened.

use std::path::Path;

use leaks::{Alive, Finding, Judged, Owner};
use n8n::{BaseUrl, InsecureHttp};

use crate::app::App;
use crate::cli::LeaksScan;
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::leaked::{self, Doing, Life, Said, Turned, Whose};
use crate::ui::Ui;
use crate::{Exit, Hooks};

/// Where a configuration is looked for if none is named.
const DEFAULT: &str = "keywright.toml";

/// What was turned.
#[derive(Default)]
pub(super) struct Acted(Vec<Turned>);

impl Acted {
    /// Tells it; whether something is left to be done.
    pub(super) fn tell(&self, ui: Ui) -> Exit {
        for turned in &self.0 {
            ui.told(&turned.line(), &turned.view());
        }
        if self.0.iter().any(Turned::is_left) { Exit::Failed } else { Exit::Done }
    }
}

/// Asks the store whose they are; and the instances, and turns them, if that is wanted.
pub(super) async fn act(
    judged: &mut Judged,
    options: &LeaksScan,
    config: &Path,
    ui: Ui,
    hooks: &Hooks,
) -> Result<Acted, CommandError> {
    let hosts = hosts(options)?;
    if judged.worst_first().is_empty() {
        return Ok(Acted::default());
    }
    let doing = &options.doing;
    let is_needed = doing.check || doing.rotate;
    let app = match open(options, config, ui, hooks).await {
        Ok(Some(app)) => app,
        Ok(None) if !is_needed => return Ok(Acted::default()),
        Ok(None) => return Err(unbelieved(config)),
        Err(error) if is_needed => return Err(error),
        Err(error) => {
            ui.warn(&format!("whose these keys are is not known: {}", error.report.line()));
            return Ok(Acted::default());
        }
    };
    let work = async {
        let findings: Vec<Finding> = unallowed(judged);
        let mut all = leaked::judge(&*app.store, leaked::gather(&findings)).await?;
        let engine =
            app.engine(if doing.rotate && !doing.dry_run { Keeping::Kept } else { Keeping::Nothing });
        if is_needed {
            leaked::check(&engine, &mut all, &hosts).await?;
        }
        let turned = match (doing.rotate, doing.dry_run) {
            (false, _) => Vec::new(),
            (true, true) => leaked::turn(&engine, &all, Doing::DryRun).await,
            (true, false) => leaked::turn(&engine, &all, Doing::Now).await,
        };
        Ok((all, turned))
    };
    let (all, turned) = if is_needed { crate::until_interrupted(work).await? } else { work.await? };
    for known in all {
        if let Some(leak) = judged.leaks.iter_mut().find(|leak| leak.fingerprint == known.leak.fingerprint) {
            (leak.owner, leak.alive) = (owner(&known), alive(&known.life));
        }
    }
    Ok(Acted(turned))
}

fn unallowed(judged: &Judged) -> Vec<Finding> {
    let each = |leak: &&leaks::Leak| {
        let token = leak.token.clone();
        let finding = move |spot: &leaks::Spot| Finding {
            token: token.clone(),
            place: spot.place.clone(),
            wrapping: Vec::new(),
            also: 0,
        };
        leak.places.iter().map(finding).collect::<Vec<_>>()
    };
    judged.worst_first().iter().flat_map(each).collect()
}

fn owner(known: &leaked::Judged) -> Owner {
    match &known.whose {
        Whose::Ours(ours) => Owner::Key {
            integration: ours.integration.name.clone(),
            instance: ours.integration.instance.clone(),
            key: ours.key.id,
            state: ours.key.state,
        },
        Whose::OfOurUser(instance) => match &known.leak.token.claims.user {
            Some(user) => Owner::User { instance: instance.clone(), user: user.clone() },
            None => Owner::Unknown,
        },
        Whose::Unknown => Owner::Unknown,
    }
}

fn alive(life: &Life) -> Alive {
    if life.is_dead() {
        return Alive::No;
    }
    match life {
        Life::NotAsked(_) => Alive::NotAsked,
        Life::Asked(answers) => {
            if let Some(at) = life.alive_at().next() {
                return match at.parse() {
                    Ok(instance) => Alive::Yes { instance },
                    Err(_) => Alive::Unknown { why: format!("{at} takes it") },
                };
            }
            let unclear = answers.iter().find_map(|answer| match &answer.said {
                Said::Unclear(why) => Some(why.line()),
                Said::Alive | Said::Refused => None,
            });
            Alive::Unknown { why: unclear.unwrap_or_default() }
        }
    }
}

fn hosts(options: &LeaksScan) -> Result<Vec<BaseUrl>, CommandError> {
    options
        .doing
        .check_host
        .iter()
        .map(|url| {
            BaseUrl::parse(url, InsecureHttp::Refused)
                .map_err(|refused| CommandError { code: 2, ..CommandError::from(refused) })
        })
        .collect()
}

/// Opens what the configuration names. One that was not named and lies in what was scanned is whoever's: it could lead to
/// any host, with any of our secrets.
async fn open(
    options: &LeaksScan,
    config: &Path,
    ui: Ui,
    hooks: &Hooks,
) -> Result<Option<App>, CommandError> {
    if config == Path::new(DEFAULT) {
        let Ok(whole) = config.canonicalize() else {
            // There is none, and nobody asked for one.
            return if options.doing.check || options.doing.rotate {
                App::open(config, ui, hooks).await.map(Some)
            } else {
                Ok(None)
            };
        };
        let is_scanned =
            |path: &std::path::PathBuf| path.canonicalize().is_ok_and(|path| whole.starts_with(path));
        if options.paths.iter().any(is_scanned) {
            if !(options.doing.check || options.doing.rotate) {
                ui.note(&format!("`{DEFAULT}` lies in what was scanned, so it is not asked whose keys these are: `--config ./{DEFAULT}` if it is yours"));
            }
            return Ok(None);
        }
    }
    App::open(config, ui, hooks).await.map(Some)
}

fn unbelieved(config: &Path) -> CommandError {
    operator(format!("the configuration `{}` is not used", config.display()))
        .because("it lies in what is scanned, and could lead your secrets to any host")
        .mend(format!("keywright leaks scan --check --config ./{}   # if it is yours", config.display()))
        .into()
}
