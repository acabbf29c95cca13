//! What is sent decides whether a row goes again, and nothing else does: each word that decides a value that is sent, and
//! what it decided when the row went last. What can no longer be sent is told, with its rows.

use crate::project::Project;
use crate::world::{Aim, World};
use cutover::engine::Exit;
use cutover::ledger::merge::Joined;
use cutover::ledger::{Entry, Ledger};
use cutover::model::KeyHash;
use cutover::ports::RealFiles;

const HEAD: &str =
    "cutover: 1\nproject: sent\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n";
const ORG: &str = "\
objects:
  Account:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
  Opportunity:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
  Offer__c:
    name: text
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      Account__c: { type: reference, to: Account }
      A__c: { type: reference, to: Account }
      Any__c: { type: reference, to: [Account, Opportunity] }
      Once__c: { type: reference, to: Account, updateable: false }
      Note__c: { type: string, length: 80 }
      Late__c: { type: string, length: 80 }
";

fn loads(offers: &str) -> String {
    let parents = ["Account", "Opportunity"].map(|object| {
        let more = if object == "Account" { "" } else { ", StageName: '\"New\"', CloseDate: '\"2024-01-01\"'" };
        format!("  - {{ object: {object}, key: K__c, source: parents.csv, fields: {{ K__c: id, Name: id{more} }} }}\n")
    });
    let offers = format!(
        "  - {{ object: Offer__c, key: K__c, source: offers.csv, fields: {{ K__c: id, Name: id, {offers} }} }}\n"
    );
    format!("{HEAD}{}{offers}", parents.concat())
}

fn project(field: &str, offers: &str) -> Project {
    let manifest = loads(field);
    let files = [("cutover.yaml", &*manifest), ("org.yaml", ORG), ("parents.csv", "id\nP1\nP2\n")];
    let project = Project::of(&files);
    project.write("offers.csv", offers);
    project
}

/// `offer → what stands in this column`.
fn told(project: &Project, column: &str) -> Vec<String> {
    let soql = format!("SELECT K__c, {column} FROM Offer__c ORDER BY K__c");
    project.query(&soql).into_iter().map(|row| format!("{} {}", row["K__c"], row[column])).collect()
}

/// `offer → which object it points to`, by the prefix of the Id.
fn kinds(project: &Project) -> Vec<String> {
    told(project, "Any__c").iter().map(|text| text.chars().take(6).collect()).collect()
}

#[track_caller]
fn changes(project: &Project, field: &str, outcomes: &str) {
    project.write("cutover.yaml", &loads(field));
    assert_eq!(project.apply(0).outcomes("Offer__c"), outcomes, "{field}");
    let rest: Vec<String> = project.apply(0).jobs().into_iter().map(|job| job.0).collect();
    assert_eq!(rest, Vec::<String>::new(), "{field}: once is enough");
}

#[test]
fn another_fallback_goes() {
    let project = project("Account__c: { ref: Account, from: p, fallback: P1 }", "id,p\nO1,P9\nO2,P2\n");
    project.apply(0);
    changes(&project, "Account__c: { ref: Account, from: p, fallback: P2 }", "1 unchanged, 1 updated");
    assert_eq!(told(&project, "Account__r.K__c"), ["O1 P2", "O2 P2"]);
}

#[test]
fn another_target_goes_and_another_tag_for_the_same_does_not() {
    let project = project("Any__c: { ref: Account, from: p }", "id,kind,p\nO1,A,P1\nO2,B,P2\n");
    project.apply(0);
    changes(&project, "Any__c: { ref: Opportunity, from: p }", "2 updated");
    assert_eq!(kinds(&project), ["O1 006", "O2 006"]);
    changes(
        &project,
        "Any__c: { ref: { A: Account, B: Opportunity }, type: kind, from: p }",
        "1 unchanged, 1 updated",
    );
    assert_eq!(kinds(&project), ["O1 001", "O2 006"]);
    changes(&project, "Any__c: { ref: { B: Account, A: Opportunity }, type: kind, from: p }", "2 updated");
    assert_eq!(kinds(&project), ["O1 006", "O2 001"]);
    // The same records, said otherwise.
    project.write("offers.csv", "id,kind,p\nO1,X,P1\nO2,Y,P2\n");
    changes(&project, "Any__c: { ref: { Y: Account, X: Opportunity }, type: kind, from: p }", "2 unchanged");
}

