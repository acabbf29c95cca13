//! What points to the records that are to go: an org deletes many records with their parent, keeps some parents because
//! of them, and empties the field in all others. What describe names is asked for, field by field.

use super::fate::RecordFate;
use super::made::{Made, SORT_BUDGET, id_at};
use crate::engine::context::{Connected, EngineError, Ports};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::{ChildFate, ChildField, RecordId};
use crate::salesforce::{OrgError, in_lists};
use std::collections::BTreeSet;
use std::io;

/// Up to so many parents are asked for by Id; beyond, all records of the child that have a parent are read.
const MOST_LISTED: u64 = 2_000;
/// Characters of one list of Ids.
const LIST: usize = 8_000;
/// A record that the run did not create.
const FOREIGN: u32 = u32::MAX;
/// Objects that the org itself fills beside each record, and that nobody misses.
const SHADOWS: [&str; 4] = ["History", "Feed", "Share", "ChangeEvent"];

/// The records that point to one object's by one field.
pub(super) struct Relation<'a> {
    /// The place of the parent's object among those that the run created records of.
    pub(super) parent: usize,
    /// The field.
    pub(super) child: ChildField,
    /// The place of the child's object there; nothing where the run created none.
    made: Option<usize>,
    /// Pairs by the parent.
    pairs: Sorted<'a>,
}

/// A record and one that points to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) parent: RecordId,
    pub(super) child: RecordId,
    /// Its place among those that the run created.
    at: u32,
}

impl Pair {
    const WIDTH: usize = 15 + 15 + 4;

    fn encode(first: RecordId, second: RecordId, at: u32) -> [u8; Self::WIDTH] {
        let mut bytes = [0; Self::WIDTH];
        bytes[..15].copy_from_slice(first.bytes());
        bytes[15..30].copy_from_slice(second.bytes());
        bytes[30..].copy_from_slice(&at.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> io::Result<Self> {
        let at = u32::from_be_bytes(std::array::from_fn(|i| bytes[30 + i]));
        Ok(Self { parent: id_at(bytes, 0)?, child: id_at(bytes, 15)?, at })
    }
}

/// What points to the records of a run, and the fields that could not be looked at.
pub(super) struct Relations<'a> {
    pub(super) all: Vec<Relation<'a>>,
    pub(super) unseen: BTreeSet<String>,
    /// Every object with a field that can point to them.
    pub(super) objects: BTreeSet<String>,
}

/// Asks for everything that points to the records of a run.
///
/// # Errors
/// The org's refusal, but of a field that it does not let us ask for; the disk's own.
pub(super) async fn relations<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    made: &[Made<'_>],
) -> Result<Relations<'a>, EngineError> {
    let (mut all, mut unseen, mut objects) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (parent, of) in made.iter().enumerate() {
        let schema = connected.client.describe(&of.object).await?;
        let mut fields = schema.map(|schema| schema.children).unwrap_or_default();
        fields.sort();
        fields.dedup();
        objects.extend(fields.iter().map(|child| child.object.clone()));
        for child in fields {
            if !worth_asking(connected, made, &child) {
                continue;
            }
            let own = made.iter().position(|m| m.object.eq_ignore_ascii_case(&child.object));
            match pairs(ports, connected, made, parent, own, &child).await? {
                Some(pairs) if pairs.is_empty() => {}
                Some(pairs) => all.push(Relation { parent, made: own, child, pairs }),
                // What only loses a look-up stays, seen or not.
                None if child.fate == ChildFate::LosesIt => {}
                None => _ = unseen.insert(format!("{}.{}", child.object, child.field)),
            }
        }
    }
    Ok(Relations { all, unseen, objects })
}

/// Records that lose a field stay: that is looked at where the manifest knows the object.
fn worth_asking(connected: &Connected<'_>, made: &[Made<'_>], child: &ChildField) -> bool {
    let ours = made.iter().any(|m| m.object.eq_ignore_ascii_case(&child.object));
    match child.fate {
        _ if SHADOWS.iter().any(|shadow| child.object.ends_with(shadow)) => false,
        ChildFate::Goes | ChildFate::Keeps => true,
        ChildFate::LosesIt => ours || connected.schema.object(&child.object).is_some(),
    }
}

