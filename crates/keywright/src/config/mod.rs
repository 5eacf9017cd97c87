//! `keywright.toml` and the environment: the only place that reads either.

mod environment;
mod forge;
mod instance;
mod integration;
#[cfg(test)]
mod load_tests;
mod notify;
mod read;
#[cfg(test)]
mod reference_tests;
mod root;
mod rules;
mod schema;
#[cfg(test)]
mod schema_tests;
mod secrets;
mod service;
mod settings;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use destinations::ServiceConfig;
use forges::Forge;
use model::{Blame, InstanceName, Report, Retry, SecretRef, Store, Timestamp};
use notices::ChannelConfig;
use rotation::ScheduleConfig;
use rustix::fs::{Mode, OFlags};
use store::StorePlace;
use toml::de::DeTable;

use crate::fleet::Wishes;
use read::{Fault, Page, Section};

pub(crate) use environment::{
    GitSays, VariableName, actor, git_hooks_folder, git_says, own_variables, proxies, search_path,
    state_folder, variable,
};
pub(crate) use forge::{Action, ForgeConfig};
pub(crate) use instance::references;
pub(crate) use integration::lifetime;
use notify::Channel;
pub(crate) use schema::schema;
pub(crate) use secrets::{SealedName, SecretSource, master_key_text, resolved, secret};

/// The name of the environment variable that may hold the master key; child processes never see it.
pub(crate) const MASTER_KEY_VARIABLE: &str = "KEYWRIGHT_MASTER_KEY";
const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Faults that are told at once.
const MAX_TOLD: usize = 200;

/// What the configuration file says, its paths resolved against the file's folder.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file itself.
    pub(crate) file: PathBuf,
    /// Where everything is kept.
    pub(crate) store: StoreSetting,
    /// The folder of the log's segments.
    pub(crate) log: PathBuf,
    /// Where the master key is.
    pub(crate) master_key: SecretRef,
    pub(crate) serve: ServeConfig,
    pub(crate) channels: Vec<Channel>,
    /// Where destinations lie that are no files.
    pub(crate) services: Vec<ServiceConfig>,
    /// Where pushes come from.
    pub(crate) forges: Vec<ForgeConfig>,
    wishes: Wishes,
    lines: BTreeMap<String, usize>,
}

/// Where everything is kept, as the file says it.
#[derive(Clone, Debug)]
pub(crate) enum StoreSetting {
    File(PathBuf),
    /// Without its password.
    Postgres {
        url: String,
        password: Option<SecretRef>,
    },
}

impl std::fmt::Display for StoreSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres { url, .. } => f.write_str(url),
        }
    }
}

/// `[serve]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServeConfig {
    pub(crate) listen: Option<SocketAddr>,
    /// Where webhooks of forges are taken.
    pub(crate) listen_hooks: Option<SocketAddr>,
    /// The folder of what was fetched from forges.
    pub(crate) fetched: PathBuf,
    pub(crate) schedule: ScheduleConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            store: StoreSetting::File(PathBuf::new()),
            log: PathBuf::new(),
            master_key: SecretRef::Env(MASTER_KEY_VARIABLE.to_owned()),
            serve: ServeConfig::default(),
            channels: Vec::new(),
            services: Vec::new(),
            forges: Vec::new(),
            wishes: Wishes::default(),
            lines: BTreeMap::new(),
        }
    }
}

/// What `keywright init` writes.
pub(crate) const TEMPLATE: &str = "\
# Keywright's configuration. Paths are relative to this file; secrets are references (env:NAME, file:PATH, sealed:NAME).
store = \"keywright.db\"
log = \"keywright-log\"
master_key = \"file:keywright.key\"

# What should be; `keywright plan` shows what differs, `keywright apply` makes it so.
# All settings: docs/reference/settings.md
#
# [instance.prod]
# url = \"https://n8n.example.com\"
# admin = { email = \"keys@example.com\", password = \"env:N8N_PASSWORD\" }
#
# [integration.backups]
# scopes = [\"workflow:list\", \"workflow:read\"]
# owner = \"ops\"
# rotate_every = \"90d\"
# deliver = [\"dotenv:/srv/backup/.env#N8N_API_KEY\"]
";

