//! A real place as a drill handles it.

use std::sync::Arc;

use model::Destination;

use super::Wrong;

/// What is there, looked at by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) key: Option<String>,
    /// All else.
    pub(crate) around: String,
}

/// A real place, opened by the engine, and looked at and changed by hand.
#[async_trait::async_trait]
pub(crate) trait Stand: Send + Sync {
    /// As one run of the binary opens it.
    fn open(&self) -> Arc<dyn Destination>;

    /// Whether what it holds can be read back.
    fn is_readable(&self) -> bool {
        true
    }

    /// Puts a key there, and whatever is around it.
    fn put_by_hand(&self, key: &str);

    /// What it holds; it is one of `known`, or junk.
    fn look(&self, known: &[String]) -> Seen;

    /// What must not be: files left over, older versions of dead keys, requests that no client may send.
    fn untidy(&self, dead: &[String]) -> Vec<String>;

    /// How many writes its service was asked for so far.
    fn writes(&self) -> usize {
        0
    }

    /// Lets the write after so many others go wrong at its service; all later ones too, if it lasts.
    fn strike(&self, _left: usize, _wrong: Wrong, _lasts: bool) {}

    /// Returns when that happened.
    async fn struck(&self) {
        std::future::pending::<()>().await;
    }

    /// Nothing goes wrong any more.
    fn behave(&self) {}
}
