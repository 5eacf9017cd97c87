//! One parameter as a slot.

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind, Held, Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Page, Parameter, ParameterStore};
use crate::{
    aws::api::{Reply, set},
    error::error,
    slot::Slot,
};

/// Pages of descriptions of one name; AWS may send some that are empty.
const MAX_PAGES: usize = 50;
/// The only type whose text is encrypted.
const SECURE: &str = "SecureString";

#[derive(Deserialize)]
struct One {
    #[serde(rename = "Parameter")]
    parameter: Parameter,
}

#[derive(Deserialize)]
struct Put {
    #[serde(rename = "Version")]
    version: u64,
}

/// One parameter.
pub(super) struct StoredParameter {
    pub(super) service: Arc<ParameterStore>,
    pub(super) address: Address,
}

/// The state that a write changes.
pub(crate) struct Seen {
    version: u64,
    value: Zeroizing<String>,
}

impl StoredParameter {
    async fn call(
        &self,
        action: &'static str,
        doing: &str,
        mut body: Value,
        repeatable: bool,
    ) -> Result<Reply, DestinationError> {
        let name = self.address.rest();
        set(&mut body, "Name", name);
        self.service.call(action, format!("{doing} `{}`", self.address), name, body, repeatable).await
    }

    fn changed(&self, because: &str) -> DestinationError {
        error(Kind::Changed, format!("cannot write `{}`", self.address), because, "try again")
    }

    /// Adds what a change would lose: its key, its tier, and what else it has beside its text.
    async fn keep(&self, body: &mut Value) -> Result<(), DestinationError> {
        let name = self.address.rest();
        let filter = json!([{"Key": "Name", "Option": "Equals", "Values": [name]}]);
        let mut asked = json!({"ParameterFilters": filter});
        let mut pages = 0;
        let known = loop {
            let purpose = format!("see the KMS key of `{}`", self.address);
            let reply = self.service.call("DescribeParameters", purpose, "*", asked.clone(), true).await?;
            // With a key of its own given, the rest is what AWS keeps by itself.
            if reply.is_denied() && body.get("KeyId").is_some() {
                return Ok(());
            }
            let answer = reply.ok()?;
            let page: Page = answer.json()?;
            if let Some(known) = page.parameters.into_iter().find(|parameter| parameter.name == name) {
                break known;
            }
            let Some(next) = page.next.filter(|token| !token.is_empty()) else {
                return Err(self.changed("somebody deleted it meanwhile; nothing was written"));
            };
            pages += 1;
            if pages == MAX_PAGES {
                return Err(answer.misshapen("pages without an end"));
            }
            set(&mut asked, "NextToken", next);
        };
        let policies = known.policies.iter().map(|policy| policy.text.as_str()).collect::<Vec<_>>().join(",");
        let policies = (!policies.is_empty()).then(|| format!("[{policies}]"));
        for (field, value) in [
            ("KeyId", known.key),
            ("Tier", known.tier),
            ("Description", known.description),
            ("AllowedPattern", known.pattern),
            ("DataType", known.data_type),
            ("Policies", policies),
        ] {
            if let (Some(value), None) = (value.filter(|value| !value.is_empty()), body.get(field)) {
                set(body, field, value);
            }
        }
        Ok(())
    }

    fn body(&self, value: &str) -> Value {
        let mut body = json!({"Value": value});
        if let Some(key) = self.service.aws.config.settings().text("kms_key") {
            set(&mut body, "KeyId", key);
        }
        body
    }

    async fn create(&self, value: &Secret) -> Result<(), DestinationError> {
        let mut body = self.body(value.expose());
        set(&mut body, "Type", SECURE);
        set(&mut body, "Overwrite", false);
        let reply = self.call("PutParameter", "make", body, false).await?;
        if reply.code == "ParameterAlreadyExists" {
            return Err(self.changed("somebody made it meanwhile; nothing was written"));
        }
        let Put { .. } = reply.ok()?.json()?;
        Ok(())
    }

    async fn change(&self, seen: &Seen, value: &Secret) -> Result<(), DestinationError> {
        let mut body = self.body(value.expose());
        set(&mut body, "Overwrite", true);
        self.keep(&mut body).await?;
        let Put { version } = self.call("PutParameter", "write", body, false).await?.ok()?.json()?;
        if version == seen.version.saturating_add(1) {
            return Ok(());
        }
        Err(self.changed(
            "somebody wrote it meanwhile, and was overwritten; the Parameter Store's history has their text",
        ))
    }
}

#[async_trait::async_trait]
impl Slot for StoredParameter {
    type Seen = Option<Seen>;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Option<Seen>), DestinationError> {
        let reply = self.call("GetParameter", "read", json!({"WithDecryption": true}), true).await?;
        if reply.code == "ParameterNotFound" {
            return Ok((Held::Absent, None));
        }
        let One { parameter } = reply.ok()?.json()?;
        if parameter.form != SECURE {
            return Err(error(
                Kind::Malformed,
                format!("cannot use the destination `{}`", self.address),
                "it is no SecureString: whoever may read parameters reads it in the clear",
                "AWS changes no parameter's type: delete it, and the next delivery makes it anew",
            ));
        }
        let held = Held::Value(Secret::new(parameter.value.as_str()));
        Ok((held, Some(Seen { version: parameter.version, value: parameter.value })))
    }

    async fn put(&self, seen: &Option<Seen>, value: Option<&Secret>) -> Result<(), DestinationError> {
        match (seen, value) {
            (None, None) => Ok(()),
            (None, Some(value)) => self.create(value).await,
            (Some(seen), Some(value)) => self.change(seen, value).await,
            (Some(seen), None) => {
                // There is no lock; at least it is not what was seen a while ago.
                match self.look().await?.1 {
                    None => return Ok(()),
                    Some(now) if now.version != seen.version => {
                        return Err(self.changed("somebody wrote it meanwhile; nothing was deleted"));
                    }
                    Some(_) => {}
                }
                let reply = self.call("DeleteParameter", "delete", json!({}), true).await?;
                if reply.code == "ParameterNotFound" { Ok(()) } else { reply.ok().map(drop) }
            }
        }
    }

    /// Asks what a change would have to keep, and to make what is there already, with the text that it has: only a
    /// missing permission is told.
    async fn may_put(&self, seen: &Option<Seen>) -> Result<(), DestinationError> {
        let Some(seen) = seen else { return Ok(()) };
        self.keep(&mut self.body("")).await?;
        let mut body = self.body(&seen.value);
        set(&mut body, "Type", SECURE);
        set(&mut body, "Overwrite", false);
        let reply = self.call("PutParameter", "write", body, false).await?;
        if reply.is_denied() { Err(reply.refused()) } else { Ok(()) }
    }
}
