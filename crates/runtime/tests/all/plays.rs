//! Recordings under contracts that count plays and seconds. The oracle is what leaves, second by second.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dataspace_data_plane::{MediaFile, Piece, timeline::Timeline};
use dataspace_policy::{Action, Constraint, Plays, Rule, Terms, facts::Metered};
use dataspace_primitives::{Part, Region, Signed};
use dataspace_runtime::{
    Access, ChangeError, DataSpace, NewOffer, NewRequest, Release, index::IndexState,
    request_access_to,
};
use dataspace_tlog::{AccessRecord, Event, Fact, Verdict};
use dataspace_usage_contract::{AccessRequest, ContractId, Statements};
use tempfile::TempDir;

use crate::reports::replay;
use crate::support::{
    DAY, Files, Node, TestClock, at, authority, codes, consumer, denied, name, released,
};

/// Seconds of the film.
const LEN: u32 = 120;
/// Bytes of a second, each of them its number.
const RATE: usize = 10;
/// Bytes that are no second.
const HEAD: [u8; 7] = [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6];

fn write_film(path: &Path, rate: usize) {
    let seconds = (0..LEN).flat_map(|second| vec![u8::try_from(second).unwrap(); rate]);
    fs::write(path, HEAD.into_iter().chain(seconds).collect::<Vec<_>>()).unwrap();
}

fn timeline(rate: usize) -> Timeline {
    let byte = |second: u32| (HEAD.len() + second as usize * rate) as u64;
    Timeline::new((0..LEN).map(|second| (second, byte(second))), LEN).unwrap()
}

/// The film, which can be cut at each second.
pub(crate) fn film(path: &Path, rate: usize) -> MediaFile {
    write_film(path, rate);
    let film = MediaFile::open(path, name("video/mp4")).unwrap();
    film.with_timeline(timeline(rate)).unwrap()
}

pub(crate) fn plays(max: u32, after: u32) -> Constraint {
    Constraint::PlayCount(Plays { max, after })
}

fn playing() -> Rule {
    Rule::new([Action::Play])
}

#[expect(clippy::unnecessary_wraps, reason = "what a request takes")]
pub(crate) fn stretch(from: u32, until: u32) -> Option<Part> {
    Some(Part::seconds(from, until).unwrap())
}

struct Cinema {
    node: Node,
    dir: TempDir,
    contract: ContractId,
}

impl Cinema {
    fn new(terms: Terms) -> Self {
        let (node, dir) = (Node::new(), tempfile::tempdir().unwrap());
        register(&node.space, &dir);
        let offer = NewOffer { product: name("film"), ..Node::new_offer(terms) };
        let offer = node.space.offer(offer).unwrap();
        let contract = node.conclude(&offer, &consumer()).unwrap();
        Self { node, dir, contract }
    }

    fn request(&self, action: Action, part: Option<Part>) -> Signed<AccessRequest> {
        self.stating(action, part, Statements::default())
    }

    fn stating(
        &self,
        action: Action,
        part: Option<Part>,
        statements: Statements,
    ) -> Signed<AccessRequest> {
        let agreement = self.node.space.agreement(self.contract).unwrap();
        let new = NewRequest { part, statements, ..NewRequest::new(action, name("research")) };
        let clock = TestClock(Arc::clone(&self.node.files.clock));
        request_access_to(&consumer(), &agreement, new, &clock).unwrap()
    }

    fn ask(&self, action: Action, part: Option<Part>) -> Access {
        self.node.space.access(self.request(action, part)).unwrap()
    }

    fn play(&self, from: u32, until: u32) -> Access {
        self.ask(Action::Play, stretch(from, until))
    }

    fn metered(&self) -> Metered {
        self.node.space.metered(self.contract).unwrap()
    }

    fn plays(&self) -> u64 {
        self.metered().plays.unwrap()
    }

    /// Closed and opened by its index, by its log alone, or as a crash leaves it with an older index.
    fn restarted(self, how: u64) -> Self {
        let Self { node, dir, contract } = self;
        let files = match how {
            0 => node.close(),
            1 => {
                let files = node.close();
                fs::remove_file(files.path().join("index")).unwrap();
                files
            }
            _ => node.files.copy(),
        };
        let node = files.reopen();
        let is_by_index = matches!(node.space.index_state().unwrap(), IndexState::Used { .. });
        assert!(if how == 0 { is_by_index } else { how > 1 || !is_by_index });
        register(&node.space, &dir);
        Self { node, dir, contract }
    }
}

