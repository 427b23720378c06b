//! What goes wrong, as one clear sentence with a remedy and an exit code.

use miette::{Diagnostic, MietteHandlerOpts, Report};
use std::io::Write as _;
use std::process::ExitCode;

/// Why the program ends with another code than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was checked is not so: a corrupt journal, a replay that differs, a demo that fell
    /// short.
    Unsound = 1,
    /// Wrong usage: clap's, and of an order's words the engine's.
    Usage = 2,
    /// The configuration, or the machine it asks for, is wrong.
    Configuration = 3,
    /// What was named is not there: no engine, no journal, no such order.
    NotThere = 4,
    /// It could not be done: a port in use, a full disk, an engine that refused.
    NotDone = 5,
    /// Risk, the gateway or the venue refused an order, a replace or a cancel.
    Refused = 6,
    /// It is in force, or may yet be, and nobody can say that it will stay: not on the disk, not
    /// taken yet, not confirmed by a venue.
    NotConfirmed = 7,
}

/// A sentence, a remedy, an exit code.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{text}")]
pub(crate) struct Failure {
    exit: Exit,
    text: String,
    #[help]
    remedy: Option<String>,
}

/// What a command comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl ToString) -> Self {
        Self { exit, text: text.to_string().trim_end().to_owned(), remedy: None }
    }

    pub(crate) fn unsound(text: impl ToString) -> Self {
        Self::new(Exit::Unsound, text)
    }

    pub(crate) fn configuration(text: impl ToString) -> Self {
        Self::new(Exit::Configuration, text)
    }

    pub(crate) fn not_there(text: impl ToString) -> Self {
        Self::new(Exit::NotThere, text)
    }

    pub(crate) fn not_done(text: impl ToString) -> Self {
        Self::new(Exit::NotDone, text)
    }

    /// Says what to do about it.
    pub(crate) fn remedy(mut self, text: impl ToString) -> Self {
        self.remedy = Some(text.to_string());
        self
    }

    /// Whether what was named is not there.
    pub(crate) fn is_not_there(&self) -> bool {
        self.exit == Exit::NotThere
    }

    #[cfg(test)]
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes it to standard error; the code to end with.
    pub(crate) fn show(self) -> ExitCode {
        let code = ExitCode::from(self.exit as u8);
        // Where it cannot be written either, the code is all that there is.
        let _ = writeln!(std::io::stderr(), "{:?}", Report::new(self));
        code
    }
}

/// Lets reports be written without wrapped lines: a path and its line number stay together.
pub(crate) fn set_up() {
    let handler = MietteHandlerOpts::new().wrap_lines(false).break_words(false);
    // Refused when one is set already: then that one writes them.
    let _ = miette::set_hook(Box::new(move |_| Box::new(handler.clone().build())));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the table of exit codes that people read is the one that the program has. Method: each
    /// code's row in the page, and no row of another.
    #[test]
    fn the_page_lists_every_exit_code() {
        let page = include_str!("../../../docs/commands.md");
        let table = page.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
        let listed: Vec<u8> = rows.filter_map(|code| code.parse().ok()).collect();
        let mut codes = vec![0];
        for exit in [
            Exit::Unsound,
            Exit::Usage,
            Exit::Configuration,
            Exit::NotThere,
            Exit::NotDone,
            Exit::Refused,
            Exit::NotConfirmed,
        ] {
            // One more code does not compile here before it is listed.
            match exit {
                Exit::Unsound | Exit::Usage | Exit::Configuration | Exit::NotThere => {}
                Exit::NotDone | Exit::Refused | Exit::NotConfirmed => {}
            }
            codes.push(exit as u8);
        }
        codes.sort_unstable();
        assert_eq!(listed, codes);
    }

    /// Goal: a failure is shown whole: sentence, remedy.
    #[test]
    fn sentence_and_remedy_are_shown() {
        set_up();
        let failure = Failure::not_there("no engine here\n").remedy("start one");
        assert_eq!(failure.exit(), Exit::NotThere);
        let text = format!("{:?}", Report::new(failure));
        assert!(text.contains("no engine here") && text.contains("start one"), "{text}");
    }
}
