//! What the sandbox answers, in n8n's shapes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// A body: whole, or a piece said again and again.
pub(crate) enum Payload {
    Whole(Option<Bytes>),
    /// `left` is how many bytes are still to come; `None` never ends.
    Repeated {
        piece: Bytes,
        left: Option<u64>,
    },
}

impl Body for Payload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = match &mut *self {
            Self::Whole(body) => body.take(),
            Self::Repeated { left: Some(0), .. } => None,
            Self::Repeated { piece, left } => {
                let mut next = piece.clone();
                if let Some(left) = left {
                    next.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= u64::try_from(next.len()).unwrap_or(*left);
                }
                Some(next)
            }
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Repeated { left: Some(0), .. })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len).try_into().unwrap_or_default())
            }
            Self::Repeated { left: Some(left), .. } => SizeHint::with_exact(*left),
            Self::Repeated { left: None, .. } => SizeHint::default(),
        }
    }
}

/// An answer, before it is put on the wire.
pub(crate) struct Answer {
    pub(crate) status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    pub(crate) body: Payload,
}

impl Answer {
    pub(crate) fn into_response(self) -> Response<Payload> {
        let mut response = Response::new(self.body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// A body of any kind.
pub(crate) fn raw(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    let body = Payload::Whole((!body.is_empty()).then_some(body));
    Answer { status, content_type, headers: Vec::new(), body }
}

/// A JSON body.
pub(crate) fn json(status: u16, body: &Value) -> Answer {
    raw(status, "application/json; charset=utf-8", body.to_string())
}

/// `{"data": …}`: the admin API's success.
pub(crate) fn data(body: &Value) -> Answer {
    json(200, &json!({ "data": body }))
}

/// The same, of what need not become a [`Value`] first.
pub(crate) fn data_of(body: &impl serde::Serialize) -> Answer {
    #[derive(serde::Serialize)]
    struct Data<'a, T> {
        data: &'a T,
    }
    // Nothing here fails to be JSON; if it did, a client would meet an empty answer.
    let text = serde_json::to_vec(&Data { data: body }).unwrap_or_default();
    raw(200, "application/json; charset=utf-8", text)
}

/// `{"code": …, "message": …}`: the admin API's failure.
pub(crate) fn failed(status: u16, code: i64, message: &str) -> Answer {
    json(status, &json!({ "code": code, "message": message }))
}

/// `{"message": …}`: the public API's failure.
pub(crate) fn message(status: u16, message: &str) -> Answer {
    json(status, &json!({ "message": message }))
}

/// The page that Express makes of an unknown route or a broken body.
pub(crate) fn page(status: u16, text: &str) -> Answer {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>{escaped}</pre>\n</body>\n</html>\n"
    );
    let answer = raw(status, "text/html; charset=utf-8", body);
    let answer = with(answer, "content-security-policy", "default-src 'none'");
    with(answer, "x-content-type-options", "nosniff")
}

/// The same answer with a header more.
pub(crate) fn with(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    answer.headers.push((name, value.to_owned()));
    answer
}
