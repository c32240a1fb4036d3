//! `GET /Contacts/search` and `GET /Contacts/actions/count`: by criteria, e-mail, phone or word.
//! `/search` sees what its index has, which may lag behind (`Knobs::search_delay_ms`); counting sees the records.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::fields::Kind;
use super::filter::Filter;
use super::listing::{self, Listing};
use super::org::Org;
use super::params::Params;
use super::record::Record;
use super::{criteria, render};

const MAX_RECORDS: usize = 2000;
const SHORTEST_WORD: usize = 2;

enum Query {
    Criteria(Filter),
    Email(String),
    Phone(String),
    Word(String),
}

impl Query {
    /// The query, by Zoho's precedence; none when no parameter asks for anything.
    fn parse(org: &Org, params: &Params) -> Result<Option<Self>, Refusal> {
        if let Some(text) = params.get("criteria") {
            return criteria::parse(org, text).map(|filter| Some(Self::Criteria(filter)));
        }
        if let Some(text) = params.get("email") {
            return Ok(Some(Self::Email(text.to_lowercase())));
        }
        if let Some(text) = params.get("phone") {
            return Ok(Some(Self::Phone(digits(text))));
        }
        let Some(text) = params.get("word") else {
            return Ok(None);
        };
        if text.chars().count() < SHORTEST_WORD {
            return Err(Refusal::bad_param("word"));
        }
        Ok(Some(Self::Word(text.to_lowercase())))
    }

    fn holds(&self, org: &Org, record: &Record) -> bool {
        let texts = |kind: Option<Kind>| {
            record.values.iter().filter_map(move |(name, value)| {
                let field = org.fields.get(name)?;
                if kind.is_some_and(|kind| kind != field.kind) || !field.visible() {
                    return None;
                }
                value.as_str()
            })
        };
        match self {
            Self::Criteria(filter) => filter.holds(org, record),
            Self::Email(part) => {
                texts(Some(Kind::Email)).any(|text| text.to_lowercase().contains(part))
            }
            Self::Phone(part) => {
                !part.is_empty() && texts(Some(Kind::Phone)).any(|text| digits(text).contains(part))
            }
            Self::Word(part) => texts(None).any(|text| {
                text.to_lowercase()
                    .split_whitespace()
                    .any(|word| word.starts_with(part))
            }),
        }
    }
}

/// Digits alone, so that a number is found however it is written.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// `GET /Contacts/search`.
pub fn search(org: &Org, params: &Params, now_ms: i64) -> Result<Listing, Refusal> {
    let Some(query) = Query::parse(org, params)? else {
        let message = "One of the expected parameter is missing";
        let details = json!({"param_names": ["criteria", "email", "phone", "word"]});
        return Err(Refusal::new(
            400,
            "EXPECTED_PARAM_MISSING",
            message,
            details,
        ));
    };
    let view = params
        .get("cvid")
        .map(|id| listing::view_filter(org, id))
        .transpose()?
        .unwrap_or_else(Filter::always);
    let (per_page, page) = (params.per_page()?, params.page()?);
    let skip = (page - 1).saturating_mul(per_page);
    if skip >= MAX_RECORDS {
        return Err(Refusal::new(
            400,
            "LIMIT_REACHED",
            "Limit reached",
            json!({"limit": MAX_RECORDS}),
        ));
    }
    let columns = listing::columns(org, params)?;
    let mut hits: Vec<&Record> = org
        .table
        .iter()
        .rev()
        .filter_map(|record| org.indexed(record.id, now_ms))
        .filter(|record| query.holds(org, record) && view.holds(org, record))
        .collect();
    sort(org, params, &mut hits)?;
    let data: Vec<Value> = hits
        .iter()
        .skip(skip)
        .take(per_page)
        .map(|record| match &columns {
            Some(fields) => render::columns(org, record, fields),
            None => render::whole(org, record),
        })
        .collect();
    if data.is_empty() {
        return Ok(Listing::Empty);
    }
    let more = hits.len() > skip + data.len();
    let info =
        json!({"per_page": per_page, "count": data.len(), "page": page, "more_records": more});
    Ok(Listing::Page(json!({"data": data, "info": info})))
}

