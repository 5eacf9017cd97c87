//! Reading a secret: its fields as they came, and its version.

use std::collections::BTreeMap;

use model::{DestinationError, DestinationErrorKind as Kind, Held, Secret};
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Vault,
    mount::{Mount, Version},
};
use crate::http::{Answer, Request};

/// What a secret was when it was read. The fields are kept as they came, so that they can be written back so.
pub(super) struct Content {
    /// Of version 2: the newest one, deleted or not; 0 where there is none. Of version 1: 0.
    pub(super) version: u64,
    /// Whether it has fields: it is there, and not deleted.
    pub(super) live: bool,
    engine: Version,
    answer: Answer,
}

/// Fields by name, each as JSON.
pub(super) type Fields<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    data: Fields<'a>,
}

#[derive(Deserialize)]
struct Two<'a> {
    #[serde(borrow)]
    data: TwoData<'a>,
}

#[derive(Deserialize)]
struct TwoData<'a> {
    #[serde(borrow)]
    data: Option<Fields<'a>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
}

/// What comes with a 404.
#[derive(Default, Deserialize)]
struct Missing {
    #[serde(default)]
    data: Option<MissingData>,
    #[serde(default)]
    errors: Option<Vec<String>>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct MissingData {
    metadata: Metadata,
}

impl Vault {
    /// Reads the newest version of a secret, or an older one.
    pub(super) async fn read(
        &self,
        mount: &Mount,
        path: &str,
        older: Option<u64>,
    ) -> Result<Content, DestinationError> {
        let answer = self.send(&self.read_request(mount, path, older)?).await?;
        if answer.status == 403 && self.given_mount().is_some() {
            let mut failure = answer.refusal();
            failure.report.mend.push("see whether `kv_version` is right".to_owned());
            return Err(failure);
        }
        if answer.status != 404 {
            return Content::found(mount.version, answer.ok()?);
        }
        let missing = match (mount.version, answer.body.is_empty()) {
            (Version::One, true) => Missing::default(),
            (Version::Two, true) => return Err(unexpected(&answer, "no KV engine of version 2 answers so")),
            (_, false) => answer.json()?,
        };
        if missing.errors.as_ref().is_some_and(|errors| !errors.is_empty()) || missing.error.is_some() {
            return Err(unexpected(&answer, "nothing is mounted there"));
        }
        let version = match (mount.version, missing.data) {
            (Version::Two, Some(data)) => data.metadata.version,
            (Version::One, _) if missing.warnings.is_some_and(|warnings| !warnings.is_empty()) => {
                return Err(answer.error(
                    Kind::BadAddress,
                    "the KV engine there is not of version 1",
                    "set `kv_version = \"2\"`, or take `mount` and `kv_version` out",
                ));
            }
            _ => 0,
        };
        Ok(Content { version, live: false, engine: mount.version, answer })
    }

    /// The question for a secret.
    pub(super) fn read_request(
        &self,
        mount: &Mount,
        path: &str,
        older: Option<u64>,
    ) -> Result<Request, DestinationError> {
        let api = mount.api("data", path);
        let mut request =
            self.request(Method::GET, &api, format!("read `{path}`"), self.on("`read`", &api))?;
        if let Some(version) = older {
            request.url.query_pairs_mut().append_pair("version", &version.to_string());
        }
        Ok(request)
    }
}

/// A 404 that is not that of a secret.
fn unexpected(answer: &Answer, because: &str) -> DestinationError {
    let mut failure = answer.refusal();
    failure.report.because.push(because.to_owned());
    failure
}

impl Content {
    fn found(engine: Version, answer: Answer) -> Result<Self, DestinationError> {
        let mut content = Self { version: 0, live: true, engine, answer };
        if engine == Version::Two {
            let two: Two<'_> = content.parsed()?;
            let (version, live) = (two.data.metadata.version, two.data.data.is_some());
            (content.version, content.live) = (version, live);
        }
        content.fields()?;
        Ok(content)
    }

    fn parsed<'a, T: Deserialize<'a>>(&'a self) -> Result<T, DestinationError> {
        // What serde would say may quote a value.
        serde_json::from_slice(&self.answer.body)
            .map_err(|_not_quoted| self.answer.misshapen("JSON of another shape than documented"))
    }

    /// All fields; none where it is not there.
    pub(super) fn fields(&self) -> Result<Fields<'_>, DestinationError> {
        match (self.live, self.engine) {
            (false, _) => Ok(Fields::new()),
            (true, Version::One) => Ok(self.parsed::<One<'_>>()?.data),
            (true, Version::Two) => Ok(self.parsed::<Two<'_>>()?.data.data.unwrap_or_default()),
        }
    }

    /// What a field holds. A field that is `null` holds nothing.
    pub(super) fn held(&self, field: &str) -> Result<Held, DestinationError> {
        match self.fields()?.get(field).map(|raw| raw.get()) {
            None | Some("null") => Ok(Held::Absent),
            Some(raw) => match serde_json::from_str::<Zeroizing<String>>(raw) {
                Ok(text) => Ok(Held::Value(Secret::new(text.as_str()))),
                Err(_not_quoted) => Err(self.answer.error(
                    Kind::Malformed,
                    format!("the field `{field}` is a number, a flag, a list or an object, not a text"),
                    "give another field, or make it a text",
                )),
            },
        }
    }

    /// It is not any more what was seen before.
    pub(super) fn changed(&self) -> DestinationError {
        super::write::changed(&self.answer)
    }

    /// An answer that cannot be.
    pub(super) fn misshapen(&self, because: &str) -> DestinationError {
        self.answer.misshapen(because)
    }
}
