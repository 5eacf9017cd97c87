//! Joins the scheduler's notices to the channels of the configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Channel, ChannelError, ChannelErrorKind, ChannelName, Notice};
use notices::ChannelConfig;
use rotation::Notify;

use crate::tally::{Taken, Tally};

/// Channels that are open, or why one is not.
#[derive(Default)]
pub(crate) struct Channels {
    opened: Vec<Opened>,
    tally: Option<Arc<Tally>>,
}

impl Channels {
    /// Opens each; one that cannot be opened fails at each notice, so that it is seen in `status`.
    pub(crate) fn open(
        configs: Vec<ChannelConfig>,
        hidden_variables: &[String],
        clock: &Arc<dyn model::Clock>,
    ) -> Self {
        let open = |config: ChannelConfig| {
            let opened = notices::open(&config, hidden_variables, Arc::clone(clock));
            (config, opened)
        };
        Self { opened: configs.into_iter().map(open).collect(), tally: None }
    }

    /// The same, counted.
    pub(crate) fn counted_by(self, tally: &Arc<Tally>) -> Self {
        Self { tally: Some(Arc::clone(tally)), ..self }
    }

    /// Sends to these, whatever they want.
    pub(crate) async fn send(&self, notice: &Notice, to: &[ChannelName]) -> Sent {
        let chosen = self.opened.iter().filter(|(config, _)| to.is_empty() || to.contains(&config.name));
        deliver(notice, chosen).await
    }

    pub(crate) fn names(&self) -> Vec<&ChannelName> {
        self.opened.iter().map(|(config, _)| &config.name).collect()
    }
}

type Sent = Vec<(ChannelName, Result<(), ChannelError>)>;
type Opened = (ChannelConfig, Result<Box<dyn Channel>, ChannelError>);

#[async_trait::async_trait]
impl Notify for Channels {
    async fn notify(&self, notice: &Notice, has_it: &BTreeSet<ChannelName>) -> Sent {
        let wants = |(config, _): &&Opened| config.wants(notice.kind) && !has_it.contains(&config.name);
        let sent = deliver(notice, self.opened.iter().filter(wants)).await;
        for (channel, result) in &sent {
            let taken = if result.is_ok() { Taken::Yes } else { Taken::No };
            if let Some(tally) = &self.tally {
                tally.told(channel, notice.kind, taken);
            }
        }
        sent
    }
}

/// To all at once: none waits for another.
async fn deliver<'a>(notice: &Notice, to: impl Iterator<Item = &'a Opened>) -> Sent {
    let sending = to.map(|(config, channel)| async move {
        let sent = match channel {
            Ok(channel) => channel.send(notice).await,
            Err(failure) => {
                Err(ChannelError { kind: ChannelErrorKind::BadSetting, report: failure.report.clone() })
            }
        };
        (config.name.clone(), sent)
    });
    futures_util::future::join_all(sending).await
}
