//! Unlinked records: link those that are one, create what the other side lacks, name what cannot be decided.

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{
    Answer, Blank, Fields, Kind, Link, LinkBody, LinkState, ProblemReason, Record, RemoteId, Side,
    Sides, Slots, Value,
};

use super::{
    Around, Cluster, Kin, LinkedPair, Operation, ProblemFound, Sight, Step, Subject, leave, pair,
    read, read::mononym_write,
};
use crate::{Entry, Policy, RowFate, actions, is_blank, lens, matching, origin::Origin, rules};

/// Most records of one side that a cluster may have before it is left to a person.
const MAX_CLUSTER: usize = 50;

/// Plans the records of one cluster.
pub fn plan_cluster(cluster: &Cluster, policy: &Policy, around: Around<'_>, steps: &mut Vec<Step>) {
    let records = &cluster.records;
    let too_large = Side::BOTH
        .into_iter()
        .any(|side| records.get(side).len() > MAX_CLUSTER);
    if too_large && !is_one_sided(policy, cluster) {
        for side in Side::BOTH {
            for record in records.get(side) {
                steps.push(too_many(side, record));
            }
        }
        return;
    }
    let part = Sides::of(|side| {
        records
            .get(side)
            .iter()
            .map(|record| {
                policy.flows_from(side)
                    && (rules::takes_part(policy, side, &record.fields)
                        || seeded(Bug::FilterNotOnCreation))
            })
            .collect::<Vec<bool>>()
    });
    let takes_part = |side: Side, index: usize| part.get(side).get(index) == Some(&true);
    // Who takes no part for having opted out alone is nobody to be made on the other side, but who is there must hear of it.
    let concerns = |side: Side, index: usize, record: &Record| {
        takes_part(side, index)
            || policy.flows_from(side) && leave::takes_part_but_for_opt_out(policy, side, record)
    };
    let found = matching::matches(policy, cluster);
    let mut done = Sides::of(|side| vec![false; records.get(side).len()]);
    let mut mark = |side: Side, index: usize| {
        if let Some(slot) = done.get_mut(side).get_mut(index) {
            *slot = true;
        }
    };
    for (i, j) in &found.pairs {
        if let (Some(a), Some(b)) = (records.a.get(*i), records.b.get(*j))
            && (concerns(Side::A, *i, a) || concerns(Side::B, *j, b))
        {
            let first = takes_part(Side::A, *i) || !takes_part(Side::B, *j);
            let from = if first && concerns(Side::A, *i, a) {
                Side::A
            } else {
                Side::B
            };
            let survived = [(Side::A, a), (Side::B, b)]
                .into_iter()
                .find_map(|(side, record)| cluster.survivors.get(side).get(&record.id));
            steps.push(link(policy, around, a, b, from, survived));
            mark(Side::A, *i);
            mark(Side::B, *j);
        }
    }
    for side in Side::BOTH {
        for (index, others) in found.ambiguous.get(side) {
            if let Some(record) = records.get(side).get(*index)
                && takes_part(side, *index)
                && !cluster.survivors.get(side).contains_key(&record.id)
            {
                let candidates = others
                    .iter()
                    .filter_map(|at| records.get(side.other()).get(*at))
                    .map(|record| record.id.clone())
                    .collect();
                steps.push(ambiguous(side, record, candidates));
                mark(side, *index);
            }
        }
    }
    for side in Side::BOTH {
        for (index, record) in records.get(side).iter().enumerate() {
            if done.get(side).get(index) == Some(&true) {
                continue;
            }
            steps.push(if cluster.survivors.get(side).contains_key(&record.id) {
                left_alone(side, record)
            } else if !takes_part(side, index) || is_kept_apart(cluster, side, record) {
                aside(side, record)
            } else {
                match cluster.kin.get(side).get(&record.id) {
                    None => create(policy, around, side, record),
                    Some(Kin::Linked { with }) => double(side, record, with),
                    // Whoever follows that record says what becomes of this one.
                    Some(Kin::Record(_) | Kin::OutOfSight) => aside(side, record),
                }
            });
        }
    }
}

