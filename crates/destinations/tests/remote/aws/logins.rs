//! Where credentials come from, each way once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use destinations::{ServiceConfig, Services};
use model::{
    Clock as _, Destination, DestinationError, DestinationErrorKind as Kind, Held, Secret, SignedDuration,
};
use serde_json::json;
use tempfile::TempDir;

use super::{REGION, call, has, refused, signed};
use crate::{
    place::{SystemClock, open_at, outside},
    server::{Reply, Seen, Server, Shape},
};

const ROLE: &str = "arn:aws:iam::123456789012:role/keywright";
const OIDC: &str = "canary-oidc-token";
const AGENT: &str = "canary-agent-token";
const METADATA: &str = "canary-metadata-token";

#[derive(Default)]
struct State {
    /// How often credentials were given.
    given: u32,
    /// The newest of them is the only one that is good; so many calls with it.
    good_for: Option<u32>,
    /// How long what is given lives.
    seconds: i64,
    /// How calls were signed.
    signers: Vec<String>,
}

/// All at once: Secrets Manager, STS, the metadata of a container and of an instance.
struct Account(Mutex<State>);

impl State {
    /// The next temporary credentials, and when they end.
    fn give(&mut self, from: &str) -> (String, String, String) {
        self.given += 1;
        let until = SystemClock.now().checked_add(SignedDuration::from_secs(self.seconds)).unwrap();
        let id = format!("ASIA-{from}-{}", self.given);
        (id.clone(), format!("canary-token-of-{id}"), until.to_string())
    }

    fn give_json(&mut self, from: &str) -> Reply {
        let (id, token, until) = self.give(from);
        Reply::json(
            200,
            &json!({"Code": "Success", "AccessKeyId": id, "SecretAccessKey": "canary", "Token": token, "Expiration": until}),
        )
    }

    fn sts(&mut self, seen: &Seen) -> Result<Reply, String> {
        if seen.header("content-type") != Some("application/x-www-form-urlencoded") {
            return Err("content-type".into());
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if field("Version") != "2011-06-15" || !field("RoleArn").starts_with("arn:aws:iam::") {
            return Err(format!("{form:?}"));
        }
        let (action, from) = (field("Action"), field("RoleSessionName"));
        match action {
            "AssumeRole" => {
                let (id, token) = signed(seen, "sts", "content-type;host;", "")?;
                check_token(&id, token.as_deref())?;
                self.signers.push(id);
                if field("ExternalId") == "wrong" {
                    let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>canary</Message></Error></ErrorResponse>";
                    return Ok(Reply { body: error.as_bytes().to_vec(), ..Reply::empty(403) });
                }
            }
            "AssumeRoleWithWebIdentity" if field("WebIdentityToken") == OIDC => {
                if seen.header("authorization").is_some() {
                    return Err("a signature".into());
                }
            }
            _ => return Err(format!("action {action}")),
        }
        let (id, token, until) = self.give(from);
        let body = format!(
            "<{action}Response><{action}Result><AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>canary</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{until}</Expiration></Credentials></{action}Result></{action}Response>"
        );
        Ok(Reply { body: body.into_bytes(), ..Reply::empty(200) })
    }

    fn read(&mut self, seen: &Seen) -> Result<Reply, String> {
        let (action, body) = call(seen, "secretsmanager", "secretsmanager")?;
        has(&body, &["SecretId", "VersionStage"], &[])?;
        let (id, token) = signed(seen, "secretsmanager", "content-type;host;", ";x-amz-target")?;
        check_token(&id, token.as_deref())?;
        if action != "GetSecretValue" {
            return Err(action);
        }
        self.signers.push(id.clone());
        if let Some(left) = &mut self.good_for {
            if *left == 0 {
                self.good_for = Some(1);
                return Ok(refused("ExpiredTokenException"));
            }
            *left -= 1;
        }
        Ok(Reply::json(200, &json!({"VersionId": "v", "SecretString": "held"})))
    }
}

fn check_token(id: &str, token: Option<&str>) -> Result<(), String> {
    let expected = id.starts_with("ASIA").then(|| format!("canary-token-of-{id}"));
    if token == expected.as_deref() { Ok(()) } else { Err(format!("the token of {id}")) }
}

impl Shape for Account {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let metadata = |state: &mut State| {
            if seen.header("x-aws-ec2-metadata-token") != Some(METADATA) {
                return Err("no metadata token".to_owned());
            }
            Ok(state.give_json("instance"))
        };
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/") if seen.header("x-amz-target").is_some() => state.read(seen),
            ("POST", "/") => state.sts(seen),
            ("GET", "/container") if seen.header("authorization") == Some(AGENT) => {
                Ok(state.give_json("container"))
            }
            ("PUT", "/latest/api/token") => {
                seen.header("x-aws-ec2-metadata-token-ttl-seconds").ok_or("for how long")?;
                Ok(Reply { body: METADATA.as_bytes().to_vec(), ..Reply::empty(200) })
            }
            ("GET", "/latest/meta-data/iam/security-credentials/") => {
                metadata(&mut state)?;
                state.given -= 1;
                Ok(Reply { body: b"n8n-role".to_vec(), ..Reply::empty(200) })
            }
            ("GET", "/latest/meta-data/iam/security-credentials/n8n-role") => metadata(&mut state),
            (method, path) => Err(format!("{method} {path}")),
        }
    }
}

