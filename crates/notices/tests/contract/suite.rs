//! The cases, each for any channel.

use std::time::Instant;

use model::{ChannelErrorKind as Kind, Retry};

use crate::receiver::{LONG, Mood, Receiver, SHORT, channel, notice};

pub(crate) async fn arrives_again_with_the_same_id<R: Receiver>() {
    let receiver = R::start(Mood::Takes).await;
    let channel = channel(receiver.way(), LONG);
    assert_eq!(channel.name().as_str(), "on-call");
    channel.send(&notice()).await.unwrap();
    channel.send(&notice()).await.unwrap();
    let id = notice().id.to_string();
    assert_eq!(receiver.arrived(), [id.clone(), id]);
}

async fn check<R: Receiver>(mood: Mood, kind: Kind) -> Retry {
    let receiver = R::start(mood).await;
    let failure = channel(receiver.way(), LONG).send(&notice()).await.unwrap_err();
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(!failure.report.mend.is_empty() && !failure.report.because.is_empty(), "{failure}");
    assert_eq!(receiver.arrived(), Vec::<String>::new());
    failure.report.retry
}

pub(crate) async fn a_refusal_is_told<R: Receiver>() {
    assert_eq!(check::<R>(Mood::Refuses, Kind::Refused).await, Retry::AfterFix);
}

pub(crate) async fn a_wait_is_told<R: Receiver>() {
    assert!(matches!(check::<R>(Mood::Throttles, Kind::Throttled).await, Retry::Later(_)));
}

pub(crate) async fn nobody_there_is_unreachable<R: Receiver>() {
    assert!(matches!(check::<R>(Mood::Gone, Kind::Unreachable).await, Retry::Later(_)));
}

pub(crate) async fn silence_ends_in_time<R: Receiver>() {
    let receiver = R::start(Mood::Silent).await;
    let began = Instant::now();
    let failure = channel(receiver.way(), SHORT).send(&notice()).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Unreachable, "{failure}");
    assert!(failure.to_string().contains("300 ms"), "{failure}");
    assert!(began.elapsed() >= SHORT && began.elapsed() < LONG, "{:?}", began.elapsed());
}

pub(crate) async fn a_flood_is_bounded<R: Receiver>() {
    let receiver = R::start(Mood::Floods).await;
    let began = Instant::now();
    let sent = channel(receiver.way(), LONG / 10).send(&notice()).await;
    assert!(began.elapsed() < LONG, "{sent:?}");
    assert!(!format!("{sent:?}").contains("flood"), "{sent:?}");
}

pub(crate) async fn no_secret_is_in_an_error<R: Receiver>() {
    for mood in [Mood::Refuses, Mood::Throttles, Mood::Gone, Mood::Silent, Mood::Floods] {
        let receiver = R::start(mood).await;
        assert!(!format!("{:?}", receiver.way()).contains("canary"), "a setting shows a secret");
        if let Err(failure) = channel(receiver.way(), SHORT).send(&notice()).await {
            let all = format!("{failure} {failure:?}");
            assert!(!all.contains("canary"), "{mood:?}: {all}");
        }
    }
}
