//! What happens to a value because the manifest allows it: by words of the language that make a row go which would be
//! rejected, held or sent otherwise. Each is counted, by field.

/// Something that the manifest allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leniency {
    /// A blank was given its `default`.
    Default,
    /// What nothing matched was given its `fallback`.
    Fallback,
    /// The user is not active, and was kept or passed over.
    Inactive,
    /// The map has no such value, and the field was left blank.
    UnmappedBlank,
    /// The map has no such value, and it was sent as it is.
    UnmappedPass,
    /// Nothing matched, and the field was left blank.
    MissingBlank,
    /// The kind of record is not listed, and the field was left blank.
    OtherBlank,
    /// `when` does not hold.
    When,
    /// The org's value is removed.
    Cleared,
    /// The text was cut to the field's length.
    Truncated,
    /// The value was rounded to what the field keeps.
    Rounded,
}

impl Leniency {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::Default,
        Self::Fallback,
        Self::Inactive,
        Self::UnmappedBlank,
        Self::UnmappedPass,
        Self::MissingBlank,
        Self::OtherBlank,
        Self::When,
        Self::Cleared,
        Self::Truncated,
        Self::Rounded,
    ];

    /// Its word in journals, plans and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fallback => "fallback",
            Self::Inactive => "inactive",
            Self::UnmappedBlank => "unmapped_blank",
            Self::UnmappedPass => "unmapped_pass",
            Self::MissingBlank => "on_missing_blank",
            Self::OtherBlank => "other_blank",
            Self::When => "when",
            Self::Cleared => "cleared",
            Self::Truncated => "truncated",
            Self::Rounded => "rounded",
        }
    }

    /// What values they are, behind their number.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Default => "blank in the source, given the `default`",
            Self::Fallback => "that nothing matched, given the `fallback`",
            Self::Inactive => "naming a user who is not active",
            Self::UnmappedBlank => "not in the map, left out by `unmapped: blank`",
            Self::UnmappedPass => "not in the map, sent as is by `unmapped: pass`",
            Self::MissingBlank => "that nothing matched, left blank by `on_missing: blank`",
            Self::OtherBlank => "of a kind that is not listed, left blank by `other: blank`",
            Self::When => "for which `when` does not hold",
            Self::Cleared => "blank, to be emptied where the org has one (`blank: clear`)",
            Self::Truncated => "cut to the field's length",
            Self::Rounded => "rounded to what the field keeps",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// Several of one value, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeniencySet(u16);

impl LeniencySet {
    /// With one more.
    #[must_use]
    pub fn with(self, one: Leniency) -> Self {
        Self(self.0 | 1 << one as u16)
    }

    /// Whether it holds one.
    pub fn has(self, one: Leniency) -> bool {
        self.0 & 1 << one as u16 != 0
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// How often each happened, by field: the number of the field's rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeniencyCounts(Vec<[u64; Leniency::ALL.len()]>);

impl LeniencyCounts {
    /// Counts one value of a field.
    pub fn note(&mut self, field: usize, one: Leniency) {
        self.add(field, one, 1);
    }

    /// Counts all that happened to one value of a field.
    pub fn note_all(&mut self, field: usize, all: LeniencySet) {
        Leniency::ALL.into_iter().filter(|one| all.has(*one)).for_each(|one| self.note(field, one));
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(field, one, values)| self.add(field, one, values));
    }

    /// What happened at all: by field, then in the order of [`Leniency::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (usize, Leniency, u64)> {
        let all = self.0.iter().enumerate();
        let each = all.flat_map(|(field, counts)| {
            Leniency::ALL.into_iter().zip(counts).map(move |(one, values)| (field, one, *values))
        });
        each.filter(|(.., values)| *values > 0)
    }

    fn add(&mut self, field: usize, one: Leniency, values: u64) {
        if self.0.len() <= field {
            self.0.resize(field + 1, [0; Leniency::ALL.len()]);
        }
        self.0[field][one as usize] += values;
    }
}

#[cfg(test)]
mod tests {
    use super::{Leniency, LeniencyCounts, LeniencySet};

    #[test]
    fn places_and_words_are_those_of_the_list() {
        for (place, one) in Leniency::ALL.into_iter().enumerate() {
            assert_eq!((one as usize, Leniency::of(one.word())), (place, Some(one)));
        }
    }

    #[test]
    fn counts_add_up_by_field() {
        let mut counts = LeniencyCounts::default();
        counts.note_all(2, LeniencySet::default().with(Leniency::Rounded).with(Leniency::Default));
        let mut all = counts.clone();
        all.note(0, Leniency::When);
        all.merge(&counts);
        let found: Vec<_> = all.iter().collect();
        assert_eq!(found, [(0, Leniency::When, 1), (2, Leniency::Default, 2), (2, Leniency::Rounded, 2)]);
    }
}
