//! Listing keys: one's own on 1.x, everybody's to an owner of 2.x, there in pages of ten unless asked otherwise.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::json;

use super::{Shown, shown};
use crate::answer::{self, Answer};
use crate::routes::Request;
use crate::state::{KeyRow, State, User};

const PAGE: usize = 10;
const PAGE_MAX: usize = 250;

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Shown<'a>>,
    counts: Counts,
    totals: Counts,
    owners: Vec<Owner<'a>>,
}

#[derive(Default, Serialize)]
struct Counts {
    mine: usize,
    all: usize,
}

impl Counts {
    fn note(&mut self, mine: bool, counted: bool) {
        self.mine += usize::from(mine);
        self.all += usize::from(counted);
    }
}

/// A user who has keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner<'a> {
    id: &'a str,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_count: Option<usize>,
}

impl<'a> Owner<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            id: &user.id,
            first_name: user.first_name.as_deref(),
            last_name: user.last_name.as_deref(),
            email: &user.email,
            key_count: None,
        }
    }
}

/// `GET /rest/api-keys`.
pub(super) fn show(state: &mut State, request: &Request<'_>, me: &str) -> Answer {
    let Some(user) = state.users.by_id(me) else { return answer::failed(404, 404, "User not found") };
    if !state.profile.second() {
        let own: Vec<Shown<'_>> = state.keys.of_user(me).map(|row| shown(state, row)).collect();
        return answer::data_of(&own);
    }
    match (number(request, "skip", 0), number(request, "take", PAGE)) {
        (Ok(skip), Ok(take)) => page(state, request, user, skip, take.min(PAGE_MAX)),
        (Err(refused), _) | (_, Err(refused)) => refused,
    }
}

/// As JavaScript's `parseInt` reads it.
fn number(request: &Request<'_>, name: &str, absent: usize) -> Result<usize, Answer> {
    let Some(text) = request.query(name).filter(|text| !text.is_empty()) else { return Ok(absent) };
    let refused = |message: &str| {
        Err(answer::json(400, &json!({ "code": "custom", "message": message, "path": [name] })))
    };
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse() {
        Err(_not_a_number) => refused(&format!("Param `{name}` must be a valid integer")),
        Ok(0) => Ok(0),
        Ok(_) if negative => refused(&format!("Param `{name}` must be a non-negative integer")),
        Ok(number) => Ok(number),
    }
}

fn page(state: &State, request: &Request<'_>, me: &User, skip: usize, take: usize) -> Answer {
    let everybodys = me.owner && request.query("ownership") != Some("mine");
    let part = request.query("label").map(|part| part.trim().to_lowercase());
    let owners: Option<Vec<&str>> =
        request.query("ownerIds").map(|ids| ids.split(',').map(str::trim).collect());
    let owned = |row: &KeyRow| owners.as_ref().is_none_or(|ids| ids.contains(&row.user.as_str()));

    let mut rows: Vec<&KeyRow> = Vec::new();
    let (mut counts, mut totals) = (Counts::default(), Counts::default());
    for row in state.keys.rows().rev() {
        let mine = row.user == me.id;
        if !mine && !me.owner {
            continue;
        }
        totals.note(mine, true);
        if part.as_ref().is_none_or(|part| row.label.to_lowercase().contains(part)) {
            counts.note(mine, owned(row));
            let asked_for = if everybodys { owned(row) } else { mine };
            rows.extend(asked_for.then_some(row));
        }
    }
    sort(&mut rows, request.query("sortBy"));

    let items = rows
        .into_iter()
        .skip(skip)
        .take(take)
        .map(|row| Shown { owner: state.users.by_id(&row.user).map(Owner::of), ..shown(state, row) })
        .collect();
    answer::data_of(&Page {
        items,
        counts,
        totals,
        owners: if me.owner { owners_of_keys(state) } else { Vec::new() },
    })
}

fn sort(rows: &mut [&KeyRow], by: Option<&str>) {
    match by {
        Some("label:asc") => rows.sort_by_key(|row| row.label.clone()),
        Some("label:desc") => rows.sort_by_key(|row| Reverse(row.label.clone())),
        Some("createdAt:asc") => rows.reverse(),
        Some("lastUsedAt:asc") => rows.sort_by_key(|row| row.last_used_ms.unwrap_or(i64::MAX)),
        Some("lastUsedAt:desc") => rows.sort_by_key(|row| Reverse(row.last_used_ms.unwrap_or(i64::MAX))),
        Some("scopes:asc") => rows.sort_by_key(|row| row.scopes.len()),
        Some("scopes:desc") => rows.sort_by_key(|row| Reverse(row.scopes.len())),
        _ => {}
    }
}

fn owners_of_keys(state: &State) -> Vec<Owner<'_>> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for row in state.keys.rows() {
        *counts.entry(&row.user).or_default() += 1;
    }
    let users = state.users.all().iter();
    let with_keys = users.filter_map(|user| {
        let key_count = Some(*counts.get(user.id.as_str())?);
        Some(Owner { key_count, ..Owner::of(user) })
    });
    with_keys.collect()
}
