//! Folders in memory, whole and damaged: what is found, and that a repair or a prune that is cut off anywhere can be
//! made again to the same end.

use super::*;
use crate::checkpoint::{Ended, Event, Journal, LoadName, NamedFile, PartKey};
use crate::ledger::{Entry, Ledger, State};
use crate::plan::StepKind;
use crate::ports::{FileLock, Files, MemoryFiles, read_all, write_durably};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

const LEDGER: &str = "ledger/00D/Account";

fn started(run: u32) -> Event {
    let loads = vec![LoadName { name: "firms".into(), object: "Account".into(), files: vec![] }];
    let (environment, org_id, inputs) = ("local".into(), "00D".into(), "x".into());
    Event::RunStarted {
        version: 1,
        run,
        rolls_back: None,
        environment,
        org_id,
        inputs,
        loads,
        names: crate::checkpoint::RunNames::default(),
    }
}

fn file(files: &MemoryFiles, path: String, bytes: &[u8]) -> NamedFile {
    files.put(&path, bytes);
    NamedFile { path, length: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() }
}

fn staged(files: &MemoryFiles, run: u32, part: PartKey) -> Event {
    let stem = format!("data/{run}/firms-{part}");
    Event::PartStaged {
        part,
        load: 0,
        kind: StepKind::Rows,
        operation: "upsert".into(),
        object: "Account".into(),
        key: "K__c".into(),
        form: "folded".into(),
        api: Default::default(),
        assign: None,
        attempt: 0,
        rows: 1,
        file: file(files, format!("{stem}.csv"), b"K__c\nA\n"),
        index: file(files, format!("{stem}.index"), b"index"),
    }
}

/// A part that went to the org and is settled: its outcomes in the ledger, its key and Id in the crosswalk.
fn settled(files: &MemoryFiles, journal: &mut Journal<'_>, run: u32, keys: std::ops::Range<u128>) {
    let part = PartKey { step: 0, number: 0 };
    let mut note = |event| journal.append(i64::from(run) * 1000, event).unwrap().seq;
    note(staged(files, run, part));
    note(Event::JobIntent { part });
    note(Event::JobCreated { part, job: "750".into(), there: None });
    note(Event::Uploaded { part });
    note(Event::Closed { part });
    let mut ledger = Ledger::open(files, LEDGER).unwrap();
    ledger.set_key("K__c folded");
    let entries = keys.clone().map(|key| Ok(Entry { run, ..Entry::new(key, State::Landed) }));
    let segment = ledger.add(&format!("run-{run}-part-{part}"), entries).unwrap();
    let path = format!("{LEDGER}/{}.seg", segment.name);
    let named = NamedFile { path, length: segment.length, blake3: segment.blake3.clone() };
    let failed = file(files, format!("data/{run}/firms.{part}.failed.csv"), b"sf__Id\n");
    let seq = note(Event::PartSettled {
        part,
        state: "JobComplete".into(),
        created: 1,
        updated: 0,
        deleted: 0,
        unchanged: 0,
        held: 0,
        failed: 0,
        segment: Some(named),
        failures: Some(failed),
        trail: None,
        renewed: 0,
        set_aside: 0,
        over: None,
    });
    ledger.publish(&[segment], run, seq).unwrap();
    let lines: String = keys.map(|key| format!("K{key},ID-{run}-{key}\n")).collect();
    files.put(&format!("data/{run}/crosswalk/Account/{part}.csv"), lines.as_bytes());
    for ending in ["csv", "index"] {
        files.remove(&format!("data/{run}/firms-{part}.{ending}")).unwrap();
    }
    files.sync_dir(&format!("data/{run}")).unwrap();
}

/// One finished run.
fn run(files: &MemoryFiles, run: u32, keys: std::ops::Range<u128>) {
    let (mut journal, _) = Journal::open(files, run).unwrap();
    journal.append(0, started(run)).unwrap();
    settled(files, &mut journal, run, keys);
    journal.append(9, Event::RunEnded { ended: Ended::Finished, exit: 0 }).unwrap();
    journal.commit().unwrap();
    write_durably(files, &format!("runs/{run}/report.txt"), b"fine").unwrap();
}

/// A run that was cut off with one part at the org.
fn unfinished(files: &MemoryFiles, run: u32) {
    let (mut journal, _) = Journal::open(files, run).unwrap();
    let part = PartKey { step: 0, number: 7 };
    let job = "750".to_owned();
    for event in [started(run), staged(files, run, part), Event::JobIntent { part }] {
        journal.append(0, event).unwrap();
    }
    for event in
        [Event::JobCreated { part, job, there: None }, Event::Uploaded { part }, Event::Closed { part }]
    {
        journal.append(0, event).unwrap();
    }
    journal.commit().unwrap();
}

