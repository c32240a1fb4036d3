//! The verbs of Syncline, pure: match, filter, map, merge, guard, plan, settle.
