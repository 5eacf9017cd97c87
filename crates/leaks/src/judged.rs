//! A report with what the caller knows of it: whose a token is, whether it lives, whether it is let be; one leak a token.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use detector::{Kind, Severity, Token};
use model::{Fingerprint, InstanceName, IntegrationName, KeyId, KeyState, Timestamp};

use crate::allow::Answer;
use crate::names;
use crate::{AllowLine, Allowlist, Finding, Place, Pushed, Report, Source, Tally, Unread, Wrapping};

/// A report, by token.
#[derive(Debug)]
pub struct Judged {
    /// When it was judged.
    pub at: Timestamp,
    /// One for each token; those that are let be too.
    pub leaks: Vec<Leak>,
    /// What was not read.
    pub unread: Vec<Unread>,
    /// As many more, which did not fit into the list.
    pub more_unread: u64,
    /// As many findings more than were kept.
    pub more_findings: u64,
    /// How much was read.
    pub tally: Tally,
    /// What each allowlist did.
    pub allowlists: Vec<AllowUse>,
}

/// A token, and where it lies.
#[derive(Debug)]
pub struct Leak {
    /// The token.
    pub token: Token,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whose it is; [`Judged::judge`] leaves `Unknown`, the caller sets it.
    pub owner: Owner,
    /// Whether it works; [`Judged::judge`] leaves `NotAsked`, the caller sets it.
    pub alive: Alive,
    /// Where it lies and is not let be, the first place first.
    pub places: Vec<Spot>,
    /// Where it lies and is let be.
    pub allowed: Vec<(Spot, Allowed)>,
}

/// A place, and how the token is wrapped there.
#[derive(Clone, Debug)]
pub struct Spot {
    /// Where.
    pub place: Place,
    /// How it was wrapped, outermost first.
    pub wrapping: Vec<Wrapping>,
    /// As many more of the same: in the same object, or in other versions of the same file.
    pub also: u64,
    /// It was let be there until then, by the line of an allowlist.
    pub lapsed: Option<AllowedBy>,
}

/// Whose a token is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// A key of ours.
    Key {
        /// The integration that it was made for.
        integration: IntegrationName,
        /// Where.
        instance: InstanceName,
        /// Its record.
        key: KeyId,
        /// Where it stands.
        state: KeyState,
    },
    /// A user of an instance that we know.
    User {
        /// The instance.
        instance: InstanceName,
        /// The user, as the instance names it: an id or an address.
        user: String,
    },
    /// Nobody's that we know.
    #[default]
    Unknown,
}

/// Whether a token works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Alive {
    /// An instance or a host takes it.
    Yes {
        /// Which.
        at: TakenBy,
    },
    /// All that were asked refuse it.
    No,
    /// Nobody was asked.
    #[default]
    NotAsked,
    /// Somebody was asked, and it is not known.
    Unknown {
        /// Why.
        why: String,
    },
}

/// Who takes a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenBy {
    /// An instance that we know.
    Instance(InstanceName),
    /// A host that a person named, by its address.
    Host(String),
}

/// Why a place is let be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// A mark in the line itself.
    Inline,
    /// A line of an allowlist.
    List(AllowedBy),
}

/// A line of an allowlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedBy {
    /// The allowlist.
    pub file: PathBuf,
    /// What it says.
    pub line: Arc<AllowLine>,
}

/// What an allowlist did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowUse {
    /// The allowlist.
    pub file: PathBuf,
    /// As many places were let be.
    pub places: usize,
    /// Lines that met no finding; none are told if only a part was scanned.
    pub unused: Vec<Arc<AllowLine>>,
    /// Lines that would let something be, if their time were not over.
    pub lapsed: Vec<Arc<AllowLine>>,
}

/// What may let a place be.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The lists that count.
    pub allowlists: &'a [Allowlist],
    /// Whether marks count.
    pub marks: Marks,
    /// What was scanned.
    pub coverage: Coverage,
}

/// Whether the mark `keywright:allow` in a line counts: who writes the line may be who leaked the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// It does.
    Heeded,
    /// It does not.
    Ignored,
}

