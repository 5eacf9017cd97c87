//! The command line: words in, one chore out.
use crate::n8n::{self, Release};
use crate::{Fault, Result, bench, fuzz, services, tidy};
use std::path::PathBuf;

const USAGE: &str = "cargo xtask tidy | fuzz [TARGET] [--times N] | bench rotation | leakbed SRC DEST [--seed N] | n8n install|start|stop|status [--version V]… [--run-dir DIR] \
                     | services start|stop|status [--run-dir DIR]";

/// What a chore that could do its work leaves to print, and the exit code.
#[derive(Debug)]
pub struct Done {
    /// For stdout.
    pub output: String,
    /// 0, or 3 where findings are present.
    pub code: u8,
}

/// Runs the chore that `words` (without the program's name) ask for.
pub fn run(words: &[String]) -> Result<Done> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["bench", "rotation"] => {
            bench::rotation()?;
            Ok(Done { output: String::new(), code: 0 })
        }
        ["leakbed", source, dest, options @ ..] => {
            bench::leakbed(&[&[*source, *dest], options].concat())?;
            Ok(Done { output: String::new(), code: 0 })
        }
        ["fuzz", options @ ..] => {
            run_fuzz(options)?;
            Ok(Done { output: String::new(), code: 0 })
        }
        ["bench", "leaks", options @ ..] => {
            bench::leaks(&real(options)?)?;
            Ok(Done { output: String::new(), code: 0 })
        }
        ["n8n", verb, options @ ..] => run_n8n(verb, options),
        ["services", verb, options @ ..] => run_services(verb, options),
        ["help" | "--help" | "-h"] => Ok(Done { output: format!("usage: {USAGE}\n"), code: 0 }),
        other => Err(Fault::usage(format!("`{}` is no chore", other.join(" ")), USAGE)),
    }
}

fn run_fuzz(options: &[&str]) -> Result<()> {
    match options {
        [] => fuzz::run(None, 1),
        ["--times", times] | [_, "--times", times] => {
            let factor = times
                .parse()
                .map_err(|e| Fault::usage(format!("`{times}` is no number"), USAGE).because(e))?;
            fuzz::run(options.first().copied().filter(|first| *first != "--times"), factor)
        }
        [target] => fuzz::run(Some(target), 1),
        _ => Err(Fault::usage("`fuzz` takes one target", USAGE)),
    }
}

fn real<'a>(options: &[&'a str]) -> Result<Vec<&'a str>> {
    let pairs = options.chunks(2).map(|pair| match pair {
        ["--real", repository] => Ok(*repository),
        _ => Err(Fault::usage(format!("`{}` is no option of `bench leaks`", pair.join(" ")), USAGE)),
    });
    pairs.collect()
}

fn run_n8n(verb: &str, options: &[&str]) -> Result<Done> {
    let options = Options::parse(options)?;
    let cache = n8n::Cache::from_environment()?;
    let run = options.run_dir.unwrap_or_else(|| cache.run());
    match verb {
        "install" => {
            n8n::install(&cache, &options.releases)?;
            Ok(Done { output: String::new(), code: 0 })
        }
        "start" => {
            let records = n8n::start(&cache, &run, &options.releases)?;
            let output = serde_json::to_string_pretty(&records)
                .map_err(|e| Fault::new("the records cannot be printed", "report this").because(e))?;
            Ok(Done { output: output + "\n", code: 0 })
        }
        "stop" => {
            n8n::stop(&run, options.named.then_some(options.releases.as_slice()))?;
            Ok(Done { output: String::new(), code: 0 })
        }
        "status" => {
            let (output, all_ready) = n8n::status(&run, &options.releases);
            Ok(Done { output, code: if all_ready { 0 } else { 3 } })
        }
        other => Err(Fault::usage(format!("`n8n {other}` is no chore"), USAGE)),
    }
}

fn run_services(verb: &str, options: &[&str]) -> Result<Done> {
    let options = Options::parse(options)?;
    if options.named {
        return Err(Fault::usage("`--version` is no option of `services`", USAGE));
    }
    let cache = n8n::Cache::from_environment()?;
    let run = options.run_dir.unwrap_or_else(|| services::run_dir(&cache));
    match verb {
        "start" => Ok(Done { output: services::start(&cache, &run)? + "\n", code: 0 }),
        "stop" => {
            services::stop(&run)?;
            Ok(Done { output: String::new(), code: 0 })
        }
        "status" => {
            let (output, all_ready) = services::status(&run);
            Ok(Done { output, code: if all_ready { 0 } else { 3 } })
        }
        other => Err(Fault::usage(format!("`services {other}` is no chore"), USAGE)),
    }
}

#[derive(Debug)]
struct Options {
    releases: Vec<&'static Release>,
    named: bool,
    run_dir: Option<PathBuf>,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut parsed = Self { releases: Vec::new(), named: false, run_dir: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, given) = word.split_once('=').map_or((*word, None), |(n, v)| (n, Some(v)));
            let mut value = || {
                given
                    .or_else(|| words.next().copied())
                    .ok_or_else(|| Fault::usage(format!("`{name}` needs a value"), USAGE))
            };
            match name {
                "--version" => parsed.releases.push(Release::named(value()?)?),
                "--run-dir" => parsed.run_dir = Some(PathBuf::from(value()?)),
                other => return Err(Fault::usage(format!("`{other}` is no option"), USAGE)),
            }
        }
        parsed.named = !parsed.releases.is_empty();
        if !parsed.named {
            parsed.releases = n8n::RELEASES.iter().collect();
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], versions: &[&str], run_dir: Option<&str>) {
        let parsed = Options::parse(words).unwrap();
        let found: Vec<&str> = parsed.releases.iter().map(|r| r.version).collect();
        assert_eq!((found.as_slice(), parsed.run_dir), (versions, run_dir.map(PathBuf::from)), "{words:?}");
    }

    #[test]
    fn options_are_read() {
        check(&[], &["2.41.1", "1.123.81", "1.72.1", "1.60.1"], None);
        check(&["--version", "1.60.1", "--version=2.41.1"], &["1.60.1", "2.41.1"], None);
        check(&["--run-dir=x", "--version", "1.72.1"], &["1.72.1"], Some("x"));
    }

    #[test]
    fn what_is_not_understood_is_a_usage_fault() {
        let ask = |words: &[&str]| run(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        for words in [
            &["n8n", "start", "--version"][..],
            &["n8n", "start", "--fast"],
            &["dance"],
            &["n8n", "fly"],
            &["leakbed", "only-one"],
            &["services", "fly"],
            &["bench", "leaks", "--real"],
            &["bench", "leaks", "here"],
            &["services", "start", "--version", "2.41.1"],
        ] {
            assert_eq!(ask(words).unwrap_err().code(), 2, "{words:?}");
        }
        let unknown = ask(&["n8n", "start", "--version", "9.9.9"]).unwrap_err().to_string();
        assert!(unknown.contains("`9.9.9`") && unknown.contains("2.41.1"), "{unknown}");
    }
}
