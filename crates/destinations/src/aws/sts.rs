//! Roles: STS gives temporary credentials for them.

use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};
use reqwest::Method;
use zeroize::Zeroizing;

use super::{
    Aws, Keys,
    profile::Role,
    refusal::{accepted, code},
    sign::{Scope, sign},
};
use crate::{
    error::error,
    http::{Answer, Request},
    service::{Token, read_text},
};

const VERSION: &str = "2011-06-15";
const SESSION: &str = "keywright";

impl Aws {
    /// Takes a role on with these credentials.
    pub(super) async fn assume(&self, role: &Role, keys: &Keys) -> Result<Token<Keys>, DestinationError> {
        let region = self.region().await?;
        let session = self.session(role);
        let mut form = vec![
            ("Action", "AssumeRole"),
            ("Version", VERSION),
            ("RoleArn", role.arn.as_str()),
            ("RoleSessionName", &session),
        ];
        form.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
        let need = format!("sts:AssumeRole on {} (and its trust policy must name who asks)", role.arn);
        let request = self.ask_sts(role, region, &need)?.form(&form);
        let now = self.remote.outside.clock().now();
        let request = sign(request, keys, &Scope { region, service: "sts", now })?;
        self.taken_on(&request, &need).await
    }

    /// Takes a role on with a token of an identity provider.
    pub(super) async fn assume_with_token(
        &self,
        role: &Role,
        token_file: &str,
    ) -> Result<Token<Keys>, DestinationError> {
        let what = format!("cannot take on the role `{}`", role.arn);
        let Some(token) = read_text(token_file, what.clone()).await? else {
            let because = format!("the file of its token, `{token_file}`, is not there");
            return Err(error(Kind::Denied, what, because, "see what should write the token there"));
        };
        let session = self.session(role);
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", VERSION),
            ("RoleArn", role.arn.as_str()),
            ("RoleSessionName", &session),
            ("WebIdentityToken", token.as_str()),
        ];
        let need = format!("sts:AssumeRoleWithWebIdentity in the trust policy of {}", role.arn);
        let request = self.ask_sts(role, self.region().await?, &need)?.form(&form);
        self.taken_on(&request, &need).await
    }

    fn session(&self, role: &Role) -> String {
        let given = role.session.clone().or_else(|| self.variable("AWS_ROLE_SESSION_NAME"));
        given.unwrap_or_else(|| SESSION.to_owned())
    }

    fn ask_sts(&self, role: &Role, region: &str, need: &str) -> Result<Request, DestinationError> {
        let purpose = format!("take on the role `{}`", role.arn);
        Ok(Request::new(Method::POST, self.sts_url(region)?, purpose, need).repeatable())
    }

    async fn taken_on(&self, request: &Request, need: &str) -> Result<Token<Keys>, DestinationError> {
        let answer = self.remote.send(request).await?;
        if code(&answer) == "ValidationError" {
            return Err(answer.error(
                Kind::Denied,
                "STS finds a part of the request malformed",
                "see `role_arn`, `external_id` and `role_session_name`",
            ));
        }
        let answer = accepted(answer, need, self.remote.outside.clock().now())?;
        temporary(&answer).ok_or_else(|| answer.misshapen("XML of another shape than documented"))
    }
}

/// The credentials in an answer of STS.
fn temporary(answer: &Answer) -> Option<Token<Keys>> {
    let credentials = element(std::str::from_utf8(&answer.body).ok()?, "Credentials")?;
    let text = |name| {
        let text = element(credentials, name)?.trim();
        // What would have to be decoded is in no key.
        (!text.is_empty() && !text.contains(['<', '&'])).then(|| Zeroizing::new(text.to_owned()))
    };
    let keys = Keys {
        id: text("AccessKeyId")?.to_string(),
        secret: Secret::new(text("SecretAccessKey")?.as_str()),
        token: Some(Secret::new(text("SessionToken")?.as_str())),
    };
    let until: Timestamp = text("Expiration")?.parse().ok()?;
    Some((keys, Some(until)))
}

/// The inside of the first element of that name, where it has no attributes.
pub(super) fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::element;

    #[test]
    fn elements_are_found() {
        assert_eq!(element("<a><b>x</b><b>y</b></a>", "b"), Some("x"));
        assert_eq!(element("<a><b>x</a>", "b"), None);
        assert_eq!(element("", "b"), None);
    }
}
