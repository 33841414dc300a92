//! What the sectors bring along, for people to read: words, forbids and templates of terms.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use dataspace_policy::Clause;
use dataspace_primitives::{Name, shown};
use dataspace_sectors::{
    Arguments, Language, Sector, Template, arguments::ARGUMENTS_LEN_MAX, chinese,
    parameter::Parameter,
};
use serde_json::Value;

use crate::json::{self, object};
use crate::out::say;
use crate::outcome::Health;
use crate::shell::shown_path;
use crate::{files, labels, paint};

const HELP: &str = "\
A sector is what a data space of one branch begins with: purposes, classes of products and roles, forbids
that hold for every contract, and templates of terms. A template leaves things open, its parameters; filled,
it makes the terms of an offer. What docs/labels.md says of labels holds for its clauses.

Arguments are a JSON object in a file, such as { \"price\": \"2.50 EUR\", \"cap\": 20 }. What it leaves out has
its default, or here, to be read, its example.

Example:
  dataspace sector list
  dataspace sector show materials
  dataspace sector show pay-per-access --lang zh";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct SectorArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List the sectors and their templates
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Show a sector, or the clauses and parameters of a template
    Show {
        /// A sector or a template, as `list` has it
        id: String,
        /// Fill the template with the arguments in this file (JSON)
        #[arg(long, value_name = "FILE")]
        arguments: Option<PathBuf>,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Args)]
struct Form {
    /// The language: en or zh
    #[arg(long, default_value = "en", value_name = "CODE")]
    lang: Language,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: SectorArgs) -> Result<Health> {
    match args.verb {
        Verb::List { form: Form { lang, json } } => list(lang, json),
        Verb::Show { id, arguments, form: Form { lang, json } } => {
            let all = dataspace_sectors::all();
            if let Some(sector) = all.iter().find(|sector| sector.id() == id) {
                if arguments.is_some() {
                    bail!("--arguments is for a template; {} is a sector", shown(&id));
                }
                show_sector(sector, lang, json);
            } else if let Some(template) = all.iter().find_map(|sector| sector.template(&id)) {
                show_template(template, arguments, lang, json)?;
            } else {
                bail!("no sector or template has this id; `dataspace sector list` has them all");
            }
        }
    }
    Ok(Health::Sound)
}

fn list(lang: Language, json: bool) {
    let all = dataspace_sectors::all();
    if json {
        let template =
            |one: &Template| object! { "id": one.id().as_str(), "title": one.title(lang) };
        let sector = |one: &&Sector| {
            object! {
                "id": one.id(),
                "title": one.title(lang),
                "templates": one.templates().iter().map(template).collect::<Value>(),
            }
        };
        say!("{}", json::pretty(&all.iter().map(sector).collect()));
        return;
    }
    for sector in all {
        say!("{}  {}", paint::title(sector.id()), sector.title(lang));
        for one in sector.templates() {
            say!("   {:<28}{}", one.id(), one.title(lang));
        }
    }
}

fn show_sector(sector: &Sector, lang: Language, json: bool) {
    let words = [
        ("purposes", sector.purposes(lang).collect::<Vec<_>>()),
        ("classes", sector.classes(lang).collect()),
        ("roles", sector.roles(lang).collect()),
        ("statements", sector.statements(lang).collect()),
        ("forbids", sector.forbids(lang).collect()),
    ];
    if json {
        let mut all = serde_json::Map::new();
        json::put(&mut all, "id", sector.id().into());
        json::put(&mut all, "title", sector.title(lang).into());
        for (what, words) in words {
            let one = |(name, text): (&Name, &str)| object! { "id": name.as_str(), "text": text };
            json::put(&mut all, what, words.into_iter().map(one).collect());
        }
        json::put(&mut all, "settings", parameters_to_json(sector.settings(), lang));
        say!("{}", json::pretty(&all.into()));
        return;
    }
    say!("{}", paint::title(sector.title(lang)));
    for (what, words) in words {
        say!("\n{}", paint::title(what));
        for (name, text) in words {
            say!("   {name:<28}{text}");
        }
    }
    say!("\n{}", paint::title("settings of the forbids"));
    parameters(sector.settings(), lang);
}

fn show_template(
    template: &Template,
    arguments: Option<PathBuf>,
    lang: Language,
    json: bool,
) -> Result<()> {
    let arguments = match arguments {
        Some(file) => {
            let bytes = files::read(&file, ARGUMENTS_LEN_MAX)?;
            Arguments::from_json(&bytes).with_context(|| shown_path(&file))?
        }
        None => template.example(),
    };
    let clauses = template.fill(&arguments)?.clauses(lang);
    if json {
        let all = object! {
            "id": template.id().as_str(),
            "title": template.title(lang),
            "text": template.text(lang),
            "clauses": labels::clauses_to_json(&clauses),
            "parameters": parameters_to_json(template.parameters(), lang),
        };
        say!("{}", json::pretty(&all));
        return Ok(());
    }
    say!("{}\n{}\n", paint::title(template.title(lang)), template.text(lang));
    match lang {
        Language::English => paint::clauses(&clauses),
        Language::Chinese => {
            for Clause { id, words, assurance } in &clauses {
                say!("   {}  {:<16}{}", chinese::label(*assurance), id.to_string(), shown(words));
            }
        }
    }
    say!("\n{}", paint::title("parameters"));
    parameters(template.parameters(), lang);
    Ok(())
}

fn parameters(all: &[Parameter], lang: Language) {
    for one in all {
        let given = argument(one).to_string();
        let word = match (lang, one.default().is_some()) {
            (Language::English, true) => "default",
            (Language::English, false) => "needed, such as",
            (Language::Chinese, true) => "默认",
            (Language::Chinese, false) => "必填，例如",
        };
        say!("   {:<14}{} {}", one.name(), one.text(lang), paint::dim(one.kind().words(lang)));
        say!("   {:<14}{}", "", paint::dim(format!("{word} {}", shown(&given))));
    }
}

fn parameters_to_json(all: &[Parameter], lang: Language) -> Value {
    let one = |one: &Parameter| {
        object! {
            "name": one.name().as_str(),
            "text": one.text(lang),
            "expected": one.kind().words(lang),
            "isNeeded": one.default().is_none(),
            "example": argument(one),
        }
    };
    all.iter().map(one).collect()
}

fn argument(parameter: &Parameter) -> Value {
    serde_json::to_value(parameter.example()).unwrap_or_default()
}
