// jsforce against the local org: what it sends is its own affair, what it gets back is held here.
import assert from "node:assert/strict";
import jsforce from "jsforce";

// A token is all it needs: no call is made to log in.
const org = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: "62.0",
});
org.bulk2.pollInterval = 50;

const steps = { identity, describe, singleRecord, collections, bulkInsert, bulkUpsert, bulkUpdate, bulkDelete,
  failingRow, failedJob, abortedJob, queryJob, queryPages };
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
  } catch (error) {
    console.error(`${name}:`, error);
    process.exitCode = 1;
  }
}
console.log(process.exitCode ? "NOT all steps held" : `${Object.keys(steps).length} steps held`);

/** The records of a query, without what every record carries; `key` decides their order. */
async function read(soql, key = "Legacy_Id__c") {
  const { records } = await org.query(soql);
  const plain = records.map(({ attributes, ...fields }) => fields);
  return plain.sort((a, b) => (a[key] < b[key] ? -1 : 1));
}

/** Runs a job; result files come in any order, so they are put into that of a column. */
async function load(operation, input, more = {}) {
  const results = await org.bulk2.loadAndWaitForResults({ object: "Account", operation, input, ...more });
  for (const rows of [results.successfulResults, results.failedResults]) {
    rows.sort((a, b) => ((a.Legacy_Id__c ?? a.sf__Id) < (b.Legacy_Id__c ?? b.sf__Id) ? -1 : 1));
  }
  return results;
}

async function identity() {
  const me = await org.identity();
  assert.match(me.user_id, /^005\w{15}$/);
  assert.match(me.organization_id, /^00D\w{15}$/);
  const [user] = await read(`SELECT Id, Username FROM User WHERE Id = '${me.user_id}'`, "Id");
  assert.equal(user.Username, me.username);
  const stranger = new jsforce.Connection({ instanceUrl: process.env.ORG_URL, accessToken: "00Dxx!nobody" });
  await assert.rejects(stranger.query("SELECT Id FROM Account"), { errorCode: "INVALID_SESSION_ID" });
}

async function describe() {
  const { fields } = await org.describe("Account");
  const key = fields.find((field) => field.name === "Legacy_Id__c");
  const { type, length, externalId, unique, custom } = key;
  assert.deepEqual({ type, length, externalId, unique, custom },
    { type: "string", length: 40, externalId: true, unique: true, custom: true });
  const { sobjects } = await org.describeGlobal();
  assert.ok(sobjects.some((object) => object.name === "Contact" && object.keyPrefix === "003"));
}

async function singleRecord() {
  const made = await org.sobject("Account").create({ Name: "Single", Legacy_Id__c: "one", NumberOfEmployees: 7 });
  assert.ok(made.success && /^001\w{15}$/.test(made.id), JSON.stringify(made));
  const record = await org.sobject("Account").retrieve(made.id);
  assert.deepEqual([record.Name, record.NumberOfEmployees, record.Phone], ["Single", 7, null]);
  const changed = await org.sobject("Account").update({ Id: made.id, Phone: "+49 30 1", NumberOfEmployees: null });
  assert.equal(changed.success, true);
  const again = await org.sobject("Account").upsert({ Legacy_Id__c: "one", Name: "Upserted" }, "Legacy_Id__c");
  assert.equal(again.success, true);
  assert.deepEqual(await read("SELECT Name, Phone, NumberOfEmployees FROM Account WHERE Legacy_Id__c = 'one'", "Name"),
    [{ Name: "Upserted", Phone: "+49 30 1", NumberOfEmployees: null }]);
  assert.equal((await org.sobject("Account").destroy(made.id)).success, true);
  await assert.rejects(org.sobject("Account").retrieve(made.id), { errorCode: "NOT_FOUND" });
  await assert.rejects(org.sobject("Account").create({ Phone: "1" }),
    { errorCode: "REQUIRED_FIELD_MISSING", message: "Required fields are missing: [Name]" });
}

