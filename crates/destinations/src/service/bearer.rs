//! Requests that a fetched token opens.

use model::{DestinationError, Secret};

use super::{Cached, Token};
use crate::http::{Answer, Remote, Request};

impl Cached<Secret> {
    /// Sends a request as its bearer; a token that is refused is fetched once more.
    pub(crate) async fn send<F>(
        &self,
        remote: &Remote,
        request: Request,
        fetch: impl Fn() -> F + Send,
    ) -> Result<Answer, DestinationError>
    where
        F: Future<Output = Result<Token, DestinationError>> + Send,
    {
        let clock = remote.outside.clock();
        let token = self.get(&*clock, fetch()).await?;
        let answer = remote.send(&request.clone().bearer(&token)?).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.forget(&token).await;
        let fresh = self.get(&*clock, fetch()).await?;
        if fresh == token { Ok(answer) } else { remote.send(&request.bearer(&fresh)?).await }
    }
}
