//! Persons are counted before anything leaves, and nobody leaves who was not: against a naive count.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, GenericListArray, Int64Array, RecordBatch,
    StringArray, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};
use dataspace_data_plane::errors::{ApplyError, PlanError, RunError};
use dataspace_data_plane::product::Recipient;
use dataspace_data_plane::subjects::{Admission, NotAdmitted, SubjectId};
use dataspace_data_plane::{Delivery, Document, MediaFile, Piece, Plan, Product, Table};
use dataspace_policy::duty::{Aggregate, InvalidDuty};
use dataspace_policy::{Duty, Limit, MaskMethod, Operator, Persons, Sample};
use dataspace_primitives::{Name, Part};
use proptest::prelude::*;

use crate::common::{Root, batch, filter, holds_bytes, mask, number, rows, stored};

const ONE: Recipient<'_> = Recipient { contract: b"contract 1", consumer: "did:web:lab.example" };
const TWO: Recipient<'_> = Recipient { contract: b"contract 2", consumer: "did:web:two.example" };

/// Says yes, or no, and remembers who was asked for.
#[derive(Default)]
struct Asked {
    refuses: bool,
    year: Cell<u16>,
    all: RefCell<Vec<HashSet<SubjectId>>>,
}

impl Admission for Asked {
    fn year(&self, _: &Persons) -> Result<u16, NotAdmitted> {
        Ok(self.year.get())
    }

