//! How much of a plan is carried out in this run, where only so many records may be written on a side.
//!
//! Only creations and updates count. A deletion is never put off: guards look after those.

use syncline_model::{Side, Sides};

use crate::{Operation, Plan, Step, settle::carries_deletion};

/// How many more records may be created or updated on each side; `None`: any number.
pub type Allowance = Sides<Option<u64>>;

/// A step whose writes are left to the next run. Nothing of it is remembered, unless it links two records: then the link is
/// there as it would be if the writes had not been done yet, since another connection of the same accounts may ask for it,
/// and the records' keys may be changed before it is their turn.
#[derive(Clone, Debug, PartialEq)]
pub struct PutOff {
    /// The step.
    pub step: Step,
    /// The side on which no more records may be written.
    pub to: Side,
}

impl Plan {
    /// Takes out what would write more records than may be, and gives it. The first ones stay.
    pub fn keep_within(&mut self, allowance: &Allowance) -> Vec<PutOff> {
        let mut left = allowance.clone();
        let mut put_off = Vec::new();
        let steps = std::mem::take(&mut self.steps);
        for step in steps {
            let beyond = |side: &Side| !fits(&step, *side, &left);
            let beyond = Side::BOTH.into_iter().find(beyond);
            if let Some(to) = beyond {
                self.steps.extend(linking(&step));
                put_off.push(PutOff { step, to });
                continue;
            }
            for operation in step.operations.iter().filter(|one| counts(one)) {
                if let Some(left) = left.get_mut(operation.side()) {
                    *left = left.saturating_sub(1);
                }
            }
            self.steps.push(step);
        }
        put_off
    }
}

/// What is left of a step that links two records if neither is written: the link.
fn linking(step: &Step) -> Option<Step> {
    step.linked_from.map(|_| Step {
        operations: Vec::new(),
        rows: Sides::default(),
        ..step.clone()
    })
}

/// Whether a step writes no record on a side, may write one more there, or must not be put off.
fn fits(step: &Step, side: Side, left: &Allowance) -> bool {
    let writes = |one: &Operation| one.side() == side && counts(one);
    *left.get(side) != Some(0)
        || !step.operations.iter().any(writes)
        || step.operations.iter().any(carries_deletion)
}

const fn counts(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Create { .. } | Operation::Update { .. }
    )
}

#[cfg(test)]
mod tests {
    use syncline_model::{Fields, LinkBody, LinkState, RemoteId, Slots};

    use super::*;
    use crate::{RowFate, Subject};

    fn create(side: Side) -> Operation {
        let (fields, sent) = (Fields::new(), Slots::new());
        Operation::Create { side, fields, sent }
    }

    fn update(side: Side) -> Operation {
        Operation::Update {
            side,
            id: RemoteId::new("x"),
            version: None,
            changes: Fields::new(),
            sent: Slots::new(),
            before: Slots::new(),
        }
    }

    fn delete(side: Side) -> Operation {
        let id = RemoteId::new("x");
        Operation::Delete { side, id }
    }

    fn step(operations: &[Operation]) -> Step {
        Step {
            subject: Subject::Nothing,
            remote: Sides::default(),
            version: Sides::default(),
            modified_at: Sides::default(),
            state: LinkState::Live,
            body: LinkBody::default(),
            operations: operations.to_vec(),
            staged: Sides::default(),
            linked_from: None,
            conflicts: Vec::new(),
            problems: Vec::new(),
            held: false,
            rows: Sides::default(),
        }
    }

    #[test]
    fn what_is_beyond_is_put_off_and_what_needs_no_write_is_not() {
        let (a, b) = (Side::A, Side::B);
        let mut plan = Plan {
            steps: vec![
                step(&[create(b)]),
                step(&[]),
                step(&[update(b)]),
                step(&[create(a)]),
                // Beyond on b from here on.
                step(&[create(b)]),
                step(&[update(a), update(b)]),
                step(&[delete(b)]),
                step(&[delete(b), update(a)]),
                step(&[update(a)]),
                // Beyond on a as well.
                step(&[update(a)]),
                step(&[]),
            ],
        };
        let before = plan.steps.clone();
        let kept =
            |at: &[usize]| -> Vec<Step> { at.iter().map(|at| before[*at].clone()).collect() };
        let allowance = Sides {
            a: Some(3),
            b: Some(2),
        };
        let put_off = plan.keep_within(&allowance);
        assert_eq!(plan.steps, kept(&[0, 1, 2, 3, 6, 7, 8, 10]));
        let expect = [(4, b), (5, b), (9, a)].map(|(at, to)| PutOff {
            step: before[at].clone(),
            to,
        });
        assert_eq!(put_off, expect);
        let mut free = Plan {
            steps: before.clone(),
        };
        assert_eq!(free.keep_within(&Allowance::default()), []);
        assert_eq!(free.steps, before);
    }

    #[test]
    fn who_is_linked_is_so_before_either_may_be_written() {
        let matched = Step {
            subject: Subject::New,
            remote: Sides::of(|_| Some(RemoteId::new("x"))),
            linked_from: Some(Side::A),
            rows: Sides::of(|_| Some(RowFate::Absorbed)),
            ..step(&[update(Side::B)])
        };
        let mut plan = Plan {
            steps: vec![matched.clone()],
        };
        let put_off = plan.keep_within(&Sides::of(|_| Some(0)));
        let linked = Step {
            operations: Vec::new(),
            rows: Sides::default(),
            ..matched.clone()
        };
        assert_eq!(plan.steps, [linked]);
        let (step, to) = (matched, Side::B);
        assert_eq!(put_off, [PutOff { step, to }]);
    }
}
