//! The peer: what a script would do for each key, one call after the other, without a journal, without proof.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::Trouble;

/// Makes, uses and deletes `count` keys in a plain loop.
pub(crate) async fn run(url: &str, cookie: &str, count: usize) -> Result<Duration, Trouble> {
    let client = Client::builder().timeout(Duration::from_secs(30)).build()?;
    let began = Instant::now();
    for number in 0..count {
        let body = json!({"label": format!("bare {number} {:?}", began.elapsed()), "scopes": ["workflow:list"], "expiresAt": null});
        let created =
            call(&client, Method::POST, &format!("{url}/rest/api-keys"), cookie, Some(&body)).await?;
        let data = created.get("data").ok_or("a created key has no data")?;
        let text = data.get("rawApiKey").and_then(Value::as_str).ok_or("a created key has no text")?;
        let id = data.get("id").and_then(Value::as_str).ok_or("a created key has no id")?;
        let used = client
            .get(format!("{url}/api/v1/workflows?limit=1"))
            .header("X-N8N-API-KEY", text)
            .send()
            .await?;
        if used.status() != StatusCode::OK {
            return Err(format!("a new key was answered {}", used.status()).into());
        }
        used.bytes().await?;
        call(&client, Method::DELETE, &format!("{url}/rest/api-keys/{id}"), cookie, None).await?;
    }
    Ok(began.elapsed())
}

async fn call(
    client: &Client,
    method: Method,
    url: &str,
    cookie: &str,
    body: Option<&Value>,
) -> Result<Value, Trouble> {
    let mut request = client.request(method, url).header("Cookie", cookie);
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}
