//! What SOQL finds, and in which words it is refused.

use super::World;
use serde_json::{Value, json};

/// Accounts A, B, C with contacts; A's parent is B; one opportunity; the clock stands at 9 September 2024.
async fn crm() -> World {
    let mut world = World::new();
    let accounts = "Ext__c,Name,Score__c,Since__c,Seen__c,Vip__c,Tags__c,Industry,BillingCity,NumberOfEmployees\n\
        B,beta,2,2024-09-08,2024-09-08T23:59:59Z,false,Red,Banking,Bonn,7\n\
        C,Gämma,,,,,,,,\n\
        A,Alpha,1.5,2024-09-09,2024-09-09T00:00:00Z,true,Red;Green,Banking,,5\n";
    assert!(world.upsert("Account", accounts).await.is_empty());
    assert!(world.upsert("Account", "Ext__c,Parent.Ext__c\nA,B\n").await.is_empty());
    let contacts =
        "Ext__c,LastName,FirstName,Account.Ext__c\n1,O'Neil,Ann,A\n2,Bee,,B\n3,Free,Dan,\n4,Cee,,A\n";
    assert!(world.upsert("Contact", contacts).await.is_empty());
    world
}

impl World {
    /// The first column of an answer, as one text; panics on a refusal.
    fn first(&self, soql: &str) -> String {
        let table = self.org.query(soql).unwrap_or_else(|e| panic!("{soql}: {e}"));
        table.rows.iter().map(|row| row[0].clone().unwrap_or_else(|| "-".into())).collect()
    }

    /// The external ids of accounts that meet a condition.
    fn accounts(&self, condition: &str) -> String {
        self.first(&format!("SELECT Ext__c FROM Account WHERE {condition} ORDER BY Ext__c"))
    }

    #[track_caller]
    fn refused(&self, soql: &str, code: &str, text: &str) {
        let error = match self.org.query(soql) {
            Ok(table) => panic!("{soql}: {table:?}"),
            Err(error) => error,
        };
        assert_eq!(error.code, code, "{soql}: {error}");
        assert!(error.message.contains(text), "{soql}: {error}");
    }
}

#[tokio::test]
async fn conditions() {
    let world = crm().await;
    for (condition, expected) in [
        ("Tags__c INCLUDES ('green')", "A"),
        ("Tags__c INCLUDES ('Red;Green', 'Blue')", "A"),
        ("Tags__c includes ('Red')", "AB"),
        ("Tags__c EXCLUDES ('Green')", "BC"),
        ("Id IN (SELECT AccountId FROM Contact)", "AB"),
        ("Id NOT IN (SELECT AccountId FROM Contact WHERE LastName = 'Bee')", "AC"),
        ("Id IN (SELECT c.AccountId FROM Contact c WHERE c.Account.Name = 'beta')", "B"),
        ("ParentId IN (SELECT Id FROM Account WHERE Name = 'beta')", "A"),
        ("ParentId != ''", "A"),
        ("Since__c = TODAY", "A"),
        ("Since__c = YESTERDAY", "B"),
        ("Since__c < today", "B"),
        ("Since__c != TODAY", "BC"),
        ("Since__c = LAST_N_DAYS:1", "AB"),
        ("Since__c = LAST_N_DAYS:0", "A"),
        ("Seen__c = N_DAYS_AGO:1", "B"),
        ("Seen__c >= TODAY", "A"),
        ("Seen__c > TODAY", ""),
        ("Seen__c <= YESTERDAY", "B"),
        ("Seen__c = THIS_MONTH AND Seen__c = THIS_WEEK", "AB"),
        ("CreatedDate = TODAY AND CreatedDate < TOMORROW", "ABC"),
        ("Name = '\\u0041lpha'", "A"),
        ("Name IN ('ALPHA', null)", "A"),
        ("Score__c IN (1.5, 2)", "AB"),
        ("Score__c NOT IN (2, null)", "A"),
        ("NumberOfEmployees IN (5)", "A"),
        ("Vip__c IN (true)", "A"),
        ("Owner.Name LIKE 'local%' AND Parent.Name = 'BETA'", "A"),
        ("(NOT Name LIKE '%a') AND Ext__c <> 'c'", ""),
        ("Name >= 'b' AND (Name < 'c' OR Name = 'gämma')", "BC"),
    ] {
        assert_eq!(world.accounts(condition), expected, "{condition}");
    }
    let ids: Vec<String> = (0..8_000).map(|i| format!("'x{i}'")).collect();
    assert_eq!(world.accounts(&format!("Ext__c IN ({}, 'b')", ids.join(", "))), "B");
}

