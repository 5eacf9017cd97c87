//! Places for the contract: a token and version 2, version 1, and `OpenBao` by `AppRole` in a namespace without patches.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::value::to_raw_value;

use super::{
    State, Vault,
    engine::{Engine, Fields, Version, fields},
    policy::Policy,
};
use crate::{place::RemotePlace, server::Server};

const TOKEN: &str = "canary-vault-token";
const PATH: &str = "n8n/backups";
const FIELD: &str = "api_key";
/// More digits than any number of ours has.
pub(super) const AROUND: &str =
    r#"{"number": 123456789012345678901234567890, "other": "kept", "list": [1.50, null]}"#;

/// A server with one mount, `secret`.
pub(super) struct Place {
    pub(super) server: Server,
    pub(super) vault: Arc<Vault>,
}

impl Place {
    pub(super) async fn start(state: State) -> Self {
        let vault = Arc::new(Vault(Mutex::new(state)));
        Self { server: Server::start(vault.clone()).await, vault }
    }

    /// The fields that are there.
    pub(super) fn current(state: &State) -> Option<Fields> {
        match &state.mounts["secret"] {
            Engine::One(secrets) => secrets.get(PATH).cloned(),
            Engine::Fixed(fields) => Some(fields.clone()),
            Engine::Two(secrets) => {
                let last = secrets.get(PATH)?.last()?;
                (!last.deleted && !last.destroyed).then(|| last.fields.clone())
            }
        }
    }

    /// Makes a version of its own of these fields.
    pub(super) fn put(state: &mut State, fields: Fields) {
        match state.mounts.get_mut("secret").unwrap() {
            Engine::One(secrets) => drop(secrets.insert(PATH.to_owned(), fields)),
            Engine::Fixed(fixed) => *fixed = fields,
            Engine::Two(secrets) => {
                let versions = secrets.entry(PATH.to_owned()).or_default();
                versions.push(Version { fields, deleted: false, destroyed: false, dropped: false });
            }
        }
    }

    pub(super) fn put_by_hand(&self, key: &str) {
        let mut state = self.vault.0.lock().unwrap();
        let mut all = fields(AROUND);
        all.insert(FIELD.to_owned(), to_raw_value(key).unwrap());
        Self::put(&mut state, all);
    }

    pub(super) fn look(&self) -> Option<String> {
        let all = Self::current(&self.vault.0.lock().unwrap())?;
        all.get(FIELD).map(|raw| serde_json::from_str(raw.get()).unwrap())
    }

    pub(super) fn surroundings(&self) -> String {
        let mut all = Self::current(&self.vault.0.lock().unwrap()).unwrap_or_default();
        all.remove(FIELD);
        serde_json::to_string(&all).unwrap()
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let vault = Arc::clone(&self.vault);
        Box::new(move || {
            let mut state = vault.0.lock().unwrap();
            let mut all = Self::current(&state).unwrap_or_default();
            all.insert("other".to_owned(), to_raw_value("by-hand").unwrap());
            Self::put(&mut state, all);
        })
    }

    /// Older versions that hold a key and can be read.
    pub(super) fn old_copies(&self, key: &str) -> usize {
        let state = self.vault.0.lock().unwrap();
        let Engine::Two(secrets) = &state.mounts["secret"] else { return 0 };
        let Some(versions) = secrets.get(PATH) else { return 0 };
        let holds = |version: &&Version| {
            let text = version.fields.get(FIELD).map(|raw| raw.get());
            !version.deleted && !version.destroyed && text == Some(&format!("\"{key}\""))
        };
        versions[..versions.len() - 1].iter().filter(holds).count()
    }
}

/// A server of version 2 with a token that may do what the documentation says.
pub(super) fn version_two() -> State {
    let marks = [
        "Version 2:",
        "`old_versions = \"disable\"`:",
        "`old_versions = \"destroy\"`:",
        "searched, version 2:",
    ];
    State {
        mounts: [("secret".to_owned(), Engine::Two(BTreeMap::new()))].into(),
        policy: Policy::documented(&marks),
        tokens: [TOKEN.to_owned()].into(),
        ..State::default()
    }
}

fn version_one() -> State {
    State {
        mounts: [("secret".to_owned(), Engine::One(BTreeMap::new()))].into(),
        policy: Policy::documented(&["Version 1:", "searched, version 1:"]),
        tokens: [TOKEN.to_owned()].into(),
        ..State::default()
    }
}

fn openbao() -> State {
    let policy = version_two().policy;
    let without_patch = policy.without("patch");
    State {
        policy: without_patch,
        tokens: BTreeSet::new(),
        namespace: Some("team-a/eu".to_owned()),
        login_namespace: Some("team-a".to_owned()),
        role: Some(("role".to_owned(), "canary-secret-id".to_owned())),
        ..version_two()
    }
}

macro_rules! place {
    ($place:ident, $kind:literal, $state:expr, $locked:literal, $old:expr, $settings:expr, $variables:expr) => {
        pub(crate) struct $place(pub(super) Place);

        impl RemotePlace for $place {
            const LOCKED: bool = $locked;
            const OLD_VERSIONS: &'static [&'static str] = $old;

            async fn start() -> Self {
                Self(Place::start($state).await)
            }

            fn server(&self) -> &Server {
                &self.0.server
            }

            fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
                let settings: &[(&'static str, &str)] = $settings;
                let mut all = vec![("url", self.0.server.url.clone())];
                all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
                ($kind, all)
            }

            fn variables(&self) -> Vec<(&'static str, String)> {
                let variables: &[(&'static str, &str)] = $variables;
                variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
            }

            fn address(&self) -> String {
                format!("{}:secret/{PATH}#{FIELD}", $kind)
            }

            fn put_by_hand(&self, key: &str) {
                self.0.put_by_hand(key);
            }

            fn look(&self) -> Option<String> {
                self.0.look()
            }

            fn surroundings(&self) -> String {
                self.0.surroundings()
            }

            fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
                self.0.change_by_hand()
            }

            fn take_away(&self) -> bool {
                false
            }

            fn forbid(&self) {
                let mut state = self.0.vault.0.lock().unwrap();
                state.policy = Policy::parsed("path \"secret/*\" { capabilities = [\"read\", \"list\"] }");
            }

            fn lock_out(&self) {
                let mut state = self.0.vault.0.lock().unwrap();
                (state.tokens, state.role) = (BTreeSet::new(), None);
            }

            fn old_copies(&self, key: &str) -> usize {
                self.0.old_copies(key)
            }
        }
    };
}

const BOTH: &[&str] = &["disable", "destroy"];

place!(V2Place, "vault", version_two(), true, BOTH, &[("token", "env:TOKEN")], &[("TOKEN", TOKEN)]);
place!(
    V1Place,
    "vault",
    version_one(),
    false,
    &[],
    &[("token", "env:VAULT_TOKEN")],
    &[("VAULT_TOKEN", TOKEN)]
);
place!(
    BaoPlace,
    "openbao",
    openbao(),
    true,
    BOTH,
    &[("role_id", "role"), ("secret_id", "env:SECRET_ID"), ("auth_namespace", "team-a")],
    &[("SECRET_ID", "canary-secret-id"), ("BAO_NAMESPACE", "team-a/eu"), ("VAULT_NAMESPACE", "other")]
);
