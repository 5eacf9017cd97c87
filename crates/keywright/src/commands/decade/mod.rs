//! Ten years of `serve`: its real loop, store and client of n8n, real files, and one clock that the instance shares.
//! Clocks are set, processes die and begin anew, n8n fails.

mod calendar;
mod clock;
mod fleet;
mod judge;
mod life;
mod run;
mod store;

use model::SignedDuration;

use fleet::Fleet;
use run::Decade;

const SEEDS: [u64; 2] = [2030, 3002];
const DECADE: SignedDuration = SignedDuration::from_hours(24 * 3_653);

/// What came of one decade.
fn live(seed: u64) -> Vec<String> {
    let clock = clock::SharedClock::starting_at("2026-11-27T10:20:30.123456Z".parse().unwrap());
    let resting = std::sync::Arc::clone(&clock);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || resting.rest())
        .build()
        .unwrap();
    let work = async {
        let fleet = Fleet::start(&clock).await;
        let mut decade = Decade::new(fleet, seed);
        decade.live(DECADE).await;
        decade.end().await
    };
    runtime.block_on(clock.rooted(work))
}

#[test]
fn in_ten_years_every_key_is_turned_when_due_and_none_twice() {
    let decades = SEEDS.map(|seed| (seed, std::thread::spawn(move || live(seed))));
    for (seed, decade) in decades {
        let faults = decade.join().unwrap();
        assert!(
            faults.is_empty(),
            "seed {seed}: {} faults such as {:#?}",
            faults.len(),
            &faults[..faults.len().min(5)]
        );
    }
}
