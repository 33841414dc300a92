//! Texts that differ in constants alone share their code.
//!
//! The identifiers of participants, products, contracts and persons, and the instants of a text
//! are *places*: equal constants are one place. What is left is the *shape*. A text and its shape
//! mean the same but for the constants, and whether a text is valid depends on its shape alone,
//! since Cedar's type checker looks at nothing of these literals but which are equal.

use std::ops::Range;

use dataspace_primitives::UnixMillis;

use super::{entity, extension};

/// What stands for the identifier of a place, before its number.
const MARK: &str = "dataspace:place:";

/// The instant that stands for the place number 0: the year 9000.
const TIME_MARK: u64 = 221_845_392_000_000;

/// Most places of a text.
const PLACES_MAX: usize = 4096;

/// A constant of a text, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An entity's identifier, of this type.
    Id(&'static str),
    Time,
}

/// The places of a shape.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// By number.
    kinds: Vec<Kind>,
    /// Where in the shape's text, and which place; in ascending order.
    spots: Vec<(Range<usize>, u16)>,
}

/// A text, taken apart.
#[derive(Debug)]
pub(crate) struct Parted {
    /// The text with marks in its places.
    pub(crate) shape: String,
    pub(crate) places: Places,
    /// For [`Constants`].
    pub(crate) block: Box<[u8]>,
}

/// The constants of one text in one block: 8 bytes for each place (an instant, or where the
/// identifier is), and the identifiers.
///
/// The block of a usual contract lies within the table of contracts, so that a decision waits for
/// memory once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Constants<'a>(pub(crate) &'a [u8]);

const SLOT_LEN: usize = 8;

impl Places {
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The type and number of the place for which an entity of the shape stands.
    pub(crate) fn entity(&self, ty: &str, id: &str) -> Option<(&'static str, u16)> {
        let place = id.strip_prefix(MARK)?.parse::<u16>().ok()?;
        match self.kinds.get(usize::from(place))? {
            Kind::Id(of) if *of == ty => Some((of, place)),
            _ => None,
        }
    }

    /// The number of the place for which an instant of the shape stands.
    pub(crate) fn time(&self, text: &str) -> Option<u16> {
        let at = text.parse::<UnixMillis>().ok()?.as_millis();
        let place = u16::try_from(at.checked_sub(TIME_MARK)?).ok()?;
        let kind = self.kinds.get(usize::from(place))?;
        (*kind == Kind::Time && time_mark(place)? == text).then_some(place)
    }

    /// The numbers of the places for instants.
    pub(crate) fn times(&self) -> impl Iterator<Item = u16> {
        let times = (0_u16..).zip(&self.kinds).filter(|(_, kind)| **kind == Kind::Time);
        times.map(|(place, _)| place)
    }

    /// What stands for an identifier in the shape, if not itself: the mark if it is one of the
    /// constants; something else for one that only looks like a mark.
    pub(crate) fn marked(&self, ty: &str, id: &str, constants: Constants<'_>) -> Option<String> {
        let places = (0_u16..).zip(&self.kinds);
        let mut places = places.filter(|(_, kind)| matches!(kind, Kind::Id(of) if *of == ty));
        match places.find(|(place, _)| constants.id(*place) == Some(id.as_bytes())) {
            Some((place, _)) => Some(format!("{MARK}{place}")),
            // A text that stayed whole may speak of marks; one with places does not.
            None if self.is_empty() || !id.starts_with(MARK) => None,
            None => Some(format!("no {id}")),
        }
    }

    /// The shape's text with something else in the places.
    pub(crate) fn fill(
        &self,
        shape: &str,
        filling: impl Fn(u16) -> Option<String>,
    ) -> Option<String> {
        let mut text = String::with_capacity(shape.len());
        let mut from = 0;
        for (spot, place) in &self.spots {
            text.push_str(shape.get(from..spot.start)?);
            text.push_str(&filling(*place)?);
            from = spot.end;
        }
        text.push_str(shape.get(from..)?);
        Some(text)
    }

    /// The text from which shape and constants were made.
    pub(crate) fn text(&self, shape: &str, constants: Constants<'_>) -> Option<String> {
        self.fill(shape, |place| match self.kinds.get(usize::from(place))? {
            Kind::Id(_) => String::from_utf8(constants.id(place)?.to_vec()).ok(),
            Kind::Time => {
                let at = u64::try_from(constants.time(place)?).ok()?;
                Some(UnixMillis::new(at)?.to_string())
            }
        })
    }

