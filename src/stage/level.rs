//! Levels of a hierarchy, and loops in it: rows of one load that point at rows of the same object.
//!
//! Works in memory on the rows whose parent has not landed yet, about 100 bytes each; everything else about a row
//! stays in files. Pure.

use super::hash::Instead;
use super::record::{Decision, MissingRecord, reason};
use super::shape::{Chain, ReferenceShape};
use crate::ledger::Entry;
use crate::model::KeyHash;
use crate::source::RowPos;
use crate::transform::OnMissing;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Levels that are loaded one after the other; a deeper hierarchy is filled in a second pass (spec, Order).
pub(super) const MOST_LEVELS: usize = 8;

/// A row that waits for rows of its own object.
#[derive(Debug, Clone)]
struct Waiting {
    pos: RowPos,
    line: u32,
    key: KeyHash,
    /// The parents it still waits for, by which reference, and the place of the row that names them: until it is
    /// decided which of several rows with one key counts, those of all of them.
    parents: Vec<(KeyHash, u8, RowPos)>,
    /// What the decision would be; nothing when the row does not take part after all.
    decision: Option<Decision>,
    /// Its entry in the ledger.
    entry: Option<Entry>,
    level: usize,
    /// References that go without their own parent.
    instead: Instead,
    /// References left for the second pass, a bit each.
    deferred: u64,
    state: State,
}

impl Waiting {
    /// A parent of it is nowhere, or about to go.
    fn without(&mut self, reference: u8, going: bool, rules: &Rules<'_>) {
        let bit = 1 << reference;
        if rules.chains.iter().any(|chain| chain.all & bit != 0) {
            self.instead.passed |= bit;
        } else if (rules.fallbacks)(reference) {
            self.instead.fallback |= bit;
        } else {
            match rules.references.get(reference as usize).map_or(OnMissing::Hold, |r| r.on_missing) {
                OnMissing::Blank => self.instead.blank |= bit,
                without => self.state = State::Out(reason::without_parent(without, going), reference),
            }
        }
    }
}

/// What a load says of its references.
pub struct Rules<'r> {
    /// Each of them.
    pub references: &'r [ReferenceShape],
    /// Those that stand in one field.
    pub chains: &'r [Chain],
    /// Whether the fallback of one is there.
    pub fallbacks: &'r dyn Fn(u8) -> bool,
}

/// Whether a link of a chain stands behind one that is there: nothing waits for it.
fn stands_behind(reference: u8, there: u64, chains: &[Chain]) -> bool {
    let before = (1 << reference) - 1;
    chains.iter().any(|chain| chain.all & (1 << reference) != 0 && chain.all & there & before != 0)
}

/// Rows by the parents they wait for.
type Children = BTreeMap<KeyHash, Vec<usize>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Placed,
    Out(u8, u8),
}

/// What became of a row that waited.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "nearly every row that waits goes in the end")]
pub enum Placed {
    /// It goes, with these references without their own parent; its entry in the ledger beside it.
    Goes(Decision, Instead, Option<Entry>),
    /// It is left out: reason, reference.
    Out(RowPos, u32, u8, u8),
}

/// The rows that wait for rows of their own object.
#[derive(Debug, Default)]
pub struct Levels {
    rows: Vec<Waiting>,
    by_key: BTreeMap<KeyHash, usize>,
    /// Parents asked for that are no waiting rows themselves: whether they take part.
    parents: BTreeMap<KeyHash, bool>,
    /// Parents that the same manifest deletes.
    going: BTreeSet<KeyHash>,
    /// References by which rows wait, a bit each: all point to the rows' own object.
    own: u64,
    /// Loops found: lines in order, and whether one reference could be deferred.
    pub loops: Vec<(Vec<u32>, bool)>,
    /// Whether the hierarchy is too deep for levels.
    pub too_deep: bool,
}

