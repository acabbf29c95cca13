//! Fates that are shared, contradicted or put off, on rows made by hand.

use super::super::index::by_id;
use super::*;
use crate::model::KeyForm;
use crate::stage::{Past, action};

const ID: &str = "0018c00002DJIpJ";

/// Rows at lines 2, 3, … that name records.
fn collected(ids: &[Option<&str>], matches_by_id: bool) -> Collected {
    let record = |(at, id): (usize, &Option<&str>)| IndexRecord {
        key: at as u128,
        payload: 0,
        create: 0,
        id: id.and_then(|id| RecordId::parse(id).ok()),
        action: action::UPDATE,
        pending: false,
        file: 0,
        line: at as u32 + 2,
        past: Past::default(),
    };
    let records: Vec<IndexRecord> = ids.iter().enumerate().map(record).collect();
    let (by_id, key) = (by_id(&records), "K".to_owned());
    let index = Index {
        records,
        by_id,
        key,
        form: KeyForm::ExactText,
        matches_by_id,
        attempt: 0,
        prefix: Some("001".into()),
    };
    Collected::new(index, "JobComplete", None).unwrap()
}

fn landed() -> Fate {
    Fate::Landed { id: RecordId::parse(ID).unwrap(), created: false }
}

fn failed(passing: bool) -> Fate {
    Fate::Failed { id: ID.into(), code: "X".into(), text: "x".into(), passing }
}

fn codes(collected: &Collected) -> Vec<&str> {
    let code = |fate: Option<&Fate>| match fate {
        Some(Fate::Failed { code, passing: false, .. }) => match code.as_str() {
            "SAME_RECORD" => "same",
            "CONTRADICTED" => "contradicted",
            _ => "failed",
        },
        Some(Fate::Landed { .. }) => "landed",
        _ => "other",
    };
    collected.rows().map(|(_, fate, _)| code(fate)).collect()
}

/// Every answer names the first of them: whoever is asked by Id gives that.
#[test]
fn rows_that_name_one_record_share_what_is_said_of_it_or_fail_together() {
    let ok = Some(ResultKind::Successful);
    for (told, come_to) in [
        (vec![landed(), landed()], ["same", "same"]),
        (vec![landed(), landed(), landed()], ["landed", "landed"]),
        (vec![failed(true), failed(true), failed(true)], ["failed", "failed"]),
        (vec![landed(), landed(), failed(false)], ["same", "same"]),
        (vec![], ["same", "same"]),
    ] {
        let mut rows = collected(&[Some(ID), None, Some(ID), Some(ID)], true);
        told.into_iter().for_each(|fate| rows.give(0, ok, fate));
        rows.give(1, ok, landed());
        rows.close();
        assert_eq!(codes(&rows), [come_to[0], "landed", come_to[1], come_to[1]]);
        assert!(rows.split_passing().is_empty());
    }
    let mut rows = collected(&[Some(ID), Some(ID)], true);
    for _ in 0..3 {
        rows.read_again(ResultKind::Successful);
        rows.give(0, ok, landed());
        rows.give(0, ok, landed());
    }
    rows.close();
    assert_eq!(codes(&rows), ["landed", "landed"], "a file that is read three times says it once");
    let mut rows = collected(&[Some(ID), Some(ID)], true);
    rows.give(0, ok, landed());
    rows.close();
    let Fate::Failed { text, .. } = rows.rows().next().unwrap().1.unwrap() else { panic!() };
    assert!(text.contains("lines 2 and 3"), "{text}");
}

#[test]
fn two_outcomes_of_a_row_are_none_but_its_record_is_not_forgotten() {
    for told in [[landed(), failed(true)], [failed(true), landed()]] {
        let mut rows = collected(&[None], false);
        told.into_iter().for_each(|fate| rows.give(0, None, fate));
        rows.close();
        assert_eq!(codes(&rows), ["contradicted"]);
        assert_eq!(rows.rows().next().unwrap().0.id, RecordId::parse(ID).ok());
    }
    let mut rows = collected(&[None], false);
    [landed(), landed()].into_iter().for_each(|fate| rows.give(0, None, fate));
    assert_eq!(codes(&rows), ["landed"]);
}

#[test]
fn what_waits_for_a_parent_and_what_goes_after_those_that_keep_it() {
    let missing =
        RowError::parse("INVALID_FIELD:Foreign key external ID: a not found for field K in entity A:--");
    let dangling = RowError::parse("INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--");
    let (by_key, mut by_id) = (collected(&[None], false), collected(&[Some(ID)], true));
    assert!(by_key.waits(&missing) && by_key.waits(&dangling));
    assert!(by_id.waits(&missing) && !by_id.waits(&dangling), "the record itself may be meant");
    let kept = RowError::parse("DELETE_FAILED:associated with 1 Visit:--");
    assert!(by_id.passes(&kept) && !by_id.waits(&kept));
    by_id.index.attempt = KEPT_ATTEMPTS;
    assert!(!by_id.passes(&kept));
}

/// What is found by asking, or stands in an answer that contradicts another, may be a record that we did not know.
#[test]
fn a_new_record_is_noticed_before_the_old_one_is_forgotten() {
    const OTHER: &str = "0018c00002DJIpK";
    let other = RecordId::parse(OTHER).unwrap();
    let anew = |rows: &Collected| rows.made_anew().into_iter().collect::<Vec<_>>();
    for (id, come_to) in [(other, vec![0]), (RecordId::parse(ID).unwrap(), vec![])] {
        let mut found = collected(&[Some(ID), None], false);
        found.adopt(0, id);
        found.adopt(1, id);
        found.close();
        assert_eq!(anew(&found), come_to, "found by its key");
        assert_eq!(found.split_passing(), [0, 1]);
        assert_eq!(anew(&found), come_to, "and sent again");
        let mut told = collected(&[Some(ID), None], false);
        for fate in [Fate::Landed { id, created: true }, failed(false)] {
            told.give(0, None, fate.clone());
            told.give(1, None, fate);
        }
        told.close();
        assert_eq!((codes(&told), anew(&told)), (vec!["contradicted"; 2], come_to.clone()));
        let mut landed = collected(&[Some(ID)], false);
        landed.give(0, None, Fate::Landed { id, created: false });
        assert_eq!(anew(&landed), come_to, "told as an update");
    }
}
