//! The scheduler: what it begins, what it leaves to people, whom it tells, and who of several works.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::{
    Clock as _, EventKind, KeyModel, Mode, NoticeKind, Period, RotationStatus, SignedDuration, StepKind,
};
use rotation::{Point, Request, ScheduleConfig, Scheduler};
use tokio::sync::oneshot;

use super::support::{Call, FakeNotify, Fault, Process, Rig, Setup, address, integration_name};

pub(crate) const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(crate) fn rig() -> Rig {
    let grace = Period::seconds(60);
    let setup = Setup {
        model: KeyModel::Many,
        has_key: true,
        destinations: 2,
        grace,
        text_of_second: false,
        seed: 3,
    };
    let rig = Rig::new(setup);
    rig.store.arrange(|kept| kept.integrations[0].rotate_every = Some(Period::days(7)));
    rig.outside.arrange(|state| state.watched = true);
    rig
}

pub(crate) fn scheduler(rig: &Rig, process: &Arc<Process>, notify: &Arc<FakeNotify>) -> Scheduler {
    Scheduler::new(rig.engine(process), notify.clone(), ScheduleConfig::default())
}

pub(crate) fn calm(rig: &Rig, notify: &Arc<FakeNotify>) -> Scheduler {
    scheduler(rig, &rig.process(None), notify)
}

pub(crate) fn count(rig: &Rig, kind: EventKind) -> usize {
    rig.store.events().iter().filter(|event| event.kind == kind).count()
}

pub(crate) fn statuses(rig: &Rig) -> Vec<RotationStatus> {
    rig.store.look(|kept| kept.rotations.iter().map(|rotation| rotation.status).collect())
}

/// Lets paused time pass: all that can be done by then is done.
pub(crate) async fn passes(seconds: u64) {
    tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
}

/// Ticks, each time when the last one said, until the time has come.
pub(crate) async fn live(rig: &Rig, scheduler: &Scheduler, by: SignedDuration) {
    let until = rig.clock.now() + by;
    while rig.clock.now() < until {
        let tick = scheduler.tick().await.unwrap();
        scheduler.send().await.unwrap();
        rig.clock.jump_to(tick.next.map_or(until, |next| next.min(until)));
    }
}

#[tokio::test]
async fn a_due_key_is_turned_and_people_are_told_once() {
    let (rig, notify) = (rig(), Arc::default());
    let scheduler = calm(&rig, &notify);
    live(&rig, &scheduler, WEEK - SignedDuration::from_mins(1)).await;
    assert_eq!(statuses(&rig), []);
    live(&rig, &scheduler, SignedDuration::from_hours(1)).await;
    assert_eq!(statuses(&rig), [RotationStatus::Done]);
    assert_eq!((notify.count(NoticeKind::Done), notify.sent.lock().unwrap().len()), (1, 2));
    let view = scheduler.pulse().view();
    assert_eq!((view.begun, view.done, view.stalled, view.notices_sent), (1, 1, 0, 2));
    assert_eq!(rig.outside.look(|state| state.violations.clone()), Vec::<String>::new());
}

#[tokio::test]
async fn what_only_a_person_can_turn_is_told_before_and_when_it_is_due() {
    for assisted in [false, true] {
        let (rig, notify) = (rig(), Arc::default());
        rig.store.arrange(|kept| {
            kept.integrations[0].rotate_every = Some(Period::days(30));
            if assisted {
                kept.instances[0].admin_email = None;
            } else {
                kept.integrations[0].destinations.clear();
            }
        });
        live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(22 * 24)).await;
        assert_eq!(notify.count(NoticeKind::DueSoon), 0);
        live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(2 * 24)).await;
        // Another process does not tell it again.
        live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(2 * 24)).await;
        let told = notify.of(NoticeKind::DueSoon);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].mend.as_deref(), Some("keywright rotate backups"));
        live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(10 * 24)).await;
        assert_eq!(notify.count(NoticeKind::DueSoon), 2);
        assert_eq!(statuses(&rig), []);
    }
}

