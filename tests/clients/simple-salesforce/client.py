"""simple-salesforce against the local org: what it sends is its own affair, what it gets back is held here."""

import csv
import io
import os
import sys
import traceback

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, exceptions

URL, TOKEN = os.environ["ORG_URL"], os.environ["ORG_TOKEN"]


class PlainHttp(HTTPAdapter):
    """simple-salesforce says https whatever it is told; the local org speaks plain http on loopback."""

    def send(self, request, **how):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **how)


def connect(token):
    session = requests.Session()
    session.mount("https://", PlainHttp())
    return Salesforce(instance_url=URL, session_id=token, version="62.0", session=session)


sf = connect(TOKEN)


def records(answer):
    """The records of an answer without their attributes."""
    return [{name: value for name, value in row.items() if name != "attributes"} for row in answer["records"]]


def rows(text):
    """The lines of a result file, in the order of their keys: the org gives them in any."""
    return sorted(csv.DictReader(io.StringIO(text)), key=lambda row: row.get("Legacy_Id__c") or row["sf__Id"])


def load(operation, lines, **more):
    """Runs one job; answers its counts, and the lines of its result files."""
    (told,) = getattr(sf.bulk2.Account, operation)(records=lines, wait=0.05, **more)
    job = told.pop("job_id")
    good = rows(sf.bulk2.Account.get_successful_records(job))
    bad = rows(sf.bulk2.Account.get_failed_records(job))
    assert sf.bulk2.Account.get_unprocessed_records(job).count("\n") == 1, "only the header is unprocessed"
    return told, good, bad


def counts(total, failed=0):
    return {"numberRecordsFailed": failed, "numberRecordsProcessed": total, "numberRecordsTotal": total}


def same(found, expected):
    assert found == expected, f"\nfound    {found}\nexpected {expected}"


def describe():
    fields = {field["name"]: field for field in sf.Account.describe()["fields"]}
    key = fields["Legacy_Id__c"]
    same((key["type"], key["length"], key["externalId"], key["unique"]), ("string", 40, True, True))
    assert "Contact" in [each["name"] for each in sf.describe()["sobjects"]]
    same(sf.Account.metadata()["objectDescribe"]["keyPrefix"], "001")
    assert sf.limits()["DailyApiRequests"]["Max"] > 0
    assert sf.api_usage["api-usage"].used > 0, sf.api_usage


def refused():
    try:
        connect("00Dxx!nobody").query("SELECT Id FROM Account")
    except exceptions.SalesforceExpiredSession as error:
        same(error.content[0]["errorCode"], "INVALID_SESSION_ID")
    else:
        raise AssertionError("a wrong token opened the org")
    try:
        sf.query("SELECT Nonsense__c FROM Account")
    except exceptions.SalesforceMalformedRequest as error:
        same(error.content[0]["errorCode"], "INVALID_FIELD")
    else:
        raise AssertionError("an unknown field was queried")


def single_record():
    made = sf.Account.create({"Name": "Single", "Legacy_Id__c": "one"})
    same(made["success"], True)
    same(sf.Account.update(made["id"], {"Phone": "1"}), 204)
    same(sf.Account.upsert("Legacy_Id__c/one", {"Name": "Upserted"}) in (200, 204), True)
    found = sf.Account.get_by_custom_id("Legacy_Id__c", "one")
    same((found["Id"], found["Name"], found["Phone"]), (made["id"], "Upserted", "1"))
    same(sf.Account.delete(made["id"]), 204)
    try:
        sf.Account.get(made["id"])
    except exceptions.SalesforceResourceNotFound as error:
        same(error.content[0]["errorCode"], "NOT_FOUND")
    else:
        raise AssertionError("a deleted record was read")


def bulk_insert():
    told, good, bad = load("insert", [
        {"Legacy_Id__c": "a1", "Name": 'Müller, "Söhne"', "NumberOfEmployees": 3},
        {"Legacy_Id__c": "a2", "Name": "Plain", "NumberOfEmployees": None},
    ])
    same((told, bad), (counts(2), []))
    same([row["sf__Created"] for row in good], ["true", "true"])
    answer = sf.query("SELECT Id, Name, NumberOfEmployees FROM Account ORDER BY Legacy_Id__c")
    same(records(answer), [
        {"Id": good[0]["sf__Id"], "Name": 'Müller, "Söhne"', "NumberOfEmployees": 3},
        {"Id": good[1]["sf__Id"], "Name": "Plain", "NumberOfEmployees": None},
    ])


