//! Terms with parameters, ready to be filled.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_policy::{
    Action, Clause, Terms, clause::ClauseId, lint::Finding, terms::InvalidTerms,
};
use dataspace_primitives::{Name, bounded};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::arguments::Arguments;
use crate::chinese::{self, NoChinese};
use crate::fill::{IT, InvalidPlaceholder, Scope, names, room};
use crate::language::{Language, Texts};
use crate::parameter::{ArgumentError, Bound, Known, Parameter, Written};
use crate::strict::Strict;

/// Longest file of a template, in bytes.
pub const TEMPLATE_LEN_MAX: usize = 65_536;
/// Most parameters of a template or of a sector.
pub const PARAMETERS_MAX: usize = 32;

/// Terms of a sector with parameters: what people choose from, read in their language, and fill.
#[derive(Clone, Debug)]
pub struct Template {
    id: Name,
    title: Texts,
    text: Texts,
    parameters: Vec<Parameter>,
    terms: Value,
    known: Known,
    words: chinese::Words,
}

/// Terms that a template made: to be offered as they are.
#[derive(Clone, Debug)]
pub struct Draft {
    english: Terms,
    chinese: Terms,
    in_chinese: Vec<Clause>,
}

/// Why a template is refused, with all that a stranger could not trust in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTemplate {
    /// Longer than [`TEMPLATE_LEN_MAX`].
    #[error("the file has {len} bytes; {TEMPLATE_LEN_MAX} are possible")]
    Len {
        /// Bytes found.
        len: usize,
    },
    /// Not JSON of this form.
    #[error("not the JSON of a template: {why}")]
    Json {
        /// What is wrong, and where.
        why: String,
    },
    /// A title, text or parameter that is not told in every language.
    #[error("{what} must be told in English and in Chinese")]
    Texts {
        /// The title, the text or a parameter.
        what: String,
    },
    /// A parameter with a name that has another meaning.
    #[error("a parameter cannot have the name `{IT}`")]
    Reserved,
    /// A placeholder that means nothing, or a parameter without one.
    #[error(transparent)]
    Placeholder(#[from] InvalidPlaceholder),
    /// The defaults and examples of the parameters cannot be filled in.
    #[error("the defaults and examples of the parameters do not fit")]
    Given(#[from] ArgumentError),
    /// Filled with them, the terms could not be signed.
    #[error("the terms cannot be signed")]
    Terms(#[from] InvalidTerms),
    /// The terms permit what no node carries out.
    #[error("{clause} permits to {action}, which no node carries out")]
    NotCarriedOut {
        /// The clause.
        clause: ClauseId,
        /// The action.
        action: Action,
    },
    /// A clause without effect, or one that asks for what nobody supplies.
    #[error("{0}")]
    Finding(Finding),
    /// A clause that has no words in Chinese.
    #[error(transparent)]
    Chinese(#[from] NoChinese),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: Name,
    title: Texts,
    text: Texts,
    #[serde(deserialize_with = "bounded::list::<_, _, PARAMETERS_MAX>")]
    parameters: Vec<Written>,
    terms: Strict,
}

impl Template {
    /// Reads the file of a template and proves it: filled with its defaults and examples, its terms can
    /// be signed and are carried out, every clause has an effect and words in both languages, every
    /// placeholder a parameter and every parameter a placeholder.
    pub(crate) fn parse(
        text: &str,
        known: &Known,
        words: &chinese::Words,
    ) -> Result<Self, InvalidTemplate> {
        if text.len() > TEMPLATE_LEN_MAX {
            return Err(InvalidTemplate::Len { len: text.len() });
        }
        let file: File = serde_json::from_str(text)
            .map_err(|error| InvalidTemplate::Json { why: error.to_string() })?;
        let told = [("the title", &file.title), ("the text", &file.text)];
        if let Some((what, _)) = told.into_iter().find(|(_, texts)| !texts.is_complete()) {
            return Err(InvalidTemplate::Texts { what: what.to_owned() });
        }
        let parameters = parameters(file.parameters)?;
        let mut used = BTreeSet::new();
        names(&file.terms.0, &mut used)?;
        check_used(&parameters, &used)?;
        let template = Self {
            id: file.id,
            title: file.title,
            text: file.text,
            parameters,
            terms: file.terms.0,
            known: known.clone(),
            words: words.clone(),
        };
        let draft = template.fill_in(&template.example())?;
        draft.english.check()?;
        if let Some((clause, action)) = draft.english.not_carried_out() {
            return Err(InvalidTemplate::NotCarriedOut { clause, action });
        }
        if let Some(finding) = draft.english.lint().into_iter().next() {
            return Err(InvalidTemplate::Finding(finding));
        }
        Ok(template)
    }

    /// Its name among the templates of the sector.
    #[must_use]
    pub fn id(&self) -> &Name {
        &self.id
    }

    /// A short title.
    #[must_use]
    pub fn title(&self, language: Language) -> &str {
        self.title.get(language)
    }

    /// What it is for, and what stands behind it, in a few sentences.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        self.text.get(language)
    }

    /// What it leaves open.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Arguments for every parameter: its default, or its example.
    #[must_use]
    pub fn example(&self) -> Arguments {
        let all = self.parameters.iter();
        all.fold(Arguments::new(), |all, one| all.with(one.name.as_str(), one.example().clone()))
    }

    /// Makes terms. They can have no clause that never applies, and no permission that a prohibition always
    /// takes back.
    ///
    /// # Errors
    /// [`ArgumentError`] with the first parameter at fault and its range.
    pub fn fill(&self, arguments: &Arguments) -> Result<Draft, ArgumentError> {
        self.fill_in(arguments).map_err(|error| match error {
            InvalidTemplate::Given(error) => error,
            InvalidTemplate::Finding(finding) => ArgumentError::NoEffect(finding),
            error => ArgumentError::Together { why: error.to_string() },
        })
    }

    fn fill_in(&self, arguments: &Arguments) -> Result<Draft, InvalidTemplate> {
        let bound = bind(&self.parameters, arguments, &self.known)?;
        let terms = |language| {
            let filled = Scope::new(&bound, language, &room()).fill(&self.terms)?;
            let terms: Terms = serde_json::from_value(filled).map_err(|error| {
                let why = error.to_string();
                InvalidTemplate::Given(ArgumentError::Together { why })
            })?;
            terms.check().map_err(|error| ArgumentError::Together { why: error.to_string() })?;
            Ok::<_, InvalidTemplate>(terms)
        };
        let (english, chinese) = (terms(Language::English)?, terms(Language::Chinese)?);
        let is_void = |one: &Finding| {
            matches!(one, Finding::NeverApplies { .. } | Finding::Contradicted { .. })
        };
        if let Some(finding) = english.lint().into_iter().find(is_void) {
            return Err(InvalidTemplate::Finding(finding));
        }
        let in_chinese = chinese::clauses(&chinese, &self.words)?;
        Ok(Draft { english, chinese, in_chinese })
    }
}

impl Draft {
    /// The terms, with what binds by law alone in this language. All else is the same in every
    /// language.
    #[must_use]
    pub fn terms(&self, language: Language) -> &Terms {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }

    /// Every clause in plain words with its label, in the order of the document.
    #[must_use]
    pub fn clauses(&self, language: Language) -> Vec<Clause> {
        match language {
            Language::English => self.english.clauses(),
            Language::Chinese => self.in_chinese.clone(),
        }
    }
}

/// The parameters of a file, each with texts and a name of its own.
pub(crate) fn parameters(written: Vec<Written>) -> Result<Vec<Parameter>, InvalidTemplate> {
    let mut parameters = Vec::<Parameter>::with_capacity(written.len());
    for one in written {
        let one = one.read().map_err(|name| {
            let why = format!("the parameter `{name}` needs a default or an example");
            InvalidTemplate::Json { why }
        })?;
        if !one.text.is_complete() {
            return Err(InvalidTemplate::Texts { what: format!("the parameter `{}`", one.name) });
        }
        if one.name.as_str() == IT {
            return Err(InvalidTemplate::Reserved);
        }
        if parameters.iter().any(|other| other.name == one.name) {
            let why = format!("the parameter `{}` stands twice", one.name);
            return Err(InvalidTemplate::Json { why });
        }
        parameters.push(one);
    }
    Ok(parameters)
}

/// Every parameter must be among the names that placeholders use.
pub(crate) fn check_used(
    parameters: &[Parameter],
    used: &BTreeSet<String>,
) -> Result<(), InvalidPlaceholder> {
    match parameters.iter().find(|one| !used.contains(one.name.as_str())) {
        Some(one) => Err(InvalidPlaceholder::Unused { name: one.name.to_string() }),
        None => Ok(()),
    }
}

/// Compares all arguments with their parameters.
pub(crate) fn bind(
    parameters: &[Parameter],
    arguments: &Arguments,
    known: &Known,
) -> Result<BTreeMap<String, Bound>, ArgumentError> {
    let is_known = |name: &str| parameters.iter().any(|one| one.name.as_str() == name);
    if let Some((number, _)) = (1..).zip(arguments.names()).find(|(_, name)| !is_known(name)) {
        let names: Vec<_> = parameters.iter().map(|one| one.name.as_str()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(ArgumentError::Unknown { number, known });
    }
    let bind = |one: &Parameter| {
        Ok((one.name.to_string(), one.bind(arguments.get(one.name.as_str()), known)?))
    };
    parameters.iter().map(bind).collect()
}
