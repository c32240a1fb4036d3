//! What the model writes fits what the document says.

use serde_json::{Value, json};
use syncline_model as model;

use super::*;

/// What the model writes is what the schema reads, and what the schema writes is what the model reads.
fn check<M, S>(value: &Value)
where
    M: Serialize + serde::de::DeserializeOwned,
    S: Serialize + serde::de::DeserializeOwned,
{
    let theirs: M = serde_json::from_value(value.clone()).expect("the model reads it");
    let written = serde_json::to_value(&theirs).expect("json");
    let ours: S = serde_json::from_value(written).unwrap_or_else(|e| panic!("{value}: {e}"));
    let back = serde_json::to_value(ours).expect("json");
    serde_json::from_value::<M>(back).unwrap_or_else(|e| panic!("{value}: {e}"));
}

fn check_words<M, S>(words: &[&str])
where
    M: Serialize + serde::de::DeserializeOwned,
    S: Serialize + serde::de::DeserializeOwned,
{
    for word in words {
        check::<M, S>(&json!(word));
    }
}

#[test]
fn words_are_the_models() {
    check_words::<model::Side, Side>(&["a", "b"]);
    check_words::<model::Role, Role>(&["owner", "admin", "editor", "viewer"]);
    check_words::<model::ObjectType, ObjectType>(&["contact"]);
    check_words::<model::Direction, Direction>(&["two_way", "a_to_b", "b_to_a"]);
    check_words::<model::ConflictPolicy, ConflictPolicy>(&[
        "a_wins",
        "b_wins",
        "most_recent",
        "most_recent_or_b",
        "ask",
    ]);
    check_words::<model::DeletionPolicy, DeletionPolicy>(&["ignore", "unlink", "mark", "delete"]);
    check_words::<model::OnLeave, OnLeave>(&["freeze", "leave"]);
    check_words::<model::MatchKey, MatchKey>(&["work_email", "email", "phone", "name_and_company"]);
    check_words::<model::Flow, Flow>(&["both", "a_to_b", "b_to_a"]);
    check_words::<model::Blank, Blank>(&["keep", "sync"]);
    check_words::<model::Kind, Kind>(&[
        "text",
        "long_text",
        "full_name",
        "email",
        "phone",
        "url",
        "bool",
        "opt_out",
        "number",
        "date",
        "date_time",
        "choice",
        "address",
        "reference",
    ]);
    check_words::<model::RunState, RunState>(&[
        "queued",
        "running",
        "succeeded",
        "failed",
        "parked",
        "cancelled",
    ]);
    check_words::<model::Trigger, Trigger>(&["schedule", "manual"]);
    check_words::<model::ChangeKind, ChangeKind>(&[
        "created", "updated", "linked", "deleted", "marked", "unlinked", "joined", "severed",
        "frozen", "resumed",
    ]);
    check_words::<model::ConflictStatus, ConflictStatus>(&["settled", "open", "resolved"]);
    check_words::<model::ProblemReason, ProblemReason>(&[
        "ambiguous",
        "rejected",
        "field_unfit",
        "missing_required",
        "contended",
    ]);
    check_words::<model::ProblemStatus, ProblemStatus>(&["open", "closed"]);
    check_words::<syncline_store::LinkWord, LinkWord>(&["live", "frozen", "severed", "buried"]);
    check_words::<syncline_store::RecordState, RecordState>(&[
        "excluded",
        "waiting_for_limit",
        "waiting_for_retry",
        "held",
    ]);
    check_words::<model::GuardKind, GuardKind>(&["deletions", "shrink", "overwrite"]);
}

#[test]
fn shapes_are_the_models() {
    let account = format!("acc_{}", "0".repeat(32));
    check::<model::SideConfig, SideConfig>(&json!({"account": account, "collection": "x"}));
    check::<model::Schedule, Schedule>(&json!({"every": "5m"}));
    check::<model::Deletions, Deletions>(&json!({"a_to_b": "mark"}));
    check::<model::Guards, Guards>(&json!({}));
    check::<model::Rule, Rule>(&json!({"from": "a",
        "if": [{"field": "x", "is": 1}, {"field": "x", "is_not": "y"}, {"field": "x", "in": ["y"]},
               {"field": "x", "contains": "y"}, {"field": "x", "starts_with": "y"}, {"field": "x", "empty": true}],
        "then": [{"set": "x#city", "to": null, "when": "create"}, {"set": "x", "from": "y"},
            {"add_to": "group:VIP"}], "reverse_on_exit": true}));
    for test in [
        json!({"before": "2026-01-31"}),
        json!({"after": "2026-01-31T09:30:00Z"}),
        json!({"within_days": 30}),
        json!({"greater": 1.5}),
        json!({"less": 7}),
    ] {
        let mut condition = test;
        condition["field"] = json!("x");
        check::<model::Rule, Rule>(&json!({"from": "b", "if": [condition]}));
    }
    check::<model::MatchKey, MatchKey>(&json!({"field": "Number"}));
    for answer in [json!({"link": "x"}), json!("keep_apart"), json!("create")] {
        check::<model::Answer, Answer>(&answer);
    }
    check::<model::MappingChoice, MappingChoice>(&json!("default"));
    check::<model::MappingChoice, MappingChoice>(&json!([{"a": "x", "b": "y", "winner": "ask"}]));
    check::<model::MappingChoice, MappingChoice>(&json!([
        {"a": "x", "b": "y", "as": "date", "dates": "dd.mm.yyyy"},
        {"a": "o", "b": "groups#has:Some, or # other", "opt_in": true},
        {"a": "z", "b": "v", "values": [{"a": true, "b": "Yes"}, {"a": false, "b": "No"}]},
    ]));
    check_words::<model::DateFormat, DateFormat>(&[
        "yyyy-mm-dd",
        "dd.mm.yyyy",
        "dd/mm/yyyy",
        "mm/dd/yyyy",
    ]);
    check::<model::PausedEntry, PausedEntry>(&json!({"a": "x", "b": "y#city", "reason": "z"}));
    check::<model::ConnectionStatus, ConnectionStatus>(&json!({"is": "active"}));
    check::<model::ConnectionStatus, ConnectionStatus>(&json!({"is": "paused", "reason": "x"}));
    check::<model::AccountStatus, AccountStatus>(
        &json!({"is": "needs_reauthorization", "reason": "x"}),
    );
    check::<model::AccountStatus, AccountStatus>(&json!({"is": "pending"}));
    check::<model::LinkState, LinkState>(&json!({"is": "frozen", "left": "a"}));
    check::<model::LinkState, LinkState>(&json!({"is": "severed", "gone": "b"}));
    check::<model::Collection, Collection>(
        &json!({"id": "x", "name": "y", "default": true, "membership_writable": false}),
    );
    check::<model::FieldDescriptor, FieldDescriptor>(
        &json!({"name": "x", "label": "X", "kind": "choice",
        "writable": true, "choices": [{"value": "v", "label": "V"}]}),
    );
    check::<model::Counters, Counters>(&json!({}));
    check::<model::GuardTrip, GuardTrip>(
        &json!({"kind": "shrink", "from": "a", "count": 1, "limit": 2}),
    );
}
