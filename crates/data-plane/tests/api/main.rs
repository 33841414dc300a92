//! The data plane through its public API, one module for each behaviour. One binary, as linking
//! costs more than running.
#![cfg(test)]

mod charsets;
mod common;
mod counted;

mod aggregates;
mod bounds;
mod coarse;
mod csv_cases;
mod documents;
mod filters;
mod formats;
mod json_cases;
mod leaks;
mod masks;
mod nested;
mod nested_files;
mod nested_formats;
mod nested_model;
mod nested_requests;
mod order;
mod parquet_cases;
mod persons;
mod plans;
mod pseudonyms;
mod real_data;
mod reference;
mod replaced;
mod samples;
mod stated;
mod tables;
mod texts;
mod watermarks;
mod wide_decimals;
