//! Marked copies through both halves.

use dataspace_media::{Mark, MarkMethod, Picture, WavAudio};
use dataspace_policy::Duty;
use dataspace_runtime::{ChangeError, NewOffer, Reply, conformance, consumer::Arrived};
use tempfile::TempDir;

use crate::support::consumer::{Half, data, direct, reading};
use crate::support::{Node, counted, keys, name, provider, terms};

const TRACE: Duty = Duty::Mark(Mark { method: MarkMethod::Trace });
const VISIBLE: Duty = Duty::Mark(Mark { method: MarkMethod::Visible });

fn picture(dir: &TempDir) -> Picture {
    let path = dir.path().join("a.png");
    let wave =
        |x: u32, y: u32| image::Luma([u8::try_from(100 + (x * x / 9 + y * 5) % 90).unwrap()]);
    image::GrayImage::from_fn(200, 200, wave).save(&path).unwrap();
    Picture::open(path).unwrap()
}

fn recording(dir: &TempDir) -> WavAudio {
    let path = dir.path().join("a.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for n in 0..16_000_i32 {
        writer.write_sample(i16::try_from(n * n % 9_973).unwrap()).unwrap();
    }
    writer.finalize().unwrap();
    WavAudio::open(path).unwrap()
}

#[test]
fn pictures_and_recordings_are_products_as_others_are() {
    let dir = tempfile::tempdir().unwrap();
    conformance::product(&picture(&dir)).unwrap();
    conformance::product(&recording(&dir)).unwrap();
    conformance::product(&recording(&dir).first_seconds(1).unwrap()).unwrap();
}

#[test]
fn a_marked_copy_comes_without_a_complaint_and_takes_a_use() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::new();
    let own = picture(&dir);
    let same = Picture::open(dir.path().join("a.png")).unwrap();
    node.space.register(name("work"), name("test-results"), same).unwrap();
    let half = Half::new(&node);
    let way = direct(&node.space);
    let terms = counted(1).duty(TRACE).duty(VISIBLE);
    let offer = NewOffer { product: name("work"), ..Node::new_offer(terms) };
    node.space.publish_offer(node.space.offer(offer).unwrap()).unwrap();
    let consumer = half.create(&way);
    let offers = consumer.read_catalogue(&way).unwrap();
    let contract = consumer.conclude(&way, offers[0]).unwrap();
    let mut incoming = data(consumer.access(&way, contract, reading()).unwrap());
    let mut copy = Vec::new();
    while let Some(Arrived::Bytes { bytes, .. }) = incoming.next_piece() {
        copy.extend_from_slice(&bytes);
    }
    assert_eq!(incoming.finish().unwrap().complaints, []);
    assert!(matches!(consumer.access(&way, contract, reading()).unwrap(), Reply::Denied(_)));
    // What arrived is a copy of this contract: of the bytes by which the node derives its secrets.
    let (keys, bytes) = (keys(provider()), contract.as_digest().as_bytes());
    let found = own.compare(&copy).unwrap().of_contract(keys.secrets(), bytes).unwrap();
    assert!(found.is_found(), "{found:?}");
}

#[test]
fn a_mark_that_cannot_be_made_is_refused_before_anybody_signs() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::new();
    node.space.register(name("sound"), name("test-results"), recording(&dir)).unwrap();
    for (product, duty) in [("alloys", TRACE), ("alloys", VISIBLE), ("sound", VISIBLE)] {
        let offer = NewOffer { product: name(product), ..Node::new_offer(terms().duty(duty)) };
        let refused = node.space.offer(offer).unwrap_err();
        assert!(matches!(refused, ChangeError::Duty { .. }), "{refused:?}");
    }
}
