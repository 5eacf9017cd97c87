//! One repository: fetched, looked through, and what is found in it dealt with.

use std::collections::BTreeMap;

use forges::Forge;
use model::{Event, EventKind, Notice, NoticeKind, Report, StoreError};
use serde_json::json;

use super::Pushes;
use super::inbox::Waiting;
use super::search::Searched;
use crate::config::Action;
use crate::leaked::{self, Doing, Judged};

/// So many failures in a row are told.
const TOLD_AFTER: u32 = 3;

impl Pushes {
    /// Fetches what is new and deals with the keys in it. Doing it again does no harm; `waiting` asked for it.
    pub(super) async fn look_through(
        &self,
        forge: &Forge,
        action: Action,
        repository: &str,
        waiting: &[Waiting],
    ) -> Result<(), Report> {
        let mut ids: Vec<String> = waiting.iter().flat_map(|one| one.kept.ids.iter().cloned()).collect();
        ids.sort_unstable();
        ids.dedup();
        let fetched = self.fetcher.fetch(forge, repository, &ids).await?;
        let searched = self.search(&self.fetcher.folder_of(forge, repository)).await?;
        let judged = leaked::judge(&*self.engine.store, leaked::gather(&searched.report.findings))
            .await
            .map_err(plain)?;
        let (mut ours, mut others): (Vec<_>, Vec<_>) =
            judged.into_iter().partition(|one| one.ours().is_some());
        self.end(forge, action, repository, &mut ours).await.map_err(plain)?;
        leaked::check(&self.engine, &mut others, &Vec::new()).await.map_err(plain)?;
        self.tell_others(forge, repository, &others).await.map_err(plain)?;
        self.record(forge, repository, waiting, &searched, &fetched.missing, (ours.len(), others.len()))
            .await
            .map_err(plain)?;
        // Of more findings than are kept, some were not looked at: all is read again with the next push.
        if searched.report.more_findings == 0 {
            searched.remember();
        }
        Ok(())
    }

    /// Keys of ours: people are told, then they are turned. They are killed without being asked whether they live.
    async fn end(
        &self,
        forge: &Forge,
        action: Action,
        repository: &str,
        ours: &mut [Judged],
    ) -> Result<(), StoreError> {
        let store = &*self.engine.store;
        self.tally.leaked(&forge.name, "ours", u64::try_from(ours.len()).unwrap_or(u64::MAX));
        for one in leaked::news(store, ours).await? {
            let Some(key) = one.ours().filter(|ours| ours.key.state.lives()) else { continue };
            let name = &key.integration.name;
            let place = one.leak.places.first().map(String::as_str).unwrap_or_default();
            let (doing, mend) = match action {
                Action::Rotate => {
                    ("it is being killed, and a new one put in place", format!("keywright key show {name}"))
                }
                Action::Notify => {
                    ("nothing was done about it", format!("keywright rotate {name} --compromised"))
                }
            };
            let text =
                format!("the key of `{name}` was pushed to `{repository}` at `{}`: {doing}", forge.name);
            let mut notice = self.notice(NoticeKind::Leaked, text);
            notice.instance = Some(key.integration.instance.clone());
            notice.integration = Some(name.clone());
            notice.mend = Some(mend);
            notice.detail = BTreeMap::from([
                ("fingerprint".to_owned(), json!(one.leak.fingerprint)),
                ("forge".to_owned(), json!(forge.name)),
                ("repository".to_owned(), json!(repository)),
                ("place".to_owned(), json!(place)),
                ("more_places".to_owned(), json!(one.leak.places.len().saturating_sub(1))),
            ]);
            // Rather told twice than never: what follows notes that it was told.
            rotation::tell(store, notice).await?;
        }
        leaked::note(&self.engine, ours, &format!("push to {repository} at {}", forge.name)).await?;
        if action == Action::Rotate {
            for turned in leaked::turn(&self.engine, ours, Doing::NowAndTell).await {
                if turned.is_left() {
                    self.ui.warn(&turned.line());
                } else {
                    self.ui.note(&turned.line());
                }
            }
        }
        Ok(())
    }

    /// Keys of others are told if they are alive at an instance of ours.
    async fn tell_others(
        &self,
        forge: &Forge,
        repository: &str,
        others: &[Judged],
    ) -> Result<(), StoreError> {
        self.tally.leaked(&forge.name, "others", u64::try_from(others.len()).unwrap_or(u64::MAX));
        for one in others {
            let short = one.leak.fingerprint.short();
            self.ui.note(&format!("found in `{repository}`: {short}, {}, {}", one.whose(), one.life()));
            let Some(at) = one.life.alive_at().next() else { continue };
            let text = format!(
                "a key that is not ours was pushed to `{repository}` at `{}`, and is alive at `{at}`",
                forge.name
            );
            let mut notice = self.notice(NoticeKind::Leaked, text);
            notice.instance = at.parse().ok();
            notice.mend = one.mends().into_iter().next();
            notice.detail = BTreeMap::from([
                ("fingerprint".to_owned(), json!(one.leak.fingerprint)),
                ("forge".to_owned(), json!(forge.name)),
                ("repository".to_owned(), json!(repository)),
                ("user".to_owned(), json!(one.leak.token.claims.user.as_deref().map(crate::ui::clean))),
                ("places".to_owned(), json!(one.leak.places)),
            ]);
            rotation::tell(&*self.engine.store, notice).await?;
        }
        Ok(())
    }

    /// What was looked through, in the log; nothing, if nobody asked and nothing was found.
    async fn record(
        &self,
        forge: &Forge,
        repository: &str,
        waiting: &[Waiting],
        searched: &Searched,
        missing: &[String],
        (ours, others): (usize, usize),
    ) -> Result<(), StoreError> {
        let report = &searched.report;
        let unread =
            u64::try_from(report.unread.len()).unwrap_or(u64::MAX).saturating_add(report.more_unread);
        let in_part = unread > 0 || report.more_findings > 0 || !missing.is_empty();
        self.tally.pushed(&forge.name, if in_part { "in_part" } else { "searched" });
        if waiting.is_empty() && ours + others == 0 && !in_part {
            return Ok(());
        }
        let at = self.engine.clock.now();
        let event =
            Event::new(self.engine.ids.event(at), at, EventKind::PushSearched, self.engine.actor.clone())
                .with("forge", forge.name.as_str())
                .with("repository", repository)
                .with("deliveries", waiting.len())
                .with("ours", ours)
                .with("others", others)
                .with("objects", report.tally.objects)
                .with("bytes", report.tally.bytes)
                .with("unread", unread)
                .with("missing", json!(missing));
        self.engine.store.record(vec![event]).await
    }

    /// That a repository cannot be looked through, once it is more than a hiccup.
    pub(super) async fn tell_failing(
        &self,
        forge: &Forge,
        repository: &str,
        times: u32,
        report: &Report,
    ) -> Result<(), StoreError> {
        if times != TOLD_AFTER {
            return Ok(());
        }
        let text = format!(
            "what is pushed to `{repository}` at `{}` is not looked through: {}",
            forge.name,
            report.line()
        );
        let mut notice = self.notice(NoticeKind::Unreachable, text);
        notice.mend = report.mend.first().cloned();
        rotation::tell(&*self.engine.store, notice).await
    }

    fn notice(&self, kind: NoticeKind, text: String) -> Notice {
        let at = self.engine.clock.now();
        Notice::new(self.engine.ids.notice(at), at, kind, text)
    }
}

fn plain(failure: StoreError) -> Report {
    *failure.report
}