def bulk_upsert():
    lines = [{"Legacy_Id__c": "a2", "Name": "Renamed"}, {"Legacy_Id__c": "a3", "Name": "New"}]
    told, good, bad = load("upsert", lines, external_id_field="Legacy_Id__c")
    same((told, bad), (counts(2), []))
    same([(row["Legacy_Id__c"], row["sf__Created"]) for row in good], [("a2", "false"), ("a3", "true")])


def bulk_update():
    ids = [row["Id"] for row in records(sf.query("SELECT Id FROM Account ORDER BY Legacy_Id__c"))]
    told, good, _ = load("update", [{"Id": each, "Phone": f"+49 {at}"} for at, each in enumerate(ids)])
    same((told, sorted(row["sf__Id"] for row in good)), (counts(3), sorted(ids)))
    answer = sf.query("SELECT Name, Phone FROM Account ORDER BY Legacy_Id__c")
    same([tuple(row.values()) for row in records(answer)],
         [('Müller, "Söhne"', "+49 0"), ("Renamed", "+49 1"), ("New", "+49 2")])


def failing_rows():
    told, good, bad = load("insert", [
        {"Legacy_Id__c": "f1", "Name": "Good"}, {"Legacy_Id__c": "f2", "Name": None},
        {"Legacy_Id__c": "f3", "Name": "Wrong", "NumberOfEmployees": "many"},
    ])
    same((told, [row["Name"] for row in good]), (counts(3, failed=2), ["Good"]))
    same([(row["sf__Id"], row["sf__Error"]) for row in bad], [
        ("", "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"), ("", bad[1]["sf__Error"])])
    column = list(bad[1])[2:].index("NumberOfEmployees")
    same(bad[1]["sf__Error"], f"INVALID_FIELD:Failed to deserialize field at col {column}. Due to, 'many' is not a "
         "valid value for the type xsd:int:NumberOfEmployees --")


def failed_job():
    try:
        sf.bulk2.Account.insert(records=[{"Name": "A", "Nonsense__c": "B"}], wait=0.05)
    except exceptions.SalesforceOperationError as error:
        assert "InvalidBatch : Field name not found : Nonsense__c" in str(error), error
    else:
        raise AssertionError("an unknown column was taken")


def bulk_delete():
    (gone,) = records(sf.query("SELECT Id FROM Account WHERE Legacy_Id__c = 'f1'"))
    told, good, _ = load("delete", [{"Id": gone["Id"]}])
    same((told, [row["sf__Id"] for row in good]), (counts(1), [gone["Id"]]))
    same(sf.query("SELECT Id FROM Account WHERE Legacy_Id__c = 'f1'")["totalSize"], 0)
    answer = sf.query("SELECT IsDeleted FROM Account WHERE Legacy_Id__c = 'f1'", include_deleted=True)
    same(records(answer), [{"IsDeleted": True}])


def bulk_query_in_pages():
    soql = "SELECT Legacy_Id__c, Name, Phone FROM Account WHERE Legacy_Id__c LIKE 'a%'"
    pages = [rows(page) for page in sf.bulk2.Account.query(soql, max_records=2, wait=0.05)]
    same([len(page) for page in pages], [2, 1])
    found = sorted((row["Legacy_Id__c"], row["Name"], row["Phone"]) for page in pages for row in page)
    same(found, [("a1", 'Müller, "Söhne"', "+49 0"), ("a2", "Renamed", "+49 1"), ("a3", "New", "+49 2")])
    soql = "SELECT Legacy_Id__c FROM Account WHERE Legacy_Id__c IN ('a1', 'f1')"
    (page,) = sf.bulk2.Account.query_all(soql, wait=0.05)
    same([row["Legacy_Id__c"] for row in rows(page)], ["a1", "f1"])


def query_all():
    lines = [{"Legacy_Id__c": f"p{at}", "Name": f"Page {at}"} for at in range(2_100)]
    same(load("insert", lines)[0], counts(2_100))
    found = sf.query_all("SELECT Legacy_Id__c FROM Account WHERE Name LIKE 'Page %'")
    same((found["totalSize"], found["done"]), (2_100, True))
    same({row["Legacy_Id__c"] for row in records(found)}, {line["Legacy_Id__c"] for line in lines})
    same(sum(1 for _ in sf.query_all_iter("SELECT Id FROM Account WHERE Name LIKE 'Page %'")), 2_100)


STEPS = [describe, refused, single_record, bulk_insert, bulk_upsert, bulk_update, failing_rows, failed_job,
         bulk_delete, bulk_query_in_pages, query_all]
failed = 0
for step in STEPS:
    try:
        step()
    except Exception:
        failed += 1
        print(f"{step.__name__}:")
        traceback.print_exc(file=sys.stdout)
print(f"{len(STEPS) - failed} of {len(STEPS)} steps held")
sys.exit(failed)
