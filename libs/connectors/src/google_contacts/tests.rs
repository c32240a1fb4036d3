//! Tests of the pure parts: fields out of people, changes into people.