struct Rig {
    server: Server,
    account: Arc<Account>,
    home: TempDir,
}

type Pairs<'a> = &'a [(&'static str, &'a str)];

impl Rig {
    async fn start() -> Self {
        let account = Arc::new(Account(Mutex::new(State { seconds: 3600, ..State::default() })));
        let server = Server::start(account.clone()).await;
        Self { server, account, home: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Of a service with these settings in an environment with these variables, and no other.
    fn open(&self, settings: Pairs<'_>, variables: Pairs<'_>) -> Arc<dyn Destination> {
        let own = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        let mut variables: Vec<_> = variables.iter().map(own).collect();
        let has = |name: &str| variables.iter().any(|(known, _)| *known == name);
        let metadata = (!has("AWS_EC2_METADATA_SERVICE_ENDPOINT"))
            .then(|| ("AWS_EC2_METADATA_DISABLED", "true".to_owned()));
        variables.extend(metadata);
        variables.push(("AWS_ENDPOINT_URL", self.server.url.clone()));
        variables.push(("HOME", self.home.path().to_str().unwrap().to_owned()));
        let values = settings.iter().map(own).map(|(name, value)| (name.to_owned(), value)).collect();
        let config = ServiceConfig::new("aws-secrets-manager", None, values).unwrap();
        let services = Services::new(vec![config], outside(&variables));
        open_at(Arc::new(services), "aws-secrets-manager:n8n")
    }

    async fn read(&self, settings: Pairs<'_>, variables: Pairs<'_>) -> Result<Vec<String>, DestinationError> {
        self.account.0.lock().unwrap().signers.clear();
        let held = self.open(settings, variables).read().await?;
        assert_eq!(held, Held::Value(Secret::new("held")));
        self.server.assert_clean();
        Ok(self.account.0.lock().unwrap().signers.clone())
    }
}

const KEYS: Pairs<'_> = &[("AWS_ACCESS_KEY_ID", "AKIA-env"), ("AWS_SECRET_ACCESS_KEY", "canary")];

#[tokio::test]
async fn keys_of_the_settings_come_before_those_of_the_environment() {
    let rig = Rig::start().await;
    let variables = [KEYS, &[("AWS_REGION", "nowhere"), ("SECRET", "canary")]].concat();
    let settings = [("region", REGION), ("access_key_id", "AKIA-own"), ("secret_access_key", "env:SECRET")];
    assert_eq!(rig.read(&settings, &variables).await.unwrap(), ["AKIA-own"]);
    assert_eq!(rig.read(&settings[..1], &variables).await.unwrap(), ["AKIA-env"]);
}

#[tokio::test]
async fn a_role_is_taken_on_with_what_was_found() {
    let rig = Rig::start().await;
    let role: Pairs<'_> =
        &[("region", REGION), ("role_arn", ROLE), ("external_id", "prod"), ("role_session_name", "me")];
    assert_eq!(rig.read(role, KEYS).await.unwrap(), ["AKIA-env", "ASIA-me-1"]);
    let wrong: Pairs<'_> = &[("region", REGION), ("role_arn", ROLE), ("external_id", "wrong")];
    let failure = rig.read(wrong, KEYS).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Denied);
    assert!(failure.report.because[0].contains(&format!("sts:AssumeRole on {ROLE}")), "{failure}");
    assert!(!format!("{failure:?}").contains("canary"));
}

#[tokio::test]
async fn a_web_identity_is_exchanged_unsigned() {
    let rig = Rig::start().await;
    let token = rig.file("token", &format!("{OIDC}\n"));
    let variables: Pairs<'_> = &[
        ("AWS_REGION", REGION),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_ROLE_SESSION_NAME", "pod"),
    ];
    assert_eq!(rig.read(&[], variables).await.unwrap(), ["ASIA-pod-1"]);
    let settings: Pairs<'_> = &[("region", REGION), ("web_identity_token_file", &token), ("role_arn", ROLE)];
    assert_eq!(rig.read(settings, KEYS).await.unwrap(), ["ASIA-keywright-2"]);
    let gone: Pairs<'_> = &[("region", REGION), ("web_identity_token_file", "/none"), ("role_arn", ROLE)];
    let failure = rig.read(gone, &[]).await.unwrap_err();
    assert!(failure.report.because[0].contains("`/none`, is not there"), "{failure}");
}