impl Levels {
    /// Notes that a row waits for a parent of its own object.
    pub fn wait(&mut self, missing: &MissingRecord) {
        let index = *self.by_key.entry(missing.child).or_insert_with(|| {
            self.rows.push(Waiting {
                pos: missing.pos,
                line: missing.line,
                key: missing.child,
                parents: Vec::new(),
                decision: None,
                entry: None,
                level: 0,
                instead: Instead::default(),
                deferred: 0,
                state: State::Open,
            });
            self.rows.len() - 1
        });
        self.rows[index].parents.push((missing.parent, missing.reference, missing.pos));
        self.own |= 1 << missing.reference;
        self.parents.insert(missing.parent, false);
        if missing.going {
            self.going.insert(missing.parent);
        }
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether this row waits.
    pub fn waits(&self, key: KeyHash) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Notes that a row takes part and is sent, or is there already.
    pub fn takes_part(&mut self, key: KeyHash) {
        if let Some(there) = self.parents.get_mut(&key) {
            *there = true;
        }
    }

    /// Notes what a waiting row would do, and that of the rows with its key it is the one that counts.
    /// `needless`: references for which it need not wait, a bit each.
    pub fn decide(
        &mut self,
        key: KeyHash,
        decision: Decision,
        instead: Instead,
        entry: Option<Entry>,
        needless: u64,
    ) {
        let Some(index) = self.by_key.get(&key) else { return };
        let row = &mut self.rows[*index];
        row.parents.retain(|(_, reference, pos)| *pos == decision.pos && needless & (1 << *reference) == 0);
        (row.pos, row.line) = (decision.pos, decision.row.line);
        (row.instead, row.entry) = (instead, entry);
        row.decision = Some(decision);
    }

    /// Gives every waiting row its level, or its reason to stay behind.
    pub fn place(mut self, rules: &Rules<'_>) -> (Vec<Placed>, Self) {
        self.leave_out_undecided();
        let children = self.children();
        let all = (0..self.rows.len()).collect();
        self.settle(all, &children, rules);
        let mut start = 0;
        while let Some(open) = (start..self.rows.len()).find(|r| self.rows[*r].state == State::Open) {
            start = open;
            let moved = self.break_loop(open, rules.references, &children);
            self.settle(moved, &children, rules);
        }
        self.flatten(rules.references);
        let placed = self.rows.iter().filter_map(placed).collect();
        (placed, self)
    }

    /// Rows that were left out for another reason are no parents.
    fn leave_out_undecided(&mut self) {
        for row in self.rows.iter_mut().filter(|r| r.decision.is_none()) {
            row.state = State::Out(0, 0);
        }
    }

    /// Places every row whose parents are placed, beginning with these, until nothing moves.
    fn settle(&mut self, mut queue: VecDeque<usize>, children: &Children, rules: &Rules<'_>) {
        while let Some(index) = queue.pop_front() {
            if self.rows[index].state == State::Open && self.try_place(index, rules) {
                queue.extend(children.get(&self.rows[index].key).into_iter().flatten().copied());
            }
        }
    }

    fn children(&self) -> Children {
        let mut children = Children::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (parent, ..) in &row.parents {
                children.entry(*parent).or_default().push(index);
            }
        }
        children
    }

    /// Looks at a row's parents; true when the row's state is final now.
    fn try_place(&mut self, index: usize, rules: &Rules<'_>) -> bool {
        let (mut left, mut there) = (Vec::new(), 0);
        for (parent, reference, pos) in std::mem::take(&mut self.rows[index].parents) {
            match self.parent_level(parent) {
                Parent::At(level) => {
                    there |= 1 << reference;
                    self.rows[index].level = self.rows[index].level.max(level + 1);
                }
                Parent::Open => left.push((parent, reference, pos)),
                Parent::Nowhere => {
                    let going = self.going.contains(&parent);
                    self.rows[index].without(reference, going, rules);
                }
            }
        }
        left.retain(|(_, reference, _)| !stands_behind(*reference, there, rules.chains));
        let row = &mut self.rows[index];
        if left.is_empty() && row.state == State::Open {
            let filled = row.decision.map_or(0, |d| d.row.filled);
            row.state = match row.instead.choose(rules.chains, filled) {
                Ok(()) => State::Placed,
                Err((without, reference)) => State::Out(reason::without_parent(without, false), reference),
            };
        }
        row.parents = left;
        row.state != State::Open
    }

