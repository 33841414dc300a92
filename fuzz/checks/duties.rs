//! Duties that fit a table, and what must be true of all that leaves under them.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dataspace_data_plane::subjects::{Admission, NotAdmitted, SubjectId};
use dataspace_data_plane::{Piece, Plan, Product as _, Schema, Table, product::Recipient};
use dataspace_policy::duty::{CalendarPart, Characters, PseudonymScope, Tolerance};
use dataspace_policy::{
    ColumnMask, Duty, KeptColumns, Limit, MaskMethod, Operator, Persons, RowFilter, Sample, Scalar,
    Watermark,
};
use dataspace_primitives::{Name, Secrets, Zeroizing, secrets::SecretsError};

const MASKS: [MaskMethod; 12] = [
    MaskMethod::Drop,
    MaskMethod::Null,
    MaskMethod::Hash,
    MaskMethod::Round { decimals: 1 },
    MaskMethod::Truncate { chars: 2 },
    MaskMethod::Round { decimals: -18 },
    MaskMethod::Bin { width: 7 },
    MaskMethod::Calendar { part: CalendarPart::Month },
    MaskMethod::Calendar { part: CalendarPart::Minute },
    MaskMethod::Grid { cells: 10 },
    MaskMethod::Redact { characters: Characters::Digits },
    MaskMethod::Pseudonym { scope: PseudonymScope::Consumer, domain: None },
];

const OPERATORS: [Operator; 4] = [Operator::Gteq, Operator::Neq, Operator::Lt, Operator::IsAnyOf];

const RECIPIENT: Recipient<'_> = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };

struct Sevens;

impl Secrets for Sevens {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new([7; 32]))
    }
}

/// Masks and filters for some columns; where a mask does not fit the column's type, none.
fn duties(schema: &Schema, variant: usize) -> Vec<Duty> {
    let mut duties = Vec::new();
    for (index, field) in schema.fields().iter().enumerate().take(16) {
        let Ok(column) = field.name().parse::<Name>() else { continue };
        let data_type = field.data_type();
        let (is_number, is_boolean) = (data_type.is_numeric(), data_type.to_string() == "Boolean");
        let method = match MASKS[(index + variant) % MASKS.len()].clone() {
            MaskMethod::Round { .. } | MaskMethod::Bin { .. } if !is_number => MaskMethod::Null,
            MaskMethod::Grid { .. } if !data_type.is_floating() => MaskMethod::Null,
            MaskMethod::Calendar { .. } if !data_type.is_temporal() => MaskMethod::Null,
            MaskMethod::Truncate { .. } | MaskMethod::Redact { .. }
                if !data_type.to_string().starts_with("Utf8") =>
            {
                MaskMethod::Drop
            }
            method => method,
        };
        if index % 3 != 1 {
            duties.push(Duty::Mask(ColumnMask { column: column.clone(), method }));
        }
        let constant = match (is_number, is_boolean) {
            (true, _) => "0.5".parse().map(Scalar::Number).expect("a number"),
            (_, true) => Scalar::Boolean(true),
            _ => "m".parse().map(Scalar::Text).expect("a name"),
        };
        let operator = if is_boolean { Operator::Eq } else { OPERATORS[(index + variant) % 4] };
        if index % 4 == variant % 4 {
            duties.push(Duty::Filter(RowFilter { column, operator, values: vec![constant] }));
        }
    }
    for (index, field) in schema.fields().iter().enumerate().take(16) {
        let Ok(column) = field.name().parse::<Name>() else { continue };
        // On a few columns that have no mask.
        if variant == 2 && index % 3 == 1 && field.data_type().is_numeric() {
            let tolerance = match index % 2 {
                0 => Tolerance::Relative(1000),
                _ => Tolerance::Absolute("2".parse().expect("a number")),
            };
            duties.push(Duty::Watermark(Watermark { column, tolerance }));
        } else if variant == 1 && index == 0 {
            let subject = Some(column);
            duties.push(Duty::Sample(Sample { per_million: 500_000, subject }));
        }
    }
    // What leaves without a mask and at an odd place is left out by a list.
    if variant == 3 {
        let fields = schema.fields().iter().enumerate();
        let has_mask = |index: usize| index < 16 && index % 3 != 1;
        let kept = fields.filter(|(index, _)| has_mask(*index) || index % 2 == 0);
        let columns = kept.filter_map(|(_, field)| field.name().parse().ok()).collect();
        duties.push(Duty::Keep(KeptColumns { columns }));
    }
    duties
}

/// Runs `step`. A panic inside it that somebody contains is none to libFuzzer either, whose hook
/// would end the process.
pub(crate) fn contained<T>(step: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(step));
    std::panic::set_hook(hook);
    result.unwrap_or_else(|_| panic!("a panic came through"))
}

