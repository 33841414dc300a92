//! Records as comma-separated values (RFC 4180).

use std::io::Write;

use anyhow::Result;
use dataspace_primitives::shown;

use crate::audit::row::Row;

pub(crate) fn head(out: &mut impl Write) -> Result<()> {
    let names = "record,time,event,verdict,participant,contract,action,product,purpose,uses,what";
    Ok(write!(out, "{names}\r\n")?)
}

pub(crate) fn row(out: &mut impl Write, row: &Row) -> Result<()> {
    let verdict = row.is_permit.map(|is_permit| if is_permit { "permit" } else { "deny" });
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        row.index.to_string(),
        row.time.map(|time| time.to_string()).unwrap_or_default(),
        row.kind.as_str().to_owned(),
        verdict.unwrap_or_default().to_owned(),
        text(&row.about),
        row.contract.map(|contract| contract.to_string()).unwrap_or_default(),
        text(&row.action),
        text(&row.product),
        text(&row.purpose),
        row.uses.map(|uses| uses.to_string()).unwrap_or_default(),
        row.what.clone(),
    ];
    Ok(write!(out, "{}\r\n", cells.map(|cell| quote(&shown(&cell).to_string())).join(","))?)
}

/// One cell. Spreadsheets run what begins like a formula, and a record may hold anything.
fn quote(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell
}
