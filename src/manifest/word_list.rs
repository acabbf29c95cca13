//! Lists of words with what each means: which word stands for a meaning.

/// The word of a choice.
pub(super) fn name_of<T: PartialEq>(choices: &[(&'static str, T)], value: &T) -> &'static str {
    choices.iter().find(|(_, v)| v == value).map_or("", |(name, _)| name)
}
