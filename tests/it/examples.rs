//! Every example as a user meets it, and the org's records held against the CSV files. The expected values are worked
//! out here from the files, without the product's code: its own rounding, its own joins.

use crate::project::{Output, Project, Row, by};
use std::collections::BTreeMap;

/// Check, plan, apply, plan, apply: everything lands once, and the second time there is nothing to do.
fn loads_and_rests(example: &str, rows: u64) -> Project {
    let project = Project::example(example);
    let check = project.run(&["check"]).exits(0);
    assert!(!check.err.contains("error"), "{}", check.err);
    project.run(&["plan", "--detailed-exitcode"]).exits(2);
    let first = project.apply(0);
    assert_eq!((first.total("source"), first.total("created")), (rows, rows), "{}", first.0);
    assert!(!first.jobs().is_empty());
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    let second = project.apply(0);
    assert_eq!(second.jobs(), []);
    for load in second.loads() {
        assert_eq!(second.count(&load, "unchanged"), second.count(&load, "source"), "{load}");
        assert_eq!(first.count(&load, "source"), second.count(&load, "source"), "{load}");
    }
    project
}

#[test]
fn quickstart() {
    let project = loads_and_rests("quickstart", 12);
    let companies = by(project.csv("data/companies.csv"), "company_id");
    let accounts = project.query("SELECT Legacy_Id__c, Name, Phone, BillingCity FROM Account");
    same(accounts, &["Legacy_Id__c", "Name", "Phone", "BillingCity"], companies.values(), |row| {
        [&row["company_id"], &row["company"], &row["phone"], &row["city"]].map(String::clone).to_vec()
    });
    let columns = ["Legacy_Id__c", "FirstName", "LastName", "Email", "Account.Legacy_Id__c", "Account.Name"];
    let contacts = project.query(&format!("SELECT {} FROM Contact", columns.join(", ")));
    same(contacts, &columns, &project.csv("data/people.csv"), |row| {
        let company = &companies[&row["company_id"]]["company"];
        let mail = row["email"].to_lowercase();
        vec![
            row["person_id"].clone(),
            row["first_name"].clone(),
            row["last_name"].clone(),
            mail,
            row["company_id"].clone(),
            company.clone(),
        ]
    });
}

#[test]
fn cycle() {
    let project = loads_and_rests("cycle", 15);
    let columns = ["Legacy_Id__c", "Name", "Parent.Legacy_Id__c", "Primary_Contact__r.Legacy_Id__c"];
    let accounts = project.query(&format!("SELECT {} FROM Account", columns.join(", ")));
    let parents: BTreeMap<String, String> =
        accounts.iter().map(|a| (a[columns[0]].clone(), a[columns[2]].clone())).collect();
    same(accounts, &columns, &project.csv("data/accounts.csv"), |row| {
        ["account_id", "name", "parent_id", "primary_contact_id"].map(|c| row[c].clone()).to_vec()
    });
    // The loop of the rows is whole in the org: from A over B and C back to A.
    let mut path = vec!["A".to_owned()];
    for _ in 0..3 {
        path.push(parents[path.last().unwrap()].clone());
    }
    assert_eq!(path, ["A", "B", "C", "A"]);
    let columns = ["Legacy_Id__c", "LastName", "Account.Legacy_Id__c"];
    let contacts = project.query(&format!("SELECT {} FROM Contact", columns.join(", ")));
    same(contacts, &columns, &project.csv("data/contacts.csv"), |row| {
        ["contact_id", "last_name", "account_id"].map(|c| row[c].clone()).to_vec()
    });
}

#[test]
fn cycle_fills_its_references_in_a_second_pass() {
    let project = Project::example("cycle");
    let report = project.apply(0);
    let accounts = &report.0["loads"][0];
    assert_eq!((&accounts["name"], &accounts["created"]), (&"accounts".into(), &8.into()));
    assert_eq!(accounts["references"], serde_json::json!({ "filled": 5, "pending": 0, "failed": 0 }));
    let updates: u64 = report.jobs().iter().filter(|j| j.1 == "update").map(|j| j.2).sum();
    assert_eq!(updates, 5, "{:?}", report.jobs());
}

