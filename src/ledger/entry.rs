//! One entry of the ledger: what we know of one key, in 64 bytes whose order is the order of the keys.

use crate::model::{KeyHash, Outcome, RecordId};

/// What became of the record of this key when it was last sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// The org has it as the hashes say.
    Landed = 1,
    /// The org refused it. With an id, an earlier form of it is there.
    Failed = 2,
    /// Its parent has not landed. With an id, an earlier form of it is there.
    Held = 3,
    /// It is gone from the org: hides older entries, and goes away itself when all segments are merged.
    Removed = 4,
}

impl State {
    fn of(byte: u8) -> Option<Self> {
        [Self::Landed, Self::Failed, Self::Held, Self::Removed].into_iter().find(|state| *state as u8 == byte)
    }
}

/// What else is known of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags {
    /// We created the record, rather than found it.
    pub created_by_us: bool,
    /// A deferred reference of it has not been filled.
    pub reference_pending: bool,
    /// Taken over from the org by key, without knowing its payload.
    pub adopted: bool,
}

impl Flags {
    fn bits(self) -> u8 {
        u8::from(self.created_by_us) | u8::from(self.reference_pending) << 1 | u8::from(self.adopted) << 2
    }

    fn of(bits: u8) -> Option<Self> {
        let bit = |n: u8| bits & (1 << n) != 0;
        (bits < 8).then(|| Self { created_by_us: bit(0), reference_pending: bit(1), adopted: bit(2) })
    }
}

/// The rule by which the hashes of new entries are made. Whoever changes the rule gives it another number, below 16: an entry
/// of another rule is not compared with ours, since what is the same would look like a change and be sent again.
pub const HASH_RULE: u8 = 2;

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Hash of the canonical key.
    pub key: KeyHash,
    /// Hash of the fields sent on update; 0 when it is not known.
    pub payload: u128,
    /// Hash of what is sent on create alone; 0 when it is not known.
    pub create: u64,
    /// The record's id, where it is known.
    pub id: Option<RecordId>,
    /// What became of it.
    pub state: State,
    /// What else is known.
    pub flags: Flags,
    /// Which load sent it: see [`load_tag`].
    pub load: u16,
    /// The run that sent it last; 0 when none did.
    pub run: u32,
    /// What became of it then.
    pub outcome: Option<Outcome>,
    /// The rule by which its hashes were made; 0 before there were numbers.
    pub rule: u8,
}

/// Bytes that are no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no ledger entry")]
pub struct BadEntry;

/// No outcome, as it is stored.
const NO_OUTCOME: u8 = 255;

/// An id that is not known, as it is stored.
const NO_ID: [u8; 15] = [0; 15];

impl Entry {
    /// Length of an encoded entry. Layout, all big-endian: key 16, payload 16, create 8, id 15, state 1, rule and flags 1
    /// (4 bits each), load 2, run 4, outcome 1 (255: none).
    pub const WIDTH: usize = 64;

    /// An entry of a key about which nothing is known but this state.
    pub fn new(key: KeyHash, state: State) -> Self {
        Self {
            key,
            payload: 0,
            create: 0,
            id: None,
            state,
            flags: Flags::default(),
            load: 0,
            run: 0,
            outcome: None,
            rule: HASH_RULE,
        }
    }

    /// The entry with nothing known of what its record holds.
    pub fn without_hashes(self) -> Self {
        Self { payload: 0, create: 0, rule: HASH_RULE, ..self }
    }

    /// Whether the org refused it when it was last sent.
    pub fn refused(&self) -> bool {
        self.outcome.is_some_and(is_refusal)
    }

    /// What this run made of it already, if it sent just this payload.
    pub fn outcome_in(&self, run: u32, payload: u128) -> Option<Outcome> {
        self.outcome.filter(|o| self.run == run && (is_refusal(*o) || self.payload == payload))
    }

    /// Whether the org has a record of this key, in this or an earlier form.
    pub fn is_in_org(&self) -> bool {
        match self.state {
            State::Landed => true,
            State::Failed | State::Held => self.id.is_some(),
            State::Removed => false,
        }
    }

