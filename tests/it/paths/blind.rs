//! The null controls: a hash that does not see one word. A ledger that such a hash would have left behind is the one that an
//! apply of the first manifest leaves once the word is the second's: put beside the org of the first manifest, it lets every
//! change by that word alone pass for nothing. The comparison must notice, for each word.

use super::compare::Held;
use super::fields::Field;
use super::language::Manifest;
use super::rows::Sources;
use super::{Side, apply};
use crate::dice::Dice;
use crate::world::crowd;

/// Words that decide what is sent.
const WORDS: [&str; 22] = [
    "from",
    "value",
    "ref",
    "record_type",
    "user",
    "queue",
    "lookup",
    "first_of",
    "map",
    "map_file",
    "default",
    "fallback",
    "blank",
    "unmapped",
    "on_missing",
    "other",
    "too_long",
    "too_precise",
    "inactive",
    "only",
    "when",
    "vars",
];
/// Draws until one must have shown it.
const MOST: u64 = 4_000;

/// The manifest with one word as another says it, wherever both have a field by the same verb.
fn turned(manifest: &Manifest, other: &Manifest, word: &str) -> Manifest {
    let mut new = manifest.clone();
    if word == "vars" {
        new.vars.clone_from(&other.vars);
    }
    for load in &mut new.loads {
        let Some(from) = other.loads.iter().find(|from| from.name == load.name) else { continue };
        for field in &mut load.fields {
            let drawn = from.fields.iter().find(|drawn| drawn.name == field.name && drawn.verb == field.verb);
            drawn.into_iter().for_each(|drawn| turn(field, drawn, word));
        }
    }
    new
}

fn turn(field: &mut Field, drawn: &Field, word: &str) {
    if field.verb == word {
        field.value.clone_from(&drawn.value);
    }
    let other = drawn.extras.iter().find(|(name, _)| *name == word);
    match (field.extras.iter().position(|(name, _)| *name == word), other) {
        (Some(at), Some(other)) => field.extras[at] = other.clone(),
        // Without its map a field has no `unmapped` or `fallback` of its own either.
        (Some(at), None) if word != "map" && word != "map_file" => _ = field.extras.remove(at),
        (None, Some(other)) if word != "map" && word != "map_file" => field.extras.push(other.clone()),
        _ => {}
    }
}

/// Whether the comparison sees that one word was left out of the hash; nothing where the draw says nothing of it.
fn is_seen(seed: u64, word: &str) -> Option<bool> {
    let dice = &mut Dice::of(seed, "blind");
    let (manifest, other) = (Manifest::new(dice), Manifest::new(dice));
    let sources = Sources::new(dice);
    let rows = sources.later(dice);
    let rows = if word == "too_long" { rows.with_long_texts() } else { rows };
    let mut later = Side { manifest: turned(&manifest, &other, word), sources: rows };
    let earlier =
        [sources, later.sources.clone()].map(|sources| Side { manifest: manifest.clone(), sources });
    if word == "map_file" {
        later.sources = later.sources.with_map_of(&Sources::new(dice));
    }
    let same = later.manifest == manifest && word != "map_file";
    // A word may make no sense beside the others: then there is nothing to see.
    if same || !later.is_sensible() {
        return None;
    }
    let (mut world, twin, alone) = (earlier[0].world(), earlier[0].world(), later.world());
    [&world, &twin, &alone].into_iter().try_for_each(|world| apply(world).map(drop)).ok()?;
    earlier[1].put(&world);
    later.put(&twin);
    apply(&world).ok()?;
    apply(&twin).ok()?;
    let (before, reached) = (Held::of(&world), Held::of(&twin));
    if before.ids != reached.ids || before == reached {
        return None;
    }
    later.put(&world);
    world.remember_as(&twin);
    let last = apply(&world).ok()?;
    let sides = [earlier.into_iter().next_back()?, later];
    let (named, met) = (super::compare::Named::read(&world, &last), super::Met::default());
    let compared =
        super::compare::compare(&sides, &before, &Held::of(&alone), &Held::of(&world), &named, &met);
    Some(compared.is_err())
}

#[test]
fn a_word_left_out_of_the_hash_turns_it_red() {
    let (seen, _) = crowd(&WORDS, |word| {
        let mut seeds = (0..MOST).filter_map(|seed| is_seen(seed, word));
        (*word, seeds.any(|seen| seen))
    });
    let unseen: Vec<&str> = seen.into_iter().filter(|(_, seen)| !seen).map(|(word, _)| word).collect();
    assert_eq!(
        unseen,
        Vec::<&str>::new(),
        "words that could be left out of the hash without any test noticing"
    );
}