#[tokio::test]
async fn an_open_rotation_that_waits_for_a_person_is_told_daily() {
    for in_grace in [true, false] {
        let (rig, notify) = (rig(), Arc::default());
        let person = rig.engine(&rig.process(None));
        let id = person.start(&Request::new(integration_name(), Mode::Graceful)).await.unwrap();
        if in_grace {
            person.drive(id).await.unwrap();
        }
        rig.store.arrange(|kept| kept.instances[0].admin_email = None);
        let first = SignedDuration::from_secs(if in_grace { 60 } else { 3600 });
        live(&rig, &calm(&rig, &notify), first - SignedDuration::from_secs(5)).await;
        assert_eq!(notify.count(NoticeKind::Stalled), 0);
        live(&rig, &calm(&rig, &notify), SignedDuration::from_mins(2)).await;
        let told = notify.of(NoticeKind::Stalled);
        assert_eq!((told.len(), told[0].mend.as_deref()), (1, Some("keywright rotate --resume backups")));
        assert!(told[0].text.contains("waits for a person"), "{told:?}");
        live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(52)).await;
        assert_eq!(notify.count(NoticeKind::Stalled), 3);
        assert!(rig.store.look(|kept| kept.rotations[0].status.is_open()), "nothing drives it");
    }
}

#[tokio::test]
async fn what_a_person_undid_is_not_begun_again_that_day() {
    let (rig, notify) = (rig(), Arc::default());
    rig.clock.jump_to(rig.clock.now() + WEEK + SignedDuration::from_hours(1));
    let person = rig.engine(&rig.process(None));
    let id = person.start(&Request::new(integration_name(), Mode::Graceful)).await.unwrap();
    person.drive(id).await.unwrap();
    person.abort(id).await.unwrap();
    assert_eq!(statuses(&rig), [RotationStatus::Aborted]);
    live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(23)).await;
    // Another process respects it too.
    live(&rig, &calm(&rig, &notify), SignedDuration::from_mins(50)).await;
    assert_eq!(statuses(&rig), [RotationStatus::Aborted]);
    live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(1)).await;
    assert_eq!(statuses(&rig), [RotationStatus::Aborted, RotationStatus::Done]);
}

#[tokio::test]
async fn what_is_out_of_service_is_left_alone() {
    for instance in [false, true] {
        let (rig, notify) = (rig(), Arc::default());
        let now = Some(rig.clock.now());
        rig.store.arrange(|kept| {
            if instance { kept.instances[0].retired_at = now } else { kept.integrations[0].retired_at = now }
        });
        rig.clock.advance(WEEK * 3);
        let tick = calm(&rig, &notify).tick().await.unwrap();
        assert_eq!((tick.rotations, statuses(&rig)), (0, Vec::new()));
    }
}

#[tokio::test]
async fn a_stalled_rotation_is_told_once_a_day_and_blocks_nobody() {
    let (rig, notify) = (rig(), Arc::default());
    let other = rig.add_integration("reports", &address(9));
    let engine = rig.calm_engine();
    let id = engine.start(&Request::new(other.clone(), Mode::Create)).await.unwrap();
    engine.drive(id).await.unwrap();
    rig.outside.breaks(&address(0), true);
    live(&rig, &calm(&rig, &notify), WEEK + SignedDuration::from_hours(23)).await;
    assert_eq!(notify.count(NoticeKind::Stalled), 1, "once for one problem, whatever the tries");
    assert!(notify.of(NoticeKind::Stalled)[0].text.contains("failed"));
    let done = rig.store.look(|kept| {
        kept.rotations
            .iter()
            .filter(|one| one.integration == other && one.status == RotationStatus::Done)
            .count()
    });
    assert_eq!(done, 2, "the other is turned");
    live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(24)).await;
    assert_eq!(notify.count(NoticeKind::Stalled), 2);
    rig.outside.breaks(&address(0), false);
    live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(3)).await;
    assert!(statuses(&rig).iter().all(|status| *status == RotationStatus::Done));
    assert!(rig.store.look(|kept| kept.memos.keys().all(|name| !name.starts_with("notice/stalled"))));
}

#[tokio::test]
async fn a_grace_does_not_grow_when_the_clock_steps_back() {
    let (rig, notify) = (rig(), Arc::default());
    let scheduler = calm(&rig, &notify);
    rig.clock.advance(WEEK);
    scheduler.tick().await.unwrap();
    assert_eq!(statuses(&rig), [RotationStatus::Waiting]);
    rig.clock.step(SignedDuration::from_hours(-24 * 365));
    live(&rig, &scheduler, SignedDuration::from_mins(3)).await;
    assert_eq!(statuses(&rig), [RotationStatus::Done]);
    assert_eq!(count(&rig, EventKind::KeyRedated), 2, "the old key's and the new one's");
    live(&rig, &scheduler, WEEK - SignedDuration::from_hours(1)).await;
    assert_eq!(statuses(&rig).len(), 1, "a period from now, not at once");
    live(&rig, &scheduler, SignedDuration::from_hours(2)).await;
    assert_eq!(statuses(&rig).len(), 2);
}