fn facts(files: &dyn Files) -> Facts {
    read_facts(files, false, StoreFacts::Absent).unwrap()
}

/// What is wrong, without what nobody knows about.
fn told(files: &dyn Files) -> Vec<String> {
    let found = findings(&facts(files));
    found.iter().map(|f| format!("{}: {}: {}", f.grade.word(), f.path, f.what)).collect()
}

/// Runs without a plan have a note each: these folders are made by hand.
fn worse(files: &dyn Files) -> Vec<String> {
    told(files).into_iter().filter(|line| !line.starts_with("note: runs/")).collect()
}

fn world() -> MemoryFiles {
    let files = MemoryFiles::default();
    run(&files, 1, 0..100);
    run(&files, 2, 98..104);
    files
}

#[test]
fn a_whole_folder_has_nothing_wrong() {
    let files = world();
    unfinished(&files, 3);
    assert_eq!(worse(&files), [""; 0]);
}

/// What is damaged, how, and what is said of it.
type Damage<'d> = (&'d str, &'d dyn Fn(&MemoryFiles), &'d str);

#[test]
fn each_damage_is_found() {
    let part = "data/3/firms-0-7";
    let cases: [Damage<'_>; 9] = [
        ("payload", &|f| f.put(&format!("{part}.csv"), b"K__c\nB\n"), "its bytes have changed"),
        ("index", &|f| f.remove(&format!("{part}.index")).unwrap(), "it is not there"),
        ("segment", &|f| f.put(&format!("{LEDGER}/run-1-part-0-0.seg"), b"x"), "no ledger segment"),
        ("CURRENT", &|f| f.put(&format!("{LEDGER}/CURRENT"), br#"{"version":9}"#), "format version 9"),
        ("ledger", &|f| forget(f, "ledger/"), "run 1 put rows into this ledger"),
        ("report", &|f| f.put("runs/1/report.json", b"{"), "it is no JSON"),
        ("plan", &|f| f.put("runs/1/plan.json", b"{}"), "it is no plan"),
        ("newer plan", &|f| f.put("runs/1/plan.json", br#"{"schema":"cutover.plan/9"}"#), "does not know"),
        ("journal", &|f| shorten(f, "runs/2/events.ndjson"), "its end is lost"),
    ];
    for (what, damage, words) in cases {
        let files = world();
        unfinished(&files, 3);
        damage(&files);
        let told = worse(&files);
        assert!(told[0].starts_with("damaged") && told.iter().any(|t| t.contains(words)), "{what}: {told:?}");
        // Lines that are lost take more with them: the part that they settled.
        assert!(told.len() == if what == "journal" { 3 } else { 1 }, "{what}: {told:?}");
    }
}

fn forget(files: &MemoryFiles, prefix: &str) {
    for path in files.paths().into_iter().filter(|path| path.starts_with(prefix)) {
        files.remove(&path).unwrap();
    }
}

/// Takes the last two lines away.
fn shorten(files: &MemoryFiles, path: &str) {
    let text = String::from_utf8(read_all(files, path).unwrap()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    files.put(path, lines[..lines.len() - 2].concat().as_bytes());
}

#[test]
fn a_store_that_knows_more_than_the_journal_is_a_witness_and_stays() {
    let files = world();
    let looked = |holds| {
        let facts = read_facts(&files, false, StoreFacts::Usable(Some(holds))).unwrap();
        let found = findings(&facts);
        (found.iter().filter(|f| f.grade == Grade::Damage).count(), repairs(&found).len())
    };
    assert_eq!([looked((2, 8)), looked((2, 9)), looked((7, 9))], [(0, 0), (1, 0), (0, 0)]);
}

#[test]
fn a_format_that_we_do_not_know_keeps_hands_off_everything() {
    let files = world();
    files.put("data/1/x.tmp", b"");
    assert_eq!(repairs(&findings(&facts(&files))).len(), 1);
    files.put("runs/1/plan.json", br#"{"schema":"cutover.plan/9"}"#);
    assert!(repairs(&findings(&facts(&files))).is_empty() && prunes(&facts(&files), 0).is_empty());
}

#[test]
fn nothing_that_is_being_written_is_judged() {
    let files = world();
    files.put("data/2/x.tmp", b"");
    files.append("runs/2/events.ndjson", b"0123").unwrap();
    let busy = read_facts(&files, true, StoreFacts::Unread).unwrap();
    assert!(repairs(&findings(&busy)).is_empty());
    assert_eq!(repairs(&findings(&facts(&files))).len(), 2);
}

#[test]
fn current_is_written_again_only_where_the_journals_prove_it() {
    let files = world();
    let current = format!("{LEDGER}/CURRENT");
    let before = read_all(&files, &current).unwrap();
    files.put(&current, b"{");
    let changes = repairs(&findings(&facts(&files)));
    assert!(matches!(changes[..], [Change::Current { .. }]), "{changes:?}");
    perform(&files, &changes[0]).unwrap();
    assert_eq!(read_all(&files, &current).unwrap(), before);
    for spoil in [
        |f: &MemoryFiles| f.put(&format!("{LEDGER}/merged-1.seg"), b""),
        |f: &MemoryFiles| f.put(&format!("{LEDGER}/run-2-part-0-0.seg"), b""),
        |f: &MemoryFiles| forget(f, "runs/1/"),
        |f: &MemoryFiles| shorten(f, "runs/1/events.ndjson"),
    ] {
        let files = world();
        files.put(&current, b"{");
        spoil(&files);
        let changes = repairs(&findings(&facts(&files)));
        assert!(!changes.iter().any(|c| matches!(c, Change::Current { .. })), "{changes:?}");
    }
}

/// Files that end the process before or after one of the calls that change something.
struct Mortal {
    disk: MemoryFiles,
    calls: AtomicUsize,
    dies: usize,
}

impl Mortal {
    fn at(&self, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let gone = || io::Error::other("the process is gone");
        if call * 2 + 1 > self.dies {
            return Err(gone());
        }
        act()?;
        if call * 2 + 2 > self.dies { Err(gone()) } else { Ok(()) }
    }
}

impl Files for Mortal {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.at(|| self.disk.append(path, bytes))
    }
    fn sync(&self, path: &str) -> io::Result<()> {
        self.at(|| self.disk.sync(path))
    }
    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.at(|| self.disk.sync_dir(path))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.at(|| self.disk.rename(from, to))
    }
    fn read_at(&self, path: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.read_at(path, offset, buffer)
    }
    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        self.disk.length(path)
    }
    fn modified(&self, path: &str) -> io::Result<Option<i64>> {
        self.disk.modified(path)
    }
    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        self.at(|| self.disk.truncate(path, length))
    }
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.at(|| self.disk.remove(path))
    }
    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn FileLock>>> {
        self.disk.lock(path)
    }
}

type Contents = Vec<(String, Vec<u8>)>;

fn contents(files: &MemoryFiles) -> Contents {
    files.paths().into_iter().map(|path| (path.clone(), read_all(files, &path).unwrap())).collect()
}

/// Makes the changes on a disk as it would be, cut off at every call, with and without the loss of what was not durable,
/// then made again from what is there. Gives how many ways there were.
fn cut_off_everywhere(
    make: &dyn Fn() -> MemoryFiles,
    plan: &dyn Fn(&Facts) -> Vec<Change>,
    look: &dyn Fn(&MemoryFiles),
) -> usize {
    let whole = make();
    for change in plan(&facts(&whole)) {
        perform(&whole, &change).unwrap();
    }
    assert!(plan(&facts(&whole)).is_empty(), "it is done");
    let mut dies = 0;
    loop {
        let mut over = true;
        for power in [false, true] {
            let disk = make();
            let mortal = Mortal { disk: disk.clone(), calls: AtomicUsize::new(0), dies };
            let lived = plan(&facts(&disk)).iter().try_for_each(|change| perform(&mortal, change));
            over &= lived.is_ok();
            if power {
                disk.crash();
            }
            look(&disk);
            for change in plan(&facts(&disk)) {
                perform(&disk, &change).unwrap();
            }
            look(&disk);
            assert_eq!(contents(&disk), contents(&whole), "cut off at {dies}, power lost: {power}");
        }
        if over {
            return dies;
        }
        dies += 1;
    }
}

#[test]
fn a_repair_cut_off_anywhere_is_made_again() {
    let make = || {
        let files = world();
        unfinished(&files, 3);
        files.put(&format!("{LEDGER}/CURRENT"), b"");
        files.put("data/scratch/a", b"1");
        files.put("data/1/firms-0-0.csv", b"rows");
        files.put("ledger/00D/Account/x.seg.tmp", b"1");
        files.put("state.damaged/snap/1", b"1");
        let torn = [&read_all(&files, "runs/3/events.ndjson").unwrap()[..], b"0123456789abcdef {"].concat();
        files.put("runs/3/events.ndjson", &torn);
        files
    };
    let ways = cut_off_everywhere(&make, &|facts| repairs(&findings(facts)), &|_| {});
    assert!(ways > 20, "{ways}");
    let files = make();
    for change in repairs(&findings(&facts(&files))) {
        perform(&files, &change).unwrap();
    }
    assert_eq!(worse(&files), [""; 0]);
}

fn crosswalk(files: &MemoryFiles) -> String {
    let lines = crosswalk_lines(files, "00D", &[1, 2, 3, 4]).unwrap();
    let mut lines: Vec<&str> = std::str::from_utf8(&lines["Account"]).unwrap().lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn a_prune_cut_off_anywhere_is_made_again_and_no_key_is_lost() {
    let make = || {
        let files = world();
        run(&files, 3, 5..8);
        unfinished(&files, 4);
        files.put("data/2/crosswalk/Account/0-9.gone", b"ID-1-50\n");
        files
    };
    let before = crosswalk(&make());
    assert!(before.contains("K98,ID-2-98") && before.contains("K5,ID-3-5") && !before.contains("ID-1-50"));
    let kept = |files: &MemoryFiles| {
        assert_eq!(crosswalk(files), before);
        for path in ["runs/3/events.ndjson", "data/4/firms-0-7.csv", "data/3/firms.0-0.failed.csv"] {
            assert!(files.length(path).unwrap().is_some(), "{path}");
        }
        assert!(Ledger::open(files, LEDGER).unwrap().verify().is_ok());
    };
    let ways = cut_off_everywhere(&make, &|facts| prunes(facts, 1), &kept);
    assert!(ways > 20, "{ways}");
    let files = make();
    for change in prunes(&facts(&files), 1) {
        perform(&files, &change).unwrap();
    }
    let left: Vec<String> = files
        .paths()
        .into_iter()
        .filter(|p| ["runs/1/", "data/1/", "runs/2/", "data/2/"].iter().any(|r| p.starts_with(r)))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn only_what_is_old_and_finished_goes() {
    let files = world();
    run(&files, 3, 5..8);
    let removed = |files: &MemoryFiles, keep| {
        let changes = prunes(&facts(files), keep);
        let runs = changes.iter().flat_map(Change::removes).filter(|p| p.ends_with("events.ndjson"));
        runs.cloned().collect::<Vec<_>>()
    };
    assert_eq!(removed(&files, 0), ["runs/1/events.ndjson", "runs/2/events.ndjson"], "never the newest");
    assert_eq!(removed(&files, 2), ["runs/1/events.ndjson"]);
    assert_eq!(removed(&files, 3), [""; 0]);
    let mut bytes = read_all(&files, "runs/2/events.ndjson").unwrap();
    bytes[30] ^= 1;
    files.put("runs/2/events.ndjson", &bytes);
    assert_eq!(removed(&files, 0), ["runs/1/events.ndjson"], "what cannot be read stays");
    files.put("runs/1/events.ndjson", &bytes);
    assert_eq!(removed(&files, 0), [""; 0], "and so does what is younger");
}

#[test]
fn a_run_that_is_being_rolled_back_stays() {
    let files = world();
    run(&files, 3, 5..8);
    let (mut journal, _) = Journal::open(&files, 4).unwrap();
    let Event::RunStarted { version, run, environment, org_id, inputs, loads, .. } = started(4) else {
        return;
    };
    let rolls_back = Some(2);
    let begun = Event::RunStarted {
        version,
        run,
        rolls_back,
        environment,
        org_id,
        inputs,
        loads,
        names: crate::checkpoint::RunNames::default(),
    };
    journal.append(0, begun).unwrap();
    let removed = |files: &MemoryFiles| {
        let changes = prunes(&facts(files), 0);
        let runs = changes.iter().flat_map(Change::removes).filter(|p| p.ends_with("events.ndjson"));
        runs.cloned().collect::<Vec<_>>()
    };
    assert_eq!(removed(&files), ["runs/1/events.ndjson"]);
    journal.append(0, Event::RunEnded { ended: Ended::Finished, exit: 0 }).unwrap();
    assert_eq!(removed(&files).len(), 3);
}
