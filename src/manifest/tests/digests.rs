//! What the fingerprint of a load sees and what it does not.

use super::{HEAD, load, project, read};

const LOAD: &str = "objects:
  - object: Account
    key: K__c
    source: a.csv
    ignore: [amount, owner]
    fields:
      K__c: id
      Name: { from: name, default: \"${who}\" }
      Type: { from: type, map_file: maps/good.csv }
";

fn digest(text: &str) -> String {
    let migration = read(text).migration.unwrap();
    migration.resolved_digest(&migration.loads[0])
}

#[test]
fn order_comments_and_style_change_nothing() {
    let first = digest(&format!("{HEAD}{LOAD}"));
    for other in [
        format!(
            "{HEAD}# a remark\n{}",
            LOAD.replace("    key: K__c\n    source: a.csv\n", "    source: a.csv\n    key: K__c # key\n")
        ),
        format!("{HEAD}{}", LOAD.replace("      K__c: id\n", "") + "      K__c: \"id\"\n"),
        format!(
            "{HEAD}{}",
            LOAD.replace("map_file: maps/good.csv", "map: { P: Prospect, \"C \": Customer }")
        ),
        format!("{HEAD}{}", LOAD.replace("\"${who}\"", "ada")),
        format!(
            "{HEAD}{}",
            LOAD.replace("ignore: [amount, owner]", "ignore: [owner, amount]\n    blank: keep")
        ),
        format!("{HEAD}defaults: {{ on_missing: hold, too_precise: round }}\n{LOAD}"),
        format!("{}{LOAD}", HEAD.replace("{ who: ada }", "{ who: ada, unused: x }")),
    ] {
        assert_eq!(digest(&other), first, "{other}");
    }
}

#[test]
fn what_is_sent_changes_it() {
    let first = digest(&format!("{HEAD}{LOAD}"));
    for other in [
        format!("{HEAD}{}", LOAD.replace("Name: { from: name", "Name: { from: name | trim")),
        format!("{}{LOAD}", HEAD.replace("who: ada", "who: bob")),
        format!("{HEAD}defaults: {{ blank: clear }}\n{LOAD}"),
        format!("{HEAD}defaults: {{ too_precise: reject }}\n{LOAD}"),
        format!("{HEAD}defaults: {{ source: {{ null_values: [X] }} }}\n{LOAD}"),
        format!("{HEAD}{}", LOAD.replace("key: K__c", "key: K__c\n    where: name")),
        format!("{HEAD}{}", LOAD.replace("maps/good.csv", "maps/good.csv, only: create")),
        format!("{HEAD}{}", LOAD.replace("key: K__c", "key: K__c\n    territory_rules: true")),
        format!("{HEAD}{}", LOAD.replace("key: K__c", "key: K__c\n    levels: 3")),
    ] {
        assert_ne!(digest(&other), first, "{other}");
    }
    let files = project();
    files.put("cutover.yaml", format!("{HEAD}{LOAD}").as_bytes());
    files.put("maps/good.csv", b"from,to\nC,Client\nP,Prospect\n");
    let migration = load(&files, "cutover.yaml", None, &|_| None).migration.unwrap();
    assert_ne!(migration.resolved_digest(&migration.loads[0]), first);
}

#[test]
fn words_that_decide_who_a_record_belongs_to_change_it() {
    let cases = LOAD.replace("object: Account", "object: Case");
    let ruled = |name: &str| cases.replace("key: K__c", &format!("key: K__c\n    assignment_rule: {name}"));
    let digests = [cases.clone(), ruled("Day"), ruled("Night")].map(|load| digest(&format!("{HEAD}{load}")));
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
    let tagged = |other: &str| {
        let field = format!("P__c: {{ ref: {{ A: Account }}, type: name, from: name{other} }}");
        digest(&format!("{HEAD}{}", LOAD.replace("Name: {", &format!("{field}\n      Name: {{"))))
    };
    assert_ne!(tagged(""), tagged(", other: blank"));
}

#[test]
fn vars_count_where_an_expression_sees_them() {
    let seen = LOAD.replace("Name: { from: name,", "Name: { from: name ~ vars.who,");
    let other = HEAD.replace("{ who: ada }", "{ who: ada, more: x }");
    assert_ne!(digest(&format!("{HEAD}{seen}")), digest(&format!("{other}{seen}")));
}