#[test]
fn npsp_links() {
    let project = loads_and_rests("npsp", 17_283);
    // Object, then pairs of a reference in SOQL and its column in the file.
    let tables: [(&str, &[(&str, &str)]); 13] = [
        ("Account", &[]),
        ("Address__c", &[("Household_Account__r", "household_account__c")]),
        ("Contact", &[("Account", "account_id"), ("Primary_Affiliation__r", "primary_affiliation__c")]),
        (
            "npe4__Relationship__c",
            &[
                ("npe4__Contact__r", "npe4__contact__c"),
                ("npe4__RelatedContact__r", "npe4__related_contact__c"),
            ],
        ),
        ("Campaign", &[]),
        ("CampaignMember", &[("Campaign", "campaign_id"), ("Contact", "contact_id")]),
        ("npe03__Recurring_Donation__c", &[("npe03__Contact__r", "npe03__contact__c")]),
        (
            "Opportunity",
            &[
                ("Account", "account_id"),
                ("Primary_Contact__r", "primary_contact__c"),
                ("npe03__Recurring_Donation__r", "npe03__recurring_donation__c"),
                ("Campaign", "campaign_id"),
            ],
        ),
        ("OpportunityContactRole", &[("Opportunity", "opportunity_id"), ("Contact", "contact_id")]),
        ("Partial_Soft_Credit__c", &[("Opportunity__r", "opportunity__c"), ("Contact__r", "contact__c")]),
        ("npe01__OppPayment__c", &[("npe01__Opportunity__r", "npe01__opportunity__c")]),
        ("General_Accounting_Unit__c", &[]),
        (
            "Allocation__c",
            &[
                ("General_Accounting_Unit__r", "general_accounting_unit__c"),
                ("Opportunity__r", "opportunity__c"),
                ("Recurring_Donation__r", "recurring_donation__c"),
            ],
        ),
    ];
    for (object, references) in tables {
        let source = project.csv(&format!("data/{object}.csv"));
        assert_eq!(project.count(object), source.len() as u64, "{object}");
        let mut columns = vec!["Legacy_Id__c".to_owned()];
        columns.extend(references.iter().map(|(r, _)| format!("{r}.Legacy_Id__c")));
        let records = project.query(&format!("SELECT {} FROM {object}", columns.join(", ")));
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        same(records, &columns, &source, |row| {
            let parents = references.iter().map(|(_, column)| row[*column].clone());
            [row["id"].clone()].into_iter().chain(parents).collect()
        });
    }
    npsp_values(&project);
}

/// Record types by their map, amounts, booleans.
fn npsp_values(project: &Project) {
    let types = by(project.csv("data/Account_rt_mapping.csv"), "record_type_id");
    let columns = ["Legacy_Id__c", "Name", "RecordType.DeveloperName", "npe01__SYSTEM_AccountType__c"];
    let accounts = project.query(&format!("SELECT {} FROM Account", columns.join(", ")));
    same(accounts, &columns, &project.csv("data/Account.csv"), |row| {
        let record_type = types[&row["RecordTypeId"]]["developer_name"].clone();
        vec![row["id"].clone(), row["Name"].clone(), record_type, row["npe01__SYSTEM_AccountType__c"].clone()]
    });
    let fields = ["Amount", "CloseDate", "StageName", "npe01__Do_Not_Automatically_Create_Payment__c"];
    let sql = format!("SELECT Legacy_Id__c, {} FROM Opportunity", fields.join(", "));
    let opportunities = by(project.query(&sql), "Legacy_Id__c");
    for row in project.csv("data/Opportunity.csv") {
        let record = &opportunities[&row["id"]];
        assert_eq!(scaled(&record["Amount"], 2), scaled(&row["amount"], 2), "{row:?}");
        let texts = [&row["close_date"], &row["stage_name"], &row["dont_create_payments"]];
        assert_eq!([&record[fields[1]], &record[fields[2]], &record[fields[3]]], texts, "{row:?}");
    }
}

#[test]
fn northwind_equals_its_csv_files() {
    let project = loads_and_rests("northwind", 3_482);
    companies(&project);
    people(&project);
    goods(&project);
    orders(&project);
    order_lines(&project);
    places(&project);
}

