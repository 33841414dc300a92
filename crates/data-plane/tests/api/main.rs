//! The data plane through its public API, one module for each behaviour. One binary, as linking
//! costs more than running.
#![cfg(test)]

mod common;

mod bounds;
mod coarse;
mod csv_cases;
mod documents;
mod filters;
mod leaks;
mod masks;
mod order;
mod parquet_cases;
mod plans;
mod real_data;
mod reference;
mod tables;
mod texts;
