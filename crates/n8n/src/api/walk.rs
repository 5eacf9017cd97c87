//! The way through a list that changes meanwhile.
//!
//! n8n's pages are positions: what comes or goes before a position shifts all that follows. So each page overlaps the
//! one before by one thing, wherever in the page it stands (1.x shuffles them); if it does not, something moved. Then
//! the walk steps back until it meets a thing that it knows, and reads the whole list again, until nothing moves or
//! nothing new is found. Lists that go on after an id do not shift.

use std::collections::VecDeque;

use model::{IssuerError, IssuerErrorKind as Kind};
use url::form_urlencoded::Serializer;

use super::PublicApi;
use super::fields::FromFields;
use super::listing::Completeness;
use super::page::{self, Page, Place};
use super::seen::{Mark, Seen};
use crate::call::Call;
use crate::report::Explain as _;

/// So often a list that moves is read from its start.
const MAX_PASSES: u32 = 5;
/// So many pages more than its things need may a pass take.
const SPARE_PAGES: usize = 200;
/// More things than this, remembered one by one, are no honest list.
const MAX_THINGS: usize = 5_000_000;

/// A list, and what is asked of it.
pub(super) struct List {
    pub(super) path: String,
    pub(super) purpose: &'static str,
    pub(super) query: String,
}

/// How far a walk has come.
pub(super) struct Walk {
    api: PublicApi,
    list: List,
    limit: u16,
    place: Option<Place>,
    seen: Seen,
    /// The page before.
    before_this: Vec<Mark>,
    /// The number before which the next id has to be, where a list goes on after an id.
    before: Option<u64>,
    pass: u32,
    pages: usize,
    moved: bool,
    found: usize,
}

/// What a page brought.
pub(super) struct Step<T> {
    pub(super) things: VecDeque<T>,
    /// The end, if it was reached.
    pub(super) end: Option<Completeness>,
}

impl Walk {
    pub(super) fn new(api: PublicApi, list: List, limit: u16) -> Self {
        Self {
            api,
            list,
            limit,
            place: None,
            seen: Seen::default(),
            before_this: Vec::new(),
            before: None,
            pass: 1,
            pages: 0,
            moved: false,
            found: 0,
        }
    }

    /// Reads one page.
    pub(super) async fn step<T: FromFields>(&mut self) -> Result<Step<T>, IssuerError> {
        self.pages += 1;
        let by_id = matches!(self.place, Some(Place::After(_)));
        if !by_id && (self.pages > SPARE_PAGES + 2 * self.seen.len() || self.seen.len() > MAX_THINGS) {
            return Err(self.dishonest("the list has no end"));
        }
        let page: Page<T> = self.fetch().await?;
        if by_id || matches!(page.next, Some(Place::After(_))) {
            return self.after_an_id(page);
        }
        let marks: Vec<Mark> = page.things.iter().map(|thing| self.seen.mark(thing.id())).collect();
        if let Some(back) = self.step_back(&marks) {
            self.place = Some(back);
            return Ok(Step { things: VecDeque::new(), end: None });
        }
        let mut things = VecDeque::with_capacity(page.things.len());
        for (thing, mark) in page.things.into_iter().zip(&marks) {
            if self.seen.insert(*mark) {
                things.push_back(thing);
            }
        }
        self.before_this = marks;
        self.found += things.len();
        let end = match page.next {
            None => self.end_of_pass(),
            Some(Place::Offset(offset)) if self.limit > 1 => {
                self.place = Some(Place::Offset(offset.saturating_sub(1)));
                None
            }
            // Without an overlap there is no telling whether something moved.
            Some(place) => {
                self.moved = true;
                self.place = Some(place);
                None
            }
        };
        Ok(Step { things, end })
    }

    /// Where to go instead, if the page does not go on where the one before ended.
    fn step_back(&mut self, page: &[Mark]) -> Option<Place> {
        let Some(Place::Offset(offset @ 1..)) = self.place else { return None };
        let overlap = page.iter().filter(|mark| self.before_this.contains(mark)).count();
        if self.limit == 1 || overlap == 1 {
            return None;
        }
        self.moved = true;
        if page.iter().any(|mark| self.seen.contains(*mark)) {
            return None;
        }
        Some(Place::Offset(offset.saturating_sub(u64::from(self.limit) - 1)))
    }

    /// Whether the list was read whole, or has to be read again.
    fn end_of_pass(&mut self) -> Option<Completeness> {
        let stable = !self.moved || (self.pass > 1 && self.found == 0);
        if stable {
            return Some(Completeness::Whole);
        }
        if self.pass == MAX_PASSES {
            let why = format!("it changed each of the {MAX_PASSES} times that it was read");
            return Some(Completeness::Incomplete { why });
        }
        self.pass += 1;
        (self.place, self.pages, self.moved, self.found) = (None, 0, false, 0);
        self.before_this.clear();
        None
    }