fn companies(project: &Project) {
    let columns = [
        "Legacy_Id__c",
        "RecordType.DeveloperName",
        "Name",
        "BillingStreet",
        "BillingCity",
        "BillingState",
        "BillingPostalCode",
        "BillingCountry",
        "Phone",
        "Fax",
        "Legacy_Homepage__c",
    ];
    let accounts = project.query(&format!("SELECT {} FROM Account", columns.join(", ")));
    let expected = |prefix: &str, id: &str, kind: &str, row: &Row| {
        let mut cells = vec![format!("{prefix}-{}", row[id]), kind.to_owned()];
        cells.extend([row["company_name"].clone(), squished(&row["address"])]);
        cells.extend(["city", "region", "postal_code", "country", "phone", "fax"].map(|c| row[c].clone()));
        cells.push(row.get("homepage").cloned().unwrap_or_default());
        cells
    };
    let customers = project.csv("data/customers.csv");
    let suppliers = project.csv("data/suppliers.csv");
    assert_eq!((customers.len(), suppliers.len(), accounts.len()), (91, 29, 120));
    let all = customers.iter().map(|row| expected("CUST", "customer_id", "Customer", row));
    let all = all.chain(suppliers.iter().map(|row| expected("SUPP", "supplier_id", "Supplier", row)));
    same(accounts, &columns, &all.collect::<Vec<_>>(), Vec::clone);
}

fn people(project: &Project) {
    let columns = ["Legacy_Id__c", "Account.Legacy_Id__c", "Account.Name", "LastName", "Title", "Phone"];
    let select = format!("SELECT {} FROM Contact WHERE Account.Name != null", columns.join(", "));
    let of = |prefix: &'static str, id: &'static str| {
        move |row: &Row| {
            let company = format!("{prefix}-{}", row[id]);
            let mut cells = vec![format!("{company}-1"), company];
            cells.extend(["company_name", "contact_name", "contact_title", "phone"].map(|c| row[c].clone()));
            cells
        }
    };
    let all = project.csv("data/customers.csv").iter().map(of("CUST", "customer_id")).collect::<Vec<_>>();
    let more = project.csv("data/suppliers.csv").iter().map(of("SUPP", "supplier_id")).collect::<Vec<_>>();
    same(project.query(&select), &columns, &[all, more].concat(), Vec::clone);
    assert_eq!(project.count("Contact"), 91 + 29 + 9);
    let columns = [
        "Legacy_Id__c",
        "ReportsTo.Legacy_Id__c",
        "FirstName",
        "LastName",
        "Birthdate",
        "Hire_Date__c",
        "MailingStreet",
        "HomePhone",
        "Extension__c",
        "Description",
    ];
    let select = format!("SELECT {} FROM Contact WHERE FirstName != null", columns.join(", "));
    same(project.query(&select), &columns, &project.csv("data/employees.csv"), |row| {
        let boss =
            if row["reports_to"].is_empty() { String::new() } else { format!("EMP-{}", row["reports_to"]) };
        let mut cells = vec![format!("EMP-{}", row["employee_id"]), boss];
        cells.extend(["first_name", "last_name", "birth_date", "hire_date"].map(|c| row[c].clone()));
        cells.push(row["address"].replace("\\n", "\n"));
        cells.extend(["home_phone", "extension"].map(|c| row[c].clone()));
        cells.push(squished(&row["notes"]));
        cells
    });
}

