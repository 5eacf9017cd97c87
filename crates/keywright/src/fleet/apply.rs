//! Makes what differs as it should be. Each key is a rotation of its own, so that a crash anywhere is mended by
//! doing it again.

use futures_util::StreamExt as _;
use model::{
    AdminLogin, EventKind, Integration, IntegrationName, Mode, RotationStatus, SecondFactor, Secret, Source,
};
use n8n::BaseUrl;
use rotation::{Engine, Outcome, Request, RotationError};

use super::known::Known;
use super::plan::{Action, Plan};
use super::wish::InstanceWish;
use crate::Exit;
use crate::app::App;
use crate::charge::{self, Sealing, Wanted};
use crate::commands::Teller;
use crate::error::CommandError;
use crate::keeper::{Keeping, forgotten, sealed_name};
use crate::{config, prompt};

/// Connects the instances that are to be connected. One failure does not stop the others.
pub(crate) async fn connect(app: &App, plan: &Plan) -> Result<Exit, CommandError> {
    let mut exit = Exit::Done;
    for action in &plan.actions {
        let (Action::Connect(wish) | Action::Reconnect(wish, _)) = action else { continue };
        match connect_one(app, wish).await {
            Ok(()) => app.ui.note(&format!("✓ instance {}", wish.name)),
            Err(error) => {
                app.ui.report(&error.report);
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

async fn connect_one(app: &App, wish: &InstanceWish) -> Result<(), CommandError> {
    let base_url = BaseUrl::parse(&wish.url, wish.insecure)?;
    let wanted = Wanted {
        name: wish.name.clone(),
        base_url,
        login: wish.login.clone(),
        transport: wish.transport.clone(),
        source: Source::Configuration,
    };
    let admitted = match wish.admin_email.clone() {
        Some(email) => {
            let (login, sealing) = login(app, wish, email).await?;
            charge::admit(app, &wanted, login, sealing).await?
        }
        None => charge::admit_assisted(app, &wanted).await?,
    };
    charge::keep(app, &admitted).await
}

/// By reference where one is given; else what is sealed already, or what a person types.
async fn login(app: &App, wish: &InstanceWish, email: String) -> Result<(AdminLogin, Sealing), CommandError> {
    let sealed = async |what| app.store.sealed(&sealed_name(&wish.name, what)).await;
    let totp: Option<Secret> = match &wish.login.totp {
        Some(reference) => Some(config::resolved(&*app.store, reference).await?),
        None => sealed("totp").await?,
    };
    let second_factor = totp.clone().map(SecondFactor::TotpSeed);
    if let Some(reference) = &wish.login.password {
        let password = config::resolved(&*app.store, reference).await?;
        return Ok((AdminLogin { email, password, second_factor }, Sealing::Session));
    }
    let password = match sealed("password").await? {
        Some(password) => password,
        None => {
            prompt::secret(
                &format!("password of {email} at {}", wish.name),
                &format!(
                    "[instance.{}] admin = {{ email = \"{email}\", password = \"file:PATH\" }}",
                    wish.name
                ),
            )
            .await?
        }
    };
    let totp = totp.filter(|_| wish.login.totp.is_none());
    Ok((AdminLogin { email, password, second_factor }, Sealing::Everything { totp }))
}

/// Makes, changes, turns and takes away keys; at most `at_once` at the same time.
pub(crate) async fn integrations(
    app: &App,
    plan: &Plan,
    known: &Known,
    at_once: usize,
) -> Result<Exit, CommandError> {
    let engine = app.engine(Keeping::Kept);
    change_records(app, plan).await?;
    let mut teller = Teller::new(app);
    let made = plan.actions.iter().filter_map(Making::of);
    let mut made = std::pin::pin!(
        futures_util::stream::iter(made).map(|making| making.run(&engine)).buffer_unordered(at_once.max(1))
    );
    while let Some((name, result)) = made.next().await {
        teller.tell(name.as_str(), result).await?;
    }
    let retired = plan.actions.iter().filter_map(|action| match action {
        Action::Retire(name) => Some(name),
        _ => None,
    });
    let engine = &engine;
    let mut retired = std::pin::pin!(
        futures_util::stream::iter(retired)
            .map(|name| async move { (name, retire(app, engine, known, name).await) })
            .buffer_unordered(at_once.max(1))
    );
    while let Some((name, result)) = retired.next().await {
        match result? {
            Some(result) => teller.tell(name.as_str(), result).await?,
            None => app.ui.note(&format!("✓ {name}  out of service")),
        }
    }
    teller.finish()
}

/// One key to be made or turned.
enum Making<'a> {
    Begin(&'a Integration, Mode),
    Resume(&'a Integration, model::RotationId),
}

impl<'a> Making<'a> {
    fn of(action: &'a Action) -> Option<Self> {
        match action {
            Action::Create(wish) => Some(Self::Begin(wish, Mode::Create)),
            Action::Rotate(wish, _) => Some(Self::Begin(wish, Mode::Graceful)),
            Action::Resume(wish, rotation) => Some(Self::Resume(wish, *rotation)),
            _ => None,
        }
    }

    async fn run(self, engine: &Engine) -> (IntegrationName, Result<Outcome, RotationError>) {
        match self {
            Self::Resume(wish, id) => (wish.name.clone(), engine.drive(id).await),
            Self::Begin(wish, mode) => {
                let name = wish.name.clone();
                let request = Request { declare: Some(wish.clone()), ..Request::new(name.clone(), mode) };
                let result = match engine.start(&request).await {
                    Ok(id) => engine.drive(id).await,
                    Err(failure) => Err(failure),
                };
                (name, result)
            }
        }
    }
}

/// Changes that touch no key: all of them in one transaction.
async fn change_records(app: &App, plan: &Plan) -> Result<(), CommandError> {
    let changed: Vec<&Integration> = plan
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Change(wish, _) => Some(wish),
            _ => None,
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let event = |of: &&Integration| {
        let mut event = app.event(EventKind::IntegrationDeclared);
        event.instance = Some(of.instance.clone());
        event.integration = Some(of.name.clone());
        event
    };
    let events = changed.iter().map(event).collect();
    app.store.put_integrations(changed.iter().copied().cloned().collect(), events).await?;
    for integration in changed {
        app.ui.note(&format!("✓ {}  changed", integration.name));
    }
    Ok(())
}

/// Kills an integration's key if it has one, and takes it out of service once that is proved. `None` if there was
/// no key to kill.
pub(crate) async fn retire(
    app: &App,
    engine: &Engine,
    known: &Known,
    name: &IntegrationName,
) -> Result<Option<Result<Outcome, RotationError>>, CommandError> {
    let (lives, open) = (known.living.contains(name), known.open.get(name));
    let mut result = None;
    if lives || open.is_some() {
        let driven = match open.filter(|rotation| rotation.mode == Mode::Revoke) {
            Some(rotation) => engine.drive(rotation.id).await,
            None => match engine.start(&Request::new(name.clone(), Mode::Revoke)).await {
                Ok(id) => engine.drive(id).await,
                Err(failure) => Err(failure),
            },
        };
        let done = matches!(&driven, Ok(Outcome::Over(rotation)) if rotation.status == RotationStatus::Done);
        result = Some(driven);
        if !done {
            return Ok(result);
        }
    }
    let Some(found) = known.integrations.get(name) else { return Ok(result) };
    let mut event = app.event(EventKind::IntegrationRetired);
    event.instance = Some(found.instance.clone());
    event.integration = Some(name.clone());
    let gone = Integration { retired_at: Some(app.clock.now()), ..found.clone() };
    app.store.put_integrations(vec![gone], vec![event]).await?;
    Ok(result)
}

/// Gives up instances: their root keys are killed, what is sealed of their logins is forgotten.
pub(crate) async fn retire_instances(app: &App, plan: &Plan, known: &Known) -> Result<Exit, CommandError> {
    let engine = app.engine(Keeping::Kept);
    let mut teller = Teller::new(app);
    let mut failed = false;
    for action in &plan.actions {
        let Action::RetireInstance(name) = action else { continue };
        let Some(instance) = known.instances.get(name) else { continue };
        let root = charge::root_name(name)?;
        if known.integration(&root).is_some() {
            let result = retire(app, &engine, known, &root).await?;
            let done = match &result {
                None => true,
                Some(result) => matches!(result, Ok(Outcome::Over(_))),
            };
            if let Some(result) = result {
                teller.tell(root.as_str(), result).await?;
            }
            if !done {
                failed = true;
                continue;
            }
        }
        let mut event = app.event(EventKind::InstanceRetired);
        event.instance = Some(name.clone());
        let gone = model::Instance { retired_at: Some(app.clock.now()), ..instance.clone() };
        app.store.put_instance(&gone, forgotten(name), vec![event]).await?;
        app.ui.note(&format!("✓ instance {name}  given up"));
    }
    let exit = teller.finish()?;
    Ok(if failed { Exit::Failed } else { exit })
}

/// Notes in the log that the configuration was made true.
pub(crate) async fn record(app: &App, plan: &Plan) -> Result<(), CommandError> {
    let event = app.event(EventKind::ConfigurationApplied).with("did", super::show::summary(plan));
    Ok(app.store.record(vec![event]).await?)
}
