//! Users of a test's own, made by invitation.

use model::Ids as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Door, RandomIds, RealInstance, Trouble};

/// A member that nobody else uses.
#[derive(Clone, Debug)]
pub struct FreshUser {
    /// Login id.
    pub email: String,
    /// Password.
    pub password: String,
    /// A session of it, to save a login: `n8n-auth=…`, without a browser id.
    pub cookie: String,
}

/// What an authenticator needs.
#[derive(Clone, Debug)]
pub struct MfaSetup {
    /// The TOTP seed in Base32.
    pub seed: String,
    /// Codes that work once each.
    pub recovery_codes: Vec<String>,
}

/// Invites a member and accepts for it. Costs no login.
pub async fn fresh_user(instance: &RealInstance) -> Result<FreshUser, Trouble> {
    // n8n counts invitations per address.
    let door = Door::open(&instance.url).await?;
    let email = format!("canary-{:032x}@keywright.example", RandomIds.random());
    let password = format!("Canary-{:016x}", RandomIds.random() >> 64);
    let invited = json!([{ "email": email, "role": "global:member" }]);
    let invited =
        send(&door, Method::POST, "/rest/invitations", Some(&instance.cookie), Some(invited)).await?;
    let user = invited.body.pointer("/data/0/user").ok_or("n8n invited nobody")?;
    let link =
        user.pointer("/inviteAcceptUrl").and_then(Value::as_str).ok_or("there is no link to accept")?;
    let link = url::Url::parse(link)?;
    let parameter =
        |name: &str| link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let mut accepted = json!({ "firstName": "Canary", "lastName": "Member", "password": password });
    let path = match (parameter("token"), parameter("inviterId"), parameter("inviteeId")) {
        (Some(token), ..) => {
            put(&mut accepted, "token", token);
            "/rest/invitations/accept".to_owned()
        }
        (None, Some(inviter), Some(invitee)) => {
            put(&mut accepted, "inviterId", inviter);
            format!("/rest/invitations/{invitee}/accept")
        }
        _ => return Err("the link to accept has other parameters than those known".into()),
    };
    let accepted = send(&door, Method::POST, &path, None, Some(accepted)).await?;
    let cookie = accepted.cookie.ok_or("n8n gave the new user no session")?;
    Ok(FreshUser { email, password, cookie })
}

/// A session as a client keeps it, from a cookie (`n8n-auth=…`) that was given without a browser id: put into a
/// [`model::SessionKeeper`], it saves a login. `base_url` is the one that the client will have.
pub fn kept_session(cookie: &str, base_url: &str) -> Result<model::Secret, Trouble> {
    let value = cookie.strip_prefix("n8n-auth=").ok_or("not the cookie of a session")?;
    let session = crate::session::Session {
        cookie: model::Secret::new(value),
        browser_id: "unchecked".to_owned(),
        fields: crate::login::LoginFields::default(),
        expires_at: None,
    };
    Ok(session.keep(base_url)?)
}

/// Switches two-factor on for a user.
pub async fn enable_mfa(instance: &RealInstance, user: &FreshUser) -> Result<MfaSetup, Trouble> {
    let door = Door::open(&instance.url).await?;
    let shown = send(&door, Method::GET, "/rest/mfa/qr", Some(&user.cookie), None).await?;
    let seed =
        shown.body.pointer("/data/secret").and_then(Value::as_str).ok_or("there is no seed")?.to_owned();
    let recovery_codes =
        shown.body.pointer("/data/recoveryCodes").cloned().ok_or("there are no recovery codes")?;
    let recovery_codes: Vec<String> = serde_json::from_value(recovery_codes)?;
    let factor = model::SecondFactor::TotpSeed(model::Secret::new(seed.clone()));
    let now = model::Clock::now(&super::WallClock);
    let codes = crate::second_factor::codes(&factor, now)?;
    let Some(crate::second_factor::Code::Totp(code)) = codes.first() else {
        return Err("there is no code".into());
    };
    // `token` on 1.60, `mfaCode` ever after.
    let code = json!({ "mfaCode": code.expose(), "token": code.expose() });
    send(&door, Method::POST, "/rest/mfa/enable", Some(&user.cookie), Some(code)).await?;
    Ok(MfaSetup { seed, recovery_codes })
}

fn put(body: &mut Value, name: &str, value: String) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), Value::String(value));
    }
}

struct Sent {
    body: Value,
    cookie: Option<String>,
}

async fn send(
    door: &Door,
    method: Method,
    path: &str,
    cookie: Option<&str>,
    body: Option<Value>,
) -> Result<Sent, Trouble> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_mins(1)).build()?;
    let mut request = client.request(method.clone(), format!("{}{path}", door.url()));
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await?;
    let status = answer.status();
    let cookie = answer.headers().get_all("set-cookie").iter().find_map(|header| {
        let header = header.to_str().ok()?.split(';').next()?;
        header.starts_with("n8n-auth=").then(|| header.to_owned())
    });
    let text = answer.text().await?;
    if !status.is_success() {
        // A real n8n of the tests' own: its answer may be shown.
        return Err(format!("{method} {path}: {status}: {text:.300}").into());
    }
    Ok(Sent { body: serde_json::from_str(&text).unwrap_or(Value::Null), cookie })
}
