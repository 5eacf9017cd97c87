//! Tells what runs.
use super::SERVICES;
use super::board::Board;
use super::server::Server;
use std::fmt::Write as _;
use std::path::Path;

/// A line for each, and whether all of them are ready.
pub fn status(run: &Path) -> (String, bool) {
    let board = Board::of(run);
    let mut text = String::new();
    let mut all_ready = true;
    for service in &SERVICES {
        let entry = board.entry(service.name);
        let path = entry.as_ref().and_then(|entry| entry.get("path")?.as_str());
        let line = match (Server::living(run, service.name), path) {
            (Some(server), _) => {
                let well = entry.is_some() && server.answers("/");
                let memory_mib = server.process.memory_kib().unwrap_or_default() / 1024;
                let word = if well { "ready" } else { "unwell" };
                format!("{word:<8} {}  pid {}  {memory_mib} MiB", server.url(), server.process.pid)
            }
            (None, Some(path)) => format!("ready    {path}"),
            (None, None) => "stopped".to_owned(),
        };
        all_ready &= line.starts_with("ready");
        // Writing to a String cannot fail.
        writeln!(text, "{:<18} {line}", service.name).ok();
    }
    (text, all_ready)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_service_has_its_line() {
        let run = tempfile::tempdir().unwrap();
        Board::of(run.path()).put("systemd_creds", json!({"path": "/x/systemd-creds"})).unwrap();
        let (text, all_ready) = status(run.path());
        assert!(text.starts_with("systemd_creds      ready    /x/systemd-creds\n"), "{text}");
        assert_eq!(text.matches("stopped").count(), SERVICES.len() - 1, "{text}");
        assert!(!all_ready);
    }
}
