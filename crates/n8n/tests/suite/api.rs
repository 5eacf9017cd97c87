//! The public API over a key: what is there is given, whole and once.

use std::collections::BTreeSet;

use model::{IssuedKey, Issuer as _, IssuerErrorKind as Kind, NewKey, ScopeSupport};
use n8n::{
    AuditCategory, Completeness, ExecutionFilter, FromFields, IncludeData, Listing, N8nIssuer, PublicApi,
    RequiredScopes, WorkflowFilter, WorkflowState,
};
use serde_json::{Value, json};

use super::{Ground, assert_kind, clean_up, new_key};

/// A key that may do all that its user may, and a bare client beside it.
pub(crate) struct Hand {
    issuer: N8nIssuer,
    pub(crate) key: IssuedKey,
    pub(crate) api: PublicApi,
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
}

impl Hand {
    pub(crate) async fn of(ground: &Ground) -> Self {
        let issuer = ground.issuer().await;
        let scopes = issuer.capabilities().available_scopes.clone();
        let key = issuer.create(&NewKey { scopes, ..new_key(issuer.capabilities()) }).await.unwrap();
        let api = issuer.client().public_api(key.secret.clone());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { issuer, key, api, http, url: ground.url.clone() }
    }

    /// A bare call under `/api/v1`; it has to go well.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let request = self.http.request(method.parse().unwrap(), format!("{}/api/v1{path}", self.url));
        let request = request.header("x-n8n-api-key", self.key.secret.expose());
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn workflow(&self, name: &str, nodes: Value) -> String {
        let body = json!({ "name": name, "nodes": nodes, "connections": {}, "settings": {} });
        let made = self.call("POST", "/workflows", body).await;
        made["id"].as_str().map_or_else(|| made["id"].to_string(), str::to_owned)
    }

    pub(crate) async fn workflows(&self, how_many: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0..how_many {
            ids.push(self.workflow(&format!("contract {number}"), json!([no_op()])).await);
        }
        ids
    }

    pub(crate) async fn remove(&self, ids: impl IntoIterator<Item = &String>) {
        for id in ids {
            self.call("DELETE", &format!("/workflows/{id}"), json!({})).await;
        }
    }

    pub(crate) async fn done(self) {
        clean_up(&self.issuer, vec![self.key]).await;
    }
}

pub(crate) fn no_op() -> Value {
    json!({ "id": "a", "name": "N", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": [0, 0],
        "parameters": {} })
}

/// The rest of a list, and that it was whole and gave nothing twice.
pub(crate) async fn whole<T: FromFields>(mut list: Listing<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(thing) = list.next().await {
        assert_eq!(list.completeness().filter(|_| thing.is_err()), None);
        all.push(thing.unwrap());
    }
    assert_eq!(list.completeness(), Some(&Completeness::Whole));
    assert_eq!(ids(&all).len(), all.len(), "something was given twice");
    all
}

pub(crate) fn ids<T: FromFields>(things: &[T]) -> BTreeSet<String> {
    things.iter().map(|thing| thing.id().to_owned()).collect()
}

pub(crate) async fn a_list_is_given_whole_in_pages_of_any_size(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let made = hand.workflows(7).await;
    for items in [1, 2, 3, 7, 250] {
        let api = hand.api.clone().with_page_items(items);
        let listed = whole(api.workflows(&WorkflowFilter::default())).await;
        assert!(made.iter().all(|id| ids(&listed).contains(id)), "{items} in a page");
        assert!(listed.iter().all(|workflow| workflow.created_at.is_some() && !workflow.nodes.is_empty()));
    }
    let active = WorkflowFilter { state: Some(WorkflowState::Active), ..WorkflowFilter::default() };
    assert_eq!(whole(hand.api.workflows(&active)).await, []);
    hand.remove(&made).await;
    hand.done().await;
}