fn is_kept_apart(cluster: &Cluster, side: Side, record: &Record) -> bool {
    let review = cluster.reviews.get(side).get(&record.id);
    review.is_some_and(|review| review.answer == Some(Answer::KeepApart))
}

/// Whether the records of one side have no address, and the other side has none of their name: whatever their number,
/// there is nothing to judge.
fn is_one_sided(policy: &Policy, cluster: &Cluster) -> bool {
    Side::BOTH.into_iter().any(|side| {
        let records = cluster.records.get(side);
        cluster.records.get(side.other()).is_empty()
            && records
                .iter()
                .all(|record| matching::has_no_address(policy, side, record))
    })
}

/// Two records that are one: a link, and the first merge. Where one of them is outside the rules the link only
/// remembers that they are one, and what both say: nothing is written until it comes in. If one of them survived the deletion of its
/// former partner, it is that link which goes on, with the new partner.
fn link(
    policy: &Policy,
    around: Around<'_>,
    a: &Record,
    b: &Record,
    from: Side,
    survived: Option<&Link>,
) -> Step {
    let subject = survived.map_or(Subject::New, |link| Subject::Link(Box::new(link.clone())));
    let mut step = Step::fresh(subject);
    step.linked_from = Some(from);
    step.rows = Sides {
        a: Some(RowFate::Absorbed),
        b: Some(RowFate::Absorbed),
    };
    let link = Link {
        id: syncline_model::LinkId::NIL,
        pair: syncline_model::PairId::NIL,
        remote: Sides {
            a: a.id.clone(),
            b: b.id.clone(),
        },
        version: Sides::default(),
        modified_at: Sides::default(),
        state: LinkState::Live,
        body: syncline_model::LinkBody::default(),
    };
    let sight = Sides { a, b };
    let sight = Sides::of(|side| Sight::Present(Box::new((*sight.get(side)).clone())));
    let pair = LinkedPair::new(link, sight);
    if let Some(left) = pair::left_scope(&pair, policy) {
        step.observe(Side::A, a);
        step.observe(Side::B, b);
        pair::agree(&mut step, a, b, policy, around);
        leave::freeze(&mut step, &pair, left);
        leave::part(&mut step, &pair, policy, around, left);
    } else {
        leave::note_seen(&mut step, &pair, policy);
        pair::merge_records(&mut step, &pair, policy, around);
    }
    step
}

/// A record that the other side lacks.
fn create(policy: &Policy, around: Around<'_>, from: Side, record: &Record) -> Step {
    let mut step = Step::fresh(Subject::New);
    step.observe(from, record);
    *step.rows.get_mut(from) = Some(RowFate::Absorbed);
    let known = LinkBody::default();
    add_creation(&mut step, policy, around, from, record, &known);
    step
}

/// A linked record whose partner was deleted while it was edited: the partner is made again.
pub fn plan_again(
    mut step: Step,
    pair: &LinkedPair,
    policy: &Policy,
    around: Around<'_>,
    gone: Side,
) -> Step {
    let from = gone.other();
    let Sight::Present(record) = pair.sight.get(from) else {
        return step;
    };
    let known = std::mem::take(&mut step.body);
    // Where other connections want the record is true of the new one too; nobody has seen that one yet.
    step.body.parted.clone_from(&known.parted);
    step.body.inside.clone_from(&known.inside);
    for inside in step.body.inside.values_mut() {
        *inside.get_mut(gone) = false;
    }
    step.state = LinkState::Live;
    *step.remote.get_mut(gone) = None;
    *step.version.get_mut(gone) = None;
    *step.modified_at.get_mut(gone) = None;
    step.observe(from, record);
    add_creation(&mut step, policy, around, from, record, &known);
    step
}

/// Whether a link knows that its person has opted out, here or there. Nobody is opted in by being made again.
fn has_opted_out(entry: &Entry, known: &LinkBody) -> bool {
    let said = Side::BOTH
        .into_iter()
        .filter_map(|side| pair::last_said(known, side, entry));
    let mut all = said.chain(known.target.get(&entry.key));
    entry.kind == Kind::OptOut
        && entry.blank == Blank::Keep
        && all.any(|value| !is_blank(entry.kind, value))
}

