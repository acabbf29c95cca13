use super::{compile, parse};
use crate::local_org::schema::Schema;
use proptest::prelude::*;

proptest! {
    #[test]
    fn nothing_panics(text in ".{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn nothing_panics_near_the_grammar(words in prop::collection::vec(
        prop::sample::select(vec![
            "SELECT", "Id", "Name", "FROM", "Account", "Owner.Name", "WHERE", "(", ")", "AND", "OR", "NOT", "IN", "=",
            "!=", "LIKE", "'a\\'", "'b'", "null", "1", "-2.5", "2020-01-01", "2020-01-01T00:00:00Z", ",", "COUNT()",
            "COUNT", "ORDER", "BY", "DESC", "NULLS", "LAST", "LIMIT", "OFFSET", ".", "é", "true", "CreatedDate",
        ]), 0..24)) {
        let text = words.join(" ");
        if let Ok(tree) = parse(&text) {
            let _ = compile(&Schema::standard(), &text, &tree);
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("SELECT Id FROM Account WHERE {}Name = 'a'", "(".repeat(100_000));
    assert!(parse(&deep).is_err());
    let nots = format!("SELECT Id FROM Account WHERE {}Name = 'a'", "NOT ".repeat(100_000));
    assert!(parse(&nots).is_err());
}
