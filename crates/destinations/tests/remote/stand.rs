//! A place at a service, for the drills.

use std::sync::Arc;

use model::Destination;

use crate::{
    drills::{Dose, Made, Seen, Stand, Work, Wrong, drill_all},
    place::{RemotePlace, open_with},
    server::Fault,
};

/// Whom nobody is vouched for by: to read all of the system's authorities again and again takes long.
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/remote/authority.pem");

pub(crate) struct RemoteStand<P>(pub(crate) P);

impl<P: RemotePlace> RemoteStand<P> {
    /// What is made of versions that hold dead keys: the most that the service can.
    fn discards() -> Option<&'static str> {
        ["destroy", "disable"].into_iter().find(|way| P::OLD_VERSIONS.contains(way))
    }
}

#[async_trait::async_trait]
impl<P: RemotePlace> Stand for RemoteStand<P> {
    fn open(&self) -> Arc<dyn Destination> {
        let mut more = Vec::new();
        if !self.0.settings().1.iter().any(|(name, _)| *name == "ca") {
            more.push(("ca", AUTHORITY));
        }
        more.extend(Self::discards().map(|way| ("old_versions", way)));
        open_with(&self.0, &more)
    }

    fn is_readable(&self) -> bool {
        P::READABLE
    }

    fn put_by_hand(&self, key: &str) {
        self.0.put_by_hand(key);
    }

    fn look(&self, _known: &[String]) -> Seen {
        Seen { key: self.0.look(), around: self.0.surroundings() }
    }

    fn untidy(&self, dead: &[String]) -> Vec<String> {
        let mut found = self.0.server().unclean();
        if Self::discards().is_some() {
            let copies = dead.iter().map(|key| self.0.old_copies(key)).filter(|copies| *copies > 0);
            found.extend(copies.map(|copies| format!("{copies} older versions hold a dead key")));
        }
        found
    }

    fn writes(&self) -> usize {
        self.0.server().writes()
    }

    fn strike(&self, left: usize, wrong: Wrong, lasts: bool) {
        let late = |fault| Fault::Late(Box::new(fault));
        let fault = match wrong {
            Wrong::LostAnswer => Fault::LostAnswer,
            Wrong::Failed => Fault::Status(500),
            Wrong::FailedLate => late(Fault::Status(502)),
            Wrong::Throttled => Fault::Throttled(30),
            Wrong::Cut => Fault::Cut,
            Wrong::DeathBefore => Fault::Silent,
            Wrong::DeathAfter => late(Fault::Silent),
        };
        self.0.server().strike(left, fault, lasts);
    }

    async fn struck(&self) {
        self.0.server().struck().await;
    }

    fn behave(&self) {
        self.0.server().behave();
    }
}

/// All drills of one service.
pub(crate) fn drill<P: RemotePlace>(name: &str, work: Work, least: usize) {
    let stands =
        || -> Made { Box::pin(async { vec![Arc::new(RemoteStand(P::start().await)) as Arc<dyn Stand>] }) };
    drill_all(name, stands, work, Dose::Full).assert(least);
}
