//! What should be, as the configuration file says it.

use model::{Instance, InstanceName, Integration, LoginRefs, TransportRefs};
use n8n::InsecureHttp;

/// Everything that is declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) instances: Vec<InstanceWish>,
    /// As they would be kept; `created_at` is the time of reading.
    pub(crate) integrations: Vec<Integration>,
}

/// A declared instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstanceWish {
    pub(crate) name: InstanceName,
    /// As [`n8n::BaseUrl`] writes it.
    pub(crate) url: String,
    /// `None`: assisted.
    pub(crate) admin_email: Option<String>,
    pub(crate) login: LoginRefs,
    pub(crate) transport: TransportRefs,
    pub(crate) insecure: InsecureHttp,
}

impl InstanceWish {
    /// What of a known instance is not as wished, by setting: what is, what should be.
    pub(crate) fn differences(&self, known: &Instance) -> Vec<Difference> {
        let shown = |text: Option<&str>| text.unwrap_or("none").to_owned();
        let reference =
            |of: &Option<model::SecretRef>| of.as_ref().map_or("none".into(), ToString::to_string);
        let sides = |of: &TransportRefs| {
            [
                ("tls.ca", shown(of.ca.as_deref())),
                ("tls.client_certificate", shown(of.client_certificate.as_deref())),
                ("tls.client_key", reference(&of.client_key)),
                ("proxy.url", shown(of.proxy.as_deref())),
                ("proxy.user", shown(of.proxy_user.as_deref())),
                ("proxy.password", reference(&of.proxy_password)),
            ]
        };
        let mut pairs = vec![
            ("url", known.url.clone(), self.url.clone()),
            ("admin.email", shown(known.admin_email.as_deref()), shown(self.admin_email.as_deref())),
            ("admin.password", reference(&known.login.password), reference(&self.login.password)),
            ("admin.totp", reference(&known.login.totp), reference(&self.login.totp)),
        ];
        let transports = sides(&known.transport).into_iter().zip(sides(&self.transport));
        pairs.extend(transports.map(|((setting, is), (_, should))| (setting, is, should)));
        let differ = |(setting, is, should): (&'static str, String, String)| {
            (is != should).then_some(Difference { setting, is, should })
        };
        pairs.into_iter().filter_map(differ).collect()
    }
}

/// One setting that is not as wished.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Difference {
    pub(crate) setting: &'static str,
    pub(crate) is: String,
    pub(crate) should: String,
}
