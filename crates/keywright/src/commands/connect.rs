//! `keywright connect`: logs in, learns what the instance can do, makes a root key of our own.

use std::sync::Arc;

use model::{
    AdminLogin, EventKind, Instance, Integration, IntegrationName, IntegrationRole, Issuer as _,
    IssuerErrorKind, KeyModel, Mode, Period, ScopeSupport, SecondFactor, Secret, Store as _,
};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, Learned, N8nClient, N8nIssuer, Timeouts};
use rotation::{Outcome, Request};
use serde_json::json;

use crate::app::App;
use crate::cli::Connect;
use crate::config;
use crate::error::{CommandError, operator};
use crate::keeper::{FreshKeeper, Keeping, sealed_name};
use crate::{Exit, prompt};

/// Root keys are turned quarterly unless asked otherwise, and end by themselves if nobody does.
const ROOT_EVERY: Period = Period::days(90);
const ROOT_LIVES: Period = Period::days(120);

pub(crate) async fn run(app: &App, options: Connect) -> Result<Exit, CommandError> {
    let insecure = if options.dangerous_plain_http { InsecureHttp::Accepted } else { InsecureHttp::Refused };
    let base_url = BaseUrl::parse(&options.url, insecure).map_err(|mut failure| {
        if failure.report.line().contains("clear") {
            failure.report.mend.push("keywright connect … --dangerous-plain-http".into());
        }
        failure
    })?;
    let former = app.store.instance(&options.name).await?;
    if let Some(former) = former.as_ref().filter(|former| former.url != base_url.as_str()) {
        let report = operator(format!("`{}` is another instance already", options.name))
            .because(format!("it is at {}", former.url))
            .mend("give the new one another name");
        return Err(report.into());
    }
    let root = format!("{}-root", options.name).parse::<IntegrationName>()?;
    let password = match &options.password_from {
        Some(source) => config::secret(source)?,
        None => prompt::secret(&format!("password of {}", options.email), "--password-from file:PATH")?,
    };
    let totp = options.totp_from.as_ref().map(config::secret).transpose()?;
    let recovery = options.recovery_code_from.as_ref().map(config::secret).transpose()?;
    let second_factor =
        totp.clone().map(SecondFactor::TotpSeed).or_else(|| recovery.map(SecondFactor::RecoveryCode));
    let login = AdminLogin { email: options.email.clone(), password: password.clone(), second_factor };
    let (client, learned, session) = learn(app, &options, &base_url, login).await?;
    if former.is_some_and(|former| former.admin_email != options.email) {
        check_reach(app, &options, client, &learned).await?;
    }
    let instance = Instance {
        name: options.name.clone(),
        url: base_url.as_str().to_owned(),
        admin_email: options.email.clone(),
        version: learned.version.clone(),
        capabilities: learned.capabilities.clone(),
        connected_at: app.clock.now(),
    };
    if !options.dry_run {
        keep(app, &instance, &password, totp.as_ref(), session.as_ref(), options.no_keep).await?;
        make_root(app, &instance, root).await?;
        app.store.flush_log().await?;
    }
    tell(app, &instance, &learned, options.dry_run);
    Ok(Exit::Done)
}

async fn learn(
    app: &App,
    options: &Connect,
    base_url: &BaseUrl,
    login: AdminLogin,
) -> Result<(Arc<N8nClient>, Learned, Option<Secret>), CommandError> {
    let keeper = Arc::new(FreshKeeper::new(login));
    let config = ClientConfig {
        name: options.name.clone(),
        base_url: base_url.clone(),
        timeouts: Timeouts::default(),
        clock: Arc::clone(&app.clock),
        ids: Arc::clone(&app.ids),
    };
    let client = Arc::new(N8nClient::new(config, Arc::clone(&keeper) as Arc<_>)?);
    app.ui.note(&format!("asking {base_url} what it can do …"));
    let learned = match client.learn().await {
        Err(failure) if failure.kind == IssuerErrorKind::SecondFactorRequired && prompt::is_interactive() => {
            keeper.add_code(prompt::secret("code of the second factor", "--totp-from file:PATH")?);
            client.learn().await
        }
        other => other,
    };
    let learned = learned.map_err(|mut failure| {
        if failure.kind == IssuerErrorKind::SecondFactorRequired {
            let how = |option| {
                format!(
                    "keywright connect {} {base_url} --email {} {option} file:PATH",
                    options.name, options.email
                )
            };
            failure.report.mend = ["--totp-from", "--recovery-code-from"].map(how).into();
        }
        failure
    })?;
    Ok((client, learned, keeper.session()))
}

