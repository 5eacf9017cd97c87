//! What the scheduler sees when it asks an instance for its keys, and whom it tells.

use std::sync::Arc;

use model::{Clock as _, EventKind, KeyModel, NoticeKind, Period, SignedDuration, Timestamp};
use rotation::{ScheduleConfig, Scheduler};

use super::support::{Call, FakeNotify, Fault, Made, Rig, Setup};

struct Scene {
    rig: Rig,
    notify: Arc<FakeNotify>,
}

impl Scene {
    fn new() -> Self {
        let grace = Period::seconds(60);
        let rig = Rig::new(Setup {
            model: KeyModel::Many,
            has_key: true,
            destinations: 1,
            grace,
            text_of_second: false,
            seed: 31,
        });
        Self { rig, notify: Arc::default() }
    }

    /// A process that runs for so long, and is then gone.
    async fn runs(&self, by: SignedDuration) {
        self.runs_with(by, |_| {}).await;
    }

    async fn runs_with(&self, by: SignedDuration, each: impl Fn(Timestamp)) {
        let process = self.rig.process(None);
        let scheduler =
            Scheduler::new(self.rig.engine(&process), self.notify.clone(), ScheduleConfig::default());
        let until = self.rig.clock.now() + by;
        while self.rig.clock.now() < until {
            each(self.rig.clock.now());
            let tick = scheduler.tick().await.unwrap();
            scheduler.send().await.unwrap();
            self.rig.clock.jump_to(tick.next.unwrap().min(until));
        }
        process.kill();
    }

    fn count(&self, kind: EventKind) -> usize {
        self.rig.store.events().iter().filter(|event| event.kind == kind).count()
    }

    fn memo(&self, name: &str) -> serde_json::Value {
        self.rig.store.look(|kept| kept.memos[name].clone())
    }
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn a_key_that_nobody_declared_is_told_once() {
    let scene = Scene::new();
    scene.runs(hours(3)).await;
    assert_eq!(scene.notify.sent.lock().unwrap().len(), 0);
    let stranger = Made {
        native_id: "of-a-stranger".into(),
        label: "intruder\u{1b}[31m".into(),
        text: "canary-key-of-a-stranger".into(),
        scopes: Vec::new(),
        created_at: scene.rig.clock.now(),
        expires_at: None,
        lives: true,
        proved: true,
        used_at: None,
    };
    scene.rig.outside.arrange(|state| state.keys.push(stranger));
    scene.runs(hours(3)).await;
    scene.runs(hours(3)).await;
    let told = scene.notify.of(NoticeKind::UnknownKey);
    assert_eq!((told.len(), scene.count(EventKind::KeyUnknown)), (1, 1));
    assert!(told[0].text.contains("intruder") && !told[0].text.contains('\u{1b}'), "{}", told[0].text);
    let memo = scene.memo("survey/prod");
    assert_eq!(memo["unknown"][0]["native_id"], "of-a-stranger");
    assert!(memo["unreachable"].is_null() && memo["at"].is_string());
    assert!(!memo.to_string().contains("canary"));
}

#[tokio::test]
async fn a_key_of_ours_that_is_gone_is_told_once() {
    let scene = Scene::new();
    scene.runs(hours(3)).await;
    scene.rig.outside.arrange(|state| state.keys[0].lives = false);
    scene.runs(SignedDuration::from_mins(30)).await;
    assert_eq!(scene.notify.count(NoticeKind::MissingKey), 0, "one list is not enough");
    scene.runs(hours(4)).await;
    scene.runs(hours(4)).await;
    assert_eq!((scene.notify.count(NoticeKind::MissingKey), scene.count(EventKind::KeyMissing)), (1, 1));
}

#[tokio::test]
async fn an_instance_that_does_not_answer_is_told_once_until_it_does() {
    let scene = Scene::new();
    scene.rig.faults.always(&[(Call::List, Fault::Unreachable)]);
    scene.runs(SignedDuration::from_mins(4)).await;
    assert_eq!(scene.notify.count(NoticeKind::Unreachable), 0, "not at the first");
    scene.runs(hours(1)).await;
    scene.runs(hours(5)).await;
    assert_eq!(scene.notify.count(NoticeKind::Unreachable), 1);
    assert_eq!(scene.memo("survey/prod")["unreachable"], "List failed: Unreachable");
    scene.rig.faults.off();
    scene.runs(hours(2)).await;
    assert!(scene.memo("survey/prod")["unreachable"].is_null());
    scene.rig.faults.always(&[(Call::List, Fault::Unreachable)]);
    scene.runs(hours(2)).await;
    assert_eq!(scene.notify.count(NoticeKind::Unreachable), 2, "it is news again");
}

#[tokio::test]
async fn a_program_that_always_called_and_calls_no_more_is_told_once() {
    for silent_after in [None, Some(Period::days(2))] {
        let scene = Scene::new();
        scene.rig.store.arrange(|kept| kept.integrations[0].silent_after = silent_after);
        let calls = |now: Timestamp| {
            scene.rig.outside.arrange(|state| {
                let last = state.keys[0].used_at;
                if last.is_none_or(|last| now.duration_since(last) >= hours(12)) {
                    state.keys[0].used_at = Some(now);
                }
            });
        };
        scene.runs_with(hours(24 * 5), calls).await;
        let used = scene.rig.store.keys()[0].last_used_at.unwrap();
        assert!(scene.rig.clock.now().duration_since(used) < hours(15), "uses are noted");
        scene.runs(hours(20)).await;
        assert_eq!(scene.notify.count(NoticeKind::Silence), 0, "{silent_after:?}");
        scene.runs(hours(36)).await;
        scene.runs(hours(36)).await;
        assert_eq!(scene.notify.count(NoticeKind::Silence), 1, "{silent_after:?}");
        scene.runs_with(hours(24), calls).await;
        scene.runs(hours(24 * 4)).await;
        assert_eq!(scene.notify.count(NoticeKind::Silence), 2, "{silent_after:?}");
    }
}

#[tokio::test]
async fn where_uses_are_not_told_nobody_is_silent() {
    let scene = Scene::new();
    scene.rig.store.arrange(|kept| kept.integrations[0].silent_after = Some(Period::days(1)));
    scene.runs(hours(24 * 10)).await;
    assert_eq!(scene.notify.sent.lock().unwrap().len(), 0);
}
