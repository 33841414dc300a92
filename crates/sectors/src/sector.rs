//! A sector: its words, its baseline, its templates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dataspace_identity::Did;
use dataspace_odrl::OdrlOperands;
use dataspace_policy::{
    extension::{Extension, InvalidExtension},
    named::{UnmatchedValue, look},
    policies::InvalidPolicies,
};
use dataspace_primitives::{Name, bounded};
use dataspace_usage_contract::{
    DataRules, EntityRules, Parameters, Scenario, SpaceProfile, Suite,
    profile::{DENIALS_PER_MINUTE, PROFILE_LIST_MAX},
    scenario::BROADER_LEVELS_MAX,
    statement::{About, FactKind, STATEMENT_KINDS_MAX, StatedBy, StatementRule, kinds_of},
};
use serde::Deserialize;
use thiserror::Error;

use crate::arguments::Arguments;
use crate::chinese;
use crate::fill::{InvalidPlaceholder, Scope, names_in, room};
use crate::language::{Language, Texts};
use crate::parameter::{ArgumentError, Kind, Known, Parameter, Written};
use crate::template::{
    InvalidTemplate, PARAMETERS_MAX, TEMPLATE_LEN_MAX, Template, bind, check_used, parameters,
};

/// Most templates of a sector.
pub const TEMPLATES_MAX: usize = 64;
/// Most baseline forbids of a sector.
pub const FORBIDS_MAX: usize = 64;

/// The files of a sector, as text.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `profile.json`: words, settings, and what each baseline forbid says.
    pub profile: &'a str,
    /// `forbids.cedar`: the baseline forbids, with `${setting}` for lists of countries.
    pub forbids: &'a str,
    /// `schema.cedarschema`: the [`Extension`] of the schema of all spaces; an empty text names no tags.
    pub schema: &'a str,
    /// `templates/*.json`.
    pub templates: &'a [&'a str],
}

/// The words of a sector in both languages, the forbids that hold for every contract of its spaces, and
/// templates of terms.
#[derive(Clone, Debug, Default)]
pub struct Sector {
    id: String,
    title: Texts,
    scenarios: BTreeMap<Name, (Scenario, Texts)>,
    classes: BTreeMap<Name, Texts>,
    roles: BTreeMap<Name, Texts>,
    settings: Vec<Parameter>,
    statements: BTreeMap<Name, Said>,
    forbids: BTreeMap<Name, Texts>,
    policies: String,
    by_default: String,
    /// `None` of a sector without words.
    extension: Option<Arc<Extension>>,
    templates: Vec<Template>,
}

