//! The real binary: a local org served by one process, `apply` run as another, both of them killed at will. What the
//! org holds is read from its own database once nobody serves it.

use cutover::checkpoint::{Event, Line, RunState, journal_path, last_run, read_journal};
use cutover::local_org::{LocalOrg, Options};
use cutover::ports::{Clock, Files, RealClock, RealFiles};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_cutover");

/// The longest that any one thing here may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Each query of a project with its rows.
pub type Contents = Vec<(String, Vec<Vec<Option<String>>>)>;

/// A project in a folder of its own, whose environment `remote` is a local org in another process.
pub struct Site {
    folder: tempfile::TempDir,
    pub queries: Vec<String>,
}

impl Site {
    /// An example, copied, with the environment added.
    pub fn example(name: &str, queries: &[&str]) -> Self {
        let site = Self::empty(queries);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), &site.root());
        site.edit("cutover.yaml", "environments:\n", &format!("environments:\n{REMOTE}"));
        site
    }

    /// A folder without files.
    pub fn empty(queries: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder, queries: queries.iter().map(|q| (*q).to_owned()).collect() }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Writes one file of the project.
    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.root().join(path), text).unwrap();
    }

    /// Replaces the first place of a text in one file of the project.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from:?}");
        self.write(path, &text.replacen(from, to, 1));
    }

    /// A new state folder and a new org behind it.
    pub fn world(&self, name: &str) -> Running<'_> {
        self.world_with(name, &[])
    }

    /// The same, the org served with further words.
    pub fn world_with(&self, name: &str, further: &[&str]) -> Running<'_> {
        let folder = self.folder.path().join(name);
        let (state, data) = (folder.join("state"), folder.join("org"));
        let (server, url, token) = self.serve(&data, further);
        Running { site: self, state, data, server, url, token }
    }

    fn serve(&self, data: &Path, further: &[&str]) -> (Child, String, String) {
        let mut server = Command::new(BINARY);
        server.args(["local", "serve", "--schema"]).arg(self.root().join("org.yaml")).arg("--data").arg(data);
        let mut server = server.args(further).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        (server, text("instance_url"), text("access_token"))
    }
}

/// The environment of the manifest; one job at a time makes a run longer and a kill likelier to meet it.
pub const REMOTE: &str = "  remote: { org: { url: env:CUTOVER_TEST_URL, token: env:CUTOVER_TEST_TOKEN }, limits: { parallel_jobs: 1 } }\n";

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_name() == ".cutover" {
        } else if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// A served org, and the state folder of the runs against it.
