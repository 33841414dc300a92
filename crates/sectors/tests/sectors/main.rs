//! The three sectors, through the public API.
#![cfg(test)]

mod arguments;
mod ask;
mod audio_visual;
mod automotive;
mod baseline;
mod duties;
mod files;
mod materials;
mod schema;
mod support;
mod words;
