//! What a good manifest comes to.

use super::{HEAD, errors, load, project, read, read_as, shown, with_field, with_load};
use crate::manifest::{Budget, Duplicates, Migration, Operation, OrgLogin, Verb};
use crate::ports::MemoryFiles;
use crate::transform::{Blank, Inactive, OnMissing, Only, TooLong, TooPrecise, Unmapped};
use proptest::prelude::*;
use secrecy::ExposeSecret;

fn good(text: &str) -> Migration {
    let loaded = read(text);
    assert!(errors(&loaded).is_empty(), "{}", shown(&loaded));
    loaded.migration.unwrap()
}

/// The manifest of the specification without what is not built yet.
pub(super) const ACME: &str = r##"# yaml-language-server: $schema=../../schemas/manifest.schema.json
cutover: 1
project: acme-legacy-crm
vars: { default_owner: ada@acme.example }

environments:
  local: { org: { local: org.yaml } }
  uat:   { org: { url: env:SF_INSTANCE_URL, token: env:SF_ACCESS_TOKEN } }
  prod:
    org: { url: env:PROD_URL, token: env:PROD_TOKEN }
    org_id: 00D5g000004Xyz9EAC
    limits: { parallel_jobs: 2, part_rows: 5000 }
    vars: { default_owner: migration@acme.com }

defaults:
  source: { dir: data, encoding: utf-8, delimiter: ",", null_values: ["", "NULL"], timezone: Europe/London }
  on_missing: hold