    fn admit(
        &self,
        _: &Persons,
        year: u16,
        persons: &HashSet<SubjectId>,
    ) -> Result<(), NotAdmitted> {
        assert_eq!(year, self.year.get());
        self.all.borrow_mut().push(persons.clone());
        if self.refuses { Err(NotAdmitted::TooMany) } else { Ok(()) }
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn persons(at_most: u32) -> Duty {
    of_column("phone", "export", at_most)
}

fn of_column(column: &str, register: &str, at_most: u32) -> Duty {
    let (column, register, zone) = (name(column), name(register), name("Asia/Shanghai"));
    Duty::Persons(Persons { column, at_most, zone, register })
}

/// Rows with a number each, and the person that each is about.
fn calls(phones: &[Option<u8>]) -> RecordBatch {
    let text: StringArray = phones.iter().map(|one| one.map(|n| format!("139-{n:04}"))).collect();
    let ids: Int64Array = (0..phones.len()).map(|n| i64::try_from(n).ok()).collect();
    let km: Int64Array = (0..phones.len()).map(|n| Some(i64::try_from(n % 5).unwrap())).collect();
    batch(vec![("phone", Arc::new(text) as ArrayRef), ("id", Arc::new(ids)), ("km", Arc::new(km))])
}

fn table(source: &RecordBatch) -> Table {
    Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap()
}

fn all(delivery: &mut dyn Delivery) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(Piece::Rows(batch)) = delivery.next().unwrap() {
        assert_eq!(Some(batch.schema()), delivery.schema());
        assert!(!holds_bytes(&batch, b"139-") || batch.column_by_name("phone").is_some());
        all.extend(rows(&batch));
    }
    all
}

/// The persons whom one column has for a register.
fn ids(column: ArrayRef, register: &str, recipient: Recipient<'_>) -> HashSet<SubjectId> {
    let asked = Asked::default();
    let table = table(&batch(vec![("who", column)]));
    let duty = of_column("who", register, 100);
    let mut delivery = table.open(&[duty], None, &Root, recipient).unwrap();
    delivery.admit(&asked).unwrap();
    asked.all.into_inner().pop().unwrap_or_default()
}

proptest! {
    #[test]
    fn just_those_are_counted_of_whom_something_leaves(
        phones in prop::collection::vec(prop::option::weighted(0.9, 0..40_u8), 0..250),
        is_filtered: bool,
        is_sampled: bool,
        is_hidden: bool,
        limit in prop::option::of(1..60_u64),
        rows_max in prop::option::of(1..60_u64),
    ) {
        let source = calls(&phones);
        let mut duties = vec![persons(100)];
        if is_filtered {
            duties.push(filter("km", Operator::Lt, vec![number("3")]));
        }
        if is_sampled {
            let subject = Some(name("km"));
            duties.push(Duty::Sample(Sample { per_million: 600_000, subject }));
        }
        if is_hidden {
            duties.push(mask("phone", MaskMethod::Drop));
        }
        duties.extend(limit.map(|rows| Duty::Limit(Limit { rows })));
        let part = Part::Rows { columns: Some([name("id")].into()), rows_max };
        let asked = Asked::default();
        let table = table(&source);
        table.check(&duties).unwrap();
        let mut delivery = table.open(&duties, Some(&part), &Root, ONE).unwrap();
        delivery.admit(&asked).unwrap();
        let left = all(&mut *delivery);
        let of = |id: &String| phones[id.parse::<usize>().unwrap()].expect("a row of somebody");
        let naive: BTreeSet<u8> = left.iter().map(of).collect();
        let counted = asked.all.borrow().first().map_or(0, HashSet::len);
        prop_assert_eq!(counted, naive.len());
        prop_assert_eq!(delivery.subjects(), Some(naive.len() as u64));
        // The duty leaves nobody's rows out, and no other ones.
        if limit.is_none() && rows_max.is_none() && !is_sampled {
            let stays = |row: &usize| phones[*row].is_some() && (!is_filtered || row % 5 < 3);
            prop_assert_eq!(left.len(), (0..phones.len()).filter(stays).count());
        }
    }
}

#[test]
fn nothing_leaves_before_the_persons_were_counted() {
    let source = calls(&[Some(1), Some(2), None]);
    let (table, duties) = (table(&source), [persons(2)]);
    let mut delivery = table.open(&duties, None, &Root, ONE).unwrap();
    for _ in 0..2 {
        let refused = delivery.next();
        assert!(matches!(refused, Ok(None) | Err(RunError::Uncounted)), "{refused:?}");
    }
    let plan = Plan::compile(&duties, &table.schema(), &Root, ONE).unwrap();
    let refused = plan.run(&table).unwrap().next();
    assert!(matches!(refused, Some(Err(RunError::Uncounted))), "{refused:?}");
    assert!(matches!(plan.apply(&source), Err(ApplyError::Counted)));
}

#[test]
fn who_is_not_admitted_does_not_leave() {
    let table = table(&calls(&[Some(1), Some(2), Some(3)]));
    let strict = Asked { refuses: true, ..Asked::default() };
    for (duty, admission, times) in [(persons(3), &strict, 1), (persons(2), &Asked::default(), 0)] {
        let mut delivery = table.open(&[duty], None, &Root, ONE).unwrap();
        let refused = delivery.admit(admission);
        let Err(RunError::TooManyPersons) = refused else { panic!("{refused:?}") };
        let text = refused.unwrap_err().to_string();
        assert!(!text.contains(|c: char| c.is_ascii_digit()), "{text}");
        assert_eq!(admission.all.borrow().len(), times, "more than may ever be ask for nobody");
        // Nor does another try change that.
        let again = delivery.admit(&Asked::default());
        assert!(again.is_ok());
        assert!(matches!(delivery.next(), Err(RunError::Uncounted)));
        assert_eq!(delivery.subjects(), Some(0));
    }
}

#[test]
fn a_person_is_one_under_all_contracts_of_a_register_whatever_the_type() {
    let integers = || Arc::new(Int64Array::from(vec![7, 8, 7])) as ArrayRef;
    let decimals = Decimal128Array::from(vec![700, 800]).with_precision_and_scale(9, 2).unwrap();
    let floats = Float64Array::from(vec![Some(7.0), Some(8.0), Some(f64::NAN), None]);
    let one = ids(integers(), "export", ONE);
    assert_eq!(one.len(), 2);
    assert_eq!(one, ids(integers(), "export", TWO));
    assert_eq!(one, ids(Arc::new(decimals), "export", ONE));
    assert_eq!(one, ids(Arc::new(floats), "export", ONE));
    assert!(one.is_disjoint(&ids(integers(), "another", ONE)), "registers cannot be joined");
    let texts = Arc::new(StringArray::from(vec!["7", "8"]));
    assert!(one.is_disjoint(&ids(texts, "export", ONE)), "a text of digits is no number");
}

#[test]
fn figures_are_of_persons_too() {
    let phones: Vec<_> = (0..40_u8).map(|n| (n % 4 != 0).then_some(n / 2)).collect();
    let source = calls(&phones);
    let figures = Duty::Aggregate(Aggregate {
        by: [name("km")].into(),
        subject: name("id"),
        least: 2,
        mean: [].into(),
        sum: [].into(),
    });
    let part = Part::rows(None, Some(1)).unwrap();
    for part in [None, Some(&part)] {
        let asked = Asked::default();
        let duties = [persons(100), figures.clone()];
        let mut delivery = table(&source).open(&duties, part, &Root, ONE).unwrap();
        assert!(matches!(delivery.next(), Err(RunError::Uncounted)));
        let mut delivery = table(&source).open(&duties, part, &Root, ONE).unwrap();
        delivery.admit(&asked).unwrap();
        assert!(!all(&mut *delivery).is_empty());
        let naive: BTreeSet<_> = phones.iter().flatten().collect();
        assert_eq!(asked.all.borrow()[0].len(), naive.len());
        assert_eq!(delivery.subjects(), Some(30), "of figures, their own subjects are reported");
    }
}

#[test]
fn nobody_leaves_who_came_after_the_count() {
    // More rows than are read at once. The last ones are of somebody else once they were counted.
    let mut text = String::from("phone,id\n");
    for row in 0..100_000 {
        writeln!(text, "139-{:04},{row:06}", row % 1000).unwrap();
    }
    let changed = text.replace("139-0999,099999", "139-7777,099999");
    assert!(changed != text && changed.len() == text.len());
    let figures = Duty::Aggregate(Aggregate {
        by: [].into(),
        subject: name("id"),
        least: 2,
        mean: [].into(),
        sum: [].into(),
    });
    // In the table's order, in the contract's, and as figures.
    for duty in [None, Some(mask("id", MaskMethod::Drop)), Some(figures)] {
        let path = stored("calls.csv", &text);
        let table = Table::open(&path).unwrap();
        let duties: Vec<_> = [persons(2000)].into_iter().chain(duty).collect();
        let mut delivery = table.open(&duties, None, &Root, ONE).unwrap();
        delivery.admit(&Asked::default()).unwrap();
        // Written over in its place.
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all(changed.as_bytes()).unwrap();
        let ended = loop {
            match delivery.next() {
                Ok(Some(Piece::Rows(batch))) => assert!(!holds_bytes(&batch, b"139-7777")),
                ended => break ended,
            }
        };
        assert!(matches!(ended, Err(RunError::ChangedSinceCounted)), "{ended:?}");
        assert!(delivery.next().unwrap().is_none());
    }
}

#[test]
fn what_cannot_be_counted_is_refused_before_signing() {
    let table = table(&calls(&[Some(1)]));
    let unknown = table.check(&[of_column("fax", "export", 1)]);
    assert!(matches!(unknown, Err(PlanError::UnknownColumn { .. })), "{unknown:?}");
    let twice = table.check(&[persons(1), of_column("id", "export", 1)]);
    assert!(matches!(twice, Err(PlanError::SecondDuty { clause: 1, first: 0 })), "{twice:?}");
    let none = table.check(&[persons(0)]);
    let is_none =
        matches!(none, Err(PlanError::Duty { source: InvalidDuty::Persons { at_most: 0 }, .. }));
    assert!(is_none, "{none:?}");
    let document = Document::open(stored("pass.json", "{\"phone\": 1}")).unwrap();
    assert!(document.check(&[persons(1)]).is_err());
    let at = stored("film", "some bytes");
    let film = MediaFile::open(&at, name("video/mp4")).unwrap();
    assert!(film.check(&[persons(1)]).is_err());
}

#[test]
fn who_leaves_in_another_year_is_counted_in_it_too_before() {
    let phones: Vec<_> = (0..20_000_u32).map(|row| u8::try_from(row % 30).ok()).collect();
    let table = table(&calls(&phones));
    let (asked, mut delivery) =
        (Asked::default(), table.open(&[persons(30)], None, &Root, ONE).unwrap());
    let mut pieces = 0;
    for year in [2026, 2026, 2027] {
        asked.year.set(year);
        delivery.admit(&asked).unwrap();
        delivery.admit(&asked).unwrap();
        assert_eq!(asked.all.borrow().len(), usize::from(year - 2025), "once in each year");
        pieces += usize::from(delivery.next().unwrap().is_some());
    }
    let all = asked.all.into_inner();
    assert!(pieces == 3 && all[0].len() == 30 && all[0] == all[1]);

    // Where they may not leave in the new year, no more rows do.
    let mut delivery = table.open(&[persons(30)], None, &Root, ONE).unwrap();
    delivery.admit(&Asked::default()).unwrap();
    assert!(delivery.next().unwrap().is_some());
    let full = Asked { refuses: true, year: Cell::new(1), ..Asked::default() };
    assert!(matches!(delivery.admit(&full), Err(RunError::TooManyPersons)));
    assert!(matches!(delivery.next(), Err(RunError::Uncounted)));
    assert!(delivery.next().unwrap().is_none());
}

#[test]
fn a_person_within_a_structure_is_counted_and_one_within_a_list_refused() {
    let phone: ArrayRef = Arc::new(StringArray::from(vec![Some("1"), Some("2"), None, Some("1")]));
    let field = Arc::new(Field::new("phone", DataType::Utf8, true));
    let driver = StructArray::from(vec![(Arc::clone(&field), Arc::clone(&phone))]);
    let km: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let source = batch(vec![("driver", Arc::new(driver) as ArrayRef), ("km", km)]);
    let duty = of_column("driver.phone", "export", 2);
    for others in
        [vec![], vec![mask("driver", MaskMethod::Drop)], vec![mask("km", MaskMethod::Hash)]]
    {
        let asked = Asked::default();
        let duties: Vec<_> = [vec![duty.clone()], others].concat();
        let table = table(&source);
        let mut delivery = table.open(&duties, None, &Root, ONE).unwrap();
        delivery.admit(&asked).unwrap();
        let mut left = 0;
        while let Some(Piece::Rows(batch)) = delivery.next().unwrap() {
            left += batch.num_rows();
        }
        assert_eq!((left, delivery.subjects()), (3, Some(2)), "{duties:?}");
        let counted = asked.all.into_inner().pop().unwrap();
        assert_eq!(counted, ids(Arc::clone(&phone), "export", ONE));
    }
    let lists = GenericListArray::<i32>::new(
        Arc::new(Field::new_list_field(DataType::Utf8, true)),
        OffsetBuffer::from_lengths([1, 1, 0, 2]),
        phone,
        None,
    );
    let source = batch(vec![("drivers", Arc::new(lists) as ArrayRef)]);
    let duty = of_column("drivers", "export", 2);
    let refused = Plan::check(&[duty], &source.schema()).unwrap_err();
    assert!(matches!(refused, PlanError::Repeated { clause: 0, .. }), "{refused:?}");
}
