// The sf CLI against the local org: what it sends is its own affair, what it tells is held here.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const work = process.env.CLIENT_WORK;
// A home of its own: it keeps logins and jobs there.
const home = mkdtempSync(join(work, "home-"));
const env = { ...process.env, HOME: home, SF_ACCESS_TOKEN: process.env.ORG_TOKEN, SF_USE_GENERIC_UNIX_KEYCHAIN: "true",
  SF_DISABLE_TELEMETRY: "true", SF_AUTOUPDATE_DISABLE: "true", SF_SKIP_NEW_VERSION_CHECK: "true" };

const steps = { login, bulkUpsert, bulkUpdate, failingRow, bulkDelete, exportBulk, singleRecord, tree, describe };
for (const [name, step] of Object.entries(steps)) {
  try {
    step();
  } catch (error) {
    console.error(`${name}:`, error);
    process.exitCode = 1;
  }
}
console.log(process.exitCode ? "NOT all steps held" : `${Object.keys(steps).length} steps held`);

/** Runs a command; what it tells as JSON, whether it did well or not. */
function sf(command, ...words) {
  const args = [join(work, "node_modules/@salesforce/cli/bin/run.js"), ...command.split(" "), ...words, "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, cwd: home, encoding: "utf8", timeout: 60_000 });
  assert.ok(stdout.startsWith("{"), `${command}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}

/** The result of a command that does well. */
function done(command, ...words) {
  const told = sf(command, ...words);
  assert.equal(told.status, 0, JSON.stringify(told));
  return told.result;
}

function query(soql) {
  return done("data query -q", soql).records.map(({ attributes, ...fields }) => fields);
}

/** A file in the CLI's folder. */
function file(name, text) {
  writeFileSync(join(home, name), text);
  return name;
}

function read(name) {
  return readFileSync(join(home, name), "utf8");
}

function login() {
  const told = done("org login access-token --no-prompt --set-default --instance-url", process.env.ORG_URL);
  assert.match(told.orgId, /^00D\w{15}$/);
  const shown = done("org display");
  assert.deepEqual([shown.connectedStatus, shown.username], ["Connected", told.username]);
}

function bulkUpsert() {
  const rows = file("in.csv", 'Legacy_Id__c,Name\nE1,"Acc, ""1"""\nE2,Two\n');
  const { jobInfo } = done("data upsert bulk -s account -i Legacy_Id__c -w 5 -f", rows);
  assert.deepEqual([jobInfo.object, jobInfo.numberRecordsProcessed, jobInfo.numberRecordsFailed], ["Account", 2, 0]);
  const tabs = file("in.tsv", "Legacy_Id__c\tName\r\nE2\tRenamed\r\nE3\tThree\r\n");
  done("data upsert bulk -s Account -i Legacy_Id__c -w 5 --column-delimiter TAB --line-ending CRLF -f", tabs);
  assert.deepEqual(query("SELECT Legacy_Id__c, Name FROM Account ORDER BY Legacy_Id__c"), [
    { Legacy_Id__c: "E1", Name: 'Acc, "1"' },
    { Legacy_Id__c: "E2", Name: "Renamed" },
    { Legacy_Id__c: "E3", Name: "Three" },
  ]);
}

function bulkUpdate() {
  const [{ Id }] = query("SELECT Id FROM Account WHERE Legacy_Id__c = 'E2'");
  done("data update bulk -s Account -w 5 -f", file("update.csv", `Id,Phone\n${Id},+49 1\n`));
  assert.deepEqual(query("SELECT Phone FROM Account WHERE Legacy_Id__c = 'E2'"), [{ Phone: "+49 1" }]);
}

function failingRow() {
  const told = sf("data import bulk -s Account -w 5 -f", file("bad.csv", "Legacy_Id__c,Name\nF1,Good\nF2,\n"));
  assert.deepEqual([told.name, told.status], ["FailedRecordDetailsError", 1]);
  const results = done("data bulk results -i", told.data.jobId);
  assert.deepEqual([results.processedRecords, results.failedRecords], [2, 1]);
  const [, line] = read(results.failedFilePath).split("\n");
  assert.equal(line, '"","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --","F2",""');
}

function bulkDelete() {
  const [{ Id }] = query("SELECT Id FROM Account WHERE Legacy_Id__c = 'F1'");
  done("data delete bulk -s Account -w 5 -f", file("delete.csv", `Id\n${Id}\n`));
  assert.deepEqual(query("SELECT Id FROM Account WHERE Legacy_Id__c = 'F1'"), []);
}

function exportBulk() {
  const soql = "SELECT Legacy_Id__c, Name FROM Account ORDER BY Legacy_Id__c";
  done("data export bulk -r csv -w 5 --output-file out.csv -q", soql);
  assert.equal(read("out.csv").trim(), '"Legacy_Id__c","Name"\n"E1","Acc, ""1"""\n"E2","Renamed"\n"E3","Three"');
}

function singleRecord() {
  const { id } = done("data create record -s Account -v", "Name='One by one' Phone=1");
  const record = done("data get record -s Account -i", id);
  assert.deepEqual([record.Name, record.Phone], ["One by one", "1"]);
  done("data delete record -s Account -i", id);
  assert.notEqual(sf("data get record -s Account -i", id).status, 0);
}

function tree() {
  const contact = { attributes: { type: "Contact", referenceId: "C1" }, LastName: "Child" };
  const account = { attributes: { type: "Account", referenceId: "A1" }, Name: "Tree", Contacts: { records: [contact] } };
  const made = done("data import tree -f", file("tree.json", JSON.stringify({ records: [account] })));
  assert.deepEqual(made.map((each) => each.refId), ["A1", "C1"]);
  const [child] = query("SELECT LastName, Account.Name FROM Contact");
  assert.deepEqual([child.LastName, child.Account.Name], ["Child", "Tree"]);
}

function describe() {
  const { fields } = done("sobject describe -s Account");
  assert.ok(fields.some((field) => field.name === "Legacy_Id__c" && field.externalId));
  assert.ok(done("sobject list").includes("Contact"));
}