fn register(space: &DataSpace, dir: &TempDir) {
    let film = film(&dir.path().join("film.mp4"), RATE);
    space.register(name("film"), name("test-results"), film).unwrap();
}

/// How often each second left.
type Left = [u64; LEN as usize];

fn read(mut release: Release) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = release.next_piece().unwrap() {
        let Piece::Bytes { at, bytes } = piece else { panic!("bytes") };
        assert!(all.is_empty() || at == all.len() as u64);
        all.extend_from_slice(&bytes);
    }
    all
}

/// Adds up what leaves, by its bytes alone: some of a second are the second.
fn watch(left: &mut Left, release: Release) {
    let mut seconds = read(release);
    seconds.retain(|byte| !HEAD.contains(byte));
    seconds.dedup();
    for second in seconds {
        left[usize::from(second)] += 1;
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// Stretches that overlap, that are small, that go back; and what is no stretch.
fn some_part(random: &mut Random) -> Option<Part> {
    match random.below(12) {
        0 => None,
        1 => {
            let from = random.below(1_000);
            Some(Part::bytes(from, from + 1 + random.below(200)).unwrap())
        }
        2..=5 => {
            let from = u32::try_from(random.below(100)).unwrap();
            stretch(from, from + random.one(&[1, 1, 2, 20]))
        }
        6..=8 => {
            let from = random.one(&[0, 29, 30, 31, 60, 90]);
            stretch(from, from + random.one(&[1, 29, 30]))
        }
        9 => stretch(0, random.one(&[29, 30, 31, LEN])),
        // Beyond the end.
        10 => stretch(LEN - 1, LEN + 1),
        _ => stretch(0, 1),
    }
}

#[test]
fn no_second_leaves_more_often_than_there_are_plays_whatever_is_asked_and_whenever_it_restarts() {
    const MAX: u32 = 4;
    for seed in 0..4 {
        let mut random = Random(seed);
        let rule = Rule::new([Action::Play, Action::Transfer]).when(plays(MAX, 30));
        let mut cinema = Cinema::new(Terms::new().permit(rule));
        let (mut left, mut made, mut refused) = ([0; LEN as usize], 0, 0);
        for _ in 0..90 {
            if random.below(10) == 0 {
                let before = cinema.metered();
                cinema = cinema.restarted(random.below(3));
                assert_eq!(cinema.metered(), before);
            }
            if random.below(8) == 0 {
                cinema.node.space.write_index().unwrap();
            }
            let action = random.one(&[Action::Play, Action::Play, Action::Play, Action::Transfer]);
            let (before, part) = (cinema.metered(), some_part(&mut random));
            match cinema.ask(action, part.clone()) {
                Access::Released(release) => {
                    made += 1;
                    assert_eq!(release.plays(), Some(cinema.plays()));
                    watch(&mut left, release);
                }
                Access::Denied(_) => {
                    refused += 1;
                    assert_eq!(cinema.metered(), before, "a denial takes nothing: {part:?}");
                }
            }
            let most = *left[30..].iter().max().unwrap();
            assert!(most <= cinema.plays(), "{most} times under {:?}", cinema.metered());
            assert!(cinema.plays() <= u64::from(MAX));
        }
        assert!(made > 10 && refused > 10, "{made} made, {refused} refused");
        // The first seconds are left when no play is.
        watch(&mut left, released(cinema.play(0, 30)));
        let replayed = replay(&cinema.node.close());
        assert!(replayed.is_sound(), "{:?}", replayed.first);
    }
}

#[test]
fn no_more_seconds_leave_than_are_agreed_whatever_is_asked_and_whenever_it_restarts() {
    const MAX: u32 = 200;
    for seed in 0..4 {
        let mut random = Random(seed);
        let rule = playing().when(Constraint::SecondsCount(MAX));
        let mut cinema = Cinema::new(Terms::new().permit(rule));
        let mut left = [0; LEN as usize];
        for _ in 0..60 {
            if random.below(10) == 0 {
                cinema = cinema.restarted(random.below(3));
            }
            let part = some_part(&mut random);
            let is_stretch = matches!(part, Some(Part::Seconds { .. }));
            if let Access::Released(release) = cinema.ask(Action::Play, part) {
                assert!(is_stretch);
                watch(&mut left, release);
            }
            let all = left.iter().sum::<u64>();
            assert!(all <= u64::from(MAX));
            assert_eq!(cinema.metered(), Metered { seconds: Some(all), ..Metered::default() });
        }
        // All of them can be had, and then none.
        while let Access::Released(release) = cinema.play(0, 1) {
            watch(&mut left, release);
        }
        assert_eq!(left.iter().sum::<u64>(), u64::from(MAX));
        let replayed = replay(&cinema.node.close());
        assert!(replayed.is_sound(), "{:?}", replayed.first);
    }
}

#[test]
fn one_play_may_be_watched_in_stretches_and_the_first_seconds_at_any_time() {
    let cinema = Cinema::new(Terms::new().permit(playing().when(plays(1, 30))));
    let mut content = Vec::new();
    for (from, until, plays) in [(0, 30, 0), (30, 31, 1), (31, 60, 1), (0, 10, 1), (60, LEN, 1)] {
        let release = released(cinema.play(from, until));
        assert_eq!((release.plays(), cinema.plays()), (Some(plays), plays));
        let bytes = read(release);
        // A stretch is a file of its own, with the head.
        assert_eq!(bytes[..HEAD.len()], HEAD);
        content.extend((from != 0 || until != 10).then(|| bytes[HEAD.len()..].to_vec()));
    }
    let film = fs::read(cinema.dir.path().join("film.mp4")).unwrap();
    assert_eq!(content.concat(), film[HEAD.len()..]);
    // It was one play; back, around, and to the whole there is none left.
    for (from, until) in [(30, 31), (29, 31), (0, 31), (LEN - 1, LEN), (60, 90)] {
        let denied = denied(cinema.play(from, until));
        assert_eq!(codes(&denied), ["unmet"]);
        let words = denied.to_string();
        assert!(words.contains("at most 1 play is permitted"), "{words}");
    }
    for part in [None, Some(Part::bytes(0, 1).unwrap())] {
        assert_eq!(codes(&denied(cinema.ask(Action::Play, part))), ["unmet"]);
    }
    assert_eq!(read(released(cinema.play(0, 30))).len(), HEAD.len() + 30 * RATE);
}

#[test]
fn a_preview_is_its_first_seconds_and_nothing_else() {
    let rule = Rule::new([Action::Play, Action::Display]).when(Constraint::FirstSeconds(20));
    let cinema = Cinema::new(Terms::new().permit(rule));
    let mut left = [0; LEN as usize];
    for (from, until) in [(0, 20), (0, 1), (19, 20), (0, 20)] {
        watch(&mut left, released(cinema.play(from, until)));
    }
    assert!(left[..20].iter().all(|times| *times >= 2) && left[20..].iter().all(|one| *one == 0));
    for (from, until) in [(0, 21), (19, 21), (20, 21), (0, LEN), (LEN - 1, LEN)] {
        assert_eq!(codes(&denied(cinema.play(from, until))), ["unmet"], "{from} to {until}");
    }
    for part in [None, Some(Part::bytes(0, 1).unwrap())] {
        let denied = denied(cinema.ask(Action::Display, part));
        assert_eq!(codes(&denied), ["unmet"]);
        assert!(denied.to_string().contains("a stretch"), "{denied}");
    }
    // Nothing is counted beside the uses.
    assert_eq!(cinema.metered(), Metered::default());
}

/// The requests at once; how many are released.
fn race(cinema: &Cinema, requests: Vec<Signed<AccessRequest>>) -> usize {
    let ask = |request| match cinema.node.space.access(request).unwrap() {
        Access::Released(release) => usize::from(!read(release).is_empty()),
        Access::Denied(_) => 0,
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            requests.into_iter().map(|request| scope.spawn(move || ask(request))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn threads_share_plays_and_seconds() {
    for _ in 0..5 {
        let cinema = Cinema::new(Terms::new().permit(playing().when(plays(3, 30))));
        let same = |from, until| cinema.request(Action::Play, stretch(from, until));
        assert_eq!(race(&cinema, (0..12).map(|_| same(30, 60)).collect()), 3);
        assert_eq!(cinema.plays(), 3);
        // The play that is open goes on for one of them alone.
        assert_eq!(race(&cinema, (0..8).map(|_| same(60, 90)).collect()), 1);
        // Those that are free are free for all.
        assert_eq!(race(&cinema, (0..8).map(|_| same(0, 30)).collect()), 8);
        assert!(replay(&cinema.node.close()).is_sound());

        let rule = playing().when(Constraint::SecondsCount(95));
        let cinema = Cinema::new(Terms::new().permit(rule));
        let tens = |n: u32| cinema.request(Action::Play, stretch(n * 10, n * 10 + 10));
        assert_eq!(race(&cinema, (0..12).map(tens).collect()), 9);
        assert_eq!(cinema.metered().seconds, Some(90));
        assert!(replay(&cinema.node.close()).is_sound());
    }
}

#[test]
fn a_window_and_a_territory_deny_without_taking_a_play() {
    let (germany, france) = (Region::parse("DE").unwrap(), Region::parse("FR").unwrap());
    let rule = playing()
        .when(plays(2, 0))
        .when(Constraint::From(at(DAY)))
        .when(Constraint::Before(at(3 * DAY)))
        .when(Constraint::RecipientRegion([germany].into()));
    let cinema = Cinema::new(Terms::new().permit(rule));
    let ask = |region| {
        let statements = Statements { recipient_region: region, ..Statements::default() };
        let request = cinema.stating(Action::Play, stretch(0, 60), statements);
        cinema.node.space.access(request).unwrap()
    };
    let is_denied = |region| assert!(codes(&denied(ask(region))).iter().all(|one| *one == "unmet"));
    is_denied(Some(germany));
    cinema.node.advance(DAY);
    is_denied(Some(france));
    is_denied(None);
    assert_eq!(cinema.plays(), 0);
    assert_eq!(released(ask(Some(germany))).plays(), Some(1));
    // A new day gives nothing back.
    cinema.node.advance(DAY);
    assert_eq!(released(ask(Some(germany))).plays(), Some(2));
    is_denied(Some(germany));
    cinema.node.advance(DAY);
    is_denied(Some(germany));
    assert_eq!(cinema.plays(), 2);
}

#[test]
fn a_clock_that_is_set_gives_no_play_back() {
    let cinema = Cinema::new(Terms::new().permit(playing().when(plays(1, 30))));
    cinema.node.advance(3_600);
    drop(released(cinema.play(30, 60)));
    // Back, as far as it stands still; back farther, where nothing is answered; and ahead.
    cinema.node.files.clock.set(at(3_598));
    assert_eq!(codes(&denied(cinema.play(30, 60))), ["unmet"]);
    drop(released(cinema.play(60, 61)));
    cinema.node.files.clock.set(at(0));
    let request = cinema.request(Action::Play, stretch(61, 62));
    assert!(cinema.node.space.access(request).is_err());
    assert_eq!(cinema.metered().played_until, Some(61));
    cinema.node.files.clock.set(at(20 * DAY));
    assert_eq!(codes(&denied(cinema.play(60, 61))), ["unmet"]);
    let cinema = cinema.restarted(1);
    assert_eq!(codes(&denied(cinema.play(60, 61))), ["unmet"]);
    drop(released(cinema.play(61, 62)));
}

#[test]
fn a_product_without_seconds_is_refused_before_anybody_signs_if_terms_ask_for_them() {
    let node = Node::new();
    let path = node.files.dir.path().join("film.mp4");
    write_film(&path, RATE);
    let plain = MediaFile::open(&path, name("video/mp4")).unwrap();
    node.space.register(name("film"), name("test-results"), plain).unwrap();
    let offer = |product, constraint| {
        let terms = Terms::new().permit(playing().when(constraint));
        node.space.offer(NewOffer { product: name(product), ..Node::new_offer(terms) })
    };
    for product in ["alloys", "film"] {
        for asks in [Constraint::SecondsCount(9), Constraint::FirstSeconds(9)] {
            let refused = offer(product, asks).unwrap_err();
            assert!(matches!(refused, ChangeError::Seconds { .. }), "{refused:?}");
        }
    }
    // Its plays can be counted: each access is one, as nobody can ask for a stretch.
    let offer = offer("film", plays(1, 30)).unwrap();
    let contract = node.conclude(&offer, &consumer()).unwrap();
    let cinema = Cinema { node, dir: tempfile::tempdir().unwrap(), contract };
    assert_eq!(codes(&denied(cinema.play(0, 10))), ["part"]);
    assert_eq!(released(cinema.ask(Action::Play, None)).plays(), Some(1));
    assert_eq!(codes(&denied(cinema.ask(Action::Play, None))), ["unmet"]);
}

#[test]
fn a_stretch_at_which_the_file_cannot_be_cut_is_denied_and_takes_nothing() {
    let cinema = Cinema::new(Terms::new().permit(playing().when(plays(1, 0))));
    for (from, until) in [(0, LEN + 1), (LEN, LEN + 1), (u32::MAX - 1, u32::MAX)] {
        assert_eq!(codes(&denied(cinema.play(from, until))), ["part"], "{from} to {until}");
    }
    assert_eq!(cinema.plays(), 0);
    drop(released(cinema.play(0, LEN)));
}

fn last_access(cinema: &Cinema) -> AccessRecord {
    cinema.node.decisions().pop().unwrap()
}

#[test]
fn the_record_says_what_plays_came_to_and_evidence_shows_it() {
    let rule = playing().when(plays(2, 30)).when(Constraint::SecondsCount(100));
    let cinema = Cinema::new(Terms::new().permit(rule));
    drop(released(cinema.play(30, 50)));
    let release = released(cinema.play(50, 60));
    let facts = last_access(&cinema).facts;
    for (name, number) in [("plays", 1), ("playedUntil", 60), ("seconds", 30)] {
        assert_eq!(facts[name], Fact::Number(number), "{name}");
    }
    let evidence = cinema.node.space.evidence(release.receipt()).unwrap();
    let shown = evidence.verify(authority().did()).unwrap();
    assert_eq!(shown.access().part, stretch(50, 60));
    assert_eq!(shown.access().facts["plays"], Fact::Number(1));
}

type Forge = fn(&mut AccessRecord);

#[test]
fn a_log_that_somebody_wrote_gives_no_play_back() {
    // What cannot be is refused when the node opens; what can be is found by a replay of the log.
    let impossible: [Forge; 5] = [
        |access| drop(access.facts.remove("plays")),
        |access| drop(access.facts.insert("plays".to_owned(), Fact::Number(0))),
        |access| drop(access.facts.insert("playedUntil".to_owned(), Fact::Number(59))),
        |access| drop(access.facts.insert("seconds".to_owned(), Fact::Number(1))),
        |access| access.part = stretch(0, 60),
    ];
    let possible: [Forge; 3] = [
        |_| {},
        |access| drop(access.facts.insert("seconds".to_owned(), Fact::Number(99))),
        |access| access.part = stretch(45, 60),
    ];
    let written = |forge: Forge| {
        let rule = playing().when(plays(2, 30)).when(Constraint::SecondsCount(100));
        let cinema = Cinema::new(Terms::new().permit(rule));
        drop(released(cinema.play(30, 60)));
        let mut access = last_access(&cinema);
        access.verdict = Verdict::Permit { uses: 2, duties: Vec::new() };
        access.request = dataspace_primitives::Digest::of(b"another");
        forge(&mut access);
        let files: Files = cinema.node.close();
        files.forge(Event::Access(access));
        files
    };
    for (number, forge) in impossible.into_iter().enumerate() {
        let opened = written(forge).open();
        assert!(opened.is_err(), "forged in way {number}");
    }
    for (number, forge) in possible.into_iter().enumerate() {
        let files = written(forge);
        let replayed = replay(&files);
        assert!(!replayed.is_sound(), "forged in way {number}");
    }
}
