//! Bounds on Cedar text, checked on the characters before Cedar's recursive parser sees them, so
//! that neither parsing nor deciding can be made slow or deep by what somebody wrote.

use thiserror::Error;

use crate::action::Action;
use crate::engine::quote;

/// Longest Cedar text, in bytes.
pub const TEXT_LEN_MAX: usize = 32_768;
/// Deepest nesting of brackets.
pub const BRACKET_DEPTH_MAX: usize = 24;
/// Most operators, field accesses and calls in one policy.
pub const OPERATORS_MAX: usize = 384;
/// Most `if`s in one policy.
pub const IFS_MAX: usize = 16;
/// Most policies in one text.
pub const POLICIES_MAX: usize = 128;
/// Longest string literal, in characters as written. A [`Name`](dataspace_primitives::Name) takes
/// at most 448, all of it escaped.
// WHY: Cedar's `like` takes time in proportion to text times pattern, at every decision.
pub const STRING_LEN_MAX: usize = 512;
/// Most commas in one text, and so elements of sets and records.
pub const ELEMENTS_MAX: usize = 2560;
/// Longest word, in characters: Cedar compares those that the schema does not know with each one that
/// it does.
pub const WORD_LEN_MAX: usize = 128;
/// Most work that reading and checking one text may take: one for each sign (a word, a string or a
/// mark), in conditions one more for each set and record around it, and that for each
/// [`Action`] where a policy's conditions speak of actions.
// WHY: whatever is signed and refused in the end must cost little; Cedar's checker copies the types of
// what nests, and looks at conditions once for each action.
pub const WORK_MAX: usize = 16_384;

/// Most steps that a decision by one text may take: expressions, and elements of their sets. So no
/// contract can slow the monitor down. A policy that is not compiled counts as
/// [`UNCOMPILED_COST`].
pub const COST_MAX: usize = 8192;
/// What a policy costs that runs in Cedar's evaluator.
pub const UNCOMPILED_COST: usize = 2048;

/// Cedar text beyond a bound.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BoundError {
    /// Longer than [`TEXT_LEN_MAX`].
    #[error("the policies have {len} bytes, {TEXT_LEN_MAX} are possible")]
    Length {
        /// Bytes found.
        len: usize,
    },
    /// Brackets deeper than [`BRACKET_DEPTH_MAX`].
    #[error("line {line}: brackets nest deeper than {BRACKET_DEPTH_MAX}")]
    Depth {
        /// Line, from 1.
        line: usize,
    },
    /// A policy with more than [`OPERATORS_MAX`] operators or [`IFS_MAX`] `if`s.
    #[error(
        "line {line}: a policy has more than {OPERATORS_MAX} operators or {IFS_MAX} conditionals"
    )]
    Complexity {
        /// Line, from 1.
        line: usize,
    },
    /// A string literal longer than [`STRING_LEN_MAX`].
    #[error("line {line}: a string is longer than {STRING_LEN_MAX} characters")]
    String {
        /// Line, from 1.
        line: usize,
    },
    /// A control or bidirectional character, or one that is not shown: a signer could see another
    /// text.
    #[error("line {line}: the character {} must be written as an escape", character.escape_unicode())]
    Character {
        /// Line, from 1.
        line: usize,
        /// The character.
        character: char,
    },
    /// More than [`ELEMENTS_MAX`] elements of sets and records.
    #[error("line {line}: sets and records have more than {ELEMENTS_MAX} elements in all")]
    Elements {
        /// Line, from 1.
        line: usize,
    },
    /// A word longer than [`WORD_LEN_MAX`].
    #[error("line {line}: a word is longer than {WORD_LEN_MAX} characters")]
    Word {
        /// Line, from 1.
        line: usize,
    },
    /// More to read and check than [`WORK_MAX`].
    #[error(
        "line {line}: the policies are too large; split them, or name fewer values in their sets and \
         records"
    )]
    Work {
        /// Line, from 1.
        line: usize,
    },
    /// More than [`POLICIES_MAX`] policies.
    #[error("there are more than {POLICIES_MAX} policies")]
    Policies,
}

/// Words that an opening parenthesis can follow in a condition: Cedar's functions and methods, and
/// words before an expression.
const BEFORE_PARENTHESES: [&str; 35] = [
    "contains",
    "containsAll",
    "containsAny",
    "isEmpty",
    "hasTag",
    "getTag",
    "decimal",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "datetime",
    "duration",
    "offset",
    "durationSince",
    "toDate",
    "toTime",
    "toMilliseconds",
    "toSeconds",
    "toMinutes",
    "toHours",
    "toDays",
    "ip",
    "isIpv4",
    "isIpv6",
    "isLoopback",
    "isMulticast",
    "isInRange",
    "if",
    "then",
    "else",
    "in",
    "is",
    "has",
    "like",
];

#[derive(Default)]
struct Counts {
    depth: usize,
    operators: usize,
    ifs: usize,
    policies: usize,
    elements: usize,
    work: usize,
    /// Open braces, and open brackets of sets and records: the first brace is a condition's.
    braces: usize,
    nested: usize,
    /// What checking the conditions of the policy at hand takes for one action.
    checks: usize,
    speaks_of_actions: bool,
    /// The sign before this one, if it is a word that nothing can call.
    not_callable: Option<String>,
    unknown: Option<UnknownCall>,
}

