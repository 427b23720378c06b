//! One Rust file, split into code and comments so that rules see neither in the other.

use std::ops::Range;

/// A Rust file and its parts. All three texts have the same length and the same line ends.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path from the workspace root, with `/`.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// Comments and the inside of literals blanked.
    pub code: String,
    /// Everything but comments blanked.
    pub comments: String,
    starts: Vec<usize>,
}

/// A word (identifier, keyword, number) or one punctuation character of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// The characters.
    pub text: &'a str,
    /// Byte offset in the file.
    pub at: usize,
}

impl Source {
    /// Splits a file.
    pub fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        Self { path: path.to_owned(), text: text.to_owned(), code, comments, starts }
    }

    /// Line of a byte offset, from 1.
    pub fn line_of(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Number of lines.
    pub fn line_count(&self) -> usize {
        self.text.lines().count()
    }

    /// The comment text of a line, from 1; empty where there is none.
    pub fn comment_of(&self, line: usize) -> &str {
        part(&self.comments, &self.starts, line)
    }

    /// The code of a line, from 1; blank where there is none.
    pub fn code_of(&self, line: usize) -> &str {
        part(&self.code, &self.starts, line)
    }

    /// All tokens of the code.
    pub fn tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.code)
    }

    /// Byte ranges of items under `#[test]` or a `#[cfg(..)]` that names `test` or `loom`.
    pub fn test_ranges(&self) -> Vec<Range<usize>> {
        let tokens = self.tokens();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            if token.text != "#" || ranges.last().is_some_and(|last| last.contains(&token.at)) {
                continue;
            }
            let Some(close) = matching(&tokens, index + 1) else { continue };
            let attribute = &self.text[token.at..tokens[close].at];
            if names_test(attribute) {
                let end = item_end(&tokens, close + 1).unwrap_or(self.text.len());
                ranges.push(token.at..end);
            }
        }
        ranges
    }
}

fn part<'a>(text: &'a str, starts: &[usize], line: usize) -> &'a str {
    let Some(start) = line.checked_sub(1).and_then(|index| starts.get(index)) else { return "" };
    let end = starts.get(line).copied().unwrap_or(text.len());
    text.get(*start..end).unwrap_or("").trim_end_matches('\n')
}

/// Whether an attribute makes its item part of tests only.
pub fn names_test(attribute: &str) -> bool {
    let flat: String = attribute.chars().filter(|c| !c.is_whitespace()).collect();
    if flat.starts_with("#[test") {
        return true;
    }
    if !flat.starts_with("#[cfg(") {
        return false;
    }
    let mut rest = flat.as_str();
    let mut kept = String::new();
    while let Some(at) = rest.find("not(") {
        kept.push_str(&rest[..at]);
        let close = rest[at..].find(')').map_or(rest.len(), |close| at + close + 1);
        rest = &rest[close..];
    }
    kept.push_str(rest);
    let mut words = kept.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| word == "test" || word == "loom")
}

/// Index of the token that closes the bracket at `open`, or `None` if that is no opening bracket.
pub fn matching(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (index > open).then_some(index);
        }
    }
    None
}

/// Offset just past the item that starts at token `from`: its `;` or the end of its first block.
fn item_end(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    let mut index = from;
    while let Some(token) = tokens.get(index) {
        match token.text {
            ";" => return Some(token.at + 1),
            "{" => return matching(tokens, index).map(|close| tokens[close].at + 1),
            "(" | "[" => index = matching(tokens, index)?,
            _ => {}
        }
        index += 1;
    }
    None
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut chars = code.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut end = at + c.len_utf8();
        if word(c) {
            while let Some((next, d)) = chars.peek().copied().filter(|(_, d)| word(*d)) {
                end = next + d.len_utf8();
                chars.next();
            }
        }
        found.push(Token { text: &code[at..end], at });
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Code and comments, each with everything else blanked.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut kinds = vec![Kind::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let (kind, end) = span(bytes, at);
        for slot in kinds.iter_mut().take(end).skip(at) {
            *slot = kind;
        }
        at = end;
    }
    let keep = |wanted: Kind| -> String {
        let pick = |(byte, kind): (&u8, &Kind)| {
            if *kind == wanted || *byte == b'\n' { *byte } else { b' ' }
        };
        let kept: Vec<u8> = bytes.iter().zip(&kinds).map(pick).collect();
        String::from_utf8_lossy(&kept).into_owned()
    };
    (keep(Kind::Code), keep(Kind::Comment))
}

/// What starts at `at`, and where it ends.
fn span(bytes: &[u8], at: usize) -> (Kind, usize) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        return (Kind::Comment, at + length);
    }
    if rest.starts_with(b"/*") {
        return (Kind::Comment, at + block_comment(rest));
    }
    if let Some(length) = raw_string(rest) {
        let inside_word = at > 0 && is_word(bytes[at - 1]);
        if !inside_word {
            return (Kind::Literal, at + length);
        }
    }
    match rest[0] {
        b'"' => (Kind::Literal, at + quoted(rest)),
        b'\'' => char_literal(rest).map_or((Kind::Code, at + 1), |n| (Kind::Literal, at + n)),
        byte if is_word(byte) => {
            // A word is taken whole, so that no prefix of a literal is seen in its middle.
            let prefix = rest.iter().take_while(|byte| is_word(**byte)).count();
            let literal = rest.get(prefix) == Some(&b'"') || rest.get(prefix) == Some(&b'\'');
            let short = prefix <= 2 && literal;
            (Kind::Code, at + if short { prefix } else { prefix.max(1) })
        }
        _ => (Kind::Code, at + 1),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of `r"..."`, `r#"..."#`, and the same with `b` or `c` before.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = usize::from(matches!(rest.first(), Some(b'b' | b'c')));
    if rest.get(prefix) != Some(&b'r') {
        return None;
    }
    let hashes = rest[prefix + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'#'; hashes + 1];
    close[0] = b'"';
    let body = &rest[open + 1..];
    let length = body.windows(close.len()).position(|window| window == close)?;
    Some(open + 1 + length + close.len())
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of a character literal, or `None` for a lifetime.
fn char_literal(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(close + 4);
    }
    let text = rest.get(1..)?;
    let width = match text.first()? {
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (text.get(width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: rules never read text as code. Method: every form of literal and comment around one
    // real word.
    #[test]
    fn literals_and_comments_are_not_code() {
        let text = "let a = \"unsafe // \\\" x\"; /* unsafe /* nested */ */ let b = r#\"unsafe \"\"#;\n\
                    let c = 'u'; let d: &'static str = b\"unsafe\"; // unsafe\nunsafe_not(); '\\''; end";
        let source = Source::new("a.rs", text);
        assert!(!source.tokens().iter().any(|token| token.text == "unsafe"));
        assert_eq!(source.tokens().last().map(|token| token.text), Some("end"));
        assert_eq!(source.code.len(), text.len());
        assert!(source.comment_of(2).contains("unsafe"));
        assert_eq!(source.line_of(text.len() - 1), 3);
    }

    // Goal: rules for code leave tests alone, and only tests. Method: one item of each kind.
    #[test]
    fn test_items_are_found() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n#[cfg(not(test))]\nfn c() {}\n\
                    #[cfg(all(loom, test))]\nmod loom;\n#[test]\nfn d() { x }\nfn e() {}";
        let source = Source::new("a.rs", text);
        let inside = |name: &str| {
            let at = text.find(&format!("fn {name}")).unwrap();
            source.test_ranges().iter().any(|range| range.contains(&at))
        };
        assert!(!inside("a") && inside("b") && !inside("c") && inside("d") && !inside("e"));
    }
}