    fn parent_level(&self, key: KeyHash) -> Parent {
        match self.by_key.get(&key).map(|i| &self.rows[*i]) {
            Some(row) => match row.state {
                State::Open => Parent::Open,
                State::Placed => Parent::At(row.level),
                State::Out(..) => Parent::Nowhere,
            },
            None if self.parents.get(&key) == Some(&true) => Parent::At(0),
            None => Parent::Nowhere,
        }
    }

    /// Follows parents from a row until one comes again: those between are a loop. Its first row, in the order of
    /// the source, whose reference can be filled later goes without it; where none can be, all rows of the loop are
    /// left out. Gives the rows to look at again.
    fn break_loop(
        &mut self,
        start: usize,
        references: &[ReferenceShape],
        children: &Children,
    ) -> VecDeque<usize> {
        let round = self.round(start);
        let reference = |i: usize| self.rows[i].parents.first().map_or(0, |(_, r, _)| *r);
        let deferrable = |i: usize| references.get(reference(i) as usize).is_some_and(|r| r.deferrable);
        let first = round.iter().copied().min_by_key(|i| (!deferrable(*i), self.rows[*i].pos));
        let first = first.unwrap_or(start);
        let (reference, opened) = (reference(first), deferrable(first));
        let at = round.iter().position(|i| *i == first).unwrap_or(0);
        let lines = round[at..].iter().chain(&round[..at]).map(|i| self.rows[*i].line).collect();
        self.loops.push((lines, opened));
        if opened {
            self.rows[first].parents.retain(|(_, r, _)| *r != reference);
            self.rows[first].deferred |= 1 << reference;
            return VecDeque::from([first]);
        }
        for index in &round {
            self.rows[*index].state = State::Out(reason::LOOP, reference);
        }
        round.iter().filter_map(|i| children.get(&self.rows[*i].key)).flatten().copied().collect()
    }

    /// The rows of the loop that an open row stands in or below.
    fn round(&self, start: usize) -> Vec<usize> {
        let mut path = vec![start];
        let mut seen = BTreeMap::from([(start, 0)]);
        loop {
            let here = path[path.len() - 1];
            let next = self.rows[here].parents.iter().find_map(|(p, ..)| self.by_key.get(p)).copied();
            let Some(next) = next else { return path };
            if let Some(at) = seen.get(&next) {
                return path.split_off(*at);
            }
            seen.insert(next, path.len());
            path.push(next);
        }
    }

    /// A hierarchy deeper than we load by levels goes flat, its references deferred, where all of them can be. Only
    /// those to the rows' own object: no second pass fills the others.
    fn flatten(&mut self, references: &[ReferenceShape]) {
        let deepest =
            self.rows.iter().filter(|r| r.state == State::Placed).map(|r| r.level).max().unwrap_or(0);
        let own = self.own;
        let waits = references.iter().enumerate().filter(|(i, _)| own & (1 << i) != 0);
        self.too_deep = deepest >= MOST_LEVELS && waits.map(|(_, r)| r).all(|r| r.deferrable);
        if !self.too_deep {
            return;
        }
        for row in self.rows.iter_mut().filter(|r| r.state == State::Placed && r.level > 0) {
            row.level = 0;
            let filled = row.decision.map_or(0, |d| d.row.filled);
            row.deferred |= own & filled & !row.instead.blank & !row.instead.fallback;
        }
    }
}

enum Parent {
    At(usize),
    Open,
    Nowhere,
}

fn placed(row: &Waiting) -> Option<Placed> {
    let mut decision = row.decision?;
    match row.state {
        State::Out(0, _) => None,
        State::Out(reason, reference) => Some(Placed::Out(row.pos, row.line, reason, reference)),
        _ => {
            // Rows deeper than that are held when their turn comes, and go with the next run.
            decision.level = u8::try_from(row.level).unwrap_or(u8::MAX);
            decision.deferred |= row.deferred;
            Some(Placed::Goes(decision, row.instead, row.entry))
        }
    }
}

#[cfg(test)]
mod tests;
