//! What a person is asked.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use model::{Blame, Report, Retry, Secret};

/// Whether there is a person to ask.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a secret; nothing is shown while it is typed.
pub(crate) fn secret(question: &str, instead: &str) -> Result<Secret, Report> {
    if !is_interactive() {
        let report = Report::new(Blame::Operator, Retry::AfterFix, format!("cannot ask for the {question}"))
            .because("there is no terminal")
            .mend(instead);
        return Err(report);
    }
    let failed = |error: &std::io::Error| {
        Report::new(Blame::Operator, Retry::AfterFix, format!("cannot ask for the {question}"))
            .caused_by(error)
    };
    let text = rpassword::prompt_password(format!("{question}: ")).map_err(|error| failed(&error))?;
    if text.is_empty() {
        return Err(Report::new(Blame::Operator, Retry::AfterFix, format!("no {question} was given")));
    }
    Ok(Secret::new(text))
}

/// Asks yes or no; no is the answer to anything else.
pub(crate) fn confirm(question: &str, instead: &str) -> Result<bool, Report> {
    let failed = |error: &std::io::Error| {
        Report::new(Blame::Operator, Retry::AfterFix, "cannot ask on the terminal").caused_by(error)
    };
    if !is_interactive() {
        let report =
            Report::new(Blame::Operator, Retry::AfterFix, "cannot ask on the terminal").because(question);
        return Err(report.mend(instead));
    }
    let mut terminal = anstream::stderr().lock();
    write!(terminal, "{question} [y/N] ").and_then(|()| terminal.flush()).map_err(|error| failed(&error))?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| failed(&error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
