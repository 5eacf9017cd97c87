//! A bare HTTP server as the receiver.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{ChannelErrorKind as Kind, Retry, Secret, SignedDuration};
use notices::{ChannelConfig, PlainHttp, Way, Webhook};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::receiver::{CANARY, FixedClock, LONG, Mood, Receiver, channel, notice};

pub(crate) struct WebhookReceiver {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    mood: Mood,
}

/// Head and body as they came.
type Request = (String, Vec<u8>);

fn status(line: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\ncontent-length: 6\r\nconnection: close\r\n\r\ncanary").into_bytes()
}

impl WebhookReceiver {
    async fn answering(mood: Mood, answer: Option<Vec<u8>>, forever: Option<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/canary-path?token={CANARY}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = request(&mut stream).await else { continue };
                kept.lock().unwrap().push(request);
                let Some(answer) = &answer else { std::future::pending().await };
                stream.write_all(answer).await.ok();
                if let Some(forever) = &forever {
                    while stream.write_all(forever).await.is_ok() {}
                }
            }
        });
        Self { url, requests, mood }
    }
}

async fn request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut body = vec![0; header(&head, "content-length").parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let found = head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name);
    found.map_or("", |(_, value)| value)
}

impl Receiver for WebhookReceiver {
    async fn start(mood: Mood) -> Self {
        let retry = "429 Slow\r\nretry-after: 7";
        match mood {
            Mood::Takes => Self::answering(mood, Some(status("204 Taken")), None).await,
            Mood::Refuses => Self::answering(mood, Some(status("401 canary")), None).await,
            Mood::Throttles => Self::answering(mood, Some(status(retry)), None).await,
            Mood::Silent => Self::answering(mood, None, None).await,
            Mood::Floods => {
                let head = b"HTTP/1.1 500 flood\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
                let chunk = [b"10000\r\n".as_slice(), &vec![b'a'; 0x10000], b"\r\n"].concat();
                Self::answering(mood, Some(head), Some(chunk)).await
            }
            Mood::Gone => {
                // Port 1 is nobody's: none of the tests' servers gets it.
                let url = format!("http://127.0.0.1:1/{CANARY}");
                Self { url, requests: Arc::default(), mood }
            }
        }
    }

    fn way(&self) -> Way {
        Way::Webhook(Webhook {
            url: Secret::new(self.url.clone()),
            secret: Some(Secret::new(CANARY)),
            plain_http: PlainHttp::Loopback,
            ca_pem: None,
        })
    }

    fn arrived(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        // A refused one came too, and did not arrive.
        let taken = requests.iter().filter(|_| self.mood == Mood::Takes);
        taken.map(|(head, _)| header(head, "webhook-id").to_owned()).collect()
    }
}

#[tokio::test]
async fn it_is_signed_so_that_the_receiver_can_tell() {
    let receiver = WebhookReceiver::start(Mood::Takes).await;
    channel(receiver.way(), LONG).send(&notice()).await.unwrap();
    let (head, body) = receiver.requests.lock().unwrap().remove(0);
    assert!(head.starts_with("POST /hook/canary-path?token=canary"), "{head}");
    assert_eq!(header(&head, "content-type"), "application/json");
    let (id, at) = (header(&head, "webhook-id"), header(&head, "webhook-timestamp"));
    assert_eq!((id, at), (notice().id.to_string().as_str(), "1700000100"));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(CANARY.as_bytes()).unwrap();
    mac.update([id.as_bytes(), b".", at.as_bytes(), b".", &body].concat().as_slice());
    let signature = STANDARD.decode(header(&head, "webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    mac.verify_slice(&signature).unwrap();
    assert_eq!(serde_json::from_slice::<model::Notice>(&body).unwrap(), notice());
}

async fn check(answer: &str, kind: Kind, retry: Retry) {
    let receiver = WebhookReceiver::answering(Mood::Refuses, Some(status(answer)), None).await;
    let failure = channel(receiver.way(), LONG).send(&notice()).await.unwrap_err();
    assert_eq!((failure.kind, failure.report.retry), (kind, retry), "{answer}");
}

#[tokio::test]
async fn every_status_means_something() {
    let in_seconds = |s| Retry::Later(Some(SignedDuration::from_secs(s)));
    check("429 x\r\nretry-after: 7", Kind::Throttled, in_seconds(7)).await;
    // The clock says 22:15:00.
    check("429 x\r\nretry-after: Tue, 14 Nov 2023 22:15:30 GMT", Kind::Throttled, in_seconds(30)).await;
    check("429 x\r\nretry-after: soon", Kind::Throttled, Retry::Later(None)).await;
    check("503 x\r\nretry-after: 9", Kind::Failed, in_seconds(9)).await;
    check("500 x", Kind::Failed, Retry::Later(None)).await;
    check("400 x", Kind::Refused, Retry::AfterFix).await;
    check("410 x", Kind::Refused, Retry::AfterFix).await;
    check("302 x\r\nlocation: http://127.0.0.1:1/", Kind::Refused, Retry::AfterFix).await;
}

#[test]
fn a_bad_setting_is_named_and_not_quoted() {
    let open = |url: &str, secret: Option<&str>, plain_http, ca_pem: Option<&str>| {
        let way = Way::Webhook(Webhook {
            url: Secret::new(url),
            secret: secret.map(Secret::new),
            plain_http,
            ca_pem: ca_pem.map(str::to_owned),
        });
        let config = ChannelConfig { name: "ops".parse().unwrap(), kinds: Vec::new(), way };
        notices::open(&config, &[], Arc::new(FixedClock)).err()
    };
    let safe = "https://hooks.example.com/canary";
    for (url, secret, ca) in [
        ("", None, None),
        ("canary", None, None),
        ("ftp://canary.example.com/canary", None, None),
        ("https://u:canary@example.com", None, None),
        ("http://hooks.example.com/canary", None, None),
        (safe, Some(""), None),
        (safe, Some("whsec_canary!"), None),
        (safe, None, Some("canary")),
    ] {
        let failure = open(url, secret, PlainHttp::Loopback, ca).unwrap();
        assert_eq!(failure.kind, Kind::BadSetting, "{url}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    assert_eq!(open(safe, Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), PlainHttp::Loopback, None), None);
    assert_eq!(open("http://hooks.example.com/", None, PlainHttp::DangerousAnywhere, None), None);
}
