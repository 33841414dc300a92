//! Marked copies through both halves.

use dataspace_data_plane::{
    MediaFile,
    timeline::{POINTS_MAX, Timeline, TimelineError},
};
use dataspace_media::{Mark, MarkMethod, Picture, WavAudio};
use dataspace_policy::{Constraint, Duty};
use dataspace_primitives::Part;
use dataspace_runtime::{ChangeError, NewOffer, NewRequest, Reply, conformance, consumer::Arrived};
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

fn samples(wav: &[u8]) -> Vec<i16> {
    hound::WavReader::new(wav).unwrap().samples::<i16>().map(Result::unwrap).collect()
}

#[test]
fn a_stretch_of_a_recording_is_a_recording_with_the_samples_of_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::new();
    node.space.register(name("sound"), name("test-results"), recording(&dir)).unwrap();
    let half = Half::new(&node);
    let way = direct(&node.space);
    // Traced copies, too: the samples are compared with those of the copy, and not of the file.
    let rule = crate::support::research().when(Constraint::FirstSeconds(2));
    let terms = terms().permit(rule).duty(TRACE);
    let offer = NewOffer { product: name("sound"), ..Node::new_offer(terms) };
    node.space.publish_offer(node.space.offer(offer).unwrap()).unwrap();
    let consumer = half.create(&way);
    let offers = consumer.read_catalogue(&way).unwrap();
    let contract = consumer.conclude(&way, offers[0]).unwrap();
    let copy = |part: Option<Part>| {
        let new = NewRequest { part, ..reading() };
        let mut incoming = data(consumer.access(&way, contract, new).unwrap());
        let mut copy = Vec::new();
        while let Some(Arrived::Bytes { bytes, .. }) = incoming.next_piece() {
            copy.extend_from_slice(&bytes);
        }
        assert_eq!(incoming.finish().unwrap().complaints, []);
        samples(&copy)
    };
    let whole = copy(None);
    assert_eq!(whole.len(), 16_000);
    for (from, until) in [(0, 1), (1, 2), (0, 2)] {
        let part = Part::seconds(from, until).unwrap();
        let (from, until) = (from as usize * 8_000, until as usize * 8_000);
        assert!(copy(Some(part)) == whole[from..until], "{from} to {until}");
    }
    for (from, until) in [(0, 3), (2, 3)] {
        let part = Some(Part::seconds(from, until).unwrap());
        let reply = consumer.access(&way, contract, NewRequest { part, ..reading() });
        assert!(matches!(reply.unwrap(), Reply::Denied(_)), "{from} to {until}");
    }
}

#[test]
fn points_that_are_no_timeline_are_refused_and_a_file_is_cut_at_those_alone() {
    let refused = |points: &[(u32, u64)], seconds| Timeline::new(points.to_vec(), seconds).err();
    assert_eq!(refused(&[], 1), Some(TimelineError::Count { found: 0 }));
    assert_eq!(refused(&[(1, 0)], 2), Some(TimelineError::First { found: 1 }));
    for points in [[(0, 5), (0, 6)], [(0, 5), (1, 5)], [(0, 5), (1, 4)]] {
        let second = points[1].0;
        assert_eq!(refused(&points, 9), Some(TimelineError::Order { second }), "{points:?}");
    }
    assert_eq!(refused(&[(0, 0), (5, 9)], 5), Some(TimelineError::Seconds { seconds: 5, last: 5 }));
    let endless = (0..u32::MAX).map(|second| (second, u64::from(second)));
    let found = POINTS_MAX + 1;
    assert_eq!(Timeline::new(endless, u32::MAX), Err(TimelineError::Count { found }));

    let node = Node::new();
    let path = node.files.dir.path().join("film");
    std::fs::write(&path, b"head001122").unwrap();
    let film = || MediaFile::open(&path, name("video/mp4")).unwrap();
    let beyond = Timeline::new([(0, 4), (2, 10)], 3).unwrap();
    let refused = film().with_timeline(beyond).unwrap_err();
    assert_eq!(refused, TimelineError::Len { len: 10, byte: 10 });
    let points = Timeline::new([(0, 4), (2, 8)], 3).unwrap();
    let product = film().with_timeline(points).unwrap();
    conformance::product(&product).unwrap();
    node.space.register(name("film"), name("test-results"), product).unwrap();
    let offer = node.space.offer(NewOffer { product: name("film"), ..Node::new_offer(terms()) });
    let contract = node.conclude(&offer.unwrap(), &crate::support::consumer()).unwrap();
    let agreement = node.space.agreement(contract).unwrap();
    let ask = |from, until| {
        let new = NewRequest { part: Part::seconds(from, until).ok(), ..reading() };
        let clock = crate::support::TestClock(node.files.clock.clone());
        let by = crate::support::consumer();
        let request = dataspace_runtime::request_access_to(&by, &agreement, new, &clock).unwrap();
        node.space.access(request).unwrap()
    };
    for (from, until, expected) in
        [(0, 2, &b"head0011"[..]), (2, 3, b"head22"), (0, 3, b"head001122")]
    {
        let mut release = crate::support::released(ask(from, until));
        let mut all = Vec::new();
        while let Some(dataspace_data_plane::Piece::Bytes { bytes, .. }) =
            release.next_piece().unwrap()
        {
            all.extend_from_slice(&bytes);
        }
        assert_eq!(all, expected, "{from} to {until}");
    }
    for (from, until) in [(0, 1), (1, 2), (1, 3), (2, 4), (0, u32::MAX)] {
        let denied = crate::support::denied(ask(from, until));
        assert_eq!(crate::support::codes(&denied), ["part"], "{from} to {until}");
    }
    // The provider's other timeline is another product.
    let other = Timeline::new([(0, 4), (1, 6)], 3).unwrap();
    let other = film().with_timeline(other).unwrap();
    assert!(node.space.register(name("film"), name("test-results"), other).is_err());
}
