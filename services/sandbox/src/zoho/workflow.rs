//! Zoho's workflows, which change a record once more after it was written through the API, and idle reformatting of phones.
//! Due work is done before the next call is answered, at the time it was due.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::{Field, Kind};
use super::org::{DueWorkflow, Org};
use super::writes::{self, Author};

/// Remembers that a record was written; `trigger` is that of the request: absent runs workflows, `[]` does not.
pub fn schedule(org: &mut Org, id: u64, trigger: Option<&Value>, now_ms: i64) {
    let wanted = trigger
        .and_then(Value::as_array)
        .is_none_or(|list| list.contains(&json!("workflow")));
    let Some(workflow) = org.knobs.workflow.as_ref().filter(|_| wanted) else {
        return;
    };
    let at = now_ms + i64::try_from(workflow.delay_ms).unwrap_or(0);
    org.workflows.push_back(DueWorkflow { at, id });
}

/// Runs the workflows that are due.
pub fn settle(org: &mut Org, now_ms: i64) {
    while let Some(due) = org
        .workflows
        .front()
        .copied()
        .filter(|due| due.at <= now_ms)
    {
        org.workflows.pop_front();
        run(org, due);
    }
}

fn run(org: &mut Org, due: DueWorkflow) {
    let Some(workflow) = org.knobs.workflow.clone() else {
        return;
    };
    let author = Author {
        user: org.me(),
        now: due.at.div_euclid(1000),
    };
    let mut native = workflow.set;
    if workflow.reformat_phones {
        let Some(record) = org.table.get(due.id) else {
            return;
        };
        for field in phones(org) {
            if let Some(text) = record.values.text(&field.api_name) {
                native.insert(field.api_name.to_string(), json!(reformat(text)));
            }
        }
    }
    if let Err(error) = writes::update(org, due.id, &Value::Object(native), 0, author) {
        tracing::debug!(code = error.code, "a workflow could not change its record");
    }
}

/// Rewrites every stored phone number; answers how many records changed. Without `author` their times stay as they are.
pub fn reformat_all(org: &mut Org, author: Option<Author>) -> u64 {
    let fields = phones(org);
    let ids: Vec<u64> = org.table.iter().map(|record| record.id).collect();
    let mut changed = 0;
    for id in ids {
        let Some(record) = org.table.get(id) else {
            continue;
        };
        let rewritten: Vec<_> = fields
            .iter()
            .filter_map(|field| {
                let old = record.values.text(&field.api_name)?;
                let new = reformat(old);
                (new != old).then(|| (Arc::clone(&field.api_name), new))
            })
            .collect();
        if rewritten.is_empty() {
            continue;
        }
        let mut record = record.clone();
        for (name, text) in rewritten {
            record.values.set(&name, Some(json!(text)));
        }
        if let Some(author) = author {
            record.modified = author.now;
            record.modified_by = author.user;
        }
        org.table.put(record);
        changed += 1;
    }
    changed
}

fn phones(org: &Org) -> Vec<Arc<Field>> {
    org.fields
        .iter()
        .filter(|field| field.kind == Kind::Phone)
        .cloned()
        .collect()
}

/// Ten digits as `(ddd) ddd-dddd`, others in groups of three; doing it twice changes nothing more.
pub fn reformat(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let group = |from: usize, to: usize| {
        digits
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .collect::<String>()
    };
    if text.trim_start().starts_with('+') {
        let groups: Vec<String> = digits
            .chunks(3)
            .map(|chunk| chunk.iter().collect())
            .collect();
        return format!("+{}", groups.join("-"));
    }
    match digits.len() {
        0 => text.to_owned(),
        10 => format!("({}) {}-{}", group(0, 3), group(3, 6), group(6, 10)),
        _ => digits
            .chunks(3)
            .map(|chunk| chunk.iter().collect::<String>())
            .collect::<Vec<_>>()
            .join("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing::{START, add, org};

    #[test]
    fn reformatting_is_idempotent() {
        let check = |input: &str, expect: &str| {
            assert_eq!(reformat(input), expect);
            assert_eq!(reformat(expect), expect);
        };
        check("555 123 4567", "(555) 123-4567");
        check("+49 221 12345", "+492-211-234-5");
        check("0221/12345", "022-112-345");
        check("--", "--");
    }

    #[test]
    fn a_workflow_changes_the_record_when_due() {
        let check = |trigger: Option<Value>, at: i64, expect: &str| {
            let mut org = org();
            org.knobs.workflow =
                serde_json::from_value(json!({"set": {"Title": "set"}, "delay_ms": 5000})).unwrap();
            let id = add(&mut org, json!({"Last_Name": "A", "Title": "written"}));
            schedule(&mut org, id, trigger.as_ref(), START * 1000);
            settle(&mut org, at * 1000);
            let record = org.table.get(id).unwrap();
            assert_eq!(
                record.values.text("Title"),
                Some(expect),
                "{trigger:?} {at}"
            );
        };
        check(None, START + 4, "written");
        check(None, START + 5, "set");
        check(Some(json!([])), START + 5, "written");
        check(Some(json!(["workflow"])), START + 5, "set");
    }
}