pub(crate) async fn a_list_survives_what_comes_and_goes(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let mut made: BTreeSet<String> = hand.workflows(10).await.into_iter().collect();
    let mut list = hand.api.clone().with_page_items(3).workflows(&WorkflowFilter::default());
    let mut given = Vec::new();
    for turn in 0..5 {
        given.push(list.next().await.unwrap().unwrap().id);
        // What was given goes, so that all that follows moves up; something new comes somewhere.
        if turn % 2 == 0 {
            let gone = given.iter().rev().find(|id| made.contains(*id)).cloned();
            if let Some(gone) = gone {
                hand.remove([&gone]).await;
                made.remove(&gone);
            }
        } else {
            made.insert(hand.workflow("contract, later", json!([no_op()])).await);
        }
    }
    let before: BTreeSet<String> = given.iter().cloned().collect();
    let rest = whole(list).await;
    let all: BTreeSet<String> = before.union(&ids(&rest)).cloned().collect();
    assert_eq!(all.len(), before.len() + rest.len(), "something was given twice");
    // Something moved, so the list was read again: even what came meanwhile was met.
    assert!(made.is_subset(&all), "missing: {:?}", made.difference(&all).collect::<Vec<_>>());
    hand.remove(&made).await;
    hand.done().await;
}

pub(crate) async fn a_workflow_and_its_versions_are_read(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let id = hand.workflow("contract, one", json!([no_op()])).await;
    let read = hand.api.workflow(&id).await.unwrap().expect("there");
    assert_eq!((read.id.as_str(), read.name.as_str(), read.active), (id.as_str(), "contract, one", false));
    assert_eq!(read.nodes[0]["type"], "n8n-nodes-base.noOp");
    assert!(read.published().is_none() && !read.draft_differs());
    assert!(!format!("{read:?}").contains("noOp"));
    for odd in ["", "../users", "a/b", "a?b"] {
        assert_kind(hand.api.workflow(odd).await, Kind::Refused);
    }
    let version = read.version_id.clone().unwrap_or_else(|| "none".to_owned());
    match ground.version {
        "2.41.1" | "1.123.81" => {
            let read = hand.api.workflow_version(&id, &version).await.unwrap().expect("there");
            assert_eq!((read.version_id.as_str(), read.workflow_id.as_deref()), (&*version, Some(&*id)));
            assert!(read.authors.is_some() && read.nodes.is_some());
            assert_eq!(hand.api.workflow_version(&id, "none").await.unwrap(), None);
        }
        _ => drop(assert_kind(hand.api.workflow_version(&id, &version).await, Kind::Unsupported)),
    }
    let mut history = hand.api.workflow_history(&id).unwrap();
    if ground.version == "2.41.1" {
        let versions = whole(history).await;
        assert_eq!(ids(&versions), BTreeSet::from([version]));
    } else {
        assert_kind(history.next().await.unwrap(), Kind::Unsupported);
        assert!(matches!(history.completeness(), Some(Completeness::Incomplete { .. })));
        assert!(history.next().await.is_none());
    }
    hand.remove([&id]).await;
    // A member of 1.72 is told that they may not.
    match hand.api.workflow(&id).await {
        Ok(found) => assert_eq!(found, None),
        refused => drop(assert_kind(refused, Kind::Refused)),
    }
    hand.done().await;
}

pub(crate) async fn credentials_tags_and_users_are_listed(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let second = ground.version == "2.41.1";
    let body =
        json!({ "name": "contract", "type": "httpHeaderAuth", "data": { "name": "x", "value": "canary" } });
    let made = hand.call("POST", "/credentials", body).await["id"].as_str().unwrap().to_owned();
    let mut listed = hand.api.credentials();
    if second && ground.role != "global:owner" {
        assert_kind(listed.next().await.unwrap(), Kind::Refused);
    } else if second {
        let listed = whole(listed).await;
        let found = listed.iter().find(|credential| credential.id == made).expect("listed");
        assert_eq!((found.name.as_str(), found.kind.as_str()), ("contract", "httpHeaderAuth"));
        assert!(found.rest.contains_key("shared") && !format!("{listed:?}").contains("canary\""));
    } else {
        assert_kind(listed.next().await.unwrap(), Kind::Unsupported);
    }
    hand.call("DELETE", &format!("/credentials/{made}"), json!({})).await;

    let mut users = hand.api.users();
    if ground.role == "global:owner" || hand.issuer.capabilities().expiry {
        let users = whole(users).await;
        let me = users.iter().find(|user| user.email.as_deref() == Some(&*ground.email)).expect("listed");
        assert_eq!(me.role.as_deref(), Some(ground.role));
    } else {
        assert_kind(users.next().await.unwrap(), Kind::Refused);
    }
    for tag in whole(hand.api.tags()).await {
        assert!(!tag.name.is_empty());
    }
    hand.done().await;
}

