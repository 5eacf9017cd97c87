//! `[integration.NAME]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use destinations::{Nowhere, ServiceConfig, Services};
use model::{
    Address, Cron, InstanceName, Integration, IntegrationName, IntegrationRole, Period, Report, Scope,
    Source, Timestamp,
};

use super::nearest;
use super::read::{Section, TextOrTable};

/// How long an old key works on, unless said otherwise.
const GRACE: Period = Period::days(1);
const DAY_S: i64 = 86_400;

/// How long a key lives that is turned after `turned`: its grace and two weeks more, so that a late rotation is no
/// outage.
pub(crate) fn lifetime(turned: Period, grace: Period) -> Period {
    turned + grace + Period::days(14)
}

/// All of them; `instances` are those that are declared.
pub(super) fn read(top: &Section<'_>, instances: &[InstanceName], addresses: &Addresses) -> Vec<Integration> {
    let declared = top.named::<IntegrationName>("integration", "integration.NAME");
    let mut places: BTreeMap<Address, IntegrationName> = BTreeMap::new();
    let mut integrations = Vec::new();
    for (name, section) in declared {
        let destinations = deliver(&section, &name, addresses, &mut places);
        integrations.extend(one(name, &section, instances, destinations));
    }
    integrations
}

fn one(
    name: IntegrationName,
    section: &Section<'_>,
    instances: &[InstanceName],
    deliveries: Vec<Delivery>,
) -> Option<Integration> {
    let root = name.as_str().strip_suffix("-root");
    if root.is_some_and(|root| instances.iter().any(|instance| instance.as_str() == root)) {
        let form = "give it another name";
        section.page.fault(section.line, &section.path, "has the name of an instance's root key", form);
    }
    if section.text("issuer").is_some_and(|issuer| issuer != "native") {
        section.wrong("issuer", "is none that this version has");
    }
    let instance = instance(section, instances);
    let rotate_every = positive(section, "rotate_every");
    let rotate_on = section.parsed::<Cron>("rotate_on");
    let grace = section.parsed::<Period>("grace").unwrap_or(GRACE);
    let turned = rotate_every.or_else(|| rotate_on.as_ref().map(longest_gap));
    let scopes: Vec<Scope> = section.distinct("scopes", section.each("scopes"));
    Some(Integration {
        name,
        instance: instance?,
        role: IntegrationRole::Client,
        owner: section.text("owner").map(str::to_owned),
        scopes,
        rotate_every,
        rotate_on,
        grace,
        expires_after: expires_after(section, turned, grace),
        reload: deliveries.iter().filter_map(|one| Some((one.to.clone(), one.reload.clone()?))).collect(),
        destinations: deliveries.into_iter().map(|one| one.to).collect(),
        silent_after: positive(section, "silent_after"),
        source: Source::Configuration,
        created_at: Timestamp::UNIX_EPOCH,
        retired_at: None,
    })
}

fn instance(section: &Section<'_>, instances: &[InstanceName]) -> Option<InstanceName> {
    if !section.has("instance") {
        if let [only] = instances {
            return Some(only.clone());
        }
        if instances.is_empty() {
            section.page.absence(
                section.line,
                section.at("instance"),
                "names none, and none is declared",
                "declare [instance.NAME] with its url and admin",
            );
        } else {
            section.wants("instance", "is missing: there are several");
        }
        return None;
    }
    let name = section.parsed::<InstanceName>("instance")?;
    if !instances.contains(&name) {
        let near = nearest(name.as_str(), instances.iter().map(InstanceName::as_str));
        let form = near
            .map_or_else(|| format!("declare [instance.{name}]"), |near| format!("did you mean `{near}`?"));
        section.page.absence(
            section.line_of("instance"),
            section.at("instance"),
            format!("names `{name}`, which is not declared"),
            form,
        );
        return None;
    }
    Some(name)
}

fn positive(section: &Section<'_>, key: &str) -> Option<Period> {
    let period = section.parsed::<Period>(key);
    if period == Some(Period::ZERO) {
        section.wrong(key, "is no time at all");
    }
    period
}

fn expires_after(section: &Section<'_>, turned: Option<Period>, grace: Period) -> Option<Period> {
    let usual = turned.map(|turned| lifetime(turned, grace));
    let fits = |period: &Period| period.to_string().parse::<Period>().is_ok();
    if usual.is_some_and(|usual| !fits(&usual)) && !section.has("expires_after") {
        section.wants(
            "expires_after",
            "would be more than ten years after its making, with all of its rotation and grace",
        );
    }
    let lives = match section.text("expires_after") {
        None => return usual.filter(fits),
        Some("never") => return None,
        Some(_) => section.parsed::<Period>("expires_after")?,
    };
    let least = turned.map_or(grace, |turned| turned + grace);
    if lives <= least {
        let problem =
            format!("is {lives}: within that, its rotation and grace are not over, which take {least}");
        section.wants("expires_after", problem);
    }
    Some(lives)
}

