//! All contracts as a table.

use dataspace_primitives::shown;

use crate::audit::contract::end::State;
use crate::audit::contract::found::{Contract, Found};
use crate::audit::words::count;
use crate::out::say;
use crate::{paint, verify};

/// Longest name in a row, in characters.
const NAME_MAX: usize = 24;

pub(super) fn show(found: &Found) {
    let all = count(u64::try_from(found.contracts.len()).unwrap_or(u64::MAX), "contract");
    let space = shown(&found.space.name);
    say!("{}", paint::title(format!("{all} in the log of {}, space {space}", found.place)));
    if !found.contracts.is_empty() {
        table(&found.contracts);
        say!(
            "{}",
            paint::dim("one of them in plain words: --contract and how its identifier begins")
        );
    }
    say!("\n{}", paint::title("What was checked"));
    verify::findings(&found.findings);
}

fn table(contracts: &[Contract]) {
    let rows: Vec<[String; 6]> = contracts
        .iter()
        .map(|one| {
            let cut = |text: &str| shown(text).at_most(NAME_MAX).to_string();
            let state = match (one.state, one.ends.first()) {
                (State::InForce | State::NotBegun, _) | (_, None) => {
                    format!("{}, until {}", one.state.words(), one.agreement.validity.until())
                }
                (_, Some(end)) => format!("{}: {}", one.state.as_str(), end.words(&one.parties)),
            };
            [
                one.id.as_digest().to_short(),
                one.concluded.1.to_string(),
                cut(one.parties.provider.name()),
                cut(one.parties.consumer.name()),
                cut(one.agreement.product.as_str()),
                state,
            ]
        })
        .collect();
    let head = ["contract", "concluded (UTC)", "provider", "consumer", "product", "state"];
    let width = |at: usize| {
        let texts = rows.iter().filter_map(|row| row.get(at)).map(String::as_str);
        texts.chain(head.get(at).copied()).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len() - 1).map(width).chain([0]).collect();
    let line = |row: [&str; 6]| {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:width$}"));
        cells.collect::<Vec<_>>().join("  ")
    };
    say!("{}", paint::title(line(head)));
    for row in &rows {
        say!("{}", line(row.each_ref().map(String::as_str)));
    }
}
