//! `aws-secrets-manager:NAME-OR-ARN#FIELD`: one secret, or one field of a secret that is a JSON object.
//!
//! The lock is the label `AWSCURRENT`: it is moved from the version that was seen, or not at all.

mod secret;
mod versions;
mod write;

use std::{ops::ControlFlow, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    Aws, Wire,
    api::{Call, set},
    place::is_region,
    settings::{EITHER, SETS, environment, settings},
};
use crate::{
    Context,
    error::error,
    fields,
    kinds::Opened,
    search::Search,
    service::{Outside, Service, ServiceConfig, ServiceKind, Setting},
    slot::Slotted,
};
use secret::ManagedSecret;

/// Secrets of one page.
const PAGE: usize = 100;

const WIRE: Wire = Wire {
    service: "secretsmanager",
    target: "secretsmanager",
    endpoint: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
};

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "aws-secrets-manager",
    title: "AWS Secrets Manager",
    example: "aws-secrets-manager:n8n/backups#api_key",
    form: "NAME-OR-ARN[#FIELD]",
    summary: "a secret of AWS Secrets Manager, or one field of it where it is a JSON object",
    settings: SETTINGS,
    sets: SETS,
    either: EITHER,
    environment: environment!("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = settings!(
    "\"https://secretsmanager.eu-central-1.amazonaws.com\"";
    setting("kms_key", Form::Text, "\"alias/keywright\"", "`aws/secretsmanager`", "the KMS key of secrets that a delivery makes; others keep theirs"),
    setting("old_versions", Form::OneOf(&["keep", "destroy"]), "\"destroy\"", "keep", "what becomes of labelled versions that hold a dead key: `destroy` takes their labels, so that AWS deletes them"),
);

fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(SecretsManager { aws: Aws::open(config, outside, &WIRE)? }))
}

struct SecretsManager {
    aws: Aws,
}

/// `GetSecretValue`.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "VersionId")]
    id: String,
    #[serde(rename = "SecretString")]
    text: Option<Zeroizing<String>>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "SecretList")]
    secrets: Vec<Listed>,
    #[serde(rename = "NextToken")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Name")]
    name: String,
}

#[async_trait::async_trait]
impl Service for SecretsManager {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let Some(place) = Place::parse(address.rest()) else {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it is not `NAME`, `NAME#FIELD` or the ARN of a secret; a name has letters, digits and `/_+=.@-`",
                format!("write `{}:n8n/backups#api_key`", address.kind()),
            ));
        };
        Ok(Arc::new(Slotted(ManagedSecret { service: self, address: address.clone(), place })))
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        let mut next: Option<String> = None;
        loop {
            if let ControlFlow::Break(()) = search.read() {
                return Ok(());
            }
            let mut body = json!({"MaxResults": PAGE});
            if let Some(token) = &next {
                set(&mut body, "NextToken", token.as_str());
            }
            let call = Call {
                action: "ListSecrets",
                body,
                purpose: "list the secrets".to_owned(),
                on: "*",
                region: None,
                repeatable: true,
            };
            let page: Page = self.aws.call(&call).await?.ok()?.json()?;
            for Listed { name } in &page.secrets {
                if let ControlFlow::Break(()) = search.read() {
                    return Ok(());
                }
                self.look_at(name, search).await?;
            }
            let token = page.next.filter(|token| !token.is_empty());
            // A page that leads to itself leads nowhere.
            if token.is_none() || token == next {
                return Ok(());
            }
            next = token;
        }
    }
}

impl SecretsManager {
    async fn look_at(&self, name: &str, search: &mut Search) -> Result<(), DestinationError> {
        let at = format!("{}:{name}", self.aws.config.name());
        let call = Call {
            action: "GetSecretValue",
            body: json!({"SecretId": name, "VersionStage": secret::CURRENT}),
            purpose: format!("read `{at}`"),
            on: name,
            region: None,
            repeatable: true,
        };
        let reply = self.aws.call(&call).await?;
        if reply.code == "ResourceNotFoundException" {
            return Ok(());
        }
        if !reply.code.is_empty() {
            search.leave_out(reply.refused().report.line());
            return Ok(());
        }
        let version: Version = reply.ok()?.json()?;
        let Some(text) = version.text else {
            search.leave_out(format!("`{at}` holds bytes, no text"));
            return Ok(());
        };
        match fields::all(&text) {
            Some(fields) => fields.iter().for_each(|(name, held)| search.look(&format!("{at}#{name}"), held)),
            None => search.look(&at, &text),
        }
        Ok(())
    }
}

/// What an address names.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// The name or the ARN.
    id: String,
    field: Option<String>,
    /// That of the ARN.
    region: Option<String>,
}

impl Place {
    fn parse(rest: &str) -> Option<Self> {
        let (id, field) = match rest.split_once('#') {
            Some((_, "")) => return None,
            Some((id, field)) => (id, Some(field.to_owned())),
            None => (rest, None),
        };
        let (name, region) = match id.strip_prefix("arn:") {
            Some(arn) => {
                let parts: Vec<&str> = arn.splitn(6, ':').collect();
                let [partition, "secretsmanager", region, account, "secret", name] = parts.as_slice() else {
                    return None;
                };
                let account_is = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
                if !partition.starts_with("aws") || !account_is || !is_region(region) {
                    return None;
                }
                (*name, Some((*region).to_owned()))
            }
            None => (id, None),
        };
        let sound = (1..=512).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b));
        sound.then(|| Self { id: id.to_owned(), field, region })
    }

    /// An ARN is given by AWS, and made by nobody.
    fn is_arn(&self) -> bool {
        self.region.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn addresses_are_names_or_arns_with_or_without_a_field() {
        let place = |id: &str, field: Option<&str>, region: Option<&str>| {
            Some(Place { id: id.into(), field: field.map(Into::into), region: region.map(Into::into) })
        };
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:n8n/backups-AbCdEf";
        let cases = [
            ("n8n/backups", place("n8n/backups", None, None)),
            ("a@b.c_d+e=f-g#api key/x#y", place("a@b.c_d+e=f-g", Some("api key/x#y"), None)),
            (arn, place(arn, None, Some("eu-central-1"))),
            ("", None),
            ("#x", None),
            ("x#", None),
            ("a b", None),
            ("a:b", None),
            ("arn:aws:secretsmanager:eu-central-1:1:secret:x", None),
            ("arn:aws:ssm:eu-central-1:123456789012:secret:x", None),
            ("arn:aws:secretsmanager:evil.example/:123456789012:secret:x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Place::parse(text), expected, "{text}");
        }
    }
}
