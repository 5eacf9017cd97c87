//! Secrets Manager.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{KEY_ID, REGION, SECRET_KEY, call, has, refused, text};
use crate::{
    place::RemotePlace,
    server::{Reply, Seen, Server, Shape},
};

pub(super) const ID: &str = "n8n/backups";
pub(super) const FIELD: &str = "N8N_API_KEY";

#[derive(Clone, Debug, Default)]
pub(super) struct Secret {
    pub(super) description: String,
    pub(super) deleted: bool,
    pub(super) kms_key: Option<String>,
    pub(super) versions: BTreeMap<String, (String, BTreeSet<String>)>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) secret: Option<Secret>,
    by_hand: u32,
    pub(super) read_only: bool,
    locked_out: bool,
    /// Pages lead to themselves.
    pub(super) endless: bool,
}

#[derive(Default)]
pub(super) struct Shaped(pub(super) Mutex<State>);

impl Secret {
    pub(super) fn with(&self, label: &str) -> Option<&String> {
        self.versions.iter().find(|(_, (_, labels))| labels.contains(label)).map(|(id, _)| id)
    }

    fn current(&self) -> Option<(&String, &String)> {
        self.with("AWSCURRENT").map(|id| (id, &self.versions[id].0))
    }

    /// As `UpdateSecretVersionStage` does it.
    fn relabel(&mut self, label: &str, from: Option<&str>, to: Option<&str>) -> Result<(), &'static str> {
        let held = self.with(label).cloned();
        let known = |id: Option<&str>| id.is_none_or(|id| self.versions.contains_key(id));
        if !known(from) || !known(to) || (held.as_deref() != from && (held.is_some() || from.is_some())) {
            return Err("InvalidParameterException");
        }
        if label == "AWSCURRENT" && to.is_none() {
            return Err("InvalidParameterException");
        }
        self.unlabel(label);
        if label == "AWSCURRENT" {
            self.unlabel("AWSPREVIOUS");
            if let Some(from) = from {
                self.versions.get_mut(from).unwrap().1.insert("AWSPREVIOUS".into());
            }
        }
        if let Some(to) = to {
            self.versions.get_mut(to).unwrap().1.insert(label.into());
        }
        Ok(())
    }

    fn unlabel(&mut self, label: &str) {
        self.versions.values_mut().for_each(|(_, labels)| {
            labels.remove(label);
        });
    }

    /// A version as another program writes it.
    pub(super) fn put(&mut self, text: &str) {
        let id = format!("{:032}", self.versions.len());
        let former = self.with("AWSCURRENT").cloned();
        self.versions.insert(id.clone(), (text.into(), BTreeSet::new()));
        self.relabel("AWSCURRENT", former.as_deref(), Some(&id)).unwrap();
    }
}

impl Shape for Shaped {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let (action, body) = call(seen, "secretsmanager", "secretsmanager")?;
        if !seen.header("authorization").unwrap().contains(&format!("Credential={KEY_ID}/")) {
            return Err("another key".into());
        }
        if state.locked_out {
            return Ok(refused("UnrecognizedClientException"));
        }
        if state.read_only && self.writes(seen) {
            return Ok(refused("AccessDeniedException"));
        }
        state.act(&action, &body)
    }

    fn writes(&self, seen: &Seen) -> bool {
        let target = seen.header("x-amz-target").unwrap_or_default();
        !["GetSecretValue", "DescribeSecret", "ListSecrets"].iter().any(|read| target.ends_with(read))
    }
}

