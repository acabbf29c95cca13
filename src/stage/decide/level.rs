//! Levels of a hierarchy, and loops in it: rows of one load that point at rows of the same object.
//!
//! Works in memory on the rows whose parent has not landed yet, about 500 bytes each; everything else about a row
//! stays in files. Pure.

use super::going::Going;
use crate::model::KeyHash;
use crate::source::RowPos;
use crate::stage::decision::reason;
use crate::stage::record::{MissingRecord, RowRecord};
use crate::stage::shape::{Chain, ReferenceShape};
use crate::stage::sums::Sums;
use crate::transform::OnMissing;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The deepest level that is told apart: rows below it are held when their turn comes, and go with the next run. It stands
/// far above any hierarchy, so that the steps of a plan can be counted.
const DEEPEST: usize = 20_000;

/// A parent that a row waits for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    parent: KeyHash,
    reference: u8,
    /// The place of the row that names it.
    pos: RowPos,
    /// Whether it stands in for the parent that the row names, which is nowhere.
    fallback: bool,
}

/// A row that waits for rows of its own object.
#[derive(Debug, Clone)]
struct Waiting {
    line: u32,
    key: KeyHash,
    /// The parents it still waits for: until it is decided which of several rows with one key counts, those of all of
    /// them.
    parents: Vec<Wanted>,
    /// What it would do; nothing when the row does not take part after all.
    going: Option<Going>,
    level: usize,
    /// References by which it stands below another row, a bit each.
    below: u64,
    state: State,
}

impl Waiting {
    /// A parent of it is nowhere, or about to go. Gives the parent that stands in for it and is to be waited for.
    fn without(&mut self, wanted: Wanted, going: bool, rules: &Rules<'_>) -> Option<Wanted> {
        let Wanted { parent, reference, fallback, .. } = wanted;
        let bit = 1 << reference;
        let row = self.going.as_mut()?;
        if rules.chains.iter().any(|chain| chain.all & bit != 0) {
            row.instead.passed |= bit;
            return None;
        }
        if !fallback {
            row.sums = row.sums.minus((rules.part)(reference, Some(parent)));
            if let Some(instead) = rules.own_fallbacks.get(&reference).filter(|key| **key != self.key) {
                return Some(Wanted { parent: *instead, fallback: true, ..wanted });
            }
        }
        let shape = rules.references.get(reference as usize);
        let later = rules.later_fallbacks & bit != 0 && shape.is_some_and(|r| r.deferrable);
        if !fallback && (later || (rules.fallbacks)(reference, self.key)) {
            row.decision.put_off.fill |= if later { bit } else { 0 };
            self.stands_on_fallback(reference, rules);
            return None;
        }
        match shape.map_or(OnMissing::Hold, |r| r.on_missing) {
            OnMissing::Blank => {
                row.instead.blank |= bit;
                row.sums = row.sums.plus((rules.cleared)(reference));
            }
            without => self.state = State::Out(reason::without_parent(without, going), reference),
        }
        None
    }

    /// A reference of it points to its fallback.
    fn stands_on_fallback(&mut self, reference: u8, rules: &Rules<'_>) {
        if let Some(row) = &mut self.going {
            row.instead.fallback |= 1 << reference;
            row.sums = row.sums.plus((rules.part)(reference, None));
        }
    }

    /// A reference of it is filled by the second pass.
    fn put_off(&mut self, references: u64) {
        if let Some(row) = &mut self.going {
            row.decision.put_off.fill |= references;
        }
    }

    fn pos(&self) -> RowPos {
        self.going.as_ref().map_or(RowPos::MAX, |going| going.decision.pos)
    }
}

/// What a load says of its references, and what is known of their fallbacks.
pub struct Rules<'r> {
    /// Each of them.
    pub references: &'r [ReferenceShape],
    /// Those that stand in one field.
    pub chains: &'r [Chain],
    /// Whether the fallback of one is there for the row of this key.
    pub fallbacks: &'r dyn Fn(u8, KeyHash) -> bool,
    /// Fallbacks that rows of the load may bring, by reference.
    pub own_fallbacks: &'r BTreeMap<u8, KeyHash>,
    /// References whose fallback a later load of the object brings, a bit each.
    pub later_fallbacks: u64,
    /// What a reference adds to a row's hashes when it points to this record of the row's own object; without one, to its
    /// fallback.
    pub part: &'r dyn Fn(u8, Option<KeyHash>) -> Sums,
    /// What a reference adds that is left blank.
    pub cleared: &'r dyn Fn(u8) -> Sums,
    /// Levels that are loaded one after the other, where deeper rows can be filled later.
    pub levels: u32,
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
#[derive(Debug, Clone)]
pub enum Placed {
    /// It goes.
    Goes(Box<Going>),
    /// It is left out: reason, reference.
    Out(RowRecord, u8, u8),
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
    /// Loops found: lines in order, and whether one reference could be deferred.
    pub loops: Vec<(Vec<u32>, bool)>,
    /// Rows that stand deeper than is loaded by levels, and get their parents later.
    pub too_deep: u64,
}

