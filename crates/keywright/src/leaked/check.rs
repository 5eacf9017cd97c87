//! Whether a found key is alive: asks the instances of the store, and hosts that a person named, nobody else.

use std::sync::Arc;

use detector::Kind;
use futures_util::StreamExt as _;
use model::{
    Blame, Instance, InstanceName, IssuerError, IssuerErrorKind, Report, Retry, Secret, StoreError, Timestamp,
};
use n8n::{BaseUrl, ClientConfig, N8nClient, N8nIssuer, Timeouts, Transport};
use rotation::Engine;

use super::judge::{Judged, Whose};
use crate::keeper::NoSession;

/// n8n answers some 60 calls a second: a check leaves it the most of them.
const AT_ONCE_AT_ONE: usize = 2;
const INSTANCES_AT_ONCE: usize = 4;
/// Keys that one run asks about; there may be no end to them in a hostile repository.
const MAX_ASKED: usize = 1_000;

/// Hosts beside the instances of the store that a person wants to be asked (`--check-host`).
pub(crate) type Hosts = Vec<BaseUrl>;

/// What is known of a key's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It was not used, and why.
    NotAsked(NotAsked),
    /// It was used, once at each.
    Asked(Vec<Answer>),
}

/// Why a key was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAsked {
    /// Nobody wanted it.
    NotTold,
    /// It ended by itself.
    Expired(Timestamp),
    /// It is ours, and was proved dead then.
    ProvedDead(Timestamp),
    /// It is no API key.
    OtherKind,
    /// There is no instance that it could be of.
    NoInstance,
    /// There are too many.
    TooMany,
}

/// What one instance or host said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The instance's name, or the host as a person named it.
    pub(crate) at: String,
    pub(crate) said: Said,
}

/// What it said to the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Alive,
    Refused,
    /// Neither: it could not be asked, or its answer means nothing.
    Unclear(Box<Report>),
}

impl Life {
    /// Where it is alive.
    pub(crate) fn alive_at(&self) -> impl Iterator<Item = &str> {
        let answers = match self {
            Self::Asked(answers) => answers.as_slice(),
            Self::NotAsked(_) => &[],
        };
        answers.iter().filter(|answer| answer.said == Said::Alive).map(|answer| answer.at.as_str())
    }

    /// Whether it is known to be dead wherever it could live.
    pub(crate) fn is_dead(&self) -> bool {
        match self {
            Self::NotAsked(why) => matches!(why, NotAsked::Expired(_) | NotAsked::ProvedDead(_)),
            Self::Asked(answers) => {
                !answers.is_empty() && answers.iter().all(|answer| answer.said == Said::Refused)
            }
        }
    }
}

/// Where a key may be used.
#[derive(Clone)]
enum Door {
    Known(Box<Instance>),
    Named(BaseUrl),
}

impl Door {
    fn name(&self) -> String {
        match self {
            Self::Known(instance) => instance.name.to_string(),
            Self::Named(url) => url.as_str().to_owned(),
        }
    }
}

/// Uses each key once at each instance that it may be of. What is known to be dead is not used.
pub(crate) async fn check(engine: &Engine, all: &mut [Judged], hosts: &Hosts) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let mut instances = engine.store.instances().await?;
    instances.retain(|instance| instance.retired_at.is_none());
    let known = instances.into_iter().map(|instance| Door::Known(Box::new(instance)));
    let doors: Vec<Door> = known.chain(hosts.iter().cloned().map(Door::Named)).collect();
    let mut asked = Vec::new();
    for (number, one) in all.iter_mut().enumerate() {
        one.life = match reason(one, now) {
            Some(why) => Life::NotAsked(why),
            None if asked.len() >= MAX_ASKED => Life::NotAsked(NotAsked::TooMany),
            None if !doors.iter().any(|door| may_be_of(one, door)) => Life::NotAsked(NotAsked::NoInstance),
            None => {
                asked.push(number);
                Life::Asked(Vec::new())
            }
        };
    }
    let (all_of, asked) = (&*all, &asked);
    let answers: Vec<(usize, Answer)> = futures_util::stream::iter(doors)
        .map(|door| async move {
            let meant = asked.iter().copied().filter_map(|number| Some((number, all_of.get(number)?)));
            let meant: Vec<_> = meant.filter(|(_, one)| may_be_of(one, &door)).collect();
            if meant.is_empty() { Vec::new() } else { at(engine, &door, meant).await }
        })
        .buffered(INSTANCES_AT_ONCE)
        .flat_map(futures_util::stream::iter)
        .collect()
        .await;
    for (number, answer) in answers {
        if let Some(Judged { life: Life::Asked(of), .. }) = all.get_mut(number) {
            of.push(answer);
        }
    }
    Ok(())
}

