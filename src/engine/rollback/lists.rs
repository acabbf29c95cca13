//! Lists of Ids for people, in `data/rollback-of-<run>/`: what stays and why, what loses a reference, what was changed
//! and keeps its new values. Ids and names of fields only.

use super::children::Relations;
use super::fate::RecordFate;
use super::made::{Made, Read, id_at};
use super::past::Past;
use crate::engine::state::each_once;
use crate::ledger::merge::{Joined, join};
use crate::model::ChildFate;
use crate::plan::Losing;
use crate::ports::{Files, folder_of};
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
        self.files.sync_dir(folder_of(&self.path))
    }
}

/// Writes `updated.csv`, and counts the records of each load that were there before and were changed.
pub(super) fn updated(files: &dyn Files, past: &Past, read: &Read<'_>) -> io::Result<BTreeMap<u16, u64>> {
    let mut list = List::new(files, past.state.run, "updated", "load,object,record_id")?;
    let mut counts = BTreeMap::new();
    for (load, known) in (0..).zip(&past.state.loads) {
        let (name, object) = (&known.name.name, &known.name.object);
        let decode = |b: &[u8]| id_at(b, 2).map(|id| (u16::from_be_bytes([b[0], b[1]]), id));
        let touched = read.touched.iter().decode(decode).map(|read| read?);
        let touched = touched.filter(|t| t.as_ref().map_or(true, |t| t.0 == load));
        let own = read.made.iter().find(|m| m.object.eq_ignore_ascii_case(object));
        let own = own.into_iter().flat_map(Made::iter);
        let mut records = 0;
        for next in join(each_once(touched, |t| *t), own, |t| t.1, |own| own.id) {
            if let Joined::Left((_, id)) = next? {
                records += 1;
                list.line(&[name, object, &id.to_string()])?;
            }
        }
        counts.insert(load, records);
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
    fates: &[Vec<RecordFate>],
    with: &[String],
) -> io::Result<()> {
    let header = "object,record_id,why,by_object,by_field,by_record_id";
    let mut list = List::new(files, run, "kept", header)?;
    for (made, fates) in made.iter().zip(fates) {
        for next in made.fated(fates) {
            let (created, fate) = next?;
            let why = match fate {
                RecordFate::Edited => "edited since",
                RecordFate::Doubtful => "cannot tell who created it",
                RecordFate::Fixed => "this login may not delete it",
                RecordFate::Unlisted => "it was to stay when the rollback began",
                RecordFate::Refused => "the org refused to delete it",
                _ => continue,
            };
            list.line(&[&made.object, &created.id.to_string(), why, "", "", ""])?;
        }
    }
    for relation in relations.all.iter().filter(|r| r.holds(with)) {
        let why =
            if relation.child.fate == ChildFate::Goes { "would take it along" } else { "is kept by it" };
        for next in relation.staying(made, fates, RecordFate::Parent) {
            let (_, pair) = next?;
            let (parent, child) = (pair.parent.to_string(), pair.child.to_string());
            let (object, field) = (&relation.child.object, &relation.child.field);
            list.line(&[&made[relation.parent].object, &parent, why, object, field, &child])?;
        }
    }
    list.done()
}

/// Keeps the `losing.csv` of a rollback that goes on under another name: what it lists has lost what it pointed to, and is
/// found no more.
pub(super) fn set_aside(files: &dyn Files, run: u32) -> io::Result<()> {
    let path = |ending: &str| format!("{}/losing{ending}.csv", folder(run));
    if files.length(&path(""))?.is_none() {
        return Ok(());
    }
    for number in 1.. {
        let aside = path(&format!("-{number}"));
        if files.length(&aside)?.is_none() {
            return files.rename(&path(""), &aside);
        }
    }
    Ok(())
}

/// Writes `losing.csv`: records that stay and lose what they point to. Gives their counts, and each record to `each`.
pub(super) fn losing(
    files: &dyn Files,
    run: u32,
    made: &[Made<'_>],
    relations: &Relations<'_>,
    fates: &[Vec<RecordFate>],
    mut each: impl FnMut(&str, crate::model::RecordId) -> io::Result<()>,
) -> io::Result<Vec<Losing>> {
    let mut list = List::new(files, run, "losing", "object,field,record_id,loses_record_id")?;
    let mut counts = Vec::new();
    for relation in relations.all.iter().filter(|r| r.child.fate == ChildFate::LosesIt) {
        let (object, field) = (&relation.child.object, &relation.child.field);
        let mut records = 0;
        for next in relation.staying(made, fates, RecordFate::Goes) {
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
