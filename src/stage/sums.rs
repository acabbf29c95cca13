//! What a row comes to as sums of hashes, by when it is sent, and what of that a record can no longer become. Must not know
//! what a field adds to them.

use crate::transform::Only;

/// What a row comes to, by when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// What is sent to a record that is there.
    pub payload: u128,
    /// What of that is not sent to one that is created: `only: update`.
    pub late: u128,
    /// Fields that the org takes on create alone.
    pub create: Once,
    /// `only: create`.
    pub kept: Once,
    /// Fields of these two that are to be emptied.
    pub clears: u8,
}

/// Fields that are sent on create alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Once {
    /// Their parts.
    pub value: u64,
    /// Which of them have a value: a number for each name.
    pub names: u8,
}

/// What a field adds to the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A value.
    Value(u128),
    /// Nothing: the field is to be emptied.
    Clear(u128),
}

/// What an entry says of a record that was created without any field that is sent on create alone.
pub const NOTHING_ON_CREATE: u64 = 1 << VALUE_AT;

// Where the numbers of a record that was created stand in the entry's: the fields that the org takes on create alone from
// the 24th bit on, names first, and below them those of `only: create`.
const VALUE_AT: u32 = 32;
const NAMES_AT: u32 = 24;
const KEPT_VALUE_AT: u32 = 8;
/// The bits of `only: create`.
pub(super) const KEPT: u64 = (1 << NAMES_AT) - 1;

/// What a record that is there can still become of what is sent on create alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// It has all, or nothing is known of what it was created with.
    Nothing,
    /// It has all, by the name of fields that were sent with the others then.
    Moved,
    /// It may lack something, or certainly does by the manifest's own word: the other fields go.
    Stays,
    /// A field that the org takes on create alone has another value now.
    Refused,
}

impl Sums {
    /// What is sent when the record is created, but for what is sent then alone.
    pub fn when_created(self) -> u128 {
        self.payload.wrapping_sub(self.late)
    }

    /// What is sent on create alone, in one number that is never 0: that would mean that it is not known.
    pub fn on_create(self) -> u64 {
        let value = (self.create.value >> 32).max(1) << VALUE_AT;
        let kept = (self.kept.value >> 48) << KEPT_VALUE_AT | u64::from(self.kept.names);
        value | u64::from(self.create.names) << NAMES_AT | kept
    }

    /// Holds what a row wants against what its record was created with ([`Sums::on_create`]) and holds by its payload. A
    /// blank wants nothing. Values can be compared only where the same fields had one then.
    pub(super) fn behind(self, sent: u64, payload: u128) -> Behind {
        if sent == 0 {
            return Behind::Nothing;
        }
        let now = self.on_create();
        let (create_moved, kept_moved) = self.went_with_the_others(payload);
        let create = self.lacks(self.create, create_moved, create_of(sent), create_of(now));
        let kept = self.lacks(self.kept, kept_moved, kept_of(sent), kept_of(now));
        match (create, kept) {
            (Behind::Refused, _) => Behind::Refused,
            // It got nothing of the kind then.
            (Behind::Stays, _) if sent == NOTHING_ON_CREATE => Behind::Refused,
            (Behind::Nothing, Behind::Nothing) if create_moved || kept_moved => Behind::Moved,
            (Behind::Nothing, Behind::Nothing) => Behind::Nothing,
            _ => Behind::Stays,
        }
    }

    /// What a record lacks of one kind of fields. `moved`: they went with the others then.
    fn lacks(self, wanted: Once, moved: bool, (value, names): (u64, u8), now: (u64, u8)) -> Behind {
        match () {
            () if moved || wanted == Once::default() && (self.clears == 0 || names == 0) => Behind::Nothing,
            () if now.1 != names => Behind::Stays,
            () if now.0 != value => Behind::Refused,
            () => Behind::Nothing,
        }
    }

    /// Whether the fields of each kind were sent with all others when the record was last sent, with the values of now: then
    /// its payload is that of now and theirs.
    fn went_with_the_others(self, payload: u128) -> (bool, bool) {
        let (create, kept) = (self.create.value, self.kept.value);
        let was = |more: u64| {
            [self.payload, self.when_created()]
                .iter()
                .any(|now| (*now as u64).wrapping_add(more) == payload as u64)
        };
        let both = create != 0 && kept != 0 && was(create.wrapping_add(kept));
        (both || create != 0 && was(create), both || kept != 0 && was(kept))
    }

