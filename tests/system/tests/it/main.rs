//! Tests of the whole: rules of the tree that no crate can hold alone.

mod architecture;
