//! What was measured, as lines to read: figures, ratios, and whether a bound is met.

use super::contender::Outcome;
use crate::measure::Cost;
use crate::say;

/// Of what a bound is a multiple, or that it stands alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    CpuRatio(f64),
    WallRatio(f64),
    WallMs(f64),
    PeakMb(f64),
}

/// One line for each; ratios are to the first.
pub(crate) fn print(title: &str, outcomes: &[Outcome], recalls: &[Option<String>]) {
    say("");
    say(title);
    say(&format!(
        "  {:<22}{:>10}{:>10}{:>9}{:>8}{:>8}  recall",
        "", "wall ms", "CPU ms", "peak MB", "x wall", "x CPU"
    ));
    let first = outcomes.first().and_then(|outcome| outcome.cost);
    let recalls = recalls.iter().map(Option::as_deref).chain(std::iter::repeat(None));
    for (outcome, recall) in outcomes.iter().zip(recalls) {
        say(&match outcome.cost {
            None => format!("  {:<22}left out: {}", outcome.name, outcome.said),
            Some(cost) => format!(
                "  {:<22}{:>10.1}{:>10.1}{:>9.1}{:>8.2}{:>8.2}  {}",
                outcome.name,
                ms(cost.wall),
                ms(cost.cpu),
                mb(cost.peak_bytes),
                first.map_or(f64::NAN, |first| ms(cost.wall) / ms(first.wall)),
                first.map_or(f64::NAN, |first| ms(cost.cpu) / ms(first.cpu)),
                recall.unwrap_or("-")
            ),
        });
    }
}

/// Says whether `keywright` keeps a bound; what was not measured does not.
pub(crate) fn judge(outcomes: &[Outcome], bounds: &[Bound]) -> Vec<(String, Option<bool>)> {
    let first = outcomes.first().and_then(|outcome| outcome.cost);
    let ours = outcomes.iter().find(|outcome| outcome.name == "keywright").and_then(|outcome| outcome.cost);
    bounds.iter().map(|bound| judged(*bound, first, ours)).collect()
}

fn judged(bound: Bound, first: Option<Cost>, ours: Option<Cost>) -> (String, Option<bool>) {
    let ratio = |figure: fn(Cost) -> f64| Some(figure(ours?) / figure(first?));
    let (what, most, found) = match bound {
        Bound::CpuRatio(most) => ("times the CPU of the first", most, ratio(|cost| ms(cost.cpu))),
        Bound::WallRatio(most) => ("times the wall time of the first", most, ratio(|cost| ms(cost.wall))),
        Bound::WallMs(most) => ("ms", most, ours.map(|cost| ms(cost.wall))),
        Bound::PeakMb(most) => ("MB", most, ours.map(|cost| mb(cost.peak_bytes))),
    };
    let Some(found) = found else { return (format!("at most {most} {what}: not measured"), None) };
    let met = found <= most;
    let word = if met { "met" } else { "MISSED" };
    (format!("at most {most} {what}: {word}, {found:.2}"), Some(met))
}

fn ms(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "megabytes are shown to one digit")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn outcome(name: &str, wall_ms: u64, cpu_ms: u64) -> Outcome {
        let cost = Cost {
            wall: Duration::from_millis(wall_ms),
            cpu: Duration::from_millis(cpu_ms),
            peak_bytes: 160_000_000,
        };
        Outcome { name: name.into(), cost: Some(cost), printed: None, said: String::new() }
    }

    #[test]
    fn bounds_are_met_missed_or_not_measured() {
        let bounds = [Bound::CpuRatio(1.6), Bound::WallRatio(1.5), Bound::WallMs(30.0), Bound::PeakMb(150.0)];
        let met = |outcomes: &[Outcome]| -> Vec<Option<bool>> {
            judge(outcomes, &bounds).into_iter().map(|(_, met)| met).collect()
        };
        let outcomes = [outcome("bare", 10, 10), outcome("keywright", 20, 16)];
        assert_eq!(met(&outcomes), [Some(true), Some(false), Some(true), Some(false)]);
        assert_eq!(met(&outcomes[..1]), [None; 4]);
    }
}
