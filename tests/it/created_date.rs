//! Audit fields: what an `apply` says that may not set them, and what comes of one that may.

use crate::project::Project;

const MANIFEST: &str = "\
cutover: 1
project: dates
environments: { local: { org: { local: org.yaml } } }
objects:
  - object: Contact
    key: Email
    source: people.csv
    fields:
      Email: mail
      LastName: name
      CreatedDate: { from: 'since | datetime(\"%d/%m/%Y %H:%M\", zone=\"UTC\")', only: create }
";
const PEOPLE: &str = "mail,name,since\nada@x.example,Ada,02/01/2019 03:04\nbob@x.example,Bob,\n";

#[test]
fn a_user_without_the_permission_is_told_what_to_ask_for_and_with_it_the_dates_are_kept() {
    let project = Project::of(&[("cutover.yaml", MANIFEST), ("org.yaml", "{}"), ("people.csv", PEOPLE)]);
    let refused = project.run(&["apply", "--yes"]).exits(65).err;
    for said in [
        "`Contact.CreatedDate` is an audit field",
        "cutover.yaml:11",
        "Set Audit Fields upon Record Creation",
    ] {
        assert!(refused.contains(said), "{said}: {refused}");
    }
    assert_eq!(project.count("Contact"), 0);

    project.write("org.yaml", "set_audit_fields: true\n");
    assert_eq!(project.apply(0).outcomes("Contact"), "2 created");
    assert_eq!(project.count("Contact WHERE CreatedDate = 2019-01-02T03:04:00Z"), 1);
    assert_eq!(project.apply(0).outcomes("Contact"), "2 unchanged");
    // An audit field of a record that is there is no business of ours.
    project.set("people.csv", "ada@x.example", "since", "03/01/2019 03:04");
    assert_eq!(project.apply(0).jobs(), []);
}
