use super::*;

fn parse(url: &str) -> Result<Address, StoreError> {
    Address::parse(url, Some(&Secret::new("canary-password")))
}

#[track_caller]
fn check(url: &str, mode: SslMode, shown: &str) {
    let address = parse(url).unwrap();
    assert_eq!((address.config.get_ssl_mode(), address.shown.as_str()), (mode, shown), "{url}");
    assert_eq!(address.config.get_password(), Some(b"canary-password".as_slice()));
    assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(5)));
}

#[test]
fn only_this_machine_is_trusted_without_a_certificate() {
    let far = "postgresql://kw@db.example.com/keys";
    check(far, SslMode::Require, "postgresql://kw@db.example.com:5432/keys");
    for near in ["127.0.0.1", "localhost"] {
        let url = format!("postgresql://kw@{near}:5433/keys");
        check(&url, SslMode::Prefer, &url);
    }
    let socket = "postgresql:///keys?user=kw&host=/run/postgresql";
    check(socket, SslMode::Disable, "postgresql://kw@/run/postgresql/keys");
    check(&format!("{far}?sslmode=disable"), SslMode::Disable, "postgresql://kw@db.example.com:5432/keys");
    check(&format!("{far}?sslmode=require"), SslMode::Require, "postgresql://kw@db.example.com:5432/keys");
    // One far host of several is far.
    let several = "postgresql://kw@localhost,db.example.com/keys";
    check(several, SslMode::Require, "postgresql://kw@localhost:5432,db.example.com:5432/keys");
}

#[track_caller]
fn check_refused(url: &str, why: &str) {
    let error = parse(url).err().unwrap();
    assert!(error.to_string().contains(why), "{error}");
    assert_eq!(error.report.mend.len(), 1, "{error:?}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[test]
fn what_is_wrong_with_a_url_is_told_and_not_quoted() {
    check_refused("postgresql://kw:canary@db.example.com/keys", "a password stands in it");
    check_refused("postgresql://kw@db.example.com/keys?password=canary", "a password stands in it");
    check_refused("host=db.example.com password=canary", "relative URL without a base");
    check_refused("mysql://db.example.com/canary", "does not begin with");
    check_refused("postgresql://db.example.com/keys?sslmode=verify-ca", "`sslmode` is none");
    check_refused("postgresql://db.example.com/keys?canari=1", "canari");
    check_refused("postgresql://db.example.com/keys?connect_timeout=canary", "connect_timeout");
}
