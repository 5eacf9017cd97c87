//! Whose found keys are, whether they are alive, and their end: by the store, if there is one. Where nothing was found,
//! nothing is opened.

use std::path::Path;

use leaks::{Alive, Finding, Judged, Owner, TakenBy};
use n8n::{BaseUrl, InsecureHttp};

use crate::app::App;
use crate::cli::LeaksScan;
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::leaked::{self, Doing, Life, NotAsked, Said, Turned, Whose};
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
        // Before anything is turned; a log that takes no events hides nothing from who reads the report.
        if is_needed
            && !doing.dry_run
            && let Err(error) = leaked::note(&engine, &all, "scan").await
        {
            ui.warn(&format!("the log does not tell of what was found: {}", error.report.line()));
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
            (leak.owner, leak.alive) = (owner(&known), alive(&known));
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

/// What can be said of its life. That our instances refuse a stranger's key says nothing of other ones.
fn alive(known: &leaked::Judged) -> Alive {
    let answers = match &known.life {
        Life::NotAsked(NotAsked::ProvedDead(_)) => return Alive::No,
        Life::NotAsked(why @ (NotAsked::NoInstance | NotAsked::TooMany)) => {
            return Alive::Unknown { why: why.words() };
        }
        // Its date is told apart.
        Life::NotAsked(NotAsked::NotTold | NotAsked::Expired(_) | NotAsked::OtherKind) => {
            return Alive::NotAsked;
        }
        Life::Asked(answers) => answers,
    };
    if let Some(at) = known.life.alive_at().next() {
        let at = at.parse().map_or_else(|_| TakenBy::Host(at.to_owned()), TakenBy::Instance);
        return Alive::Yes { at };
    }
    let unclear = answers.iter().find_map(|answer| match &answer.said {
        Said::Unclear(why) => Some(why.line()),
        Said::Alive | Said::Refused => None,
    });
    match (unclear, &known.whose) {
        (Some(why), _) => Alive::Unknown { why },
        (None, Whose::Ours(_) | Whose::OfOurUser(_)) => Alive::No,
        (None, Whose::Unknown) => Alive::Unknown {
            why: format!("{}; another n8n may take it: --check-host asks one", known.life()),
        },
    }
}

fn hosts(options: &LeaksScan) -> Result<Vec<BaseUrl>, CommandError> {
    options
        .doing
        .check_host
        .iter()
        .map(|url| {
            BaseUrl::parse(url, InsecureHttp::Refused).map_err(|_refused| {
                // Not quoted: it may hold a password.
                let report = operator("cannot ask a host of `--check-host`")
                    .because("it is no address by HTTPS; in the clear, every key would be for all to read on the way")
                    .mend("keywright leaks scan --check --check-host https://n8n.example.com");
                CommandError::usage(report)
            })
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