#[tokio::test]
async fn profiles_are_read_as_the_cli_reads_them() {
    let rig = Rig::start().await;
    let config = rig.file(
        "config",
        &format!(
            "[default]\nregion = {REGION}\n[profile n8n]\nregion = {REGION}\nrole_arn = {ROLE}\nsource_profile = base\nrole_session_name = profile\n[profile sso]\nsso_session = x\nregion = {REGION}\n"
        ),
    );
    let credentials =
        rig.file("credentials", "[base]\naws_access_key_id = AKIA-base\naws_secret_access_key = canary\n");
    let files: Pairs<'_> = &[("AWS_CONFIG_FILE", &config), ("AWS_SHARED_CREDENTIALS_FILE", &credentials)];
    let by_variable = [files, &[("AWS_PROFILE", "n8n")]].concat();
    assert_eq!(rig.read(&[], &by_variable).await.unwrap(), ["AKIA-base", "ASIA-profile-1"]);
    // A profile that is named in the settings counts over keys of the environment.
    let named: Pairs<'_> = &[("profile", "base"), ("region", REGION)];
    assert_eq!(rig.read(named, &[KEYS, files].concat()).await.unwrap(), ["AKIA-base"]);
    for (profile, expected) in [("sso", "browser"), ("none", "no profile `none`")] {
        let settings: Pairs<'_> = &[("profile", profile), ("region", REGION)];
        let failure = rig.read(settings, files).await.unwrap_err();
        assert!(failure.kind == Kind::Denied && failure.report.because[0].contains(expected), "{failure}");
    }
    // By default they are in the home.
    std::fs::create_dir(rig.home.path().join(".aws")).unwrap();
    std::fs::rename(&credentials, rig.home.path().join(".aws/credentials")).unwrap();
    assert_eq!(rig.read(named, &[]).await.unwrap(), ["AKIA-base"]);
}