    /// Adds what one field adds, by when it is sent; `name` is a number for the field's name.
    pub(super) fn add(&mut self, only: Only, create_only: bool, name: u8, part: Part) {
        match (only, create_only, part) {
            (Only::Create, _, Part::Value(part)) => self.kept = self.kept.plus(Once::of(name, part)),
            (Only::Create, _, Part::Clear(_)) | (_, true, Part::Clear(_)) => {
                self.clears = self.clears.wrapping_add(1);
            }
            (_, true, Part::Value(part)) => self.create = self.create.plus(Once::of(name, part)),
            (only, false, Part::Value(part) | Part::Clear(part)) => {
                self.payload = self.payload.wrapping_add(part);
                if only == Only::Update {
                    self.late = self.late.wrapping_add(part);
                }
            }
        }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            payload: self.payload.wrapping_add(other.payload),
            late: self.late.wrapping_add(other.late),
            create: self.create.plus(other.create),
            kept: self.kept.plus(other.kept),
            clears: self.clears.wrapping_add(other.clears),
        }
    }

    /// This without the other.
    pub fn minus(self, other: Self) -> Self {
        Self {
            payload: self.payload.wrapping_sub(other.payload),
            late: self.late.wrapping_sub(other.late),
            create: self.create.minus(other.create),
            kept: self.kept.minus(other.kept),
            clears: self.clears.wrapping_sub(other.clears),
        }
    }
}

impl Once {
    fn of(name: u8, part: u128) -> Self {
        Self { value: part as u64, names: name }
    }

    fn plus(self, other: Self) -> Self {
        Self { value: self.value.wrapping_add(other.value), names: self.names.wrapping_add(other.names) }
    }

    fn minus(self, other: Self) -> Self {
        Self { value: self.value.wrapping_sub(other.value), names: self.names.wrapping_sub(other.names) }
    }
}

/// What an entry says of fields that the org takes on create alone: their value, and which had one.
fn create_of(sent: u64) -> (u64, u8) {
    (sent >> VALUE_AT, (sent >> NAMES_AT) as u8)
}

/// The same of `only: create`.
fn kept_of(sent: u64) -> (u64, u8) {
    ((sent & KEPT) >> KEPT_VALUE_AT, sent as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields of these names with these values.
    fn once(fields: &[(u8, u128)]) -> Once {
        fields.iter().fold(Once::default(), |sum, (name, value)| sum.plus(Once::of(*name, value << 60)))
    }

    fn with(create: &[(u8, u128)], kept: &[(u8, u128)]) -> Sums {
        Sums { create: once(create), kept: once(kept), ..Sums::default() }
    }

    #[test]
    fn what_is_sent_on_create_alone_is_never_unknown_once_it_was_sent() {
        let none = Sums::default();
        assert_eq!(none.on_create(), NOTHING_ON_CREATE);
        let behind = |now: Sums, then: Sums| now.behind(then.on_create(), 0);
        let (one, other) = (with(&[(1, 5)], &[(9, 7)]), with(&[(1, 6)], &[(9, 7)]));
        assert_eq!([behind(other, one), behind(one, one)], [Behind::Refused, Behind::Nothing]);
        assert_eq!(behind(one, none), Behind::Refused, "it got nothing then");
        assert_eq!(behind(none, one), Behind::Nothing, "a blank wants nothing");
        assert_eq!(behind(Sums { clears: 1, ..none }, one), Behind::Stays, "what is cleared is not");
        assert_eq!(behind(Sums { clears: 1, ..none }, none), Behind::Nothing, "there is nothing to clear");
        assert_eq!(one.behind(0, 0), Behind::Nothing, "it is not known what was sent");
        assert_eq!(behind(with(&[(1, 5)], &[(9, 8)]), one), Behind::Stays, "`only: create` refuses no row");
    }

    #[test]
    fn values_of_other_fields_are_not_compared() {
        let (two, one) = (with(&[(1, 5), (2, 6)], &[]), with(&[(1, 5)], &[]));
        assert_eq!(one.behind(two.on_create(), 0), Behind::Stays, "one is not filled any more");
        assert_eq!(two.behind(one.on_create(), 0), Behind::Stays, "one is filled since");
        let kept = with(&[], &[(1, 5)]);
        assert_eq!(one.behind(kept.on_create(), 0), Behind::Stays, "`only: create` was taken off");
    }

    #[test]
    fn a_field_that_is_sent_on_create_alone_since_is_there() {
        let value = 5 << 60;
        let before = Sums { payload: 1000 + value, ..Sums::default() };
        for now in [with(&[(1, 5)], &[]), with(&[], &[(1, 5)])] {
            let now = Sums { payload: 1000, ..now };
            assert_eq!(now.behind(before.on_create(), before.payload), Behind::Moved);
            assert_ne!(now.behind(before.on_create(), before.payload + 1), Behind::Moved);
        }
    }

    #[test]
    fn parts_can_be_exchanged() {
        let sums = |n: u8| Sums {
            payload: u128::MAX - u128::from(n),
            late: n.into(),
            create: Once { value: u64::MAX, names: n },
            kept: Once { value: n.into(), names: 200 },
            clears: n,
        };
        let (whole, part, instead) = (sums(3), sums(70), sums(9));
        assert_eq!(whole.plus(part).minus(part), whole);
        assert_eq!(whole.plus(part).minus(part).plus(instead), whole.plus(instead));
        assert_eq!(whole.when_created(), whole.payload - whole.late);
    }
}
