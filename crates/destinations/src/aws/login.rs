//! Credentials: those of the settings, else those that the AWS CLI would find, in its order.

use model::{DestinationError, DestinationErrorKind as Kind};

use super::{
    Aws, Keys,
    profile::{Base, Plan, Profiles, Role},
};
use crate::{
    error::error,
    service::{Token, read_text},
};

impl Aws {
    /// What requests are signed with; fetched once, and again shortly before it ends.
    pub(super) async fn keys(&self) -> Result<Keys, DestinationError> {
        let clock = self.remote.outside.clock();
        self.keys.get(&*clock, Box::pin(self.log_in())).await
    }

    async fn log_in(&self) -> Result<Token<Keys>, DestinationError> {
        let settings = self.config.settings();
        let role = settings.text("role_arn").map(|arn| Role {
            arn: arn.to_owned(),
            external_id: settings.text("external_id").map(str::to_owned),
            session: settings.text("role_session_name").map(str::to_owned),
        });
        if let (Some(role), Some(file)) = (&role, settings.text("web_identity_token_file")) {
            return self.assume_with_token(role, file).await;
        }
        let found = match (settings.text("access_key_id"), settings.secret("secret_access_key")) {
            (Some(id), Some(secret)) => {
                let token = match settings.secret("session_token") {
                    Some(token) => Some(self.remote.secret(&token).await?),
                    None => None,
                };
                (Keys { id: id.to_owned(), secret: self.remote.secret(&secret).await?, token }, None)
            }
            _ => self.find().await?,
        };
        match role {
            Some(role) => self.assume(&role, &found.0).await,
            None => Ok(found),
        }
    }

    /// As the CLI finds them.
    async fn find(&self) -> Result<Token<Keys>, DestinationError> {
        let chosen = self.config.settings().text("profile");
        if chosen.is_none() {
            if let Some(keys) = self.of_environment() {
                return Ok((keys, None));
            }
            let token_file = self.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
            if let (Some(file), Some(arn)) = (token_file, self.variable("AWS_ROLE_ARN")) {
                let role = Role { arn, external_id: None, session: None };
                return self.assume_with_token(&role, &file).await;
            }
        }
        let name = self.profile_name();
        let must_be = chosen.is_some() || self.variable("AWS_PROFILE").is_some();
        match self.profiles().await?.plan(&name)? {
            Some(plan) => return self.carry_out(plan).await,
            None if must_be => return Err(self.no_profile(&name)),
            None => {}
        }
        if let Some(found) = self.of_container().await? {
            return Ok(found);
        }
        self.of_instance().await?.ok_or_else(|| self.none())
    }

    async fn carry_out(&self, plan: Plan) -> Result<Token<Keys>, DestinationError> {
        let found = match plan.base {
            Base::Keys(keys) => Some((keys, None)),
            Base::WebIdentity { token_file, role } => Some(self.assume_with_token(&role, &token_file).await?),
            Base::Environment => self.of_environment().map(|keys| (keys, None)),
            Base::Container => self.of_container().await?,
            Base::Instance => self.of_instance().await?,
        };
        let mut found = found.ok_or_else(|| self.none())?;
        for role in &plan.roles {
            found = self.assume(role, &found.0).await?;
        }
        Ok(found)
    }

    fn of_environment(&self) -> Option<Keys> {
        let outside = &self.remote.outside;
        Some(Keys {
            id: self.variable("AWS_ACCESS_KEY_ID")?,
            secret: outside.variable("AWS_SECRET_ACCESS_KEY")?,
            token: outside.variable("AWS_SESSION_TOKEN"),
        })
    }

    /// A setting of the profile that counts, if there is one.
    pub(super) async fn of_profile(&self, name: &str) -> Result<Option<String>, DestinationError> {
        let profiles = self.profiles().await?;
        Ok(profiles.setting(&self.profile_name(), name).map(str::to_owned))
    }

    fn profile_name(&self) -> String {
        let chosen = self.config.settings().text("profile").map(str::to_owned);
        chosen.or_else(|| self.variable("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned())
    }

    async fn profiles(&self) -> Result<Profiles, DestinationError> {
        let mut profiles = Profiles::default();
        let home = self.variable("HOME");
        for (variable, name, config) in
            [("AWS_CONFIG_FILE", "config", true), ("AWS_SHARED_CREDENTIALS_FILE", "credentials", false)]
        {
            let usual = || home.as_ref().map(|home| format!("{home}/.aws/{name}"));
            let Some(path) = self.variable(variable).or_else(usual) else { continue };
            let path = match (path.strip_prefix("~/"), &home) {
                (Some(rest), Some(home)) => format!("{home}/{rest}"),
                _ => path,
            };
            if let Some(text) = read_text(&path, "cannot read the profiles of the AWS CLI").await? {
                profiles.add(&text, config);
            }
        }
        Ok(profiles)
    }

    fn no_profile(&self, name: &str) -> DestinationError {
        error(
            Kind::Denied,
            format!("cannot log in at {}", self.remote.label()),
            format!("there is no profile `{}` that has credentials or a role", transport::shown(name, 80)),
            "see `aws configure list-profiles`, and whether this user has the file (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)",
        )
    }

    fn none(&self) -> DestinationError {
        error(
            Kind::Denied,
            format!("cannot log in at {}", self.remote.label()),
            "there are no credentials: none in the settings, the environment or a profile, and this is no container or instance that has a role",
            format!(
                "keywright secret set NAME, and `access_key_id` with `secret_access_key = \"sealed:NAME\"` in [service.{}]; or run it with a role",
                self.config.name()
            ),
        )
    }
}
