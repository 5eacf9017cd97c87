//! Taking charge of an instance: log in, learn what it can do, keep what that needs, make a root key of our own.

use std::sync::Arc;

use model::{
    AdminLogin, Capabilities, EventKind, Instance, InstanceName, Integration, IntegrationName,
    IntegrationRole, Issuer as _, IssuerErrorKind, KeyModel, LoginRefs, Mode, Period, Secret, SessionKeeper,
    Source, TransportRefs,
};
use n8n::{BaseUrl, ClientConfig, Learned, N8nClient, N8nIssuer, Timeouts};
use rotation::{Outcome, Request};

use crate::app::App;
use crate::error::{CommandError, operator};
use crate::keeper::{FreshKeeper, Keeping, NoSession, forgotten, sealed_name};
use crate::{prompt, transport};

/// Root keys are turned quarterly unless asked otherwise, and end by themselves if nobody does.
const ROOT_EVERY: Period = Period::days(90);
const ROOT_LIVES: Period = Period::days(120);

/// An instance to take charge of.
pub(crate) struct Wanted {
    pub(crate) name: InstanceName,
    pub(crate) base_url: BaseUrl,
    /// Where the password is found at each login, if it is not sealed.
    pub(crate) login: LoginRefs,
    pub(crate) transport: TransportRefs,
    pub(crate) source: Source,
}

/// What of the login is sealed in the store.
#[derive(Clone, Debug)]
pub(crate) enum Sealing {
    /// The session, the password and the TOTP seed.
    Everything {
        /// Where the account has a second factor.
        totp: Option<Secret>,
    },
    /// The session only: the rest is asked for, or found by reference.
    Session,
}

/// An instance that lets us in, not kept yet.
pub(crate) struct Admitted {
    pub(crate) instance: Instance,
    /// The user's role, such as `global:owner`, where there is a session.
    pub(crate) role: Option<String>,
    sealed: Vec<(String, Option<Secret>)>,
    password_kept: bool,
}

/// Logs in and learns. Nothing is kept.
pub(crate) async fn admit(
    app: &App,
    wanted: &Wanted,
    login: AdminLogin,
    sealing: Sealing,
) -> Result<Admitted, CommandError> {
    let former = app.store.instance(&wanted.name).await?.filter(|former| former.retired_at.is_none());
    let (email, password) = (login.email.clone(), login.password.clone());
    let keeper = Arc::new(FreshKeeper::new(login));
    let client = client(app, wanted, Arc::clone(&keeper) as Arc<_>).await?;
    let learned = learn(wanted, &email, &client, &keeper).await?;
    if former.as_ref().is_some_and(|former| former.admin_email.as_ref() != Some(&email)) {
        check_reach(app, &wanted.name, &email, client, &learned).await?;
    }
    let (password, totp) = match sealing {
        Sealing::Everything { totp } => (Some(password), totp),
        Sealing::Session => (None, None),
    };
    let password_kept = password.is_some();
    let sealed = [("password", password), ("totp", totp), ("session", keeper.session())];
    let instance = Instance {
        admin_email: Some(email),
        version: learned.version,
        ..record(app, wanted, former, learned.capabilities)
    };
    let sealed = sealed.map(|(what, value)| (sealed_name(&wanted.name, what), value)).into();
    Ok(Admitted { instance, role: Some(learned.user.role), sealed, password_kept })
}

/// Learns from outside, where no admin session can be had. Nothing is kept, and what was sealed of a former login
/// is to be forgotten.
pub(crate) async fn admit_assisted(app: &App, wanted: &Wanted) -> Result<Admitted, CommandError> {
    let former = app.store.instance(&wanted.name).await?.filter(|former| former.retired_at.is_none());
    let client = client(app, wanted, Arc::new(NoSession)).await?;
    let learned = client.learn_from_outside().await?;
    let instance = Instance { version: learned.version, ..record(app, wanted, former, learned.capabilities) };
    Ok(Admitted { instance, role: None, sealed: forgotten(&wanted.name), password_kept: false })
}

async fn client(
    app: &App,
    wanted: &Wanted,
    keeper: Arc<dyn SessionKeeper>,
) -> Result<Arc<N8nClient>, CommandError> {
    let config = ClientConfig {
        name: wanted.name.clone(),
        base_url: wanted.base_url.clone(),
        timeouts: Timeouts::default(),
        transport: transport::resolve(&*app.store, &wanted.name, &wanted.transport).await?,
        clock: Arc::clone(&app.clock),
        ids: Arc::clone(&app.ids),
    };
    app.ui.note(&format!("asking {} what it can do …", wanted.base_url));
    Ok(Arc::new(N8nClient::new(config, keeper)?))
}

/// As it is kept; without an admin and a version.
fn record(app: &App, wanted: &Wanted, former: Option<Instance>, capabilities: Capabilities) -> Instance {
    let at = app.clock.now();
    Instance {
        name: wanted.name.clone(),
        url: wanted.base_url.as_str().to_owned(),
        admin_email: None,
        login: wanted.login.clone(),
        transport: wanted.transport.clone(),
        source: wanted.source,
        version: None,
        capabilities,
        connected_at: former.map_or(at, |former| former.connected_at),
        learned_at: Some(at),
        retired_at: None,
    }
}