async function collections() {
  const both = await org.sobject("Account").create([{ Name: "C1", Legacy_Id__c: "c1" }, { Legacy_Id__c: "c2" }]);
  assert.equal(both[0].success, true);
  assert.deepEqual(both[1].errors.map(({ statusCode, fields }) => [statusCode, fields]),
    [["REQUIRED_FIELD_MISSING", ["Name"]]]);
  const upserted = await org.sobject("Account").upsert(
    [{ Legacy_Id__c: "c1", Name: "C1 again" }, { Legacy_Id__c: "c3", Name: "C3" }], "Legacy_Id__c");
  assert.deepEqual(upserted.map(({ success, created }) => [success, created]), [[true, false], [true, true]]);
  assert.equal(upserted[0].id, both[0].id);
  const updated = await org.sobject("Account").update([{ Id: upserted[1].id, Name: "C3 again" }]);
  assert.equal(updated[0].success, true);
  assert.deepEqual(await read("SELECT Legacy_Id__c, Name FROM Account"),
    [{ Legacy_Id__c: "c1", Name: "C1 again" }, { Legacy_Id__c: "c3", Name: "C3 again" }]);
  const found = await org.sobject("Account").retrieve(upserted.map(({ id }) => id));
  assert.deepEqual(found.map(({ Name }) => Name), ["C1 again", "C3 again"]);
  const gone = await org.sobject("Account").destroy(upserted.map(({ id }) => id));
  assert.deepEqual(gone.map(({ success }) => success), [true, true]);
  assert.deepEqual(await read("SELECT Legacy_Id__c FROM Account"), []);
}

async function bulkInsert() {
  const { successfulResults, failedResults, unprocessedRecords } = await load("insert", [
    { Legacy_Id__c: "b1", Name: 'Müller, "Söhne"', Description: "two\nlines" },
    { Legacy_Id__c: "b2", Name: "Plain", Description: null },
  ]);
  assert.deepEqual(successfulResults.map((row) => [row.sf__Created, row.Name, row.Description]),
    [["true", 'Müller, "Söhne"', "two\nlines"], ["true", "Plain", "#N/A"]]);
  assert.ok(successfulResults.every((row) => /^001\w{15}$/.test(row.sf__Id)));
  assert.deepEqual([failedResults, unprocessedRecords], [[], []]);
  assert.deepEqual(await read("SELECT Legacy_Id__c, Name, Description FROM Account"), [
    { Legacy_Id__c: "b1", Name: 'Müller, "Söhne"', Description: "two\nlines" },
    { Legacy_Id__c: "b2", Name: "Plain", Description: null },
  ]);
}

async function bulkUpsert() {
  const key = { externalIdFieldName: "Legacy_Id__c" };
  const { successfulResults } = await load("upsert", "Legacy_Id__c;Name\r\nb2;Renamed\r\nb3;New\r\n",
    { ...key, columnDelimiter: "SEMICOLON", lineEnding: "CRLF" });
  assert.deepEqual(successfulResults.map((row) => [row.Legacy_Id__c, row.sf__Created]),
    [["b2", "false"], ["b3", "true"]]);
  const child = await org.bulk2.loadAndWaitForResults({ object: "Contact", operation: "upsert", ...key,
    input: [{ Legacy_Id__c: "k1", LastName: "Kind", "Account.Legacy_Id__c": "b3" }] });
  assert.equal(child.successfulResults.length, 1, JSON.stringify(child));
  const [kind] = (await org.query("SELECT LastName, Account.Name FROM Contact WHERE Legacy_Id__c = 'k1'")).records;
  assert.equal(kind.Account.Name, "New");
}

async function bulkUpdate() {
  const ids = (await read("SELECT Id, Legacy_Id__c FROM Account")).map(({ Id }) => Id);
  const { successfulResults } = await load("update", [{ Id: ids[0], Phone: "1" }, { Id: ids[1], Phone: "2" }]);
  assert.deepEqual(successfulResults.map((row) => row.sf__Created), ["false", "false"]);
  assert.deepEqual((await read("SELECT Legacy_Id__c, Phone FROM Account")).map(({ Phone }) => Phone), ["1", "2", null]);
}

