//! Programs of this machine: looked at before they run, bounded in time and output, ended with all they started.
//!
//! Knows nothing of what they are for.

mod mask;
mod run;

use std::path::PathBuf;

use model::{DestinationError, DestinationErrorKind};
use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};

pub(crate) use self::{
    mask::shown,
    run::{Ended, MAX_STDOUT_BYTES, Run, Stdout},
};
use crate::error::{error, hostile, refused};

/// A program and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
}

impl Program {
    /// It is there, may be run, and not everyone can change it. Does not run it.
    pub(crate) fn check(&self) -> Result<(), DestinationError> {
        let shown = self.path.display();
        let what = format!("cannot run `{shown}`");
        let stat = stat(&self.path).map_err(|errno| refused(what.clone(), "execute", &self.path, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(error(
                DestinationErrorKind::BadAddress,
                what,
                "it is not a file",
                "give the path of a program",
            ));
        }
        if stat.st_mode & 0o002 != 0 {
            return Err(hostile(what, "everyone can change this program", format!("`chmod o-w {shown}`")));
        }
        accessat(CWD, &self.path, Access::EXEC_OK, AtFlags::EACCESS)
            .map_err(|errno| refused(what, "execute", &self.path, errno))
    }
}
