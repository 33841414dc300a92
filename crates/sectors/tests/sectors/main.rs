//! The three sectors, through the public API.
#![cfg(test)]

mod files;
mod support;
mod words;
