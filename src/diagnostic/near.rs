//! Near names, for "did you mean". Knows nothing but strings.

/// The candidate nearest to `name`, if one is near enough to be what was meant.
pub fn near_name<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.84)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::near_name;

    #[test]
    fn finds_a_slip_and_leaves_strangers_alone() {
        assert_eq!(near_name("Industy", ["Name", "Industry"]), Some("Industry"));
        assert_eq!(near_name("industry", ["Industry"]), Some("Industry"));
        assert_eq!(near_name("Phone", ["Name", "Industry"]), None);
    }
}