/// Whether a record that was there before had itself opted out, as far as is known.
fn stood_opted_out(entry: &Entry, known: &LinkBody, side: Side) -> bool {
    let said = pair::last_said(known, side, entry);
    entry.kind == Kind::OptOut && said.is_some_and(|value| !is_blank(entry.kind, value))
}

/// Appends the creation of `record` on the other side. `known` is what was remembered of the one that was there before.
fn add_creation(
    step: &mut Step,
    policy: &Policy,
    around: Around<'_>,
    from: Side,
    record: &Record,
    known: &LinkBody,
) {
    let to = from.other();
    leave::note_inside(&mut step.body, policy, from);
    let values = read(policy, from, &record.fields, None);
    let mut sent = Slots::new();
    let mut physical: Vec<(usize, Value)> = Vec::new();
    let mut filled = false;
    for (index, (entry, value)) in policy.entries.iter().zip(&values).enumerate() {
        step.body
            .seen
            .get_mut(from)
            .insert(entry.key.clone(), value.clone());
        if !*entry.from.get(from) {
            // Nothing flows here: what the other side will hold is unknown until it is read. But who had opted out there
            // has so still.
            let yes = Value::Bool(true);
            let may = entry.holds.get(to).writable && pair::fits(entry, to, &yes).is_ok();
            if may && stood_opted_out(entry, known, to) {
                step.body.target.insert(entry.key.clone(), yes.clone());
                sent.insert(entry.key.clone(), yes.clone());
                physical.push((index, yes));
            }
            continue;
        }
        let opted_out = Value::Bool(true);
        let value = if has_opted_out(entry, known) {
            &opted_out
        } else {
            value
        };
        step.body.target.insert(entry.key.clone(), value.clone());
        let decided = match around.origin(entry, from, &record.id, value) {
            Some(Origin::Decided(at)) => Some(at),
            Some(Origin::Edited(_)) | None => around.now(),
        };
        if let Some(at) = decided {
            step.body.decided.insert(entry.key.clone(), at);
        }
        // What is not sent is empty there; it is seen so.
        sent.insert(entry.key.clone(), Value::Empty);
        if value.is_empty() {
            continue;
        }
        // A yes or no that nobody gave a thought to makes no person.
        filled |= !entry.holds.get(from).kind.is_flag();
        match pair::fits(entry, to, value) {
            Ok(()) => {
                sent.insert(entry.key.clone(), value.clone());
                physical.push((index, value.clone()));
            }
            Err(message) => step.unfit(from, &record.id, &message),
        }
    }
    let body = &mut step.body;
    match complete_name(
        policy,
        from,
        record,
        &values,
        (body, &mut sent),
        &mut physical,
    ) {
        Ok(placed) => filled |= placed,
        Err(message) => {
            refuse(step, from, record, ProblemReason::MissingRequired, message);
            return;
        }
    }
    if !filled {
        let message = "the record has no value in any mapped field: there is nothing to create. \
                       Fill in a name, an e-mail address or a phone number";
        refuse(
            step,
            from,
            record,
            ProblemReason::MissingRequired,
            message.into(),
        );
        return;
    }
    let writes = physical.iter().filter_map(|(index, value)| {
        let entry = policy.entries.get(*index)?;
        Some((entry.paths.get(to), entry.native(to, value).ok()?))
    });
    let mut fields = lens::put(&Fields::new(), writes);
    for (field, theirs) in policy.handed_on.get(to) {
        let value = record.value(theirs);
        if !value.is_empty() {
            fields.insert(field.clone(), value.clone());
        }
    }
    let set = actions::of_creation(policy, from, &record.fields, &fields, &mut step.body);
    fields.extend(set);
    step.operations.push(Operation::Create {
        side: to,
        fields,
        sent,
    });
}