pub struct Running<'s> {
    site: &'s Site,
    state: PathBuf,
    data: PathBuf,
    server: Child,
    url: String,
    token: String,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Running<'_> {
    /// A command of the binary on the project, in the environment of the served org.
    pub fn command(&self, word: &str) -> Command {
        self.command_on(word, &self.site.root())
    }

    /// A command of the binary on a path of its own.
    pub fn command_on(&self, word: &str, path: &Path) -> Command {
        let mut command = Command::new(BINARY);
        command.arg(word).arg(path).args(["--env", "remote", "--state-dir"]).arg(&self.state);
        command.env("CUTOVER_TEST_URL", &self.url).env("CUTOVER_TEST_TOKEN", &self.token);
        command
    }

    /// `apply --yes` to its end.
    pub fn apply(&self) -> Output {
        self.command("apply").arg("--yes").output().unwrap()
    }

    /// `apply --yes`, begun.
    pub fn begin(&self) -> Begun {
        self.begin_with(self.command("apply").arg("--yes"))
    }

    /// A command, begun.
    pub fn begin_with(&self, command: &mut Command) -> Begun {
        Begun(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// The journal of a run as it stands.
    pub fn journal(&self, run: u32) -> Vec<Line> {
        read_journal(&RealFiles::new(&self.state), &journal_path(run)).unwrap().0
    }

    /// The state that the journal of a run tells.
    pub fn told(&self, run: u32) -> RunState {
        RunState::fold("journal", &self.journal(run)).unwrap()
    }

    /// The state of the newest run.
    pub fn told_last(&self) -> RunState {
        self.told(last_run(&RealFiles::new(&self.state)).unwrap())
    }

    /// Waits until the journal of a run has this many events of a kind.
    pub fn until(&self, run: u32, count: usize, kind: impl Fn(&Event) -> bool) {
        let (files, path, begun) = (RealFiles::new(&self.state), journal_path(run), Instant::now());
        let mut seen = None;
        loop {
            // The journal is read again only when it has grown.
            let length = files.length(&path).unwrap();
            if length != seen && self.journal(run).iter().filter(|l| kind(&l.event)).count() >= count {
                return;
            }
            seen = length;
            assert!(begun.elapsed() < PATIENCE, "the journal of run {run} never got there");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops the org's process where it stands, or lets it go on: whoever asks it waits.
    pub fn org(&self, signal: &str) {
        let order = format!("kill -{signal} {}", self.server.id());
        assert!(Command::new("sh").arg("-c").arg(order).status().unwrap().success());
    }

    /// SIGKILL for the org. It is served no more.
    pub fn kill_org(&mut self) -> ExitStatus {
        self.server.kill().unwrap();
        self.server.wait().unwrap()
    }

    /// The org is served again, by a new process at another address.
    pub fn serve_again(&mut self) {
        (self.server, self.url, self.token) = self.site.serve(&self.data, &[]);
    }

    /// A world of its own that begins as this one is now; this one's org must not be served.
    pub fn copied(&self, name: &str) -> Running<'_> {
        let folder = self.state.parent().unwrap().with_file_name(name);
        for path in [&self.state, &self.data] {
            let to = folder.join(path.file_name().unwrap());
            std::fs::create_dir_all(&to).unwrap();
            copy(path, &to);
        }
        self.site.world(name)
    }

    /// Where the state lies.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The state folder is gone.
    pub fn lose_state(&mut self) {
        std::fs::remove_dir_all(&self.state).unwrap();
    }

    /// What the org holds. It is served no more.
    pub fn contents(mut self) -> Contents {
        self.kill_org();
        let org = self.open_org();
        self.site.queries.iter().map(|q| (q.clone(), org.query(q).unwrap().rows)).collect()
    }

    /// The org, which nobody may serve, does all that it has to do.
    pub fn finish_jobs(&self) {
        let (org, now) = (self.open_org(), RealClock.now());
        while org.step(now) {}
    }

    fn open_org(&self) -> LocalOrg {
        let text = std::fs::read_to_string(self.site.root().join("org.yaml")).unwrap();
        let schema = LocalOrg::schema_from_yaml("org.yaml", &text).unwrap();
        let options = Options { data: Some(self.data.join("org.db")), ..Options::default() };
        LocalOrg::open(schema, options).unwrap()
    }
}

/// A process under way.
pub struct Begun(Child);

impl Begun {
    /// The process's number.
    #[cfg(target_os = "linux")]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended.
    #[cfg(target_os = "linux")]
    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// SIGKILL. How it ended: it may have been over already.
    pub fn kill(mut self) -> ExitStatus {
        self.0.kill().unwrap();
        self.0.wait().unwrap()
    }

    /// SIGINT, as Ctrl-C sends it.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// A signal by its name.
    pub fn signal(&self, name: &str) {
        let kill =
            Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.0.id())).status().unwrap();
        assert!(kill.success());
    }

    /// Its end.
    pub fn wait(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

/// How one org differs from another, in words; a key that stands twice is a difference from anything.
pub fn difference(now: &Contents, then: &Contents) -> Option<String> {
    for ((soql, rows), (_, others)) in now.iter().zip(then) {
        if let Some(twice) = rows.windows(2).find(|pair| pair[0][0] == pair[1][0]) {
            return Some(format!("{soql}: {:?} is there twice", twice[0][0]));
        }
        if rows.len() != others.len() {
            return Some(format!("{soql}: {} records instead of {}", rows.len(), others.len()));
        }
        if let Some((row, other)) = rows.iter().zip(others).find(|(row, other)| row != other) {
            return Some(format!("{soql}: {row:?} instead of {other:?}"));
        }
    }
    (now.len() != then.len()).then(|| "other queries".to_owned())
}

/// Keys, and the keys of all parents, of every object of `examples/npsp`.
pub const NPSP: [&str; 13] = [
    "SELECT Legacy_Id__c, Name FROM Campaign ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Campaign.Legacy_Id__c, Contact.Legacy_Id__c, Status FROM CampaignMember ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, npe03__Contact__r.Legacy_Id__c FROM npe03__Recurring_Donation__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Account.Legacy_Id__c, Primary_Contact__r.Legacy_Id__c, Campaign.Legacy_Id__c, npe03__Recurring_Donation__r.Legacy_Id__c, Amount FROM Opportunity ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Opportunity.Legacy_Id__c, Contact.Legacy_Id__c, Role FROM OpportunityContactRole ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Opportunity__r.Legacy_Id__c, Contact__r.Legacy_Id__c FROM Partial_Soft_Credit__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, npe01__Opportunity__r.Legacy_Id__c FROM npe01__OppPayment__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name FROM General_Accounting_Unit__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, General_Accounting_Unit__r.Legacy_Id__c, Opportunity__r.Legacy_Id__c, Recurring_Donation__r.Legacy_Id__c FROM Allocation__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, BillingCity FROM Account ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Household_Account__r.Legacy_Id__c FROM Address__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Account.Legacy_Id__c, Primary_Affiliation__r.Legacy_Id__c, LastName FROM Contact ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, npe4__Contact__r.Legacy_Id__c, npe4__RelatedContact__r.Legacy_Id__c FROM npe4__Relationship__c ORDER BY Legacy_Id__c",
];

/// `examples/npsp`, its inserted object without the unique key that would keep the org from taking a row twice.
pub fn npsp() -> Site {
    let site = Site::example("npsp", &NPSP);
    let field = |unique: &str| {
        format!(
            "  CampaignMember:\n    fields:\n      Legacy_Id__c: {{ type: string, length: 40, external_id: true{unique} }}\n"
        )
    };
    site.edit("org.yaml", &field(", unique: true"), &field(""));
    site
}