/// Keeps an instance, and makes its root key if it has none.
pub(crate) async fn keep(app: &App, admitted: &Admitted) -> Result<(), CommandError> {
    let instance = &admitted.instance;
    let mut event = app.event(EventKind::InstanceConnected);
    event.instance = Some(instance.name.clone());
    let event = event
        .with("url", instance.url.clone())
        .with("version", instance.version.clone())
        .with("admin", instance.admin_email.clone())
        .with("password_kept", admitted.password_kept);
    let root = root_name(&instance.name)?;
    check_root(app, instance, &root).await?;
    app.store.put_instance(instance, admitted.sealed.clone(), vec![event]).await?;
    make_root(app, instance, root).await
}

async fn learn(
    wanted: &Wanted,
    email: &str,
    client: &N8nClient,
    keeper: &FreshKeeper,
) -> Result<Learned, CommandError> {
    let learned = match client.learn().await {
        Err(failure) if failure.kind == IssuerErrorKind::SecondFactorRequired && prompt::is_interactive() => {
            keeper.add_code(prompt::secret("code of the second factor", "--totp-from file:PATH").await?);
            client.learn().await
        }
        other => other,
    };
    let learned = learned.map_err(|mut failure| {
        if failure.kind == IssuerErrorKind::SecondFactorRequired {
            let name = &wanted.name;
            failure.report.mend = match wanted.source {
                Source::Configuration => {
                    vec![format!("[instance.{name}] admin = {{ …, totp = \"file:PATH\" }}")]
                }
                Source::Command => {
                    let url = &wanted.base_url;
                    let how =
                        |option| format!("keywright connect {name} {url} --email {email} {option} file:PATH");
                    ["--totp-from", "--recovery-code-from"].map(how).into()
                }
            };
        }
        failure
    })?;
    Ok(learned)
}

/// Another user may not see, nor kill, the keys that the former one made.
async fn check_reach(
    app: &App,
    name: &InstanceName,
    email: &str,
    client: Arc<N8nClient>,
    learned: &Learned,
) -> Result<(), CommandError> {
    let integrations = app.store.integrations().await?;
    let here =
        |of: &IntegrationName| integrations.iter().any(|known| known.name == *of && known.instance == *name);
    let mut living = app.store.keys(None).await?;
    living.retain(|key| key.state.lives() && here(&key.integration));
    if living.is_empty() {
        return Ok(());
    }
    let listed = N8nIssuer::new(client, learned.capabilities.clone()).list().await?;
    let unseen = living.iter().find(|key| listed.iter().all(|listed| listed.native_id != key.native_id));
    let Some(unseen) = unseen else { return Ok(()) };
    let report = operator(format!("{email} cannot take over `{name}`"))
        .because(format!("that user does not see the key of `{}`, and could not kill it", unseen.integration))
        .mend("connect as the same user as before, or as the owner")
        .mend("keywright key revoke NAME   # each key first, then connect as another user");
    Err(report.into())
}

/// The name of an instance's root key.
pub(crate) fn root_name(instance: &InstanceName) -> Result<IntegrationName, CommandError> {
    Ok(format!("{instance}-root").parse()?)
}

async fn check_root(app: &App, instance: &Instance, name: &IntegrationName) -> Result<(), CommandError> {
    let same = |other: &Integration| other.role == IntegrationRole::Root && other.instance == instance.name;
    let Some(other) = app.store.integration(name).await?.filter(|other| !same(other)) else { return Ok(()) };
    let report = operator(format!("`{name}` is the name of our root key, and of an integration"))
        .because(format!("it is one of `{}`", other.instance))
        .mend("connect the instance under another name");
    Err(report.into())
}

/// A root key of our own, where n8n lets a user have more than one. Nobody is asked for it by hand: what needs it needs
/// an admin session too.
async fn make_root(app: &App, instance: &Instance, name: IntegrationName) -> Result<(), CommandError> {
    if instance.capabilities.keys != KeyModel::Many || instance.is_assisted() {
        return Ok(());
    }
    let living = app.store.keys(Some(&name)).await?.iter().any(|key| key.state.lives());
    let engine = app.engine(Keeping::Kept);
    let open = engine.open_rotations(Some(&name)).await?.first().map(|rotation| rotation.id);
    let id = match open {
        None if living => return Ok(()),
        Some(open) => open,
        None => {
            let declare = Integration {
                name: name.clone(),
                instance: instance.name.clone(),
                role: IntegrationRole::Root,
                owner: Some("keywright".into()),
                scopes: instance.capabilities.available_scopes.clone(),
                rotate_every: Some(ROOT_EVERY),
                rotate_on: None,
                grace: Period::ZERO,
                expires_after: Some(ROOT_LIVES),
                destinations: Vec::new(),
                reload: std::collections::BTreeMap::new(),
                silent_after: None,
                source: instance.source,
                created_at: app.clock.now(),
                retired_at: None,
            };
            engine
                .start(&Request { declare: Some(declare), ..Request::new(name.clone(), Mode::Create) })
                .await?
        }
    };
    match engine.drive(id).await? {
        Outcome::Stalled(_, reports) => {
            let report =
                reports.into_iter().next().unwrap_or_else(|| operator("the root key could not be made"));
            Err(report.mend(format!("keywright rotate --resume {name}")).into())
        }
        Outcome::Over(_) | Outcome::Waiting(..) => Ok(()),
    }
}
