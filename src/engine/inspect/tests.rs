//! Tests of the state's inspection.
