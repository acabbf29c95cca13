//! SOQL of all kinds: what is no query is refused, and nothing panics.

use super::compile::Scope;
use super::{SoqlError, prepare};
use crate::local_org::schema::Schema;
use proptest::prelude::*;

fn read(text: &str) -> Result<(), SoqlError> {
    let schema = Schema::standard();
    prepare(&Scope { schema: &schema, now: 0, deleted: false, bulk: false }, text).map(drop)
}

proptest! {
    #[test]
    fn nothing_panics(text in ".{0,80}") {
        let _ = read(&text);
    }

    #[test]
    fn nothing_panics_near_the_grammar(words in prop::collection::vec(
        prop::sample::select(vec![
            "SELECT", "Id", "Name", "FROM", "Account", "Owner.Name", "WHERE", "(", ")", "AND", "OR", "NOT", "IN", "=",
            "!=", "LIKE", "'a\\'", "'b'", "null", "1", "-2.5", "2020-01-01", "2020-01-01T00:00:00Z", ",", "COUNT()",
            "COUNT", "ORDER", "BY", "DESC", "NULLS", "LAST", "LIMIT", "OFFSET", ".", "é", "true", "CreatedDate",
        ]), 0..24)) {
        let text = words.join(" ");
        let _ = read(&text);
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("SELECT Id FROM Account WHERE {}Name = 'a'", "(".repeat(100_000));
    assert!(read(&deep).is_err());
    let nots = format!("SELECT Id FROM Account WHERE {}Name = 'a'", "NOT ".repeat(100_000));
    assert!(read(&nots).is_err());
}
