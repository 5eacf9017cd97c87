//! What a scheduler leaves behind when it loses its role, is stopped, or dies, and who picks it up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{
    ChannelName, Clock as _, EventKind, Notice, NoticeId, NoticeKind, RotationStatus, SignedDuration,
    StepKind, Ulid,
};
use rotation::Point;
use serde_json::json;
use tokio::sync::oneshot;

use super::scheduling::{WEEK, calm, count, live, passes, rig, scheduler, statuses};
use super::support::{FakeNotify, Rig, address};

/// The end that all of this has to come to.
fn check_turned_once(rig: &Rig) {
    assert_eq!(statuses(rig), [RotationStatus::Done]);
    let id = rig.store.look(|kept| kept.rotations[0].id);
    let told = |kind: EventKind| {
        let events = rig.store.events().into_iter();
        events.filter(|event| event.rotation == Some(id) && event.kind == kind).count()
    };
    assert_eq!((told(EventKind::RotationStarted), told(EventKind::RotationDone)), (1, 1));
    assert_eq!(rig.outside.look(|state| state.violations.clone()), Vec::<String>::new());
    assert_eq!(rig.outside.living().len(), 1);
    assert!(rig.outside.works(&rig.outside.text(&address(0)).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_lost_its_role_stops_at_once_and_another_goes_on() {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    rig.clock.jump_to(rig.clock.now() + WEEK);
    rig.clock.tie();
    let (one, other) = (rig.process(None), rig.process(None));
    let (first, second) = (scheduler(&rig, &one, &notify), scheduler(&rig, &other, &notify));
    let effected = one.stops_at(StepKind::Create, Point::Effected);
    let run = |scheduler: &rotation::Scheduler| {
        let scheduler = scheduler.clone();
        tokio::spawn(async move { scheduler.run(std::future::pending()).await })
    };
    let leader = run(&first);
    effected.await;
    let follower = run(&second);
    passes(5).await;
    assert!(first.pulse().view().is_leader && !second.pulse().view().is_leader);
    // As when its session with the database is cut; the process itself lives.
    rig.store.dismiss("scheduler");
    passes(1).await;
    assert!(second.pulse().view().is_leader);
    one.goes_on();
    while statuses(&rig) != [RotationStatus::Done] {
        passes(1).await;
    }
    assert!(!first.pulse().view().is_leader && second.pulse().view().is_leader);
    assert_eq!((first.pulse().view().done, second.pulse().view().done), (0, 1));
    check_turned_once(&rig);
    assert_eq!(count(&rig, EventKind::OrphanRemoved), 1, "the key that was made when the role was lost");
    assert_eq!(notify.count(NoticeKind::Done), 1);
    // The role is taken once more by who had it.
    rig.store.dismiss("scheduler");
    passes(1).await;
    assert!(first.pulse().view().is_leader && !second.pulse().view().is_leader);
    leader.abort();
    follower.abort();
}

/// Stopped while its key is being made; that goes on after so many seconds. `stop_within` is 20.
async fn check_stopped(goes_on_after: u64, left: RotationStatus) {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    rig.clock.jump_to(rig.clock.now() + WEEK);
    rig.clock.tie();
    let one = rig.process(None);
    let first = scheduler(&rig, &one, &notify);
    let effected = one.stops_at(StepKind::Create, Point::Effected);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move { first.run(async { drop(stopped.await) }).await });
    effected.await;
    stop.send(()).unwrap();
    passes(goes_on_after).await;
    one.goes_on();
    tokio::time::timeout(Duration::from_secs(1), running).await.unwrap().unwrap().unwrap();
    assert_eq!(statuses(&rig), [left]);
    assert_eq!(count(&rig, EventKind::SchedulerStopped), 1);
    passes(600).await;
    assert_eq!(statuses(&rig), [left], "nothing goes on behind its back");

    live(&rig, &calm(&rig, &notify), SignedDuration::from_hours(1)).await;
    check_turned_once(&rig);
    assert_eq!(notify.count(NoticeKind::Done), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_may_end_when_the_scheduler_stops_and_is_left_when_its_time_is_up() {
    check_stopped(19, RotationStatus::Waiting).await;
    check_stopped(21, RotationStatus::Running).await;
}

/// A notice that waits, as the store keeps it.
fn queued(number: u64, rig: &Rig) -> (String, serde_json::Value) {
    let id = NoticeId(Ulid::from_parts(number, 1));
    let notice = Notice::new(id, rig.clock.now(), NoticeKind::Silence, format!("notice {number}"));
    let kept = json!({"notice": notice, "sent_to": [], "tries": 0, "next_try": rig.clock.now()});
    (format!("outbox-notice/{id}"), kept)
}

#[tokio::test]
async fn of_too_many_notices_the_oldest_are_given_up() {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    notify.fails.store(true, Ordering::SeqCst);
    rig.store.arrange(|kept| kept.memos.extend((0..1_007).map(|number| queued(number, &rig))));
    calm(&rig, &notify).send().await.unwrap();
    let waiting = rig.store.look(|kept| {
        kept.memos
            .keys()
            .filter_map(|name| name.strip_prefix("outbox-notice/").map(str::to_owned))
            .collect::<Vec<_>>()
    });
    let id = |number: u64| NoticeId(Ulid::from_parts(number, 1)).to_string();
    assert_eq!(waiting, (7..1_007).map(id).collect::<Vec<_>>());
    let mut sent: Vec<String> =
        notify.of(NoticeKind::Silence).iter().map(|notice| notice.id.to_string()).collect();
    sent.sort();
    assert_eq!(sent, waiting, "the rest reaches who listens");
    let given_up: Vec<_> = rig
        .store
        .events()
        .into_iter()
        .filter(|event| event.kind == EventKind::NotificationFailed && event.detail.contains_key("given_up"))
        .map(|event| (event.detail["notice"].clone(), event.detail["problem"].clone()))
        .collect();
    assert_eq!(
        given_up,
        (0..7).map(|number| (json!(id(number)), json!("too many notices wait"))).collect::<Vec<_>>()
    );
    let health = rig
        .store
        .look(|kept| kept.memos[&format!("channel/{}", "pager".parse::<ChannelName>().unwrap())].clone());
    assert_eq!(health["failed_in_a_row"], 1_000);
}

/// A scheduler that turns the key and tells of it, and dies at that point of its life, if it comes so far.
async fn dies_at(tick: u32) -> (Rig, Arc<FakeNotify>, Vec<(StepKind, Point, u32)>, u32) {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    let process = rig.process(None);
    process.dies_at(tick);
    let scheduler = scheduler(&rig, &process, &notify);
    rig.clock.jump_to(rig.clock.now() + WEEK);
    process.run(live(&rig, &scheduler, SignedDuration::from_mins(10))).await;
    let moments = process.moments.lock().unwrap().clone();
    let ticks = process.ticks();
    (rig, notify, moments, ticks)
}

#[tokio::test]
async fn the_end_of_a_rotation_is_told_whenever_its_driver_dies() {
    let (_, _, moments, ticks) = dies_at(u32::MAX).await;
    let closes = moments.iter().find(|(kind, point, _)| (*kind, *point) == (StepKind::Close, Point::Before));
    let (from, mut found) = (closes.unwrap().2, 0);
    assert!(ticks > from + 10, "{from} to {ticks}");
    for tick in from..ticks {
        let (rig, notify, ..) = dies_at(tick).await;
        found += usize::from(notify.count(NoticeKind::Done) == 0);
        for _again in 0..2 {
            live(&rig, &calm(&rig, &notify), SignedDuration::from_mins(10)).await;
        }
        assert_eq!(statuses(&rig), [RotationStatus::Done], "{tick}");
        let told = notify.of(NoticeKind::Done);
        assert!(!told.is_empty(), "{tick}: nobody was told");
        assert!(told.iter().all(|notice| notice.id == told[0].id), "{tick}: one notice, sent again at most");
        let left = rig.store.look(|kept| kept.memos.keys().any(|name| name.starts_with("outbox-notice/")));
        assert!(!left, "{tick}");
    }
    assert!(found > 5, "some died before they told it");
}

#[tokio::test]
async fn what_was_undone_or_superseded_is_owed_to_nobody() {
    let (rig, notify) = (rig(), Arc::<FakeNotify>::default());
    let scheduler = calm(&rig, &notify);
    rig.clock.jump_to(rig.clock.now() + WEEK);
    scheduler.tick().await.unwrap();
    assert_eq!(statuses(&rig), [RotationStatus::Waiting]);
    scheduler.send().await.unwrap();
    let person = rig.calm_engine();
    let id = rig.store.look(|kept| kept.rotations[0].id);
    person.abort(id).await.unwrap();
    scheduler.send().await.unwrap();
    assert_eq!(notify.count(NoticeKind::Done), 0);
    assert!(rig.store.look(|kept| kept.memos.keys().all(|name| !name.starts_with("outbox-notice/"))));
}
