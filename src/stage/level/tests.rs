//! Hierarchies and loops, row by row.

use super::super::record::{RowRecord, action};
use super::super::shape::Seat;
use super::*;

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

fn rules<'r>(references: &'r [ReferenceShape], fallbacks: &'r dyn Fn(u8) -> bool) -> Rules<'r> {
    Rules { references, chains: &[], fallbacks }
}

/// Rows `(key, parent)`, all taking part; a parent without a row is nowhere.
fn place(rows: &[(u128, u128)], references: &[ReferenceShape]) -> (Vec<Placed>, Levels) {
    place_filled(rows, references, 1)
}

fn place_filled(rows: &[(u128, u128)], references: &[ReferenceShape], filled: u64) -> (Vec<Placed>, Levels) {
    let mut levels = Levels::default();
    for (key, parent) in rows.iter().filter(|(_, p)| *p != 0) {
        let (child, pos, line) = (*key, *key as u64, *key as u32);
        levels.wait(&MissingRecord {
            child,
            pos,
            reference: 0,
            own: true,
            later: false,
            going: false,
            parent: *parent,
            line,
        });
    }
    for (key, _) in rows {
        let row = RowRecord {
            key: *key,
            pos: *key as u64,
            payload: 0,
            create: 0,
            line: *key as u32,
            filled,
            further: 0,
        };
        let (pos, action) = (row.pos, action::CREATE);
        levels.takes_part(*key);
        levels.decide(
            *key,
            Decision {
                pos,
                level: 0,
                action,
                retry: false,
                deferred: 0,
                id: None,
                past: Default::default(),
                row,
            },
            Instead::default(),
            None,
            0,
        );
    }
    levels.place(&rules(references, &|_| false))
}

fn levels_of(placed: &[Placed]) -> Vec<(u64, i32)> {
    placed
        .iter()
        .map(|p| match p {
            Placed::Goes(d, ..) => (d.pos, i32::from(d.level)),
            Placed::Out(pos, _, reason, _) => (*pos, -i32::from(*reason)),
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

fn decided(key: u128, pos: u64, line: u32) -> Decision {
    let row = RowRecord { key, pos, payload: 0, create: 0, line, filled: 1, further: 0 };
    let (level, action, retry) = (0, action::CREATE, false);
    Decision { pos, level, action, retry, deferred: 0, id: None, past: Default::default(), row }
}

#[test]
fn a_row_waits_for_its_own_parents_not_for_those_of_its_duplicate() {
    let mut levels = Levels::default();
    let (reference, own) = (0, true);
    levels.wait(&MissingRecord {
        child: 7,
        pos: 1,
        reference,
        own,
        later: false,
        going: false,
        parent: 99,
        line: 2,
    });
    let blank = Instead { blank: 0b10, ..Instead::default() };
    levels.decide(7, decided(7, 5, 6), blank, None, 0);
    let (placed, _) = levels.place(&rules(&super::tests::reference(OnMissing::Hold, true), &|_| false));
    assert!(matches!(placed[..], [Placed::Goes(d, i, None)] if d.pos == 5 && i == blank), "{placed:?}");
}

#[test]
fn a_row_that_stays_behind_is_named_by_its_own_place() {
    let mut levels = Levels::default();
    let (reference, own) = (0, true);
    for (pos, line) in [(1, 2), (5, 6)] {
        levels.wait(&MissingRecord {
            child: 7,
            pos,
            reference,
            own,
            later: false,
            going: false,
            parent: 99,
            line,
        });
    }
    levels.decide(7, decided(7, 5, 6), Instead::default(), None, 0);
    let (placed, _) = levels.place(&rules(&super::tests::reference(OnMissing::Hold, true), &|_| false));
    assert!(matches!(placed[..], [Placed::Out(5, 6, reason::HELD, 0)]), "{placed:?}");
}

#[test]
fn a_fallback_is_remembered() {
    let mut levels = Levels::default();
    levels.wait(&MissingRecord {
        child: 7,
        pos: 1,
        reference: 0,
        own: true,
        later: false,
        going: false,
        parent: 99,
        line: 2,
    });
    levels.decide(7, decided(7, 1, 2), Instead::default(), None, 0);
    let (placed, _) = levels.place(&rules(&super::tests::reference(OnMissing::Hold, true), &|_| true));
    assert!(matches!(placed[..], [Placed::Goes(_, Instead { blank: 0, fallback: 1, .. }, _)]), "{placed:?}");
}

#[test]
fn a_loop_is_opened_at_its_first_row_or_left_out() {
    let rows = [(1, 2), (2, 3), (3, 1), (4, 3)];
    let (placed, levels) = place(&rows, &reference(OnMissing::Hold, true));
    assert_eq!(levels_of(&placed), [(1, 0), (2, 2), (3, 1), (4, 2)]);
    assert!(matches!(placed[0], Placed::Goes(d, ..) if d.deferred == 1));
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
        let (pos, line) = (child as u64, child as u32);
        levels.wait(&MissingRecord {
            child,
            pos,
            reference,
            own: true,
            later: false,
            going: false,
            parent,
            line,
        });
        levels.decide(child, decided(child, pos, line), Instead::default(), None, 0);
    }
    let (placed, levels) = levels.place(&rules(&references, &|_| false));
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
    assert!(placed.iter().all(|p| matches!(p, Placed::Goes(d, ..) if d.deferred == 1)), "{placed:?}");
}

#[test]
fn a_deep_hierarchy_that_cannot_be_deferred_keeps_its_levels() {
    let rows: Vec<(u128, u128)> = (1..=300).map(|k| (k, k - 1)).collect();
    let (placed, levels) = place(&rows, &reference(OnMissing::Hold, false));
    assert!(!levels.too_deep);
    assert_eq!((levels_of(&placed)[0].1, levels_of(&placed)[298].1), (1, 255));
}

#[test]
fn a_deep_hierarchy_goes_flat() {
    let rows: Vec<(u128, u128)> = (1..=12).map(|k| (k, k - 1)).collect();
    let (placed, levels) = place(&rows, &reference(OnMissing::Hold, true));
    assert!(levels.too_deep);
    assert!(placed.iter().all(|p| matches!(p, Placed::Goes(d, ..) if d.level == 0 && d.deferred == 1)));
}
