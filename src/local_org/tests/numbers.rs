//! Numbers: kept digit by digit, told as Java writes doubles, in results of jobs, bulk queries and JSON alike.

use super::{LocalOrg, World};
use serde_json::json;

const ORG: &str = "
objects:
  Account:
    fields:
      Old__c: { type: double, precision: 18, scale: 0, external_id: true, unique: true }
      Price__c: { type: currency, precision: 18, scale: 2 }
      Part__c: { type: percent, precision: 8, scale: 6 }
";

fn world() -> World {
    World::with(LocalOrg::schema_from_yaml("org.yaml", ORG).unwrap(), None)
}

const CSV: &str = "Old__c,Name,Price__c,Part__c,NumberOfEmployees\n\
                   16147805824397,A,912260031,0.00001,2676\n7,B,39.75,0.5,12345678\n";

async fn loaded(world: &mut World) -> Vec<String> {
    let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Old__c"});
    let (info, good, bad) = world.run(spec, CSV).await;
    assert_eq!((&info["state"], bad.len()), (&json!("JobComplete"), 0), "{bad:?}");
    good.iter().map(|line| line.split_once(",\"true\",").unwrap().1.to_owned()).collect()
}

#[tokio::test]
async fn results_of_a_job_tell_doubles_as_java_does() {
    let mut lines = loaded(&mut world()).await;
    lines.sort();
    assert_eq!(
        lines,
        [
            r#""1.6147805824397E13","A","9.12260031E8","1.0E-5","2676""#,
            r#""7.0","B","39.75","0.5","12345678""#,
        ]
    );
}

#[tokio::test]
async fn queries_tell_doubles_as_java_does() {
    let mut world = world();
    loaded(&mut world).await;
    let soql = "SELECT Old__c, Price__c, Part__c, NumberOfEmployees FROM Account ORDER BY Old__c";
    let path = format!("query?q={}", soql.replace(' ', "+"));
    let text = world.get(&path).await.text;
    let told =
        r#""Old__c":1.6147805824397E13,"Price__c":9.12260031E8,"Part__c":1.0E-5,"NumberOfEmployees":2676}"#;
    assert!(text.contains(told), "{text}");
    assert!(
        text.contains(r#""Old__c":7.0,"Price__c":39.75,"Part__c":0.5,"NumberOfEmployees":12345678}"#),
        "{text}"
    );
    let spec =
        json!({"operation": "query", "query": "SELECT Old__c, Price__c, NumberOfEmployees FROM Account"});
    let job = world.send("POST", "jobs/query", spec.to_string()).await.json()["id"].clone();
    world.finish();
    let lines = world.get(&format!("jobs/query/{}/results", job.as_str().unwrap())).await.text;
    assert!(lines.contains("\"1.6147805824397E13\",\"9.12260031E8\",\"2676\"\n"), "{lines}");
    assert!(lines.contains("\"7.0\",\"39.75\",\"12345678\"\n"), "{lines}");
}

#[tokio::test]
async fn a_refused_row_is_told_the_same_way_and_one_never_tried_as_it_was_sent() {
    let mut world = world();
    world.org.set_faults(super::faults("{ then: fail_job, rows: 1 }"));
    let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Old__c"});
    let mut csv = String::from("Old__c,Name,Price__c\n80000000,,x\n");
    (0..200).for_each(|n| csv.push_str(&format!("{},N,1\n", 90_000_000 + n)));
    let (info, _, bad) = world.run(spec, &csv).await;
    assert_eq!(info["state"], "Failed");
    assert!(bad.len() == 1 && bad[0].ends_with("\"8.0E7\",\"\",\"x\""), "{bad:?}");
    let id = info["id"].as_str().unwrap();
    let rest = world.get(&format!("jobs/ingest/{id}/unprocessedrecords")).await.text;
    assert_eq!(rest.lines().nth(1), Some("\"90000199\",\"N\",\"1\""), "{rest}");
}

#[tokio::test]
async fn no_digit_is_lost_inside() {
    let mut world = world();
    let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Old__c"});
    let csv = "Old__c,Name,Price__c\n123456789012345678,A,1234567890123456.78\n123456789012345679,B,1234567890123456.79\n";
    let (_, good, bad) = world.run(spec.clone(), csv).await;
    assert_eq!((good.len(), bad.len()), (2, 0), "{bad:?}");
    let rows = |soql: &str| world.org.query(soql).unwrap().rows;
    let text = |texts: &[&str]| texts.iter().map(|t| Some((*t).to_owned())).collect::<Vec<_>>();
    let all = rows("SELECT Name, Old__c, Price__c FROM Account ORDER BY Price__c DESC");
    assert_eq!(all[0], text(&["B", "123456789012345679.0", "1234567890123456.79"]));
    assert_eq!(all[1], text(&["A", "123456789012345678.0", "1234567890123456.78"]));
    let named = |condition: &str| rows(&format!("SELECT Name FROM Account WHERE {condition}"));
    assert_eq!(named("Old__c = 123456789012345678"), [text(&["A"])]);
    assert_eq!(named("Old__c IN (1.23456789012345679E17, 5)"), [text(&["B"])]);
    assert_eq!(named("Price__c > 1234567890123456.78"), [text(&["B"])]);
    assert_eq!(named("Price__c != 1234567890123456.780"), [text(&["B"])]);
    assert_eq!(named("Price__c < 2"), Vec::<Vec<Option<String>>>::new());
    let ends = "SELECT MIN(Price__c), MAX(Old__c), SUM(Part__c) FROM Account";
    assert_eq!(rows(ends)[0][..2], text(&["1234567890123456.78", "123456789012345679.0"]));
    // The same key in other forms finds the same record.
    let (_, good, _) = world.run(spec, "Old__c,Name\n1.23456789012345678E17,C\n").await;
    assert!(good[0].contains("\"false\""), "{good:?}");
}

#[tokio::test]
async fn numbers_are_in_their_own_order() {
    let world = world();
    for (name, price) in [("a", "-20.5"), ("b", "9"), ("c", "10"), ("d", "-3"), ("e", "0.05")] {
        world.send("POST", "sobjects/Account", format!("{{\"Name\":\"{name}\",\"Price__c\":{price}}}")).await;
    }
    world.send("POST", "sobjects/Account", "{\"Name\":\"f\"}").await;
    let names = |soql: &str| {
        let rows = world.org.query(soql).unwrap().rows;
        rows.iter().map(|row| row[0].clone().unwrap()).collect::<String>()
    };
    assert_eq!(names("SELECT Name FROM Account ORDER BY Price__c"), "fadebc");
    assert_eq!(names("SELECT Name FROM Account WHERE Price__c >= -3 ORDER BY Price__c DESC"), "cbed");
    let sums =
        world.org.query("SELECT SUM(Price__c), AVG(Price__c), COUNT(Price__c) FROM Account").unwrap().rows;
    assert_eq!(sums[0].iter().flatten().collect::<Vec<_>>(), ["-4.45", "-0.89", "5"]);
}