fn goods(project: &Project) {
    let columns = ["Legacy_Id__c", "Name", "Description__c"];
    let select = format!("SELECT {} FROM Category__c", columns.join(", "));
    same(project.query(&select), &columns, &project.csv("data/categories.csv"), |row| {
        ["category_id", "category_name", "description"].map(|c| row[c].clone()).to_vec()
    });
    let columns = [
        "Legacy_Id__c",
        "Name",
        "IsActive",
        "Category__r.Legacy_Id__c",
        "Supplier__r.Legacy_Id__c",
        "Quantity_Per_Unit__c",
    ];
    let numbers = ["List_Price__c", "Units_In_Stock__c", "Units_On_Order__c", "Reorder_Level__c"];
    let select = format!("SELECT {}, {} FROM Product2", columns.join(", "), numbers.join(", "));
    let records = project.query(&select);
    let products = project.csv("data/products.csv");
    let found = by(records.clone(), "Legacy_Id__c");
    same(records, &columns, &products, |row| {
        let active = if row["discontinued"] == "1" { "false" } else { "true" };
        let supplier = format!("SUPP-{}", row["supplier_id"]);
        let [id, name, category, quantity] =
            ["product_id", "product_name", "category_id", "quantity_per_unit"].map(|c| row[c].clone());
        vec![id, name, active.to_owned(), category, supplier, quantity]
    });
    for row in &products {
        let source = ["unit_price", "units_in_stock", "units_on_order", "reorder_level"];
        for ((field, column), scale) in numbers.iter().zip(source).zip([2, 0, 0, 0]) {
            number(&found[&row["product_id"]][*field], &row[column], scale, 0);
        }
    }
    let columns = ["Legacy_Id__c", "Name", "Phone__c"];
    let select = format!("SELECT {} FROM Shipper__c", columns.join(", "));
    same(project.query(&select), &columns, &project.csv("data/shippers.csv"), |row| {
        ["shipper_id", "company_name", "phone"].map(|c| row[c].clone()).to_vec()
    });
}

fn orders(project: &Project) {
    let columns = [
        "Legacy_Id__c",
        "Name",
        "Account.Legacy_Id__c",
        "Account.Name",
        "Owner.EmployeeNumber",
        "Owner.Username",
        "StageName",
        "CloseDate",
        "Required_Date__c",
        "Shipped_Date__c",
        "Shipper__r.Name",
        "Ship_To_Name__c",
        "Ship_To_Street__c",
        "Ship_To_City__c",
        "Ship_To_State__c",
        "Ship_To_Postal_Code__c",
        "Ship_To_Country__c",
    ];
    let records = project.query(&format!("SELECT {}, Freight__c FROM Opportunity", columns.join(", ")));
    let found = by(records.clone(), "Legacy_Id__c");
    let customers = by(project.csv("data/customers.csv"), "customer_id");
    let employees = by(project.csv("data/employees.csv"), "employee_id");
    let shippers = by(project.csv("data/shippers.csv"), "shipper_id");
    let source = project.csv("data/orders.csv");
    assert_eq!(source.len(), 830);
    same(records, &columns, &source, |row| {
        let employee = &employees[&row["employee_id"]];
        let user = format!("{}.{}@northwind.example", employee["first_name"], employee["last_name"]);
        let mut cells = vec![row["order_id"].clone(), format!("Order {}", row["order_id"])];
        cells.push(format!("CUST-{}", row["customer_id"]));
        cells.push(customers[&row["customer_id"]]["company_name"].clone());
        cells.extend([row["employee_id"].clone(), user.to_lowercase(), "Closed Won".to_owned()]);
        cells.extend(["order_date", "required_date", "shipped_date"].map(|c| row[c].clone()));
        cells.extend([shippers[&row["ship_via"]]["company_name"].clone(), row["ship_name"].clone()]);
        cells.push(squished(&row["ship_address"]));
        cells
            .extend(["ship_city", "ship_region", "ship_postal_code", "ship_country"].map(|c| row[c].clone()));
        cells
    });
    for row in &source {
        number(&found[&row["order_id"]]["Freight__c"], &row["freight"], 2, 0);
    }
}

fn order_lines(project: &Project) {
    let columns = ["Legacy_Id__c", "Order__r.Legacy_Id__c", "Product__r.Legacy_Id__c", "Product__r.Name"];
    let numbers = "Unit_Price__c, Quantity__c, Discount__c";
    let records = project.query(&format!("SELECT {}, {numbers} FROM Order_Line__c", columns.join(", ")));
    let found = by(records.clone(), "Legacy_Id__c");
    let products = by(project.csv("data/products.csv"), "product_id");
    let source = project.csv("data/order_details.csv");
    assert_eq!(source.len(), 2_155);
    let key = |row: &Row| format!("{}-{}", row["order_id"], row["product_id"]);
    same(records, &columns, &source, |row| {
        let product = products[&row["product_id"]]["product_name"].clone();
        vec![key(row), row["order_id"].clone(), row["product_id"].clone(), product]
    });
    for row in &source {
        let record = &found[&key(row)];
        number(&record["Unit_Price__c"], &row["unit_price"], 2, 0);
        number(&record["Quantity__c"], &row["quantity"], 0, 0);
        number(&record["Discount__c"], &row["discount"], 2, 2);
    }
}

