//! The planner at a small volume.

mod volume;
