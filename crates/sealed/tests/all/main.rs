//! Sealed files through the public API: what comes out is what went in, another implementation says the
//! same, and every change is refused.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod ranges;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod support;
