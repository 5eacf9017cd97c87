//! The way to a database: TLS with a real server, whom it is taken for, and whom it lets in.

use model::{Secret, Store as _, StoreErrorKind};
use rcgen::CertificateParams;
use store::log::LogConfig;
use store::{MasterKey, PostgresStore};

use crate::fixture::instance;
use crate::postgres_own::{Authority, OwnServer};
use crate::postgres_place::wait;

/// A server, its authority and another one, both in files.
struct Way {
    folder: tempfile::TempDir,
    server: OwnServer,
    authority: Authority,
    ours: String,
    other: String,
}

/// `wary` comes in with TLS alone, `keeper` with a password.
const DOORS: &str = "hostssl all wary 127.0.0.1/32 trust
    host all keeper 127.0.0.1/32 scram-sha-256
    host all guest 127.0.0.1/32 trust
    host all nobody 127.0.0.1/32 trust";

fn way() -> Option<Way> {
    let server = OwnServer::start(DOORS)?;
    for sql in [
        "CREATE ROLE wary LOGIN",
        "CREATE DATABASE wary OWNER wary",
        "CREATE ROLE keeper LOGIN PASSWORD 'canary-password'",
        "CREATE DATABASE keeper OWNER keeper",
        "CREATE ROLE guest LOGIN",
    ] {
        server.run(sql);
    }
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let file = |name: &str, authority: &Authority| {
        let path = folder.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        path.display().to_string()
    };
    let (ours, other) = (file("ours.pem", &authority), file("other.pem", &Authority::new()));
    Some(Way { folder, server, authority, ours, other })
}

/// A certificate for a name.
fn of(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

impl Way {
    fn log(&self, database: &str) -> LogConfig {
        LogConfig::new(self.folder.path().join(format!("log-{database}")))
    }

    fn url(&self, user: &str, host: &str, database: &str, options: &str) -> String {
        format!("postgresql://{user}@{host}:{}/{database}?{options}", self.server.port)
    }

    /// A store is made and used on this way.
    #[track_caller]
    fn serves(&self, url: &str, password: Option<&str>, database: &str) {
        let (key, log) = (MasterKey::generate().unwrap(), self.log(database));
        let password = password.map(Secret::new);
        let store = wait(PostgresStore::create(url, password.as_ref(), &key, &log)).unwrap();
        wait(store.put_instance(&instance("prod"), Vec::new(), Vec::new())).unwrap();
        let user = url.split(['/', '@']).nth(2).unwrap();
        self.server.run(&format!(
            "DO $$ BEGIN ASSERT (SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE usename = '{user}'), 'in the clear'; END $$"
        ));
        drop(store);
        std::fs::remove_dir_all(&log.folder).unwrap();
        wait(async {
            let client = crate::postgres_place::client(&self.superuser(database)).await;
            client.batch_execute("DROP SCHEMA keywright CASCADE").await.unwrap();
        });
    }

    fn superuser(&self, database: &str) -> String {
        self.url("postgres", "127.0.0.1", database, "sslmode=disable")
    }
}

/// Nothing comes of it; why and how to mend it is told, and no secret.
#[track_caller]
fn refuses(url: &str, password: Option<&str>, why: &str, mend: &str) {
    let key = MasterKey::generate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let password = password.map(Secret::new);
    let log = LogConfig::new(folder.path().join("log"));
    let error = wait(PostgresStore::create(url, password.as_ref(), &key, &log)).err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert_eq!(error.report.retry, model::Retry::AfterFix, "{error}");
    assert!(error.report.line().contains(why), "{url}: {}", error.report.line());
    assert!(error.report.mend.iter().any(|one| one.contains(mend)), "{url}: {:?}", error.report.mend);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_is_taken_for_the_database_only_with_its_certificate() {
    let Some(way) = way() else { return };
    let at = |host: &str, options: &str| way.url("wary", host, "wary", options);
    let (ours, other) = (format!("sslrootcert={}", way.ours), format!("sslrootcert={}", way.other));
    let verified = format!("sslmode=verify-full&{ours}");

    // No TLS there: not a word is said.
    for options in ["sslmode=require", &verified] {
        refuses(&at("localhost", options), None, "it has no TLS", "ssl = on");
    }

    way.server.show(&way.authority.sign(&of("localhost")));
    way.serves(&at("localhost", &verified), None, "wary");
    way.serves(&at("localhost", &format!("sslmode=require&{ours}")), None, "wary");
    // Whoever it is.
    way.serves(&at("127.0.0.1", "sslmode=require"), None, "wary");
    way.serves(&at("127.0.0.1", "sslmode=prefer"), None, "wary");
    let doors = "not in this way";
    refuses(&at("localhost", "sslmode=disable"), None, doors, "pg_hba.conf");

    let named = "its certificate is for another name";
    refuses(&at("127.0.0.1", &verified), None, named, "name its host in the URL");
    for mode in ["verify-full", "require", "prefer"] {
        let options = format!("sslmode={mode}&{other}");
        refuses(&at("localhost", &options), None, "by no authority that is trusted", "sslrootcert=");
    }
    // The system's authorities do not know it either.
    refuses(&at("localhost", "sslmode=verify-full"), None, "", "sslrootcert=");
    let none = format!("sslmode=verify-full&sslrootcert={}/none.pem", way.folder.path().display());
    refuses(&at("localhost", &none), None, "", "PEM form");

    let mut past = of("localhost");
    past.not_after = rcgen::date_time_ymd(2001, 1, 1);
    way.server.show(&way.authority.sign(&past));
    refuses(&at("localhost", &verified), None, "not valid at this time", "renew it");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_lets_in_whom_it_knows_and_the_others_are_told_why() {
    let Some(way) = way() else { return };
    way.server.show(&way.authority.sign(&of("localhost")));
    let options = format!("sslmode=verify-full&sslrootcert={}", way.ours);
    let at = |user: &str, database: &str| way.url(user, "localhost", database, &options);
    let password = "`store_password = ";

    way.serves(&at("keeper", "keeper"), Some("canary-password"), "keeper");
    refuses(&at("keeper", "keeper"), Some("canary-wrong"), "the password is wrong", password);
    refuses(&at("keeper", "keeper"), None, "it wants a password", password);
    refuses(&at("keeper", "elsewhere"), Some("canary-password"), "no such database", "createdb");
    refuses(&at("nobody", "keeper"), None, "does not know this user", "the user");
    refuses(&at("stranger", "keeper"), Some("canary"), "does not let it in from here", "pg_hba.conf");

    let rights = "does not let this user do that";
    refuses(&at("guest", "keeper"), None, rights, "GRANT CREATE");
    way.server.run("CREATE DATABASE others");
    wait(async {
        let client = crate::postgres_place::client(&way.superuser("others")).await;
        client.batch_execute("CREATE SCHEMA keywright").await.unwrap();
    });
    refuses(&at("guest", "others"), None, rights, "own the schema `keywright`");
}