    /// The shape's text with every `datetime("…")` of a place replaced by an attribute of the
    /// context, so that it need not be made again for each contract.
    pub(crate) fn open(&self, shape: &str) -> Option<String> {
        let mut text = String::with_capacity(shape.len());
        let mut from = 0;
        for (spot, place) in &self.spots {
            if self.kinds.get(usize::from(*place))? != &Kind::Time {
                continue;
            }
            let until = spot.start.checked_sub(CALL.len())?;
            text.push_str(shape.get(from..until)?);
            text.push_str("context.");
            text.push_str(&open_name(*place));
            from = spot.end.checked_add("\")".len())?;
        }
        text.push_str(shape.get(from..)?);
        Some(text)
    }
}

/// The attribute of the context that stands for an instant in [`Places::open`].
pub(crate) fn open_name(place: u16) -> String {
    format!("place{place}")
}

const CALL: &str = "datetime(\"";

fn time_mark(place: u16) -> Option<String> {
    Some(UnixMillis::new(TIME_MARK.checked_add(u64::from(place))?)?.to_string())
}

/// The block of [`Constants`].
fn block(slots: &[Slot<'_>]) -> Box<[u8]> {
    let mut bytes = Vec::new();
    let mut at = SLOT_LEN * slots.len();
    for slot in slots {
        match slot {
            Slot::Time(time) => bytes.extend_from_slice(&time.to_le_bytes()),
            Slot::Id(id) => {
                // INVARIANT: a text is shorter than 32 KiB.
                let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                bytes.extend_from_slice(&place(at).to_le_bytes());
                bytes.extend_from_slice(&place(id.len()).to_le_bytes());
                at += id.len();
            }
        }
    }
    for slot in slots {
        if let Slot::Id(id) = slot {
            bytes.extend_from_slice(id.as_bytes());
        }
    }
    bytes.into()
}

impl<'a> Constants<'a> {
    fn slot(self, place: u16) -> Option<[u8; SLOT_LEN]> {
        let at = SLOT_LEN * usize::from(place);
        self.0.get(at..)?.first_chunk().copied()
    }

    pub(crate) fn time(self, place: u16) -> Option<i64> {
        self.slot(place).map(i64::from_le_bytes)
    }

    pub(crate) fn id(self, place: u16) -> Option<&'a [u8]> {
        // The place in the lower half, the length in the upper.
        let slot = u64::from_le_bytes(self.slot(place)?);
        let at = usize::try_from(slot & u64::from(u32::MAX)).ok()?;
        let len = usize::try_from(slot >> 32).ok()?;
        self.0.get(at..)?.get(..len)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot<'a> {
    Id(&'a str),
    Time(i64),
}

/// Takes a text apart that is within the bounds. A text that spells a constant in an unusual way
/// stays whole; its code is not shared.
pub(crate) fn part(text: &str) -> Parted {
    parted(text).unwrap_or_else(|| Parted {
        shape: text.to_owned(),
        places: Places::default(),
        block: Box::default(),
    })
}

fn parted(text: &str) -> Option<Parted> {
    // WHY: `"\u{61}"` is `"a"`; where nothing is escaped, what is written is what is meant. And a
    // text must not speak of marks.
    if text.contains('\\') || text.contains(MARK) {
        return None;
    }
    let mut shape = String::with_capacity(text.len());
    let mut places = Places::default();
    let mut slots: Vec<Slot<'_>> = Vec::new();
    let mut rest = text;
    while let Some((kind, before, constant, after)) = next(rest) {
        shape.push_str(before);
        rest = after;
        let slot = match kind {
            Kind::Id(_) => Slot::Id(constant),
            Kind::Time => Slot::Time(extension::datetime(constant)?),
        };
        let mut known = slots.iter().zip(&places.kinds);
        let place = known.position(|(known, of)| *known == slot && *of == kind);
        let place = place.unwrap_or(slots.len());
        if place == slots.len() {
            slots.push(slot);
            places.kinds.push(kind);
        }
        if place >= PLACES_MAX {
            return None;
        }
        let number = u16::try_from(place).ok()?;
        let start = shape.len();
        match kind {
            Kind::Id(_) => {
                shape.push_str(MARK);
                shape.push_str(&number.to_string());
            }
            Kind::Time => shape.push_str(&time_mark(number)?),
        }
        places.spots.push((start..shape.len(), number));
        shape.push('"');
    }
    shape.push_str(rest);
    Some(Parted { shape, places, block: block(&slots) })
}

/// The next constant: what it is, what comes before it (its quote too), the constant, and what
/// comes after its other quote.
fn next(text: &str) -> Option<(Kind, &str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = text.get(from..)?.find(['"', '/'])?.checked_add(from)?;
        let (before, rest) = text.split_at_checked(open)?;
        if let Some(comment) = rest.strip_prefix("//") {
            // To Cedar, both end a comment.
            from = text.len() - comment.len() + comment.find(['\n', '\r'])?;
            continue;
        }
        let Some(literal) = rest.strip_prefix('"') else {
            from = open + 1;
            continue;
        };
        let (inside, after) = literal.split_once('"')?;
        let start = text.len() - literal.len();
        if let Some(kind) = kind(before, inside, after) {
            let (before, _) = text.split_at_checked(start)?;
            return Some((kind, before, inside, after));
        }
        from = text.len() - after.len();
    }
}

fn kind(before: &str, inside: &str, after: &str) -> Option<Kind> {
    if let Some(entity) = before.strip_suffix("::") {
        let types = [entity::PARTICIPANT, entity::PRODUCT, entity::CONTRACT, entity::PERSON];
        let ty = types.into_iter().find(|ty| entity.ends_with(ty))?;
        let qualified = entity.strip_suffix(ty)?;
        let is_whole = !qualified.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
        return is_whole.then_some(Kind::Id(ty));
    }
    let call = before.strip_suffix("datetime(")?;
    let is_whole = !call.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
    // An instant that is written in its one usual way.
    let is_usual = inside.parse::<UnixMillis>().is_ok_and(|at| at.to_string() == inside);
    let is_read = extension::datetime(inside).is_some();
    (is_whole && is_usual && is_read && after.starts_with(')')).then_some(Kind::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"@id("a") // Dataspace::Participant::"no"
permit (
  principal == Dataspace::Participant::"did:key:one",
  action == Dataspace::Action::"read",
  resource == Dataspace::Product::"did:key:one"
)
when { context.now >= datetime("2026-01-01T00:00:00Z") && context.purpose == "datetime(" }
when { context.now < datetime("2026-01-01") || principal == Dataspace::Participant::"did:key:one" };
"#;

    #[test]
    fn a_text_is_its_shape_with_its_constants() {
        let Parted { shape, places, block } = part(TEXT);
        let constants = Constants(&block);
        assert_eq!(
            places.kinds,
            [Kind::Id(entity::PARTICIPANT), Kind::Id(entity::PRODUCT), Kind::Time]
        );
        assert_eq!(places.text(&shape, constants).as_deref(), Some(TEXT));
        assert_eq!(constants.id(0), Some(&b"did:key:one"[..]));
        assert_eq!(constants.id(1), constants.id(0));
        assert_eq!(constants.time(2), Some(1_767_225_600_000));
        assert!(!shape.contains("did:key:one") && shape.contains("\"no\""), "{shape}");
        let open = places.open(&shape).unwrap();
        assert!(open.contains("context.now >= context.place2 && context.purpose"), "{open}");
    }

    #[test]
    fn equal_constants_make_another_shape_than_different_ones() {
        let text = |a: &str, b: &str| {
            format!("Dataspace::Participant::\"{a}\" == Dataspace::Participant::\"{b}\"")
        };
        assert_eq!(part(&text("a", "b")).shape, part(&text("c", "d")).shape);
        assert_ne!(part(&text("a", "a")).shape, part(&text("c", "d")).shape);
    }

    #[test]
    fn unusual_texts_stay_whole() {
        for text in [
            r#"Dataspace::Participant::"\u{61}""#,
            r#"Dataspace::Participant::"dataspace:place:0""#,
            r#"Other::Dataspace::Participant::"a""#,
            r#"xDataspace::Participant::"a""#,
            r#"datetime("2026-01-01")"#,
            r#"datetime("2026-01-01T00:00:00.000+0000")"#,
            r#"mydatetime("2026-01-01T00:00:00Z")"#,
            r#"// Dataspace::Participant::"a""#,
            r#"Dataspace::Participant::"a"#,
        ] {
            assert_eq!(part(text).shape, text);
        }
    }
}
