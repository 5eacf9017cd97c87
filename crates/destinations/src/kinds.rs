//! The one list of destination kinds.

use std::sync::Arc;

use model::{Address, Destination, DestinationError, DestinationErrorKind};

use crate::{Context, command, document, dotenv, error::error, file, systemd_creds};

/// One kind of destination, for help and for the reference.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What an address starts with.
    pub name: &'static str,
    /// A whole address.
    pub example: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    open: fn(&Address, &Context) -> Opened,
}

/// A destination, not touched yet.
pub(crate) type Opened = Result<Arc<dyn Destination>, DestinationError>;

const KINDS: &[Kind] = &[
    Kind {
        name: "dotenv",
        example: "dotenv:/srv/backup/.env#N8N_API_KEY",
        summary: "one variable of a .env file; everything else in it is kept",
        open: dotenv::open,
    },
    Kind {
        name: "file",
        example: "file:/run/backup/n8n-api-key",
        summary: "a file that holds the key and nothing else",
        open: file::open,
    },
    Kind {
        name: "json",
        example: "json:/srv/agent/mcp.json#/mcpServers/n8n/env/N8N_API_KEY",
        summary: "one text of a JSON document, comments allowed; everything else in it is kept",
        open: document::open_json,
    },
    Kind {
        name: "yaml",
        example: "yaml:/srv/app/values.yaml#/n8n/apiKey",
        summary: "one text of a YAML document; everything else in it is kept",
        open: document::open_yaml,
    },
    Kind {
        name: "toml",
        example: "toml:/srv/app/config.toml#/n8n/api_key",
        summary: "one text of a TOML document; everything else in it is kept",
        open: document::open_toml,
    },
    Kind {
        name: "systemd-creds",
        example: "systemd-creds:/etc/credstore.encrypted/n8n-api-key",
        summary: "an encrypted credential of systemd; after `#` its name, if it is not the file's",
        open: systemd_creds::open,
    },
    Kind {
        name: "command",
        example: "command:/usr/local/bin/put-key backups#/usr/local/bin/get-key backups",
        summary: "a program of your own: the key on its stdin; after `#` one that prints the key it finds",
        open: command::open,
    },
];

/// All kinds, in the order of the docs.
pub fn kinds() -> &'static [Kind] {
    KINDS
}

/// Makes the destination that an address names. Touches nothing yet.
pub fn open(address: &Address, context: &Context) -> Opened {
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == address.kind()) {
        return (kind.open)(address, context);
    }
    if let Some(service) = context.services.find(address.kind())? {
        return service.destination(address, context);
    }
    Err(unknown(address, context))
}

fn unknown(address: &Address, context: &Context) -> DestinationError {
    let local = KINDS.iter().map(|kind| (kind.name, kind.example));
    let services = crate::service_kinds().iter().filter(|kind| kind.holds_keys());
    let services = services.map(|kind| (kind.name, kind.example));
    let declared = context.services.declared().iter().filter(|service| service.kind().holds_keys());
    let declared = declared.map(|service| (service.name(), service.kind().example));
    let known: Vec<(&str, &str)> = local.chain(services).chain(declared).collect();
    let nearest = known
        .iter()
        .map(|(name, example)| (strsim::damerau_levenshtein(name, address.kind()), name, example))
        .min_by_key(|(distance, ..)| *distance)
        .filter(|(distance, ..)| *distance <= 3);
    let mend = match nearest {
        Some((_, name, example)) => format!("did you mean `{name}`? An address of it: `{example}`"),
        None => "write `kind:place`, such as `dotenv:/srv/app/.env#N8N_API_KEY`".to_owned(),
    };
    let mut failure = error(
        DestinationErrorKind::BadAddress,
        format!("cannot use the destination `{address}`"),
        format!("there is no kind and no service `{}`", address.kind()),
        mend,
    );
    failure.report.mend.push("keywright destination list --kinds   # all that there are".to_owned());
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            integration: "backups".parse().unwrap(),
            instance: "prod".parse().unwrap(),
            rotation: None,
            hidden_variables: Vec::new(),
            services: Arc::new(crate::Services::none()),
        }
    }

    #[test]
    fn every_example_opens() {
        for kind in kinds() {
            let address: Address = kind.example.parse().unwrap();
            let destination = open(&address, &context()).unwrap();
            assert_eq!(destination.address(), &address);
            assert_eq!(address.kind(), kind.name);
        }
        for kind in crate::service_kinds() {
            let address: Address = kind.example.parse().unwrap();
            if kind.holds_keys() {
                assert_eq!(open(&address, &context()).unwrap().address(), &address);
            } else {
                // It has to be declared.
                assert!(crate::open_hook(&address, &context()).is_err());
                assert!(open(&address, &context()).is_err());
            }
            assert_eq!(address.kind(), kind.name);
        }
    }

    #[test]
    fn an_unknown_kind_gets_the_nearest_name() {
        let error = open(&"dotnev:/a#B".parse().unwrap(), &context()).err().unwrap();
        assert_eq!(error.kind, DestinationErrorKind::BadAddress);
        assert!(error.report.because[0].contains("`dotnev`"), "{error}");
        assert!(error.report.mend[0].contains("did you mean `dotenv`"), "{:?}", error.report.mend);
        let error = open(&"carrier-pigeon:coop".parse().unwrap(), &context()).err().unwrap();
        assert!(!error.report.mend[0].contains("did you mean"), "{:?}", error.report.mend);
    }
}