pub(crate) fn check(table: &Table) {
    let schema = table.schema();
    for variant in 0..4 {
        let duties = duties(&schema, variant);
        let Ok(plan) = Plan::compile(&duties, &schema, &Sevens, RECIPIENT) else {
            continue;
        };
        let Ok(batches) = contained(|| table.read()) else { return };
        let mut batches = batches.into_iter();
        let mut rows = 0;
        // A column that the plan does not need may be damaged: only the whole table fails then.
        let is_whole = loop {
            let batch = match contained(|| batches.next()) {
                Some(Ok(batch)) => batch,
                Some(Err(_)) => break false,
                None => break true,
            };
            rows += batch.num_rows();
            let out = plan.apply(&batch).expect("a batch of the table");
            assert_eq!(out.schema(), plan.output_schema());
            assert!(out.num_rows() <= batch.num_rows(), "rows from nowhere");
            for field in out.schema_ref().fields() {
                let is_hidden = duties.iter().any(|duty| duty.leaves_out(field.name()));
                assert!(!is_hidden, "a column that is not listed leaves");
            }
            for duty in &duties {
                let Duty::Mask(ColumnMask { column, method }) = duty else { continue };
                let found = out.column_by_name(column.as_str());
                match method {
                    MaskMethod::Drop => assert!(found.is_none(), "a column left out leaves"),
                    MaskMethod::Null => {
                        let all = found.map(|array| array.logical_null_count() == array.len());
                        assert_eq!(all, Some(true), "a value of an emptied column leaves");
                    }
                    _ => assert!(found.is_some(), "a column is lost"),
                }
            }
        };
        // The same in one go.
        let Ok(masked) = contained(|| plan.run(table)) else { return };
        let mut masked = masked.into_iter();
        let mut left = 0;
        while let Some(Ok(batch)) = contained(|| masked.next()) {
            left += batch.num_rows();
        }
        assert!(left <= rows || !is_whole, "{left} rows of {rows}");
        // And no more of them than were agreed.
        let limited = [duties, vec![Duty::Limit(Limit { rows: 3 })]].concat();
        let plan = Plan::compile(&limited, &schema, &Sevens, RECIPIENT).expect("one more duty");
        let Ok(masked) = contained(|| plan.run(table)) else { return };
        let mut masked = masked.into_iter();
        let mut few = 0;
        while let Some(Ok(batch)) = contained(|| masked.next()) {
            few += batch.num_rows();
        }
        assert!(few <= 3 && few <= left.max(few * usize::from(!is_whole)), "{few} rows");
        let whole = is_whole.then_some(left);
        contained(|| check_persons(table, &limited[..limited.len() - 1], whole));
    }
}

/// Counts who may leave, and lets nobody else.
#[derive(Default)]
struct Counted(RefCell<Option<usize>>);

impl Admission for Counted {
    fn year(&self, _: &Persons) -> Result<u16, NotAdmitted> {
        Ok(2026)
    }

    fn admit(&self, _: &Persons, _: u16, persons: &HashSet<SubjectId>) -> Result<(), NotAdmitted> {
        assert!(self.0.replace(Some(persons.len())).is_none(), "asked once");
        Ok(())
    }
}

/// With the persons of its first column counted, no more leaves than without, and nothing before; `left` are the rows
/// that leave of a table that can be read to its end.
fn check_persons(table: &Table, duties: &[Duty], left: Option<usize>) {
    let schema = table.schema();
    let Some(Ok(column)) = schema.fields().first().map(|field| field.name().parse()) else {
        return;
    };
    let [zone, register] = ["Asia/Shanghai", "export"].map(|text| text.parse().expect("a name"));
    let duty = Duty::Persons(Persons { column, at_most: 1000, zone, register });
    let duties = [duties, &[duty]].concat();
    let Ok(mut early) = table.open(&duties, None, &Sevens, RECIPIENT) else { return };
    assert!(!matches!(early.next(), Ok(Some(_))), "a row leaves that was not counted");
    let Ok(mut delivery) = table.open(&duties, None, &Sevens, RECIPIENT) else { return };
    let counted = Counted::default();
    if delivery.admit(&counted).is_err() {
        assert!(!matches!(delivery.next(), Ok(Some(_))), "a row leaves of those who are too many");
        return;
    }
    let mut rows = 0;
    while let Ok(Some(Piece::Rows(batch))) = delivery.next() {
        rows += batch.num_rows();
    }
    assert!(left.is_none_or(|left| rows <= left), "{rows} rows");
    let persons = counted.0.into_inner().unwrap_or_default();
    let subjects = delivery.subjects().expect("they are counted");
    let subjects = usize::try_from(subjects).expect("a few");
    assert!(
        subjects <= persons && (left.is_none() || subjects == persons),
        "{subjects}, {persons}"
    );
}