#[tokio::test]
async fn a_container_gives_credentials_to_who_has_its_token() {
    let rig = Rig::start().await;
    let token = rig.file("agent", AGENT);
    let url = format!("{}/container", rig.server.url);
    let base = [("AWS_REGION", REGION), ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())];
    let by_file = [&base[..], &[("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)]].concat();
    assert_eq!(rig.read(&[], &by_file).await.unwrap(), ["ASIA-container-1"]);
    let by_variable = [&base[..], &[("AWS_CONTAINER_AUTHORIZATION_TOKEN", AGENT)]].concat();
    assert_eq!(rig.read(&[], &by_variable).await.unwrap(), ["ASIA-container-2"]);
    let elsewhere = [base[0], ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/container")];
    let failure = rig.read(&[], &elsewhere).await.unwrap_err();
    assert!(failure.report.because[0].contains("names a host that gives no credentials"), "{failure}");
}

#[tokio::test]
async fn an_instance_gives_those_of_its_role() {
    let rig = Rig::start().await;
    let variables = [("AWS_REGION", REGION), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.server.url.as_str())];
    assert_eq!(rig.read(&[], &variables).await.unwrap(), ["ASIA-instance-1"]);
}

#[tokio::test]
async fn metadata_is_never_asked_through_a_proxy() {
    let rig = Rig::start().await;
    let settings = [("region", REGION), ("proxy", "http://127.0.0.1:1")];
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.server.url.as_str())];
    assert_eq!(rig.read(&settings, &variables).await.unwrap_err().kind, Kind::Unreachable);
    let seen: Vec<String> = rig.server.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(
        seen,
        ["PUT", "GET", "GET"],
        "credentials came, and the service's call had no proxy to go through"
    );
}

#[tokio::test]
async fn without_credentials_or_a_region_it_says_so() {
    let rig = Rig::start().await;
    let failure = rig.read(&[("region", REGION)], &[]).await.unwrap_err();
    assert!(
        failure.kind == Kind::Denied && failure.report.because[0].contains("there are no credentials"),
        "{failure}"
    );
    // Nobody answers where an instance's metadata would be.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
    let failure = rig.read(&[("region", REGION)], &variables).await.unwrap_err();
    assert!(failure.report.because[0].contains("there are no credentials"), "{failure}");
    for variables in [KEYS.to_vec(), [KEYS, &[("AWS_REGION", "evil.example/")]].concat()] {
        let failure = rig.read(&[], &variables).await.unwrap_err();
        assert!(
            failure.kind == Kind::BadAddress && failure.report.because[0].contains("region"),
            "{failure}"
        );
    }
    for (setting, value, problem) in [
        ("external_id", "x", "`external_id` stands without `role_arn`"),
        ("session_token", "env:X", "`session_token` stands without `access_key_id`"),
        ("role_session_name", "x", "`role_session_name` stands without `role_arn`"),
        ("region", "eu central", "`region` is none"),
    ] {
        let values = BTreeMap::from([(setting.to_owned(), value.to_owned())]);
        let faults = ServiceConfig::new("aws-secrets-manager", None, values).unwrap_err();
        assert!(faults[0].problem.contains(problem), "{faults:?}");
    }
}

#[tokio::test]
async fn credentials_that_end_are_fetched_once_more() {
    let rig = Rig::start().await;
    let variables = [("AWS_REGION", REGION), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.server.url.as_str())];
    let destination = rig.open(&[], &variables);
    // While they hold they are used again.
    destination.read().await.unwrap();
    destination.read().await.unwrap();
    assert_eq!(rig.account.0.lock().unwrap().given, 1);
    // Before their time is over: AWS says so.
    rig.account.0.lock().unwrap().good_for = Some(0);
    destination.read().await.unwrap();
    let signers = rig.account.0.lock().unwrap().signers.clone();
    assert_eq!(signers, ["ASIA-instance-1", "ASIA-instance-1", "ASIA-instance-1", "ASIA-instance-2"]);
    // Those that are almost over are not used.
    rig.account.0.lock().unwrap().good_for = None;
    rig.account.0.lock().unwrap().seconds = 10;
    let destination = rig.open(&[], &variables);
    destination.read().await.unwrap();
    destination.read().await.unwrap();
    assert_eq!(rig.account.0.lock().unwrap().given, 4);
    rig.server.assert_clean();
}

#[tokio::test]
async fn keys_that_stay_the_same_are_not_tried_again() {
    let rig = Rig::start().await;
    rig.account.0.lock().unwrap().good_for = Some(0);
    let variables = [KEYS, &[("AWS_REGION", REGION)]].concat();
    assert_eq!(rig.read(&[], &variables).await.unwrap_err().kind, Kind::Denied);
    assert_eq!(rig.account.0.lock().unwrap().signers, ["AKIA-env"]);
}
