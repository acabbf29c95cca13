//! Hierarchies and loops, row by row.

use super::*;
use crate::stage::decision::Decision;
use crate::stage::hash::Instead;
use crate::stage::shape::Seat;

fn reference(on_missing: OnMissing, deferrable: bool) -> Vec<ReferenceShape> {
    vec![ReferenceShape {
        rule: 0,
        field: "ParentId".into(),
        targets: Vec::new(),
        on_missing,
        fallback: None,
        by_id: false,
        deferrable,
        clears: false,
        seat: Seat::Alone,
    }]
}

fn rules<'r>(references: &'r [ReferenceShape], fallbacks: &'r dyn Fn(u8, KeyHash) -> bool) -> Rules<'r> {
    const NONE: &BTreeMap<u8, KeyHash> = &BTreeMap::new();
    let (own_fallbacks, later_fallbacks, levels) = (NONE, 0, 8);
    Rules {
        references,
        chains: &[],
        fallbacks,
        own_fallbacks,
        later_fallbacks,
        part: &no_part,
        cleared: &|_| Sums::default(),
        levels,
    }
}

fn no_part(_: u8, _: Option<KeyHash>) -> Sums {
    Sums::default()
}

fn missing(child: KeyHash, pos: u64, line: u32, reference: u8, parent: KeyHash) -> MissingRecord {
    let (own, later, going, object) = (true, false, false, 0);
    MissingRecord { child, pos, reference, own, later, going, object, parent, line }
}

fn going(key: KeyHash, pos: u64, line: u32, filled: u64, instead: Instead) -> Going {
    let row = RowRecord { key, pos, line, filled, ..RowRecord::default() };
    let (sums, links, entry) = (Sums::default(), Vec::new(), None);
    Going { decision: Decision::of(row), instead, sums, links, entry }
}

fn decided(key: KeyHash, pos: u64, line: u32) -> Going {
    going(key, pos, line, 1, Instead::default())
}

/// Rows `(key, parent)`, all taking part; a parent without a row is nowhere.
fn place(rows: &[(u128, u128)], references: &[ReferenceShape]) -> (Vec<Placed>, Levels) {
    place_filled(rows, references, 1)
}

fn place_filled(rows: &[(u128, u128)], references: &[ReferenceShape], filled: u64) -> (Vec<Placed>, Levels) {
    let mut levels = Levels::default();
    for (key, parent) in rows.iter().filter(|(_, p)| *p != 0) {
        levels.wait(&missing(*key, *key as u64, *key as u32, 0, *parent));
    }
    for (key, _) in rows {
        levels.takes_part(*key);
        levels.decide(*key, going(*key, *key as u64, *key as u32, filled, Instead::default()), 0);
    }
    levels.place(&rules(references, &|_, _| false))
}

fn levels_of(placed: &[Placed]) -> Vec<(u64, i32)> {
    placed
        .iter()
        .map(|p| match p {
            Placed::Goes(row) => (row.decision.pos, i32::from(row.decision.level)),
            Placed::Out(row, reason, _) => (row.pos, -i32::from(*reason)),
        })
        .collect()
}

#[test]
fn children_stand_below_their_parents_in_any_order() {
    let rows = [(4, 3), (3, 2), (2, 1), (1, 0)];
    let (placed, _) = place(&rows, &reference(OnMissing::Hold, true));
    assert_eq!(levels_of(&placed), [(4, 3), (3, 2), (2, 1)]);
}

#[test]
fn a_missing_parent_holds_the_whole_branch() {
    let rows = [(3, 2), (2, 9), (1, 0)];
    let (placed, _) = place(&rows, &reference(OnMissing::Hold, true));
    assert_eq!(levels_of(&placed), [(3, -2), (2, -2)]);
    let (placed, _) = place(&rows, &reference(OnMissing::Blank, true));
    assert_eq!(levels_of(&placed), [(3, 1), (2, 0)]);
}

fn put_off(placed: &Placed) -> u64 {
    match placed {
        Placed::Goes(row) => row.decision.put_off.fill,
        Placed::Out(..) => 0,
    }
}

#[test]
fn a_row_waits_for_its_own_parents_not_for_those_of_its_duplicate() {
    let mut levels = Levels::default();
    levels.wait(&missing(7, 1, 2, 0, 99));
    let blank = Instead { blank: 0b10, ..Instead::default() };
    levels.decide(7, going(7, 5, 6, 1, blank), 0);
    let (placed, _) = levels.place(&rules(&reference(OnMissing::Hold, true), &|_, _| false));
    let [Placed::Goes(row)] = &placed[..] else { panic!("{placed:?}") };
    assert_eq!((row.decision.pos, row.instead), (5, blank));
}

