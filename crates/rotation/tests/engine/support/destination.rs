//! A place that holds a key, and what befalls it.

use std::sync::Arc;

use model::{
    Address, Blame, Confirmation, Destination, DestinationError, DestinationErrorKind as Kind, Fingerprint,
    Held, Hook, Report, Retry, Secret, Timestamp,
};

use super::outside::{Meddled, Place};
use super::{Call, Fault, Faults, Outside, Process};

pub(crate) struct FakeDestination {
    pub(crate) address: Address,
    pub(crate) outside: Arc<Outside>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) process: Arc<Process>,
}

fn failure(fault: Fault, call: Call) -> DestinationError {
    let kind = match fault {
        Fault::Refused => Kind::Denied,
        Fault::Locked => Kind::Changed,
        Fault::Broken => Kind::Failed,
        Fault::Throttled => Kind::Throttled,
        _ => Kind::Unreachable,
    };
    DestinationError::new(kind, fault.report(call))
}

impl FakeDestination {
    async fn call<T>(
        &self,
        call: Call,
        work: impl FnOnce(Option<Fault>) -> Result<T, DestinationError>,
    ) -> Result<T, DestinationError> {
        self.process.gate().await;
        let fault = self.faults.next(call);
        let broken = self.place(|place| place.broken || place.broken_at == Some(call));
        let fault = if broken { Some(Fault::Refused) } else { fault };
        let told = fault.filter(|fault| fault.is_told());
        let result = match told {
            Some(fault) if !fault.has_effect() => Err(failure(fault, call)),
            _ => work(fault),
        };
        self.process.gate().await;
        match told {
            Some(fault) => Err(failure(fault, call)),
            None => result,
        }
    }

    fn place<T>(&self, with: impl FnOnce(&mut Place) -> T) -> T {
        self.outside.arrange(|state| with(state.places.get_mut(&self.address).unwrap()))
    }

    fn write(&self, what: &str, text: Option<String>, fault: Option<Fault>) {
        self.outside.effect(&format!("{what} {}", self.address), |state| {
            let place = state.places.get_mut(&self.address).unwrap();
            let before = std::mem::replace(&mut place.text, text);
            place.versions.extend(before);
            place.writes += 1;
            // What is put back may be what somebody else wrote.
            if place.meddled == Meddled::Last && what != "restore" {
                place.meddled = Meddled::Before;
            } else if place.meddled == Meddled::Before && what == "restore" {
                place.meddled = Meddled::Last;
            }
            if fault == Some(Fault::Meddled) {
                place.meddle("canary-junk-of-somebody-else");
            }
        });
    }
}

#[async_trait::async_trait]
impl Destination for FakeDestination {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.call(Call::CheckPlace, |_| Ok(())).await
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        self.call(Call::Read, |fault| {
            Ok(self.place(|place| {
                if place.blind || fault == Some(Fault::Unreadable) {
                    if fault.is_some() && place.meddled == Meddled::Never {
                        place.meddled = Meddled::Before;
                    }
                    return Held::Unreadable;
                }
                place.text.clone().map_or(Held::Absent, |text| Held::Value(Secret::new(text)))
            }))
        })
        .await
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        self.call(Call::Deliver, |fault| {
            self.write("deliver", Some(secret.expose().to_owned()), fault);
            Ok(())
        })
        .await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        self.call(Call::Confirm, |fault| {
            let (held, blind, writes) = self.place(|place| {
                if fault == Some(Fault::Meddled) {
                    place.meddle("canary-junk-of-somebody-else");
                }
                (place.text.clone(), place.blind, place.writes)
            });
            if blind && held.is_some() {
                return Ok(Confirmation::Seen(format!("version {writes}")));
            }
            if held.is_none_or(|text| Fingerprint::of(&Secret::new(text)) != *wanted) {
                let what = format!("`{}` holds another text", self.address);
                let report = Report::new(Blame::Remote, Retry::Later(None), what);
                return Err(DestinationError::new(Kind::NotConfirmed, report));
            }
            Ok(Confirmation::ReadBack)
        })
        .await
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        self.call(Call::Restore, |fault| {
            self.write("restore", previous.map(|secret| secret.expose().to_owned()), fault);
            Ok(())
        })
        .await
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        self.call(Call::Discard, |_| {
            let is_dead = |text: &String| dead.contains(&Fingerprint::of(&Secret::new(text.as_str())));
            Ok(self.outside.effect(&format!("discard {}", self.address), |state| {
                let place = state.places.get_mut(&self.address).unwrap();
                let before = place.versions.len();
                place.versions.retain(|text| !is_dead(text));
                let gone = before - place.versions.len();
                (gone > 0).then(|| format!("{gone} versions destroyed"))
            }))
        })
        .await
    }
}

/// What makes the program that reads a place take up what it holds.
pub(crate) struct FakeHook {
    address: Address,
    place: FakeDestination,
}

impl FakeHook {
    /// `hook:…` of `fake:…`.
    pub(crate) fn new(address: &Address, place: FakeDestination) -> Self {
        Self { address: address.clone(), place }
    }
}

#[async_trait::async_trait]
impl Hook for FakeHook {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.place.call(Call::CheckHook, |_| Ok(())).await
    }

    async fn run(&self) -> Result<String, DestinationError> {
        self.place
            .call(Call::Reload, |_| {
                let to = &self.place.address;
                self.place.outside.effect(&format!("reload {to}"), |state| {
                    state.places.get_mut(to).unwrap().take_up();
                });
                Ok("taken up".to_owned())
            })
            .await
    }

    async fn run_again(&self, delivered: Timestamp) -> Result<String, DestinationError> {
        self.place.outside.arrange(|state| state.run_again.push((self.place.address.clone(), delivered)));
        self.run().await
    }
}
