//! Texts as SQL over a small governed view: refused, or planned and run within limits, and in neither case does
//! anything come out that the duties keep back, in a row or in an error.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dataspace_data_plane::{Table, product::Recipient};
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use dataspace_query::errors::TextError;
use dataspace_query::{GovernedView, Limits, Query, Views};

/// Batches after which a query is ended.
const STEPS_MAX: u64 = 500;

const LIMITS: Limits = Limits { rows_max: 10_000, bytes_max: 1 << 20, memory_max: 1 << 24 };

/// Within every value that no one may see, and nothing that a text makes by chance.
const HIDDEN: &str = "q7zk";

const PEOPLE: &str = "id,city,age,salary,since,note,region
p1,Ulm,34,51000.5,2020-02-29,7,eu
p2,Bonn,41,62500,2021-12-31,q7zk-a,eu
h1,q7zk-town,0,99999999.25,1970-01-01,q7zk-b,us
p3,Ulm,29,-48000,1999-01-01,,eu
h2,12,9223372036854775807,-1,9999-12-31,0,us
p4,,60,70000,2024-06-30,12,eu
";

struct Key;

impl Secrets for Key {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new([7; 32]))
    }
}

fn people() -> Views {
    let dir = tempfile::tempdir().expect("a directory");
    // The file is read again for each query.
    let path = dir.keep().join("people.csv");
    std::fs::write(&path, PEOPLE).expect("a file");
    let table = Arc::new(Table::open(&path).expect("a table"));
    let name = |name: &str| name.parse().expect("a name");
    let mask = |column, method| Duty::Mask(ColumnMask { column: name(column), method });
    let duties = vec![
        Duty::Filter(RowFilter {
            column: name("region"),
            operator: Operator::IsAnyOf,
            values: vec![Scalar::Text("eu".parse().expect("a value"))],
        }),
        mask("id", MaskMethod::Hash),
        mask("salary", MaskMethod::Round { decimals: -3 }),
        mask("note", MaskMethod::Drop),
        mask("region", MaskMethod::Null),
    ];
    let recipient = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };
    let view = GovernedView::of_table(table, duties, Arc::new(Key), recipient).expect("a view");
    Views::new().with(&name("people"), view).expect("the first")
}

/// An error and its causes, in every form in which they could be told.
fn told(error: &dyn Error) -> String {
    let mut all = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _to_a_text = write!(all, " {error} {error:?}");
        cause = error.source();
    }
    all
}

pub(crate) fn check(bytes: &[u8]) {
    static PEOPLE: OnceLock<Views> = OnceLock::new();
    let sql = String::from_utf8_lossy(bytes);
    let says_it = sql.to_lowercase().contains(HIDDEN);
    let query = match Query::parse(&sql) {
        Ok(query) => query,
        Err(error) => {
            if let TextError::Syntax { .. } = &error {
                assert!(error.to_string().len() < 100);
            }
            return;
        }
    };
    let steps = AtomicU64::new(0);
    let is_over = move || steps.fetch_add(1, Ordering::Relaxed) > STEPS_MAX;
    let rows = match query.run(PEOPLE.get_or_init(people), LIMITS, is_over) {
        Ok(rows) => rows,
        Err(error) => {
            assert!(says_it || !told(&error).contains(HIDDEN), "{sql}: {}", told(&error));
            return;
        }
    };
    let mut count = 0;
    for batch in rows {
        match batch {
            Ok(batch) => {
                count += batch.num_rows() as u64;
                assert!(count <= LIMITS.rows_max);
                let shown = format!("{batch:?}");
                assert!(says_it || !shown.contains(HIDDEN), "{sql}: {shown}");
            }
            Err(error) => {
                assert!(says_it || !told(&error).contains(HIDDEN), "{sql}: {}", told(&error));
            }
        }
    }
}