/// Another user may not see, nor kill, the keys that the former one made.
async fn check_reach(
    app: &App,
    options: &Connect,
    client: Arc<N8nClient>,
    learned: &Learned,
) -> Result<(), CommandError> {
    let integrations = app.store.integrations().await?;
    let here = |name: &IntegrationName| {
        integrations.iter().any(|of| of.name == *name && of.instance == options.name)
    };
    let mut living = app.store.keys(None).await?;
    living.retain(|key| key.state.lives() && here(&key.integration));
    if living.is_empty() {
        return Ok(());
    }
    let listed = N8nIssuer::new(client, learned.capabilities.clone()).list().await?;
    let unseen = living.iter().find(|key| listed.iter().all(|listed| listed.native_id != key.native_id));
    let Some(unseen) = unseen else { return Ok(()) };
    let what = format!("{} cannot take over `{}`", options.email, options.name);
    let report = operator(what)
        .because(format!("that user does not see the key of `{}`, and could not kill it", unseen.integration))
        .mend("connect as the same user as before, or as the owner")
        .mend("keywright key revoke NAME   # each key first, then connect as another user");
    Err(report.into())
}

async fn keep(
    app: &App,
    instance: &Instance,
    password: &Secret,
    totp: Option<&Secret>,
    session: Option<&Secret>,
    no_keep: bool,
) -> Result<(), CommandError> {
    let password = Some(password).filter(|_| !no_keep);
    let totp = totp.filter(|_| !no_keep);
    let mut event = app.event(EventKind::InstanceConnected);
    event.instance = Some(instance.name.clone());
    let event = event
        .with("url", instance.url.clone())
        .with("version", instance.version.clone())
        .with("admin", instance.admin_email.clone())
        .with("password_kept", !no_keep);
    for (what, value) in [("password", password), ("totp", totp), ("session", session)] {
        app.store.put_sealed(&sealed_name(&instance.name, what), value, Vec::new()).await?;
    }
    Ok(app.store.put_instance(instance, vec![event]).await?)
}

/// A root key of our own, where n8n lets a user have more than one.
async fn make_root(app: &App, instance: &Instance, name: IntegrationName) -> Result<(), CommandError> {
    if instance.capabilities.keys != KeyModel::Many {
        return Ok(());
    }
    let same = |other: &Integration| other.role == IntegrationRole::Root && other.instance == instance.name;
    if let Some(other) = app.store.integration(&name).await?.filter(|other| !same(other)) {
        let report = operator(format!("`{name}` is the name of our root key, and of an integration"))
            .because(format!("it is one of `{}`", other.instance))
            .mend("connect the instance under another name");
        return Err(report.into());
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
                grace: Period::ZERO,
                expires_after: Some(ROOT_LIVES),
                destinations: Vec::new(),
                created_at: app.clock.now(),
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

fn tell(app: &App, instance: &Instance, learned: &Learned, dry_run: bool) {
    let version = instance.version.as_deref().unwrap_or("of unknown version");
    let capabilities = &instance.capabilities;
    let scopes = match capabilities.scopes {
        ScopeSupport::Enforced => format!("enforced ({} may be given)", capabilities.available_scopes.len()),
        ScopeSupport::StoredOnly => "stored but not enforced: every key can do everything".into(),
        ScopeSupport::Absent => "none: every key can do everything".into(),
    };
    let keys = match capabilities.keys {
        KeyModel::Many => "many per user: rotation without a gap",
        KeyModel::OneRefused | KeyModel::OneOverwritten => {
            "one per user: rotation has a short gap, which is measured"
        }
    };
    let expiry = if capabilities.expiry { "yes" } else { "no" };
    let head = if dry_run { "would take charge of" } else { "took charge of" };
    let text = format!(
        "{head} `{}`: n8n {version} at {}, as {} ({})\n  keys    {keys}\n  scopes  {scopes}\n  expiry  {expiry}",
        instance.name, instance.url, instance.admin_email, learned.user.role,
    );
    app.ui.result(&text, &json!({"instance": instance, "role": learned.user.role, "dry_run": dry_run}));
}
