//! The JSON schemas of the Dataspace Protocol, and a validator that is not ours.

use std::path::PathBuf;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

const BASE: &str = "https://w3id.org/dspace/2025/1/";

/// Where the files are, with the address of each behind [`BASE`].
const FILES: [&str; 7] = [
    "catalog/catalog-schema.json",
    "catalog/dataset-schema.json",
    "common/context-schema.json",
    "negotiation/contract-agreement-message-schema.json",
    "negotiation/contract-offer-message-schema.json",
    "negotiation/contract-request-message-schema.json",
    "negotiation/contract-schema.json",
];

/// A file of the protocol.
pub(crate) fn file(name: &str) -> String {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dsp");
    std::fs::read_to_string(PathBuf::from(directory).join(name)).unwrap()
}

/// What the protocol has a schema for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Request,
    Offer,
    Agreement,
    Dataset,
    Catalog,
    /// An offer as it stands in a dataset.
    DatasetOffer,
    /// An agreement, without the message around it.
    BareAgreement,
    Context,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Request,
        Self::Offer,
        Self::Agreement,
        Self::Dataset,
        Self::Catalog,
        Self::DatasetOffer,
        Self::BareAgreement,
        Self::Context,
    ];

    fn schema(self) -> &'static str {
        match self {
            Self::Request => "negotiation/contract-request-message-schema.json",
            Self::Offer => "negotiation/contract-offer-message-schema.json",
            Self::Agreement => "negotiation/contract-agreement-message-schema.json",
            Self::Dataset => "catalog/dataset-schema.json",
            Self::Catalog => "catalog/catalog-schema.json",
            Self::DatasetOffer => "negotiation/contract-schema.json#/definitions/Offer",
            Self::BareAgreement => "negotiation/contract-schema.json#/definitions/Agreement",
            Self::Context => "common/context-schema.json",
        }
    }
}

/// All schemas, compiled.
pub(crate) struct Protocol {
    schemas: Schemas,
    parts: Vec<(Part, SchemaIndex)>,
}

impl Protocol {
    /// Refers to nothing but the files: no address is fetched.
    pub(crate) fn load() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        for name in FILES {
            let schema = serde_json::from_str(&file(name)).unwrap();
            compiler.add_resource(&format!("{BASE}{name}"), schema).unwrap();
        }
        let mut compile = |part: Part| {
            let address = format!("{BASE}{}", part.schema());
            (part, compiler.compile(&address, &mut schemas).unwrap())
        };
        let parts = Part::ALL.into_iter().map(&mut compile).collect();
        Self { schemas, parts }
    }

    /// Why the schema refuses the value.
    pub(crate) fn check(&self, part: Part, value: &Value) -> Result<(), String> {
        let (_, index) = self.parts.iter().find(|(one, _)| *one == part).unwrap();
        self.schemas.validate(value, *index).map_err(|error| format!("{error:#}"))
    }
}
