//! Who gets through, and what those are told who do not.

use std::sync::Arc;
use std::time::Duration;

use model::{
    Capabilities, Issuer as _, IssuerErrorKind as Kind, KeyModel, Report, Retry, ScopeSupport, Secret,
};
use n8n::testing::{MemoryKeeper, RandomIds, WallClock};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, N8nClient, N8nIssuer, ProxyConfig, Timeouts, Transport};
use sandbox::{Options, Profile, Sandbox};

use super::proxy::{Proxy, Rule};
use super::tls::{Authority, Pair, serve};

/// Uses a made-up key: it is refused by whoever is at the other end of the way.
async fn get_through(url: &str, transport: Transport) -> Result<u16, Report> {
    let wait = Duration::from_secs(10);
    let config = ClientConfig {
        name: "far".parse().unwrap(),
        base_url: BaseUrl::parse(url, InsecureHttp::Refused).unwrap(),
        transport,
        timeouts: Timeouts { connect: wait, answer: wait, list: wait },
        clock: Arc::new(WallClock),
        ids: Arc::new(RandomIds),
    };
    let keeper = Arc::new(MemoryKeeper::new("canary@example.com", "canary-password", None));
    let client = Arc::new(N8nClient::new(config, keeper).map_err(|error| *error.report)?);
    let capabilities = Capabilities {
        keys: KeyModel::Many,
        scopes: ScopeSupport::Enforced,
        expiry: true,
        discover: false,
        available_scopes: Vec::new(),
    };
    let issuer = N8nIssuer::new(client, capabilities);
    match issuer.prove_dead(&Secret::new("n8n_api_canary")).await {
        Ok(death) => Ok(death.status),
        Err(error) => {
            assert!(matches!(error.kind, Kind::Unreachable | Kind::Refused), "{:?}: {error}", error.kind);
            Err(*error.report)
        }
    }
}

#[track_caller]
fn assert_told(result: Result<u16, Report>, mend: &str) {
    let report = result.expect_err("a refusal");
    let all = format!("{} {:?}", report.line(), report.mend);
    assert!(report.mend.iter().any(|line| line.contains(mend)), "{all}");
    assert_eq!(report.retry, Retry::AfterFix, "{all}");
    assert!(!all.contains("canary") && !all.chars().any(char::is_control), "{all}");
}

fn trusting(authority: &Authority) -> Transport {
    Transport { ca: Some(authority.pem().into_bytes()), ..Transport::default() }
}

fn with(authority: &Authority, pair: &Pair) -> Transport {
    let identity = Some((pair.certificate.clone().into_bytes(), Secret::new(pair.key.clone())));
    Transport { identity, ..trusting(authority) }
}

fn through(proxy: &Proxy, login: Option<(&str, &str)>, transport: Transport) -> Transport {
    let proxy = ProxyConfig {
        url: proxy.url.clone(),
        user: login.map(|(user, _)| user.to_owned()),
        password: login.map(|(_, password)| Secret::new(password)),
    };
    Transport { proxy: Some(proxy), ..transport }
}

#[tokio::test]
async fn the_right_authority_is_taken_and_no_other() {
    let (ours, other) = (Authority::new(), Authority::new());
    let url = serve(&ours, None).await;
    assert_eq!(get_through(&url, trusting(&ours)).await, Ok(401));
    assert_told(get_through(&url, trusting(&other)).await, "`ca`");
    // The system's own authorities do not know it.
    assert_told(get_through(&url, Transport::default()).await, "`ca`");
    let both = Transport { ca: Some((other.pem() + &ours.pem()).into_bytes()), ..Transport::default() };
    assert_eq!(get_through(&url, both).await, Ok(401));
}

#[tokio::test]
async fn the_name_in_the_certificate_counts() {
    let ours = Authority::new();
    let url = serve(&ours, None).await.replace("127.0.0.1", "localhost");
    assert_told(get_through(&url, trusting(&ours)).await, "another host's");
}

#[tokio::test]
async fn a_certificate_of_ours_is_given_where_it_is_wanted() {
    let (servers, clients, other) = (Authority::new(), Authority::new(), Authority::new());
    let url = serve(&servers, Some(&clients)).await;
    assert_eq!(get_through(&url, with(&servers, &clients.sign("us"))).await, Ok(401));
    assert_told(get_through(&url, trusting(&servers)).await, "`client_certificate`");
    assert_told(get_through(&url, with(&servers, &other.sign("us"))).await, "`client_certificate`");
    let crossed = Pair { key: clients.sign("us").key, ..clients.sign("us") };
    assert_told(get_through(&url, with(&servers, &crossed)).await, "made together");
}

#[tokio::test]
async fn a_tunnel_leads_through_a_proxy() {
    let ours = Authority::new();
    let url = serve(&ours, None).await;
    let open = Proxy::start(Rule::Open).await;
    assert_eq!(get_through(&url, through(&open, None, trusting(&ours))).await, Ok(401));
    let host = url.strip_prefix("https://").unwrap();
    assert_eq!(open.asked(), [format!("CONNECT {host} HTTP/1.1")]);

    let login = Proxy::start(Rule::Login).await;
    let known = Some(("user", "canary-password"));
    assert_eq!(get_through(&url, through(&login, known, trusting(&ours))).await, Ok(401));
    assert_told(get_through(&url, through(&login, None, trusting(&ours))).await, "`proxy_user`");
    let wrong = Some(("user", "canary-wrong"));
    assert_told(get_through(&url, through(&login, wrong, trusting(&ours))).await, "`proxy_user`");

    let closed = Proxy::start(Rule::Closed).await;
    assert_told(get_through(&url, through(&closed, known, trusting(&ours))).await, "the proxy lets");
}

#[tokio::test]
async fn plain_http_goes_through_a_proxy_too() {
    let sandbox = Sandbox::start(Profile::V2_41, Options::default()).await.unwrap();
    let login = Proxy::start(Rule::Login).await;
    let known = Some(("user", "canary-password"));
    assert_eq!(get_through(&sandbox.url(), through(&login, known, Transport::default())).await, Ok(401));
    assert!(login.asked()[0].starts_with(&format!("GET {}/api/v1/", sandbox.url())), "{:?}", login.asked());
    let refused = get_through(&sandbox.url(), through(&login, None, Transport::default())).await;
    assert_told(refused, "`proxy_user`");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_said_so() {
    let sandbox = Sandbox::start(Profile::V2_41, Options::default()).await.unwrap();
    let proxy = ProxyConfig { url: "http://127.0.0.1:1".to_owned(), user: None, password: None };
    let transport = Transport { proxy: Some(proxy), ..Transport::default() };
    let report = get_through(&sandbox.url(), transport).await.unwrap_err();
    assert!(report.line().contains("no connection"), "{}", report.line());
    assert_eq!(sandbox.call_count(), 0);
}
