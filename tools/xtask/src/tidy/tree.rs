//! All text files of the workspace, and which Rust file is a module of which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::source::{Source, matching, names_test};

/// A file that is not Rust.
#[derive(Debug, Clone)]
pub struct Text {
    /// Path from the workspace root, with `/`.
    pub path: String,
    /// The file as it is.
    pub text: String,
}

/// Where a reachable Rust file hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The file that declares it; `None` for the root of a target.
    pub parent: Option<String>,
    /// Whether it is built for tests, loom, benches or examples only.
    pub test_only: bool,
}

/// The files rules are applied to.
#[derive(Debug, Default)]
pub struct Tree {
    /// Rust files, sorted by path.
    pub sources: Vec<Source>,
    /// Other text files.
    pub texts: Vec<Text>,
    /// Reachable Rust files.
    pub modules: BTreeMap<String, Module>,
}

/// Crates that run on hot threads.
pub const HOT: [&str; 4] = ["shm", "feed", "gateway", "engine"];

const TEXT_ENDINGS: [&str; 9] =
    [".toml", ".md", ".sh", ".yml", ".yaml", ".json", ".lock", ".csv", ".ci/run"];

impl Tree {
    /// Reads every text file under `root`, build outputs and hidden folders (but `.ci`, `.cargo`)
    /// left out.
    ///
    /// # Errors
    /// A folder or file cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        Ok(Self::new(files))
    }

    /// Makes a tree of (path, text).
    pub fn new(files: Vec<(String, String)>) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            if path.ends_with(".rs") {
                tree.sources.push(Source::new(&path, &text));
            } else {
                tree.texts.push(Text { path, text });
            }
        }
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        tree.modules = tree.reach();
        tree
    }

    /// The same tree with a text put at the end of a file, which need not exist.
    #[must_use]
    pub fn with(self, path: &str, text: &str) -> Self {
        let mut files: Vec<(String, String)> =
            self.sources.into_iter().map(|source| (source.path, source.text)).collect();
        files.extend(self.texts.into_iter().map(|text| (text.path, text.text)));
        match files.iter_mut().find(|(known, _)| known == path) {
            Some((_, known)) => known.push_str(text),
            None => files.push((path.to_owned(), text.to_owned())),
        }
        Self::new(files)
    }

    /// A Rust file by path.
    pub fn source(&self, path: &str) -> Option<&Source> {
        let index = self.sources.binary_search_by(|source| source.path.as_str().cmp(path));
        index.ok().map(|index| &self.sources[index])
    }

    /// Files under `src` of the hot crates that are built for more than tests.
    pub fn hot_sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| {
            let hot = HOT.iter().any(|name| {
                let rest = source.path.strip_prefix(name);
                rest.is_some_and(|rest| rest.starts_with("/src/"))
            });
            hot && !self.test_only(&source.path)
        })
    }

    /// Whether a file is built for tests only.
    pub fn test_only(&self, path: &str) -> bool {
        self.modules.get(path).is_some_and(|module| module.test_only)
    }

    fn reach(&self) -> BTreeMap<String, Module> {
        let paths: BTreeSet<&str> =
            self.sources.iter().map(|source| source.path.as_str()).collect();
        let mut reached = BTreeMap::new();
        let mut open: Vec<(String, Module)> = Vec::new();
        for (path, test_only) in self.roots() {
            open.push((path, Module { parent: None, test_only }));
        }
        while let Some((path, module)) = open.pop() {
            let Some(source) = self.source(&path) else { continue };
            for child in children(source, module.parent.is_none()) {
                let Some(file) = child.files.into_iter().find(|file| paths.contains(file.as_str()))
                else {
                    continue;
                };
                let test_only = module.test_only || child.test_only;
                open.push((file, Module { parent: Some(path.clone()), test_only }));
            }
            // Reached twice, the wider use wins.
            let known = reached.get(&path).is_some_and(|known: &Module| !known.test_only);
            if !known {
                reached.insert(path, module);
            }
        }
        reached
    }

    /// Roots of targets: by cargo's conventions, and by `path = ".."` in manifests.
    fn roots(&self) -> Vec<(String, bool)> {
        let mut roots = Vec::new();
        for text in self.texts.iter().filter(|text| text.path.ends_with("Cargo.toml")) {
            let base = text.path.trim_end_matches("Cargo.toml");
            for source in &self.sources {
                let Some(rest) = source.path.strip_prefix(base) else { continue };
                if let Some(test_only) = root_kind(rest) {
                    // The member crate `tests` is tests through and through.
                    roots.push((source.path.clone(), test_only || base == "tests/"));
                }
            }
            for line in text.text.lines() {
                let named =
                    line.trim().strip_prefix("path = \"").and_then(|rest| rest.split('"').next());
                if let Some(name) = named.filter(|name| name.ends_with(".rs")) {
                    roots.push((format!("{base}{name}"), base.starts_with("fuzz")));
                }
            }
        }
        roots
    }
}

