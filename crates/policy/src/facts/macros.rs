//! What the table of facts is turned into. The table itself, with the columns explained, is in
//! `table.rs`.

macro_rules! facts {
    (
        $(
            $fact:ident: $owner:ident $name:literal $kind:ident $(($type:ident))?,
            $known:ident $(($told:ident: $told_type:ty))?,
            $source:ident $($unsupplied:literal)?, ($($field:tt)+), $log:literal,
            $english:literal $is:ident, $chinese:literal
            $(,
                $(#[$doc:meta])*
                $constraint:ident($values:ident $(in $list:ident)?), $operand:literal, $words:literal
            )?;
        )+
        $(#[$enum_doc:meta])*
        more {
            $(
                $(#[$other_doc:meta])*
                $other:ident
                    $(($one:ident: $one_type:ty))?
                    $({ $($(#[$part_doc:meta])* $part:ident: $part_type:ty,)+ })?,
            )+
        }
    ) => {
        /// What a decision may look at, one by one. Their order is that in which Cedar texts ask
        /// whether they are known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fact {
            $(
                #[doc = concat!("`", facts!(@path $owner $name), "`: ", $english, " (", $chinese, ").")]
                $fact,
            )+
        }

        $(#[$enum_doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Constraint {
            $($(
                $(#[$doc])*
                $constraint(BTreeSet<$values>),
            )?)+
            $(
                $(#[$other_doc])*
                $other
                    $(($one_type))?
                    $({ $($(#[$part_doc])* $part: $part_type,)+ })?,
            )+
        }

        /// A constraint, looked at: all that say that a fact is among values are one.
        #[derive(Clone, Copy, Debug)]
        pub enum Form<'a> {
            /// The fact is among the values.
            Among(Fact, Values<'a>),
            $(
                #[doc = concat!("[`Constraint::", stringify!($other), "`].")]
                $other
                    $((&'a $one_type))?
                    $({ $($(#[$part_doc])* $part: &'a $part_type,)+ })?,
            )+
        }

        impl Fact {
            /// All facts.
            pub const ALL: &'static [Self] = &[$(Self::$fact),+];

            /// The attribute of this name, in the schema of policies.
            pub(crate) fn named(owner: Owner, name: &str) -> Option<Self> {
                match (owner, name) {
                    $((Owner::$owner, $name) => Some(Self::$fact),)+
                    _ => None,
                }
            }

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$fact => &const { Row {
                        owner: Owner::$owner,
                        name: $name,
                        path: facts!(@path $owner $name),
                        kind: Kind::$kind $(($type))?,
                        is_optional: facts!(@optional $known),
                        is_stated: facts!(@stated $known),
                        source: Source::$source,
                        unsupplied: facts!(@last None $(Some($unsupplied))?),
                        log: $log,
                        english: $english,
                        is_plural: facts!(@plural $is),
                        chinese: $chinese,
                        among: facts!(@last None $(Some(AmongRow {
                            make: Among::$values(Constraint::$constraint),
                            operand: $operand,
                            list: facts!(@last None $(Some(ValueKind::$list))?),
                            words: |values| format!($words, values),
                        }))?),
                    } },)+
                }
            }
        }

        impl Constraint {
            /// Its form.
            #[must_use]
            pub fn form(&self) -> Form<'_> {
                match self {
                    $($(
                        Self::$constraint(all) => Form::Among(Fact::$fact, Values::$values(all)),
                    )?)+
                    $(
                        Self::$other $(($one))? $({ $($part,)+ })? => {
                            Form::$other $(($one))? $({ $($part,)+ })?
                        }
                    )+
                }
            }
        }

        impl<'a> Facts<'a> {
            /// What a fact says; `None` if it is not known.
            #[must_use]
            pub fn known(&'a self, fact: Fact) -> Option<Known<'a>> {
                self.read(fact)
            }

            /// As [`known`](Self::known), without a detour.
            #[inline]
            pub(crate) fn read<T: From<Known<'a>>>(&'a self, fact: Fact) -> Option<T> {
                match fact {
                    $(Fact::$fact => {
                        let known = Field::known(&self.$($field)+)?;
                        Some(known.of(Kind::$kind $(($type))?).into())
                    })+
                }
            }

            /// Adds what the consumer states.
            pub fn tell(&mut self, told: Told<'a>) {
                self.environment = told.environment;
                $($(self.$told = told.$told;)?)+
            }
        }

        /// What the consumer states in its request beside action, purpose and person.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Told<'a> {
            /// In what the data are used.
            pub environment: Option<Environment<'a>>,
            $($(
                #[doc = concat!($english, ".")]
                pub $told: $told_type,
            )?)+
        }

        impl<'a> Told<'a> {
            /// Takes a fact as a record says it. False if the consumer does not state it
            /// ([`Fact::is_stated`]), or if it cannot say that.
            pub fn read(&mut self, fact: Fact, known: Known<'a>) -> bool {
                match fact {
                    $($(Fact::$fact => {
                        let field: Option<$told_type> = Field::told(known);
                        self.$told = field.unwrap_or_default();
                        field.is_some()
                    })?)+
                    _ => false,
                }
            }
        }
    };

    (@path Request $name:literal) => { $name };
    (@path Principal $name:literal) => { concat!("principal.", $name) };
    (@path Resource $name:literal) => { concat!("resource.", $name) };
    (@path Context $name:literal) => { concat!("context.", $name) };
    (@path Contract $name:literal) => { concat!("context.contract.", $name) };
    (@path Person $name:literal) => { concat!("context.person.", $name) };
    (@path Environment $name:literal) => { concat!("context.environment.", $name) };

    (@optional always) => { false };
    (@optional $known:ident) => { true };
    (@stated stated) => { true };
    (@stated $known:ident) => { false };
    (@plural are) => { true };
    (@plural is) => { false };

    (@last $one:expr) => { $one };
    (@last $one:ident $last:expr) => { $last };
}
