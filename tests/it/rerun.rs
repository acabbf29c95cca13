//! A rerun sends what changed and nothing else, and says what it will send before it does.

use crate::project::Project;

/// A job as `(load, operation, rows)`.
fn job(load: &str, rows: u64) -> (String, String, u64) {
    (load.to_owned(), "upsert".to_owned(), rows)
}

#[test]
fn northwind_delta() {
    let project = Project::example("northwind");
    project.apply(0);
    for customer in ["ALFKI", "BONAP", "WOLZA"] {
        project.set("data/customers.csv", customer, "fax", "0800-changed");
    }
    let row = "ZEBRA,Zebra Provisions,Zoë Zander,Owner,1 Zoo Lane,London,,N1 9GU,UK,(171) 555-0000,\n";
    project.append("data/customers.csv", row);
    let plan = project.run(&["plan", "--detailed-exitcode", "--json"]).exits(2).json();
    let sent = |word: &str| plan["loads"].as_array().unwrap().iter().map(|l| l[word].as_u64().unwrap()).sum();
    assert_eq!((sent("create"), sent("update")), (2, 3));

    let report = project.apply(0);
    for load in report.loads() {
        let expected = match load.as_str() {
            "customers" => "88 unchanged, 1 created, 3 updated".to_owned(),
            "customer_contacts" => "91 unchanged, 1 created".to_owned(),
            other => format!("{} unchanged", report.count(other, "source")),
        };
        assert_eq!(report.outcomes(&load), expected, "{load}");
    }
    assert_eq!(report.jobs(), [job("customer_contacts", 1), job("customers", 4)]);
    assert_eq!(project.count("Account"), 121);
    assert_eq!(project.count("Account WHERE Fax = '0800-changed'"), 3);
    assert_eq!(project.count("Contact WHERE Account.Name = 'Zebra Provisions'"), 1);
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn how_the_manifest_is_written_sends_nothing() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.replace(
        "cutover.yaml",
        "      FirstName: first_name\n      LastName: last_name\n",
        "      LastName: last_name\n      FirstName: first_name\n",
    );
    assert_eq!(project.apply(0).jobs(), [], "fields in another order");
    project.append("cutover.yaml", "# Nothing but a comment.\n");
    assert_eq!(project.apply(0).jobs(), [], "a comment");
    project.replace("cutover.yaml", "Email: email | lower", "Email: '  email|lower '");
    assert_eq!(project.apply(0).jobs(), [], "an expression in other spacing");
    assert_eq!(project.run(&["plan", "--detailed-exitcode"]).code, 0);
}

#[test]
fn a_changed_expression_sends_the_rows_whose_values_change() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.replace("cutover.yaml", "LastName: last_name", "LastName: last_name | upper");
    let plan = project.run(&["plan", "--detailed-exitcode"]).exits(2).out;
    assert_eq!(cells(&plan, "Account"), ["Account", "Account", "6", "6", "0"], "{plan}");
    assert_eq!(cells(&plan, "Contact"), ["Contact", "Contact", "6", "0", "6"], "{plan}");
    assert!(plan.contains("unchanged  update\n"), "{plan}");
    assert!(plan.contains("  Contact: upsert 6 rows, 1 job"), "{plan}");
    assert!(plan.contains("\n6 rows to send in 1 steps."), "{plan}");
    let report = project.apply(0);
    assert_eq!(
        (report.outcomes("Account"), report.outcomes("Contact")),
        ("6 unchanged".into(), "6 updated".into())
    );
    assert_eq!(report.jobs(), [job("Contact", 6)]);
    assert_eq!(project.count("Contact WHERE LastName = 'OKAFOR' AND FirstName = 'Sam'"), 1);
    // One of the six has no address: its value does not change.
    project.replace("cutover.yaml", "email | lower", "email | upper");
    assert_eq!(project.apply(0).jobs(), [job("Contact", 5)]);
}

/// The cells of the first line of a table that begins with a word.
fn cells<'t>(text: &'t str, first: &str) -> Vec<&'t str> {
    let line = text.lines().find(|l| l.split_whitespace().next() == Some(first));
    line.unwrap_or_else(|| panic!("no {first} in {text}")).split_whitespace().collect()
}

#[test]
fn a_new_field_sends_every_row_that_has_it() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.replace(
        "cutover.yaml",
        "      LastName: last_name\n",
        "      LastName: last_name\n      Department: { value: Migrated }\n",
    );
    assert_eq!(project.apply(0).outcomes("Contact"), "6 updated");
    assert_eq!(project.count("Contact WHERE Department = 'Migrated'"), 6);
}

#[test]
fn a_reference_that_moves_is_an_update_and_a_renamed_parent_is_none_of_its_children() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.set("data/people.csv", "P-6", "company_id", "1002");
    project.set("data/companies.csv", "1001", "company", "Aldgate Patisserie");
    let report = project.apply(0);
    assert_eq!(report.jobs(), [job("Account", 1), job("Contact", 1)]);
    let moved = project.query("SELECT Account.Name FROM Contact WHERE Legacy_Id__c = 'P-6'");
    assert_eq!(moved[0]["Account.Name"], "Brück & Söhne");
    let stayed = project.query("SELECT Account.Name FROM Contact WHERE Legacy_Id__c = 'P-1'");
    assert_eq!(stayed[0]["Account.Name"], "Aldgate Patisserie");
}

#[test]
fn a_row_that_left_its_source_is_absent_and_its_record_stays() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.remove_line("data/companies.csv", "1003,");
    let report = project.apply(0);
    assert_eq!((report.count("Account", "absent"), report.count("Contact", "absent")), (1, 0));
    assert_eq!(
        (report.outcomes("Account"), report.outcomes("Contact")),
        ("5 unchanged".into(), "6 unchanged".into())
    );
    assert_eq!(report.jobs(), []);
    let person = project.query("SELECT Account.Name FROM Contact WHERE Legacy_Id__c = 'P-3'");
    assert_eq!(person[0]["Account.Name"], "Cartography, Maps and More");
    let text = project.run(&["status"]).exits(0).out;
    assert!(
        text.contains("Account: 1 landed rows are no longer in the source; left alone, listed in "),
        "{text}"
    );
}

#[test]
fn a_row_that_comes_back_is_known() {
    let project = Project::example("quickstart");
    project.apply(0);
    let before = project.read("data/companies.csv");
    project.remove_line("data/companies.csv", "1003,");
    project.apply(0);
    project.write("data/companies.csv", &before);
    let report = project.apply(0);
    assert_eq!((report.jobs(), report.count("Account", "absent")), (vec![], 0));
}

#[test]
fn a_blank_keeps_what_the_org_has_and_clear_takes_it_away() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.set("data/companies.csv", "1001", "phone", "");
    project.apply(0);
    assert_eq!(project.count("Account WHERE Phone = '020 7946 0018'"), 1, "blank: keep is the default");
    project.replace("cutover.yaml", "Phone: phone", "Phone: { from: phone, blank: clear }");
    project.apply(0);
    assert_eq!(project.count("Account WHERE Phone = '020 7946 0018'"), 0);
    assert_eq!(project.apply(0).jobs(), []);
}

/// spec/run, Deciding: when a mapping change makes all rows go again, the plan says so.
#[test]
fn the_plan_says_that_a_mapping_change_sends_everything_again() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.replace("cutover.yaml", "LastName: last_name", "LastName: last_name | upper");
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert!(
        plan["notes"].as_array().unwrap().iter().any(|n| n.as_str().unwrap().contains("Contact")),
        "{plan}"
    );
}
