//! The environment's credentials, where a service is another than the environment's.

use model::{DestinationErrorKind as Kind, Report};
use tokio::task::JoinSet;

use crate::place::{services_of, try_open_at};

/// Nobody listens there: whoever calls has found credentials.
const HERE: &str = "http://127.0.0.1:1";
const OTHER: &str = "https://other.example:8443";

/// What came of it; a report where no credentials were found.
async fn refused(kind: &str, settings: &[(&str, &str)], variables: &[(&str, &str)]) -> Option<Report> {
    let known = destinations::service_kinds().iter().find(|known| known.name == kind).unwrap();
    let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let variables: Vec<(&str, String)> =
        variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let destination = try_open_at(services_of(kind, settings, &variables), known.example).unwrap();
    let failure = destination.read().await.unwrap_err();
    match failure.kind {
        Kind::Unreachable => None,
        Kind::Denied => Some(*failure.report),
        _ => panic!("{failure}"),
    }
}

async fn check(kind: &'static str, token: &'static str, url: &'static str, default: Option<&str>) {
    let (here, found) = (("url", HERE), (token, "canary-token"));
    let report = refused(kind, &[here], &[found]).await.unwrap_or_else(|| panic!("{kind} {token}"));
    match default {
        Some(default) => assert_eq!(report.because[1], format!("the environment's is for `{default}`")),
        None => assert!(report.because[1].contains(url), "{report:?}"),
    }
    assert!(!format!("{report:?}").contains("canary"), "{report:?}");
    let report = refused(kind, &[here], &[found, (url, OTHER)]).await.unwrap();
    assert_eq!(report.because[1], format!("the environment's is for `{OTHER}`"));
    let same = format!("{HERE}/path");
    assert_eq!(refused(kind, &[here], &[found, (url, &same)]).await, None, "{kind}: of the same server");
    assert_eq!(refused(kind, &[], &[found, (url, HERE)]).await, None, "{kind}: the environment says all");
    let named = format!("env:{token}");
    let told = refused(kind, &[here, ("token", &named)], &[found, (url, OTHER)]).await;
    assert_eq!(told, None, "{kind}: it is named");
}

#[tokio::test]
async fn credentials_of_the_environment_go_to_its_own_server_alone() {
    let mut kinds = JoinSet::new();
    for (kind, token, url, default) in [
        ("doppler", "DOPPLER_TOKEN", "DOPPLER_API_HOST", Some("https://api.doppler.com")),
        ("gitlab", "GITLAB_TOKEN", "GITLAB_HOST", Some("https://gitlab.com")),
        ("github", "GH_TOKEN", "GITHUB_API_URL", Some("https://api.github.com")),
        ("github", "GITHUB_TOKEN", "GITHUB_API_URL", Some("https://api.github.com")),
        ("infisical", "INFISICAL_TOKEN", "INFISICAL_API_URL", Some("https://app.infisical.com")),
        ("1password", "OP_CONNECT_TOKEN", "OP_CONNECT_HOST", None),
        ("gitea", "GITEA_TOKEN", "GITEA_SERVER_URL", None),
        ("forgejo", "FORGEJO_TOKEN", "FORGEJO_URL", None),
        ("vault", "VAULT_TOKEN", "VAULT_ADDR", None),
        ("openbao", "BAO_TOKEN", "BAO_ADDR", None),
    ] {
        kinds.spawn(check(kind, token, url, default));
    }
    kinds.join_all().await;
}

#[tokio::test]
async fn a_machine_identity_and_a_token_at_home_do_so_too() {
    let identity = [
        ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "backups"),
        ("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "canary-secret"),
    ];
    let report = refused("infisical", &[("url", HERE)], &identity).await.unwrap();
    assert!(report.because[1].contains("https://app.infisical.com"), "{report:?}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".vault-token"), "canary-token").unwrap();
    let home = ("HOME", folder.path().to_str().unwrap());
    for kind in ["vault", "openbao"] {
        let report = refused(kind, &[("url", HERE)], &[home, ("VAULT_ADDR", OTHER)]).await.unwrap();
        assert!(report.because[1].contains(OTHER), "{report:?}");
        assert_eq!(refused(kind, &[("url", HERE)], &[home, ("VAULT_ADDR", HERE)]).await, None);
    }
}