/// The pairs of one field by their parent; nothing where the org does not let us ask.
async fn pairs<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    made: &[Made<'_>],
    parent: usize,
    own: Option<usize>,
    child: &ChildField,
) -> Result<Option<Sorted<'a>>, EngineError> {
    let described = connected.client.describe(&child.object).await?;
    if !described.is_some_and(|object| object.queryable && object.field(&child.field).is_some()) {
        return Ok(None);
    }
    let name = format!("data/scratch/rollback-pairs-{parent}-{}-{}", child.object, child.field);
    let mut found = Sorter::new(ports.files, &name, Pair::WIDTH, SORT_BUDGET);
    match ask(connected, &made[parent], child, &mut found).await {
        Ok(()) => {}
        Err(EngineError::Org(error)) if is_about_the_question(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(Some(by_parent(ports, &name, found.finish()?, own.map(|own| &made[own]))?))
}

/// Some objects can be asked for with one filter only, or not at all.
fn is_about_the_question(error: &OrgError) -> bool {
    const CODES: [&str; 3] = ["MALFORMED_QUERY", "INVALID_TYPE", "INVALID_FIELD"];
    match error {
        OrgError::Api { code, .. } => CODES.contains(&code.as_str()),
        OrgError::QueryFailed(why) => CODES.iter().any(|code| why.contains(code)),
        _ => false,
    }
}

/// Every pair, by the child.
async fn ask(
    connected: &Connected<'_>,
    made: &Made<'_>,
    child: &ChildField,
    found: &mut Sorter<'_>,
) -> Result<(), EngineError> {
    let select = format!("SELECT {}, Id FROM {}", child.field, child.object);
    let client = &connected.client;
    if made.len() > MOST_LISTED {
        let condition = format!("WHERE {} != null", child.field);
        let count = format!("SELECT COUNT() FROM {} {condition}", child.object);
        if client.count(&count).await? > 0 {
            let mut each = |row: &csv::StringRecord| push(found, row.get(0), row.get(1));
            client.bulk_query(&format!("{select} {condition}"), &mut each).await?;
        }
        return Ok(());
    }
    let ids = made.iter().map(|created| Ok(created?.id.to_string())).collect::<io::Result<Vec<_>>>()?;
    for list in in_lists(&child.field, ids.iter().map(String::as_str), false, LIST) {
        for row in client.query(&format!("{select} WHERE {list}")).await? {
            let cell = |at: usize| row.get(at).and_then(Option::as_deref);
            push(found, cell(0), cell(1))?;
        }
    }
    Ok(())
}

fn push(found: &mut Sorter<'_>, parent: Option<&str>, child: Option<&str>) -> io::Result<()> {
    let id = |text: Option<&str>| text.and_then(|t| RecordId::parse(t).ok());
    match (id(parent), id(child)) {
        (Some(parent), Some(child)) => found.push(&Pair::encode(child, parent, FOREIGN)),
        _ => Ok(()),
    }
}

/// Pairs that lie by the child, by the parent, with the child's place among those that the run created.
fn by_parent<'a>(
    ports: &Ports<'a>,
    name: &str,
    by_child: Sorted<'_>,
    own: Option<&Made<'_>>,
) -> Result<Sorted<'a>, EngineError> {
    let mut pairs = Sorter::new(ports.files, &format!("{name}-by-parent"), Pair::WIDTH, SORT_BUDGET);
    let own = own.into_iter().flat_map(Made::iter).zip(0..).map(|(own, at)| Ok((own?.id, at)));
    let by_child = by_child.iter().decode(Pair::decode).map(|pair| pair?);
    // Encoded the other way round here: its parent is the child.
    for next in join(by_child, own, |pair| pair.parent, |own| own.0) {
        match next? {
            Joined::Left(pair) => pairs.push(&Pair::encode(pair.child, pair.parent, FOREIGN))?,
            Joined::Both(pair, (_, at)) => pairs.push(&Pair::encode(pair.child, pair.parent, at))?,
            Joined::Right(_) => {}
        }
    }
    Ok(pairs.finish()?)
}

impl Relation<'_> {
    /// Pairs whose child stays while its parent has this fate: the parent's place, and the pair.
    pub(super) fn staying<'s>(
        &'s self,
        made: &'s [Made<'_>],
        fates: &'s [Vec<RecordFate>],
        parents: RecordFate,
    ) -> impl Iterator<Item = io::Result<(usize, Pair)>> + 's {
        let created = made[self.parent].iter().enumerate().map(|(at, created)| Ok((created?.id, at)));
        let pairs = self.pairs.iter().decode(Pair::decode).map(|pair| pair?);
        join(pairs, created, |pair| pair.parent, |created| created.0).filter_map(move |next| match next {
            Ok(Joined::Both(pair, (_, at))) => {
                let stays = fates[self.parent][at] == parents && self.stays(fates, pair);
                stays.then_some(Ok((at, pair)))
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// Whether the child of a pair is there afterwards as far as we are concerned.
    fn stays(&self, fates: &[Vec<RecordFate>], pair: Pair) -> bool {
        let made = self.made.filter(|_| pair.at != FOREIGN);
        made.is_none_or(|made| fates[made][pair.at as usize].stays())
    }

    /// Whether a child that stays is a reason for its parent to stay. `with`: objects whose records may go.
    pub(super) fn holds(&self, with: &[String]) -> bool {
        let named = with.iter().any(|object| object.eq_ignore_ascii_case(&self.child.object));
        self.child.fate != ChildFate::LosesIt && !named
    }
}

/// Holds back every parent of a record that stays and would go with it, or keeps it, up to the top.
///
/// # Errors
/// The disk's own.
pub(super) fn hold_back(
    made: &[Made<'_>],
    relations: &[Relation<'_>],
    fates: &mut [Vec<RecordFate>],
    with: &[String],
) -> io::Result<()> {
    loop {
        let mut changed = false;
        for relation in relations.iter().filter(|r| r.holds(with)) {
            let found = relation.staying(made, fates, RecordFate::Goes).map(|held| held.map(|h| h.0));
            let held = found.collect::<io::Result<Vec<usize>>>()?;
            changed |= !held.is_empty();
            held.into_iter().for_each(|at| fates[relation.parent][at] = RecordFate::Parent);
        }
        if !changed {
            return Ok(());
        }
    }
}