#[tokio::test]
async fn order_and_aliases() {
    let world = crm().await;
    for (soql, expected) in [
        ("SELECT Ext__c FROM Account ORDER BY Score__c", "CAB"),
        ("SELECT Ext__c FROM Account ORDER BY Score__c DESC NULLS LAST", "BAC"),
        ("SELECT Ext__c FROM Account a ORDER BY a.Parent.Name NULLS LAST, a.Ext__c DESC", "ACB"),
        ("SELECT a.Ext__c FROM Account AS a WHERE a.Name > 'b' ORDER BY Account.Name LIMIT 1", "B"),
        ("SELECT Ext__c FROM Account ORDER BY Ext__c LIMIT 1 OFFSET 2", "C"),
        ("SELECT Ext__c FROM Account LIMIT 0", ""),
        ("SELECT toLabel(Ext__c) FROM Account ORDER BY Ext__c LIMIT 1", "A"),
        ("select tolabel(Tier__c) from Account limit 1", "-"),
    ] {
        assert_eq!(world.first(soql), expected, "{soql}");
    }
}

#[tokio::test]
async fn groups() {
    let world = crm().await;
    let found = world.query("SELECT COUNT(Id) CNT FROM Account").await;
    assert_eq!(
        found,
        json!({"totalSize": 1, "done": true, "records": [{"attributes": {"type": "AggregateResult"}, "CNT": 3}]})
    );
    let soql = "SELECT Industry, COUNT(Id), SUM(Score__c) s, AVG(Score__c), MAX(Since__c) m, MIN(NumberOfEmployees) n, \
                COUNT_DISTINCT(BillingCity) FROM Account GROUP BY Industry ORDER BY COUNT(Id) DESC";
    let found = world.query(soql).await;
    let head = json!({"type": "AggregateResult"});
    assert_eq!(
        found["records"],
        json!([
            {"attributes": head, "Industry": "Banking", "expr0": 2, "s": 3.5, "expr1": 1.75, "m": "2024-09-09",
             "n": 5, "expr2": 1},
            {"attributes": head, "Industry": null, "expr0": 1, "s": null, "expr1": null, "m": null, "n": null,
             "expr2": 0},
        ])
    );
    let soql =
        "SELECT Account.Name, COUNT(Id) n FROM Contact GROUP BY Account.Name ORDER BY Account.Name LIMIT 2";
    let found = world.query(soql).await;
    assert_eq!((&found["records"][1]["Name"], &found["records"][1]["n"]), (&json!("Alpha"), &json!(2)));
    let empty = world.query("SELECT Name FROM Account WHERE Name = 'no' GROUP BY Name").await;
    assert_eq!(empty, json!({"totalSize": 0, "done": true, "records": []}));
}

#[tokio::test]
async fn fields_in_groups() {
    let world = crm().await;
    let found = world.query("SELECT FIELDS(CUSTOM), Name FROM Account WHERE Ext__c = 'a' LIMIT 200").await;
    let record = &found["records"][0];
    assert_eq!(
        (&record["Ext__c"], &record["Name"], &record["Vip__c"]),
        (&json!("A"), &json!("Alpha"), &json!(true))
    );
    assert!(record.get("Id").is_none());
    let found = world.query("SELECT FIELDS(STANDARD) FROM Account").await;
    assert!(found["records"][0].get("Ext__c").is_none() && found["records"][0].get("Industry").is_some());
    let found = world.query("SELECT FIELDS(ALL) FROM Contact LIMIT 1").await;
    assert!(found["records"][0].get("Ext__c").is_some() && found["records"][0].get("Id").is_some());
}