#[test]
fn another_order_of_first_of_goes_where_another_record_is_found() {
    let list = |one: &str, other: &str| {
        format!("Any__c: {{ first_of: [ {{ ref: {one}, from: p }}, {{ ref: {other}, from: q }} ] }}")
    };
    let project = project(&list("Account", "Opportunity"), "id,p,q\nO1,P1,P1\nO2,P9,P2\nO3,,P2\n");
    project.apply(0);
    assert_eq!(kinds(&project), ["O1 001", "O2 006", "O3 006"]);
    // A plain reference to what was found is no change.
    changes(
        &project,
        "Any__c: { ref: { A: Account, O: Opportunity }, type: '\"A\" if p == \"P1\" else \"O\"', from: 'p if p == \"P1\" else q' }",
        "3 unchanged",
    );
    changes(&project, &list("Opportunity", "Account"), "3 updated");
    assert_eq!(kinds(&project), ["O1 006", "O2 001", "O3 001"]);
}

#[test]
fn a_field_that_is_sent_on_update_alone_goes_once_the_record_is_there() {
    let fields = "Late__c: { from: late, only: update }, Note__c: note";
    let project = project(fields, "id,late,note\nO1,L1,N1\nO2,,N2\n");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "2 created");
    assert_eq!(told(&project, "Late__c"), ["O1 ", "O2 "]);
    changes(&project, fields, "1 unchanged, 1 updated");
    assert_eq!(told(&project, "Late__c"), ["O1 L1", "O2 "]);
    project.set("offers.csv", "O2", "late", "L2");
    changes(&project, fields, "1 unchanged, 1 updated");
    assert_eq!(told(&project, "Late__c"), ["O1 L1", "O2 L2"]);
}

#[test]
fn what_is_not_sent_changes_nothing() {
    let project = project(
        "Account__c: { ref: Account, from: p, on_missing: blank }",
        "id,p,n\nO1,P1,\"a\nb\"\nO2,P9,\nO3,,\n",
    );
    project.apply(0);
    // Another reference in front of it, another parent that is nowhere, a blank where there was one.
    project.write("offers.csv", "id,p,n\nO1,P1,\"a\nb\"\nO2,P8,\nO3,P7,\n");
    let both =
        "Account__c: { ref: Account, from: p, on_missing: blank }, A__c: { ref: Account, from: '\"\"' }";
    changes(&project, both, "3 unchanged");
    project.set("offers.csv", "O2", "p", "");
    changes(&project, both, "3 unchanged");
    changes(
        &project,
        "Account__c: { ref: Account, from: p, on_missing: blank }, Note__c: n",
        "2 unchanged, 1 updated",
    );
    // Line ends are sent as LF.
    project.write("offers.csv", "id,p,n\nO1,P1,\"a\r\nb\"\nO2,,\nO3,,\n");
    changes(&project, "Account__c: { ref: Account, from: p, on_missing: blank }, Note__c: n", "3 unchanged");
}

#[test]
fn a_reference_that_is_set_on_create_alone_and_can_no_longer_be_mended_is_told() {
    for (policy, was) in [("fallback: P1", "P1"), ("on_missing: blank", "")] {
        let field = format!("Once__c: {{ ref: Account, from: p, {policy} }}, Note__c: n");
        let project = project(&field, "id,p,n\nO1,P9,a\nO2,P2,b\n");
        project.apply(0);
        assert_eq!(project.apply(0).jobs(), []);
        project.append("parents.csv", "P9\n");
        let report = project.apply(68);
        assert_eq!(report.outcomes("Offer__c"), "1 rejected, 1 unchanged", "{policy}");
        assert_eq!(told(&project, "Once__r.K__c"), [format!("O1 {was}"), "O2 P2".into()]);
        let left = project.data_file(3, "Offer__c.left-out", ".csv");
        assert_eq!([&left[0]["_code"], &left[0]["_line"]], ["CUT0403", "2"]);
    }
}