/// How much of what is there was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All: a line of an allowlist that meets nothing is of no use any more.
    Whole,
    /// A part, such as what is staged, or is new since the last time.
    Part,
}

/// Whether a token has ended by its own date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It says no date, and its kind would.
    Never,
    /// Not yet.
    Ends(Timestamp),
    /// It has.
    Ended(Timestamp),
    /// Its kind says nothing of it.
    Unsaid,
}

/// What a scan comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As many tokens are where none may be.
    Found(usize),
    /// None was found, but as many things were not read.
    Unread(u64),
    /// All was read, and what was found is let be, at as many places.
    Allowed(usize),
    /// All was read, and nothing found.
    Clean,
}

impl Judged {
    /// Groups the findings by token, takes out what is let be, and takes the keys out of names.
    pub fn judge(report: Report, rules: Rules<'_>, now: Timestamp) -> Self {
        let Rules { allowlists, marks, coverage } = rules;
        let mut uses: Vec<Use> = allowlists.iter().map(|_| Use::default()).collect();
        let mut index: HashMap<Fingerprint, usize> = HashMap::new();
        let mut leaks: Vec<Leak> = Vec::new();
        for finding in report.findings {
            let Finding { token, place, wrapping, also } = finding;
            let fingerprint = token.fingerprint();
            let at = *index.entry(fingerprint).or_insert(leaks.len());
            if at == leaks.len() {
                leaks.push(Leak::new(token, fingerprint));
            }
            let Some(leak) = leaks.get_mut(at) else { continue };
            let mut spot = Spot { place, wrapping, also, lapsed: None };
            let answer = listed(&fingerprint, &mut spot, allowlists, &mut uses, now);
            let is_marked = marks == Marks::Heeded && spot.place.is_allowed_inline;
            match answer.or_else(|| is_marked.then_some(Allowed::Inline)) {
                Some(allowed) => leak.allowed.push((spot, allowed)),
                None => leak.places.push(spot),
            }
        }
        leaks.iter_mut().for_each(Leak::sort);
        let mut judged = Self {
            at: now,
            leaks,
            unread: report.unread,
            more_unread: report.more_unread,
            more_findings: report.more_findings,
            tally: report.tally,
            allowlists: allowlists.iter().zip(uses).map(|(list, used)| used.close(list, coverage)).collect(),
        };
        names::hide_secrets(&mut judged);
        judged
    }

    /// What is not let be everywhere, the worst first.
    pub fn worst_first(&self) -> Vec<&Leak> {
        let mut leaks: Vec<&Leak> = self.leaks.iter().filter(|leak| !leak.places.is_empty()).collect();
        leaks.sort_by_key(|leak| leak.rank(self.at));
        leaks
    }

    /// Each place that is let be.
    pub fn allowed(&self) -> impl Iterator<Item = (&Leak, &Spot, &Allowed)> {
        self.leaks.iter().flat_map(|leak| leak.allowed.iter().map(move |(spot, by)| (leak, spot, by)))
    }

    /// As many things were not read.
    pub fn unread_count(&self) -> u64 {
        self.more_unread.saturating_add(self.unread.len() as u64)
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        let found = self.leaks.iter().filter(|leak| !leak.places.is_empty()).count();
        let unread = self.unread_count();
        let allowed = self.allowed().count();
        match (found, self.more_findings, unread, allowed) {
            (0, 0, 0, 0) => Verdict::Clean,
            (0, 0, 0, _) => Verdict::Allowed(allowed),
            (0, 0, ..) => Verdict::Unread(unread),
            _ => Verdict::Found(found),
        }
    }
}

impl Leak {
    fn new(token: Token, fingerprint: Fingerprint) -> Self {
        let (owner, alive) = (Owner::default(), Alive::default());
        Self { token, fingerprint, owner, alive, places: Vec::new(), allowed: Vec::new() }
    }

    /// Whether it has ended by its own date.
    pub fn expiry(&self, now: Timestamp) -> Expiry {
        match self.token.claims.expires_at {
            Some(end) if end <= now => Expiry::Ended(end),
            Some(end) => Expiry::Ends(end),
            None if matches!(self.token.kind, Kind::Native2 | Kind::Native1 | Kind::Legacy) => Expiry::Never,
            None => Expiry::Unsaid,
        }
    }

