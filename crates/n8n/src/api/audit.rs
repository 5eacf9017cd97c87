//! n8n's own audit: risks by category.

use model::IssuerError;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{PublicApi, page};
use crate::call::Call;

/// What n8n's audit looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditCategory {
    /// Credentials that nothing uses.
    Credentials,
    /// Expressions in SQL.
    Database,
    /// Nodes that reach files.
    Filesystem,
    /// Open webhooks, settings, outdated versions.
    Instance,
    /// Risky and community nodes.
    Nodes,
}

/// What n8n found in one category.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskReport {
    /// Its title, such as `Instance Risk Report`.
    pub title: String,
    /// The category, such as `instance`.
    pub risk: String,
    /// Its sections, as n8n words them.
    pub sections: Vec<Value>,
}

impl AuditCategory {
    /// As n8n calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Database => "database",
            Self::Filesystem => "filesystem",
            Self::Instance => "instance",
            Self::Nodes => "nodes",
        }
    }
}

impl PublicApi {
    /// Has n8n audit itself; everything if no category is given. Changes nothing, and takes its time.
    pub async fn audit(&self, categories: &[AuditCategory]) -> Result<Vec<RiskReport>, IssuerError> {
        let call = Call::new(Method::POST, "/api/v1/audit", "have the instance audit itself");
        let names: Vec<_> = categories.iter().map(|category| category.as_str()).collect();
        let body = if names.is_empty() {
            json!({})
        } else {
            json!({ "additionalOptions": { "categories": names } })
        };
        let call = self.signed(call.up_to(page::BYTES).within(self.http.timeouts.list).json(&body)?)?;
        let answer = self.http.ask(&call).await?;
        if answer.status != StatusCode::OK {
            return Err(self.refusal(&call, &answer));
        }
        let said = answer.is_json().then(|| reports(&answer.body)).flatten();
        said.ok_or_else(|| self.http.misshapen(&call, &answer))
    }
}

/// Reports by their titles; an empty list if there are none.
fn reports(json: &[u8]) -> Option<Vec<RiskReport>> {
    #[derive(serde::Deserialize)]
    struct Report {
        risk: String,
        sections: Vec<Value>,
    }
    if !page::is_modest(json) {
        return None;
    }
    match serde_json::from_slice(json).ok()? {
        Value::Array(none) if none.is_empty() => Some(Vec::new()),
        Value::Object(titles) => titled(titles),
        _ => None,
    }
    .map(|reports: Vec<(String, Report)>| {
        let report = |(title, Report { risk, sections })| RiskReport { title, risk, sections };
        reports.into_iter().map(report).collect()
    })
}

fn titled<R: serde::de::DeserializeOwned>(titles: Map<String, Value>) -> Option<Vec<(String, R)>> {
    titles.into_iter().map(|(title, report)| Some((title, serde_json::from_value(report).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_and_nothing_else() {
        let said =
            reports(br#"{"Instance Risk Report":{"risk":"instance","sections":[{"title":"x"}]}}"#).unwrap();
        assert_eq!((said[0].title.as_str(), said[0].risk.as_str()), ("Instance Risk Report", "instance"));
        assert_eq!(said[0].sections, [json!({ "title": "x" })]);
        assert_eq!(reports(b"[]"), Some(Vec::new()));
        for bad in ["[1]", "7", "{\"x\":1}", "{\"x\":{\"risk\":1,\"sections\":[]}}", &"[".repeat(100_000)] {
            assert_eq!(reports(bad.as_bytes()), None, "{bad:.40}");
        }
    }
}
