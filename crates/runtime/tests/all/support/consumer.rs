//! A consumer's node beside the provider's, and the way between them.

use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use dataspace_policy::Terms;
use dataspace_runtime::{
    Call, ConsumerNode, ConsumerSetup, DataSpace, ManualClock, NewRequest, Reply, Transport,
    consumer::fetch_profile,
};
use dataspace_usage_contract::ContractId;
use serde_cbor::Value;
use tempfile::TempDir;

use super::{Node, TestClock, authority, consumer, keys, name};

/// Straight to a node.
pub(crate) fn direct(space: &DataSpace) -> DataSpace {
    space.clone()
}

/// The same, with whatever `change` makes of the frames of an access.
pub(crate) fn changing(
    space: &DataSpace,
    change: impl Fn(Vec<Value>) -> Vec<Value>,
) -> impl Transport {
    let direct = direct(space);
    move |call: Call, body: Vec<u8>| {
        let mut answer = direct.call(call, body)?;
        if call != Call::Access {
            return Ok(answer);
        }
        let mut bytes = Vec::new();
        answer.read_to_end(&mut bytes)?;
        let changed = change(frames(&bytes)).iter().flat_map(frame).collect();
        Ok(Box::new(Cursor::<Vec<u8>>::new(changed)) as Box<dyn Read + Send>)
    }
}

/// What is in a CBOR sequence of byte strings.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Value> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let mut one = serde_cbor::Deserializer::from_slice(bytes).into_iter::<Value>();
        let Value::Bytes(inner) = one.next().unwrap().unwrap() else { panic!("no byte string") };
        let read = one.byte_offset();
        frames.push(serde_cbor::from_slice(&inner).unwrap());
        bytes = &bytes[read..];
    }
    frames
}

pub(crate) fn frame(value: &Value) -> Vec<u8> {
    let inner = serde_cbor::to_vec(value).unwrap();
    serde_cbor::to_vec(&Value::Bytes(inner)).unwrap()
}

/// A field of a frame.
pub(crate) fn field<'a>(frame: &'a mut Value, kind: &str, field: &str) -> Option<&'a mut Value> {
    let Value::Map(frame) = frame else { return None };
    let Value::Map(fields) = frame.get_mut(&Value::Text(kind.to_owned()))? else { return None };
    fields.get_mut(&Value::Text(field.to_owned()))
}

/// A consumer's files.
pub(crate) struct Half {
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl Half {
    pub(crate) fn new(node: &Node) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Arc::clone(&node.files.clock) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("consumer")
    }

    pub(crate) fn setup(&self) -> ConsumerSetup {
        let setup = ConsumerSetup::new(self.path(), keys(consumer()), authority().did().clone());
        setup.clock(TestClock(Arc::clone(&self.clock)))
    }

    pub(crate) fn create(&self, provider: &dyn Transport) -> ConsumerNode {
        self.setup().create(fetch_profile(provider).unwrap()).unwrap()
    }
}

/// A contract on these terms, by the catalogue; the consumer's node holds it.
pub(crate) fn concluded(terms: Terms) -> (Node, Half, ConsumerNode, ContractId) {
    concluded_at(Node::new(), terms)
}

pub(crate) fn concluded_at(node: Node, terms: Terms) -> (Node, Half, ConsumerNode, ContractId) {
    let half = Half::new(&node);
    let way = direct(&node.space);
    node.space.publish_offer(node.offer(terms)).unwrap();
    let consumer = half.create(&way);
    let offers = consumer.read_catalogue(&way).unwrap();
    let contract = consumer.conclude(&way, offers[0]).unwrap();
    (node, half, consumer, contract)
}

pub(crate) fn reading() -> NewRequest {
    NewRequest::new(dataspace_policy::Action::Read, name("research"))
}

pub(crate) fn data(reply: Reply) -> Box<dataspace_runtime::Incoming> {
    match reply {
        Reply::Data(data) => data,
        Reply::Denied(denied) => panic!("denied: {denied:?}"),
    }
}
