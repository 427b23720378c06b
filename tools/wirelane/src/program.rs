//! This program as a person calls it, so that the commands it prints can be pasted.

use std::env;
use std::fmt::Display;
use std::path::PathBuf;

/// `wirelane` where the shell finds this program under that name, else the way it was called.
pub(crate) fn name() -> String {
    let own = env::current_exe().and_then(std::fs::canonicalize).ok();
    let called = env::args_os().next().map(PathBuf::from);
    let paths = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&paths).map(|folder| folder.join("wirelane"));
    let found = on_path.filter_map(|path| std::fs::canonicalize(path).ok()).next();
    if own.is_some() && found == own {
        return "wirelane".to_owned();
    }
    called.map_or_else(|| "wirelane".to_owned(), |path| quoted(path.display()))
}

/// A word as a shell reads it back.
pub(crate) fn quoted(word: impl Display) -> String {
    let word = word.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what is printed is one word to a shell. Method: a shell reads each back.
    #[test]
    fn a_shell_reads_the_word_back() {
        for word in ["/tmp/run", "a run", "it's", "$HOME", "", "a;b", "*"] {
            let script = format!("printf %s {}", quoted(word));
            let read = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&read.stdout), word);
        }
        assert_eq!(quoted("/tmp/run"), "/tmp/run");
        assert!(!name().is_empty());
    }
}
