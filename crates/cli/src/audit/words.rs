//! Findings and numbers as all verbs show them.

use std::io::Write;

use anyhow::Result;
use dataspace_primitives::shown;
use dataspace_tlog::Finding;

use crate::paint;

/// Findings, one for each line.
pub(super) fn write_findings(out: &mut impl Write, findings: &[Finding]) -> Result<()> {
    for finding in findings {
        match finding {
            Finding::Proved(text) => {
                writeln!(out, "   {} {}", paint::good("proved    "), shown(text))?;
            }
            Finding::NotProved(text) => {
                let text = paint::dim(shown(text));
                writeln!(out, "   {} {text}", paint::dim("not proved"))?;
            }
        }
    }
    Ok(())
}

/// That too few witnesses have cosigned, which is no damage.
pub(super) fn write_unwitnessed(out: &mut impl Write, unwitnessed: &str) -> Result<()> {
    writeln!(out, "\n{}: {}", paint::bad("not witnessed enough"), shown(unwitnessed))?;
    writeln!(
        out,
        "   this is no damage: ask the operator to let the witnesses cosign (`dataspace audit \
         cosign`), or ask for fewer of them (--quorum)"
    )?;
    Ok(())
}

/// Findings as two lists.
pub(super) fn findings_to_json(findings: &[Finding]) -> (Vec<&str>, Vec<&str>) {
    let (mut proved, mut not_proved) = (Vec::new(), Vec::new());
    for finding in findings {
        match finding {
            Finding::Proved(text) => proved.push(text.as_str()),
            Finding::NotProved(text) => not_proved.push(text.as_str()),
        }
    }
    (proved, not_proved)
}

/// `1 record`, `2 records`.
pub(super) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", paint::thousands(number))
}
