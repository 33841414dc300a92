//! Queries through the public API, one module for each behaviour. One binary, as linking costs more than
//! running.
#![cfg(test)]

mod common;

mod answers;
mod attacks;
mod distributed;
mod fusion;
mod hidden;
mod hostile;
mod limits;
mod nested;
mod real_data;
mod refusals;
