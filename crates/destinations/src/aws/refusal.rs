//! What AWS says no with, and what it means. Its words are matched, never quoted.

use model::{DestinationError, DestinationErrorKind as Kind, Retry, Timestamp};

use super::sts::element;
use crate::http::Answer;

/// More than this, and the clock is to blame: signatures hold five minutes.
const SKEW_SECONDS: i64 = 240;

/// What a code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Other credentials: these are unknown, or have ended.
    Login,
    /// Another signature, or another clock.
    Signature,
    Permission,
    /// To wait. It was not carried out.
    Throttled,
    Other,
}

/// Codes that may be shown: what else comes could be anything.
const KNOWN: &[&str] = &[
    "DecryptionFailure",
    "EncryptionFailure",
    "HierarchyLevelLimitExceededException",
    "HierarchyTypeMismatchException",
    "InternalServerError",
    "InternalServiceError",
    "InvalidAction",
    "InvalidKeyId",
    "InvalidParameterException",
    "InvalidRequestException",
    "LimitExceededException",
    "ParameterAlreadyExists",
    "ParameterLimitExceeded",
    "ParameterMaxVersionLimitExceeded",
    "ParameterNotFound",
    "ParameterPatternMismatchException",
    "RegionDisabledException",
    "ResourceExistsException",
    "ResourceNotFoundException",
    "SerializationException",
    "UnknownOperationException",
    "UnsupportedParameterType",
    "ValidationError",
    "ValidationException",
];

#[derive(serde::Deserialize)]
struct Fault {
    #[serde(rename = "__type", alias = "code", alias = "Code")]
    code: String,
}

/// What went wrong in a word, such as `ResourceNotFoundException`; empty where it went well or nothing says.
pub(super) fn code(answer: &Answer) -> String {
    if answer.is_ok() {
        return String::new();
    }
    let header = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let text = header.map(str::to_owned).or_else(|| {
        let json: Option<Fault> = serde_json::from_slice(&answer.body).ok();
        json.map(|fault| fault.code)
            .or_else(|| Some(element(std::str::from_utf8(&answer.body).ok()?, "Code")?.to_owned()))
    });
    let text = text.unwrap_or_default();
    // `com.amazon.coral.service#ThrottlingException:http://…`
    let text = text.rsplit_once('#').map_or(text.as_str(), |(_, code)| code);
    let text = text.split_once(':').map_or(text, |(code, _)| code);
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') { text.to_owned() } else { String::new() }
}

pub(super) fn sort(code: &str) -> Sort {
    match code {
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IDPRejectedClaim"
        | "InvalidIdentityToken"
        | "IDPCommunicationError" => Sort::Login,
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => Sort::Signature,
        "AccessDenied"
        | "AccessDeniedException"
        | "NotAuthorized"
        | "UnauthorizedOperation"
        | "KMSAccessDeniedException" => Sort::Permission,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "TooManyUpdates"
        | "PriorRequestNotComplete" => Sort::Throttled,
        _ => Sort::Other,
    }
}

/// Itself if it went well, else what it means; `need` is what was needed, and on what.
pub(super) fn accepted(answer: Answer, need: &str, now: Timestamp) -> Result<Answer, DestinationError> {
    if answer.is_ok() { Ok(answer) } else { Err(refused(&answer, need, now)) }
}

/// What a refusal means.
pub(super) fn refused(answer: &Answer, need: &str, now: Timestamp) -> DestinationError {
    let code = code(answer);
    match sort(&code) {
        Sort::Login => answer.error(
            Kind::Denied,
            format!("AWS does not know these credentials, or they have ended ({code})"),
            "give credentials that hold; `aws sts get-caller-identity` tries those that the AWS CLI finds",
        ),
        Sort::Signature => signature(answer, now),
        Sort::Permission if is_about_kms(answer) => answer.error(
            Kind::Denied,
            format!("{need} is not enough: a permission on its KMS key is missing"),
            "give the credentials kms:Decrypt, kms:Encrypt and kms:GenerateDataKey on the key, in its key policy or in IAM",
        ),
        Sort::Permission => answer.error(
            Kind::Denied,
            format!("{need} is missing"),
            format!("let a policy of the credentials allow {need}, and none deny it"),
        ),
        Sort::Throttled => {
            let mut failure = answer.error(
                Kind::Throttled,
                "AWS asks to wait",
                "wait; or let fewer integrations be turned at once",
            );
            failure.report.retry = Retry::Later(answer.retry_after());
            failure
        }
        Sort::Other if code == "InvalidKeyId" => answer.error(
            Kind::Denied,
            "its KMS key does not exist, is disabled, or may not be used (InvalidKeyId)",
            "see `kms_key` and the state and policy of the key",
        ),
        Sort::Other if KNOWN.contains(&code.as_str()) => {
            let mut failure = answer.error(
                Kind::Failed,
                format!("AWS answered {} with {code}", answer.status),
                "see CloudTrail for what it says about this request",
            );
            if answer.status < 500 {
                failure.report.retry = Retry::AfterFix;
            }
            failure
        }
        Sort::Other => answer.refusal(),
    }
}

fn signature(answer: &Answer, now: Timestamp) -> DestinationError {
    let skew = server_time(answer).map_or(0, |theirs| now.as_second().saturating_sub(theirs.as_second()));
    if skew.abs() > SKEW_SECONDS {
        let way = if skew > 0 { "ahead" } else { "behind" };
        return answer.error(
            Kind::Denied,
            format!("AWS does not accept the signature: this machine's clock is {} s {way}", skew.abs()),
            "set the clock: `timedatectl` shows it",
        );
    }
    answer.error(
        Kind::Denied,
        "AWS does not accept the signature: the secret is not that of the access key, or the clock is wrong",
        "give `secret_access_key` whole and unchanged; look at the clock with `timedatectl`",
    )
}

/// When it was answered, as the `Date` header has it.
fn server_time(answer: &Answer) -> Option<Timestamp> {
    let text = answer.headers.get("date")?.to_str().ok()?.strip_suffix(" GMT")?;
    Timestamp::strptime("%a, %d %b %Y %H:%M:%S %z", format!("{text} +0000")).ok()
}

fn is_about_kms(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    text.contains("kms")
}