/// Whether a path below a crate is a target's root by convention, and if so whether for tests only.
fn root_kind(rest: &str) -> Option<bool> {
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        ["src", "lib.rs" | "main.rs"] | ["build.rs"] | ["src", "bin", _] => Some(false),
        ["src", "bin", _, "main.rs"] => Some(false),
        ["tests" | "benches" | "examples", _] => Some(true),
        ["tests" | "benches" | "examples", _, "main.rs"] => Some(true),
        _ => None,
    }
}

struct Child {
    files: Vec<String>,
    test_only: bool,
}

/// Files the `mod name;` lines of a file may mean.
fn children(source: &Source, is_root: bool) -> Vec<Child> {
    let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let owner = is_root || file == "mod.rs";
    let mut base = folder.to_owned();
    if !owner {
        base = format!("{folder}/{}", file.trim_end_matches(".rs"));
    }
    let tokens = source.tokens();
    let tests = source.test_ranges();
    let mut inline: Vec<(usize, &str)> = Vec::new();
    let mut attributes: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        inline.retain(|(end, _)| token.at < *end);
        let close = (token.text == "#").then(|| matching(&tokens, index + 1)).flatten();
        if let Some(close) = close {
            attributes.push(&source.text[token.at..tokens[close].at]);
            index = close + 1;
            continue;
        }
        let name = tokens.get(index + 1).map_or("", |token| token.text);
        let then = tokens.get(index + 2).map_or("", |token| token.text);
        if token.text == "mod" && then == "{" {
            let end = matching(&tokens, index + 2).map_or(source.text.len(), |at| tokens[at].at);
            inline.push((end, name));
        } else if token.text == "mod" && then == ";" {
            let folders: Vec<&str> = inline.iter().map(|(_, name)| *name).collect();
            let test_only = attributes.iter().any(|text| names_test(text))
                || tests.iter().any(|range| range.contains(&token.at));
            let named = attributes.iter().find_map(|text| path_attribute(text));
            found
                .push(Child { files: candidates(folder, &base, &folders, name, named), test_only });
        }
        if !matches!(token.text, "pub" | "(" | ")" | "crate" | "super" | "in") {
            attributes.clear();
        }
        index += 1;
    }
    found
}

fn candidates(
    folder: &str,
    base: &str,
    inline: &[&str],
    name: &str,
    named: Option<&str>,
) -> Vec<String> {
    if let Some(named) = named {
        return vec![format!("{folder}/{named}")];
    }
    let mut parts = vec![base];
    parts.extend(inline);
    let place = parts.join("/");
    let place = place.trim_start_matches('/');
    vec![format!("{place}/{name}.rs"), format!("{place}/{name}/mod.rs")]
}

fn path_attribute(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("#[path")?.trim_start().strip_prefix('=')?;
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

fn walk(root: &Path, below: &str, files: &mut Vec<(String, String)>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(below))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && name != ".ci" && name != ".cargo";
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !hidden && !matches!(name.as_str(), "target" | "node_modules") {
            walk(root, &path, files)?;
        } else if kind.is_file() && (name.ends_with(".rs") || is_text(&path)) {
            // Bytes that are no UTF-8 cannot break a rule; the rest of the file is still read.
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            files.push((path, text));
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    TEXT_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the module graph is the compiler's. Method: each way of naming a file, in one crate.
    #[test]
    fn modules_are_followed_as_the_compiler_does() {
        let files = [
            ("shm/Cargo.toml", ""),
            ("shm/src/lib.rs", "pub mod a;\nmod b { mod c; }\n#[cfg(test)]\nmod t;"),
            ("shm/src/a.rs", "mod inner;\n#[path = \"odd_name.rs\"]\nmod odd;"),
            ("shm/src/a/inner.rs", ""),
            ("shm/src/odd_name.rs", ""),
            ("shm/src/b/c/mod.rs", "mod d;"),
            ("shm/src/b/c/d.rs", ""),
            ("shm/src/t.rs", ""),
            ("shm/tests/x.rs", "mod common;"),
            ("shm/tests/common/mod.rs", ""),
            ("shm/src/lost.rs", ""),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        let tree = Tree::new(files.to_vec());
        let lost: Vec<&str> = tree
            .sources
            .iter()
            .map(|source| source.path.as_str())
            .filter(|path| !tree.modules.contains_key(*path))
            .collect();
        assert_eq!(lost, ["shm/src/lost.rs"]);
        assert!(tree.test_only("shm/src/t.rs") && tree.test_only("shm/tests/common/mod.rs"));
        assert!(!tree.test_only("shm/src/b/c/d.rs"));
    }
}