#[test]
fn a_value_that_the_manifest_sends_on_create_alone_stays_and_is_told() {
    let fields = "Account__c: { ref: Account, from: p, fallback: P1, only: create }, Note__c: { from: n, only: create }";
    let project = project(fields, "id,p,n\nO1,P9,a\nO2,P2,b\n");
    project.apply(0);
    project.append("parents.csv", "P9\n");
    project.set("offers.csv", "O2", "n", "c");
    let output = project.run(&["apply"]).exits(0);
    for text in ["Offer__c: 2 rows have another value", "Offer__c: 2 unchanged: CUT0403", "offers.csv:2"] {
        assert!(
            output.out.contains(text) || output.err.contains(text),
            "{text}: {}{}",
            output.out,
            output.err
        );
    }
    let rows = project.data_file(2, "Offer__c.left-out-values", ".csv");
    assert_eq!(rows.iter().map(|row| row["id"].as_str()).collect::<Vec<_>>(), ["O1", "O2"]);
    assert_eq!(told(&project, "Note__c"), ["O1 a", "O2 b"]);
    // What is blank now wants nothing.
    project.write("offers.csv", "id,p,n\nO1,,\nO2,P2,b\n");
    project.apply(0);
    assert!(project.files(".cutover/data/3").is_empty());
}

#[test]
fn entries_that_were_hashed_by_another_rule_are_not_compared_and_a_refresh_is_the_way_out() {
    let project = project("Note__c: n", "id,n\nO1,a\n");
    project.apply(0);
    let folder = project.path(".cutover/ledger");
    let org = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().file_name();
    let files = RealFiles::new(project.path(".cutover"));
    let ledger = format!("ledger/{}/Offer__c", org.to_string_lossy());
    let another = |joined: std::io::Result<Joined<KeyHash, Entry>>| match joined {
        Ok(Joined::Right(entry)) => Some(Ok(Entry { rule: 0, ..entry })),
        _ => None,
    };
    Ledger::open(&files, &ledger)
        .unwrap()
        .rebuild(std::iter::empty::<std::io::Result<KeyHash>>(), |key: &KeyHash| *key, another)
        .unwrap();
    let output = project.run(&["apply"]).exits(65);
    assert!(output.err.contains("rule 0") && output.err.contains("apply --refresh"), "{}", output.err);
    // Key and Id stay; what the record holds is sent once more.
    assert_eq!(project.apply_with(&["--refresh"], 0).outcomes("Offer__c"), "1 updated");
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn a_file_that_changes_unseen_between_deciding_and_sending_is_not_sent() {
    let load = "  - { object: Account, key: K__c, source: a.csv, fields: { K__c: id, Name: name } }\n";
    let org = "objects: { Account: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } } }\n";
    let files = [
        ("cutover.yaml", format!("{HEAD}{load}")),
        ("org.yaml", org.to_owned()),
        ("a.csv", "id,name\nA1,One\nA2,Two\n".to_owned()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.into_bytes())).to_vec();
    let world = World::new(&crate::world::Project::new(files, &["SELECT Name FROM Account ORDER BY Name"]));
    let change = |told: &str| {
        if told == "staging Account" {
            world.sources.put_unseen("a.csv", b"id,name\nA1,One\nA2,Six\n");
        }
    };
    let life = world.apply_watched(&change);
    let error = life.end.unwrap().unwrap_err();
    assert_eq!(error.exit(), Exit::Stale, "{error}");
    assert!(world.contents()[0].1.is_empty(), "nothing of it was sent");
    assert_eq!(world.apply(Aim::Nowhere).end.unwrap().unwrap().exit, Exit::Done);
    assert_eq!(world.contents()[0].1, [[Some("One".to_owned())], [Some("Six".to_owned())]]);
}

/// A reference that is sent with the create alone is left alone by the second pass of another.
#[test]
fn a_second_pass_fills_and_empties_nothing() {
    let manifest = format!(
        "{HEAD}  - {{ object: Account, key: K__c, source: a.csv, fields: {{ K__c: id, Name: id, ParentId: {{ ref: Account, from: p, only: create, blank: clear }}, Main__c: {{ ref: Contact, from: main }} }} }}\n  - {{ object: Contact, key: K__c, source: c.csv, fields: {{ K__c: id, LastName: id, AccountId: {{ ref: Account, from: acc }} }} }}\n"
    );
    let org = "objects:\n  Account: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true }, Main__c: { type: reference, to: Contact } } }\n  Contact: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } }\n";
    let project = Project::of(&[
        ("cutover.yaml", &*manifest),
        ("org.yaml", org),
        ("a.csv", "id,p,main\nA1,,\nA2,A1,C1\n"),
        ("c.csv", "id,acc\nC1,A1\nC2,A2\nC3,A2\n"),
    ]);
    let parents = || {
        let rows = project.query("SELECT K__c, Parent.K__c, Main__r.K__c FROM Account ORDER BY K__c");
        rows.iter()
            .map(|r| format!("{} {} {}", r["K__c"], r["Parent.K__c"], r["Main__r.K__c"]))
            .collect::<Vec<_>>()
    };
    project.apply(0);
    assert_eq!(parents(), ["A1  ", "A2 A1 C1"]);
    project.write("a.csv", "id,p,main\nA1,,\nA2,,C2\n");
    project.apply(0);
    assert_eq!(parents(), ["A1  ", "A2 A1 C2"]);
}

#[test]
fn a_reference_that_is_left_blank_is_emptied_where_a_blank_clears() {
    let field = "Account__c: { ref: Account, from: p, on_missing: blank, blank: clear }";
    let project = project(field, "id,p\nO1,P1\nO2,P2\n");
    project.apply(0);
    project.set("offers.csv", "O1", "p", "P9");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "1 unchanged, 1 updated");
    assert_eq!(told(&project, "Account__r.K__c"), ["O1 ", "O2 P2"]);
    assert_eq!(project.apply(0).jobs(), []);
    project.append("parents.csv", "P9\n");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "1 unchanged, 1 updated");
    assert_eq!(told(&project, "Account__r.K__c"), ["O1 P9", "O2 P2"]);
}

