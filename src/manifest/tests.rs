//! What a manifest may say and what is said about its mistakes.

mod digests;
mod good;
mod mistakes;
mod schema;
mod several;

use super::{Loaded, load};
use crate::diagnostic::Diagnostic;
use crate::ports::MemoryFiles;

/// Stands before the place at which a diagnostic is expected.
const HERE: char = '«';

const HEAD: &str =
    "cutover: 1\nproject: p\nvars: { who: ada }\nenvironments: { local: { org: { local: org.yaml } } }\n";

const CONTACTS: &str = "objects:
  - object: Contact
    key: K__c
    source: a.csv
    ignore: [type, amount, owner]
    fields: { K__c: id, LastName: name }
";

const NOT_ONLY_OBJECTS: &str = "vars: { a: b }
objects:
  - { object: Lead, key: K__c, source: other.csv, fields: { K__c: id, LastName: title } }
";

/// A project's files without its manifest.
fn project() -> MemoryFiles {
    let files = MemoryFiles::default();
    for (path, text) in [
        ("org.yaml", "{}"),
        ("a.csv", "id,name,type,amount,owner\n1,Acme,C,5,ada\n"),
        ("odd.csv", "id,Odd Name,2019\n"),
        ("empty.csv", ""),
        ("twice.csv", "id,name,id\n"),
        ("other.csv", "id,title\n"),
        ("maps/good.csv", "from,to\nC,Customer\nP,Prospect\n"),
        ("maps/twice.csv", "from,to\nC,Customer\nP,Prospect\nC,Client\n"),
        ("inc/contacts.yaml", CONTACTS),
        ("inc/vars.yaml", NOT_ONLY_OBJECTS),
    ] {
        files.put(path, text.as_bytes());
    }
    files
}

/// A manifest with this text, the variables `URL` and `TOKEN` set.
fn read(text: &str) -> Loaded {
    read_as(text, None)
}

fn read_as(text: &str, environment: Option<&str>) -> Loaded {
    let files = project();
    files.put("cutover.yaml", text.as_bytes());
    load(&files, "cutover.yaml", environment, &|name| match name {
        "URL" => Some("https://acme.my.salesforce.com/".into()),
        "TOKEN" => Some("00Dxx!secret".into()),
        _ => None,
    })
}

/// One load of `Account` whose other lines are these.
fn with_load(lines: &str) -> String {
    format!("{HEAD}objects:\n  - object: Account\n    key: K__c\n    {lines}\n")
}

/// One load of `Account` with this field beside its key.
fn with_field(line: &str) -> String {
    let ignored = "ignore: [name, type, amount, owner]";
    with_load(&format!("source: a.csv\n    {ignored}\n    fields:\n      K__c: id\n      {line}"))
}

/// The text without its mark, and the line and column that it marks.
fn unmark(text: &str) -> (String, u32, u32) {
    let before = text.split(HERE).next().unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (text.replace(HERE, ""), line as u32, column as u32)
}

fn errors(loaded: &Loaded) -> Vec<&Diagnostic> {
    loaded.diagnostics.iter().filter(|d| d.is_error()).collect()
}

fn shown(loaded: &Loaded) -> String {
    loaded.diagnostics.iter().map(|d| format!("{d}\n")).collect()
}
