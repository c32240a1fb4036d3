//! Cursors, token buckets and progress.
