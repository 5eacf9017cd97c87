//! Finds a key in a stream of bytes and puts `[masked]` in its place, wherever the stream is cut into pieces. It holds
//! back only what may be the beginning of one.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use model::Secret;

const MASKED: &[u8] = b"[masked]";
/// A shorter form is found everywhere, and hides nothing.
const LEAST: usize = 8;
/// Line ends in a form's middle are passed over, as `base64` and `fold` put them there; but only where so much of the
/// form has come that no ordinary line waits for the next.
const FOLDED_FROM: usize = 16;
/// A line end is `\r\n` at the longest.
const FOLD: usize = 2;

/// A beginning of one or more forms.
#[derive(Default)]
struct Node {
    byte: u8,
    depth: usize,
    next: Vec<u32>,
    /// The longest other beginning that this one ends with.
    falls_to: u32,
    /// How long the longest form is that this ends with; 0 if none.
    ends: usize,
}

/// All forms of a key as one automaton, after Aho and Corasick.
pub(crate) struct Forms {
    nodes: Vec<Node>,
    key_bytes: usize,
}

impl Forms {
    pub(crate) fn of(key: &Secret) -> Self {
        let key = key.expose();
        let mut forms = Self { nodes: vec![Node::default()], key_bytes: key.len() };
        for form in spellings(key)
            .into_iter()
            .filter(|form| form.len() >= LEAST && !form.iter().any(|byte| is_line_end(*byte)))
        {
            forms.add(&form);
        }
        forms.link();
        forms
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(at).ok()?)
    }

    fn child(&self, at: u32, byte: u8) -> Option<u32> {
        let fits = |next: &&u32| self.node(**next).is_some_and(|node| node.byte == byte);
        self.node(at)?.next.iter().find(fits).copied()
    }

    fn add(&mut self, form: &[u8]) {
        let mut at = 0;
        for (before, byte) in form.iter().enumerate() {
            at = self.child(at, *byte).unwrap_or_else(|| {
                let new = u32::try_from(self.nodes.len()).unwrap_or(0);
                self.nodes.push(Node { byte: *byte, depth: before + 1, ..Node::default() });
                if let Some(node) = self.nodes.get_mut(at as usize) {
                    node.next.push(new);
                }
                new
            });
        }
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.ends = form.len();
        }
    }

    /// Says where each beginning falls to when it does not go on.
    fn link(&mut self) {
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            let Some(node) = self.node(at) else { continue };
            let falls_to = node.falls_to;
            for next in node.next.clone() {
                queue.push_back(next);
                let Some(byte) = self.node(next).map(|node| node.byte) else { continue };
                let to = if at == 0 { 0 } else { self.step(falls_to, byte) };
                let ends = self.node(to).map_or(0, |node| node.ends);
                if let Some(node) = self.nodes.get_mut(next as usize) {
                    node.falls_to = to;
                    node.ends = node.ends.max(ends);
                }
            }
        }
    }

    fn step(&self, mut at: u32, byte: u8) -> u32 {
        loop {
            if let Some(next) = self.child(at, byte) {
                return next;
            }
            if at == 0 {
                return 0;
            }
            at = self.node(at).map_or(0, |node| node.falls_to);
        }
    }
}

/// A key as it is, and as programs like to write it: in JSON, in a URL, in hex, and in base64 at each of its three
/// offsets, as far as the key alone decides it.
fn spellings(key: &str) -> BTreeSet<Vec<u8>> {
    let bytes = key.as_bytes();
    let json = serde_json::Value::from(key).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default().to_owned();
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let each = |spell: &dyn Fn(u8) -> String| bytes.iter().map(|byte| spell(*byte)).collect::<String>();
    let in_url = |byte: u8, escaped: String| if unreserved(byte) { char::from(byte).into() } else { escaped };
    let mut all = vec![
        key.to_owned(),
        json,
        each(&|byte| in_url(byte, format!("%{byte:02X}"))),
        each(&|byte| in_url(byte, format!("%{byte:02x}"))),
        each(&|byte| format!("{byte:02X}")),
        each(&|byte| format!("{byte:02x}")),
    ];
    for skip in 0..3 {
        let rest = bytes.get(skip..).unwrap_or_default();
        for mut text in [STANDARD_NO_PAD.encode(rest), URL_SAFE_NO_PAD.encode(rest)] {
            text.truncate(rest.len() * 8 / 6);
            all.push(text);
        }
    }
    all.into_iter().map(String::into_bytes).collect()
}

/// One stream.
pub(crate) struct Mask {
    forms: Arc<Forms>,
    at: u32,
    /// What may be the beginning of a form, line ends in it included.
    held: VecDeque<u8>,
    /// How many line ends came last.
    folded: usize,
}

impl Mask {
    pub(crate) fn new(forms: Arc<Forms>) -> Self {
        Self { forms, at: 0, held: VecDeque::new(), folded: 0 }
    }

    /// Takes what has come, and gives what may go on.
    pub(crate) fn pass(&mut self, mut come: &[u8], out: &mut Vec<u8>) {
        while let Some((byte, rest)) = come.split_first() {
            if self.at == 0 {
                let forms = &self.forms;
                let plain =
                    come.iter().position(|byte| forms.child(0, *byte).is_some()).unwrap_or(come.len());
                if let Some((passes, rest)) = come.split_at_checked(plain).filter(|_| plain > 0) {
                    out.extend_from_slice(passes);
                    come = rest;
                    continue;
                }
            }
            come = rest;
            self.take(*byte, out);
        }
    }

    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        let depth = self.depth();
        if is_line_end(byte) && depth >= FOLDED_FROM && self.folded < FOLD {
            self.folded += 1;
            self.held.push_back(byte);
            return;
        }
        self.folded = 0;
        self.held.push_back(byte);
        self.at = self.forms.step(self.at, byte);
        let found = self.forms.node(self.at).map_or(0, |node| node.ends);
        if found > 0 {
            self.release(depth + 1 - found.min(depth + 1), out);
            self.held.clear();
            self.at = 0;
            out.extend_from_slice(MASKED);
        } else {
            self.release(depth + 1 - self.depth().min(depth + 1), out);
        }
    }

    /// How much of a form is held back.
    fn depth(&self) -> usize {
        self.forms.node(self.at).map_or(0, |node| node.depth)
    }

    /// Lets go of so many bytes from the front, and of line ends before the next.
    fn release(&mut self, mut count: usize, out: &mut Vec<u8>) {
        if count == 0 {
            return;
        }
        while let Some(byte) = self.held.pop_front_if(|byte| count > 0 || is_line_end(*byte)) {
            count -= usize::from(count > 0 && !is_line_end(byte));
            out.push(byte);
        }
    }

    /// The stream has ended; most of a key without its end is masked as well.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        if self.depth() * 2 > self.forms.key_bytes {
            out.extend_from_slice(MASKED);
        } else {
            out.extend(&self.held);
        }
        self.held.clear();
        self.at = 0;
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
