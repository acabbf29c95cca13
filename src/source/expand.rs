//! From a path or a glob to the files it means.

use crate::ports::Files;
use globset::{GlobBuilder, GlobMatcher};
use std::io;

/// The files that a path or glob below `dir` means, sorted; none when nothing is there. `*` and `?` stay within a
/// folder, `**` does not; names that begin with a dot are met only by a pattern that writes the dot. A file whose
/// name is the pattern itself wins over the glob.
///
/// # Errors
/// `InvalidInput` for a glob that cannot be read; else the disk's own error.
pub fn expand(files: &dyn Files, dir: &str, pattern: &str) -> io::Result<Vec<String>> {
    let relative = !dir.is_empty() && !pattern.starts_with('/');
    let path = tidy(&if relative { format!("{dir}/{pattern}") } else { pattern.to_owned() });
    if files.length(&path)?.is_some() {
        return Ok(vec![path]);
    }
    if !pattern.contains(is_magic) {
        return Ok(Vec::new());
    }
    let walk =
        Walk { files, glob: compile(&path)?, hidden: pattern.contains("/.") || pattern.starts_with('.') };
    let mut found = Vec::new();
    walk.folder(fixed_folder(&path), &mut found)?;
    found.sort();
    Ok(found)
}

fn is_magic(character: char) -> bool {
    matches!(character, '*' | '?' | '[' | '{')
}

fn compile(path: &str) -> io::Result<GlobMatcher> {
    let glob = GlobBuilder::new(path).literal_separator(true).build();
    glob.map(|g| g.compile_matcher()).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))
}

/// The folder above the first part that is a pattern.
fn fixed_folder(path: &str) -> &str {
    let fixed = path.find(is_magic).map_or(path, |at| &path[..at]);
    fixed.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The same path without `.` and, where it can be done by looking at the text, without `..`.
fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|p| !p.is_empty() && *p != ".") {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

struct Walk<'a> {
    files: &'a dyn Files,
    glob: GlobMatcher,
    hidden: bool,
}

impl Walk<'_> {
    fn folder(&self, folder: &str, found: &mut Vec<String>) -> io::Result<()> {
        for name in self.files.list(folder)? {
            if name.starts_with('.') && !self.hidden {
                continue;
            }
            let path =
                if folder.is_empty() { name } else { format!("{}/{name}", folder.trim_end_matches('/')) };
            if let Some(inner) = path.strip_suffix('/') {
                self.folder(inner, found)?;
            } else if self.glob.is_match(&path) {
                found.push(path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{expand, tidy};
    use crate::ports::MemoryFiles;

    fn files() -> MemoryFiles {
        let files = MemoryFiles::default();
        for path in [
            "data/b.csv",
            "data/a.csv",
            "data/deep/c.csv",
            "data/x.txt",
            "data/.cutover/s.csv",
            "data/[1].csv",
        ] {
            files.put(path, b"h\n");
        }
        files
    }

    #[test]
    fn globs_and_paths() {
        for (pattern, expected) in [
            ("a.csv", &["data/a.csv"][..]),
            ("./a.csv", &["data/a.csv"]),
            ("deep/../a.csv", &["data/a.csv"]),
            ("gone.csv", &[]),
            ("*.csv", &["data/[1].csv", "data/a.csv", "data/b.csv"]),
            ("**/*.csv", &["data/[1].csv", "data/a.csv", "data/b.csv", "data/deep/c.csv"]),
            ("{a,b}.csv", &["data/a.csv", "data/b.csv"]),
            ("[ab].csv", &["data/a.csv", "data/b.csv"]),
            ("[1].csv", &["data/[1].csv"]),
            (".cutover/*.csv", &["data/.cutover/s.csv"]),
            ("*/c.csv", &["data/deep/c.csv"]),
        ] {
            assert_eq!(expand(&files(), "data", pattern).unwrap(), expected, "{pattern}");
        }
        assert!(expand(&files(), "data", "a[.csv").is_err());
        assert_eq!(expand(&files(), "", "data/a.csv").unwrap(), ["data/a.csv"]);
    }

    #[test]
    fn tidied_paths() {
        assert_eq!(tidy("./a//b/./c/../d"), "a/b/d");
        assert_eq!(tidy("../x/../../y"), "../../y");
        assert_eq!(tidy("/abs/./x"), "/abs/x");
    }
}
