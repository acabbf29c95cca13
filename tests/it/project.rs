//! A project in a scratch folder and the real binary run on it. Knows the command line and the report's JSON, as a user
//! would; nothing of the product's code.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Output {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Output {
    /// Sees to it that the exit code is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The JSON on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.out, self.err))
    }
}

/// The report of an apply.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Value);

/// The outcomes, in the order of the report.
pub(crate) const OUTCOMES: [&str; 10] = [
    "filtered",
    "rejected",
    "duplicate",
    "held",
    "unchanged",
    "created",
    "updated",
    "deleted",
    "failed",
    "pending",
];

impl Report {
    /// The names of the loads.
    pub(crate) fn loads(&self) -> Vec<String> {
        let loads = self.0["loads"].as_array().unwrap();
        loads.iter().map(|l| l["name"].as_str().unwrap().to_owned()).collect()
    }

    fn load(&self, name: &str) -> &Value {
        let loads = self.0["loads"].as_array().unwrap();
        loads.iter().find(|l| l["name"] == name).unwrap_or_else(|| panic!("no load {name} in {}", self.0))
    }

    /// A number of a load.
    pub(crate) fn count(&self, load: &str, word: &str) -> u64 {
        self.load(load)[word].as_u64().unwrap_or_else(|| panic!("no {word} in {}", self.load(load)))
    }

    /// The outcomes of a load that are not nothing, as text: `1 created, 3 updated`.
    pub(crate) fn outcomes(&self, load: &str) -> String {
        let some = OUTCOMES.iter().map(|word| (self.count(load, word), word)).filter(|(count, _)| *count > 0);
        some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    }

    /// The sum of a number over all loads.
    pub(crate) fn total(&self, word: &str) -> u64 {
        self.loads().iter().map(|load| self.count(load, word)).sum()
    }

    /// The jobs as `(load, operation, rows sent)`, sorted.
    pub(crate) fn jobs(&self) -> Vec<(String, String, u64)> {
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let jobs = self.0["jobs"].as_array().unwrap().iter();
        let mut jobs: Vec<_> =
            jobs.map(|j| (text(&j["load"]), text(&j["operation"]), j["sent"].as_u64().unwrap())).collect();
        jobs.sort();
        jobs
    }

    /// Sees to it that every load's outcomes add up to its source, by our own arithmetic and by the report's.
    #[track_caller]
    pub(crate) fn balances(self) -> Self {
        for load in self.loads() {
            let sum: u64 = OUTCOMES.iter().map(|word| self.count(&load, word)).sum();
            assert_eq!(self.count(&load, "source"), sum, "{load} in {}", self.0);
            assert_eq!(self.load(&load)["balances"], true, "{load} in {}", self.0);
        }
        self
    }
}

/// A record or a CSV row: columns by name.
pub(crate) type Row = BTreeMap<String, String>;