    /// A list that goes on after an id: numbers, the largest first. Nothing has to be remembered.
    fn after_an_id<T: FromFields>(&mut self, page: Page<T>) -> Result<Step<T>, IssuerError> {
        for thing in &page.things {
            let number = thing.id().parse::<u64>().ok();
            let falls = number.is_some_and(|number| self.before.is_none_or(|before| number < before));
            if !falls {
                return Err(self.dishonest("its ids do not fall"));
            }
            self.before = number;
        }
        match (page.next, self.before) {
            (Some(Place::After(id)), Some(before)) if id.parse() == Ok(before) => {
                self.place = Some(Place::After(id));
                Ok(Step { things: page.things.into(), end: None })
            }
            (Some(_), _) => Err(self.dishonest("it goes on elsewhere than it ended")),
            (None, _) => Ok(Step { things: page.things.into(), end: Some(Completeness::Whole) }),
        }
    }

    /// The page that is due; with fewer things if they are too large.
    async fn fetch<T: FromFields>(&mut self) -> Result<Page<T>, IssuerError> {
        loop {
            let call = self.call()?;
            let answer = self.api.http.ask_if_fits(&call).await?;
            let answer = answer.filter(|answer| page::is_modest(&answer.body));
            match answer {
                Some(answer) if answer.status != reqwest::StatusCode::OK => {
                    return Err(self.api.refusal(&call, &answer));
                }
                Some(answer) => {
                    let page = page::page(&answer.body).filter(|_| answer.is_json());
                    return page.ok_or_else(|| self.api.http.misshapen(&call, &answer));
                }
                None if self.limit > 1 && !matches!(self.place, Some(Place::Opaque(_))) => self.limit /= 2,
                None => return Err(self.dishonest("one thing alone is larger than any can be")),
            }
        }
    }

    fn call(&self) -> Result<Call, IssuerError> {
        let mut query = Serializer::new(self.list.query.clone());
        match &self.place {
            None => query.append_pair("limit", &self.limit.to_string()),
            Some(place) => query.append_pair("cursor", &page::cursor(place, self.limit)),
        };
        let call = Call::get(format!("{}?{}", self.list.path, query.finish()), self.list.purpose);
        self.api.signed(call.up_to(page::BYTES))
    }

    fn dishonest(&self, why: &str) -> IssuerError {
        let call = Call::get(self.list.path.clone(), self.list.purpose);
        self.api.http.error(Kind::Hostile, &call).because(format!("{}: {why}", call.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base_url::{BaseUrl, InsecureHttp};
    use crate::http::{Http, Timeouts};
    use transport::Transport;

    fn walk() -> Walk {
        let base = BaseUrl::parse("http://127.0.0.1:1", InsecureHttp::Refused).unwrap();
        let http = Http::new("nowhere", base, Timeouts::default(), &Transport::default()).unwrap();
        let list = List { path: "/".to_owned(), purpose: "walk", query: String::new() };
        Walk::new(PublicApi::over(http, model::Secret::new("canary")), list, 3)
    }

    fn marks(walk: &Walk, ids: &str) -> Vec<Mark> {
        ids.split(' ').map(|id| walk.seen.mark(id)).collect()
    }

    /// The page `before` was read at 0, `now` is what stands at 2.
    #[track_caller]
    fn check(before: &str, now: &str, back: Option<Place>, moved: bool) {
        let mut walk = walk();
        walk.before_this = marks(&walk, before);
        for mark in walk.before_this.clone() {
            walk.seen.insert(mark);
        }
        walk.place = Some(Place::Offset(2));
        let page = marks(&walk, now);
        assert_eq!((walk.step_back(&page), walk.moved), (back, moved), "{before} | {now}");
    }

    #[test]
    fn a_page_overlaps_the_one_before_by_one() {
        check("a b c", "c d e", None, false);
        // Shuffled.
        check("c a b", "e d b", None, false);
        // Something came before: nothing is left out.
        check("a b c", "b c d", None, true);
        // Something went before: there may be a gap.
        check("a b c", "d e f", Some(Place::Offset(0)), true);
    }

    #[test]
    fn a_list_that_moves_is_read_until_nothing_new_is_found_or_given_up() {
        let mut walk = walk();
        assert_eq!(walk.end_of_pass(), Some(Completeness::Whole));
        (walk.moved, walk.found) = (true, 3);
        assert_eq!(walk.end_of_pass(), None);
        walk.moved = true;
        assert_eq!(walk.end_of_pass(), Some(Completeness::Whole));
        for _ in 2..MAX_PASSES {
            (walk.moved, walk.found) = (true, 1);
            assert_eq!(walk.end_of_pass(), None);
        }
        (walk.moved, walk.found) = (true, 1);
        assert!(matches!(walk.end_of_pass(), Some(Completeness::Incomplete { .. })));
    }
}
