//! SOQL of all kinds, over HTTP: whatever is asked, the answer is rows or a refusal with a code; nothing panics, the
//! stack holds, and the database never meets a statement it cannot read.

use super::{Reply, World};
use axum::http::StatusCode;
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

/// Queries that are answered, to be spoilt.
const REAL: &[&str] = &[
    "SELECT Id, Name, Account.Owner.Name FROM Contact WHERE Account.Name LIKE 'a%' ORDER BY Name DESC NULLS LAST LIMIT 5",
    "SELECT Industry, COUNT(Id) n, MAX(CreatedDate) FROM Account GROUP BY Industry ORDER BY COUNT(Id)",
    "select FirstName,(select Name, Amount from Opportunities where Amount > 1.5 limit 3) from Contact",
    "SELECT Id, TYPEOF Who WHEN Contact THEN LastName WHEN Lead THEN Company ELSE Id END, What.Type FROM Event",
    "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName != 'x') AND Name IN ('a', 'b', null)",
    "SELECT FIELDS(CUSTOM), BillingAddress FROM Account a WHERE NOT (a.Vip__c = true OR a.Seen__c >= LAST_N_DAYS:7) LIMIT 9",
    "SELECT toLabel(Tier__c) FROM Account WHERE Tags__c INCLUDES ('Red;Blue') AND Since__c < 2020-01-31 OFFSET 2",
    "SELECT COUNT() FROM Task WHERE Who.Name = 'O\\'Neil' AND CreatedDate = 2020-01-31T10:00:00.000Z",
];

/// What is put into them.
const PIECES: &[&str] = &[
    "(",
    ")",
    ",",
    ".",
    "'",
    "\\",
    "\"",
    ":",
    "=",
    "!=",
    "<",
    ">=",
    " ",
    "\n",
    "é",
    "🦀",
    "\0",
    "%",
    ";",
    "*",
    "-",
    "9",
    "1e999",
    "9999999999999999999999",
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "NULL",
    "true",
    "TODAY",
    "LAST_N_YEARS:99999",
    "N_DAYS_AGO:2147483647",
    "COUNT()",
    "COUNT(Id)",
    "SUM(AnnualRevenue)",
    "GROUP BY Name",
    "ORDER BY Id",
    "LIMIT 1",
    "OFFSET 1",
    "ALL ROWS",
    "FIELDS(ALL)",
    "TYPEOF",
    "END",
    "Id",
    "Owner.Name",
    "What.Name",
    "Parent.Parent.Parent.Name",
    "BillingAddress",
    "(SELECT Id FROM Contacts)",
    "IN (SELECT Id FROM Account)",
    "'\\u0000'",
];

static WORLD: LazyLock<World> = LazyLock::new(World::new);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn encoded(soql: &str) -> String {
    soql.bytes().map(|b| format!("%{b:02X}")).collect()
}

fn is_refusal(reply: &Reply) -> bool {
    let error = &reply.json()[0];
    reply.status == StatusCode::BAD_REQUEST && error["errorCode"].is_string() && error["message"].is_string()
}

fn answered(soql: &str) -> Result<(), TestCaseError> {
    let hex = encoded(soql);
    for path in ["query?q=", "queryAll?columns=true&q="] {
        let reply = runtime().block_on(WORLD.get(&format!("{path}{hex}")));
        let answer = reply.json();
        let rows = answer["records"].is_array() || answer["columnMetadata"].is_array();
        let known = (reply.status == StatusCode::OK && rows) || is_refusal(&reply);
        prop_assert!(known, "{soql}: {} {answer}", reply.status);
    }
    Ok(())
}

/// The same for texts that are longer than an address can be: by a query job, whose SOQL stands in the body.
fn answered_in_bulk(soql: &str) {
    let spec = json!({"operation": "query", "query": soql}).to_string();
    let reply = runtime().block_on(WORLD.send("POST", "jobs/query", spec));
    assert!(
        reply.status == StatusCode::OK || is_refusal(&reply),
        "{soql:.100}: {} {:.300}",
        reply.status,
        reply.text
    );
    if soql.len() < 15_000 {
        answered(soql).unwrap();
    }
}

/// One thing done to a text at a place: a piece put in, a stretch taken out or doubled, the rest cut off.
fn spoil(text: &mut String, (kind, at, piece): (u8, usize, usize)) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let at = places[at % places.len()];
    let end = places
        [places.iter().position(|p| *p == at).unwrap_or(0).saturating_add(piece % 9).min(places.len() - 1)];
    match kind % 5 {
        0 => text.insert_str(at, PIECES[piece % PIECES.len()]),
        1 => text.insert_str(at, &format!(" {} ", PIECES[piece % PIECES.len()])),
        2 => text.replace_range(at..end, ""),
        3 => text.insert_str(at, &text[at..end].to_owned()),
        _ => text.truncate(at),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in ".{0,80}") {
        answered(&text)?;
    }

    #[test]
    fn spoilt_queries_are_answered(
        query in 0..REAL.len(),
        changes in prop::collection::vec((any::<u8>(), any::<usize>(), any::<usize>()), 1..4),
    ) {
        let mut text = REAL[query].to_owned();
        changes.into_iter().for_each(|change| spoil(&mut text, change));
        answered(&text)?;
    }

    #[test]
    fn words_in_any_order_are_answered(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..16)) {
        answered(&format!("SELECT Id FROM Account WHERE {}", pieces.join(" ")))?;
        answered(&pieces.join(" "))?;
    }
}

#[test]
fn deep_queries_are_answered_or_refused() {
    let wrap = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    for times in [1, 30, 58, 61, 3_000, 20_000] {
        for condition in [
            wrap("(", "Name = 'a'", ")", times),
            wrap("NOT ", "Name = 'a'", "", times),
            wrap("(NOT ", "Name = 'a'", ")", times / 2),
            wrap("(Name = 'a' AND (Name = 'b' OR ", "Name = 'c'", "))", times / 2),
            wrap("Id IN (SELECT Id FROM Account WHERE ", "Name = 'a'", ")", times),
            wrap("Name = 'a' OR ", "Name = 'b'", "", times),
        ] {
            answered_in_bulk(&format!("SELECT Id FROM Account WHERE {condition}"));
        }
        for items in [
            wrap("(SELECT ", "Id", " FROM Contacts)", times),
            wrap("toLabel(", "Name", ")", times),
            wrap("Parent.", "Name", "", times),
            wrap("COUNT(Id),", "COUNT(Id)", "", times),
            wrap("", "Id", ",Id", times),
        ] {
            answered_in_bulk(&format!("SELECT {items} FROM Account"));
        }
    }
}

/// What is not spoilt is answered with rows: the tests above would pass in an org that refused all.
#[test]
fn the_real_ones_are_answered() {
    for soql in REAL {
        let found = runtime().block_on(WORLD.get(&format!("query?q={}", encoded(soql)))).json();
        assert!(found["records"].is_array(), "{soql}: {found}");
    }
}