#[test]
fn a_row_that_stays_behind_is_named_by_its_own_place() {
    let mut levels = Levels::default();
    for (pos, line) in [(1, 2), (5, 6)] {
        levels.wait(&missing(7, pos, line, 0, 99));
    }
    levels.decide(7, decided(7, 5, 6), 0);
    let (placed, _) = levels.place(&rules(&reference(OnMissing::Hold, true), &|_, _| false));
    assert!(
        matches!(&placed[..], [Placed::Out(row, reason::HELD, 0)] if (row.pos, row.line) == (5, 6)),
        "{placed:?}"
    );
}

#[test]
fn a_fallback_is_remembered() {
    let mut levels = Levels::default();
    levels.wait(&missing(7, 1, 2, 0, 99));
    levels.decide(7, decided(7, 1, 2), 0);
    let (placed, _) = levels.place(&rules(&reference(OnMissing::Hold, true), &|_, _| true));
    let [Placed::Goes(row)] = &placed[..] else { panic!("{placed:?}") };
    assert_eq!(row.instead, Instead { fallback: 1, ..Instead::default() });
}

#[test]
fn a_row_stands_below_a_fallback_that_the_same_load_brings() {
    // 5 is the fallback: a root, a child of another row, or nowhere at all.
    for (parents, expected) in [
        (&[(5, 0)][..], vec![(1, 1)]),
        (&[(5, 4), (4, 0)], vec![(1, 2), (5, 1)]),
        (&[], vec![(1, -2)]),
        (&[(5, 99)], vec![(1, -2), (5, -2)]),
    ] {
        let mut levels = Levels::default();
        levels.expect(5);
        levels.wait(&missing(1, 1, 1, 0, 98));
        for (key, parent) in parents.iter().filter(|(_, parent)| *parent != 0) {
            levels.wait(&missing(*key, *key as u64, *key as u32, 0, *parent));
        }
        for key in parents.iter().map(|(key, _)| *key).chain([1]) {
            levels.takes_part(key);
            levels.decide(key, decided(key, key as u64, key as u32), 0);
        }
        let references = reference(OnMissing::Hold, false);
        let own_fallbacks = BTreeMap::from([(0, 5)]);
        let rules = Rules { own_fallbacks: &own_fallbacks, ..rules(&references, &|_, _| false) };
        let (placed, _) = levels.place(&rules);
        assert_eq!(levels_of(&placed), expected, "{parents:?}");
        let Placed::Goes(row) = &placed[0] else { continue };
        assert_eq!(row.instead, Instead { fallback: 1, ..Instead::default() });
    }
}

#[test]
fn a_loop_is_opened_at_its_first_row_or_left_out() {
    let rows = [(1, 2), (2, 3), (3, 1), (4, 3)];
    let (placed, levels) = place(&rows, &reference(OnMissing::Hold, true));
    assert_eq!(levels_of(&placed), [(1, 0), (2, 2), (3, 1), (4, 2)]);
    assert_eq!(put_off(&placed[0]), 1);
    assert_eq!(levels.loops, [(vec![1, 2, 3], true)]);
    let (placed, _) = place(&rows, &reference(OnMissing::Hold, false));
    assert_eq!(levels_of(&placed), [(1, -5), (2, -5), (3, -5), (4, -2)]);
}

#[test]
fn a_loop_is_opened_where_a_reference_can_be_filled_later() {
    let mut references = reference(OnMissing::Hold, false);
    references.extend(reference(OnMissing::Hold, true));
    let mut levels = Levels::default();
    for (child, parent, reference) in [(1, 2, 0), (2, 1, 1)] {
        levels.wait(&missing(child, child as u64, child as u32, reference, parent));
        levels.decide(child, decided(child, child as u64, child as u32), 0);
    }
    let (placed, levels) = levels.place(&rules(&references, &|_, _| false));
    assert_eq!((levels_of(&placed), &levels.loops[..]), (vec![(1, 1), (2, 0)], &[(vec![2, 1], true)][..]));
}

#[test]
fn many_rows_that_point_at_themselves_take_no_time() {
    let rows: Vec<(u128, u128)> = (1..=20_000).map(|k| (k, k)).collect();
    let (placed, levels) = place(&rows, &reference(OnMissing::Hold, true));
    assert_eq!((placed.len(), levels.loops.len()), (20_000, 20_000));
}

