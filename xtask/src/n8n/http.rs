//! As much HTTP as it takes to ask a server on loopback whether it is ready, and to set it up.
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// What is beyond this is not read.
const ANSWER_LIMIT_BYTES: u64 = 64 * 1024;

/// An answer, as far as it is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The first cookie set, `name=value`.
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

/// Sends one request to 127.0.0.1, with a JSON body if given, and reads the answer.
pub(crate) fn call(port: u16, method: &str, path: &str, body: Option<&str>) -> Result<Answer> {
    let json = [("accept", "application/json"), ("content-type", "application/json")];
    ask(port, method, path, &json, body.unwrap_or_default())
}

/// The same with headers and a body of any kind.
pub(crate) fn ask(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let timeout = Duration::from_secs(20);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let headers = headers.iter().fold(String::new(), |all, (name, value)| all + name + ": " + value + "\r\n");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT_BYTES).read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| Error::new(ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let cookie = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .and_then(|(_, value)| Some(value.split(';').next()?.trim().to_owned()));
    Some(Answer { status, cookie, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn heads_are_read() {
        let text = "HTTP/1.1 200 OK\r\nSet-Cookie: a=canary; Path=/; HttpOnly\r\n\r\n{}";
        assert_eq!(
            parse(text),
            Some(Answer { status: 200, cookie: Some("a=canary".into()), body: "{}".into() })
        );
        assert_eq!(
            parse("HTTP/1.1 404 Not Found\r\n\r\n"),
            Some(Answer { status: 404, cookie: None, body: String::new() })
        );
        for bad in ["", "HTTP/1.1 2", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 é\r\n\r\n"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_call_sends_its_body_and_reads_the_head() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(b"{\"a\":1}") {
                let mut part = [0; 512];
                let length = stream.read(&mut part).unwrap();
                assert_ne!(length, 0, "the request ended early");
                seen.extend_from_slice(&part[..length]);
            }
            stream.write_all(b"HTTP/1.1 201 Created\r\nset-cookie: s=1\r\n\r\n{}").unwrap();
            String::from_utf8(seen).unwrap()
        });
        let answer = call(port, "POST", "/x", Some("{\"a\":1}")).unwrap();
        assert_eq!(answer, Answer { status: 201, cookie: Some("s=1".into()), body: "{}".into() });
        assert!(server.join().unwrap().starts_with("POST /x HTTP/1.1\r\n"));
    }
}
