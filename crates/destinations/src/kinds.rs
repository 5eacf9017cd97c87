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
    let names = KINDS.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ");
    let nearest = KINDS
        .iter()
        .map(|kind| (strsim::damerau_levenshtein(kind.name, address.kind()), kind))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 3);
    let mend = match nearest {
        Some((_, kind)) => format!("did you mean `{}`? An address of it: `{}`", kind.name, kind.example),
        None => "write `kind:place`, such as `dotenv:/srv/app/.env#N8N_API_KEY`".to_owned(),
    };
    Err(error(
        DestinationErrorKind::BadAddress,
        format!("cannot use the destination `{address}`"),
        format!("there is no kind `{}`; there are {names}", address.kind()),
        mend,
    ))
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
    }

    #[test]
    fn an_unknown_kind_gets_the_nearest_name_and_the_list() {
        let error = open(&"dotnev:/a#B".parse().unwrap(), &context()).err().unwrap();
        assert_eq!(error.kind, DestinationErrorKind::BadAddress);
        assert!(error.report.because[0].contains("`dotenv`, `file`, `json`"), "{error}");
        assert!(error.report.mend[0].contains("did you mean `dotenv`"), "{:?}", error.report.mend);
        let error = open(&"carrier-pigeon:coop".parse().unwrap(), &context()).err().unwrap();
        assert!(!error.report.mend[0].contains("did you mean"), "{:?}", error.report.mend);
    }
}