fn places(project: &Project) {
    let simple = |object: &str, columns: &[&str], file: &str, cells: &[&str]| {
        let records = project.query(&format!("SELECT {} FROM {object}", columns.join(", ")));
        same(records, columns, &project.csv(file), |row| cells.iter().map(|c| row[*c].clone()).collect());
    };
    simple("Region__c", &["Legacy_Id__c", "Name"], "data/region.csv", &["region_id", "region_description"]);
    let columns = ["Legacy_Id__c", "Name", "Region__r.Legacy_Id__c"];
    let cells = ["territory_id", "territory_description", "region_id"];
    simple("Territory__c", &columns, "data/territories.csv", &cells);
    let columns = ["Legacy_Id__c", "Name", "Abbreviation__c", "Part_Of_Country__c"];
    let cells = ["state_id", "state_name", "state_abbr", "state_region"];
    simple("US_State__c", &columns, "data/us_states.csv", &cells);
    let columns = ["Legacy_Id__c", "Employee__r.Legacy_Id__c", "Territory__r.Legacy_Id__c"];
    let records = project.query(&format!("SELECT {} FROM Employee_Territory__c", columns.join(", ")));
    same(records, &columns, &project.csv("data/employee_territories.csv"), |row| {
        let (employee, territory) = (&row["employee_id"], &row["territory_id"]);
        vec![format!("{employee}-{territory}"), format!("EMP-{employee}"), territory.clone()]
    });
}

/// The records, as these columns, are the source rows as `expected` works them out: each once, and no other.
#[track_caller]
fn same<'r, R: 'r>(
    records: Vec<Row>,
    columns: &[&str],
    source: impl IntoIterator<Item = &'r R>,
    expected: impl Fn(&R) -> Vec<String>,
) {
    let mut found: Vec<Vec<String>> =
        records.iter().map(|r| columns.iter().map(|c| r[*c].clone()).collect()).collect();
    let mut wanted: Vec<Vec<String>> = source.into_iter().map(expected).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found.len(), wanted.len(), "records with {columns:?}");
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted, "{columns:?}");
    }
}

/// A number of the org is that of the file times a power of ten, rounded half away from zero to the field's scale.
#[track_caller]
fn number(found: &str, source: &str, scale: usize, shift: usize) {
    assert_eq!(found.is_empty(), source.is_empty(), "{found} from {source}");
    let decimals = found.split_once('.').map_or("", |(_, d)| d.trim_end_matches('0'));
    assert!(decimals.len() <= scale, "{found} from {source}");
    assert_eq!(scaled(found, scale), scaled(source, scale + shift), "{found} from {source}");
}

/// A decimal text times 10^scale, rounded half away from zero.
fn scaled(text: &str, scale: usize) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let padded = format!("{fraction:0<width$}", width = scale + 1);
    let kept: i64 = format!("0{whole}{}", &padded[..scale]).parse().unwrap();
    let up = padded.as_bytes()[scale] >= b'5';
    sign * (kept + i64::from(up))
}

/// White space as one blank, none at the ends.
fn squished(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_yardstick_itself() {
    assert_eq!(
        [scaled("32.3800011", 2), scaled("1.005", 2), scaled("-1.5", 0), scaled("7", 2)],
        [3238, 101, -2, 700]
    );
    assert_eq!([scaled("0.150000006", 4), scaled("", 2), scaled("38.0", 2)], [1500, 0, 3800]);
}

/// The commands of the README's first lines print nothing that looks like trouble.
#[test]
fn a_quiet_apply_says_nothing_but_the_report() {
    let project = Project::example("quickstart");
    let Output { out, err, .. } = project.run(&["apply", "--quiet"]).exits(0);
    assert!(out.contains("run 1 finished"), "{out}");
    assert_eq!(err, "");
}
