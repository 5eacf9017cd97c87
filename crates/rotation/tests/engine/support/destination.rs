//! A place that holds a key, and what befalls it.

use std::sync::Arc;

use model::{
    Address, Blame, Confirmation, Destination, DestinationError, DestinationErrorKind as Kind, Fingerprint,
    Held, Report, Retry, Secret,
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
        let fault = if self.place(|place| place.broken) { Some(Fault::Refused) } else { fault };
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
            place.text = text;
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
            let (held, blind) = self.place(|place| {
                if fault == Some(Fault::Meddled) {
                    place.meddle("canary-junk-of-somebody-else");
                }
                (place.text.clone(), place.blind)
            });
            if held.is_none_or(|text| Fingerprint::of(&Secret::new(text)) != *wanted) {
                let what = format!("`{}` holds another text", self.address);
                let report = Report::new(Blame::Remote, Retry::Later(None), what);
                return Err(DestinationError::new(Kind::NotConfirmed, report));
            }
            Ok(if blind { Confirmation::Seen("a new version".into()) } else { Confirmation::ReadBack })
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
}
