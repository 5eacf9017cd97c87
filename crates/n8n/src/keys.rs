//! The routes under which versions make, list and kill keys.

use std::collections::HashSet;

use model::{
    IssuedKey, IssuerError, IssuerErrorKind as Kind, KeyModel, ListedKey, NewKey, Scope, ScopeSupport,
};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::call::{Answer, Call, LIST_BYTES};
use crate::client::N8nClient;
use crate::issuer::ONLY_KEY;
use crate::key_text::KeyText;
use crate::report::Explain as _;
use crate::wire::{Data, HasId, MAX_KEYS, WireCreated, WireId, WireKey, WireList, WireOnly, is_id, usable};

pub(crate) const KEYS: &str = "/rest/api-keys";
pub(crate) const ONLY: &str = "/rest/me/api-key";
/// What 2.x gives at most.
const PAGE: usize = 250;
/// Pages overlap, so that a key that dies while they are read hides no other.
const OVERLAP: usize = 25;
/// More pages than this is no honest list.
const MAX_PAGES: usize = 4000;
/// A label that n8n's own 1.72 gives every key; 1.60 has none.
const ONLY_LABEL: &str = "My API Key";
const CLASH: &str = "There is already an entry with this name";
const BAD_SCOPES: &str = "Invalid scopes for user role";

impl N8nClient {
    /// All keys that the instance shows.
    pub(crate) async fn list_keys(&self, keys: KeyModel) -> Result<Vec<ListedKey>, IssuerError> {
        if keys == KeyModel::OneOverwritten {
            return self.list_only().await;
        }
        let call = Call::get(KEYS, "list the keys");
        self.walk::<WireKey>().await?.into_iter().map(|key| self.listed(&call, key)).collect()
    }

    /// The ids of all keys that the instance shows.
    pub(crate) async fn list_ids(&self, keys: KeyModel) -> Result<HashSet<String>, IssuerError> {
        if keys == KeyModel::OneOverwritten {
            return Ok(self.list_only().await?.into_iter().map(|key| key.native_id).collect());
        }
        let call = Call::get(KEYS, "list the keys");
        let ids = self.walk::<WireId>().await?.into_iter().map(|key| key.id);
        ids.map(|id| if is_id(&id) { Ok(id) } else { Err(self.not_an_id(&call)) }).collect()
    }

    /// The whole list, page by page where the version pages.
    async fn walk<K: HasId + DeserializeOwned>(&self) -> Result<Vec<K>, IssuerError> {
        let call = Call::get(KEYS, "list the keys");
        let walked = tokio::time::timeout(self.http.timeouts.list, self.pages()).await;
        walked.unwrap_or_else(|_late| {
            Err(self.http.error(Kind::Unreachable, &call).because("the list was not whole in time"))
        })
    }

    async fn pages<K: HasId + DeserializeOwned>(&self) -> Result<Vec<K>, IssuerError> {
        let mut listed: Vec<K> = Vec::new();
        let mut known: HashSet<String> = HashSet::new();
        let mut skip = 0_usize;
        for _ in 0..MAX_PAGES {
            // Oldest first: new keys come behind what was read already.
            let path = format!("{KEYS}?take={PAGE}&skip={skip}&sortBy=createdAt:asc");
            let call = Call::get(path, "list the keys").up_to(LIST_BYTES).within(self.http.timeouts.list);
            let answer = self.session_call(&call).await?;
            let list: Data<WireList<K>> = self.http.expect(&call, &answer)?;
            let page = match list.data {
                WireList::All(all) => return Ok(all),
                WireList::Page(items) => items,
            };
            let count = page.len();
            if !known.is_empty() && !page.iter().any(|key| known.contains(key.id())) {
                // So many died meanwhile that the page does not join what was read: go back until it does.
                skip = skip.saturating_sub(PAGE / 2);
                if skip == 0 {
                    listed.clear();
                    known.clear();
                }
                continue;
            }
            let before = listed.len();
            listed.extend(page.into_iter().filter(|key| known.insert(key.id().to_owned())));
            if listed.len() > MAX_KEYS {
                return Err(self.http.error(Kind::Hostile, &call).because("the list has no end"));
            }
            if count < PAGE || listed.len() == before {
                return Ok(listed);
            }
            skip += count - OVERLAP;
        }
        Err(self.http.error(Kind::Hostile, &Call::get(KEYS, "list the keys")).because("the list has no end"))
    }

    async fn list_only(&self) -> Result<Vec<ListedKey>, IssuerError> {
        let call = Call::get(ONLY, "list the keys");
        let answer = self.session_call(&call).await?;
        let only: Data<WireOnly> = self.http.expect(&call, &answer)?;
        let key = only.data.api_key.filter(|redacted| !redacted.is_empty()).map(|_redacted| ListedKey {
            native_id: ONLY_KEY.to_owned(),
            label: ONLY_LABEL.to_owned(),
            scopes: Vec::new(),
            created_at: None,
            expires_at: None,
            last_used_at: None,
            owner: None,
        });
        Ok(key.into_iter().collect())
    }

    fn listed(&self, call: &Call, key: WireKey) -> Result<ListedKey, IssuerError> {
        key.listed().ok_or_else(|| self.not_an_id(call))
    }

