//! Channels that keep what they are sent, or fail, or hang.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Blame, ChannelError, ChannelErrorKind, ChannelName, Notice, NoticeKind, Report, Retry};
use rotation::Notify;

#[derive(Default)]
pub(crate) struct FakeNotify {
    pub(crate) sent: Mutex<Vec<(ChannelName, Notice)>>,
    /// The channel `pager` fails.
    pub(crate) fails: AtomicBool,
    /// Nothing ever answers.
    pub(crate) hangs: AtomicBool,
}

impl FakeNotify {
    /// How many notices of a kind the channel `mail` got.
    pub(crate) fn count(&self, kind: NoticeKind) -> usize {
        self.of(kind).len()
    }

    pub(crate) fn of(&self, kind: NoticeKind) -> Vec<Notice> {
        let sent = self.sent.lock().unwrap();
        let wanted = sent.iter().filter(|(to, notice)| to.as_str() == "mail" && notice.kind == kind);
        wanted.map(|(_, notice)| notice.clone()).collect()
    }
}

#[async_trait::async_trait]
impl Notify for FakeNotify {
    async fn notify(
        &self,
        notice: &Notice,
        has_it: &BTreeSet<ChannelName>,
    ) -> Vec<(ChannelName, Result<(), ChannelError>)> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let channels = ["mail", "pager"].map(|name| name.parse::<ChannelName>().unwrap());
        let wanted = channels.into_iter().filter(|channel| !has_it.contains(channel));
        wanted
            .map(|channel| {
                if channel.as_str() == "pager" && self.fails.load(Ordering::SeqCst) {
                    let report = Report::new(Blame::Remote, Retry::Later(None), "`pager` does not answer");
                    return (channel, Err(ChannelError::new(ChannelErrorKind::Unreachable, report)));
                }
                self.sent.lock().unwrap().push((channel.clone(), notice.clone()));
                (channel, Ok(()))
            })
            .collect()
    }
}
