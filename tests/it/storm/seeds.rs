//! Seeds of storms that once failed: a file each, written when a storm fails, replayed before all others. Knows
//! nothing of storms.

use std::path::PathBuf;

/// How many times a seed has come to stand for another storm; see `seeds/README.md`.
const VERSION: u32 = 1;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/storm/seeds")
}

/// All that are kept, in order.
pub fn kept() -> Vec<u64> {
    let files = std::fs::read_dir(folder()).into_iter().flatten().flatten();
    let mut seeds: Vec<u64> = files.filter_map(|file| file.file_name().to_str()?.parse().ok()).collect();
    seeds.sort_unstable();
    seeds
}

/// Keeps a seed. Says where, or why not: a tree that cannot be written to is no reason to hide what failed.
pub fn keep(seed: u64, why: &str) -> String {
    let path = folder().join(seed.to_string());
    let name = format!("tests/it/storm/seeds/{seed}");
    if path.exists() {
        return format!("{name} is kept already");
    }
    match std::fs::write(&path, format!("version {VERSION}\n{why}\n")) {
        Ok(()) => format!("kept: git add {name}"),
        Err(error) => format!("not kept in {name}: {error}"),
    }
}

#[test]
fn a_kept_seed_is_a_number_and_says_its_version_and_why() {
    for seed in kept() {
        let text = std::fs::read_to_string(folder().join(seed.to_string())).unwrap();
        let version =
            text.lines().next().and_then(|line| line.strip_prefix("version ")).map(str::parse::<u32>);
        assert!(matches!(version, Some(Ok(version)) if version <= VERSION), "{seed}: {text}");
        assert!(text.lines().nth(1).is_some_and(|why| !why.is_empty()), "{seed} does not say why");
    }
    let others = std::fs::read_dir(folder()).unwrap().flatten().map(|file| file.file_name());
    assert_eq!(others.filter(|name| name.to_str().unwrap().parse::<u64>().is_err()).count(), 1, "the README");
}
