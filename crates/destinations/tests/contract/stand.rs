//! A place on this machine, for the drills.

use std::{path::Path, sync::Arc};

use model::Destination;

use super::place::{Place, open};
use crate::drills::{Dose, Made, Seen, Stand, Work, drill_all};

/// What stands for the key where the rest is compared.
const KEY: &str = "‹key›";

impl<P: Place> Stand for P {
    fn open(&self) -> Arc<dyn Destination> {
        open(&self.address())
    }

    fn put_by_hand(&self, key: &str) {
        Place::put_by_hand(self, key);
    }

    fn look(&self, known: &[String]) -> Seen {
        let Some(whole) = Place::look(self) else { return Seen::default() };
        match known.iter().find(|key| whole.contains(key.as_str())) {
            Some(key) => Seen { key: Some(key.clone()), around: whole.replace(key.as_str(), KEY) },
            None => Seen { key: None, around: whole },
        }
    }

    fn untidy(&self, _dead: &[String]) -> Vec<String> {
        self.left_over().into_iter().map(|name| format!("`{name}` is left over")).collect()
    }
}

/// All drills of one place. They lie in memory where there is such a folder: a process that dies loses nothing that was
/// not yet on a disk.
pub(crate) fn drill<P: Place>(name: &str, work: Work, least: usize) {
    in_memory();
    let stands = || -> Made { Box::pin(async { vec![Arc::new(P::new()) as Arc<dyn Stand>] }) };
    let least = if let Dose::OneOf(every) = P::DOSE { least / (3 * every) } else { least };
    drill_all(name, stands, work, P::DOSE).assert(least);
}

/// New folders of this process lie in memory, if they can.
pub(crate) fn in_memory() {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        drop(tempfile::env::override_temp_dir(memory));
    }
}
