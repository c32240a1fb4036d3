//! The nouns of Syncline: ids, values, fields, records, connections, runs.
