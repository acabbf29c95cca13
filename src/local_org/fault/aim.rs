//! Which calls a fault is meant for, and which of those it strikes.

use crate::local_org::text::mix;
use serde::Serialize;

/// When a fault strikes; what is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Aim {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    /// A pattern. One that begins with a slash is of whole paths, any other of what follows the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// The n-th of these calls, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nth: Option<u64>,
    /// From the n-th on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<u64>,
    /// Every n-th.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) every: Option<u64>,
    /// Of a thousand, so many, chosen by the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) per_mille: Option<u64>,
    /// So often, then never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u64>,
}

impl Aim {
    /// Whether a call is one of these; `words` are the parts of its path in lower case.
    pub(super) fn means(&self, method: &str, words: &[&str]) -> bool {
        let wanted = self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        let pattern = self.path.as_deref().unwrap_or("**").to_ascii_lowercase();
        let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
        wanted
            && match words {
                _ if pattern.starts_with('/') => fits(&parts, words),
                ["services", "data", _, rest @ ..] => fits(&parts, rest),
                _ => false,
            }
    }

    /// Whether the `number`-th is struck, after `hits` that were; `seed` decides about chance.
    pub(super) fn strikes(&self, seed: u64, number: u64, hits: u64) -> bool {
        self.times.is_none_or(|times| hits < times)
            && self.nth.is_none_or(|nth| number == nth)
            && self.from.is_none_or(|from| number >= from)
            && self.every.is_none_or(|every| number.is_multiple_of(every))
            && self.per_mille.is_none_or(|share| mix(seed, number) % 1000 < share)
    }
}

/// `*` is any one part, `**` any number of them.
fn fits(pattern: &[&str], words: &[&str]) -> bool {
    match (pattern, words) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=words.len()).any(|n| fits(rest, &words[n..])),
        ([part, pattern @ ..], [word, words @ ..]) => (*part == "*" || part == word) && fits(pattern, words),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Aim;

    fn means(pattern: &str, path: &str) -> bool {
        let words: Vec<&str> = path.split('/').collect();
        Aim { path: Some(pattern.into()), ..Aim::default() }.means("GET", &words)
    }

    #[test]
    fn patterns_are_of_parts() {
        let results = "services/data/v62.0/jobs/ingest/750/successfulresults";
        for yes in
            ["jobs/ingest/*/successfulResults", "**", "jobs/**", "**/successfulResults/", "/services/**"]
        {
            assert!(means(yes, results), "{yes}");
        }
        for no in ["jobs/ingest/*", "jobs", "*", "/jobs/**", "jobs/ingest/*/*/*", "/services/data"] {
            assert!(!means(no, results), "{no}");
        }
        assert!(means("/services/oauth2/token", "services/oauth2/token"));
        assert!(
            !means("**", "services/oauth2/token"),
            "a pattern without a slash is of what follows the version"
        );
    }

    #[test]
    fn numbers_and_chance_decide() {
        let struck = |aim: Aim| -> Vec<u64> {
            let mut hits = 0;
            let strikes = |number: &u64| {
                let strikes = aim.strikes(7, *number, hits);
                hits += u64::from(strikes);
                strikes
            };
            (1..=1000).filter(strikes).collect()
        };
        assert_eq!(struck(Aim { nth: Some(3), ..Aim::default() }), [3]);
        assert_eq!(struck(Aim { every: Some(400), ..Aim::default() }), [400, 800]);
        assert_eq!(struck(Aim { from: Some(3), times: Some(2), ..Aim::default() }), [3, 4]);
        let chance = struck(Aim { per_mille: Some(100), ..Aim::default() });
        assert!((60..140).contains(&chance.len()), "{}", chance.len());
        assert_eq!(chance, struck(Aim { per_mille: Some(100), ..Aim::default() }));
    }
}
