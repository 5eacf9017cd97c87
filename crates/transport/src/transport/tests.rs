//! What is malformed is found before anything is sent, and shows no secret.

use super::*;

struct Pair {
    certificate: String,
    key: String,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

#[track_caller]
fn check(transport: &Transport, setting: &str, why: &str) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let Err(error) = transport.apply(reqwest::Client::builder()) else { panic!("{why}: taken") };
    let all = format!("{error:?} {transport:?}");
    assert!(error.setting == setting && all.contains(why), "{all}");
    assert!(!all.contains("canary") && !all.contains("PRIVATE") && !error.mend.is_empty(), "{all}");
}

fn ca(pem: impl Into<Vec<u8>>) -> Transport {
    Transport { ca: Some(pem.into()), ..Transport::default() }
}

fn ours(certificate: &str, key: &str) -> Transport {
    let identity = Some((certificate.as_bytes().to_vec(), Secret::new(key)));
    Transport { identity, ..Transport::default() }
}

fn through(url: &str, user: Option<&str>, password: Option<&str>) -> Transport {
    let (user, password) = (user.map(str::to_owned), password.map(Secret::new));
    Transport { proxy: Some(ProxyConfig { url: url.to_owned(), user, password }), ..Transport::default() }
}

#[test]
fn what_is_well_formed_is_taken() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let (one, other) = (pair(), pair());
    let transport = Transport {
        ca: Some(format!("# ours\n{}\n{}", one.certificate, other.certificate).into_bytes()),
        identity: Some((one.certificate.clone().into_bytes(), Secret::new(one.key))),
        proxy: Some(ProxyConfig {
            url: " https://proxy.example.com:3128/ ".to_owned(),
            user: Some("us".to_owned()),
            password: Some(Secret::new("canary: with a colon")),
        }),
    };
    transport.apply(reqwest::Client::builder()).unwrap().build().unwrap();
}

#[test]
fn authorities_are_looked_at() {
    check(&ca(""), "ca", "no certificate");
    check(&ca("canary"), "ca", "no certificate");
    check(&ca(pair().key), "ca", "no certificate");
    check(&ca(vec![b'a'; MAX_BYTES + 1]), "ca", "larger than");
    check(&ca("-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n"), "ca", "not well-formed");
    check(&ca("-----BEGIN CERTIFICATE-----\nMIIB"), "ca", "not well-formed");
    let good = pair().certificate;
    let odd = format!("{good}-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n");
    check(&ca(odd), "ca", "number 2");
}

#[test]
fn a_certificate_and_its_key_belong_together() {
    let (one, other) = (pair(), pair());
    check(&ours("", &one.key), "client_certificate", "no certificate");
    check(&ours(&one.certificate, "canary"), "client_key", "no private key");
    check(&ours(&one.certificate, &one.certificate), "client_key", "no private key");
    check(&ours(&one.certificate, &other.key), "client_key", "not the private key");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(&ours(&one.certificate, encrypted), "client_key", "encrypted");
    let odd = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n";
    check(&ours(&one.certificate, odd), "client_key", "no RSA, ECDSA or Ed25519");
}

#[test]
fn a_proxy_is_an_address_and_a_login() {
    for url in ["", "canary", "proxy:3128", "socks5://proxy:1080", "http://"] {
        let Err(error) = through(url, None, None).apply(reqwest::Client::builder()) else {
            panic!("{url}: taken")
        };
        assert_eq!(error.setting, "proxy", "{url}: {error:?}");
    }
    check(&through("http://u:canary@proxy:3128", None, None), "proxy", "holds a user name");
    check(&through("http://canary@proxy:3128", None, None), "proxy", "holds a user name");
    check(&through("http://proxy:3128/canary", None, None), "proxy", "more in it");
    check(&through("http://proxy:3128", None, Some("canary")), "proxy_password", "no user");
    check(&through("http://proxy:3128", Some("u:canary"), None), "proxy_user", "a colon");
    check(&through("http://proxy:3128", Some("u"), Some("canary\n")), "proxy_password", "control characters");
}
