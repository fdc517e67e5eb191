//! The names of all inputs, and what was typed.
