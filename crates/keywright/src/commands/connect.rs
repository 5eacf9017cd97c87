//! `keywright connect`: takes charge of an instance.

use std::path::PathBuf;

use model::{AdminLogin, KeyModel, LoginRefs, ScopeSupport, SecondFactor, Source, TransportRefs};
use n8n::{BaseUrl, InsecureHttp};
use serde_json::json;

use crate::app::App;
use crate::charge::{self, Admitted, Sealing, Wanted};
use crate::cli::{Connect, Transport};
use crate::config;
use crate::error::{CommandError, operator};
use crate::{Exit, prompt};

pub(crate) async fn run(app: &App, options: Connect) -> Result<Exit, CommandError> {
    let insecure = if options.dangerous_plain_http { InsecureHttp::Accepted } else { InsecureHttp::Refused };
    let base_url = BaseUrl::parse(&options.url, insecure).map_err(|mut failure| {
        if failure.report.line().contains("clear") {
            failure.report.mend.push("keywright connect … --dangerous-plain-http".into());
        }
        failure
    })?;
    let former = app.store.instance(&options.name).await?.filter(|former| former.retired_at.is_none());
    if let Some(former) = former.filter(|former| former.url != base_url.as_str()) {
        let report = operator(format!("`{}` is another instance already", options.name))
            .because(format!("it is at {}", former.url))
            .mend("give the new one another name");
        return Err(report.into());
    }
    charge::root_name(&options.name)?;
    let wanted = Wanted {
        name: options.name.clone(),
        base_url,
        login: LoginRefs::default(),
        transport: transport(&options.transport),
        source: Source::Command,
    };
    let admitted = match options.email.clone() {
        Some(email) => {
            let (login, sealing) = login(&options, email).await?;
            charge::admit(app, &wanted, login, sealing).await?
        }
        None => charge::admit_assisted(app, &wanted).await?,
    };
    if !options.dry_run {
        charge::keep(app, &admitted).await?;
        app.store.flush_log().await?;
    }
    tell(app, &admitted, options.dry_run);
    Ok(Exit::Done)
}

async fn login(options: &Connect, email: String) -> Result<(AdminLogin, Sealing), CommandError> {
    let password = match &options.password_from {
        Some(source) => config::secret(source)?,
        None => prompt::secret(&format!("password of {email}"), "--password-from file:PATH").await?,
    };
    let totp = options.totp_from.as_ref().map(config::secret).transpose()?;
    let recovery = options.recovery_code_from.as_ref().map(config::secret).transpose()?;
    let second_factor =
        totp.clone().map(SecondFactor::TotpSeed).or_else(|| recovery.map(SecondFactor::RecoveryCode));
    let sealing = if options.no_keep { Sealing::Session } else { Sealing::Everything { totp } };
    Ok((AdminLogin { email, password, second_factor }, sealing))
}

fn transport(options: &Transport) -> TransportRefs {
    let path = |path: &PathBuf| path.display().to_string();
    TransportRefs {
        ca: options.ca.as_ref().map(path),
        client_certificate: options.client_certificate.as_ref().map(path),
        client_key: options.client_key.clone(),
        proxy: options.proxy.clone(),
        proxy_user: options.proxy_user.clone(),
        proxy_password: options.proxy_password.clone(),
    }
}

fn tell(app: &App, admitted: &Admitted, dry_run: bool) {
    let Admitted { instance, role, .. } = admitted;
    let version = instance.version.as_deref().unwrap_or("of unknown version");
    let capabilities = &instance.capabilities;
    let scopes = match capabilities.scopes {
        ScopeSupport::Enforced if instance.is_assisted() => {
            "enforced: each key is seen to have its own".into()
        }
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
    let who = match (&instance.admin_email, role) {
        (Some(email), Some(role)) => format!("as {email} ({role})"),
        _ => "assisted: you make and delete its keys by hand, told click by click".into(),
    };
    let text = format!(
        "{head} `{}`: n8n {version} at {}, {who}\n  keys    {keys}\n  scopes  {scopes}\n  expiry  {expiry}",
        instance.name, instance.url,
    );
    app.ui.result(&text, &json!({"instance": instance, "role": role, "dry_run": dry_run}));
}
