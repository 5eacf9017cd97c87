use model::{Fingerprint, IntegrationRole, KeyId, Period, RotationId, Secret, Source, Ulid};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn integration(every: Option<&str>, on: Option<&str>) -> Integration {
    Integration {
        name: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        role: IntegrationRole::Client,
        owner: None,
        scopes: Vec::new(),
        rotate_every: every.map(|every| every.parse().unwrap()),
        rotate_on: on.map(|on| on.parse().unwrap()),
        grace: Period::days(1),
        expires_after: None,
        destinations: Vec::new(),
        reload: std::collections::BTreeMap::new(),
        silent_after: None,
        source: Source::Command,
        created_at: Timestamp::UNIX_EPOCH,
        retired_at: None,
    }
}

fn key(made: &str, ends: Option<&str>) -> Key {
    let secret = Secret::new("canary-key-that-is-due");
    Key {
        id: KeyId(Ulid::from_parts(1, 1)),
        integration: "backups".parse().unwrap(),
        rotation: RotationId(Ulid::from_parts(1, 2)),
        native_id: "1".into(),
        label: "of old".into(),
        fingerprint: Fingerprint::of(&secret),
        tail: secret.tail(),
        scopes: Vec::new(),
        state: KeyState::Active,
        created_at: at(made),
        expires_at: ends.map(at),
        last_used_at: None,
        retired_at: None,
        proved_dead_at: None,
    }
}

fn check(every: Option<&str>, on: Option<&str>, made: &str, ends: Option<&str>, due: Option<&str>) {
    let (of, keys) = (integration(every, on), [key(made, ends)]);
    assert_eq!(next_due(&of, &keys), due.map(at), "{every:?} {on:?} {made} {ends:?}");
    let Some(due) = due.map(at) else { return };
    let before = due.checked_sub(SignedDuration::from_millis(1)).unwrap();
    assert!(!is_due(&of, &keys, &[], before) && is_due(&of, &keys, &[], due));
}

#[test]
fn by_age_by_calendar_or_by_its_end() {
    let made = "2027-01-01T00:00:00Z";
    check(None, None, made, None, None);
    check(Some("30d"), None, made, None, Some("2027-01-31T00:00:00Z"));
    check(None, Some("30 2 31 * *"), "2027-02-01T00:00:00Z", None, Some("2027-03-31T02:30:00Z"));
    // Eight days before its end: a week and the grace.
    check(None, None, made, Some("2027-03-09T00:00:00Z"), Some("2027-03-01T00:00:00Z"));
    check(Some("90d"), None, made, Some("2027-03-09T00:00:00Z"), Some("2027-03-01T00:00:00Z"));
    check(Some("7d"), None, made, Some("2027-03-09T00:00:00Z"), Some("2027-01-08T00:00:00Z"));
    // A short life is halved: it is not due as it begins.
    check(None, None, made, Some("2027-01-03T00:00:00Z"), Some("2027-01-02T00:00:00Z"));
}

#[test]
fn nothing_is_due_without_a_key_or_out_of_service() {
    let made = "2027-01-01T00:00:00Z";
    let of = integration(Some("30d"), None);
    assert_eq!(next_due(&of, &[]), None);
    let retired = Key { state: KeyState::Retired, ..key(made, None) };
    assert_eq!(next_due(&of, &[retired]), None);
    let other = Key { integration: "others".parse().unwrap(), ..key(made, None) };
    assert_eq!(next_due(&of, &[other]), None);
    let gone = Integration { retired_at: Some(at(made)), ..of };
    assert_eq!(next_due(&gone, &[key(made, None)]), None);
}

#[test]
fn a_time_of_the_calendar_that_comes_again_is_passed_over_once() {
    let of = integration(None, Some("0 3 * * *"));
    let key = key("2027-01-01T02:00:00Z", None);
    let keys = [key];
    let time = "2027-01-01T03:00:00Z";
    assert_eq!(next_due_after(&of, &keys, None), Some(at(time)));
    assert_eq!(next_due_after(&of, &keys, Some(at(time))), Some(at("2027-01-02T03:00:00Z")));
    // Made for a later time: this one is made up for.
    assert_eq!(next_due_after(&of, &keys, Some(at("2027-01-02T03:00:01Z"))), Some(at(time)));
    assert_eq!(next_due_after(&of, &keys, Some(at("2027-01-01T02:00:00Z"))), Some(at(time)));
}