include: [objects/*.yaml]
objects:
  - name: customers
    object: Account
    key: Legacy_Id__c
    source: customers.csv
    where: status != "DELETED"
    duplicates: stop
    max_failed: 5%
    fields:
      Legacy_Id__c: '"CUST-" ~ customer_id'
      Name: company_name | squish
      Type: { from: acct_class, map: { C: Customer, P: Prospect } }
      Industry: { from: industry_cd, map_file: maps/industry.csv, fallback: Other }
      AnnualRevenue: revenue_gbp | number
      Description: { from: notes, too_long: truncate }
      Source_System__c: { value: SugarCRM }
      ParentId: { ref: Account, from: parent_acct_id, on_missing: blank }
      RecordTypeId: { record_type: acct_class, map: { C: Customer_Account }, fallback: Customer_Account }
      OwnerId: { user: rep_email, match: Email, default: "${default_owner}", fallback: "${default_owner}", only: create }
      CreatedDate: { from: 'created | datetime("%d/%m/%Y %H:%M")', only: create }
    ignore: [fax, legacy_score]
  - { object: Opportunity, key: Legacy_Id__c, source: deals.csv, fields: { Legacy_Id__c: deal_id, Name: title, StageName: stage, CloseDate: close_date } }
"##;

pub(super) const ACTIVITIES: &str = r#"objects:
  - object: Task
    key: Legacy_Activity_Id__c
    source: activities.csv
    after: [customers]
    lock_by: WhatId
    fields:
      Legacy_Activity_Id__c: activity_id
      Subject: subject | default("(no subject)")
      WhatId: { ref: { ACC: Account, OPP: Opportunity }, type: regarding_type, from: regarding_id }
      OwnerId: { queue: team, fallback: "${default_owner}" }
      Industry__c: { from: industry, map_file: ../maps/industry.csv }
"#;

fn acme() -> MemoryFiles {
    let files = MemoryFiles::default();
    for (path, text) in [
        ("crm/cutover.yaml", ACME),
        ("crm/objects/task.yaml", ACTIVITIES),
        ("crm/org.yaml", "{}"),
        ("crm/maps/industry.csv", "from,to\nMANUF,Manufacturing\n"),
        (
            "crm/data/customers.csv",
            "customer_id,company_name,acct_class,industry_cd,revenue_gbp,notes,parent_acct_id,rep_email,created,status,fax,legacy_score\n",
        ),
        ("crm/data/deals.csv", "deal_id,title,stage,close_date\n"),
        ("crm/data/activities.csv", "activity_id,subject,regarding_type,regarding_id,team,industry\n"),
    ] {
        files.put(path, text.as_bytes());
    }
    files
}

#[test]
fn the_manifest_of_the_specification() {
    let loaded = load(&acme(), "crm/cutover.yaml", None, &|_| None);
    assert_eq!(shown(&loaded), "");
    let migration = loaded.migration.unwrap();
    assert_eq!(migration.environment.name, "local");
    assert!(matches!(&migration.environment.org, OrgLogin::Local { schema } if schema == "crm/org.yaml"));
    assert_eq!(migration.files, ["crm/cutover.yaml", "crm/maps/industry.csv", "crm/objects/task.yaml"]);
    let names: Vec<_> = migration.loads.iter().map(|l| (l.name.as_str(), l.object.as_str())).collect();
    assert_eq!(names, [("customers", "Account"), ("Opportunity", "Opportunity"), ("Task", "Task")]);
    let [customers, _, tasks] = &migration.loads[..] else { panic!() };
    assert_eq!(customers.files, ["crm/data/customers.csv"]);
    assert_eq!(customers.format.null_values, ["", "NULL"]);
    assert_eq!(customers.timezone.as_deref(), Some("Europe/London"));
    assert_eq!((customers.duplicates, customers.max_failed), (Duplicates::Stop, Some(Budget::Percent(5.0))));
    assert_eq!(customers.ignore, ["fax", "legacy_score"]);
    assert_eq!((&tasks.after[..], tasks.lock_by.as_deref()), (&[0][..], Some("WhatId")));
    assert_eq!(tasks.scope().vars["default_owner"], "ada@acme.example");
    let owner = customers.fields.iter().find(|f| f.name == "OwnerId").unwrap();
    assert_eq!((owner.default.as_deref(), owner.only), (Some("ada@acme.example"), Only::Create));
    assert!(matches!(&owner.verb, Verb::User { match_field, .. } if match_field == "Email"));
    assert_eq!(owner.place.to_string(), "crm/cutover.yaml:38:7");
    let what = tasks.fields.iter().find(|f| f.name == "WhatId").unwrap();
    let Verb::Ref { targets, type_expr: Some(type_expr), from } = &what.verb else { panic!("{what:?}") };
    assert_eq!((type_expr.text(), from.text()), ("regarding_type", "regarding_id"));
    assert_eq!((targets[1].tag.as_deref(), targets[1].object.as_str()), (Some("OPP"), "Opportunity"));
}

#[test]
fn another_environment_has_its_own_vars_login_and_limits() {
    let variables = |name: &str| Some(format!("https://{}.example/", name.to_lowercase()));
    let migration = load(&acme(), "crm/cutover.yaml", Some("prod"), &variables).migration.unwrap();
    assert_eq!(migration.vars["default_owner"], "migration@acme.com");
    let environment = &migration.environment;
    assert_eq!((environment.parallel_jobs, environment.part_rows), (2, Some(5000)));
    assert_eq!(environment.org_id.as_deref(), Some("00D5g000004Xyz9EAC"));
    let OrgLogin::Token { url, token } = &environment.org else { panic!() };
    assert_eq!(url, "https://prod_url.example");
    assert_eq!(token.expose_secret(), "https://prod_token.example/");
    assert!(!format!("{migration:?}").contains("prod_token"), "a token is never printed");
}

#[test]
fn every_way_to_log_in() {
    let read = |org: &str| {
        let text = with_field("Name: name").replace("{ local: org.yaml }", org);
        let files = project();
        files.put("cutover.yaml", text.as_bytes());
        files.put("keys/k.pem", b"x");
        let variable = |name: &str| Some(format!("{}.example", name.to_lowercase()));
        let loaded = load(&files, "cutover.yaml", Some("local"), &variable);
        loaded.migration.unwrap_or_else(|| panic!("{org}")).environment.org
    };
    assert!(matches!(read("{ sf: env:ALIAS }"), OrgLogin::Sf { user } if user == "alias.example"));
    let jwt = read(
        "{ jwt: { login: test.salesforce.com, username: a@b, client_id: env:ID, key_file: keys/k.pem } }",
    );
    let OrgLogin::Jwt { login, username, client_id, key_file, key_place } = jwt else { panic!() };
    assert_eq!((login.as_str(), username.as_str()), ("https://test.salesforce.com", "a@b"));
    assert_eq!((client_id.as_str(), key_file.as_str()), ("id.example", "keys/k.pem"));
    assert_eq!(&*key_place.file, "cutover.yaml");
    let elsewhere = "{ jwt: { login: env:L, username: u, client_id: c, key_file: env:KEY } }";
    assert!(matches!(read(elsewhere), OrgLogin::Jwt { key_file, .. } if key_file == "key.example"));
    let client =
        read("{ client_credentials: { login: http://localhost:1/, client_id: c, client_secret: env:S } }");
    let OrgLogin::ClientCredentials { login, client_secret, .. } = client else { panic!() };
    assert_eq!((login.as_str(), client_secret.expose_secret()), ("http://localhost:1", "s.example"));
    let refresh = read("{ refresh_token: { login: env:L, client_id: c, refresh_token: env:R } }");
    assert!(!format!("{refresh:?}").contains("r.example"), "{refresh:?}");
    let OrgLogin::RefreshToken { login, client_secret, refresh_token, .. } = refresh else { panic!() };
    assert_eq!((login.as_str(), refresh_token.expose_secret()), ("https://l.example", "r.example"));
    assert!(client_secret.is_none());
}

#[test]
fn an_environment_variable_that_is_missing_matters_only_where_it_is_used() {
    assert!(load(&acme(), "crm/cutover.yaml", Some("local"), &|_| None).migration.is_some());
    let loaded = load(&acme(), "crm/cutover.yaml", Some("uat"), &|_| None);
    assert_eq!(loaded.diagnostics.len(), 2, "{}", shown(&loaded));
}

#[test]
fn the_only_environment_is_taken_and_a_named_one_is_found() {
    let text = with_field("Name: name")
        .replace("local: {", "uat: {")
        .replace("local: org.yaml", "url: env:URL, token: env:TOKEN");
    assert_eq!(read(&text).migration.unwrap().environment.name, "uat");
    assert_eq!(read_as(&text, Some("uat")).migration.unwrap().environment.name, "uat");
}

#[test]
fn the_most_specific_policy_wins() {
    let text = with_load(
        "source: a.csv
    blank: clear
    unmapped: pass
    ignore: [type, amount, owner]
    fields:
      K__c: id
      Name: { from: name, map: { a: b }, unmapped: blank, too_precise: round }
      ParentId: { ref: Account, from: name }",
    );
    let text = text.replace("objects:", "defaults: { blank: keep, on_missing: reject, too_long: truncate, too_precise: reject, max_failed: 7, duplicates: last }\nobjects:");
    let load = &good(&text).loads[0];
    let [key, name, parent] = &load.fields[..] else { panic!() };
    assert_eq!((key.blank, key.too_long, key.unmapped), (Blank::Clear, TooLong::Truncate, Unmapped::Pass));
    assert_eq!((name.unmapped, parent.on_missing), (Unmapped::Blank, OnMissing::Reject));
    assert_eq!((key.too_precise, name.too_precise), (TooPrecise::Reject, TooPrecise::Round));
    assert_eq!((load.duplicates, load.max_failed), (Duplicates::Last, Some(Budget::Rows(7))));
    assert_eq!(
        (key.inactive, key.only, load.operation),
        (Inactive::Fallback, Only::Always, Operation::Upsert)
    );
}

#[test]
fn text_targets_take_the_raw_text() {
    let load = &good(&with_field("Name: { from: type, map: { NO: 01, 1e3: yes }, fallback: no }")).loads[0];
    let map = load.fields[1].map.as_ref().unwrap();
    assert_eq!((map.get("NO"), map.get("1e3"), map.get("1000")), (Some("01"), Some("yes"), None));
    assert_eq!(load.fields[1].fallback.as_deref(), Some("no"));
    for (written, sent) in
        [("true", "true"), ("007", "007"), ("\"\"", ""), ("'${who}, ${who}'", "ada, ada"), ("1.0", "1.0")]
    {
        let load = &good(&with_field(&format!("Name: {{ value: {written} }}"))).loads[0];
        assert!(matches!(&load.fields[1].verb, Verb::Const(text) if text == sent), "{written}");
    }
}

#[test]
fn included_files_come_after_and_their_paths_are_their_own() {
    let text = format!("{HEAD}include: inc/c*.yaml\n");
    let migration = good(&text);
    assert_eq!(migration.loads[0].object, "Contact");
    assert_eq!(migration.loads[0].files, ["a.csv"], "sources are relative to the folder of `cutover.yaml`");
    assert_eq!(migration.loads[0].place.file.as_ref(), "inc/contacts.yaml");
}

#[test]
fn one_source_may_be_several_files() {
    let files = project();
    files.put("parts/2.csv", b"id,name\n2,b\n");
    files.put("parts/1.csv", b"\xef\xbb\xbfid,name\n1,a\n");
    let text = with_load("source: { file: '*.csv', dir: parts }\n    fields: { K__c: id, Name: name }");
    files.put("cutover.yaml", text.as_bytes());
    let loaded = load(&files, "cutover.yaml", None, &|_| None);
    assert_eq!(shown(&loaded), "");
    assert_eq!(loaded.migration.unwrap().loads[0].files, ["parts/1.csv", "parts/2.csv"]);
}

#[test]
fn two_loads_may_fill_one_object() {
    let one = |name: &str| {
        format!(
            "  - {{ name: {name}, object: A, key: K, source: other.csv, fields: {{ K: id, T: title }} }}\n"
        )
    };
    let migration = good(&format!("{HEAD}objects:\n{}{}", one("one"), one("two")));
    assert_eq!(migration.loads.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        read(&text);
    }

    #[test]
    fn no_tree_makes_it_panic(
        line in 0usize..60,
        cut in 0usize..80,
        put in prop::sample::select(vec!["", "[", "{", "}", ":", "- ", "'", "\"", "${", "${who}", "env:X", "~", "null", "é", "\t", "|\n", "*a", "&a ", "!!x ", "<<: ", "\u{0}"]),
        drop in 0usize..30,
    ) {
        let mut lines: Vec<String> = ACME.lines().chain(ACTIVITIES.lines().skip(1)).map(str::to_owned).collect();
        let line = line % lines.len();
        let chars: Vec<char> = lines[line].chars().collect();
        let cut = cut % (chars.len() + 1);
        let rest = chars[cut..].iter().skip(drop).collect::<String>();
        lines[line] = format!("{}{put}{rest}", chars[..cut].iter().collect::<String>());
        let files = acme();
        files.put("crm/cutover.yaml", lines.join("\n").as_bytes());
        let loaded = load(&files, "crm/cutover.yaml", None, &|_| None);
        let failed = loaded.diagnostics.iter().any(|d| d.is_error());
        prop_assert_eq!(loaded.migration.is_none(), failed);
        let text = files.clone();
        let source = |path: &str| crate::ports::read_text(&text, path).ok();
        crate::diagnostic::render(&loaded.diagnostics, &source, false);
    }
}
