//! Drills: at every step, whatever can go wrong does; then somebody says `rotate --resume`, and all must be well.

mod abort;
mod answers;
mod failing_places;
pub(crate) mod kill;
mod postgres;
mod seal;
mod twice;

use std::time::{Duration, Instant};

use crate::support::client::Client;
use crate::support::places::{Kinds, Places};
use crate::support::truth::{End, faults_in, faults_of};
use crate::support::world::{World, create};

/// What is drilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Create,
    Graceful,
    Compromised,
    Revoke,
}

impl Turn {
    /// How many steps it has.
    pub(crate) fn steps(self, kinds: Kinds) -> u32 {
        let deliveries = 2 * kinds.count();
        match self {
            Self::Create => 4 + deliveries,
            Self::Graceful => 7 + deliveries,
            Self::Compromised => 6 + deliveries,
            Self::Revoke => 3,
        }
    }

    /// Its command line.
    pub(crate) fn arguments(self, name: &str, places: &Places) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Create => return create(name, places),
            Self::Graceful => &["rotate", name, "--grace", "0s"],
            Self::Compromised => &["rotate", name, "--compromised"],
            Self::Revoke => &["key", "revoke", name, "--yes"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    pub(crate) fn end(self) -> End {
        if self == Self::Revoke { End::Revoked } else { End::Turned }
    }
}

/// Words as a command takes them.
pub(crate) fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// One integration under drill.
pub(crate) struct Drill<'w> {
    pub(crate) world: &'w World,
    pub(crate) name: String,
    pub(crate) turn: Turn,
    pub(crate) places: Places,
    before: Vec<Option<String>>,
    client: Option<Client>,
}

impl<'w> Drill<'w> {
    /// An integration as it is before the turn, with a client that calls throughout where nothing may be noticed.
    pub(crate) async fn begin(world: &'w World, name: String, turn: Turn, kinds: Kinds) -> Self {
        let mut drill = Self::begin_unused(world, name, turn, kinds).await;
        if turn == Turn::Graceful {
            let client = Client::start(world.url(), drill.places.clone());
            client.calls_on().await;
            drill.client = Some(client);
        }
        drill
    }

    /// The same, without a client.
    pub(crate) async fn begin_unused(world: &'w World, name: String, turn: Turn, kinds: Kinds) -> Self {
        let places = match turn {
            Turn::Create => world.places(&name, kinds),
            _ => world.integration(&name, kinds).await,
        };
        let before = if turn == Turn::Create { Vec::new() } else { places.held() };
        Self { world, name, turn, places, before, client: None }
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        self.turn.arguments(&self.name, &self.places)
    }

    /// What an operator does after a bad day.
    pub(crate) async fn resume(&self) -> Result<(), String> {
        let ended = self.world.home.run(&["rotate", "--resume", &self.name]).await;
        if ended.code == Some(0) { Ok(()) } else { Err(format!("it cannot be resumed: {ended:?}")) }
    }

    /// Everything that does not hold at the end.
    pub(crate) async fn finish(self, end: End) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(client) = self.client {
            let tally = client.stop().await;
            if tally.calls == 0 || !tally.refused.is_empty() {
                found.push(format!("a client that called throughout was refused: {tally:?}"));
            }
        }
        found.extend(faults_of(self.world, &self.name, &self.places, end, &self.before).await);
        found
    }
}

/// Counts drills, and what did not hold in them.
pub(crate) struct Score {
    of: &'static str,
    drills: usize,
    began: Instant,
    faults: Vec<String>,
}

impl Score {
    pub(crate) fn of(of: &'static str) -> Self {
        Self { of, drills: 0, began: Instant::now(), faults: Vec::new() }
    }

    pub(crate) fn note(&mut self, drill: &str, found: Vec<String>) {
        self.drills += 1;
        self.faults.extend(found.into_iter().map(|fault| format!("{drill}: {fault}")));
    }

    /// Looks at the world as a whole, tells the count, and fails if anything did not hold.
    pub(crate) async fn tell(mut self, worlds: &[World]) {
        for world in worlds {
            self.faults.extend(faults_in(world).await);
        }
        let took: Duration = self.began.elapsed();
        println!("{}: drills: {} in {:.1} s", self.of, self.drills, took.as_secs_f64());
        let shown: Vec<&String> = self.faults.iter().take(12).collect();
        assert!(self.faults.is_empty(), "{} things do not hold: {shown:#?}", self.faults.len());
        assert!(self.drills > 0);
    }
}