impl Levels {
    /// Notes that a row may be asked for as a parent.
    pub fn expect(&mut self, key: KeyHash) {
        self.parents.entry(key).or_insert(false);
    }

    /// Notes that a row waits for a parent of its own object.
    pub fn wait(&mut self, missing: &MissingRecord) {
        let MissingRecord { parent, reference, pos, .. } = *missing;
        self.wants(missing, Wanted { parent, reference, pos, fallback: false });
        if missing.going {
            self.going.insert(parent);
        }
    }

    /// Notes that a row waits for the row that stands in for its parent, which is nowhere.
    pub fn wait_for_fallback(&mut self, missing: &MissingRecord, fallback: KeyHash) {
        let MissingRecord { reference, pos, .. } = *missing;
        self.wants(missing, Wanted { parent: fallback, reference, pos, fallback: true });
    }

    fn wants(&mut self, missing: &MissingRecord, wanted: Wanted) {
        let index = *self.by_key.entry(missing.child).or_insert_with(|| {
            self.rows.push(Waiting {
                line: missing.line,
                key: missing.child,
                parents: Vec::new(),
                going: None,
                level: 0,
                below: 0,
                state: State::Open,
            });
            self.rows.len() - 1
        });
        self.rows[index].parents.push(wanted);
        self.expect(wanted.parent);
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
    pub fn decide(&mut self, key: KeyHash, going: Going, needless: u64) {
        let Some(index) = self.by_key.get(&key) else { return };
        let row = &mut self.rows[*index];
        let pos = going.decision.pos;
        row.parents.retain(|wanted| wanted.pos == pos && needless & (1 << wanted.reference) == 0);
        row.line = going.decision.row.line;
        row.going = Some(going);
    }

    /// Gives every waiting row its level, or its reason to stay behind.
    pub fn place(mut self, rules: &Rules<'_>) -> (Vec<Placed>, Self) {
        self.leave_out_undecided();
        let children = self.children(rules);
        let all = (0..self.rows.len()).collect();
        self.settle(all, &children, rules);
        let mut start = 0;
        while let Some(open) = (start..self.rows.len()).find(|r| self.rows[*r].state == State::Open) {
            start = open;
            let moved = self.break_loop(open, rules, &children);
            self.settle(moved, &children, rules);
        }
        self.cut(rules);
        let placed = self.rows.iter_mut().filter_map(placed).collect();
        (placed, self)
    }

    /// Rows that were left out for another reason are no parents.
    fn leave_out_undecided(&mut self) {
        for row in self.rows.iter_mut().filter(|r| r.going.is_none()) {
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

    /// The rows by the parents that they wait for, or may wait for where those are nowhere.
    fn children(&self, rules: &Rules<'_>) -> Children {
        let mut children = Children::new();
        for (index, row) in self.rows.iter().enumerate() {
            for wanted in &row.parents {
                children.entry(wanted.parent).or_default().push(index);
                if let Some(fallback) = rules.own_fallbacks.get(&wanted.reference) {
                    children.entry(*fallback).or_default().push(index);
                }
            }
        }
        children
    }

    /// Looks at a row's parents; true when the row's state is final now.
    fn try_place(&mut self, index: usize, rules: &Rules<'_>) -> bool {
        let (mut left, mut there) = (Vec::new(), 0);
        for wanted in std::mem::take(&mut self.rows[index].parents) {
            left.extend(self.look(index, wanted, &mut there, rules));
        }
        left.retain(|wanted| !stands_behind(wanted.reference, there, rules.chains));
        let row = &mut self.rows[index];
        row.below |= there;
        if let (true, State::Open, Some(going)) = (left.is_empty(), row.state, &mut row.going) {
            row.state = match going.instead.choose(rules.chains, going.decision.row.filled) {
                Ok(()) => State::Placed,
                Err((without, reference)) => State::Out(reason::without_parent(without, false), reference),
            };
        }
        row.parents = left;
        row.state != State::Open
    }

    /// Looks at one parent of a row; gives what the row still waits for.
    fn look(&mut self, index: usize, wanted: Wanted, there: &mut u64, rules: &Rules<'_>) -> Option<Wanted> {
        match self.parent_level(wanted.parent) {
            Parent::At(level) => {
                *there |= 1 << wanted.reference;
                let row = &mut self.rows[index];
                row.level = row.level.max(level + 1);
                if wanted.fallback {
                    row.stands_on_fallback(wanted.reference, rules);
                }
                None
            }
            Parent::Open => Some(wanted),
            Parent::Nowhere => {
                let going = self.going.contains(&wanted.parent);
                let instead = self.rows[index].without(wanted, going, rules)?;
                self.look(index, instead, there, rules)
            }
        }
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
    fn break_loop(&mut self, start: usize, rules: &Rules<'_>, children: &Children) -> VecDeque<usize> {
        let round = self.round(start, rules);
        let reference = |i: usize| self.next(i, rules).map_or(0, |wanted| wanted.reference);
        let deferrable = |i: usize| rules.references.get(reference(i) as usize).is_some_and(|r| r.deferrable);
        let first = round.iter().copied().min_by_key(|i| (!deferrable(*i), self.rows[*i].pos()));
        let first = first.unwrap_or(start);
        let (reference, opened) = (reference(first), deferrable(first));
        let at = round.iter().position(|i| *i == first).unwrap_or(0);
        let lines = round[at..].iter().chain(&round[..at]).map(|i| self.rows[*i].line).collect();
        self.loops.push((lines, opened));
        if opened {
            self.open(first, reference, rules);
            return VecDeque::from([first]);
        }
        for index in &round {
            self.rows[*index].state = State::Out(reason::LOOP, reference);
        }
        round.iter().filter_map(|i| children.get(&self.rows[*i].key)).flatten().copied().collect()
    }

    /// A row goes without this reference, which is filled later.
    fn open(&mut self, index: usize, reference: u8, rules: &Rules<'_>) {
        let row = &mut self.rows[index];
        let fallback = row.parents.iter().any(|wanted| wanted.reference == reference && wanted.fallback);
        row.parents.retain(|wanted| wanted.reference != reference);
        if fallback {
            row.stands_on_fallback(reference, rules);
        }
        row.put_off(1 << reference);
    }

    /// The parent that decides first of those that an open row still waits for: one by a reference that cannot be filled
    /// later. Whether that parent goes at all must be known before a loop through the others is opened.
    fn next(&self, row: usize, rules: &Rules<'_>) -> Option<&Wanted> {
        let deferrable = |wanted: &&Wanted| {
            rules.references.get(wanted.reference as usize).is_some_and(|reference| reference.deferrable)
        };
        let known = self.rows[row].parents.iter().filter(|wanted| self.by_key.contains_key(&wanted.parent));
        known.min_by_key(deferrable)
    }

    /// The rows of the loop that an open row stands in or below.
    fn round(&self, start: usize, rules: &Rules<'_>) -> Vec<usize> {
        let mut path = vec![start];
        let mut seen = BTreeMap::from([(start, 0)]);
        loop {
            let here = path[path.len() - 1];
            let next = self.next(here, rules).and_then(|wanted| self.by_key.get(&wanted.parent)).copied();
            let Some(next) = next else { return path };
            if let Some(at) = seen.get(&next) {
                return path.split_off(*at);
            }
            seen.insert(next, path.len());
            path.push(next);
        }
    }

    /// Rows below the levels that are loaded one after the other go with the last of them, and get their parents later,
    /// where all that they stand below by can be filled later. The others have levels of their own, however many.
    fn cut(&mut self, rules: &Rules<'_>) {
        let most = (rules.levels as usize).clamp(1, DEEPEST);
        let later = |below: u64| {
            rules.references.iter().enumerate().all(|(i, r)| below & (1 << i) == 0 || r.deferrable)
        };
        for row in self.rows.iter_mut().filter(|r| r.state == State::Placed && r.level >= most) {
            if later(row.below) {
                row.level = most - 1;
                row.put_off(row.below);
                self.too_deep += 1;
            }
        }
    }
}

enum Parent {
    At(usize),
    Open,
    Nowhere,
}

fn placed(row: &mut Waiting) -> Option<Placed> {
    let mut going = row.going.take()?;
    match row.state {
        State::Out(0, _) => None,
        State::Out(reason, reference) => Some(Placed::Out(going.decision.row, reason, reference)),
        _ => {
            going.decision.level = row.level.min(DEEPEST) as u16;
            Some(Placed::Goes(Box::new(going)))
        }
    }
}

#[cfg(test)]
mod tests;