/// Sees to a required family name: a single name takes its place, else the own family name that does not flow there,
/// the company, an address or a number does.
/// Gives whether a stand-in was placed.
///
/// What is filled in is ours, nobody's edit. Where no name flows that way, the source's own name counts as agreed on:
/// else the two would meet for the first time, and what we filled in would replace it.
fn complete_name(
    policy: &Policy,
    from: Side,
    record: &Record,
    values: &[Value],
    (body, sent): (&mut LinkBody, &mut Slots),
    physical: &mut Vec<(usize, Value)>,
) -> Result<bool, String> {
    let to = from.other();
    let Some((given, family)) = *policy.mononym.get(to) else {
        return Ok(false);
    };
    let mut agree = |index: usize, sent: &mut Slots| {
        let (Some(entry), Some(own)) = (policy.entries.get(index), values.get(index)) else {
            return;
        };
        if !*entry.from.get(from) {
            body.target.insert(entry.key.clone(), own.clone());
            sent.insert(entry.key.clone(), own.clone());
        }
    };
    if let Some(spelt) = mononym_write(policy, to, values) {
        agree(given, sent);
        agree(family, sent);
        physical.retain(|(index, _)| *index != given && *index != family);
        physical.extend(spelt.into_iter().filter(|(_, value)| !value.is_empty()));
        return Ok(false);
    }
    if physical.iter().any(|(index, _)| *index == family) {
        return Ok(false);
    }
    let entry = policy
        .entries
        .get(family)
        .ok_or("no family name is mapped")?;
    // The record's own family name first, where it is not to flow there: better than an address in its place.
    let fallbacks = policy.fallbacks.get(from).iter();
    let stand_in = values
        .get(family)
        .into_iter()
        .chain(fallbacks.map(|field| record.value(field)))
        .find(|value| !value.is_empty() && pair::fits(entry, to, value).is_ok());
    match stand_in {
        Some(value) => {
            // Seen there, but not meant: it never flows back as somebody's family name.
            agree(family, sent);
            sent.insert(entry.key.clone(), value.clone());
            physical.push((family, value.clone()));
            Ok(true)
        }
        None => Err(format!(
            "`{}` is required, and the record has no name, company, e-mail address or phone number that fits. Fill one in",
            entry.holds.get(to).label
        )),
    }
}

fn refuse(step: &mut Step, from: Side, record: &Record, reason: ProblemReason, message: String) {
    step.subject = Subject::Nothing;
    step.operations.clear();
    step.problems.clear();
    step.rows_become(RowFate::Known);
    step.problems.push(ProblemFound {
        side: from,
        remote: record.id.clone(),
        reason,
        message,
        candidates: Vec::new(),
    });
}

fn ambiguous(side: Side, record: &Record, candidates: Vec<RemoteId>) -> Step {
    let others = match candidates.len() {
        1 => "A record of the other side may be the same person as this record and as others of this side".to_owned(),
        many => format!("{many} records of the other side may be the same person"),
    };
    let message = format!(
        "{others}. Answer which it is, if any; or merge or change them so that one is left, or that each has an e-mail address of its own"
    );
    named(side, record, ProblemReason::Ambiguous, message, candidates)
}

/// A second record of somebody whose first one is linked already: making them twice on the other side would go on
/// round the connections for ever.
fn double(side: Side, record: &Record, with: &RemoteId) -> Step {
    let message = "By way of other connections this record is the same person as another one of this side, which is linked already. Merge the two, or delete one".to_owned();
    named(
        side,
        record,
        ProblemReason::Ambiguous,
        message,
        vec![with.clone()],
    )
}

fn too_many(side: Side, record: &Record) -> Step {
    let message = format!(
        "more than {MAX_CLUSTER} records share this record's e-mail address, or its name where none of them has an address. Give each an address of its own"
    );
    named(side, record, ProblemReason::Ambiguous, message, Vec::new())
}

fn named(
    side: Side,
    record: &Record,
    reason: ProblemReason,
    message: String,
    candidates: Vec<RemoteId>,
) -> Step {
    let mut step = aside(side, record);
    step.problems.push(ProblemFound {
        side,
        remote: record.id.clone(),
        reason,
        message,
        candidates,
    });
    step
}

/// A survivor that nobody came back for: it waits on.
fn left_alone(side: Side, record: &Record) -> Step {
    let mut step = aside(side, record);
    *step.rows.get_mut(side) = Some(RowFate::Waiting);
    step
}

/// A record that takes no part: known, and looked at again when it changes.
fn aside(side: Side, record: &Record) -> Step {
    let mut step = Step::fresh(Subject::Nothing);
    step.observe(side, record);
    *step.rows.get_mut(side) = Some(RowFate::Known);
    step
}