pub(crate) async fn executions_are_listed_the_newest_first(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let api = hand.api.clone().with_page_items(2);
    let all = whole(api.executions(&ExecutionFilter::default(), IncludeData::No)).await;
    let numbers: Vec<u64> = all.iter().map(|execution| execution.id.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one > next), "{numbers:?}");
    assert!(all.iter().all(|execution| execution.data.is_none() && execution.started_at.is_some()));
    let with_data = whole(api.executions(&ExecutionFilter::default(), IncludeData::Yes)).await;
    assert_eq!(ids(&with_data), ids(&all));
    assert!(with_data.iter().all(|execution| execution.data.is_some()));
    let failed = ExecutionFilter { status: Some("error".to_owned()), ..ExecutionFilter::default() };
    assert_eq!(whole(api.executions(&failed, IncludeData::No)).await, []);
    hand.done().await;
}

pub(crate) async fn what_it_can_do_is_told(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let discovered = hand.api.discover().await.unwrap();
    assert_eq!(discovered.is_some(), ground.version == "2.41.1");
    if let Some(discovered) = discovered {
        let own: BTreeSet<_> = discovered.scopes.into_iter().collect();
        assert_eq!(own, hand.key.scopes.iter().cloned().collect());
        let route = discovered.routes.find("GET", "/workflows/x/history").expect("a route");
        assert_eq!(route.path, "/workflows/{workflowId}/history");
    }
    if let Some(routes) = hand.api.openapi().await.unwrap() {
        let route = routes.find("GET", "/workflows").expect("a route");
        let told = RequiredScopes::All(vec!["workflow:list".parse().unwrap()]);
        let wanted = if ground.version == "2.41.1" { told } else { RequiredScopes::NotTold };
        assert_eq!(route.scopes, wanted);
    }
    hand.done().await;
}

pub(crate) async fn what_may_not_be_read_is_said_so(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let mut kinds = Vec::new();
    kinds.push(hand.api.projects().next().await.unwrap().unwrap_err().kind);
    kinds.push(hand.api.variables().next().await.unwrap().unwrap_err().kind);
    // No licence, or no scope for it.
    assert!(kinds.iter().all(|kind| matches!(kind, Kind::Unsupported | Kind::Refused)), "{kinds:?}");
    match hand.api.audit(&[AuditCategory::Instance]).await {
        Ok(reports) => assert_eq!(reports[0].risk, "instance"),
        refused => {
            assert_ne!(ground.role, "global:owner");
            assert_kind(refused, Kind::Refused);
        }
    }
    if hand.issuer.capabilities().scopes == ScopeSupport::Enforced {
        let narrow = hand.issuer.create(&new_key(hand.issuer.capabilities())).await.unwrap();
        let api = hand.issuer.client().public_api(narrow.secret.clone());
        let refused = assert_kind(api.credentials().next().await.unwrap(), Kind::Refused);
        assert!(refused.line().contains("lacks the scope"), "{}", refused.line());
        clean_up(&hand.issuer, vec![narrow]).await;
    }
    let api = hand.api.clone();
    hand.done().await;
    let dead = assert_kind(api.workflows(&WorkflowFilter::default()).next().await.unwrap(), Kind::Refused);
    assert!(dead.line().contains("the key is refused"), "{}", dead.line());
}