#[tokio::test]
async fn addresses_are_put_together() {
    let world = crm().await;
    let found = world.query("SELECT BillingAddress, ShippingAddress FROM Account WHERE Ext__c = 'b'").await;
    let record = &found["records"][0];
    assert_eq!(
        (&record["BillingAddress"]["city"], &record["BillingAddress"]["street"]),
        (&json!("Bonn"), &json!(null))
    );
    assert_eq!(record["ShippingAddress"], json!(null));
}

#[tokio::test]
async fn children_and_typeof() {
    let mut world = crm().await;
    let soql = "SELECT Name, (SELECT LastName, Account.Name FROM Contacts WHERE LastName != 'x' ORDER BY LastName), \
                Ext__c, (SELECT Id FROM Opportunities) FROM Account ORDER BY Ext__c";
    let found = world.query(soql).await;
    let alpha = &found["records"][0];
    let names: Vec<&str> = alpha["Contacts"]["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["LastName"].as_str().unwrap())
        .collect();
    assert_eq!((names, &alpha["Contacts"]["totalSize"]), (vec!["Cee", "O'Neil"], &json!(2)));
    assert_eq!(alpha["Contacts"]["records"][0]["attributes"]["type"], "Contact");
    assert_eq!(alpha["Contacts"]["records"][0]["Account"]["Name"], "Alpha");
    assert_eq!((&alpha["Opportunities"], &found["records"][2]["Contacts"]), (&json!(null), &json!(null)));
    let keys: Vec<&String> = alpha.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 5, "{keys:?}");

    let spec = json!({"object": "Task", "operation": "insert"});
    world.run(spec, "Subject,Contact:Who.Ext__c,Account:What.Ext__c\nboth,1,A\n").await;
    world.run(json!({"object": "Task", "operation": "insert"}), "Subject\nnone\n").await;
    let soql = "SELECT Subject, TYPEOF Who WHEN Contact THEN LastName, Email WHEN Lead THEN Company ELSE Id END, \
                TYPEOF What WHEN Opportunity THEN StageName ELSE Name END, Who.Type FROM Task ORDER BY Subject";
    let found = world.query(soql).await;
    let task = &found["records"][0];
    assert_eq!(
        (&task["Who"]["LastName"], &task["Who"]["attributes"]["type"]),
        (&json!("O'Neil"), &json!("Contact"))
    );
    assert!(task["Who"].get("Company").is_none() && task["Who"].get("Id").is_none(), "{task}");
    assert_eq!((&task["What"]["Name"], &task["Who"]["Type"]), (&json!("Alpha"), &json!("Contact")));
    assert_eq!(found["records"][1]["Who"], json!(null));
}

/// Every query of the captures and of the recorded clients is answered.
#[tokio::test]
async fn queries_of_real_clients() {
    let world = crm().await;
    for soql in [
        "SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, OrganizationType FROM Organization",
        "select count(Id) from Account",
        "select FirstName,(select Name from Opportunities) from Contact",
        "SELECT Id, DeveloperName FROM RecordType WHERE SObjectType='Account'",
        "SELECT FirstName,LastName FROM User LIMIT 1",
        "SELECT Id, Name, Description, Phone, AccountNumber FROM Account WHERE Name != 'Sample Account for Entitlements'",
        "SELECT Id, TYPEOF Who WHEN Contact THEN LastName, Email WHEN Lead THEN LastName, Company ELSE Id END, TYPEOF \
         What WHEN Account THEN Name, Description, Phone, AccountNumber ELSE Id END, Subject, DurationInMinutes, \
         ActivityDateTime FROM Event",
        "SELECT COUNT(Id) CNT FROM Account",
        "SELECT DeveloperName, Id FROM Group WHERE Type = 'Queue'",
        "SELECT Id, QualifiedApiName, Label, IsEverUpdatable, IsEverCreatable, IsEverDeletable FROM EntityDefinition \
         WHERE IsRetrieveable = true AND IsQueryable = true AND IsIdEnabled = true ORDER BY Label",
    ] {
        let found = world.query(soql).await;
        assert!(found["records"].is_array(), "{soql}: {found}");
    }
    let found = world
        .query("SELECT QualifiedApiName, Label FROM EntityDefinition WHERE QualifiedApiName LIKE '%\\_\\_c'")
        .await;
    assert_eq!(
        (&found["totalSize"], &found["records"][0]["QualifiedApiName"]),
        (&json!(1), &json!("Line__c"))
    );
    world.refused(
        "SELECT Id FROM ScratchOrgInfo limit 1",
        "INVALID_TYPE",
        "sObject type 'ScratchOrgInfo' is not",
    );
    world.refused(
        "SELECT IsPersonAccount FROM Account LIMIT 1",
        "INVALID_FIELD",
        "No such column 'IsPersonAccount'",
    );
}

