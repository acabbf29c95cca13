//! The yes-or-no facts that describe tells about a field, as a set of bits.

/// Defines the flags and their names in describe from one table.
macro_rules! flags {
    ($($name:ident = $word:literal,)+) => {
        /// A fact about a field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Flag { $($name,)+ }

        impl Flag {
            /// All of them with describe's names, in describe's order.
            pub(crate) const ALL: &'static [(&'static str, Flag)] = &[$(($word, Flag::$name),)+];
        }
    };
}

flags! {
    Aggregatable = "aggregatable",
    AiPredictionField = "aiPredictionField",
    AutoNumber = "autoNumber",
    Calculated = "calculated",
    CascadeDelete = "cascadeDelete",
    CaseSensitive = "caseSensitive",
    Createable = "createable",
    Custom = "custom",
    DefaultedOnCreate = "defaultedOnCreate",
    DependentPicklist = "dependentPicklist",
    DeprecatedAndHidden = "deprecatedAndHidden",
    DisplayLocationInDecimal = "displayLocationInDecimal",
    Encrypted = "encrypted",
    ExternalId = "externalId",
    Filterable = "filterable",
    FormulaTreatNullNumberAsZero = "formulaTreatNullNumberAsZero",
    Groupable = "groupable",
    HighScaleNumber = "highScaleNumber",
    HtmlFormatted = "htmlFormatted",
    IdLookup = "idLookup",
    NameField = "nameField",
    NamePointing = "namePointing",
    Nillable = "nillable",
    Permissionable = "permissionable",
    PolymorphicForeignKey = "polymorphicForeignKey",
    QueryByDistance = "queryByDistance",
    RestrictedDelete = "restrictedDelete",
    RestrictedPicklist = "restrictedPicklist",
    SearchPrefilterable = "searchPrefilterable",
    Sortable = "sortable",
    Unique = "unique",
    Updateable = "updateable",
    WriteRequiresMasterRead = "writeRequiresMasterRead",
}

/// A set of [`Flag`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(u64);

impl Flags {
    /// The set of the words in a text; words that name no flag are left out.
    pub(crate) fn parse(words: &str) -> Self {
        let mut set = Self::default();
        for word in words.split_whitespace() {
            if let Some((_, flag)) = Flag::ALL.iter().find(|(name, _)| *name == word) {
                set.set(*flag, true);
            }
        }
        set
    }

    /// Whether the flag is in the set.
    pub(crate) fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u64) != 0
    }

    /// Puts the flag in or takes it out.
    pub(crate) fn set(&mut self, flag: Flag, on: bool) {
        if on {
            self.0 |= 1 << flag as u64;
        } else {
            self.0 &= !(1 << flag as u64);
        }
    }
}