impl Config {
    /// Reads and checks a configuration file; all its faults are in one report.
    pub(crate) fn load(path: &Path) -> Result<Self, Report> {
        let shown = path.display();
        let cannot = || Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read `{shown}`"));
        // Not waited for: a pipe that nobody writes to is no configuration.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let opened = rustix::fs::open(path, flags, Mode::empty()).map(std::fs::File::from);
        let elsewhere = "keywright --config FILE …   # if it is elsewhere";
        let opened = opened.map_err(std::io::Error::from).map_err(|error| {
            let report = cannot().caused_by(&error);
            match error.kind() {
                ErrorKind::NotFound => report.mend("keywright init   # makes one here"),
                ErrorKind::PermissionDenied => {
                    report.mend(format!("ls -l {shown}   # its owner is who runs keywright"))
                }
                _ => report,
            }
            .mend(elsewhere)
        })?;
        if opened.metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(cannot().because("it is not a file").mend(elsewhere));
        }
        let mut bytes = Vec::new();
        opened
            .take(MAX_CONFIG_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cannot().caused_by(&error).mend(elsewhere))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_CONFIG_BYTES {
            return Err(cannot()
                .because(format!("it is longer than {MAX_CONFIG_BYTES} bytes"))
                .mend("is it the right file?"));
        }
        let text = String::from_utf8(bytes).map_err(|other| {
            let before = other.as_bytes().get(..other.utf8_error().valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            cannot().because(format!("its line {line} is no text in UTF-8")).mend("save it as UTF-8")
        })?;
        Self::parse(&text, path).map_err(|faults| report(&faults, path))
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Vec<Fault>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let page = Page::new(text);
        let rest;
        let (mut table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let Some(read) = syntax::rest(text, &page) else { return Err(page.close().0) };
            rest = read;
            table = DeTable::parse_recoverable(&rest).0;
        }
        let config = {
            let top = Section::open(&page, "", String::new(), 1, table.get_ref());
            let config = root::read(&top, path);
            let folder = path.parent().unwrap_or(Path::new(""));
            let instances = instance::read(&top, folder);
            // One that is faulty is declared all the same.
            let declared: Vec<InstanceName> = top.names("instance");
            let (services, faulty) = service::read(&top, folder);
            let addresses = integration::Addresses::new(services.clone(), faulty);
            let integrations = integration::read(&top, &declared, &addresses);
            let channels = notify::read(&top, folder);
            let forges = forge::read(&top, folder);
            let wishes = Wishes { instances, integrations };
            config.map(|config| Self { channels, services, forges, wishes, ..config })
        };
        let (faults, lines) = page.close();
        match config {
            Some(config) if faults.is_empty() => Ok(Self { lines, ..config }),
            _ => Err(faults),
        }
    }

    /// The store's place, its password fetched.
    pub(crate) fn place(&self) -> Result<StorePlace, Report> {
        Ok(match &self.store {
            StoreSetting::File(path) => StorePlace::Sqlite(path.clone()),
            StoreSetting::Postgres { url, password } => StorePlace::Postgres {
                url: url.clone(),
                password: password.as_ref().map(secrets::referenced).transpose()?,
            },
        })
    }

    /// What is declared; integrations as if they were declared now.
    pub(crate) fn wishes(&self, now: Timestamp) -> Wishes {
        let mut wishes = self.wishes.clone();
        for integration in &mut wishes.integrations {
            integration.created_at = now;
        }
        wishes
    }

    /// The line of a setting or section; of the nearest thing around it.
    pub(crate) fn line_of(&self, setting: &str) -> Option<usize> {
        let around = setting.rsplit_once('.').map(|(around, _)| around);
        self.lines.get(setting).copied().or_else(|| self.line_of(around?))
    }

    /// Channels with their secrets fetched.
    pub(crate) async fn channels(&self, store: &dyn Store) -> Result<Vec<ChannelConfig>, Report> {
        let mut channels = Vec::new();
        for channel in &self.channels {
            channels.push(channel.resolve(store).await?);
        }
        Ok(channels)
    }

    /// Forges with their secrets fetched.
    pub(crate) async fn forges(&self, store: &dyn Store) -> Result<Vec<Forge>, Report> {
        let mut forges = Vec::new();
        for forge in &self.forges {
            forges.push(forge.resolve(store).await?);
        }
        Ok(forges)
    }

    /// Every place where a secret is said to be, by its setting.
    pub(crate) fn references(&self) -> Vec<(String, SecretRef)> {
        let mut all = vec![("master_key".to_owned(), &self.master_key)];
        if let StoreSetting::Postgres { password: Some(password), .. } = &self.store {
            all.push(("store_password".to_owned(), password));
        }
        for wish in &self.wishes.instances {
            all.extend(references(&wish.name, &wish.login, &wish.transport));
        }
        all.extend(self.channels.iter().flat_map(Channel::references));
        all.extend(self.forges.iter().flat_map(ForgeConfig::references));
        let mut all: Vec<(String, SecretRef)> =
            all.into_iter().map(|(setting, reference)| (setting, reference.clone())).collect();
        for service in &self.services {
            let its = service.settings().secrets();
            all.extend(its.map(|(name, one)| (format!("service.{}.{name}", service.name()), one)));
        }
        all
    }

    /// Environment variables that hold a secret.
    pub(crate) fn secret_variables(&self) -> Vec<String> {
        let names = self.references().into_iter().filter_map(|(_, reference)| match reference {
            SecretRef::Env(name) => Some(name.clone()),
            SecretRef::File(_) | SecretRef::Sealed(_) => None,
        });
        std::iter::once(MASTER_KEY_VARIABLE.to_owned()).chain(names).collect()
    }
}

fn report(faults: &[Fault], path: &Path) -> Report {
    let shown = path.display();
    let number = if faults.len() == 1 { "a fault".to_owned() } else { format!("{} faults", faults.len()) };
    let what = format!("`{shown}` has {number}");
    let report = Report::new(Blame::Operator, Retry::AfterFix, what);
    let first = faults.iter().take(MAX_TOLD);
    let mut report = first.fold(report, |report, fault| report.because(format!("{shown}:{fault}")));
    if faults.len() > MAX_TOLD {
        report = report.because(format!("and {} more", faults.len() - MAX_TOLD));
    }
    report.mend(format!("edit `{shown}`; its settings are in docs/reference/settings.md"))
}

/// The accepted name that is nearest to a wrong one, if one is near.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A text of some length is near to no name, and costs its length to find out.
    if name.len() > 100 {
        return None;
    }
    let rated = names.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    rated.filter(|(distance, known)| *distance <= known.len() / 3 + 1).min().map(|(_, known)| known)
}
