//! Keys go as they are or their row is rejected: never cut, never rounded, and none that the org may read otherwise.

use crate::project::{Project, Report};

/// An Account keyed by `K__c` of this kind, and Contacts that point to it.
fn project(key: &str, more: &str, accounts: &str, contacts: &str) -> Project {
    let org = format!(
        "objects:\n  Account:\n    fields:\n      K__c: {{ {key}, external_id: true, unique: true }}\n  Contact:\n    fields:\n      \
         C__c: {{ type: string, length: 20, external_id: true, unique: true }}\n"
    );
    let manifest = format!(
        "cutover: 1\nproject: x\nenvironments: {{ local: {{ org: {{ local: org.yaml }} }} }}\n{more}objects:\n  \
         - {{ object: Account, key: K__c, source: accounts.csv, fields: {{ K__c: id, Name: name }} }}\n  \
         - {{ object: Contact, key: C__c, source: contacts.csv, fields: {{ C__c: id, LastName: id, \
         AccountId: {{ ref: Account, from: account }} }} }}\n"
    );
    Project::of(&[
        ("cutover.yaml", &manifest),
        ("org.yaml", &org),
        ("accounts.csv", &format!("id,name\n{accounts}")),
        ("contacts.csv", &format!("id,account\n{contacts}")),
    ])
}

fn keys(project: &Project) -> Vec<String> {
    project.query("SELECT K__c FROM Account ORDER BY Name").into_iter().map(|r| r["K__c"].clone()).collect()
}

/// The outcomes of both loads.
fn both(report: &Report) -> [String; 2] {
    ["Account", "Contact"].map(|load| report.outcomes(load))
}

const TEXT: &str = "type: string, length: 10";

#[test]
fn keys_are_never_cut() {
    let truncate = "defaults: { too_long: truncate }\n";
    let rows = "COMPANY-0001,One\nCOMPANY-0002,Two\nC3,Three\n";
    let project = project(TEXT, truncate, rows, "a,COMPANY-0001\nb,C3\n");
    let report = project.apply(68);
    assert_eq!(both(&report), ["2 rejected, 1 created", "1 rejected, 1 created"]);
    assert_eq!(keys(&project), ["C3"]);
}

#[test]
fn keys_are_never_rounded() {
    let whole = "type: double, precision: 18, scale: 0";
    let project = project(whole, "", "1.4,One\n1.1,Two\n2.0,Three\n", "a,1.4\nb,2\nc,2.00\n");
    let report = project.apply(68);
    assert_eq!(both(&report), ["2 rejected, 1 created", "1 rejected, 2 created"]);
    assert_eq!(keys(&project).len(), 1);
}

#[test]
fn a_decimal_for_a_whole_number_key_finds_its_parent_or_is_rejected() {
    let whole = "type: double, precision: 18, scale: 0";
    let project = project(whole, "", "7,One\n", "a,7.0\nb,7.5\nc,seven\n");
    let report = project.apply(68);
    assert_eq!(both(&report), ["1 created", "2 rejected, 1 created"]);
    assert_eq!(project.count("Contact WHERE Account.Name = 'One'"), 1);
    let report = project.apply(68);
    assert_eq!(both(&report), ["1 unchanged", "2 rejected, 1 unchanged"]);
}

#[test]
fn keys_with_control_characters_are_rejected_before_anything_is_sent() {
    for key in ["\"a\r\nb\"", "\"a\nb\"", "a\tb", "a\u{7f}", "\"a\n\"", "a\u{85}b", "a\u{1}"] {
        let project = project(TEXT, "", &format!("{key},One\nok,Two\n"), &format!("x,{key}\ny,ok\n"));
        let report = project.apply(68);
        assert_eq!(both(&report), ["1 rejected, 1 created", "1 rejected, 1 created"], "{key:?}");
        let again = project.apply(68);
        assert_eq!(both(&again), ["1 rejected, 1 unchanged", "1 rejected, 1 unchanged"], "{key:?}");
    }
}

#[test]
fn keys_with_special_spaces_around_them_are_rejected() {
    for key in ["\u{a0}a", "a\u{a0}", "a\u{3000}", "\u{2003}a", "a \u{202f}", "\u{2028}a"] {
        let project = project(TEXT, "", &format!("{key},One\n a,Two\n"), &format!("x,{key}\ny,a \n"));
        let report = project.apply(68);
        assert_eq!(both(&report), ["1 rejected, 1 created", "1 rejected, 1 created"], "{key:?}");
    }
    let project = project(TEXT, "", "a\u{a0}b,One\n", "x,a\u{a0}b\n");
    assert_eq!(
        both(&project.apply(0)),
        ["1 created", "1 created"],
        "inside a key it is a character like others"
    );
}

#[test]
fn a_record_whose_key_changes_its_case_stands_once_in_the_crosswalk() {
    let project = project(TEXT, "", "a1,One\nB2,Two\n", "");
    project.apply(0);
    project.write("accounts.csv", "id,name\nA1,Eins\nB2,Two\n");
    project.apply(0);
    project.run(&["report", "--crosswalk"]).exits(0);
    let rows = project.csv(".cutover/crosswalk/Account.csv");
    let mut keys: Vec<&str> = rows.iter().map(|row| row["legacy_key"].as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["A1", "B2"]);
}