/// Why the files of a sector are refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InvalidSector {
    /// The profile or the forbids are longer than [`TEMPLATE_LEN_MAX`].
    #[error("the profile or the forbids have {len} bytes; {TEMPLATE_LEN_MAX} are possible")]
    Len {
        /// Bytes found.
        len: usize,
    },
    /// More than [`TEMPLATES_MAX`] templates.
    #[error("there are {found} templates; {TEMPLATES_MAX} are possible")]
    TooMany {
        /// Templates found.
        found: usize,
    },
    /// The profile is not JSON of this form.
    #[error("profile.json: {why}")]
    Json {
        /// What is wrong, and where.
        why: String,
    },
    /// A word that is not told in every language.
    #[error("profile.json: {what} must be told in English and in Chinese")]
    Texts {
        /// The word.
        what: String,
    },
    /// A purpose that is part of one that the sector does not have.
    #[error("profile.json: the purpose `{purpose}` is part of one that is not there")]
    Broader {
        /// The purpose.
        purpose: Name,
    },
    /// A purpose that is part of itself, or of too many.
    #[error(
        "profile.json: the purpose `{purpose}` is part of itself or has more than {BROADER_LEVELS_MAX} levels"
    )]
    Hierarchy {
        /// The purpose.
        purpose: Name,
    },
    /// No purpose, no class or no role, or two that people would take for one.
    #[error("profile.json: {what} must be there, and no two look alike")]
    Words {
        /// `purposes`, `classes`, `roles` or `statements`.
        what: &'static str,
    },
    /// A setting that is not a list of countries.
    #[error("profile.json: the setting `{setting}` is not a list of countries")]
    Setting {
        /// The setting.
        setting: Name,
    },
    /// A setting, or its placeholder, that means nothing.
    #[error("a placeholder of forbids.cedar, or a setting, means nothing")]
    Placeholder(#[from] InvalidPlaceholder),
    /// Defaults of settings that cannot be filled in.
    #[error("profile.json: the defaults of the settings do not fit")]
    Given(#[from] ArgumentError),
    /// Forbids that no space takes.
    #[error("forbids.cedar is refused")]
    Policies(#[from] InvalidPolicies),
    /// A forbid that names a purpose, class or role that the sector does not have.
    #[error("forbids.cedar names what is not there")]
    Value(#[from] UnmatchedValue),
    /// A forbid that the profile does not tell, or one told that is not there.
    #[error("profile.json and forbids.cedar do not have the same forbids")]
    Forbids,
    /// A template is refused.
    #[error("template {number} is refused")]
    Template {
        /// Its place, from 1.
        number: usize,
        /// Why.
        source: InvalidTemplate,
    },
    /// A schema that extends none.
    #[error("schema.cedarschema is refused")]
    Schema(#[from] InvalidExtension),
    /// The tags of contracts in the schema are not the kinds of statements in the profile.
    #[error("profile.json and schema.cedarschema do not have the same kinds of statements")]
    Tags,
    /// A template asks for an attribute of credentials that the schema does not name, or is no Cedar text.
    #[error("the Cedar text of template {number} is refused")]
    Text {
        /// Its place, from 1.
        number: usize,
        /// Why.
        source: InvalidPolicies,
    },
    /// A template asks for statements of a kind that the sector does not have.
    #[error(
        "template {number} asks for statements of the kind `{kind}`, which are not in profile.json"
    )]
    Kind {
        /// Its place, from 1.
        number: usize,
        /// The kind.
        kind: Name,
    },
    /// A kind of statements that answers a fact, and is about something else than the fact.
    #[error("profile.json: statements of the kind `{kind}` are about {expected}")]
    About {
        /// The kind.
        kind: Name,
        /// What they are about.
        expected: About,
    },
    /// Two templates of one name.
    #[error("template {number} has the id of an earlier one")]
    Repeated {
        /// The later one's place, from 1.
        number: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: Name,
    title: Texts,
    #[serde(deserialize_with = "bounded::map::<_, _, _, PROFILE_LIST_MAX>")]
    purposes: BTreeMap<Name, Purpose>,
    #[serde(deserialize_with = "bounded::map::<_, _, _, PROFILE_LIST_MAX>")]
    classes: BTreeMap<Name, Texts>,
    #[serde(deserialize_with = "bounded::map::<_, _, _, PROFILE_LIST_MAX>")]
    roles: BTreeMap<Name, Texts>,
    #[serde(deserialize_with = "bounded::list::<_, _, PARAMETERS_MAX>")]
    settings: Vec<Written>,
    #[serde(default, deserialize_with = "bounded::map::<_, _, _, STATEMENT_KINDS_MAX>")]
    statements: BTreeMap<Name, Said>,
    #[serde(deserialize_with = "bounded::map::<_, _, _, FORBIDS_MAX>")]
    forbids: BTreeMap<Name, Texts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Purpose {
    #[serde(default)]
    broader: Option<Name>,
    text: Texts,
}

/// A kind of signed statements that the sector's spaces take, at first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    by: By,
    about: About,
    text: Texts,
}

/// Whom a new space trusts for them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum By {
    Provider,
    Authority,
}

mod policies;

impl Sector {
    /// Reads the files of a sector and proves them: a space takes the forbids, every template makes terms
    /// that can be signed and are carried out, all is told in both languages.
    ///
    /// # Errors
    /// [`InvalidSector`]; a sector is refused as a whole.
    pub fn parse(files: Files<'_>) -> Result<Self, InvalidSector> {
        for text in [files.profile, files.forbids] {
            if text.len() > TEMPLATE_LEN_MAX {
                return Err(InvalidSector::Len { len: text.len() });
            }
        }
        if files.templates.len() > TEMPLATES_MAX {
            return Err(InvalidSector::TooMany { found: files.templates.len() });
        }
        let file: File = serde_json::from_str(files.profile)
            .map_err(|error| InvalidSector::Json { why: error.to_string() })?;
        let mut sector = Self::of(file)?;
        files.forbids.clone_into(&mut sector.policies);
        let mut used = BTreeSet::new();
        names_in(files.forbids, &mut used)?;
        check_used(&sector.settings, &used)?;
        sector.by_default = sector.filled(&Arguments::new())?;
        let extension = Extension::parse(files.schema)?;
        if !extension.contract_tags().eq(sector.statements.keys().map(Name::as_str)) {
            return Err(InvalidSector::Tags);
        }
        sector.extension = Some(Arc::new(extension));
        sector.check_forbids()?;
        let (known, words) = (sector.known(), sector.words());
        for (number, text) in (1..).zip(files.templates) {
            let template = Template::parse(text, &known, &words)
                .map_err(|source| InvalidSector::Template { number, source })?;
            let example = template.fill(&template.example());
            let example = example
                .map_err(|source| InvalidSector::Template { number, source: source.into() })?;
            let mut kinds = kinds_of(example.terms(Language::English)).into_iter();
            if let Some(kind) = kinds.find(|kind| !sector.statements.contains_key(kind)) {
                return Err(InvalidSector::Kind { number, kind });
            }
            sector
                .check_text(example.terms(Language::English))
                .map_err(|source| InvalidSector::Text { number, source })?;
            if sector.template(template.id().as_str()).is_some() {
                return Err(InvalidSector::Repeated { number });
            }
            sector.templates.push(template);
        }
        Ok(sector)
    }

    fn of(file: File) -> Result<Self, InvalidSector> {
        let purposes = file.purposes.iter().map(|(name, one)| (name, &one.text));
        let statements = file.statements.iter().map(|(kind, one)| (kind, &one.text));
        let words = purposes.chain(&file.classes).chain(&file.roles).chain(&file.forbids);
        let words = words.chain(statements);
        if let Some((name, _)) = words.into_iter().find(|(_, texts)| !texts.is_complete()) {
            return Err(InvalidSector::Texts { what: format!("`{name}`") });
        }
        if !file.title.is_complete() {
            return Err(InvalidSector::Texts { what: "the title".to_owned() });
        }
        let mut scenarios = BTreeMap::new();
        for (name, Purpose { broader, text }) in &file.purposes {
            if broader.as_ref().is_some_and(|broader| !file.purposes.contains_key(broader)) {
                return Err(InvalidSector::Broader { purpose: name.clone() });
            }
            let next = |one: &&Name| file.purposes.get(*one)?.broader.as_ref();
            let levels = std::iter::successors(Some(name), next).take(BROADER_LEVELS_MAX + 1);
            if levels.count() > BROADER_LEVELS_MAX {
                return Err(InvalidSector::Hierarchy { purpose: name.clone() });
            }
            let description = text.get(Language::English).parse().map_err(|_| {
                let why = format!("the text of the purpose `{name}` is not a name");
                InvalidSector::Json { why }
            })?;
            let scenario = Scenario { description, broader: broader.clone() };
            scenarios.insert(name.clone(), (scenario, text.clone()));
        }
        for (what, names) in [
            ("purposes", file.purposes.keys().collect::<Vec<_>>()),
            ("classes", file.classes.keys().collect()),
            ("roles", file.roles.keys().collect()),
        ] {
            let looks: BTreeSet<_> = names.iter().map(|name| look(name.as_str())).collect();
            if names.is_empty() || looks.len() < names.len() {
                return Err(InvalidSector::Words { what });
            }
        }
        for (kind, one) in &file.statements {
            let expected = FactKind::of(kind).map_or(one.about, FactKind::about);
            if one.about != expected {
                return Err(InvalidSector::About { kind: kind.clone(), expected });
            }
        }
        let looks: BTreeSet<_> = file.statements.keys().map(|kind| look(kind.as_str())).collect();
        if looks.len() < file.statements.len() {
            return Err(InvalidSector::Words { what: "statements" });
        }
        let settings = parameters(file.settings).map_err(|error| match error {
            InvalidTemplate::Texts { what } => InvalidSector::Texts { what },
            error => InvalidSector::Json { why: error.to_string() },
        })?;
        if let Some(one) = settings.iter().find(|one| one.kind != Kind::Regions) {
            return Err(InvalidSector::Setting { setting: one.name.clone() });
        }
        let (id, title) = (file.id.into(), file.title);
        let (classes, roles, forbids) = (file.classes, file.roles, file.forbids);
        let statements = file.statements;
        let sector = Self { id, title, scenarios, classes, roles, settings, ..Self::default() };
        Ok(Self { statements, forbids, ..sector })
    }

    fn known(&self) -> Known {
        Known {
            purposes: self.scenarios.keys().cloned().collect(),
            classes: self.classes.keys().cloned().collect(),
            roles: self.roles.keys().cloned().collect(),
        }
    }

    fn words(&self) -> chinese::Words {
        let purposes = self.scenarios.iter().map(|(name, (_, texts))| (name, texts));
        let statements = self.statements.iter().map(|(kind, one)| (kind, &one.text));
        let all = purposes.chain(&self.classes).chain(&self.roles).chain(statements);
        all.map(|(name, texts)| (name.clone(), texts.get(Language::Chinese).to_owned())).collect()
    }

    /// The forbids with these settings.
    fn filled(&self, settings: &Arguments) -> Result<String, InvalidSector> {
        let mut bound = bind(&self.settings, settings, &Known::default())?;
        for one in bound.values_mut() {
            // A list of country codes, which is written alike in JSON and in Cedar.
            one.words = vec![one.json.to_string()];
        }
        Ok(Scope::new(&bound, Language::English, &room()).text(&self.policies)?)
    }

    /// Its name: `materials`, `automotive` or `audio-visual`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A short title.
    #[must_use]
    pub fn title(&self, language: Language) -> &str {
        self.title.get(language)
    }

    /// The purposes with what they mean, in the order of their names.
    pub fn purposes(&self, language: Language) -> impl Iterator<Item = (&Name, &str)> {
        self.scenarios.iter().map(move |(name, (_, texts))| (name, texts.get(language)))
    }

    /// The classes of products with what they mean, in the order of their names.
    pub fn classes(&self, language: Language) -> impl Iterator<Item = (&Name, &str)> {
        self.classes.iter().map(move |(name, texts)| (name, texts.get(language)))
    }

    /// The roles of participants with what they mean, in the order of their names.
    pub fn roles(&self, language: Language) -> impl Iterator<Item = (&Name, &str)> {
        self.roles.iter().map(move |(name, texts)| (name, texts.get(language)))
    }

    /// The kinds of signed statements that its spaces take, with what they say, in the order of their names.
    pub fn statements(&self, language: Language) -> impl Iterator<Item = (&Name, &str)> {
        self.statements.iter().map(move |(kind, one)| (kind, one.text.get(language)))
    }

    /// The baseline forbids with what they say, by their ids in the Cedar text.
    pub fn forbids(&self, language: Language) -> impl Iterator<Item = (&Name, &str)> {
        self.forbids.iter().map(move |(name, texts)| (name, texts.get(language)))
    }

    /// What the baseline forbids leave open; each has a default.
    #[must_use]
    pub fn settings(&self) -> &[Parameter] {
        &self.settings
    }

    /// The templates, in the order in which the sector lists them.
    #[must_use]
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// The template of this id.
    #[must_use]
    pub fn template(&self, id: &str) -> Option<&Template> {
        self.templates.iter().find(|one| one.id().as_str() == id)
    }

    /// A first profile, version 1: the purposes, classes and roles of the sector, its baseline forbids with
    /// default settings, requests at most five minutes old, participants established anywhere. For the
    /// authority to complete and sign. Its countries are a guess (materials: EU; automotive: CN; audio-visual: EEA,
    /// CH, GB and CN): set yours with [`profile_with`](Self::profile_with).
    #[must_use]
    pub fn profile(&self, space: Name, authority: Did) -> SpaceProfile {
        self.profile_of(space, authority, self.by_default.clone())
    }

    /// As [`profile`](Self::profile), with settings of the authority's own.
    ///
    /// # Errors
    /// [`ArgumentError`] with the first setting at fault and its range.
    pub fn profile_with(
        &self,
        space: Name,
        authority: Did,
        settings: &Arguments,
    ) -> Result<SpaceProfile, ArgumentError> {
        let policies = self.filled(settings).map_err(|error| match error {
            InvalidSector::Given(error) => error,
            error => ArgumentError::Together { why: error.to_string() },
        })?;
        Ok(self.profile_of(space, authority, policies))
    }

    fn profile_of(&self, space: Name, authority: Did, policies: String) -> SpaceProfile {
        let scenarios = self.scenarios.iter();
        let statements = self.statements.iter().map(|(kind, one)| {
            let by = match one.by {
                By::Provider => StatedBy::Provider,
                By::Authority => StatedBy::Party(authority.clone()),
            };
            (kind.clone(), StatementRule { by, about: one.about })
        });
        let statements = statements.collect();
        SpaceProfile {
            space,
            version: 1,
            authority,
            parameters: Parameters {
                suite: Suite::Intl,
                request_age_secs_max: 300,
                denials_per_minute: DENIALS_PER_MINUTE,
            },
            scenarios: scenarios.map(|(name, (one, _))| (name.clone(), one.clone())).collect(),
            entities: EntityRules {
                roles: self.roles.keys().cloned().collect(),
                regions: BTreeSet::new(),
            },
            data: DataRules { product_classes: self.classes.keys().cloned().collect() },
            policies,
            odrl: OdrlOperands::default(),
            statements,
        }
    }
}
