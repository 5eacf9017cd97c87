//! A list as a stream: one page in memory, and a word at its end on whether it was whole.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use model::IssuerError;

use super::fields::FromFields;
use super::walk::{Step, Walk};

/// Whether a list gave everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// What was there the whole time was given, each thing once.
    Whole,
    /// Something may be missing.
    Incomplete {
        /// Why.
        why: String,
    },
}

type Turn<T> = (Box<Walk>, Result<Step<T>, IssuerError>);

enum State<T> {
    Idle(Box<Walk>),
    Busy(BoxFuture<'static, Turn<T>>),
    Ended(Completeness),
}

/// The things of a list, page by page. It ends after its first error.
///
/// A thing that is made or deleted while the list is read may be given or not; one that changes is given as it was
/// when it was met.
pub struct Listing<T> {
    page: VecDeque<T>,
    state: State<T>,
}

impl<T> Unpin for Listing<T> {}

impl<T: FromFields> Listing<T> {
    pub(super) fn new(walk: Walk) -> Self {
        Self { page: VecDeque::new(), state: State::Idle(Box::new(walk)) }
    }

    /// The next thing; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, IssuerError>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// Whether it gave everything: known once it has given its last.
    pub fn completeness(&self) -> Option<&Completeness> {
        match &self.state {
            State::Ended(completeness) if self.page.is_empty() => Some(completeness),
            _ => None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, IssuerError>>> {
        loop {
            if let Some(thing) = self.page.pop_front() {
                return Poll::Ready(Some(Ok(thing)));
            }
            let next = match &mut self.state {
                State::Ended(_) => return Poll::Ready(None),
                State::Busy(turn) => {
                    let (walk, stepped) = ready!(turn.as_mut().poll(context));
                    match stepped {
                        Ok(step) => {
                            self.page = step.things;
                            step.end.map_or_else(|| State::Idle(walk), State::Ended)
                        }
                        Err(error) => {
                            let why = error.report.line();
                            self.state = State::Ended(Completeness::Incomplete { why });
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
                State::Idle(_) => {
                    let gone = Completeness::Incomplete { why: "it was given up".to_owned() };
                    let State::Idle(mut walk) = std::mem::replace(&mut self.state, State::Ended(gone)) else {
                        return Poll::Ready(None);
                    };
                    State::Busy(Box::pin(async move {
                        let stepped = walk.step().await;
                        (walk, stepped)
                    }))
                }
            };
            self.state = next;
        }
    }
}

impl<T: FromFields> Stream for Listing<T> {
    type Item = Result<T, IssuerError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}
