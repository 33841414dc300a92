//! Bounds on Cedar text, checked on the characters before Cedar's recursive parser sees them, so
//! that neither parsing nor deciding can be made slow or deep by what somebody wrote.

use thiserror::Error;

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
    /// More than [`POLICIES_MAX`] policies.
    #[error("there are more than {POLICIES_MAX} policies")]
    Policies,
}

#[derive(Default)]
struct Counts {
    depth: usize,
    operators: usize,
    ifs: usize,
    policies: usize,
}

pub(crate) fn check(text: &str) -> Result<(), BoundError> {
    if text.len() > TEXT_LEN_MAX {
        return Err(BoundError::Length { len: text.len() });
    }
    let mut counts = Counts::default();
    let mut word = String::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        counts.word(&word, line)?;
        word.clear();
        match c {
            '\n' => line += 1,
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => drop(chars.next()),
                        '\n' => line += 1,
                        _ => {}
                    }
                }
            }
            c => counts.punctuation(c, line)?,
        }
    }
    counts.word(&word, line)
}

impl Counts {
    fn word(&mut self, word: &str, line: usize) -> Result<(), BoundError> {
        match word {
            "if" => self.ifs += 1,
            "has" | "like" | "in" | "is" | "when" | "unless" => self.operators += 1,
            _ => {}
        }
        self.within(line)
    }

    fn punctuation(&mut self, c: char, line: usize) -> Result<(), BoundError> {
        match c {
            '(' | '[' | '{' => {
                self.depth += 1;
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
            ',' => {}
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