#[test]
fn a_deep_hierarchy_keeps_its_references_to_other_objects() {
    let mut references = reference(OnMissing::Hold, true);
    references.extend(reference(OnMissing::Hold, true));
    let rows: Vec<(u128, u128)> = (1..=12).map(|k| (k, k - 1)).collect();
    let (placed, _) = place_filled(&rows, &references, 0b11);
    assert!(placed.iter().all(|p| put_off(p) & 0b10 == 0), "{placed:?}");
    assert_eq!(placed.iter().filter(|p| put_off(p) == 1).count(), 4, "{placed:?}");
}

#[test]
fn a_deep_hierarchy_that_cannot_be_deferred_keeps_its_levels() {
    let rows: Vec<(u128, u128)> = (1..=300).map(|k| (k, k - 1)).collect();
    let (placed, levels) = place(&rows, &reference(OnMissing::Hold, false));
    assert_eq!(levels.too_deep, 0);
    assert_eq!((levels_of(&placed)[0].1, levels_of(&placed)[298].1), (1, 299));
}

#[test]
fn rows_below_the_last_level_go_with_it_and_get_their_parents_later() {
    let rows: Vec<(u128, u128)> = (1..=12).map(|k| (k, k - 1)).collect();
    let (placed, levels) = place(&rows, &reference(OnMissing::Hold, true));
    assert_eq!(levels.too_deep, 4);
    let expected: Vec<(i32, u64)> = (1..8).map(|level| (level, 0)).chain([(7, 1); 4]).collect();
    let found: Vec<(i32, u64)> =
        placed.iter().zip(levels_of(&placed)).map(|(p, (_, level))| (level, put_off(p))).collect();
    assert_eq!(found, expected);
}

/// Parts that can be told apart: of a parent, of the fallback, of a blank that empties.
fn numbered(_: u8, parent: Option<KeyHash>) -> Sums {
    Sums { payload: parent.map_or(7, |parent| 1000 + parent), ..Sums::default() }
}

#[test]
fn what_a_row_comes_to_follows_what_stands_in_for_its_parent() {
    for (on_missing, fallback, clears, expected) in [
        (OnMissing::Hold, true, false, Some(5007)),
        (OnMissing::Blank, false, false, Some(5000)),
        (OnMissing::Blank, false, true, Some(5003)),
        (OnMissing::Hold, false, false, None),
    ] {
        let references = reference(on_missing, true);
        let mut levels = Levels::default();
        levels.wait(&missing(7, 1, 2, 0, 99));
        let sums = Sums { payload: 5000, ..Sums::default() }.plus(numbered(0, Some(99)));
        levels.decide(7, Going { sums, ..decided(7, 1, 2) }, 0);
        let fallbacks = |_, _| fallback;
        let cleared = |_| Sums { payload: if clears { 3 } else { 0 }, ..Sums::default() };
        let rules = Rules { part: &numbered, cleared: &cleared, ..rules(&references, &fallbacks) };
        let (placed, _) = levels.place(&rules);
        let payload = match &placed[0] {
            Placed::Goes(row) => Some(row.sums.payload),
            Placed::Out(..) => None,
        };
        assert_eq!(payload, expected, "{on_missing:?} {fallback} {clears}");
    }
}

#[test]
fn a_loop_is_not_opened_for_a_row_whose_other_parent_will_be_nowhere() {
    // 1 and 2 point at each other by a reference that can be filled later; 2 also stands below 3 by one that cannot be, and
    // 3 and 4 keep each other out. Whichever of the rows comes first, none goes.
    for keys in [[1, 2, 3, 4], [4, 3, 2, 1], [2, 1, 4, 3], [3, 4, 1, 2]] {
        let [a, b, c, d] = keys;
        let mut references = reference(OnMissing::Hold, true);
        references.extend(reference(OnMissing::Hold, false));
        let mut levels = Levels::default();
        for (child, by, parent) in [(a, 0, b), (b, 0, a), (b, 1, c), (c, 1, d), (d, 1, c)] {
            levels.wait(&missing(child, child as u64, child as u32, by, parent));
        }
        for key in [a, b, c, d] {
            levels.takes_part(key);
            levels.decide(key, going(key, key as u64, key as u32, 0b11, Instead::default()), 0);
        }
        let (placed, _) = levels.place(&rules(&references, &|_, _| false));
        assert!(placed.iter().all(|row| matches!(row, Placed::Out(..))), "{keys:?}: {placed:?}");
    }
}
