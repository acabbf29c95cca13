//! Assignment rules: active ones run on what REST calls write unless a header says otherwise, and on rows of a job only
//! where it names one.

use super::{LocalOrg, World};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

const ORG: &str = "
objects:
  Case:
    fields:
      Ext__c: { type: string, length: 40, external_id: true, unique: true }
queues:
  - { name: Support, objects: [Case] }
  - { name: Nights, objects: [Case] }
assignment_rules:
  - { name: Standard, object: Case, owner: Support, active: true }
  - { name: After hours, object: Case, owner: Nights }
territories: [West]
";

fn world() -> World {
    World::with(LocalOrg::schema_from_yaml("org.yaml", ORG).unwrap(), None)
}

impl World {
    async fn told(&self, method: &str, path: &str, assign: Option<&str>, body: Value) -> Value {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/services/data/v62.0/{path}"))
            .header("authorization", format!("Bearer {}", self.org.access_token()));
        if let Some(assign) = assign {
            request = request.header("sforce-auto-assign", assign);
        }
        let response =
            self.org.router().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn names(&self, soql: &str) -> Vec<String> {
        self.org.query(soql).unwrap().rows.concat().into_iter().flatten().collect()
    }
}

#[tokio::test]
async fn calls_run_the_active_rule_unless_they_say_otherwise() {
    let world = world();
    let rule =
        world.names("SELECT Id FROM AssignmentRule WHERE Name = 'After hours' AND SobjectType = 'Case'");
    assert_eq!(world.names("SELECT Name FROM AssignmentRule WHERE Active = true"), ["Standard"]);
    for (assign, owner) in [
        (None, "Support"),
        (Some("true"), "Support"),
        (Some("FALSE"), "Local Admin"),
        (Some(rule[0].as_str()), "Nights"),
    ] {
        let made = world.told("POST", "sobjects/Case", assign, json!({"Subject": "s"})).await;
        let id = made["id"].as_str().unwrap();
        let owned = format!("SELECT Owner.Name FROM Case WHERE Id = '{id}'");
        assert_eq!(world.names(&owned), [owner], "{assign:?}");
        let record = json!({"records": [{"attributes": {"type": "Case"}, "Id": id, "Subject": "t"}]});
        world.told("PATCH", "composite/sobjects", Some("FALSE"), record.clone()).await;
        assert_eq!(world.names(&owned), [owner], "an update that says no");
        world.told("PATCH", "composite/sobjects", Some(&rule[0]), record.clone()).await;
        assert_eq!(world.names(&owned), [owner], "a rule that is named runs on created records");
        world.told("PATCH", "composite/sobjects", None, record).await;
        assert_eq!(world.names(&owned), ["Support"], "the active one runs on updates too");
    }
}

#[tokio::test]
async fn a_job_runs_the_rule_that_it_names_and_no_other() {
    let mut world = world();
    let rule = world.names("SELECT Id FROM AssignmentRule WHERE Name = 'After hours'");
    let spec = json!({"object": "Case", "operation": "upsert", "externalIdFieldName": "Ext__c"});
    world.run(spec.clone(), "Ext__c,Subject\n1,s\n").await;
    let mut named = spec;
    named["assignmentRuleId"] = json!(rule[0]);
    world.run(named, "Ext__c,Subject\n1,t\n2,s\n").await;
    assert_eq!(world.names("SELECT Owner.Name FROM Case ORDER BY Ext__c"), ["Local Admin", "Nights"]);
}

#[tokio::test]
async fn territory_rules_run_on_accounts_of_calls() {
    let mut world = world();
    let count = |world: &World| world.names("SELECT Territory2.Name FROM ObjectTerritory2Association").len();
    world.told("POST", "sobjects/Account", Some("FALSE"), json!({"Name": "A"})).await;
    world.run(json!({"object": "Account", "operation": "insert"}), "Name\nB\n").await;
    assert_eq!(count(&world), 0);
    let made = world.told("POST", "sobjects/Account", None, json!({"Name": "C"})).await;
    assert_eq!(count(&world), 1);
    let path = format!("sobjects/Account/{}", made["id"].as_str().unwrap());
    world.told("PATCH", &path, Some("TRUE"), json!({"Name": "D"})).await;
    assert_eq!(count(&world), 1, "it belongs to the territory already");
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let file = "queues: [{ name: Support, objects: [Case] }]\nassignment_rules:\n";
    for (rule, why) in [
        ("  - { name: A, object: Account, owner: Support }", "`Account`"),
        ("  - { name: A, object: Case, owner: Suport }", "no queue and no user"),
        ("  - { object: Case, owner: Support }", "`name`"),
        (
            "  - { name: A, object: Case, owner: Support }\n  - { name: a, object: Case, owner: Support }",
            "stands twice",
        ),
        (
            "  - { name: A, object: Case, owner: Support, active: true }\n  - { name: B, object: Case, owner: Support, active: true }",
            "two active",
        ),
        ("  []\nterritories: [a b]", "DeveloperName"),
    ] {
        let problems = LocalOrg::schema_from_yaml("org.yaml", &format!("{file}{rule}\n")).unwrap_err();
        assert!(problems.iter().any(|p| p.to_string().contains(why)), "{rule}: {problems:?}");
    }
}