#[tokio::test]
async fn a_failing_channel_is_tried_for_a_day_and_the_others_are_not_sent_twice() {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    notify.fails.store(true, Ordering::SeqCst);
    let scheduler = calm(&rig, &notify);
    rig.clock.advance(WEEK);
    live(&rig, &scheduler, SignedDuration::from_mins(10)).await;
    assert_eq!(notify.count(NoticeKind::Done), 1);
    assert_eq!(count(&rig, EventKind::NotificationFailed), 1, "the first failure in a row");
    let health = rig.store.look(|kept| kept.memos["channel/pager"].clone());
    assert_eq!(health["last_error"], "`pager` does not answer");
    // Ticks come every hour; what waits to be sent has times of its own.
    for _ in 0..60 {
        let Some(next) = scheduler.send().await.unwrap() else { break };
        rig.clock.jump_to(next);
    }
    assert_eq!((notify.count(NoticeKind::Done), count(&rig, EventKind::NotificationFailed)), (1, 2));
    assert!(rig.store.look(|kept| kept.memos.keys().all(|name| !name.starts_with("outbox-notice"))));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_channel_delays_no_rotation() {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    rig.clock.tie();
    notify.hangs.store(true, Ordering::SeqCst);
    let scheduler = calm(&rig, &notify);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn({
        let scheduler = scheduler.clone();
        async move { scheduler.run(async { drop(stopped.await) }).await }
    });
    while statuses(&rig).iter().filter(|status| **status == RotationStatus::Done).count() < 3 {
        passes(3_600).await;
    }
    assert_eq!(scheduler.pulse().view().notices_sent, 0);
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!((count(&rig, EventKind::SchedulerStarted), count(&rig, EventKind::SchedulerStopped)), (1, 1));
    assert!(!scheduler.pulse().view().is_leader);
}

#[tokio::test(start_paused = true)]
async fn one_of_two_works_and_the_other_takes_over_when_it_dies() {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    rig.clock.tie();
    let (one, other) = (rig.process(None), rig.process(None));
    let (first, second) = (scheduler(&rig, &one, &notify), scheduler(&rig, &other, &notify));
    let effected = one.stops_at(StepKind::Create, Point::Effected);
    let never = std::future::pending::<()>;
    let leader = tokio::spawn({
        let first = first.clone();
        async move { first.run(never()).await }
    });
    effected.await;
    let follower = tokio::spawn({
        let second = second.clone();
        async move { second.run(never()).await }
    });
    passes(5).await;
    assert!(first.pulse().view().is_leader && !second.pulse().view().is_leader);
    assert_eq!(rig.store.look(|kept| kept.rotations.len()), 1);
    // It dies with a key made and not noted.
    one.kill();
    leader.abort();
    drop(leader.await);
    while statuses(&rig).first() != Some(&RotationStatus::Done) {
        passes(1).await;
    }
    assert!(second.pulse().view().is_leader);
    other.kill();
    follower.abort();
    drop(follower.await);
    let first_one = rig.store.look(|kept| kept.rotations[0].clone());
    let made = rig.outside.look(|state| state.history.iter().filter(|what| *what == "create").count());
    let rotations = rig.store.look(|kept| kept.rotations.len());
    assert!(made <= rotations + 1, "{made} keys were made for {rotations} rotations");
    let started = |kind: EventKind| {
        rig.store
            .events()
            .iter()
            .filter(|event| event.rotation == Some(first_one.id) && event.kind == kind)
            .count()
    };
    assert_eq!((started(EventKind::RotationStarted), started(EventKind::RotationTakenOver)), (1, 1));
    assert_eq!(count(&rig, EventKind::OrphanRemoved), 1);
    rig.recover().await;
    assert_eq!(rig.outside.look(|state| state.violations.clone()), Vec::<String>::new());
    assert_eq!(rig.outside.living().len(), 1);
    assert!(rig.outside.works(&rig.outside.text(&address(0)).unwrap()));
    assert_eq!(integration_name(), first_one.integration);
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_waited_for() {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    rig.clock.tie();
    rig.faults.always(&[(Call::Load, Fault::Refused)]);
    let scheduler = calm(&rig, &notify);
    let began = rig.clock.now();
    let running = tokio::spawn({
        let scheduler = scheduler.clone();
        async move { scheduler.run(std::future::pending()).await }
    });
    while scheduler.pulse().view().store_failures < 20 {
        passes(1).await;
    }
    // Doubled each time, up to a minute: twenty failures of two loops take minutes.
    assert!(rig.clock.now().duration_since(began) > SignedDuration::from_mins(3));
    rig.faults.off();
    while !statuses(&rig).contains(&RotationStatus::Done) {
        passes(3_600).await;
    }
    running.abort();
}
