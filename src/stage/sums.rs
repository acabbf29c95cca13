//! What a row comes to as sums of hashes, by when it is sent. Must not know what a field adds to them.

use crate::transform::Only;

/// What a row comes to, by when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// What is sent to a record that is there.
    pub payload: u128,
    /// What of that is not sent to one that is created: `only: update`.
    pub late: u128,
    /// Fields that the org takes on create alone.
    pub create: u64,
    /// `only: create`.
    pub kept: u64,
}

/// Where the hash of `only: create` ends in a hash of what is sent on create, which holds both.
const KEPT_BITS: u32 = 24;
/// Its bits.
pub(super) const KEPT: u64 = (1 << KEPT_BITS) - 1;

/// What an entry says of a record that was created without any field that is sent on create alone.
pub const NOTHING_ON_CREATE: u64 = 1 << KEPT_BITS | 1;

impl Sums {
    /// What is sent when the record is created, but for what is sent then alone.
    pub fn when_created(self) -> u128 {
        self.payload.wrapping_sub(self.late)
    }

    /// What is sent on create alone, in one number that is never 0: that would mean that it is not known.
    pub fn on_create(self) -> u64 {
        let create = (self.create >> KEPT_BITS).max(1) << KEPT_BITS;
        create | (self.kept >> (u64::BITS - KEPT_BITS)).max(1)
    }

    /// Whether a record that was created with this ([`Sums::on_create`]) has another value in a field that the org takes
    /// on create alone. A blank wants nothing.
    pub fn cannot_follow(self, sent: u64) -> bool {
        sent != 0 && self.create != 0 && sent >> KEPT_BITS != self.on_create() >> KEPT_BITS
    }

    /// The same of the fields that say `only: create`.
    pub fn stays_behind(self, sent: u64) -> bool {
        sent != 0 && self.kept != 0 && sent & KEPT != self.on_create() & KEPT
    }

    /// Adds what one field adds, by when it is sent.
    pub(super) fn add(&mut self, only: Only, create_only: bool, part: u128) {
        match (only, create_only) {
            (Only::Create, _) => self.kept = self.kept.wrapping_add(part as u64),
            (_, true) => self.create = self.create.wrapping_add(part as u64),
            (only, false) => {
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
            create: self.create.wrapping_add(other.create),
            kept: self.kept.wrapping_add(other.kept),
        }
    }

    /// This without the other.
    pub fn minus(self, other: Self) -> Self {
        Self {
            payload: self.payload.wrapping_sub(other.payload),
            late: self.late.wrapping_sub(other.late),
            create: self.create.wrapping_sub(other.create),
            kept: self.kept.wrapping_sub(other.kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_on_create_alone_is_never_unknown_once_it_was_sent() {
        let none = Sums::default();
        assert_eq!(none.on_create(), NOTHING_ON_CREATE);
        let with = |create: u64, kept: u64| Sums { create: create << 40, kept: kept << 40, ..none };
        let (one, other) = (with(5, 7), with(6, 7));
        assert!(other.cannot_follow(one.on_create()) && !one.cannot_follow(one.on_create()));
        assert!(one.cannot_follow(none.on_create()), "it got nothing then");
        assert!(!none.cannot_follow(one.on_create()), "a blank wants nothing");
        assert!(!one.cannot_follow(0) && !one.stays_behind(0), "it is not known what was sent");
        assert!(with(5, 8).stays_behind(one.on_create()) && !other.stays_behind(one.on_create()));
        assert!(!with(5, 8).cannot_follow(one.on_create()));
    }

    #[test]
    fn parts_can_be_exchanged() {
        let sums = |n: u128| Sums { payload: u128::MAX - n, late: n, create: u64::MAX, kept: n as u64 };
        let (whole, part, instead) = (sums(3), sums(70), sums(9));
        assert_eq!(whole.plus(part).minus(part), whole);
        assert_eq!(whole.plus(part).minus(part).plus(instead), whole.plus(instead));
        assert_eq!(whole.when_created(), whole.payload - whole.late);
    }
}
