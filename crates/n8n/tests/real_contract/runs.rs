//! A workflow that is published, called, and changed: only a real n8n runs it.

use std::time::{Duration, Instant};

use n8n::{ExecutionFilter, IncludeData};
use serde_json::json;

use crate::suite::Ground;
use crate::suite::api::{Hand, no_op, whole};

pub(crate) async fn what_ran_and_what_is_published_is_read(ground: &Ground) {
    let hand = Hand::of(ground).await;
    let random = format!("{:032x}", model::Ids::random(&n8n::testing::RandomIds));
    let hook = json!({ "id": "a", "name": "Hook", "type": "n8n-nodes-base.webhook", "typeVersion": 2,
        "position": [0, 0], "parameters": { "path": random, "httpMethod": "GET" }, "webhookId": random });
    let id = hand.workflow("contract, called", json!([hook])).await;
    hand.call("POST", &format!("/workflows/{id}/activate"), json!({})).await;
    let read = hand.api.workflow(&id).await.unwrap().expect("there");
    let published = read.published().expect("published");
    assert_eq!((read.active, read.draft_differs(), &read.version_id), (true, false, &read.active_version_id));
    assert_eq!(published.nodes.as_ref().unwrap()[0]["type"], "n8n-nodes-base.webhook");

    // Webhooks come and executions are written down some time after the answer.
    let until = Instant::now() + Duration::from_secs(20);
    let mut called = 0;
    while called < 5 {
        let answer = hand.http.get(format!("{}/webhook/{random}", hand.url)).send().await.unwrap();
        called += usize::from(answer.status() == 200);
        assert!(Instant::now() < until, "{}", answer.status());
    }
    let filter = ExecutionFilter {
        workflow: Some(id.clone()),
        status: Some("success".to_owned()),
        ..ExecutionFilter::default()
    };
    let api = hand.api.clone().with_page_items(2);
    while whole(api.executions(&filter, IncludeData::No)).await.len() < 5 {
        assert!(Instant::now() < until, "five executions");
    }
    let ran = whole(api.executions(&filter, IncludeData::Yes)).await;
    assert!(ran.iter().all(|one| one.data.is_some() && one.workflow_id.as_ref() == Some(&id)));
    assert!(!format!("{ran:?}").contains("webhook"));

    let body =
        json!({ "name": "contract, changed", "nodes": [hook, no_op()], "connections": {}, "settings": {} });
    let mut body = body;
    body["nodes"][1]["id"] = json!("b");
    hand.call("PUT", &format!("/workflows/{id}"), body).await;
    let read = hand.api.workflow(&id).await.unwrap().expect("there");
    println!("{}: a change is published with its draft: {}", ground.version, !read.draft_differs());
    assert_eq!(read.nodes.len(), 2);
    assert_eq!(
        read.published().unwrap().nodes.as_ref().unwrap().len(),
        if read.draft_differs() { 1 } else { 2 }
    );
    hand.call("POST", &format!("/workflows/{id}/deactivate"), json!({})).await;
    // 2.x says 409 as long as it is still unpublishing.
    loop {
        let path = format!("{}/api/v1/workflows/{id}", hand.url);
        let request = hand.http.delete(path).header("x-n8n-api-key", hand.key.secret.expose());
        match request.send().await.unwrap().status().as_u16() {
            200 => break,
            status => assert!(status == 409 && Instant::now() < until, "{status}"),
        }
    }
    hand.done().await;
}
