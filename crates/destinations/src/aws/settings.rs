//! Settings that both services have.

/// They, and those of one service behind them.
macro_rules! settings {
    ($url:literal; $($own:expr),* $(,)?) => {{
        use crate::service::{Form, setting};
        &[
            setting("region", Form::Text, "\"eu-central-1\"", "`AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, that of the ARN", "the region"),
            setting("access_key_id", Form::Text, "\"AKIAIOSFODNN7EXAMPLE\"", "found as the AWS CLI finds it", "an access key, together with `secret_access_key`"),
            setting("secret_access_key", Form::Secret, "\"sealed:aws\"", "found as the AWS CLI finds it", "where its secret is"),
            setting("session_token", Form::Secret, "\"env:AWS_TOKEN\"", "none", "where the session token of a temporary access key is"),
            setting("profile", Form::Text, "\"keywright\"", "`AWS_PROFILE`, else `default`", "a profile of `~/.aws/config` and `~/.aws/credentials`"),
            setting("web_identity_token_file", Form::File, "\"/run/secrets/aws/token\"", "`AWS_WEB_IDENTITY_TOKEN_FILE`", "a file with an OIDC token, for `role_arn`"),
            setting("role_arn", Form::Text, "\"arn:aws:iam::123456789012:role/keywright\"", "none", "a role to take on, with the credentials that were found or the token"),
            setting("external_id", Form::Text, "\"keywright-prod\"", "none", "what the role's trust policy asks for as `sts:ExternalId`"),
            setting("role_session_name", Form::Text, "\"keywright\"", "`AWS_ROLE_SESSION_NAME`, else `keywright`", "what the session is called in CloudTrail"),
            setting("endpoint", Form::Url, $url, "AWS's own in the region", "where the service is, such as a VPC endpoint"),
            setting("sts_endpoint", Form::Url, "\"https://sts.eu-central-1.amazonaws.com\"", "AWS's own in the region", "where STS is, if a role is taken on"),
            $($own),*
        ]
    }};
}

pub(super) use settings;

/// Settings that are given together or not at all.
pub(super) const SETS: &[&[&str]] = &[&["access_key_id", "secret_access_key"]];

/// Ways to log in, of which one may be given.
pub(super) const EITHER: &[&[&[&str]]] =
    &[&[&["access_key_id", "secret_access_key"], &["profile"], &["web_identity_token_file"]]];

/// Variables of the environment that both heed; the first is that of the endpoint.
macro_rules! environment {
    ($endpoint:literal) => {
        &[
            ("AWS_REGION", "region"),
            ("AWS_DEFAULT_REGION", "region"),
            ("AWS_ACCESS_KEY_ID", "access_key_id"),
            ("AWS_SECRET_ACCESS_KEY", "secret_access_key"),
            ("AWS_SESSION_TOKEN", "session_token"),
            ("AWS_PROFILE", "profile"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"),
            ("AWS_ROLE_ARN", "role_arn"),
            ("AWS_ROLE_SESSION_NAME", "role_session_name"),
            ($endpoint, "endpoint"),
            ("AWS_ENDPOINT_URL_STS", "sts_endpoint"),
        ]
    };
}

pub(super) use environment;
