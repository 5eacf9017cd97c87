//! `keywright key adopt`: takes charge of a key that exists at n8n. Nothing is made and nothing is killed; the next
//! rotation puts one of ours in its place.

use model::{Instance, Integration, IntegrationRole, Report, Secret, Source};
use n8n::KeyText;
use rotation::{Adoptable, Adopted, Adoption, World as _};
use serde_json::json;

use super::key_create::{check_places, check_room, living_others};
use crate::Exit;
use crate::app::App;
use crate::cli::KeyAdopt;
use crate::config;
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::ui::{BOLD, report_json};
use crate::view::KeyView;

pub(crate) async fn run(app: &App, options: KeyAdopt) -> Result<Exit, CommandError> {
    let instance = app.instance(options.instance.as_ref()).await?;
    let declare = declare(app, &options, &instance).await?;
    let others = living_others(app, &declare).await?;
    check_room(&declare, &instance, &others)?;
    check_places(&declare, &others)?;
    let secret = config::secret(&options.key_from)?;
    let secret = Secret::new(secret.expose().trim());
    let claims = claims(&secret)?;
    let adoption = Adoption { declare, claims, named: options.named };
    if options.dry_run {
        let adopted = app.engine(Keeping::Nothing).preview_adoption(&adoption, &secret).await?;
        tell(app, &adopted, "would take charge of");
        return Ok(Exit::Done);
    }
    let adopted = app.engine(Keeping::Kept).adopt(&adoption, secret).await?;
    app.store.flush_log().await?;
    tell(app, &adopted, "took charge of");
    Ok(Exit::Done)
}

/// The integration, as it is declared already or as the options say.
async fn declare(app: &App, options: &KeyAdopt, instance: &Instance) -> Result<Integration, CommandError> {
    let known = app.store.integration(&options.integration).await?;
    if let Some(known) = known.filter(|known| known.retired_at.is_none()) {
        return Ok(known);
    }
    let integration = Integration {
        name: options.integration.clone(),
        instance: instance.name.clone(),
        role: IntegrationRole::Client,
        owner: options.owner.clone(),
        scopes: options.scopes.clone(),
        rotate_every: options.rotate_every,
        rotate_on: None,
        grace: options.grace,
        expires_after: options.rotate_every.map(|every| config::lifetime(every, options.grace)),
        destinations: super::key_create::distinct(&options.destinations)?,
        reload: std::collections::BTreeMap::new(),
        silent_after: None,
        source: Source::Command,
        created_at: app.clock.now(),
        retired_at: None,
    };
    let reach = app.reach(Keeping::Nothing);
    for to in &integration.destinations {
        let opened = reach.destination(to, &integration, None);
        opened.map_err(|failure| CommandError { code: 2, ..failure.into() })?;
    }
    Ok(integration)
}

/// What the text says of itself; an error for what is no API key of n8n.
fn claims(secret: &Secret) -> Result<Option<Adoptable>, Report> {
    let refused = |why: &str| {
        operator("this is not an API key of n8n")
            .because(why.to_owned())
            .mend("give the key as n8n showed it when it was made, and nothing else")
    };
    match KeyText::parse(secret) {
        None => Err(refused("it is neither a JSON Web Token nor a text that starts with `n8n_api_`")),
        Some(KeyText::Jwt(claims)) if !claims.is_api_key() => {
            Err(refused("it is another token: its `iss` is not `n8n`, or its `aud` not `public-api`"))
        }
        Some(KeyText::Jwt(claims)) => {
            Ok(claims.issued_at().map(|issued_at| Adoptable { issued_at, expires_at: claims.expires_at() }))
        }
        Some(_) => Ok(None),
    }
}

fn tell(app: &App, adopted: &Adopted, did: &str) {
    let key = &adopted.key;
    let text = format!(
        "{did} the key {BOLD}{}{BOLD:#} …{} of `{}`, `{}` at n8n; it works as before\n  keywright rotate {}   # puts one of ours in its place",
        key.fingerprint.short(),
        key.tail,
        key.integration,
        crate::ui::clean(&key.label),
        key.integration
    );
    for report in &adopted.not_held {
        app.ui.warn(&report.line());
    }
    let not_held: Vec<_> = adopted.not_held.iter().map(report_json).collect();
    app.ui.result(&text, &json!({"key": KeyView::from(key), "not_held": not_held}));
}
