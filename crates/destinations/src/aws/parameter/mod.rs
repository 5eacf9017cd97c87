//! `aws-ssm:/path/name`: a `SecureString` of the Parameter Store.
//!
//! AWS has no lock for it. A new parameter is made only if none is there; a change tells which version came of it, and
//! if that is not the next one, somebody wrote in between: then it is looked at again.

mod slot;

use std::{ops::ControlFlow, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Aws, Wire,
    api::{Call, Reply, set},
    settings::{EITHER, SETS, environment, settings},
};
use crate::{
    Context,
    error::error,
    kinds::Opened,
    search::Search,
    service::{Outside, Service, ServiceConfig, ServiceKind, Setting},
    slot::Slotted,
};
use slot::StoredParameter;

/// Parameters of one page.
const PAGE: usize = 50;
/// Parameters that are read with one call.
const BATCH: usize = 10;

const WIRE: Wire = Wire { service: "ssm", target: "AmazonSSM", endpoint: "AWS_ENDPOINT_URL_SSM" };

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "aws-ssm",
    title: "AWS Parameter Store",
    example: "aws-ssm:/n8n/backups/api-key",
    form: "/PATH/NAME",
    summary: "a SecureString of AWS Systems Manager's Parameter Store",
    settings: SETTINGS,
    sets: SETS,
    either: EITHER,
    environment: environment!("AWS_ENDPOINT_URL_SSM"),
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = settings!(
    "\"https://ssm.eu-central-1.amazonaws.com\"";
    setting("kms_key", Form::Text, "\"alias/keywright\"", "the parameter's own; for a new one `aws/ssm`", "the KMS key of what is written"),
);

fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(ParameterStore { aws: Aws::open(config, outside, &WIRE)? }))
}

struct ParameterStore {
    aws: Aws,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Parameters")]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Type")]
    form: String,
    #[serde(rename = "Value")]
    value: Zeroizing<String>,
    #[serde(rename = "Version")]
    version: u64,
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "Parameters")]
    parameters: Vec<Described>,
    #[serde(rename = "NextToken")]
    next: Option<String>,
}

/// `DescribeParameters`; what a change would lose if it did not say it again.
#[derive(Deserialize)]
struct Described {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "KeyId")]
    key: Option<String>,
    #[serde(rename = "Tier")]
    tier: Option<String>,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "AllowedPattern")]
    pattern: Option<String>,
    #[serde(rename = "DataType")]
    data_type: Option<String>,
    #[serde(rename = "Policies", default)]
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
struct Policy {
    #[serde(rename = "PolicyText")]
    text: String,
}

impl ParameterStore {
    async fn call(
        &self,
        action: &'static str,
        purpose: String,
        on: &str,
        body: Value,
        repeatable: bool,
    ) -> Result<Reply, DestinationError> {
        self.aws.call(&Call { action, body, purpose, on, region: None, repeatable }).await
    }

    async fn read(&self, names: &[&str]) -> Result<Reply, DestinationError> {
        let (on, body) = (names.join(", "), json!({"Names": names, "WithDecryption": true}));
        let purpose = format!("read `{on}`");
        self.call("GetParameters", purpose, &on, body, true).await
    }

    /// Reads up to ten with one call; one by one, where one of them may not be read.
    async fn look_at(
        &self,
        names: &[&str],
        search: &mut Search,
    ) -> Result<ControlFlow<()>, DestinationError> {
        if search.read().is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let reply = self.read(names).await?;
        if reply.is_denied() && names.len() > 1 {
            for name in names {
                if search.read().is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.compare(self.read(&[name]).await?, search)?;
            }
        } else {
            self.compare(reply, search)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn compare(&self, reply: Reply, search: &mut Search) -> Result<(), DestinationError> {
        if !reply.code.is_empty() {
            search.leave_out(reply.refused().report.line());
            return Ok(());
        }
        let batch: Batch = reply.ok()?.json()?;
        for parameter in batch.parameters {
            search.look(&format!("{}:{}", self.aws.config.name(), parameter.name), &parameter.value);
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Service for ParameterStore {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        if !is_name(address.rest()) {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it is not the name of a parameter: letters, digits and `_.-`, with `/` between the parts; not an ARN, no version, and nothing that begins with `aws` or `ssm`",
                format!("write `{}:/n8n/backups/api-key`", address.kind()),
            ));
        }
        Ok(Arc::new(Slotted(StoredParameter { service: self, address: address.clone() })))
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        let mut next: Option<String> = None;
        loop {
            if search.read().is_break() {
                return Ok(());
            }
            let mut body = json!({"MaxResults": PAGE});
            if let Some(token) = &next {
                set(&mut body, "NextToken", token.as_str());
            }
            let listed = self.call("DescribeParameters", "list the parameters".to_owned(), "*", body, true);
            let page: Page = listed.await?.ok()?.json()?;
            let names: Vec<&str> = page.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            for batch in names.chunks(BATCH) {
                if self.look_at(batch, search).await?.is_break() {
                    return Ok(());
                }
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

/// As AWS names them; what begins with `aws` or `ssm` is its own.
fn is_name(text: &str) -> bool {
    let path = text.strip_prefix('/').unwrap_or(text);
    let part_is = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    let start: String = path.chars().take(3).collect::<String>().to_ascii_lowercase();
    text.len() <= 1011
        && path.split('/').count() <= 15
        && path.split('/').all(part_is)
        && (text.starts_with('/') || !path.contains('/'))
        && !matches!(start.as_str(), "aws" | "ssm")
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn addresses_are_names_of_parameters() {
        for good in ["/n8n/backups/api-key", "n8n", "/a", "/a/b_c.d-e", "/n8n/aws/key"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "/a/",
            "//a",
            "a/b",
            "/a b",
            "/a:1",
            "/a#b",
            "/aws/x",
            "SSM-x",
            "/é",
            "arn:aws:ssm:eu-central-1:123456789012:parameter/x",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(!is_name(&"/a".repeat(16)) && is_name(&"/a".repeat(15)));
    }
}
