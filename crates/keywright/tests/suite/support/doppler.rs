//! A small Doppler: one config `backups/prd`, as its API reference describes it. It can be down, or refuse.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What opens it.
pub(crate) const TOKEN: &str = "canary-doppler-token-5d1e";

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Every answer is 503.
    Down,
    /// Every answer is 403.
    Refusing,
}

struct State {
    mood: Mood,
    secrets: BTreeMap<String, String>,
    /// Methods and paths, in order.
    seen: Vec<String>,
}

pub(crate) struct Doppler {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Doppler {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state =
            Arc::new(Mutex::new(State { mood: Mood::Well, secrets: BTreeMap::new(), seen: Vec::new() }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A client that goes away in the middle is no fault of ours.
                tokio::spawn(async move { drop(serve(stream, &state).await) });
            }
        });
        Self { url, state }
    }

    /// What `keywright.toml` says of it.
    pub(crate) fn service(&self, name: &str, token: &str) -> String {
        format!("\n[service.{name}]\nkind = \"doppler\"\nurl = \"{}\"\ntoken = \"{token}\"\n", self.url)
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        self.state.lock().unwrap().secrets.insert(name.to_owned(), text.to_owned());
    }

    pub(crate) fn held(&self, name: &str) -> Option<String> {
        self.state.lock().unwrap().secrets.get(name).cloned()
    }

    /// How many requests there were that change something.
    pub(crate) fn writes(&self) -> usize {
        self.state.lock().unwrap().seen.iter().filter(|seen| !seen.starts_with("GET ")).count()
    }

    pub(crate) fn calls(&self) -> usize {
        self.state.lock().unwrap().seen.len()
    }
}

async fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let found = |line: &String| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        };
        head.iter().find_map(found)
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let mut words = head[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let authorized = header("authorization") == Some(format!("Bearer {TOKEN}"));
    let (status, body) = {
        let mut state = state.lock().unwrap();
        state.seen.push(format!("{method} {path}"));
        match state.mood {
            Mood::Down => (503, json!({})),
            Mood::Refusing => (403, refusal()),
            Mood::Well if !authorized => (401, refusal()),
            Mood::Well => answer(&mut state.secrets, method, path, query, &body),
        }
    };
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await
}

fn refusal() -> Value {
    json!({"messages": ["canary-of-an-answer"], "success": false})
}

fn value(text: &str) -> Value {
    json!({"raw": text, "computed": text, "rawVisibility": "masked", "computedVisibility": "masked", "note": ""})
}

fn answer(
    secrets: &mut BTreeMap<String, String>,
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> (u16, Value) {
    let asked = |name: &str| {
        let found =
            |pair: &str| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, is)| is.to_owned());
        query.split('&').find_map(found)
    };
    match (method, path) {
        ("GET", "/v3/projects") => (200, json!({"projects": [{"slug": "backups"}]})),
        ("GET", "/v3/configs") => (200, json!({"configs": [{"name": "prd"}]})),
        ("GET", "/v3/configs/config") => (200, json!({"config": {"name": "prd"}})),
        ("GET", "/v3/configs/config/secret") => {
            let name = asked("name").unwrap();
            let found = secrets.get(&name);
            found.map_or((404, refusal()), |text| (200, json!({"name": name, "value": value(text)})))
        }
        ("GET", "/v3/configs/config/secrets") => {
            let all: BTreeMap<_, _> = secrets.iter().map(|(name, text)| (name, value(text))).collect();
            (200, json!({ "secrets": all }))
        }
        ("POST", "/v3/configs/config/secrets") => {
            let body: Value = serde_json::from_slice(body).unwrap();
            for change in body["change_requests"].as_array().unwrap() {
                let name = change["name"].as_str().unwrap();
                if change["originalValue"].as_str() != secrets.get(name).map(String::as_str) {
                    return (400, refusal());
                }
                match change["value"].as_str() {
                    Some(text) => drop(secrets.insert(name.to_owned(), text.to_owned())),
                    None => drop(secrets.remove(name)),
                }
            }
            (200, json!({"secrets": {}}))
        }
        _ => (404, refusal()),
    }
}
