//! One thing that is not as it should be, with its place and its mend.
use std::fmt;

/// Whether a finding fails the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It does.
    Fault,
    /// It is asked about only.
    Question,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) weight: Weight,
    path: String,
    line: usize,
    what: String,
    because: &'static str,
    mend: String,
}

impl Finding {
    /// `line` counts from 1.
    pub(super) fn fault(path: &str, line: usize, what: String, because: &'static str, mend: &str) -> Self {
        Self { weight: Weight::Fault, path: path.to_owned(), line, what, because, mend: mend.to_owned() }
    }

    pub(super) fn question(self) -> Self {
        Self { weight: Weight::Question, ..self }
    }

    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.weight {
            Weight::Fault => "error",
            Weight::Question => "question",
        };
        write!(
            out,
            "{word}: `{}`: {}\nbecause: {}\ntry: {}\n",
            self.place(),
            self.what,
            self.because,
            self.mend
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_why_and_mend() {
        let finding = Finding::fault("a.rs", 7, "it is long".into(), "nobody reads on", "cut it");
        let text = "`a.rs:7`: it is long\nbecause: nobody reads on\ntry: cut it\n";
        assert_eq!(finding.to_string(), format!("error: {text}"));
        assert_eq!(finding.question().to_string(), format!("question: {text}"));
    }
}