/// At least the longest time between two instants of a calendar: in whole days, over eight years, so that every leap
/// day is among them. It does not depend on when it is asked.
fn longest_gap(cron: &Cron) -> Period {
    // 2024, a leap year, began.
    const START_S: i64 = 1_704_067_200;
    let mut at = Timestamp::from_second(START_S).ok();
    let (mut last, mut longest) = (None, 1);
    while let Some(next) = at.and_then(|at| cron.next_after(at)) {
        let day = next.as_second().div_euclid(DAY_S);
        longest = longest.max(last.map_or(1, |last| day - last));
        if next.as_second() > START_S + 8 * 366 * DAY_S {
            break;
        }
        last = Some(day);
        // What else that day holds makes no longer gap.
        at = Timestamp::from_second((day + 1) * DAY_S - 1).ok();
    }
    Period::days(u32::try_from(longest).unwrap_or(u32::MAX))
}

/// A place, and the hook that makes its program take up a new key.
struct Delivery {
    to: Address,
    reload: Option<Address>,
    line: usize,
}

/// What is no address is not quoted: it may be a key, pasted where its place belongs.
fn deliveries(section: &Section<'_>) -> Vec<Delivery> {
    let fault = |line: usize, form: &str| {
        section.page.fault(line, section.at("deliver"), "holds what is no destination", form);
    };
    let form = "write `kind:place`, such as `dotenv:/srv/backup/.env#N8N_API_KEY`";
    let mut deliveries = Vec::new();
    for (item, line) in section.texts_or_tables("deliver", "integration.NAME.deliver") {
        let (to, reload) = match &item {
            TextOrTable::Text(text) => (Some(*text), None),
            TextOrTable::Table(table) => (table.text("to"), table.text("reload")),
        };
        let Some(to) = to else { continue };
        let Ok(to) = to.parse() else {
            fault(line, form);
            continue;
        };
        let reload = match reload.map(str::parse) {
            None => None,
            Some(Ok(hook)) => Some(hook),
            Some(Err(_not_quoted)) => {
                fault(line, "write `kind:what` as `reload`, such as `systemd:backup.service`");
                continue;
            }
        };
        deliveries.push(Delivery { to, reload, line });
    }
    deliveries
}

/// What addresses are looked at with: services as they are declared, and nothing outside.
pub(super) struct Addresses {
    services: Arc<Services>,
    /// Names of services that have a fault of their own.
    faulty: Vec<String>,
}

impl Addresses {
    pub(super) fn new(services: Vec<ServiceConfig>, faulty: Vec<String>) -> Self {
        Self { services: Arc::new(Services::new(services, Arc::new(Nowhere))), faulty }
    }

    fn fault(&self, name: &IntegrationName, section: &Section<'_>, delivery: &Delivery) -> Option<Report> {
        let context = destinations::Context {
            integration: name.clone(),
            // Only programs are told it, and none is run here.
            instance: match section.text("instance").and_then(|text| text.parse().ok()) {
                Some(instance) => instance,
                None => "instance".parse().ok()?,
            },
            rotation: None,
            hidden_variables: Vec::new(),
            services: Arc::clone(&self.services),
        };
        let is_known = |address: &&Address| !self.faulty.iter().any(|name| name == address.kind());
        let to = Some(&delivery.to).filter(is_known).map(|to| destinations::open(to, &context).map(drop));
        let hook = delivery.reload.as_ref().filter(is_known);
        let hook = hook.map(|hook| destinations::open_hook(hook, &context).map(drop));
        let failed = to.into_iter().chain(hook).find_map(Result::err)?;
        Some(*failed.report)
    }
}

/// Places that mean something, and that no other integration has.
fn deliver(
    section: &Section<'_>,
    name: &IntegrationName,
    addresses: &Addresses,
    places: &mut BTreeMap<Address, IntegrationName>,
) -> Vec<Delivery> {
    let mut sound = Vec::new();
    for delivery in deliveries(section) {
        let fault = |problem: String, form: &str| {
            section.page.fault(delivery.line, section.at("deliver"), problem, form);
        };
        if let Some(report) = addresses.fault(name, section, &delivery) {
            fault(format!("cannot be used: {}", report.line()), &report.mend.join("; "));
            continue;
        }
        let to = &delivery.to;
        match places.insert(to.clone(), name.clone()) {
            Some(other) if other == *name => fault(format!("holds `{to}` twice"), "write it once"),
            Some(other) => {
                fault(format!("holds `{to}`, where the key of `{other}` is"), "one place holds one key");
            }
            None => sound.push(delivery),
        }
    }
    sound
}