    /// Whether it is of no use to anybody any more, as far as is known.
    pub fn is_spent(&self, now: Timestamp) -> bool {
        match self.alive {
            Alive::Yes { .. } => false,
            Alive::No => true,
            Alive::NotAsked | Alive::Unknown { .. } => matches!(self.expiry(now), Expiry::Ended(_)),
        }
    }

    /// Whether a remote has it, at any place: the worst.
    pub fn pushed(&self) -> Option<Pushed> {
        let rank = |pushed: &Pushed| pushed_rank(Some(*pushed));
        self.places.iter().filter_map(|spot| pushed(&spot.place)).min_by_key(rank)
    }

    fn rank(&self, now: Timestamp) -> (u8, std::cmp::Reverse<Severity>, u8, Fingerprint) {
        let life = match self.alive {
            Alive::Yes { .. } => 0,
            Alive::NotAsked | Alive::Unknown { .. } => 1 + u8::from(self.is_spent(now)),
            Alive::No => 3,
        };
        let severity = std::cmp::Reverse(self.token.kind.severity());
        (life, severity, pushed_rank(self.pushed()), self.fingerprint)
    }

    /// The first place first: by the date of its commit, then by name; what has no date comes last.
    fn sort(&mut self) {
        let date = |spot: &Spot| match &spot.place.source {
            Source::Git(git) => git.first.as_ref().and_then(|first| first.date),
            Source::File(_) | Source::Stream(_) => None,
        };
        self.places.sort_by(|a, b| {
            let key =
                |spot: &Spot| (date(spot).unwrap_or(Timestamp::MAX), spot.place.line, spot.place.column);
            key(a).cmp(&key(b)).then_with(|| a.place.source.cmp(&b.place.source))
        });
    }
}

impl Verdict {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Unread(_) => "unread",
            Self::Allowed(_) => "allowed",
            Self::Clean => "clean",
        }
    }
}

fn pushed(place: &Place) -> Option<Pushed> {
    match &place.source {
        Source::Git(git) => Some(git.pushed),
        Source::File(_) | Source::Stream(_) => None,
    }
}

fn pushed_rank(pushed: Option<Pushed>) -> u8 {
    match pushed {
        Some(Pushed::Yes) => 0,
        Some(Pushed::Unknown) => 1,
        Some(Pushed::No) => 2,
        None => 3,
    }
}

#[derive(Default)]
struct Use {
    places: usize,
    met: HashSet<Fingerprint>,
    lapsed: HashSet<Fingerprint>,
}

impl Use {
    fn close(self, list: &Allowlist, coverage: Coverage) -> AllowUse {
        let lines = |keep: &dyn Fn(&Fingerprint) -> bool| {
            let mut lines: Vec<Arc<AllowLine>> =
                list.lines.values().filter(|line| keep(&line.fingerprint)).cloned().collect();
            lines.sort_by_key(|line| line.line);
            lines
        };
        AllowUse {
            file: list.file.clone(),
            places: self.places,
            unused: match coverage {
                Coverage::Whole => lines(&|token| !self.met.contains(token)),
                Coverage::Part => Vec::new(),
            },
            lapsed: lines(&|token| self.lapsed.contains(token)),
        }
    }
}

fn listed(
    token: &Fingerprint,
    spot: &mut Spot,
    allowlists: &[Allowlist],
    uses: &mut [Use],
    now: Timestamp,
) -> Option<Allowed> {
    for (list, used) in allowlists.iter().zip(uses) {
        let by = |line: &Arc<AllowLine>| AllowedBy { file: list.file.clone(), line: Arc::clone(line) };
        match list.answer(token, &spot.place, now) {
            Some(Answer::Allowed(line)) => {
                used.met.insert(*token);
                used.places += 1;
                return Some(Allowed::List(by(line)));
            }
            Some(Answer::Lapsed(line)) => {
                used.met.insert(*token);
                used.lapsed.insert(*token);
                spot.lapsed = Some(by(line));
            }
            None => {}
        }
    }
    None
}
