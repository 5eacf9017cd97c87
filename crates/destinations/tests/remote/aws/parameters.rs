//! The Parameter Store.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{KEY_ID, REGION, SECRET_KEY, call, has, refused, text};
use crate::{
    place::RemotePlace,
    server::{Reply, Seen, Server, Shape},
};

pub(super) const NAME: &str = "/n8n/backups/api-key";

#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) form: String,
    pub(super) value: String,
    pub(super) version: u64,
    /// `KeyId`, `Tier` and the like; those that a change does not name fall back to AWS's own.
    pub(super) around: Value,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) parameter: Option<Parameter>,
    by_hand: u64,
    read_only: bool,
    locked_out: bool,
    /// Actions that are not allowed.
    pub(super) denied: Vec<&'static str>,
}

#[derive(Default)]
pub(super) struct Shaped(pub(super) Mutex<State>);

pub(crate) struct ParameterPlace {
    pub(super) server: Server,
    pub(super) state: Arc<Shaped>,
}

/// Everything that an overwriting has to name again.
pub(super) fn around() -> Value {
    json!({
        "KeyId": "alias/mine", "Tier": "Advanced", "Description": "other", "AllowedPattern": ".*",
        "DataType": "text", "Policies": "[{\"Type\":\"NoChangeNotification\"}]",
    })
}

impl Shape for Shaped {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let (action, body) = call(seen, "ssm", "AmazonSSM")?;
        if !seen.header("authorization").unwrap().contains(&format!("Credential={KEY_ID}/")) {
            return Err("another key".into());
        }
        if state.locked_out {
            return Ok(refused("UnrecognizedClientException"));
        }
        if state.read_only && self.writes(seen) {
            return Ok(refused("AccessDeniedException"));
        }
        if state.denied.contains(&action.as_str()) {
            return Ok(refused("AccessDeniedException"));
        }
        state.act(&action, &body)
    }

    fn writes(&self, seen: &Seen) -> bool {
        let target = seen.header("x-amz-target").unwrap_or_default();
        ["PutParameter", "DeleteParameter"].iter().any(|write| target.ends_with(write))
    }
}

impl State {
    fn act(&mut self, action: &str, body: &Value) -> Result<Reply, String> {
        let done = |body: Value| Ok(Reply::json(200, &body));
        let shown = |parameter: &Parameter| {
            json!({
                "Name": NAME, "Type": parameter.form, "Value": parameter.value, "Version": parameter.version,
                "ARN": "arn", "DataType": "text", "LastModifiedDate": 1.5,
            })
        };
        match action {
            "DescribeParameters" => {
                has(body, &[], &["MaxResults", "NextToken", "ParameterFilters"])?;
                let described: Vec<Value> = self
                    .parameter
                    .iter()
                    .map(|parameter| {
                        let mut described = parameter.around.clone();
                        described["Name"] = json!(NAME);
                        let policies =
                            described["Policies"].as_str().map(|text| text.trim_matches(['[', ']']));
                        let policies = policies.map(
                            |text| json!([{"PolicyText": text, "PolicyType": "x", "PolicyStatus": "y"}]),
                        );
                        described["Policies"] = policies.unwrap_or_else(|| json!([]));
                        described
                    })
                    .collect();
                done(json!({"Parameters": described}))
            }
            "GetParameters" => {
                has(body, &["Names", "WithDecryption"], &[])?;
                let names = body["Names"].as_array().ok_or("no names")?;
                if names.is_empty() || names.len() > 10 {
                    return Err("1 to 10 names".into());
                }
                let found: Vec<Value> = self.parameter.iter().map(shown).collect();
                done(json!({"Parameters": found, "InvalidParameters": []}))
            }
            "GetParameter" => {
                has(body, &["Name", "WithDecryption"], &[])?;
                match &self.parameter {
                    Some(parameter) if text(body, "Name")? == NAME => {
                        done(json!({"Parameter": shown(parameter)}))
                    }
                    _ => Ok(refused("ParameterNotFound")),
                }
            }
            "DeleteParameter" => {
                has(body, &["Name"], &[])?;
                Ok(self
                    .parameter
                    .take()
                    .map_or_else(|| refused("ParameterNotFound"), |_| Reply::json(200, &json!({}))))
            }
            "PutParameter" => {
                let optional =
                    ["Type", "KeyId", "Tier", "Description", "AllowedPattern", "DataType", "Policies"];
                has(body, &["Name", "Value", "Overwrite"], &optional)?;
                let overwrite = body["Overwrite"].as_bool().ok_or("Overwrite")?;
                if self.parameter.is_some() && !overwrite {
                    return Ok(refused("ParameterAlreadyExists"));
                }
                if self.parameter.is_none() && body["Type"] != "SecureString" {
                    return Err("made without its type".into());
                }
                let around: serde_json::Map<String, Value> = optional
                    .iter()
                    .skip(1)
                    .filter_map(|name| Some(((*name).to_owned(), body.get(*name)?.clone())))
                    .collect();
                let version = self.parameter.as_ref().map_or(1, |parameter| parameter.version + 1);
                let value = text(body, "Value")?.to_owned();
                let form = "SecureString".to_owned();
                self.parameter = Some(Parameter { form, value, version, around: Value::Object(around) });
                done(json!({"Version": version, "Tier": "Standard"}))
            }
            _ => Err(format!("no action {action}")),
        }
    }
}

impl RemotePlace for ParameterPlace {
    // Somebody who writes between a look and a change is overwritten; it is told, and looked at again.
    const LOCKED: bool = false;

    async fn start() -> Self {
        let state = Arc::new(Shaped::default());
        Self { server: Server::start(state.clone()).await, state }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        ("aws-ssm", Vec::new())
    }

    /// The environment says all.
    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_SSM", self.server.url.clone()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ]
    }

    fn address(&self) -> String {
        format!("aws-ssm:{NAME}")
    }

    fn put_by_hand(&self, key: &str) {
        let mut state = self.state.0.lock().unwrap();
        let version = state.parameter.as_ref().map_or(1, |parameter| parameter.version + 1);
        let (form, value) = ("SecureString".to_owned(), key.to_owned());
        state.parameter = Some(Parameter { form, value, version, around: around() });
    }

    fn look(&self) -> Option<String> {
        self.state.0.lock().unwrap().parameter.as_ref().map(|parameter| parameter.value.clone())
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        // What goes with the parameter is gone with it.
        let lost = state.parameter.as_ref().filter(|parameter| parameter.around != around());
        lost.map(|parameter| parameter.around.to_string()).unwrap_or_default()
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.by_hand += 1;
            let key = format!("{}-by-hand", state.by_hand);
            let parameter = state.parameter.as_mut().unwrap();
            (parameter.value, parameter.version) = (key, parameter.version + 1);
        })
    }

    fn take_away(&self) -> bool {
        self.state.0.lock().unwrap().parameter = None;
        false
    }

    fn forbid(&self) {
        self.state.0.lock().unwrap().read_only = true;
    }

    fn lock_out(&self) {
        self.state.0.lock().unwrap().locked_out = true;
    }
}
