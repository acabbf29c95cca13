//! Each mistake with its code, its exact place and a piece of what is said; and nothing said beside it.

use super::{HEAD, errors, read_as, shown, unmark, with_field, with_load};
use crate::diagnostic::Code::{self, *};

/// A manifest with a mark, and what is expected there: a code, and a piece of the words.
type Mistake<'a> = (String, Code, &'a str);

/// Each gives exactly one error, at its mark; those that do not are shown together.
fn expect<'a>(mistakes: impl IntoIterator<Item = Mistake<'a>>) {
    let wrong: Vec<String> = mistakes.into_iter().filter_map(|mistake| fault(&mistake, None)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What differs from what is expected.
fn fault((marked, code, piece): &Mistake<'_>, environment: Option<&str>) -> Option<String> {
    let (text, line, column) = unmark(marked);
    let loaded = read_as(&text, environment);
    let as_expected = match errors(&loaded)[..] {
        [one] => {
            let place = one.place().unwrap();
            (one.code, place.line, place.column) == (*code, line, column) && one.to_string().contains(piece)
        }
        _ => false,
    };
    let found = shown(&loaded);
    (!as_expected || loaded.migration.is_some())
        .then(|| format!("{marked}\nexpected {code} {line}:{column} `{piece}`, found\n{found}"))
}

#[test]
fn mistakes_at_the_top() {
    let objects = "objects: [{ object: A, key: K, source: other.csv, fields: { K: id, T: title } }]\n";
    let env = "environments: { local: { org: { local: org.yaml } } }\n";
    expect([
        (format!("«project: p\n{env}{objects}"), MissingKey, "needs `cutover`"),
        (format!("cutover: «2\nproject: p\n{env}{objects}"), WrongValue, "reads version 1"),
        (format!("cutover: «one\nproject: p\n{env}{objects}"), WrongValue, "write `cutover: 1`"),
        (format!("cutover: 1\nproject«: \n{env}{objects}"), WrongValue, "must be a name"),
        (format!("«cutover: 1\nproject: p\n{objects}"), MissingKey, "needs `environments`"),
        (format!("«cutover: 1\nproject: p\n{env}"), MissingKey, "needs `objects`"),
        (format!("cutover: 1\nproject: p\n{env}objects: «[]\n"), WrongValue, "no load"),
        (format!("cutover: 1\nproject: p\n{env}objects: «{{ A: 1 }}\n"), WrongValue, "list of loads"),
        (
            format!("cutover: 1\nproject: p\n{env}«objcts: []\n{objects}"),
            UnknownKey,
            "did you mean `objects`?",
        ),
        (format!("cutover: 1\nproject: p\nvars: {{ «a-b: c }}\n{env}{objects}"), Variable, "name of a var"),
        (
            format!("cutover: 1\nproject: p\nvars: {{ a«: }}\n{env}{objects}"),
            WrongValue,
            "must be text, not nothing",
        ),
        (
            format!("cutover: 1\nproject: p\nvars: {{ a: «env:TOKEN }}\n{env}{objects}"),
            Environment,
            "under `org:`",
        ),
        (
            format!("cutover: 1\nproject: p\nvars: {{ a: \"x«${{b}}\" }}\n{env}{objects}"),
            Variable,
            "not replaced here",
        ),
        (
            format!("cutover: 1\nproject: p\n{env}include: [«nowhere/*.yaml]\n{objects}"),
            FileMissing,
            "matches no file",
        ),
        (
            format!("cutover: 1\nproject: p\n{env}include: [«cutover.yaml]\n{objects}"),
            Conflict,
            "include itself",
        ),
        (
            format!("cutover: 1\nproject: p\n{env}defaults: {{ on_missing: «skip }}\n{objects}"),
            WrongValue,
            "`hold`",
        ),
        (
            format!("cutover: 1\nproject: p\n{env}defaults: {{ «where: x }}\n{objects}"),
            UnknownKey,
            "`defaults`",
        ),
        (
            format!("cutover: 1\nproject: p\n{env}defaults: {{ source: {{ «file: x }} }}\n{objects}"),
            UnknownKey,
            "`file`",
        ),
        (
            format!("cutover: 1\nproject: p\n{env}defaults: {{ max_failed: «5.5 }}\n{objects}"),
            WrongValue,
            "`5%`",
        ),
        (
            format!("cutover: 1\nproject: p\n{env}defaults: {{ max_failed: «101% }}\n{objects}"),
            WrongValue,
            "100%",
        ),
    ]);
}

#[test]
fn mistakes_of_environments() {
    let objects = "objects: [{ object: A, key: K, source: other.csv, fields: { K: id, T: title } }]\n";
    let whole = |text: &str| format!("cutover: 1\nproject: p\n{text}\n{objects}");
    expect([
        ("environments: «{}", WrongValue, "at least one"),
        ("«environments: { a: { org: { url: https://a, token: env:TOKEN } }, b: { org: { local: org.yaml } } }", Environment, "`a`, `b`"),
        ("environments: { local: «{} }", MissingKey, "needs `org`"),
        ("environments: { «a/b: { org: { local: org.yaml } } }", WrongValue, "name an environment"),
        ("environments: { local: { org: «{} } }", MissingKey, "`url` and `token`"),
        ("environments: { local: { org: «{ url: https://a } } }", MissingKey, "`url` and `token`"),
        ("environments: { local: { org: «{ local: org.yaml, url: https://a } } }", Conflict, "either `local`"),
        ("environments: { local: { org: { local: «gone.yaml } } }", FileMissing, "`gone.yaml`"),
        ("environments: { p: { org: { url: env:URL, token: «00Dsecret } } }", Environment, "write `env:NAME`"),
        ("environments: { p: { org: { url: env:URL, token: «env:MISSING } } }", Environment, "`MISSING` is not set"),
        ("environments: { p: { org: { url: env:URL, token: «env:TO-KEN } } }", Environment, "not the name of"),
        ("environments: { p: { org: { url: «http://acme.example, token: env:TOKEN } } }", WrongValue, "https://"),
        ("environments: { p: { org: { url: «http://localhost:1@evil.example, token: env:TOKEN } } }", WrongValue, "https://"),
        ("environments: { p: { org: «{ sf: a, jwt: {} } } }", Conflict, "not by `sf`, `jwt`"),
        ("environments: { p: { org: { sf: «--json } } }", WrongValue, "no alias or username"),
        ("environments: { p: { org: { sf: «{ alias: a } } } }", WrongValue, "must be text"),
        ("environments: { p: { org: { jwt: «{ username: a, client_id: b, key_file: other.csv } } } }", MissingKey, "needs `login`"),
        ("environments: { p: { org: { jwt: { login: a.example, username: a, client_id: b, key_file: «gone.pem } } } }", FileMissing, "`gone.pem`"),
        ("environments: { p: { org: { jwt: { login: «http://a.example, username: a, client_id: b, key_file: other.csv } } } }", WrongValue, "reached by https"),
        ("environments: { p: { org: { jwt: { login: a.example, username: a, client_id: b, key_file: other.csv, «keyfile: c } } } }", UnknownKey, "`key_file`"),
        ("environments: { p: { org: { client_credentials: { login: «login.salesforce.com, client_id: b, client_secret: env:TOKEN } } } }", WrongValue, "own address only"),
        ("environments: { p: { org: { client_credentials: { login: a.example, client_id: b, client_secret: «hush } } } }", Environment, "does not stand in a manifest"),
        ("environments: { p: { org: { refresh_token: { login: a.example, client_id: b, refresh_token: «hush } } } }", Environment, "a refresh token"),
        ("environments: { p: { org: { refresh_token: { login: a.example, client_id: «env:MISSING, refresh_token: env:TOKEN } } } }", Environment, "`MISSING` is not set"),
        ("environments: { local: { org: { local: org.yaml }, protect: «yes-please } }", WrongValue, "`true` or `false`"),
        ("environments: { local: { org: { local: org.yaml }, org_id: «005000000000001 } }", WrongValue, "begin with `00D`"),
        ("environments: { local: { org: { local: org.yaml }, limits: { parallel_jobs: «0 } } }", WrongValue, "1 or more"),
        ("environments: { local: { org: { local: org.yaml }, limits: { part_rows: «many } } }", WrongValue, "whole number"),
        ("vars: { owner: a }\nenvironments: { local: { org: { local: org.yaml }, vars: { «ower: b } } }", Variable, "`owner`"),
    ].map(|(text, code, piece)| (whole(text), code, piece)));
    let two = format!(
        "cutover: 1\nproject: p\n«environments: {{ uat: {{ org: {{ local: org.yaml }} }} }}\n{objects}"
    );
    assert_eq!(fault(&(two, UnknownName, "did you mean `uat`?"), Some("uatt")), None);
}

#[test]
fn mistakes_of_loads() {
    expect(
        [
            ("source: «gone.csv\n    fields: { K__c: id }", SourceMissing, "`gone.csv`"),
            ("source: «empty.csv\n    fields: { K__c: id }", SourceMissing, "is empty"),
            ("source: «twice.csv\n    fields: { K__c: id }", SourceHeader, "`id`"),
            ("source: «\"[ao]*.csv\"\n    fields: { K__c: id }", SourceHeader, "other columns"),
            (
                "source: { «path: a.csv, file: other.csv }\n    fields: { K__c: id, T: title }",
                UnknownKey,
                "takes `file`",
            ),
            ("source: «{ dir: data }\n    fields: { K__c: id }", MissingKey, "needs `file`"),
            ("source: { «sqlite: s.db }\n    fields: { K__c: id }", NotBuilt, "`sqlite` is not built yet"),
            (
                "source: { file: other.csv, encoding: «utf8x }\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`utf-8`",
            ),
            (
                "source: { file: other.csv, delimiter: «\";;\" }\n    fields: { K__c: id, T: title }",
                WrongValue,
                "one ASCII",
            ),
            (
                "source: «{ file: other.csv, delimiter: \"|\", quote: \"|\" }\n    fields: { K__c: '\"x\"' }",
                Conflict,
                "same character",
            ),
            (
                "source: { file: other.csv, timezone: «Europe/Londn }\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`Europe/London`",
            ),
            (
                "source: { file: other.csv, null_values«: }\n    fields: { K__c: id, T: title }",
                WrongValue,
                "list of texts",
            ),
            (
                "source: other.csv\n    where: «status\n    fields: { K__c: id, T: title }",
                UnknownColumn,
                "`status`",
            ),
            (
                "source: other.csv\n    where: «true\n    fields: { K__c: id, T: title }",
                WrongValue,
                "must be an expression",
            ),
            (
                "source: other.csv\n    duplicates: «ignore\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`stop`",
            ),
            (
                "source: other.csv\n    operation: delete\n    fields: { K__c: id, «T: title }",
                Conflict,
                "a `delete` sends the record's Id alone",
            ),
            (
                "source: other.csv\n    operation: hardDelete\n    fields: { K__c: id, «T: title }",
                Conflict,
                "a `hardDelete` sends",
            ),
            (
                "source: other.csv\n    operation: update\n    fields: { K__c: id, T: «{ from: title, only: create } }",
                Conflict,
                "an `update` creates nothing",
            ),
            (
                "source: other.csv\n    operation: «harddelete\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`hardDelete`?",
            ),
            (
                "source: other.csv\n    operation: «upsrt\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`upsert`?",
            ),
            (
                "source: other.csv\n    too_precise: «truncate\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`too_precise` is one of `round`, `reject`",
            ),
            (
                "source: other.csv\n    api: «rest\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`api` is one of `bulk`, `auto`",
            ),
            (
                "source: other.csv\n    assignment_rule: «Standard\n    fields: { K__c: id, T: title }",
                Conflict,
                "`Account` has no assignment rules to name",
            ),
            (
                "source: other.csv\n    territory_rules: «sometimes\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`true` or `false`",
            ),
            (
                "source: other.csv\n    operation: delete\n    territory_rules: «true\n    fields: { K__c: id }",
                Conflict,
                "created or updated",
            ),
            (
                "source: other.csv\n    overlap: «yes\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`true` or `false`",
            ),
            (
                "source: other.csv\n    pause_after: «contacts\n    fields: { K__c: id, T: title }",
                WrongValue,
                "`true` or `false`",
            ),
            (
                "source: other.csv\n    part_rows: «-1\n    fields: { K__c: id, T: title }",
                WrongValue,
                "whole number",
            ),
            (
                "source: other.csv\n    lock_by: «T\n    fields: { K__c: id, T: title }",
                Conflict,
                "no reference",
            ),
            (
                "source: other.csv\n    lock_by: «U\n    fields: { K__c: id, T: title }",
                UnknownName,
                "has none",
            ),
            (
                "source: other.csv\n    after: [«Acount]\n    fields: { K__c: id, T: title }",
                UnknownName,
                "`Account`?",
            ),
            (
                "source: other.csv\n    after: [«Account]\n    fields: { K__c: id, T: title }",
                Conflict,
                "after itself",
            ),
            (
                "source: other.csv\n    name: «a/b\n    fields: { K__c: id, T: title }",
                WrongValue,
                "name a load",
            ),
            ("source: other.csv\n    fields: «[a]", WrongValue, "mapping of field names"),
            ("source: other.csv\n    fields: { K__c: id, T: title, «k__c: id }", Conflict, "same field"),
            (
                "source: other.csv\n    fields: { K__c: «{ from: id, only: create }, T: title }",
                Conflict,
                "sent with every row",
            ),
            ("source: other.csv\n    fields: { K__c: id, T: title, «T: id }", DuplicateKey, "twice"),
        ]
        .map(|(lines, code, piece)| (with_load(lines), code, piece)),
    );
    expect([
        (
            format!(
                "{HEAD}objects:\n  - «key: K\n    source: other.csv\n    fields: {{ K: id, T: title }}\n"
            ),
            MissingKey,
            "needs `object`",
        ),
        (
            format!(
                "{HEAD}objects:\n  - «object: A\n    source: other.csv\n    fields: {{ K: id, T: title }}\n"
            ),
            MissingKey,
            "external-ID",
        ),
        (
            format!(
                "{HEAD}objects:\n  - object: A\n    key: «[K, L]\n    source: other.csv\n    fields: {{ K: id, T: title }}\n"
            ),
            NotBuilt,
            "several fields",
        ),
        (
            format!(
                "{HEAD}objects:\n  - object: A\n    key: «Kex__c\n    source: other.csv\n    fields: {{ Key__c: id, T: title }}\n"
            ),
            MissingKey,
            "did you mean `Key__c`?",
        ),
        (
            format!("{HEAD}objects:\n  - «object: A\n    key: K\n    fields: {{ K: '\"x\"' }}\n"),
            MissingKey,
            "needs `source`",
        ),
        (
            format!("{HEAD}objects:\n  - «object: A\n    key: K\n    source: a.csv\n"),
            MissingKey,
            "needs `fields`",
        ),
    ]);
}

#[test]
fn mistakes_of_fields() {
    expect(
        [
            ("Name: «true", WrongValue, "{ value: true }"),
            ("Name: «5", WrongValue, "{ value: 5 }"),
            ("Name: «null", WrongValue, "{ value: … }"),
            ("Name«: ", WrongValue, "has no value"),
            ("Name: «[name]", WrongValue, "not a list"),
            ("Name: «Custmer", UnknownColumn, "`Custmer`"),
            ("Name: name ~ «nme", UnknownColumn, "`nme`"),
            ("Name: '\"é\" ~ «nme'", UnknownColumn, "`nme`"),
            ("Name: «\"na\\x6de ~ nme\"", UnknownColumn, "`nme`"),
            ("Name: >-\n        «name\n        ~ nme", UnknownColumn, "`nme`"),
            ("At: { from: 'name | «datetime(\"%d/%m/%Y\")' }", FilterArguments, "zone"),
            ("Name: name | «squsih", UnknownFilter, "`squish`"),
            ("Name: name |«", ExpressionSyntax, ""),
            ("Name: «name + 1", TextArithmetic, "| number"),
            ("Name: { from: name ~ «nme }", UnknownColumn, "`nme`"),
            ("Name: { from: name, when: «nme }", UnknownColumn, "`nme`"),
            ("Name: { from: «5 }", WrongValue, "value: 5"),
            ("Name: «{ default: x }", MissingKey, "`record_type`"),
            ("Name: «{}", MissingKey, "where its value comes from"),
            ("Name: { from: name, «value: x }", Conflict, "exclude each other"),
            ("Name: { from: name, «fallbck: x }", UnknownKey, "`fallback`?"),
            ("Name: { from: name, «fallback: x }", Conflict, "for blanks write `default`"),
            ("Name: { from: name, «unmapped: pass }", Conflict, "`map`"),
            ("Name: { from: name, «on_missing: hold }", Conflict, "`ref`"),
            ("Name: { from: name, «other: blank }", Conflict, "several objects"),
            ("ParentId: { ref: Account, from: name, «other: blank }", Conflict, "several objects"),
            ("Name: { from: name, «match: Email }", Conflict, "`user`"),
            ("Name: { from: name, «type: name }", Conflict, "`ref`"),
            ("Name: { value: x, «map: { a: b } }", Conflict, "as it stands"),
            ("Name: { value«: }", WrongValue, "for an empty text"),
            ("Name: { value: «[a] }", WrongValue, "not a list"),
            ("Name: { value: \"by «${whom}\" }", Variable, "`who`"),
            ("Name: { value: \"by «${who\" }", Variable, "without its `}`"),
            ("Name: '\"by «${who}\"'", Variable, "write `vars.who`"),
            ("Name: { value: «env:TOKEN }", Environment, "under `org:`"),
            ("Name: { from: name, map: { \"«${who}\": x } }", Variable, "not replaced"),
            ("Name: { from: name, map: «{} }", WrongValue, "mapping of values"),
            ("Name: { from: name, map: { a«: } }", WrongValue, "for an empty text"),
            ("Name: { from: name, map: { a: b, «\"a \": c } }", ValueMap, "mapped twice"),
            ("Name: { from: name, map: { «\"\": c } }", ValueMap, "write `default`"),
            ("Name: { from: name, map_file: «maps/gone.csv }", FileMissing, "`maps/gone.csv`"),
            ("Name: { from: name, map: { a: b }, «map_file: maps/good.csv }", Conflict, "exclude each other"),
            ("Name: { from: name, blank: «wipe }", WrongValue, "`clear`"),
            ("Name: { from: name, only: «insert }", WrongValue, "`create`"),
            ("ParentId: { ref: «Acount, from: name }", UnknownName, "did you mean `Account`?"),
            ("ParentId: { ref: «Contact, from: name }", UnknownName, "has a load"),
            ("ParentId: «{ ref: Account }", MissingKey, "needs `from`"),
            ("ParentId: { ref: «{ A: Account, C: Account }, from: name }", MissingKey, "needs `type`"),
            ("ParentId: { ref: «{}, type: type, from: name }", WrongValue, "no object"),
            ("ParentId: { ref: Account, «type: type, from: name }", Conflict, "picks one of several"),
            ("OwnerId: { user: owner, match: «Mail }", WrongValue, "users cannot be matched"),
            ("OwnerId: { user: owner, match: «Emial }", WrongValue, "did you mean `Email`?"),
            ("OwnerId: { user: owner, «inactive: fallback }", Conflict, "add a `fallback`"),
            ("OwnerId: { first_of: «[] }", WrongValue, "is a list"),
            ("OwnerId: { first_of: [«{ match: Email }] }", MissingKey, "has one of"),
            ("OwnerId: { first_of: [«{ queue: owner, user: owner }] }", MissingKey, "has one of"),
            (
                "OwnerId: { first_of: [{ queue: owner }, { user: owner, match: «Mail }] }",
                WrongValue,
                "cannot be matched",
            ),
            ("OwnerId: { first_of: [{ queue: «onwer }] }", UnknownColumn, "`owner`?"),
            ("OwnerId: { first_of: [«{ ref: Account }] }", MissingKey, "needs `from`"),
            ("OwnerId: { first_of: [{ queue: owner, «type: name }] }", Conflict, "beside `ref` only"),
            (
                "OwnerId: { first_of: [{ from: owner, «match: Email }] }",
                Conflict,
                "beside `user` or `lookup`",
            ),
            ("OwnerId: { first_of: [{ «first_of: [{ from: owner }] }] }", UnknownKey, "`first_of`"),
            ("Name: { first_of: [{ value: x }, «{ from: name }] }", Conflict, "nothing comes to this"),
            ("Name: { first_of: [{ from: name }, { value: x }], «default: y }", Conflict, "always there"),
            (
                "Name: { first_of: [{ from: name }, { from: owner }], «fallback: y }",
                Conflict,
                "write `default`",
            ),
            (
                "Name: { first_of: [{ from: name }, { from: owner }], «on_missing: hold }",
                Conflict,
                "look-ups only",
            ),
            (
                "B: { first_of: [{ queue: owner }, { from: name }], «inactive: keep }",
                Conflict,
                "that has one",
            ),
            ("B: { first_of: [{ ref: «Gone, from: name }, { user: owner }] }", UnknownName, "`Gone`"),
            (
                "B: { first_of: [{ ref: Account, from: name }, { value: x }, «{ ref: Account, from: owner }] }",
                Conflict,
                "nothing comes to this",
            ),
            (
                "B: { first_of: [{ ref: Account, from: name }, { value: x }], «fallback: y }",
                Conflict,
                "always there",
            ),
            ("OwnerId: { first_of: [{ queue: owner }], «map: { a: b } }", Conflict, "one text"),
            ("B: { lookup: «Pricebook2 }", MissingKey, "needs `match`"),
            ("B: { lookup: Pricebook2, match: «Name }", WrongValue, "mapping of fields"),
            ("B: { lookup: Pricebook2, match: { Name: «nme } }", UnknownColumn, "`name`?"),
            (
                "B: { lookup: Pricebook2, match: { A: name, B: owner }, «fallback: x }",
                Conflict,
                "several fields",
            ),
            ("B: { lookup: «Account, match: { Name: name } }", NotBuilt, "same as `ref: Account`"),
        ]
        .map(|(line, code, piece)| (with_field(line), code, piece)),
    );
}

#[test]
fn mistakes_between_loads() {
    let load =
        |words: &str| format!("  - {{ {words}, source: other.csv, fields: {{ K: id, L: id, T: title }} }}\n");
    let both = |first: &str, second: &str| format!("{HEAD}objects:\n{}{}", load(first), load(second));
    expect(
        [
            ("object: A, key: K, name: one", "object: «A, key: K", MissingKey, "loaded twice"),
            ("object: A, key: K, name: one", "object: A, key: «L, name: two", Conflict, "different keys"),
            (
                "object: A, key: K, name: one",
                "object: B, key: K, name: «one",
                Conflict,
                "two loads are named",
            ),
            ("object: A, key: K, name: one", "object: B, key: K, name: «One", Conflict, "in case only"),
            ("object: A, key: K, name: B", "object: «B, key: K", Conflict, "two loads are named"),
            ("object: Acc, key: K, name: one", "object: «acc, key: K, name: two", Conflict, "same object"),
            (
                "object: A, key: K, name: one",
                "object: B, key: K, after: [«A]",
                UnknownName,
                "its loads are `one`",
            ),
        ]
        .map(|(first, second, code, piece)| (both(first, second), code, piece)),
    );
}
