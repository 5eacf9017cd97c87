//! A place at a service: look at it, put something there under the service's own lock, and look again. What all of them
//! have in common is here; a kind says how it looks and how it puts.

use model::{
    Address, Confirmation, Destination, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held,
    Secret,
};
use tokio::sync::OwnedMutexGuard;

use crate::error::{compare, error};

/// How often a delivery is tried again because somebody else wrote in between.
const TRIES: u32 = 4;

/// One place of a service, as its kind knows it.
#[async_trait::async_trait]
pub(crate) trait Slot: Send + Sync {
    /// What a write has to know of the state that it changes: a version, the other fields of the same secret.
    type Seen: Send + Sync;

    /// Whether the service has no lock: what was put is looked at again, and put again where another's text came after.
    const UNLOCKED: bool = false;

    /// Where it is.
    fn address(&self) -> &Address;

    /// Held from a look to the end of the write: keeps others of this process from what is written together with it.
    async fn lock(&self) -> Option<OwnedMutexGuard<()>> {
        None
    }

    /// What it holds, and what a write will need.
    async fn look(&self) -> Result<(Held, Self::Seen), DestinationError>;

    /// Makes it hold that text, or nothing, if it still is as it was seen; else [`Kind::Changed`].
    async fn put(&self, seen: &Self::Seen, value: Option<&Secret>) -> Result<(), DestinationError>;

    /// It can be written; changes nothing. Where a service cannot tell, what can be told.
    async fn may_put(&self, seen: &Self::Seen) -> Result<(), DestinationError>;

    /// What can be seen instead, where it cannot be read back.
    async fn seen_instead(&self, _wanted: &Fingerprint) -> Result<Option<String>, DestinationError> {
        Ok(None)
    }

    /// As [`Destination::discard`].
    async fn discard(&self, _dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        Ok(None)
    }
}

/// A slot as a destination.
pub(crate) struct Slotted<S>(pub(crate) S);

impl<S: Slot> Slotted<S> {
    async fn make_it_hold(&self, value: Option<&Secret>) -> Result<(), DestinationError> {
        let _alone = self.0.lock().await;
        let (mut tried, mut lost) = (0, None);
        let mut unwanted = None;
        loop {
            let (held, seen) = self.0.look().await?;
            // What is taken away is what was there at first, not what another put there meanwhile.
            if let (Held::Value(now), None) = (&held, value)
                && now != unwanted.get_or_insert_with(|| now.clone())
            {
                return Err(lost.unwrap_or_else(|| overwritten(self.0.address())));
            }
            let already = match (&held, value) {
                (Held::Value(held), Some(value)) => held == value,
                (Held::Absent, None) => true,
                // Looking does not tell: what was put there is taken for what is there.
                (Held::Unreadable, Some(_)) => tried > 0 && lost.is_none(),
                _ => false,
            };
            if already {
                return Ok(());
            }
            if tried == TRIES {
                return Err(lost.unwrap_or_else(|| overwritten(self.0.address())));
            }
            tried += 1;
            match self.0.put(&seen, value).await {
                // Nothing was written: look again, and put it beside what they wrote.
                Err(failure) if failure.kind == Kind::Changed => lost = Some(failure),
                Ok(()) if S::UNLOCKED => lost = None,
                done => return done,
            }
        }
    }
}

/// Another wrote after us, each time.
fn overwritten(address: &Address) -> DestinationError {
    error(
        Kind::Changed,
        format!("cannot write `{address}`"),
        "each time it was written, something else was written over it",
        "see what else writes there",
    )
}

#[async_trait::async_trait]
impl<S: Slot> Destination for Slotted<S> {
    fn address(&self) -> &Address {
        self.0.address()
    }

    async fn check(&self) -> Result<(), DestinationError> {
        let (_, seen) = self.0.look().await?;
        self.0.may_put(&seen).await
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        Ok(self.0.look().await?.0)
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        self.make_it_hold(Some(secret)).await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        let held = self.read().await?;
        if held == Held::Unreadable
            && let Some(seen) = self.0.seen_instead(wanted).await?
        {
            return Ok(Confirmation::Seen(seen));
        }
        compare(self.0.address(), &held, wanted)
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        self.make_it_hold(previous).await
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        if dead.is_empty() { Ok(None) } else { self.0.discard(dead).await }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A place without a lock, and what others write after each of our writes.
    struct FakeSlot {
        address: Address,
        held: Mutex<Option<Secret>>,
        others: Mutex<Vec<&'static str>>,
        puts: Mutex<u32>,
    }

    #[async_trait::async_trait]
    impl Slot for FakeSlot {
        type Seen = ();
        const UNLOCKED: bool = true;

        fn address(&self) -> &Address {
            &self.address
        }

        async fn look(&self) -> Result<(Held, ()), DestinationError> {
            Ok((self.held.lock().unwrap().clone().map_or(Held::Absent, Held::Value), ()))
        }

        async fn put(&self, (): &(), value: Option<&Secret>) -> Result<(), DestinationError> {
            *self.puts.lock().unwrap() += 1;
            let other = self.others.lock().unwrap().pop().map(Secret::new);
            *self.held.lock().unwrap() = other.or_else(|| value.cloned());
            Ok(())
        }

        async fn may_put(&self, (): &()) -> Result<(), DestinationError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_has_no_lock_is_looked_at_again() {
        let check = async |others: &[&'static str], wanted: Result<u32, Kind>| {
            let slot = Slotted(FakeSlot {
                address: "fake:place".parse().unwrap(),
                held: Mutex::default(),
                others: Mutex::new(others.to_vec()),
                puts: Mutex::default(),
            });
            let done = slot.deliver(&Secret::new("canary-ours")).await;
            let puts = *slot.0.puts.lock().unwrap();
            assert_eq!(done.map(|()| puts).map_err(|failure| failure.kind), wanted);
        };
        check(&[], Ok(1)).await;
        check(&["theirs"], Ok(2)).await;
        check(&["theirs"; 3], Ok(4)).await;
        check(&["theirs"; 4], Err(Kind::Changed)).await;
    }

    #[tokio::test]
    async fn what_another_put_there_is_not_taken_away() {
        let slot = Slotted(FakeSlot {
            address: "fake:place".parse().unwrap(),
            held: Mutex::new(Some(Secret::new("canary-ours"))),
            others: Mutex::new(vec!["theirs"]),
            puts: Mutex::default(),
        });
        assert_eq!(slot.restore(None).await.unwrap_err().kind, Kind::Changed);
        assert_eq!(*slot.0.held.lock().unwrap(), Some(Secret::new("theirs")));
    }
}