/// Fields that the org takes on create alone are not one thing: what is no longer given is not what has another value.
#[test]
fn of_two_fields_that_are_sent_once_one_may_go_or_change_its_kind() {
    let two = "Once__c: { ref: Account, from: p }, Note__c: n, Late__c: { from: late, only: create }";
    let project = project(two, "id,p,n,late\nO1,P1,a,L1\nO2,P2,a,L2\n");
    project.apply(0);
    // One of them is mapped no more.
    let one = "Once__c: { ref: Account, from: p }, Note__c: n";
    project.set("offers.csv", "O1", "n", "b");
    changes(&project, one, "1 unchanged, 1 updated");
    // A field that went with the others is sent on create alone from now on: all have it.
    let note = "Once__c: { ref: Account, from: p }, Note__c: { from: n, only: create }";
    project.write("cutover.yaml", &loads(note));
    let plan = project.run(&["plan"]).exits(0);
    assert!(!plan.out.contains("left-out-values"), "{}", plan.out);
    // What has another value is refused all the same.
    project.write("cutover.yaml", &loads(two));
    project.set("offers.csv", "O2", "p", "P1");
    assert_eq!(project.apply(68).outcomes("Offer__c"), "1 rejected, 1 unchanged");
}

/// The list of values that stay is the same whether or not the run was cut off.
#[test]
fn the_list_of_values_that_stay_is_that_of_the_whole_run() {
    let fields = "Note__c: { from: n, only: create }, Late__c: late";
    let files = |n: &str| format!("id,n,late\nO1,{n},{n}\nO2,{n},{n}\nO3,a,a\n");
    let manifest = loads(fields).replace("local: org.yaml }", "local: org.yaml }, limits: { part_rows: 1 }");
    let all = [
        ("cutover.yaml", &*manifest),
        ("org.yaml", ORG),
        ("parents.csv", "id\nP1\n"),
        ("offers.csv", &files("a")),
    ];
    let all = all.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    let project = crate::world::Project::new(all, &[]);
    for number in 0..400 {
        let world = World::new(&project);
        world.apply(Aim::Nowhere).end.unwrap().unwrap();
        world.sources.put("offers.csv", files("b").as_bytes());
        let hit = world.apply(Aim::After(number)).end.is_none();
        let finished = if hit { world.apply(Aim::Nowhere).end.unwrap().unwrap() } else { return };
        if finished.state.run == 2 {
            let text = cutover::ports::read_text(&world.disk, "data/2/Offer__c.left-out-values.csv").unwrap();
            assert_eq!(text.lines().count(), 3, "after effect {number}: {text}");
        }
    }
    panic!("the run has no end");
}
