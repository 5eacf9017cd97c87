use super::*;

fn kinds(mode: Mode, keys: KeyModel) -> String {
    let destinations = ["file:/a".parse().unwrap(), "file:/b".parse().unwrap()];
    let steps = plan(mode, keys, &destinations);
    assert!(steps.iter().zip(0..).all(|(step, number)| step.number == number));
    steps.iter().map(|step| step.kind.as_str()).collect::<Vec<_>>().join(" ")
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
}

#[test]
fn only_deliveries_go_back() {
    use StepState::{Done, Failed, Planned, Skipped, Started};
    let legal = |kind: StepKind| {
        let all = [Planned, Started, Failed, Done, Skipped];
        all.iter()
            .flat_map(|from| all.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.check_transition(*to, kind).is_ok())
            .count()
    };
    assert_eq!(legal(StepKind::Retire), 8);
    assert_eq!(legal(StepKind::Deliver), 9);
}

#[test]
fn backoff_doubles_up_to_an_hour() {
    let seconds: Vec<i64> = [1, 2, 3, 8, 9, 4_000_000_000].iter().map(|n| backoff(*n).as_secs()).collect();
    assert_eq!(seconds, [30, 60, 120, 3600, 3600, 3600]);
}