#[tokio::test]
async fn refusals() {
    let world = crm().await;
    for (soql, code, text) in [
        ("SELECT Name n FROM Account", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        (
            "SELECT Name, COUNT(Id) FROM Account",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Name",
        ),
        ("SELECT COUNT(Id) FROM Account ORDER BY Name", "MALFORMED_QUERY", "Ordered field must be grouped"),
        (
            "SELECT Description, COUNT(Id) FROM Account GROUP BY Description",
            "MALFORMED_QUERY",
            "can not be grouped",
        ),
        (
            "SELECT SUM(Name) FROM Account",
            "MALFORMED_QUERY",
            "field Name does not support aggregate operator SUM",
        ),
        ("SELECT Name, Name FROM Account GROUP BY Name", "MALFORMED_QUERY", "duplicate alias: Name"),
        ("SELECT COUNT() FROM Account GROUP BY Name", "MALFORMED_QUERY", "unexpected token"),
        (
            "SELECT Id FROM Account WHERE Description = 'a'",
            "INVALID_FIELD",
            "can not be filtered in a query call",
        ),
        ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD", "can not be sorted in a query call"),
        ("SELECT Id FROM Account WHERE Id LIKE '001%'", "INVALID_FIELD", "invalid operator on id field"),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
        (
            "SELECT Id FROM Account WHERE CreatedDate > 2020-01-01",
            "INVALID_FIELD",
            "must be of type dateTime and should not",
        ),
        (
            "SELECT Id FROM Account WHERE Since__c = 2020-02-30",
            "INVALID_FIELD",
            "must be of type date and should not",
        ),
        (
            "SELECT Id FROM Account WHERE Score__c = '1'",
            "INVALID_FIELD",
            "must be of type double and should not be",
        ),
        (
            "SELECT Id FROM Account WHERE Name = TODAY",
            "INVALID_FIELD",
            "must be of type string and should be enclosed",
        ),
        ("SELECT Id FROM Account WHERE Name INCLUDES ('a')", "INVALID_FIELD", "multi-select picklist"),
        (
            "SELECT Id FROM Account OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY", "ALL ROWS not allowed in this context"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 201", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        ("SELECT Id, FIELDS(ALL) FROM Account LIMIT 1", "INVALID_FIELD", "duplicate field selected: Id"),
        (
            "SELECT (SELECT Id FROM Contact) FROM Account",
            "INVALID_TYPE",
            "Didn't understand relationship 'Contact' in FROM",
        ),
        (
            "SELECT Id FROM Account WHERE Name IN (SELECT Id FROM Contact)",
            "MALFORMED_QUERY",
            "cannot use: 'Name'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Contact)",
            "MALFORMED_QUERY",
            "'Name' must be an id",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 1)",
            "MALFORMED_QUERY",
            "semi join",
        ),
        (
            "SELECT Id FROM Account WHERE (Name = 'a' AND Id IN (SELECT AccountId FROM Contact)) AND Name = 'a'",
            "MALFORMED_QUERY",
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions.",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a' OR Id IN (SELECT AccountId FROM Contact)",
            "MALFORMED_QUERY",
            "'OR'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Id FROM Account WHERE Id IN (SELECT Id FROM Account))",
            "MALFORMED_QUERY",
            "Nesting of semi join",
        ),
        ("SELECT Id FROM Account ORDER BY COUNT(Id)", "MALFORMED_QUERY", "needs a grouped query"),
        (
            "SELECT Id FROM Account WHERE Name = :name",
            "MALFORMED_QUERY",
            "Bind variables only allowed in Apex code",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a\\x'",
            "MALFORMED_QUERY",
            "Illegal character sequence '\\x' in string",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a",
            "MALFORMED_QUERY",
            "Column:38\nline 1:38 mismatched character '<EOF>' expecting '''",
        ),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT * FROM Account", "MALFORMED_QUERY", "unexpected token: '*'"),
        ("UPDATE Account", "MALFORMED_QUERY", "unexpected token: 'UPDATE'"),
    ] {
        world.refused(soql, code, text);
    }
    let deep = "Parent.".repeat(6);
    world.refused(
        &format!("SELECT {deep}Name FROM Account"),
        "MALFORMED_QUERY",
        "longer than 5 relationships",
    );
    let long = format!("SELECT Id FROM Account WHERE Name = '{}'", "x".repeat(4_001));
    world.refused(&long, "MALFORMED_QUERY", "longer than 4000 characters");
    world.refused(&"x".repeat(100_001), "MALFORMED_QUERY", "longer than 100000 characters");
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = World::new();
    for (soql, what) in [
        ("SELECT Id FROM Account WITH SECURITY_ENFORCED", "WITH"),
        ("SELECT Id FROM Account USING SCOPE mine", "USING SCOPE"),
        ("SELECT Id FROM Account FOR VIEW", "FOR VIEW"),
        ("SELECT Id FROM Account UPDATE TRACKING", "UPDATE TRACKING"),
        ("SELECT Name, COUNT(Id) FROM Account GROUP BY Name HAVING COUNT(Id) > 1", "HAVING"),
        ("SELECT Name FROM Account GROUP BY ROLLUP(Name)", "ROLLUP in GROUP BY"),
        ("SELECT CALENDAR_YEAR(CreatedDate) FROM Account", "CALENDAR_YEAR()"),
        ("SELECT FORMAT(Name) FROM Account", "FORMAT()"),
        ("SELECT Id FROM Account WHERE CALENDAR_YEAR(CreatedDate) = 2020", "CALENDAR_YEAR() in a condition"),
        ("SELECT Id FROM Account a, a.Contacts c", "a list of objects in FROM"),
        (
            "SELECT (SELECT Id, (SELECT Id FROM Cases) FROM Contacts) FROM Account",
            "a query within a child query",
        ),
    ] {
        world.refused(soql, "MALFORMED_QUERY", what);
        world.refused(soql, "MALFORMED_QUERY", "not supported by the local org");
    }
}

/// The place of an error is told as Salesforce does: the words around it, and the field rather than its value.
#[tokio::test]
async fn places() {
    let world = World::new();
    for (soql, message) in [
        (
            "select count() from XYZZY",
            "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\nsObject type 'XYZZY' is not",
        ),
        (
            "select Id, AccountNumber from Account where AccountNumber = 3999",
            "\nAccountNumber from Account where AccountNumber = 3999\n                                 ^\n\
             ERROR at Row:1:Column:45\nvalue of filter criterion for field 'AccountNumber' must be of type string",
        ),
        (
            "SELECT Id\nFROM Account\nWHERE Foo = 1",
            "\nWHERE Foo = 1\n      ^\nERROR at Row:3:Column:7\nNo such column",
        ),
    ] {
        let error = world.org.query(soql).unwrap_err();
        assert!(error.message.starts_with(message), "{}", error.message);
    }
}

#[tokio::test]
async fn the_deleted_are_seen_by_query_all_alone() {
    let mut world = crm().await;
    let id = world.first("SELECT Id FROM Account WHERE Ext__c = 'C'");
    let (_, _, bad) =
        world.run(json!({"object": "Account", "operation": "delete"}), &format!("Id\n{id}\n")).await;
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(world.accounts("Name != null"), "AB");
    let soql = "SELECT+Ext__c,IsDeleted+FROM+Account+ORDER+BY+Ext__c";
    let found: Value = world.get(&format!("queryAll?q={soql}")).await.json();
    assert_eq!((&found["totalSize"], &found["records"][2]["IsDeleted"]), (&json!(3), &json!(true)));
    let found: Value = world.get(&format!("queryAll/?q={soql}+ALL+ROWS")).await.json();
    assert_eq!(found["totalSize"], 3);
    let found: Value = world.get(&format!("query/?q={soql}")).await.json();
    assert_eq!(found["totalSize"], 2);
    assert_eq!(world.upsert("Account", "Ext__c,Name\nC,again\n").await.len(), 0);
}
