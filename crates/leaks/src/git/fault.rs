//! Why a repository was not read at all.

use std::path::PathBuf;

/// Why a repository was not read at all; what is not read of one that is read is in the report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none.
    #[error("`{}` is no git repository: no HEAD, objects and refs are in it nor where its `.git` points", .0.display())]
    NoRepository(PathBuf),
    /// The system refused.
    #[error("`{}` cannot be read: {source}", path.display())]
    System {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is asked for is no commit of the repository.
    #[error("`{0}` is no object of the repository")]
    NoObject(String),
}