/// Why this key is not used.
fn reason(one: &Judged, now: Timestamp) -> Option<NotAsked> {
    if !matches!(one.leak.token.kind, Kind::Native2 | Kind::Native1 | Kind::Legacy) {
        return Some(NotAsked::OtherKind);
    }
    if let Some(at) = one.ours().and_then(|ours| ours.key.proved_dead_at) {
        return Some(NotAsked::ProvedDead(at));
    }
    one.leak.token.claims.expires_at.filter(|end| *end <= now).map(NotAsked::Expired)
}

/// Whether the key may be of there: one of ours of its own instance only, and never of a host that is merely named; one
/// with an id of its own of no n8n 1.x.
fn may_be_of(one: &Judged, door: &Door) -> bool {
    let instance = match (door, one.ours()) {
        (Door::Known(instance), Some(ours)) => return ours.integration.instance == instance.name,
        (Door::Named(_), ours) => return ours.is_none(),
        (Door::Known(instance), None) => instance,
    };
    if let Whose::OfOurUser(of) = &one.whose
        && *of == instance.name
    {
        return true;
    }
    let is_1 = instance.version.as_deref().is_some_and(|version| version.starts_with("1."));
    !(one.leak.token.kind == Kind::Native2 && is_1)
}

/// Uses these keys there, after it has shown that it refuses what is no key.
async fn at(engine: &Engine, door: &Door, meant: Vec<(usize, &Judged)>) -> Vec<(usize, Answer)> {
    let name = door.name();
    let answer = |said| Answer { at: name.clone(), said };
    let issuer = match open(engine, door).await {
        Ok(issuer) => issuer,
        Err(report) => {
            let unclear = || answer(Said::Unclear(report.clone()));
            return meant.iter().map(|(number, _)| (*number, unclear())).collect();
        }
    };
    let (issuer, answer) = (&issuer, &answer);
    futures_util::stream::iter(meant)
        .map(|(number, one)| async move {
            let said = match issuer.prove_dead(&one.leak.token.secret).await {
                Ok(_) => Said::Refused,
                Err(failure) if failure.kind == IssuerErrorKind::StillAlive => Said::Alive,
                Err(failure) => Said::Unclear(failure.report),
            };
            (number, answer(said))
        })
        .buffered(AT_ONCE_AT_ONE)
        .collect()
        .await
}

async fn open(engine: &Engine, door: &Door) -> Result<Arc<dyn model::Issuer>, Box<Report>> {
    let issuer = match door {
        Door::Known(instance) => engine.world.issuer(instance).await?,
        Door::Named(url) => named(engine, url.clone()).await.map_err(|failure| failure.report)?,
    };
    // That it refuses a key proves nothing where it refuses none; nor does a yes where it lets everybody in.
    let random = || engine.ids.random();
    let made_up = Secret::new(format!("n8n_api_{:032x}{:032x}{:016x}", random(), random(), 0));
    match issuer.prove_dead(&made_up).await {
        Ok(_) => Ok(issuer),
        Err(failure) if failure.kind == IssuerErrorKind::StillAlive => {
            let what = format!("`{}` lets a key in that nobody ever made", door.name());
            Err(Box::new(Report::new(Blame::Hostile, Retry::AfterFix, what)))
        }
        Err(failure) => Err(failure.report),
    }
}

/// A host that is no instance of ours: without a session, and without the way that an instance may have.
async fn named(engine: &Engine, base_url: BaseUrl) -> Result<Arc<dyn model::Issuer>, IssuerError> {
    let name = "check-host".parse::<InstanceName>().map_err(|refused| {
        IssuerError::new(IssuerErrorKind::Bug, crate::error::operator(refused.to_string()))
    })?;
    let config = ClientConfig {
        name,
        base_url,
        transport: Transport::default(),
        timeouts: Timeouts::default(),
        clock: Arc::clone(&engine.clock),
        ids: Arc::clone(&engine.ids),
    };
    let client = Arc::new(N8nClient::new(config, Arc::new(NoSession))?);
    let capabilities = client.learn_use_of_keys().await?;
    Ok(Arc::new(N8nIssuer::new(client, capabilities)))
}
