//! What the suite wants of the other side of a channel.

use std::{sync::Arc, time::Duration};

use model::{Channel, Clock, Notice, NoticeId, NoticeKind, Timestamp, Ulid};
use notices::{ChannelConfig, Limits, Way, open_within};

pub(crate) const CANARY: &str = "canary-0123456789-abcdefghij";
/// Enough for a busy machine; a case that waits for it to pass uses [`SHORT`].
pub(crate) const LONG: Duration = Duration::from_secs(30);
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// How the other side is today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    Refuses,
    Throttles,
    Gone,
    Silent,
    Floods,
}

/// The other side of a channel.
pub(crate) trait Receiver: Sized {
    async fn start(mood: Mood) -> Self;
    /// How to reach it; every secret in it says `canary`.
    fn way(&self) -> Way;
    /// The ids of the notices that arrived, in order.
    fn arrived(&self) -> Vec<String>;
}

pub(crate) struct FixedClock;

#[async_trait::async_trait]
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_100).unwrap()
    }

    async fn wait_until(&self, _until: Timestamp) {}
}

pub(crate) fn channel(way: Way, limit: Duration) -> Box<dyn Channel> {
    let config = ChannelConfig { name: "on-call".parse().unwrap(), kinds: Vec::new(), way };
    let limits = Limits { connect: limit, whole: limit };
    open_within(&config, &["CARGO_PKG_NAME".to_owned()], Arc::new(FixedClock), limits).unwrap()
}

pub(crate) fn notice() -> Notice {
    Notice {
        id: NoticeId(Ulid::from_parts(1_700_000_000_000, 7)),
        at: Timestamp::from_second(1_700_000_000).unwrap(),
        kind: NoticeKind::Stalled,
        instance: Some("prod".parse().unwrap()),
        integration: Some("backups".parse().unwrap()),
        rotation: Some("01jabcdefghjkmnpqrstvwxyz0".parse().unwrap()),
        text: "the rotation of `backups` stalled at `deliver`".to_owned(),
        mend: Some("keywright rotate --resume backups".to_owned()),
        detail: [("step".to_owned(), "deliver".into())].into(),
    }
}
