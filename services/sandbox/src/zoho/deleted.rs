//! `GET /Contacts/deleted`: the tombstones, of the recycle bin and of what is gone for good.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::listing::{Ask, Listing};
use super::org::Org;
use super::record::Record;

/// `GET /Contacts/deleted`: the latest first.
pub fn deleted(org: &Org, ask: &Ask<'_>) -> Result<Listing, Refusal> {
    let kind = ask.params.get("type").unwrap_or("all");
    if !["all", "recycle", "permanent"].contains(&kind) {
        let error = Refusal::new(
            400,
            "PATTERN_NOT_MATCHED",
            "Please check whether the input values are correct",
            json!({"param_name": "type"}),
        );
        return Err(Refusal {
            status: 400,
            body: json!({"data": [error.body]}),
        });
    }
    let (per_page, page) = (ask.params.per_page()?, ask.params.page()?);
    let wanted = |recycle: bool| kind == "all" || (kind == "recycle") == recycle;
    let rows = org.table.deleted().filter(|(_, stone)| {
        stone.reported(ask.now)
            && wanted(stone.in_recycle_bin(ask.now))
            && ask.since.is_none_or(|since| stone.deleted > since)
    });
    let mut rows = rows.skip((page - 1).saturating_mul(per_page));
    let data: Vec<Value> = rows
        .by_ref()
        .take(per_page)
        .map(|(id, stone)| {
            let record = stone
                .record
                .as_ref()
                .filter(|_| stone.in_recycle_bin(ask.now));
            json!({
                "id": id.to_string(), "deleted_time": org.show(stone.deleted),
                "type": if record.is_some() { "recycle" } else { "permanent" },
                "display_name": record.map(Record::full_name),
                "deleted_by": record.map(|_| org.user_ref(stone.deleted_by)),
                "created_by": record.map(|record| org.user_ref(record.created_by))
            })
        })
        .collect();
    let more = rows.next().is_some();
    if data.is_empty() {
        return Ok(if ask.since.is_some() {
            Listing::Unchanged
        } else {
            Listing::Empty
        });
    }
    let info =
        json!({"per_page": per_page, "count": data.len(), "page": page, "more_records": more});
    Ok(Listing::Page(json!({"data": data, "info": info})))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::params::Params;
    use crate::zoho::testing::{START, add, org};
    use crate::zoho::writes::{Author, delete};

    #[test]
    fn deletions_are_told_by_type_and_age() {
        let mut org = org();
        let ids = [
            add(&mut org, json!({"Last_Name": "P0"})),
            add(&mut org, json!({"Last_Name": "P1"})),
        ];
        let author = Author {
            user: org.me(),
            now: START,
        };
        delete(&mut org, ids[0], false, author);
        delete(&mut org, ids[1], true, author);
        let day = 24 * 60 * 60;
        let check = |query: &str, now: i64, expect: usize| {
            let params = Params::parse(query);
            let count = match deleted(
                &org,
                &Ask {
                    params: &params,
                    since: None,
                    now: START + now,
                },
            ) {
                Ok(Listing::Page(page)) => page["data"].as_array().unwrap().len(),
                _ => 0,
            };
            assert_eq!(count, expect, "{query} {now}");
        };
        check("type=all", 0, 2);
        check("type=recycle", 0, 1);
        check("type=permanent", 0, 1);
        check("type=recycle", 60 * day, 0);
        check("type=permanent", 60 * day, 2);
        check("type=all", 120 * day, 0);
        check("type=other", 0, 0);
        check("type=all&per_page=1&page=2", 0, 1);
        check("type=all&per_page=1&page=3", 0, 0);
    }
}
