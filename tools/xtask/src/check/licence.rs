//! Licence expressions (SPDX) against the list of licences that may be used.

/// Licences that may be used.
pub const ALLOWED: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "Unlicense",
    "Unicode-3.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "MIT-0",
];

/// Whether an expression leaves a choice that is allowed. The old `A/B` means `A OR B`.
pub fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any(&words, &mut at) && at == words.len()
}

fn any(words: &[&str], at: &mut usize) -> bool {
    let mut holds = all(words, at);
    while matches!(words.get(*at), Some(&("OR" | "or"))) {
        *at += 1;
        holds |= all(words, at);
    }
    holds
}

fn all(words: &[&str], at: &mut usize) -> bool {
    let mut holds = one(words, at);
    while matches!(words.get(*at), Some(&("AND" | "and"))) {
        *at += 1;
        holds &= one(words, at);
    }
    holds
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let holds = any(words, at);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return holds && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied();
        *at += 2;
        return *word == "Apache-2.0" && exception == Some("LLVM-exception");
    }
    ALLOWED.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: no licence slips in through the form of its expression. Method: forms seen in
    // manifests.
    #[test]
    fn planted_licence_is_refused() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "MIT or Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR GPL-2.0) AND LGPL-2.1",
            "GPL-2.0 WITH Classpath-exception-2.0",
            "(MIT",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
