use super::*;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn steps(mode: Mode, keys: KeyModel, reload: &[&str]) -> Vec<Step> {
    let destinations = ["file:/a", "file:/b"].map(address);
    let reload = reload.iter().map(|to| (address(to), address("systemd:app.service"))).collect();
    let steps = plan(mode, keys, &destinations, &reload);
    assert!(steps.iter().zip(0..).all(|(step, number)| step.number == number));
    steps
}

fn shown(steps: &[Step]) -> String {
    steps.iter().map(|step| step.kind.as_str()).collect::<Vec<_>>().join(" ")
}

fn kinds(mode: Mode, keys: KeyModel) -> String {
    shown(&steps(mode, keys, &[]))
}

/// What undoes a rotation of which so many steps were begun.
fn undo(mode: Mode, reload: &[&str], begun: usize) -> Vec<Step> {
    let mut steps = steps(mode, KeyModel::Many, reload);
    steps.iter_mut().take(begun).for_each(|step| step.attempts = 1);
    let count = u32::try_from(steps.len()).unwrap();
    let undo = plan_abort(&Rotation {
        id: RotationId(crate::Ulid::from_parts(1, 1)),
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        mode,
        status: RotationStatus::Running,
        old_keys: Vec::new(),
        new_key: None,
        grace: Period::ZERO,
        grace_until: None,
        attempts: 0,
        next_try: None,
        problem: None,
        gap_ms: None,
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: None,
        steps,
    });
    assert!(undo.iter().zip(count..).all(|(step, number)| step.number == number));
    undo
}

#[test]
fn plans() {
    let both = "deliver confirm deliver confirm";
    assert_eq!(
        kinds(Mode::Graceful, KeyModel::Many),
        format!("check create prove {both} grace retire prove-dead close")
    );
    assert_eq!(
        kinds(Mode::Graceful, KeyModel::OneRefused),
        format!("check retire create prove {both} prove-dead close")
    );
    assert_eq!(
        kinds(Mode::Graceful, KeyModel::OneOverwritten),
        format!("check create prove {both} prove-dead close")
    );
    assert_eq!(
        kinds(Mode::Compromised, KeyModel::Many),
        format!("retire prove-dead check create prove {both} close")
    );
    assert_eq!(kinds(Mode::Create, KeyModel::Many), format!("check create prove {both} close"));
    assert_eq!(kinds(Mode::Revoke, KeyModel::Many), "retire prove-dead close");
    assert_eq!(kinds(Mode::Adopt, KeyModel::Many), "check prove close");
    assert_eq!(kinds(Mode::Deliver, KeyModel::Many), format!("check prove {both} close"));
}

#[test]
fn a_hook_runs_right_after_its_destination_was_confirmed() {
    let steps = steps(Mode::Graceful, KeyModel::Many, &["file:/b"]);
    assert_eq!(
        shown(&steps),
        "check create prove deliver confirm deliver confirm reload grace retire prove-dead close"
    );
    assert_eq!(steps[7].destination, Some(address("file:/b")));
    let hooks = ["file:/a", "file:/b", "file:/elsewhere"];
    let both = "deliver confirm reload deliver confirm reload";
    for (mode, expected) in [
        (Mode::Deliver, format!("check prove {both} close")),
        (Mode::Create, format!("check create prove {both} close")),
        (Mode::Compromised, format!("retire prove-dead check create prove {both} close")),
        (Mode::Revoke, "retire prove-dead close".to_owned()),
        (Mode::Adopt, "check prove close".to_owned()),
    ] {
        assert_eq!(shown(&self::steps(mode, KeyModel::Many, &hooks)), expected);
    }
}

#[test]
fn undoing_puts_back_what_was_touched_and_reloads_what_was_reloaded() {
    let hooks = ["file:/a", "file:/b"];
    // check create prove | deliver confirm reload | deliver confirm reload
    for (begun, expected) in [
        (3, "remove close"),
        (4, "restore remove close"),
        (5, "restore remove close"),
        (6, "restore reload remove close"),
        (8, "restore reload restore remove close"),
        (9, "restore reload restore reload remove close"),
    ] {
        assert_eq!(shown(&undo(Mode::Graceful, &hooks, begun)), expected, "{begun} begun");
    }
    let undo = undo(Mode::Graceful, &["file:/b"], 8);
    assert_eq!(shown(&undo), "restore restore reload remove close");
    assert_eq!(undo[2].destination, Some(address("file:/b")));
}

#[test]
fn undoing_a_mere_delivery_leaves_what_was_delivered() {
    // check prove | deliver confirm reload | deliver confirm
    for begun in [0, 2, 3, 6] {
        assert_eq!(shown(&undo(Mode::Deliver, &["file:/a"], begun)), "close", "{begun} begun");
    }
}

#[test]
fn only_deliveries_and_what_follows_them_go_back() {
    use StepState::{Done, Failed, Planned, Skipped, Started};
    let legal = |kind: StepKind| {
        let all = [Planned, Started, Failed, Done, Skipped];
        all.iter()
            .flat_map(|from| all.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.check_transition(*to, kind).is_ok())
            .count()
    };
    assert_eq!(legal(StepKind::Retire), 8);
    for kind in [StepKind::Deliver, StepKind::Confirm, StepKind::Reload] {
        assert_eq!(legal(kind), 9);
    }
}

#[test]
fn an_integration_of_before_the_hooks_is_still_read() {
    let text = r#"{"name":"backups","instance":"prod","role":"client","owner":null,"scopes":[],
        "rotate_every":null,"grace":"1h","expires_after":null,"destinations":["file:/a"],
        "created_at":"2026-11-27T00:00:00Z"}"#;
    let mut integration: crate::Integration = serde_json::from_str(text).unwrap();
    assert_eq!(integration.reload, BTreeMap::new());
    integration.reload.insert(address("file:/a"), address("systemd:app.service"));
    let kept = serde_json::to_string(&integration).unwrap();
    assert!(kept.contains(r#""reload":{"file:/a":"systemd:app.service"}"#), "{kept}");
    assert_eq!(serde_json::from_str::<crate::Integration>(&kept).unwrap(), integration);
}

#[test]
fn backoff_doubles_up_to_an_hour() {
    let seconds: Vec<i64> = [1, 2, 3, 8, 9, 4_000_000_000].iter().map(|n| backoff(*n).as_secs()).collect();
    assert_eq!(seconds, [30, 60, 120, 3600, 3600, 3600]);
}
