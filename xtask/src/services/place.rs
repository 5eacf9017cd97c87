//! Fills a folder of the cache once: it is complete when its marker says what is wanted now, else done again.
use crate::n8n::{Cache, lock::Lock};
use crate::progress::tell;
use crate::{Fault, Result};
use std::path::{Path, PathBuf};

/// Written last into a folder that was filled whole; holds what it was filled with.
const MARKER: &str = ".complete";

/// Makes sure that the folder `name` of the cache was filled by `fill` with `wanted`. Two at once take turns.
pub(crate) fn ensure(
    cache: &Cache,
    name: &str,
    wanted: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = cache.root().join(name);
    if complete(&folder, wanted) {
        return Ok(folder);
    }
    let _lock = Lock::take(cache.root(), &format!("{name}.lock"))?;
    if complete(&folder, wanted) {
        return Ok(folder);
    }
    let fault = |e: std::io::Error| {
        Fault::new(format!("`{}` cannot be filled", folder.display()), "a folder that can be written to")
            .because(e)
    };
    if folder.exists() {
        tell(&format!("{} is not as it should be: again from nothing", folder.display()));
        std::fs::remove_dir_all(&folder).map_err(fault)?;
    }
    std::fs::create_dir_all(&folder).map_err(fault)?;
    fill(&folder)?;
    std::fs::write(folder.join(MARKER), wanted).map_err(fault)?;
    Ok(folder)
}

fn complete(folder: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(folder.join(MARKER)).is_ok_and(|filled| filled == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_filled_once_and_again_when_something_else_is_wanted() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let fill = |wanted: &str, works: bool| {
            let mut began = false;
            let filled = ensure(&cache, "x", wanted, |folder| {
                began = true;
                assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "from nothing");
                std::fs::write(folder.join("half"), "").unwrap();
                if works { Ok(()) } else { Err(Fault::new("no network", "again")) }
            });
            (filled.is_ok(), began)
        };
        assert_eq!(fill("1", false), (false, true));
        assert_eq!(fill("1", true), (true, true), "what broke off is done again");
        assert_eq!(fill("1", true), (true, false), "what is whole is left alone");
        assert_eq!(fill("2", true), (true, true));
    }
}