impl State {
    fn act(&mut self, action: &str, body: &Value) -> Result<Reply, String> {
        let done = |body: Value| Ok(Reply::json(200, &body));
        let named = json!({"ARN": "arn", "Name": ID});
        match action {
            "ListSecrets" => {
                has(body, &["MaxResults"], &["NextToken"])?;
                let next = if self.endless { json!("again") } else { Value::Null };
                let secrets: Vec<Value> = self.secret.iter().map(|_| named.clone()).collect();
                return done(json!({"SecretList": secrets, "NextToken": next}));
            }
            "CreateSecret" => return self.make(body),
            _ => {}
        }
        if text(body, "SecretId")? != ID {
            return Err("SecretId".into());
        }
        let Some(secret) = &mut self.secret else { return Ok(refused("ResourceNotFoundException")) };
        match action {
            "DescribeSecret" => {
                has(body, &["SecretId"], &[])?;
                let labels: BTreeMap<_, _> = secret
                    .versions
                    .iter()
                    .filter(|(_, (_, labels))| !labels.is_empty())
                    .map(|(id, (_, labels))| (id, labels))
                    .collect();
                let mut described = json!({"ARN": "arn", "Name": ID, "Description": secret.description});
                if !labels.is_empty() {
                    described["VersionIdsToStages"] = json!(labels);
                }
                if secret.deleted {
                    described["DeletedDate"] = json!(1_524_085_349.095);
                }
                done(described)
            }
            "RestoreSecret" => {
                has(body, &["SecretId"], &[])?;
                secret.deleted = false;
                done(named)
            }
            _ if secret.deleted => Ok(refused("InvalidRequestException")),
            "GetSecretValue" => {
                has(body, &["SecretId"], &["VersionStage", "VersionId"])?;
                let id = match (body["VersionStage"].as_str(), body["VersionId"].as_str()) {
                    (Some(label), None) => secret.with(label).cloned(),
                    (None, Some(id)) => Some(id.to_owned()),
                    _ => return Err("which version".into()),
                };
                let found = id.and_then(|id| Some((secret.versions.get(&id)?, id)));
                let Some(((held, labels), id)) = found else {
                    return Ok(refused("ResourceNotFoundException"));
                };
                done(
                    json!({"ARN": "arn", "Name": ID, "VersionId": id, "SecretString": held, "VersionStages": labels, "CreatedDate": 1.5}),
                )
            }
            "PutSecretValue" => {
                has(body, &["SecretId", "SecretString", "ClientRequestToken", "VersionStages"], &[])?;
                let (id, new) = (token(body)?, text(body, "SecretString")?);
                match secret.versions.get(&id) {
                    Some((held, _)) if held != new => return Ok(refused("ResourceExistsException")),
                    Some(_) => {}
                    None => {
                        let first = secret.versions.is_empty();
                        secret.versions.insert(id.clone(), (new.into(), BTreeSet::new()));
                        for label in body["VersionStages"].as_array().ok_or("no labels")? {
                            let label = label.as_str().ok_or("no label")?;
                            secret.unlabel(label);
                            secret.versions.get_mut(&id).unwrap().1.insert(label.into());
                        }
                        if first {
                            secret.relabel("AWSCURRENT", None, Some(&id))?;
                        }
                    }
                }
                done(
                    json!({"ARN": "arn", "Name": ID, "VersionId": id, "VersionStages": secret.versions[&id].1}),
                )
            }
            "UpdateSecretVersionStage" => {
                has(body, &["SecretId", "VersionStage"], &["RemoveFromVersionId", "MoveToVersionId"])?;
                let (from, to) = (body["RemoveFromVersionId"].as_str(), body["MoveToVersionId"].as_str());
                match secret.relabel(text(body, "VersionStage")?, from, to) {
                    Ok(()) => done(named),
                    Err(code) => Ok(refused(code)),
                }
            }
            "DeleteSecret" => {
                has(body, &["SecretId", "RecoveryWindowInDays"], &[])?;
                if !(7..=30).contains(&body["RecoveryWindowInDays"].as_u64().ok_or("no days")?) {
                    return Err("days".into());
                }
                secret.deleted = true;
                done(named)
            }
            _ => Err(format!("no action {action}")),
        }
    }
}

impl State {
    fn make(&mut self, body: &Value) -> Result<Reply, String> {
        has(body, &["Name", "SecretString", "ClientRequestToken", "Description"], &["KmsKeyId"])?;
        match &self.secret {
            Some(secret) if secret.deleted => return Ok(refused("InvalidRequestException")),
            Some(_) => return Ok(refused("ResourceExistsException")),
            None => {}
        }
        let mut secret = Secret {
            description: text(body, "Description")?.into(),
            kms_key: body["KmsKeyId"].as_str().map(str::to_owned),
            ..Secret::default()
        };
        let labels = BTreeSet::from(["AWSCURRENT".to_owned()]);
        secret.versions.insert(token(body)?, (text(body, "SecretString")?.into(), labels));
        self.secret = Some(secret);
        Ok(Reply::json(200, &json!({"ARN": "arn", "Name": ID})))
    }
}

