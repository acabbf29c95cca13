//! The local org's describes against those of real orgs: every fact about every standard field that both have, about
//! the objects themselves, and about their children. Differences stand in a list with their reasons.

use axum::body::Body;
use axum::http::Request;
use cutover::local_org::{LocalOrg, Options, Schema};
use serde_json::{Map, Value};
use std::path::Path;
use tower::ServiceExt;

/// A describe of a real org, by object.
const REAL: &[(&str, &str)] = &[
    ("Account", "cumulusci_Account"),
    ("Contact", "cumulusci_Contact"),
    ("Contact", "amaxa_Contact"),
    ("Lead", "cumulusci_Lead"),
    ("Opportunity", "cumulusci_Opportunity"),
    ("OpportunityContactRole", "cumulusci_OpportunityContactRole"),
    ("Case", "cumulusci_Case"),
    ("Event", "cumulusci_Event"),
    ("Task", "amaxa_Task"),
    ("Attachment", "amaxa_Attachment"),
];

const PORTAL: &str = "the local org has no portal users";

const OLDER: &str = "two real orgs differ; the local org follows the other";

const BYTES: &str = "three bytes a character everywhere; nobody reads it";

/// Differences that are meant: file, `field.fact` or `*.field.fact` for every file, and why.
const KNOWN: &[(&str, &str, &str)] = &[
    ("*", "sobjectDescribeOption", "the older of the real describes come before it"),
    ("*", "User.AccountId of it", PORTAL),
    ("*", "User.ContactId of it", PORTAL),
    (
        "*",
        "CampaignMember.LeadOrContactId of it",
        "the org computes it; CampaignMember is not from a real describe",
    ),
    (
        "cumulusci_Account",
        "RecordTypeId",
        "objects have it from the first record type on; here there is none",
    ),
    ("amaxa_Contact", "LeadSource.length", OLDER),
    ("amaxa_Contact", "LeadSource.byteLength", OLDER),
    ("amaxa_Contact", "LeadSource.picklistValues", OLDER),
    ("cumulusci_Opportunity", "Fiscal.byteLength", BYTES),
    ("cumulusci_Case", "Comments.byteLength", BYTES),
];

/// Facts of an object that are not compared, and why.
const NOT_COMPARED: &[&str] = &[
    "fields",
    // Compared one by one.
    "childRelationships",
    // Words for list views, in the language of the org.
    "supportedScopes",
];

struct World {
    org: LocalOrg,
}

impl World {
    fn new() -> Self {
        let options = Options { base_url: "http://127.0.0.1:1".into(), ..Options::default() };
        Self { org: LocalOrg::open(Schema::standard(), options).unwrap() }
    }

    async fn describe(&self, object: &str) -> Map<String, Value> {
        let request = Request::builder()
            .uri(format!("/services/data/v62.0/sobjects/{object}/describe"))
            .header("authorization", format!("Bearer {}", self.org.access_token()))
            .body(Body::empty())
            .unwrap();
        let answer = self.org.router().oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }
}

fn real(file: &str) -> Map<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/describe/{file}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Whether a fixture, which leaves out what says nothing, says the same.
fn same(real: Option<&Value>, ours: Option<&Value>) -> bool {
    let nothing = |v: &Value| match v {
        Value::Null | Value::Bool(false) => true,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::Array(a) => a.is_empty(),
        _ => false,
    };
    match (real.filter(|v| !nothing(v)), ours.filter(|v| !nothing(v))) {
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(Some(a), Some(b)))
        }
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.keys().chain(b.keys()).all(|key| same(a.get(key), b.get(key)))
        }
        (a, b) => a == b,
    }
}

fn list<'d>(describe: &'d Map<String, Value>, name: &str) -> &'d [Value] {
    describe[name].as_array().unwrap()
}

fn named<'d>(fields: &'d [Value], name: &Value) -> Option<&'d Map<String, Value>> {
    fields.iter().find(|f| f["name"] == *name).and_then(Value::as_object)
}

/// Every difference as file, `field.fact`, and both values.
fn differences(
    file: &str,
    real: &Map<String, Value>,
    ours: &Map<String, Value>,
) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut compare = |what: String, a: Option<&Value>, b: Option<&Value>| {
        if !same(a, b) {
            found.push((file.to_owned(), what, format!("real {a:?}, ours {b:?}")));
        }
    };
    let facts = real.keys().chain(ours.keys().filter(|k| !real.contains_key(*k) && *k != "urls"));
    for fact in facts.filter(|f| !NOT_COMPARED.contains(&f.as_str()) && *f != "recordTypeInfos") {
        compare(fact.clone(), real.get(fact), ours.get(fact));
    }
    for field in list(real, "fields") {
        let name = field["name"].as_str().unwrap();
        let Some(own) = named(list(ours, "fields"), &field["name"]) else {
            compare(name.to_owned(), Some(field), None);
            continue;
        };
        for fact in own.keys().chain(field.as_object().unwrap().keys().filter(|k| !own.contains_key(*k))) {
            compare(format!("{name}.{fact}"), field.get(fact), own.get(fact));
        }
    }
    for child in list(real, "childRelationships") {
        let place = |c: &Value| (c["childSObject"].clone(), c["field"].clone());
        let own = list(ours, "childRelationships").iter().find(|c| place(c) == place(child));
        compare(
            format!("{}.{} of it", child["childSObject"], child["field"]).replace('"', ""),
            Some(child),
            own,
        );
    }
    found
}

#[tokio::test]
async fn describes_agree_with_real_orgs() {
    let world = World::new();
    let (mut unknown, mut used) = (Vec::new(), vec![false; KNOWN.len()]);
    let mut fields = 0;
    for (object, file) in REAL {
        let (real, ours) = (real(file), world.describe(object).await);
        fields += list(&real, "fields").len();
        for (file, what, how) in differences(file, &real, &ours) {
            match KNOWN.iter().position(|(f, w, _)| (*f == "*" || *f == file) && *w == what) {
                Some(place) => used[place] = true,
                None => unknown.push(format!("{file}: {what}: {how}")),
            }
        }
    }
    let stale = KNOWN.iter().zip(used).filter(|(_, used)| !used);
    unknown.extend(stale.map(|((file, what, _), _)| format!("{file}: {what}: agrees; take it off the list")));
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
    assert!(fields > 400, "{fields} fields were compared");
}

#[test]
fn a_difference_would_be_found() {
    let of = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
    let real = of(r#"{"label":"A","fields":[{"name":"N","length":80,"nillable":true},{"name":"M"}],
        "childRelationships":[{"childSObject":"C","field":"AId","relationshipName":"Cs"}]}"#);
    let ours =
        of(r#"{"label":"B","custom":false,"fields":[{"name":"N","length":81,"nillable":true,"unique":true}],
        "childRelationships":[{"childSObject":"C","field":"AId","relationshipName":null}]}"#);
    let found: Vec<String> = differences("f", &real, &ours).into_iter().map(|(_, what, _)| what).collect();
    assert_eq!(found, ["label", "N.length", "N.unique", "M", "C.AId of it"]);
}
