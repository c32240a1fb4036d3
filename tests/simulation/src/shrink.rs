//! The shortest form of a history that breaks a law: parts are left out as long as the same law stays broken.

use crate::history::{History, Op};
use crate::office::Bench;
use crate::play::{Failure, play};

/// Most histories played for it.
const PATIENCE: usize = 600;

/// Leaves out what is not needed.
pub fn shrink(bench: &Bench, history: &History, failure: &Failure) -> History {
    let law = law(failure);
    let mut best = history.clone();
    let mut left = PATIENCE;
    let mut fails = |candidate: &History| {
        if left == 0 {
            return false;
        }
        left -= 1;
        matches!(play(bench, candidate, false), Err(failure) if self::law(&failure) == law)
    };
    loop {
        let before = best.ops.clone();
        let mut size = best.ops.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < best.ops.len() {
                let mut candidate = best.clone();
                let end = (at + size).min(candidate.ops.len());
                candidate.ops.drain(at..end);
                if fails(&candidate) {
                    best = candidate;
                } else {
                    at += size;
                }
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
        for index in 0..best.ops.len() {
            for simpler in simpler(&best.ops[index]) {
                let mut candidate = best.clone();
                candidate.ops[index] = simpler;
                if fails(&candidate) {
                    best = candidate;
                    break;
                }
            }
        }
        if best.ops == before {
            return best;
        }
    }
}

/// The law that was broken, without the particulars.
fn law(failure: &Failure) -> String {
    let first = failure.broken.first().map_or("", String::as_str);
    first.chars().take(4).collect()
}

/// Simpler forms of an operation, simplest first.
fn simpler(op: &Op) -> Vec<Op> {
    let Op::Run(ride) = op else {
        return Vec::new();
    };
    let mut forms = Vec::new();
    let mut calm = ride.clone();
    calm.stormy = false;
    calm.crash = None;
    calm.during.clear();
    forms.push(calm);
    for part in 0..3 {
        let mut form = ride.clone();
        match part {
            0 => form.stormy = false,
            1 => form.crash = None,
            _ => form.during.clear(),
        }
        forms.push(form);
    }
    for index in 0..ride.during.len() {
        let mut form = ride.clone();
        form.during.remove(index);
        forms.push(form);
    }
    forms.retain(|form| form != ride);
    forms.into_iter().map(Op::Run).collect()
}
