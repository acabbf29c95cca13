//! What the org does to rows, jobs and calls on a day, and what others do there. Knows the words of faults and the
//! org's own calls; must not know what an apply makes of it.

use super::scenario::{Operation, Scenario, object_name};
use crate::dice::Dice;
use crate::world::World;
use cutover::local_org::Faults;

/// What may befall a call.
const CALLS: &[&str] = &[
    "drop_before",
    "drop_after",
    "cut",
    "cut, ending: open",
    "cut, ending: silent",
    "unavailable",
    "unavailable, carried_out: true",
    "too_many_requests",
    "not_ready, method: GET, path: 'jobs/ingest/*/*'",
    "twice",
];

/// What may befall rows and jobs so that they go again once.
const AGAIN: &[&str] = &[
    "lock_storm, rows: 1, retries: 3, times: 3",
    "lock_storm, rows: 0, retries: 21",
    "exhaust_retries, rows: 0",
    "lose_results, per_mille: 300",
    "lose_results, per_mille: 1000, times: 2",
    "delete_job, method: PUT, times: 1",
    "delete_job, method: PATCH, times: 1",
    "delete_job, method: GET, path: 'jobs/ingest/*', nth: 2",
    "delete_job, method: GET, path: 'jobs/ingest/*/*', nth: 3",
];

/// A day's faults, and whether rows may go again that have landed.
pub struct Weather {
    pub again: bool,
    /// The faults, as they can be read again.
    pub text: String,
}

impl Weather {
    /// Switches a day's faults on.
    pub fn set(world: &World, scenario: &Scenario, dice: &mut Dice, more: &mut Dice, calm: bool) -> Self {
        let mut faults = Vec::new();
        let by_calls = scenario.loads.iter().any(|load| load.auto);
        let mut again = false;
        if !calm {
            let locks = *dice.pick(&[0, 0, 100, 400]);
            faults.push(format!("lock_rows, per_mille: {locks}"));
            let slow = *dice.pick(&[0, 0, 2]);
            faults.push(format!("slow_jobs, steps: {slow}"));
            if dice.chance(25) {
                faults.push(format!("fail_job, rows: {}", 1 + dice.next() % 6));
            }
            if dice.chance(40) {
                let (fault, often) = (dice.pick(CALLS), dice.pick(&[20, 60, 150]));
                faults.push(format!("{fault}, per_mille: {often}, times: 4"));
                // A result file that is cut every time leaves its rows unknown.
                again |= by_calls || fault.ends_with("silent");
            }
            if more.chance(35) {
                let fault = *more.pick(AGAIN);
                again |= !fault.starts_with("lock_storm, rows: 1");
                faults.push(fault.to_owned());
            }
            // Rows of calls meet a lock by call and by job: then these would be one too many.
            if !by_calls && more.chance(20) {
                faults.push(lasting_lock(world, scenario, more));
            }
        }
        let faults: Vec<String> = faults.iter().map(|then| format!("{{ then: {then} }}")).collect();
        let text = format!("faults: [{}]", faults.join(", "));
        world.org.set_faults(Faults::read("weather.yaml", &text).unwrap());
        Self { again, text }
    }
}

/// A lock that rows meet twice, or for a while.
fn lasting_lock(world: &World, scenario: &Scenario, dice: &mut Dice) -> String {
    if dice.chance(50) {
        let until = jiff::Timestamp::from_millisecond(world.now() + 900).unwrap();
        return format!("lock_rows, per_mille: 500, until: '{until}'");
    }
    let ours = scenario.loads.iter().enumerate().filter(|(_, load)| load.operation == Operation::Upsert);
    let loads: Vec<usize> = ours.map(|(load, _)| load).collect();
    let load = if loads.is_empty() { 0 } else { *dice.pick(&loads) };
    format!("lock_rows, parent: L{load}-{}, tries: 2", dice.below(4))
}

/// Somebody else aborts and deletes a job. Whether there was one to delete.
pub fn lose_job(world: &World, dice: &mut Dice) -> bool {
    let list = world.others_call("GET", "jobs/ingest", "");
    let Some(jobs) = list["records"].as_array().filter(|jobs| !jobs.is_empty()) else { return false };
    let newest = &jobs[jobs.len().saturating_sub(1 + dice.below(2))];
    let path = format!("jobs/ingest/{}", newest["id"].as_str().unwrap());
    world.others_call("PATCH", &path, r#"{"state":"Aborted"}"#);
    world.others_call("DELETE", &path, "");
    world.others_call("GET", &path, "")[0]["errorCode"] == "NOT_FOUND"
}

/// Somebody else gives a field of a record a value. Whether that went well: faults are for everybody.
pub fn edit(world: &World, (object, key): &(usize, String), field: &str, value: &str) -> bool {
    let name = object_name(*object);
    let body = format!("{{\"{field}\":\"{value}\"}}");
    repeat(|| {
        world.others_call("PATCH", &format!("sobjects/{name}/Legacy_Id__c/{key}"), &body);
        has(world, &(*object, key.clone()), field, value)
    })
}

/// Whether a record has this value in a field.
pub fn has(world: &World, (object, key): &(usize, String), field: &str, value: &str) -> bool {
    let name = object_name(*object);
    count(world, &format!("SELECT COUNT() FROM {name} WHERE Legacy_Id__c = '{key}' AND {field} = '{value}'"))
        == 1
}

/// Somebody else deletes a record. Whether that went well.
pub fn delete(world: &World, (object, key): &(usize, String)) -> bool {
    let name = object_name(*object);
    let left = format!("SELECT COUNT() FROM {name} WHERE Legacy_Id__c = '{key}'");
    repeat(|| {
        world.others_call("DELETE", &format!("sobjects/{name}/Legacy_Id__c/{key}"), "");
        count(world, &left) == 0
    })
}

/// Somebody else makes these records.
pub fn make(world: &World, keys: &[(usize, String)]) {
    let record = |(object, key): &(usize, String)| {
        let name = object_name(*object);
        format!("{{\"attributes\":{{\"type\":\"{name}\"}},\"Legacy_Id__c\":\"{key}\",\"Name\":\"Before\"}}")
    };
    let records: Vec<String> = keys.iter().map(record).collect();
    if !records.is_empty() {
        let body = format!("{{\"records\":[{}]}}", records.join(","));
        let made = world.others_call("POST", "composite/sobjects", &body);
        assert!(made.as_array().unwrap().iter().all(|one| one["success"] == true), "{made}");
    }
}

fn repeat(mut attempt: impl FnMut() -> bool) -> bool {
    (0..8).any(|_| attempt())
}

fn count(world: &World, soql: &str) -> u64 {
    world.org.query(soql).unwrap().rows[0][0].as_deref().unwrap().parse().unwrap()
}
