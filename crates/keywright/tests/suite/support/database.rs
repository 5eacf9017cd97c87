//! Databases on the server that the tests have.

use super::home::Home;

/// A database of its own on the server that the tests have; `None` where there is none.
#[expect(clippy::disallowed_methods, reason = "where the server is comes from whoever runs the tests")]
pub(crate) async fn database(name: &str) -> Option<String> {
    let required = std::env::var("KEYWRIGHT_TEST_REQUIRE_REAL").is_ok_and(|value| value == "1");
    let Ok(server) = std::env::var("KEYWRIGHT_TEST_POSTGRES") else {
        assert!(!required, "KEYWRIGHT_TEST_POSTGRES is not set");
        eprintln!("passed over: no PostgreSQL (KEYWRIGHT_TEST_POSTGRES)");
        return None;
    };
    let (base, _) = server.rsplit_once('/').unwrap();
    let name = format!("{name}_{}", std::process::id());
    let psql = |sql: String| {
        let mut command = tokio::process::Command::new("psql");
        command.args(["-q", "-v", "ON_ERROR_STOP=1", "-c", &sql, &server]);
        command
    };
    for sql in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
        assert!(psql(sql).status().await.unwrap().success());
    }
    Some(format!("{base}/{name}"))
}

/// Moves a home's store into a database, and lets its configuration say so.
pub(crate) async fn move_into(home: &Home, url: &str) {
    home.must(&["store", "migrate", "--to", url]).await;
    let config = home.folder().join("keywright.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("store = \"keywright.db\"", &format!("store = \"{url}\""))).unwrap();
}
