//! What the sandboxed instance holds.

mod keys;
mod things;
mod throttle;
mod users;
mod workflows;

use std::collections::HashSet;

pub use keys::KeyView;
pub(crate) use keys::{Clash, KeyRow, Keys};
pub(crate) use things::{Credential, Execution, Tag, Things};
pub(crate) use throttle::{Limit, Throttle};
pub(crate) use users::{Mfa, User, Users};
pub(crate) use workflows::{Workflow, Workflows};

use crate::ids::Ids;
use crate::routes::Operations;
use crate::{Clock, Options, Profile};

/// Everything; one lock guards it, and no change waits for anything.
pub(crate) struct State {
    pub(crate) profile: Profile,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) url: String,
    pub(crate) signing_secret: String,
    pub(crate) users: Users,
    pub(crate) keys: Keys,
    /// Sessions that were logged out.
    pub(crate) ended_sessions: HashSet<String>,
    pub(crate) throttle: Throttle,
    pub(crate) workflows: Workflows,
    pub(crate) things: Things,
    pub(crate) operations: Operations,
}

impl State {
    pub(crate) fn new(profile: Profile, options: Options, url: String) -> Self {
        let mut ids = Ids::new(options.seed);
        let now = options.clock.now_ms();
        let users = Users::new(&mut ids, now, options.owner, options.members);
        let workflows = Workflows::preset(&mut ids, now, options.workflows, users.owner());
        let things = Things::preset(now, options.executions, &workflows);
        Self {
            profile,
            clock: options.clock,
            ids,
            url,
            signing_secret: options.signing_secret,
            users,
            keys: Keys::default(),
            ended_sessions: HashSet::new(),
            throttle: Throttle::default(),
            workflows,
            things,
            operations: Operations::of(profile),
        }
    }

    /// The id of the key with this text, if the public API would let it in.
    pub(crate) fn live_key_id(&self, text: &str) -> Option<String> {
        let row = self.keys.by_text(text)?;
        row.lives_at(self.clock.now_s()).then(|| row.id.clone())
    }

    pub(crate) fn key_views(&self) -> Vec<KeyView> {
        let now = self.clock.now_s();
        self.keys.views(now, |user| self.owner_of(user))
    }

    pub(crate) fn current_key_views(&self) -> Vec<KeyView> {
        let now = self.clock.now_s();
        self.keys.current_views(now, |user| self.owner_of(user)).map(|(_, view)| view).collect()
    }

    fn owner_of(&self, user: &str) -> Option<String> {
        self.users.by_id(user).map(|user| user.email.clone())
    }
}