    fn not_an_id(&self, call: &Call) -> IssuerError {
        self.http.error(Kind::Hostile, call).because(format!("{}: a key's id is not an id", call.name()))
    }

    /// Makes a key, as asked; spacing is the caller's.
    pub(crate) async fn create_key(
        &self,
        new: &NewKey,
        keys: KeyModel,
        scopes: ScopeSupport,
    ) -> Result<IssuedKey, IssuerError> {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            label: &'a str,
            /// Required by n8n, null included.
            expires_at: Option<i64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            scopes: Option<&'a [Scope]>,
        }
        let path = if keys == KeyModel::OneOverwritten { ONLY } else { KEYS };
        let mut call = Call::new(Method::POST, path, "make a key");
        if keys == KeyModel::Many {
            call = call.json(&Body {
                label: &new.label,
                expires_at: new.expires_at.map(model::Timestamp::as_second),
                scopes: Some(new.scopes.as_slice()).filter(|_| scopes != ScopeSupport::Absent),
            })?;
        }
        let answer = self.session_call(&call).await?;
        if !matches!(answer.status, StatusCode::OK | StatusCode::CREATED) {
            return Err(self.not_created(&call, &answer, keys));
        }
        self.created(&call, &answer, keys)
    }

    fn created(&self, call: &Call, answer: &Answer, keys: KeyModel) -> Result<IssuedKey, IssuerError> {
        let hostile = |why: &str| {
            let failed = self.http.error(Kind::Hostile, call).because(format!("{}: {why}", call.name()));
            failed.mend("a key may have been made; look for it in n8n's settings, under API")
        };
        let (native_id, label, secret, key_scopes) = if keys == KeyModel::OneOverwritten {
            let only: Data<WireOnly> = answer.parse().ok_or_else(|| self.http.misshapen(call, answer))?;
            (ONLY_KEY.to_owned(), ONLY_LABEL.to_owned(), usable(only.data.api_key), Some(Vec::new()))
        } else {
            let made: Data<WireCreated> = answer.parse().ok_or_else(|| self.http.misshapen(call, answer))?;
            let mut made = made.data;
            let secret = made.take_secret();
            let key_scopes = made.scopes();
            (made.id, made.label, secret, key_scopes)
        };
        if !is_id(&native_id) {
            return Err(hostile("the new key's id is not an id"));
        }
        let secret = secret.ok_or_else(|| hostile("the answer does not hold the new key's text"))?;
        let text = KeyText::parse(&secret).ok_or_else(|| hostile("the new key's text is not a key's"))?;
        if let KeyText::Jwt(claims) = &text
            && !claims.is_api_key()
        {
            return Err(hostile("the new key is not one of n8n's public API"));
        }
        let scopes = key_scopes.ok_or_else(|| hostile("the new key's scopes are not scopes"))?;
        Ok(IssuedKey { native_id, secret, label, scopes, expires_at: text.expires_at() })
    }

    fn not_created(&self, call: &Call, answer: &Answer, keys: KeyModel) -> IssuerError {
        let message = answer.message().unwrap_or_default();
        let failed = |kind| {
            self.http.error(kind, call).because(format!("{}: status {}", call.name(), answer.status.as_u16()))
        };
        match answer.status.as_u16() {
            500 if message == CLASH && keys == KeyModel::OneRefused => only_one(failed(Kind::OneKeyOnly)),
            500 if message == CLASH => failed(Kind::Clash).because(
                "the user has a key with this label, or one made in the same second with the same expiry",
            ),
            400 if message == BAD_SCOPES => failed(Kind::Refused)
                .because("the user's role may not give one of these scopes")
                .mend("leave out the scopes that this user does not have, or connect as the owner"),
            400 => failed(Kind::Refused).because(
                "n8n does not take the label, the scopes or the expiry (none may be empty, or in the past)",
            ),
            403 => failed(Kind::Refused)
                .because("the user's role may not make keys")
                .mend("connect as the owner, or as a user whose role may make API keys"),
            404 => failed(Kind::Unsupported)
                .because("the public API is switched off, or this n8n makes keys in another way")
                .mend("start n8n with `N8N_PUBLIC_API_DISABLED=false`"),
            _ => self.http.refused(call, answer),
        }
    }

    /// Asks for a key's end. What is answered says little: 1.x answers 200 for keys that live on.
    pub(crate) async fn delete_key(&self, native_id: &str, keys: KeyModel) -> Result<(), IssuerError> {
        let path = match keys {
            KeyModel::OneOverwritten => ONLY.to_owned(),
            _ => format!("{KEYS}/{native_id}"),
        };
        let call = Call::new(Method::DELETE, path, "delete a key");
        let answer = self.session_call(&call).await?;
        match answer.status.as_u16() {
            200 | 204 | 404 => Ok(()),
            _ => Err(self.http.refused(&call, &answer)),
        }
    }
}

/// Why a second key is refused, and what helps.
pub(crate) fn only_one(failed: IssuerError) -> IssuerError {
    failed
        .because("this version of n8n has one key per user, and this user has one")
        .mend("delete the user's key first, or connect as another user, or upgrade n8n")
}