fn token(body: &Value) -> Result<String, String> {
    let token = text(body, "ClientRequestToken")?;
    if (32..=64).contains(&token.len()) { Ok(token.to_owned()) } else { Err("a token of 32 to 64".into()) }
}

/// A whole secret, or one field of a secret.
pub(crate) struct SecretPlace<const OF_FIELD: bool> {
    pub(super) server: Server,
    pub(super) state: Arc<Shaped>,
}

impl<const OF_FIELD: bool> SecretPlace<OF_FIELD> {
    fn value(key: &str) -> String {
        // No JSON tool writes the other fields so.
        if OF_FIELD { format!("{{ \"n\": 1.0,\"{FIELD}\":\"{key}\", \"big\":1e400 }}") } else { key.into() }
    }
}

impl<const OF_FIELD: bool> RemotePlace for SecretPlace<OF_FIELD> {
    const OLD_VERSIONS: &'static [&'static str] = &["destroy"];

    async fn start() -> Self {
        let state = Arc::new(Shaped::default());
        Self { server: Server::start(state.clone()).await, state }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let settings = [
            ("endpoint", self.server.url.as_str()),
            ("region", REGION),
            ("access_key_id", KEY_ID),
            ("secret_access_key", "env:SECRET"),
        ];
        ("aws-secrets-manager", settings.map(|(name, value)| (name, value.to_owned())).to_vec())
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("SECRET", SECRET_KEY.to_owned())]
    }

    fn address(&self) -> String {
        let field = if OF_FIELD { format!("#{FIELD}") } else { String::new() };
        format!("aws-secrets-manager:{ID}{field}")
    }

    fn put_by_hand(&self, key: &str) {
        let mut state = self.state.0.lock().unwrap();
        state.secret.get_or_insert_default().put(&Self::value(key));
    }

    fn look(&self) -> Option<String> {
        let state = self.state.0.lock().unwrap();
        let secret = state.secret.as_ref().filter(|secret| !secret.deleted)?;
        let text = secret.current()?.1;
        if !OF_FIELD {
            return (!text.trim().is_empty()).then(|| text.clone());
        }
        // serde_json reads no 1e400.
        let fields: Value = serde_json::from_str(&text.replace("1e400", "0")).unwrap();
        fields.get(FIELD).map(|value| value.as_str().unwrap().to_owned())
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        // Of what stands around a field, nothing but the text itself tells.
        let by_hand = if state.by_hand > 0 && !OF_FIELD { "by-hand" } else { "" };
        let current = state.secret.as_ref().and_then(Secret::current);
        let text = current.filter(|_| OF_FIELD).map_or("", |(_, text)| text);
        let others: Vec<&str> = text
            .trim_matches(['{', '}', ' '])
            .split(',')
            .map(str::trim)
            .filter(|field| !field.is_empty() && !field.contains(FIELD))
            .collect();
        format!("{by_hand}{others:?}")
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.by_hand += 1;
            let key = format!("{}-changed", state.by_hand);
            let text = Self::value(&key).replace("\"n\"", "\"by-hand\"");
            state.secret.as_mut().unwrap().put(&text);
        })
    }

    fn take_away(&self) -> bool {
        self.state.0.lock().unwrap().secret = None;
        false
    }

    fn forbid(&self) {
        self.state.0.lock().unwrap().read_only = true;
    }

    fn lock_out(&self) {
        self.state.0.lock().unwrap().locked_out = true;
    }

    fn old_copies(&self, key: &str) -> usize {
        let state = self.state.0.lock().unwrap();
        // Of one that is deleted no version can be read; the next delivery takes `AWSPREVIOUS` from them.
        let secret = state.secret.iter().filter(|secret| !secret.deleted);
        let versions = secret.flat_map(|secret| secret.versions.values());
        versions
            .filter(|(text, labels)| {
                text.contains(key) && !labels.is_empty() && !labels.contains("AWSCURRENT")
            })
            .count()
    }
}
