//! A `kubeconfig` as a tree. YAML that others wrote: bounded, and without aliases.

use saphyr_parser::{Event, Parser, ScalarStyle};
use zeroize::Zeroizing;

/// A `kubeconfig` of a thousand clusters has fewer.
const MAX_EVENTS: usize = 200_000;
const MAX_DEPTH: usize = 32;

/// One value. Texts may be secrets.
pub(super) enum Node {
    Nothing,
    Text(Zeroizing<String>),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

static NOTHING: Node = Node::Nothing;
static EMPTY: &[Node] = &[];

impl Node {
    /// The first document of a text; an error tells line and fault, and quotes nothing.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { parser: Parser::new_from_str(text), left: MAX_EVENTS };
        loop {
            match reader.next()? {
                (Event::StreamEnd, _) => return Ok(Self::Nothing),
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                first => return reader.node(first, 0),
            }
        }
    }

    /// What a map has by that name.
    pub(super) fn get(&self, name: &str) -> &Self {
        let Self::Map(fields) = self else { return &NOTHING };
        fields.iter().find(|(key, _)| key == name).map_or(&NOTHING, |(_, value)| value)
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { EMPTY }
    }

    pub(super) fn is_true(&self) -> bool {
        self.text() == Some("true")
    }

    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    left: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, usize), String> {
        self.left = self.left.checked_sub(1).ok_or("it is too large")?;
        match self.parser.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(fault)) => Err(format!("from line {} on it is no YAML", fault.marker().line())),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, (event, line): (Event<'t>, usize), depth: usize) -> Result<Node, String> {
        if depth > MAX_DEPTH {
            return Err(format!("line {line} is nested too deep"));
        }
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null") => {
                Ok(Node::Nothing)
            }
            Event::Scalar(text, ..) => Ok(Node::Text(Zeroizing::new(text.into_owned()))),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => return Ok(Node::List(list)),
                        element => list.push(self.node(element, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut fields = Vec::new();
                loop {
                    let name = match self.next()? {
                        (Event::MappingEnd, _) => return Ok(Node::Map(fields)),
                        (Event::Scalar(name, ..), _) => name.into_owned(),
                        (_, line) => return Err(format!("line {line} has a name that is not a text")),
                    };
                    let value = self.next()?;
                    fields.push((name, self.node(value, depth + 1)?));
                }
            }
            Event::Alias(_) => Err(format!("line {line} has an alias; write it out")),
            _ => Err(format!("at line {line} it ends too early")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_it_is_written() {
        let node =
            Node::parse("# x\na: {b: [c, 'd', \"e\"]}\nf: true\ng: null\nh: ''\ni: |\n  j\n  k\n").unwrap();
        let texts: Vec<_> = node.get("a").get("b").list().iter().map(|node| node.text().unwrap()).collect();
        assert_eq!(texts, ["c", "d", "e"]);
        assert!(node.get("f").is_true() && !node.get("a").is_true());
        assert!(!node.get("g").is_there() && node.get("h").is_there() && node.get("h").text().is_none());
        assert_eq!(node.get("i").text(), Some("j\nk\n"));
        assert!(!node.get("z").get("y").is_there());
        let json = Node::parse("{\"a\":{\"b\":[\"c\"]}}").unwrap();
        assert_eq!(json.get("a").get("b").list()[0].text(), Some("c"));
        assert!(!Node::parse("").unwrap().is_there());
    }

    #[test]
    fn what_is_no_sound_document_is_told_without_quoting_it() {
        let deep = "[".repeat(100);
        for (bad, said) in [
            ("a: [canary", "no YAML"),
            ("a: &x canary\nb: *x", "alias"),
            ("? [canary]\n: x", "not a text"),
            (deep.as_str(), "too deep"),
        ] {
            let fault = Node::parse(bad).err().unwrap();
            assert!(fault.contains(said) && !fault.contains("canary"), "{bad}: {fault}");
        }
    }
}