    /// The entry as bytes.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        let mut bytes = [0; Self::WIDTH];
        bytes[..16].copy_from_slice(&self.key.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.payload.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.create.to_be_bytes());
        bytes[40..55].copy_from_slice(self.id.as_ref().map_or(&NO_ID, |id| id.bytes()));
        (bytes[55], bytes[56]) = (self.state as u8, self.rule << 4 | self.flags.bits());
        bytes[57..59].copy_from_slice(&self.load.to_be_bytes());
        bytes[59..63].copy_from_slice(&self.run.to_be_bytes());
        bytes[63] = self.outcome.map_or(NO_OUTCOME, |o| o as u8);
        bytes
    }

    /// The entry of these bytes.
    ///
    /// # Errors
    /// [`BadEntry`] for another length, or a state, flag or id that is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadEntry> {
        let bytes: &[u8; Self::WIDTH] = bytes.try_into().map_err(|_| BadEntry)?;
        let id = match part(bytes, 40) {
            NO_ID => None,
            id => Some(RecordId::from_bytes(id).ok_or(BadEntry)?),
        };
        Ok(Self {
            key: key_of(bytes),
            payload: u128::from_be_bytes(part(bytes, 16)),
            create: u64::from_be_bytes(part(bytes, 32)),
            id,
            state: State::of(bytes[55]).ok_or(BadEntry)?,
            flags: Flags::of(bytes[56] & 15).ok_or(BadEntry)?,
            rule: bytes[56] >> 4,
            load: u16::from_be_bytes(part(bytes, 57)),
            run: u32::from_be_bytes(part(bytes, 59)),
            outcome: match bytes[63] {
                NO_OUTCOME => None,
                number => Some(*Outcome::ALL.get(number as usize).ok_or(BadEntry)?),
            },
        })
    }
}

/// Refused by the org: for good, or because what it points to was not there.
fn is_refusal(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::Held)
}

/// A load in entries: by its name, because its place in the manifest changes when another is put before it. Never
/// `u16::MAX`, which stands for no load.
pub fn load_tag(name: &str) -> u16 {
    (xxhash_rust::xxh3::xxh3_64(name.as_bytes()) % u64::from(u16::MAX)) as u16
}

/// The key of an encoded entry.
pub(super) fn key_of(bytes: &[u8; Entry::WIDTH]) -> KeyHash {
    u128::from_be_bytes(part(bytes, 0))
}

fn part<const N: usize>(bytes: &[u8; Entry::WIDTH], from: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[from..from + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::{BadEntry, Entry, Flags, State};
    use crate::model::{Outcome, RecordId};

    fn entry() -> Entry {
        Entry {
            payload: u128::MAX - 5,
            create: 7,
            id: RecordId::parse("0018c00002DJIpJ").ok(),
            flags: Flags { created_by_us: true, reference_pending: false, adopted: true },
            load: 300,
            run: 70_000,
            outcome: Some(Outcome::Updated),
            ..Entry::new(1 << 100, State::Held)
        }
    }

    #[test]
    fn there_and_back() {
        for entry in [entry(), Entry::new(0, State::Removed), Entry { id: None, ..entry() }] {
            assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        }
        const { assert!(Entry::WIDTH <= 72) };
    }

    #[test]
    fn the_order_of_the_bytes_is_the_order_of_the_keys() {
        let keys = [0_u128, 1, 255, 256, 1 << 64, u128::MAX];
        assert!(keys.is_sorted_by_key(|k| Entry { key: *k, ..entry() }.encode()));
    }

    #[test]
    fn bytes_that_are_no_entry() {
        let good = entry().encode();
        for (at, byte) in [(55, 0), (55, 5), (56, 24), (40, b'-'), (54, 0), (63, 10)] {
            let mut bad = good;
            bad[at] = byte;
            assert_eq!(Entry::decode(&bad), Err(BadEntry), "byte {at} is {byte}");
        }
        assert_eq!(Entry::decode(&good[1..]), Err(BadEntry));
    }
}