fn sort(org: &Org, params: &Params, hits: &mut [&Record]) -> Result<(), Refusal> {
    let Some(name) = params.get("sort_by") else {
        return Ok(());
    };
    let path =
        super::filter::Path::parse(org, name).ok_or_else(|| Refusal::bad_param("sort_by"))?;
    let mut keyed: Vec<_> = hits
        .iter()
        .map(|record| (path.atoms(org, record).into_iter().next(), *record))
        .collect();
    keyed.sort_by(|a, b| {
        a.0.partial_cmp(&b.0)
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(a.1.id.cmp(&b.1.id))
    });
    if params.get("sort_order") != Some("asc") {
        keyed.reverse();
    }
    for (slot, (_, record)) in hits.iter_mut().zip(keyed) {
        *slot = record;
    }
    Ok(())
}

/// `GET /Contacts/actions/count`.
pub fn count(org: &Org, params: &Params) -> Result<usize, Refusal> {
    let query = Query::parse(org, params)?;
    let view = params
        .get("cvid")
        .map(|id| listing::view_filter(org, id))
        .transpose()?;
    if query.is_none() && view.is_none() {
        return Ok(org.table.len());
    }
    let holds = |record: &&Record| {
        query.as_ref().is_none_or(|query| query.holds(org, record))
            && view.as_ref().is_none_or(|view| view.holds(org, record))
    };
    Ok(org.table.iter().filter(holds).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing::{START, add, org};
    use crate::zoho::writes::{Author, update};

    fn found(org: &Org, query: &str, now_ms: i64) -> Result<usize, String> {
        match search(org, &Params::parse(query), now_ms) {
            Ok(Listing::Page(page)) => Ok(page["data"].as_array().unwrap().len()),
            Ok(_) => Ok(0),
            Err(refusal) => Err(refusal.body["code"].as_str().unwrap().to_owned()),
        }
    }

    #[test]
    fn queries_look_in_all_fields_of_their_kind() {
        let mut org = org();
        add(
            &mut org,
            json!({"Last_Name": "Ann", "Secondary_Email": "Ann@x.example", "Fax": "+49 (221) 55"}),
        );
        add(
            &mut org,
            json!({"Last_Name": "Bob", "Description": "knows Ann well"}),
        );
        let check = |query: &str, expect: Result<usize, &str>| {
            assert_eq!(
                found(&org, query, START * 1000),
                expect.map_err(str::to_owned),
                "{query}"
            );
        };
        check("email=ann@x", Ok(1));
        check("phone=22155", Ok(1));
        check("word=ann", Ok(2));
        check("word=ow", Ok(0));
        check("word=a", Err("INVALID_DATA"));
        check("", Err("EXPECTED_PARAM_MISSING"));
        check("word=ann&per_page=1&page=2", Ok(1));
        check("word=ann&page=11", Err("LIMIT_REACHED"));
        check("criteria=(Last_Name:equals:Bob)&email=ann", Ok(1));
    }

    #[test]
    fn the_index_lags_behind() {
        let mut org = org();
        org.knobs.search_delay_ms = 10_000;
        let id = add(&mut org, json!({"Last_Name": "Ann"}));
        let check = |org: &Org, query: &str, at: i64, expect: usize| {
            assert_eq!(
                found(org, query, (START + at) * 1000),
                Ok(expect),
                "{query} at {at}"
            );
        };
        check(&org, "word=ann", 9, 0);
        check(&org, "word=ann", 10, 1);
        let author = Author {
            user: org.me(),
            now: START + 20,
        };
        update(&mut org, id, &json!({"Last_Name": "Eve"}), 0, author).unwrap();
        check(&org, "word=ann", 29, 1);
        check(&org, "word=eve", 29, 0);
        check(&org, "word=eve", 30, 1);
    }
}
