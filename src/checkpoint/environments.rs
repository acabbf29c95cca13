//! `environments.json`: the org that each environment was applied to last. Not in the store, which is disposable: where it
//! is forgotten, one org is taken for another.

use super::event::Event;
use super::journal::{journal_path, last_run, read_journal};
use super::paper::{self, PaperError};
use crate::ports::Files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// Where it lies below the state folder.
pub const ENVIRONMENTS: &str = "environments.json";

/// An environment's org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgOf {
    /// The org's id.
    pub org_id: String,
    /// Whether it is the environment's own local org, which no other environment can have.
    #[serde(default)]
    pub local: bool,
}

/// Environments by name, with their orgs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Environments {
    environments: BTreeMap<String, OrgOf>,
}

impl Environments {
    /// Reads what is remembered; where there is no such file, what the journals tell.
    ///
    /// # Errors
    /// [`PaperError`].
    pub fn read(files: &dyn Files) -> Result<Self, PaperError> {
        match paper::read(files, ENVIRONMENTS)? {
            Some(known) => Ok(known),
            None => Ok(Self::of_journals(files)?),
        }
    }

    /// The org of an environment.
    pub fn org_of(&self, environment: &str) -> Option<&OrgOf> {
        self.environments.get(environment)
    }

    /// The other environments of an org.
    pub fn others_of<'e>(
        &'e self,
        environment: &'e str,
        org_id: &'e str,
    ) -> impl Iterator<Item = (&'e str, &'e OrgOf)> {
        let others =
            self.environments.iter().filter(move |(name, org)| *name != environment && org.org_id == org_id);
        others.map(|(name, org)| (name.as_str(), org))
    }

    /// Remembers an environment's org, durable. Nothing is written where it is remembered as that.
    ///
    /// # Errors
    /// An error of the disk.
    pub fn remember(mut self, files: &dyn Files, environment: &str, org: OrgOf) -> io::Result<()> {
        if self.org_of(environment) == Some(&org) && files.length(ENVIRONMENTS)?.is_some() {
            return Ok(());
        }
        self.environments.insert(environment.to_owned(), org);
        paper::write(files, ENVIRONMENTS, &self)
    }

    /// The newest run of each environment says it. A journal that cannot be read says nothing either way.
    fn of_journals(files: &dyn Files) -> io::Result<Self> {
        let mut known = Self::default();
        for run in 1..=last_run(files)? {
            let Ok((lines, _)) = read_journal(files, &journal_path(run)) else { continue };
            if let Some(Event::RunStarted { environment, org_id, .. }) = lines.first().map(|line| &line.event)
            {
                let org = OrgOf { org_id: org_id.clone(), local: false };
                known.environments.insert(environment.clone(), org);
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{JOURNAL_VERSION, Journal};
    use crate::ports::MemoryFiles;

    fn org(id: &str) -> OrgOf {
        OrgOf { org_id: id.into(), local: false }
    }

    fn started(files: &MemoryFiles, run: u32, environment: &str, org_id: &str) {
        let (environment, org_id) = (environment.into(), org_id.into());
        let event = Event::RunStarted {
            version: JOURNAL_VERSION,
            run,
            environment,
            org_id,
            inputs: String::new(),
            loads: Vec::new(),
            rolls_back: None,
            names: crate::checkpoint::RunNames::default(),
        };
        let (mut journal, _) = Journal::open(files, run).unwrap();
        journal.append(7, event).unwrap();
        journal.commit().unwrap();
    }

    #[test]
    fn what_is_remembered_outlives_a_crash_and_the_journals() {
        let files = MemoryFiles::default();
        started(&files, 1, "dev", "00D1");
        started(&files, 2, "uat", "00D2");
        started(&files, 3, "dev", "00D3");
        files.put("runs/4/events.ndjson", b"no journal");
        let known = Environments::read(&files).unwrap();
        assert_eq!((known.org_of("dev"), known.org_of("uat")), (Some(&org("00D3")), Some(&org("00D2"))));
        known.remember(&files, "uat", org("00D3")).unwrap();
        for run in 1..=4 {
            files.remove(&journal_path(run)).unwrap();
        }
        files.crash();
        let known = Environments::read(&files).unwrap();
        assert_eq!(known.others_of("uat", "00D3").map(|(name, _)| name).collect::<Vec<_>>(), ["dev"]);
        assert_eq!(known.others_of("prod", "00D9").count(), 0);
        assert!(known.org_of("prod").is_none());
        let writes = files.writes();
        known.remember(&files, "uat", org("00D3")).unwrap();
        assert_eq!(files.writes(), writes, "nothing new is not written");
    }
}
