//! Lists of Ids for people, in `data/rollback-of-<run>/`: what stays and why, what loses a reference, what was changed
//! and keeps its new values. Ids and names of fields only.

use super::children::Relations;
use super::look::{Fate, Made, Read, id_at};
use super::past::Past;
use crate::model::ChildFate;
use crate::plan::Losing;
use crate::ports::{Files, sync_names};
use std::collections::BTreeMap;
use std::io;

/// Bytes gathered before they are written.
const GATHER: usize = 64 << 10;

/// Where the lists of a run's rollback lie.
pub(super) fn folder(run: u32) -> String {
    format!("data/rollback-of-{run}")
}

/// A file that is made when its first line is written.
struct List<'f> {
    files: &'f dyn Files,
    path: String,
    text: String,
    begun: bool,
}

impl<'f> List<'f> {
    fn new(files: &'f dyn Files, run: u32, name: &str, header: &str) -> io::Result<Self> {
        let path = format!("{}/{name}.csv", folder(run));
        files.remove(&path)?;
        Ok(Self { files, path, text: format!("{header}\n"), begun: false })
    }

    fn line(&mut self, cells: &[&str]) -> io::Result<()> {
        self.begun = true;
        self.text.push_str(&cells.join(","));
        self.text.push('\n');
        if self.text.len() < GATHER { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.files.append(&self.path, self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    fn done(mut self) -> io::Result<()> {
        if !self.begun {
            return Ok(());
        }
        self.flush()?;
        self.files.sync(&self.path)?;
        sync_names(self.files, self.path.rsplit_once('/').map_or("", |(folder, _)| folder))
    }
}

/// Writes `updated.csv`, and counts the records of each load that were there before and were changed.
pub(super) fn updated(files: &dyn Files, past: &Past, read: &Read<'_>) -> io::Result<BTreeMap<u16, u64>> {
    let mut list = List::new(files, past.state.run, "updated", "load,object,record_id")?;
    let mut counts = BTreeMap::new();
    let mut own: Vec<_> = read.made.iter().map(|m| (m.object.as_str(), m.iter().peekable())).collect();
    let (mut last, mut load) = (None, None);
    let decode = |b: &[u8]| id_at(b, 2).map(|id| (u16::from_be_bytes([b[0], b[1]]), id));
    for touched in read.touched.iter().decode(decode) {
        let (of, id) = touched??;
        if last.replace((of, id)) == Some((of, id)) {
            continue;
        }
        let Some(name) = past.state.loads.get(of as usize).map(|l| &l.name) else { continue };
        if load.replace(of) != Some(of) {
            // The records of one load lie by Id: each load goes through those of its object once.
            own = read.made.iter().map(|m| (m.object.as_str(), m.iter().peekable())).collect();
        }
        let mine = own.iter_mut().find(|(object, _)| object.eq_ignore_ascii_case(&name.object));
        let created = mine.is_some_and(|(_, created)| {
            while created.next_if(|c| c.as_ref().is_ok_and(|c| c.id < id)).is_some() {}
            created.peek().is_some_and(|c| c.as_ref().is_ok_and(|c| c.id == id))
        });
        if !created {
            *counts.entry(of).or_default() += 1;
            list.line(&[&name.name, &name.object, &id.to_string()])?;
        }
    }
    list.done()?;
    Ok(counts)
}

/// Writes `kept.csv`: every record of the run that stays, and why.
pub(super) fn kept(
    files: &dyn Files,
    run: u32,
    made: &[Made<'_>],
    relations: &Relations<'_>,
    fates: &[Vec<Fate>],
    with: &[String],
) -> io::Result<()> {
    let header = "object,record_id,why,by_object,by_field,by_record_id";
    let mut list = List::new(files, run, "kept", header)?;
    for (made, fates) in made.iter().zip(fates) {
        for next in made.fated(fates) {
            let (created, fate) = next?;
            let why = match fate {
                Fate::Edited => "edited since",
                Fate::Doubtful => "cannot tell who created it",
                _ => continue,
            };
            list.line(&[&made.object, &created.id.to_string(), why, "", "", ""])?;
        }
    }
    for relation in relations.all.iter().filter(|r| r.holds(with)) {
        let why =
            if relation.child.fate == ChildFate::Goes { "would take it along" } else { "is kept by it" };
        for next in relation.staying(made, fates, Fate::Parent) {
            let (_, pair) = next?;
            let (parent, child) = (pair.parent.to_string(), pair.child.to_string());
            let (object, field) = (&relation.child.object, &relation.child.field);
            list.line(&[&made[relation.parent].object, &parent, why, object, field, &child])?;
        }
    }
    list.done()
}

/// Writes `losing.csv`: records that stay and lose what they point to. Gives their counts, and each record to `each`.
pub(super) fn losing(
    files: &dyn Files,
    run: u32,
    made: &[Made<'_>],
    relations: &Relations<'_>,
    fates: &[Vec<Fate>],
    mut each: impl FnMut(&str, crate::model::RecordId) -> io::Result<()>,
) -> io::Result<Vec<Losing>> {
    let mut list = List::new(files, run, "losing", "object,field,record_id,loses_record_id")?;
    let mut counts = Vec::new();
    for relation in relations.all.iter().filter(|r| r.child.fate == ChildFate::LosesIt) {
        let (object, field) = (&relation.child.object, &relation.child.field);
        let mut records = 0;
        for next in relation.staying(made, fates, Fate::Goes) {
            let (_, pair) = next?;
            records += 1;
            list.line(&[object, field, &pair.child.to_string(), &pair.parent.to_string()])?;
            each(object, pair.child)?;
        }
        if records > 0 {
            counts.push(Losing { object: object.clone(), field: field.clone(), records });
        }
    }
    list.done()?;
    Ok(counts)
}