/// A call of a function or method that Cedar does not have.
// WHY found here: Cedar looks for the nearest name for each of them, which takes longer than all else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: there is no function or method `{name}`")]
pub(crate) struct UnknownCall {
    line: usize,
    name: String,
}

/// The first call of what does not exist, in a text that is within the bounds.
pub(crate) fn check(text: &str) -> Result<Option<UnknownCall>, BoundError> {
    if text.len() > TEXT_LEN_MAX {
        return Err(BoundError::Length { len: text.len() });
    }
    check_characters(text)?;
    let mut counts = Counts::default();
    let mut word = String::new();
    // A number is one sign, with the word that may touch it another one.
    let mut is_number = false;
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            // WHY: to Cedar `1in` is a number and a word.
            if !(word.is_empty() && c.is_ascii_digit()) {
                word.push(c);
                if word.len() > WORD_LEN_MAX {
                    return Err(BoundError::Word { line });
                }
            } else if !is_number {
                is_number = true;
                counts.sign(line)?;
            }
            continue;
        }
        counts.word(&word, line)?;
        word.clear();
        is_number = false;
        match c {
            '\n' => line += 1,
            // WHY `\r`: it ends a comment for Cedar too; what follows is read.
            '/' if chars.peek() == Some(&'/') => {
                while chars.next_if(|c| !matches!(c, '\n' | '\r')).is_some() {}
            }
            '"' => {
                counts.sign(line)?;
                counts.not_callable = None;
                let mut len = 0;
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => drop(chars.next()),
                        '\n' => line += 1,
                        _ => {}
                    }
                    len += if c == '\\' { 2 } else { 1 };
                    if len > STRING_LEN_MAX {
                        return Err(BoundError::String { line });
                    }
                }
            }
            c => counts.punctuation(c, line)?,
        }
    }
    counts.word(&word, line)?;
    Ok(counts.unknown)
}

/// Cedar text from terms is escaped; who writes it by hand writes the escape too.
fn check_characters(text: &str) -> Result<(), BoundError> {
    for (line, characters) in (1..).zip(text.split('\n')) {
        for character in characters.chars() {
            let is_control = character.is_control() && !matches!(character, '\t' | '\r');
            if is_control || quote::is_hidden(character) {
                return Err(BoundError::Character { line, character });
            }
        }
    }
    Ok(())
}

impl Counts {
    /// One more word, string or mark.
    fn sign(&mut self, line: usize) -> Result<(), BoundError> {
        self.work += 1;
        if self.braces > 0 {
            self.checks += self.nested;
            self.work += self.nested * if self.speaks_of_actions { Action::ALL.len() } else { 1 };
        }
        if self.work > WORK_MAX {
            return Err(BoundError::Work { line });
        }
        Ok(())
    }

    fn word(&mut self, word: &str, line: usize) -> Result<(), BoundError> {
        if word.is_empty() {
            return Ok(());
        }
        if matches!(word, "action" | "Action") && self.braces > 0 && !self.speaks_of_actions {
            self.speaks_of_actions = true;
            self.work += self.checks * (Action::ALL.len() - 1);
        }
        self.sign(line)?;
        let is_callable = self.braces == 0 || BEFORE_PARENTHESES.contains(&word);
        self.not_callable = (!is_callable).then(|| word.to_owned());
        match word {
            "if" => self.ifs += 1,
            "has" | "like" | "in" | "is" | "when" | "unless" => self.operators += 1,
            _ => {}
        }
        self.within(line)
    }

    fn punctuation(&mut self, c: char, line: usize) -> Result<(), BoundError> {
        if !c.is_whitespace() {
            self.sign(line)?;
            let name = self.not_callable.take();
            if let Some(name) = name.filter(|_| c == '(' && self.unknown.is_none()) {
                self.unknown = Some(UnknownCall { line, name });
            }
        }
        match c {
            '{' => {
                self.braces += 1;
                self.nested += 1;
            }
            '[' => self.nested += 1,
            '}' => {
                self.braces = self.braces.saturating_sub(1);
                self.nested = self.nested.saturating_sub(1);
            }
            ']' => self.nested = self.nested.saturating_sub(1),
            ';' => {
                (self.braces, self.nested, self.checks) = (0, 0, 0);
                self.speaks_of_actions = false;
            }
            _ => {}
        }
        match c {
            '(' | '[' | '{' => {
                self.depth += 1;
                // WHY: `a["b"]["c"]` and `a()()` are accesses and calls without another sign.
                self.operators += 1;
                if self.depth > BRACKET_DEPTH_MAX {
                    return Err(BoundError::Depth { line });
                }
            }
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            ';' => {
                self.operators = 0;
                self.ifs = 0;
                self.policies += 1;
                if self.policies > POLICIES_MAX {
                    return Err(BoundError::Policies);
                }
            }
            ',' => {
                self.elements += 1;
                if self.elements > ELEMENTS_MAX {
                    return Err(BoundError::Elements { line });
                }
            }
            c if c.is_whitespace() => {}
            _ => self.operators += 1,
        }
        self.within(line)
    }

    fn within(&self, line: usize) -> Result<(), BoundError> {
        if self.operators > OPERATORS_MAX || self.ifs > IFS_MAX {
            return Err(BoundError::Complexity { line });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
