//! A folder is worked on by one process at a time; the next one waits.
use crate::progress::tell;
use crate::{Fault, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the folder where absent and waits for its lock called `name`.
    pub(crate) fn take(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let fault = |e: std::io::Error| {
            Fault::new(format!("`{}` cannot be locked", path.display()), "a folder that can be written to")
                .because(e)
        };
        std::fs::create_dir_all(folder).map_err(fault)?;
        let file = File::options().create(true).append(true).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                tell(&format!("waiting for another process that holds {}", path.display()));
                file.lock().map_err(fault)?;
            }
            Err(TryLockError::Error(e)) => return Err(fault(e)),
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_second_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path(), "lock").unwrap();
        let (order, seen) = mpsc::channel();
        let ready = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            let (second, folder, ready) = (order.clone(), folder.path(), &ready);
            scope.spawn(move || {
                ready.wait();
                let held = Lock::take(folder, "lock").unwrap();
                second.send("second").unwrap();
                drop(held);
            });
            ready.wait();
            assert!(File::open(folder.join("lock")).unwrap().try_lock().is_err(), "the first holds it");
            order.send("first").unwrap();
            drop(first);
        });
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["first", "second"]);
    }
}
