use model::Secret;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ZERO: &str = "0000000000000000000000000000000000000000";

fn forge(kind: ForgeKind) -> Forge {
    Forge {
        name: "forge".parse().unwrap(),
        kind,
        url: "https://forge.example.com".into(),
        repositories: ["acme/app".to_owned(), "acme/team/app".to_owned()].into(),
        secret: Secret::new("canary"),
        token: None,
        ca: None,
    }
}

fn read(kind: ForgeKind, event: &str, body: &Value) -> Result<Delivery, NoDelivery> {
    let (event_header, id) = match kind {
        ForgeKind::GitHub => ("x-github-event", "x-github-delivery"),
        ForgeKind::GitLab => ("x-gitlab-event", "idempotency-key"),
    };
    let headers = [(event_header, event), (id, "one-1")];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    Delivery::read(&forge(kind), &headers.collect(), body.to_string().as_bytes())
}

fn delivered(repository: &str, tells: Tells) -> Delivery {
    Delivery { id: "one-1".into(), repository: repository.into(), tells }
}

fn ids() -> (String, String) {
    ("a1".repeat(20), "b2".repeat(20))
}

#[test]
fn a_push_of_either_is_read() {
    let (old, new) = ids();
    let github = json!({"ref": "refs/heads/main", "before": old, "after": new, "repository": {"full_name": "acme/app"},
        "commits": [{"id": new, "message": "x"}], "forced": true});
    let of = "refs/heads/main".to_owned();
    let moved = Tells::Push { of: of.clone(), old: Some(old.clone()), new: Some(new.clone()) };
    assert_eq!(read(ForgeKind::GitHub, "push", &github), Ok(delivered("acme/app", moved.clone())));
    let gitlab = json!({"object_kind": "push", "ref": of, "before": old, "after": new,
        "project": {"path_with_namespace": "acme/team/app"}, "repository": {"name": "app", "url": "git@example.com:x"}});
    assert_eq!(read(ForgeKind::GitLab, "Push Hook", &gitlab), Ok(delivered("acme/team/app", moved)));
    let gone =
        json!({"ref": "refs/tags/v1", "before": old, "after": ZERO, "repository": {"full_name": "acme/app"}});
    let gone_tells = Tells::Push { of: "refs/tags/v1".into(), old: Some(old), new: None };
    assert_eq!(read(ForgeKind::GitHub, "push", &gone), Ok(delivered("acme/app", gone_tells)));
}

#[test]
fn alerts_name_a_repository_and_nothing_else() {
    let github = json!({"action": "created", "alert": {"number": 1, "secret_type": "x"}, "repository": {"full_name": "acme/app"}});
    for event in ["secret_scanning_alert", "secret_scanning_alert_location"] {
        assert_eq!(read(ForgeKind::GitHub, event, &github), Ok(delivered("acme/app", Tells::Alert)));
    }
    let gitlab = |report: &str, url: &str| json!({"object_kind": "vulnerability", "object_attributes": {"url": url, "report_type": report, "project_id": 50}});
    let url = "https://gitlab.example.com/acme/team/app/-/security/vulnerabilities/1";
    let found = read(ForgeKind::GitLab, "Vulnerability Hook", &gitlab("secret_detection", url));
    assert_eq!(found, Ok(delivered("acme/team/app", Tells::Alert)));
    let other = read(ForgeKind::GitLab, "Vulnerability Hook", &gitlab("sast", url));
    assert_eq!(other, Err(NoDelivery::OtherEvent));
    let elsewhere = "https://gitlab.example.com/evil/app/-/x";
    let other = read(ForgeKind::GitLab, "Vulnerability Hook", &gitlab("secret_detection", elsewhere));
    assert_eq!(other, Err(NoDelivery::OtherRepository));
}

#[test]
fn what_is_no_push_of_ours_is_told_apart() {
    let (old, new) = ids();
    let push = |of: &str, before: &str, after: &str, name: &str| json!({"ref": of, "before": before, "after": after, "repository": {"full_name": name}});
    let read = |body: &Value| read(ForgeKind::GitHub, "push", body);
    assert_eq!(read(&push("refs/heads/a", &old, &new, "evil/app")), Err(NoDelivery::OtherRepository));
    let malformed = [
        push("main", &old, &new, "acme/app"),
        push("refs/heads/a b", &old, &new, "acme/app"),
        push("refs/heads/\u{1b}[2J", &old, &new, "acme/app"),
        push(&format!("refs/heads/{}", "a".repeat(400)), &old, &new, "acme/app"),
        push("refs/heads/a", ZERO, ZERO, "acme/app"),
        push("refs/heads/a", "--upload-pack=x", &new, "acme/app"),
        push("refs/heads/a", &old.to_uppercase(), &new, "acme/app"),
        json!({}),
        json!([]),
    ];
    for body in malformed {
        assert_eq!(read(&body), Err(NoDelivery::Malformed), "{body}");
    }
    assert_eq!(
        Delivery::read(&forge(ForgeKind::GitHub), &HeaderMap::new(), b""),
        Err(NoDelivery::OtherEvent)
    );
}

#[test]
fn an_id_that_is_odd_or_missing_is_made_of_the_body() {
    let (old, new) = ids();
    let body =
        json!({"ref": "refs/heads/a", "before": old, "after": new, "repository": {"full_name": "acme/app"}});
    for odd in ["../x", "a b", "", &"a".repeat(81)] {
        let headers = [("x-github-event", "push"), ("x-github-delivery", odd)];
        let headers =
            headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let read = Delivery::read(&forge(ForgeKind::GitHub), &headers.collect(), body.to_string().as_bytes());
        assert_eq!(read.unwrap().id, body_id(body.to_string().as_bytes()));
    }
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        for kind in ForgeKind::ALL {
            for event in ["push", "Push Hook", "secret_scanning_alert", "Vulnerability Hook"] {
                let headers: HeaderMap = [("x-github-event", event), ("x-gitlab-event", event)]
                    .into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
                drop(Delivery::read(&forge(kind), &headers, &body));
                drop(Delivery::read(&forge(kind), &headers, text.as_bytes()));
            }
        }
    }
}