/// A project in a folder of its own.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A copy of an example, without the state that somebody may have left in it.
    pub(crate) fn example(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), folder.path());
        Self { folder }
    }

    /// A project of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// Where a file of the project lies.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A file's text.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let full = self.path(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, text).unwrap();
    }

    /// Replaces the one place in a file where a text stands.
    #[track_caller]
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}");
        self.write(path, &text.replace(from, to));
    }

    /// Adds lines at the end of a file.
    pub(crate) fn append(&self, path: &str, lines: &str) {
        let text = self.read(path);
        let end = if text.ends_with('\n') { "" } else { "\n" };
        self.write(path, &format!("{text}{end}{lines}"));
    }

    /// Takes out the one line that begins with a text.
    #[track_caller]
    pub(crate) fn remove_line(&self, path: &str, start: &str) {
        let text = self.read(path);
        let kept: Vec<&str> = text.lines().filter(|l| !l.starts_with(start)).collect();
        assert_eq!(kept.len() + 1, text.lines().count(), "lines `{start}…` in {path}");
        self.write(path, &(kept.join("\n") + "\n"));
    }

    /// Puts another line in the place of the one that is this.
    #[track_caller]
    pub(crate) fn set_line(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.lines().filter(|line| *line == from).count(), 1, "`{from}` in {path}");
        let lines = text.lines().map(|line| if line == from { to } else { line });
        self.write(path, &(lines.collect::<Vec<_>>().join("\n") + "\n"));
    }

    /// Changes one cell of a CSV file: of the row whose first column is `key`.
    #[track_caller]
    pub(crate) fn set(&self, path: &str, key: &str, column: &str, value: &str) {
        let mut reader = csv::Reader::from_path(self.path(path)).unwrap();
        let header = reader.headers().unwrap().clone();
        let at = header.iter().position(|h| h == column).unwrap_or_else(|| panic!("no {column} in {path}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&header).unwrap();
        let mut changed = 0;
        for record in reader.records() {
            let record = record.unwrap();
            let here = &record[0] == key;
            changed += usize::from(here);
            let cells = record.iter().enumerate().map(|(i, c)| if here && i == at { value } else { c });
            writer.write_record(cells).unwrap();
        }
        assert_eq!(changed, 1, "rows `{key}` of {path}");
        std::fs::write(self.path(path), writer.into_inner().unwrap()).unwrap();
    }

    /// The rows of a CSV file of the project.
    pub(crate) fn csv(&self, path: &str) -> Vec<Row> {
        rows(self.read(path).as_bytes())
    }

    /// The command with these arguments, in the project's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("CUTOVER_ENV").env_remove("CUTOVER_STATE_DIR").env_remove("CUTOVER_LOCAL_SEED");
        command.env("NO_COLOR", "1");
        command.env("COLUMNS", "100");
        command
    }

    /// Runs the binary in the project's folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        finished(self.command(arguments))
    }

    /// `cutover apply --json`, which must end with this code.
    #[track_caller]
    pub(crate) fn apply(&self, code: i32) -> Report {
        self.apply_with(&[], code)
    }

    /// `cutover apply --json` with more arguments, which must end with this code and balance.
    #[track_caller]
    pub(crate) fn apply_with(&self, arguments: &[&str], code: i32) -> Report {
        let output = self.run(&[&["apply", "--json"], arguments].concat()).exits(code);
        let report = Report(output.json());
        assert_eq!(report.0["exit"], code, "{}", report.0);
        report.balances()
    }

    /// Asks the project's local org.
    #[track_caller]
    pub(crate) fn query(&self, soql: &str) -> Vec<Row> {
        rows(self.run(&["local", "query", ".", soql, "--csv"]).exits(0).out.as_bytes())
    }

    /// `SELECT COUNT()`.
    #[track_caller]
    pub(crate) fn count(&self, from: &str) -> u64 {
        let rows = self.query(&format!("SELECT COUNT() FROM {from}"));
        rows[0]["count"].parse().unwrap()
    }

    /// Every file below a folder of the project, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.path(folder), &mut found);
        found.retain(|p| p.is_file());
        found.sort();
        found
    }

    /// The rows of the one file of a run's data folder whose name begins and ends like this.
    #[track_caller]
    pub(crate) fn data_file(&self, run: u32, start: &str, end: &str) -> Vec<Row> {
        let files = self.files(&format!(".cutover/data/{run}"));
        let name = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().into_owned();
        let wanted = |p: &&PathBuf| name(p).starts_with(start) && name(p).ends_with(end);
        let found: Vec<&PathBuf> = files.iter().filter(wanted).collect();
        assert_eq!(found.len(), 1, "{start}…{end} among {files:?}");
        rows(&std::fs::read(found[0]).unwrap())
    }
}

/// Runs a command to its end.
pub(crate) fn finished(mut command: Command) -> Output {
    let output = command.output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Every file and folder below a folder, itself included.
pub(crate) fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    found.push(path.to_owned());
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), found);
        }
    }
}

/// Rows by a column, which must tell them apart.
#[track_caller]
pub(crate) fn by(rows: Vec<Row>, column: &str) -> BTreeMap<String, Row> {
    let count = rows.len();
    let map: BTreeMap<String, Row> = rows.into_iter().map(|row| (row[column].clone(), row)).collect();
    assert_eq!(map.len(), count, "{column} is not unique");
    map
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    csv::Reader::from_reader(bytes).deserialize().map(Result::unwrap).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == ".cutover" {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
