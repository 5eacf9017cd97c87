//! What is changed in published descriptions of APIs, where they are not what the service does.
use serde_json::{Map, Value, json};

/// Counted up with every change here, so that what was installed before is made anew.
pub(super) const EDITION: u32 = 3;

/// The key that GitHub's description gives as an example has 33 bytes: nothing can be sealed with it.
const GITHUB_KEY: &str = "2Sg8iYjAxxmI2LvUXpJjkYrMxURPc8r+dB7TJyvv1234";
/// Alice's public key of RFC 7748, section 6.1, whose private key is there too.
const RFC_7748_KEY: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

/// What is asked of GitHub before anything is written: what may be done, and what there is.
const LOOKED_AT: [&str; 6] = [
    "/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/actions/workflows/{workflow_id}",
    "/repos/{owner}/{repo}/environments",
    "/orgs/{org}/repos",
    "/user/repos",
    "/installation/repositories",
];

/// 1Password Connect: all but its health is under `/v1`, which the description says by a server's address.
pub(super) fn onepassword(spec: &Value) -> Option<Value> {
    let mut spec = spec.clone();
    let paths = std::mem::take(spec.get_mut("paths")?.as_object_mut()?);
    let elsewhere = |operations: &Value| {
        operations.as_object().is_some_and(|all| all.values().any(|one| one.get("servers").is_some()))
    };
    let moved: Map<String, Value> = paths
        .into_iter()
        .map(|(path, value)| if elsewhere(&value) { (path, value) } else { (format!("/v1{path}"), value) })
        .collect();
    moved.contains_key("/v1/vaults/{vaultUuid}/items/{itemUuid}").then_some(())?;
    *spec.get_mut("paths")? = Value::Object(moved);
    // The example of an id, where there is none, is a text that is no id.
    for pointer in ["/components/schemas/Item/properties/id", "/components/schemas/Vault/properties/id"] {
        spec.pointer_mut(pointer)?["example"] = json!("ionaiwtdvgclrixbt6ztpqcxnq");
    }
    spec.pointer_mut("/components/schemas/Item/properties/vault/properties/id")?["example"] =
        json!("ionaiwtdvgclrixbt6ztpqcxnq");
    Some(spec)
}

/// GitHub: the paths that destinations and hooks use. A token is wanted, a body holds nothing but what is described,
/// and its own media type is answered.
pub(super) fn github(spec: &Value) -> Option<Value> {
    let text = spec.to_string();
    text.contains(GITHUB_KEY).then_some(())?;
    let mut spec: Value = serde_json::from_str(&text.replace(GITHUB_KEY, RFC_7748_KEY)).ok()?;
    let paths = spec.get_mut("paths")?.as_object_mut()?;
    paths.retain(|path, _| {
        path.contains("/actions/secrets")
            || path.contains("/environments/{environment_name}/secrets")
            || path.ends_with("/dispatches")
            || path == "/app/installations/{installation_id}/access_tokens"
            || path.ends_with("}/installation")
            || LOOKED_AT.contains(&path.as_str())
    });
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let body = operation.pointer_mut("/requestBody/content/application~1json/schema");
        if let Some(body) = body.and_then(Value::as_object_mut) {
            body.entry("additionalProperties").or_insert(Value::Bool(false));
        }
        if let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            answers.values_mut().for_each(answer_as_github);
        }
    }
    for answer in spec.pointer_mut("/components/responses")?.as_object_mut()?.values_mut() {
        answer_as_github(answer);
    }
    spec.pointer_mut("/components")?["securitySchemes"] =
        json!({"token": {"type": "http", "scheme": "bearer"}});
    spec.as_object_mut()?.insert("security".to_owned(), json!([{"token": []}]));
    Some(spec)
}

/// The media type that GitHub asks its callers to accept stands for plain JSON.
fn answer_as_github(answer: &mut Value) {
    if let Some(content) = answer.get_mut("content").and_then(Value::as_object_mut)
        && let Some(json) = content.get("application/json").cloned()
    {
        content.insert("application/vnd.github+json".to_owned(), json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn onepassword_moves_under_v1() {
        let item = json!({"get": {}});
        let id = json!({"properties": {"id": {}, "vault": {"properties": {"id": {}}}}});
        let spec = json!({
            "paths": {
                "/vaults/{vaultUuid}/items/{itemUuid}": item,
                "/heartbeat": {"get": {"servers": [{"url": "x"}]}},
            },
            "components": {"schemas": {"Item": id, "Vault": id}},
        });
        let changed = onepassword(&spec).unwrap();
        assert_eq!(changed["paths"]["/v1/vaults/{vaultUuid}/items/{itemUuid}"], item);
        assert_eq!(changed["paths"].as_object().unwrap().len(), 2);
        assert!(changed["paths"].get("/heartbeat").is_some());
        assert!(onepassword(&json!({"paths": {}})).is_none());
    }

    #[test]
    fn github_is_cut_down_and_wants_a_token() {
        let path = "/orgs/{org}/actions/secrets/{secret_name}";
        let operation = json!({
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
            "responses": {"200": {"content": {"application/json": {"example": GITHUB_KEY}}}},
        });
        let spec = json!({
            "paths": {path: {"put": operation}, "/user/repos": {}, "/zen": {"get": operation}},
            "components": {"responses": {"not_found": {"content": {"application/json": {}}}}},
        });
        let changed = github(&spec).unwrap();
        assert_eq!(changed["paths"].as_object().unwrap().len(), 2);
        let put = &changed["paths"][path]["put"];
        assert_eq!(
            put["responses"]["200"]["content"]["application/vnd.github+json"]["example"],
            RFC_7748_KEY
        );
        let body = &put["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body, &json!({"type": "object", "additionalProperties": false}));
        assert_eq!(changed["components"]["responses"]["not_found"]["content"].as_object().unwrap().len(), 2);
        assert_eq!(changed["security"], json!([{"token": []}]));
        assert!(github(&json!({"paths": {}})).is_none(), "the example is another");
    }
}