async function bulkDelete() {
  const [{ Id }] = await read("SELECT Id, Legacy_Id__c FROM Account WHERE Legacy_Id__c = 'b1'");
  const { successfulResults } = await load("delete", [{ Id }]);
  assert.deepEqual(successfulResults.map((row) => [row.sf__Id, row.sf__Created]), [[Id, "false"]]);
  assert.deepEqual((await read("SELECT Legacy_Id__c FROM Account")).map((row) => row.Legacy_Id__c), ["b2", "b3"]);
  const all = await org.query("SELECT Id, IsDeleted FROM Account WHERE Legacy_Id__c = 'b1'", { scanAll: true });
  assert.deepEqual(all.records.map((row) => row.IsDeleted), [true]);
}

async function failingRow() {
  const { successfulResults, failedResults } = await load("insert",
    [{ Legacy_Id__c: "f1", Name: "Good" }, { Legacy_Id__c: "f2" }, { Legacy_Id__c: "b2", Name: "Twice" }]);
  assert.deepEqual(successfulResults.map((row) => row.Legacy_Id__c), ["f1"]);
  const [b2] = await read("SELECT Id, Legacy_Id__c FROM Account WHERE Legacy_Id__c = 'b2'");
  const short = b2.Id.slice(0, 15);
  assert.deepEqual(failedResults.map((row) => [row.Legacy_Id__c, row.sf__Id, row.sf__Error]), [
    ["b2", "", `DUPLICATE_VALUE:duplicate value found: Legacy_Id__c duplicates value on record with id: ${short}:--`],
    ["f2", "", "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"],
  ]);
}

async function failedJob() {
  await assert.rejects(load("insert", "Name,Nonsense__c\nA,B\n"), /InvalidBatch : Field name not found : Nonsense__c/);
}

async function abortedJob() {
  const job = org.bulk2.createJob({ object: "Account", operation: "insert" });
  assert.equal((await job.open()).state, "Open");
  await job.abort();
  assert.equal((await job.check()).state, "Aborted");
  await job.delete();
  await assert.rejects(job.check(), { errorCode: "NOT_FOUND" });
}

// One page: jsforce dies of two (its issues 1546 and 1693), here as in a real org.
async function queryJob() {
  const rows = await (await org.bulk2.query("SELECT Legacy_Id__c, Name, Phone FROM Account")).toArray();
  rows.sort((a, b) => (a.Legacy_Id__c < b.Legacy_Id__c ? -1 : 1));
  assert.deepEqual(rows, [
    { Legacy_Id__c: "b2", Name: "Renamed", Phone: "2" },
    { Legacy_Id__c: "b3", Name: "New", Phone: "" },
    { Legacy_Id__c: "f1", Name: "Good", Phone: "" },
  ]);
  const all = await (await org.bulk2.query("SELECT Id FROM Account WHERE IsDeleted = true", { scanAll: true })).toArray();
  assert.ok(all.length >= 1, "deleted records are there for queryAll");
}

async function queryPages() {
  const many = Array.from({ length: 450 }, (_, n) => `p${n},Page ${n}`);
  await load("insert", `Legacy_Id__c,Name\n${many.join("\n")}\n`);
  const soql = "SELECT Legacy_Id__c FROM Account WHERE Name LIKE 'Page %' ORDER BY Legacy_Id__c";
  const headers = { "Sforce-Query-Options": "batchSize=200" };
  const first = await org.query(soql, { headers });
  assert.deepEqual([first.done, first.totalSize, first.records.length], [false, 450, 200]);
  const rest = await org.queryMore(first.nextRecordsUrl, { headers });
  assert.equal(rest.records.length, 200);
  const all = await org.query(soql, { headers, autoFetch: true, maxFetch: 1000 });
  assert.equal(new Set(all.records.map((row) => row.Legacy_Id__c)).size, 450);
}
