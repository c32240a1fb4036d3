//! `GET /Contacts`: what is listed, in which order, page by page. Pages are cut from indexes by a key, so that a page
//! costs its own length, not that of the list. What says where a page begins is `page_token.rs`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::errors::Refusal;
use super::fields::Field;
use super::filter::Filter;
use super::org::Org;
use super::page_token::{Token, bound};
use super::params::Params;
use super::record::Record;
use super::render;
use super::table::{Order, Place};
use super::{time, views};

const MAX_PAGE: usize = 10;
const MAX_BY_PAGE: usize = 2000;
const MAX_BY_TOKEN: usize = 100_000;
const MAX_FIELDS: usize = 50;
const TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// What a listing answers, of contacts or of deletions.
#[derive(Debug)]
pub enum Listing {
    /// A page with records.
    Page(Value),
    /// Nothing there: 204.
    Empty,
    /// Nothing changed since: 304.
    Unchanged,
}

/// A call for a listing.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The query string.
    pub params: &'a Params,
    /// `If-Modified-Since`, Unix seconds.
    pub since: Option<i64>,
    /// Unix seconds.
    pub now: i64,
}

struct Plan {
    fields: Option<Vec<Arc<Field>>>,
    per_page: usize,
    order: Order,
    descending: bool,
    filter: Filter,
    ids: Option<Vec<u64>>,
    /// Records of earlier pages.
    served: usize,
    /// The last record of the page before, when a token says so; else `served` are skipped.
    after: Option<Place>,
    by_token: bool,
}

/// `GET /Contacts`.
pub fn contacts(org: &Org, ask: &Ask<'_>) -> Result<Listing, Refusal> {
    let plan = plan(org, ask)?;
    let mut rows = candidates(org, &plan, ask.since);
    let skip = if plan.after.is_some() { 0 } else { plan.served };
    let mut page: Vec<&Record> = Vec::with_capacity(plan.per_page);
    for _ in 0..skip {
        if rows.next().is_none() {
            break;
        }
    }
    page.extend(rows.by_ref().take(plan.per_page));
    let more = rows.next().is_some();
    let Some(last) = page.last() else {
        return Ok(if ask.since.is_some() {
            Listing::Unchanged
        } else {
            Listing::Empty
        });
    };
    let served = plan.served + page.len();
    let expiry = ask.now + org.knobs.page_token_seconds.unwrap_or(TOKEN_SECONDS);
    let token = more.then(|| {
        let key = match plan.order {
            Order::Id => 0,
            Order::Created => last.created,
            Order::Modified => last.modified,
        };
        Token {
            bound: bound(org, ask.params),
            generation: org.token_generation,
            expiry,
            served,
            key,
            id: last.id,
        }
        .write()
    });
    let data: Vec<Value> = page
        .iter()
        .map(|record| match &plan.fields {
            Some(fields) => render::columns(org, record, fields),
            None => render::whole(org, record),
        })
        .collect();
    let sort_by = match plan.order {
        Order::Id => "id",
        Order::Created => "Created_Time",
        Order::Modified => "Modified_Time",
    };
    let page_number = plan.served / plan.per_page + 1;
    let info = json!({
        "call": false, "per_page": plan.per_page, "count": data.len(), "sort_by": sort_by, "page": page_number,
        "previous_page_token": null, "sort_order": if plan.descending { "desc" } else { "asc" }, "email": false,
        "page_token_expiry": token.as_ref().map(|_| org.show(expiry)), "next_page_token": token, "more_records": more
    });
    Ok(Listing::Page(json!({"data": data, "info": info})))
}

fn candidates<'a>(
    org: &'a Org,
    plan: &'a Plan,
    since: Option<i64>,
) -> Box<dyn Iterator<Item = &'a Record> + 'a> {
    let changed = move |record: &&Record| since.is_none_or(|since| record.modified > since);
    let chosen = move |record: &&Record| plan.filter.holds(org, record);
    if let Some(since) =
        since.filter(|since| org.table.last_change().is_none_or(|last| last <= *since))
    {
        tracing::trace!(since, "nothing changed");
        return Box::new(std::iter::empty());
    }
    if let Some(ids) = &plan.ids {
        let start = plan.after.map(|place| place.1);
        let found = ids.iter().filter_map(|id| org.table.get(*id));
        let rest = found.skip_while(move |record| start.is_some_and(|id| record.id != id));
        return Box::new(
            rest.skip(usize::from(start.is_some()))
                .filter(changed)
                .filter(chosen),
        );
    }
    match (plan.order, since) {
        // Few records have changed: sort them instead of walking through all.
        (Order::Id | Order::Created, Some(since)) => {
            let mut few: Vec<(Place, &Record)> = org
                .table
                .modified_range(since.saturating_add(1), i64::MAX)
                .map(|record| {
                    (
                        (
                            if plan.order == Order::Id {
                                0
                            } else {
                                record.created
                            },
                            record.id,
                        ),
                        record,
                    )
                })
                .collect();
            few.sort_by_key(|(place, _)| *place);
            if plan.descending {
                few.reverse();
            }
            let after = plan.after;
            let behind = move |place: Place| {
                after.is_none_or(|after| {
                    if plan.descending {
                        place < after
                    } else {
                        place > after
                    }
                })
            };
            Box::new(
                few.into_iter()
                    .filter(move |(place, _)| behind(*place))
                    .map(|(_, record)| record)
                    .filter(chosen),
            )
        }
        (Order::Modified, Some(since)) if !plan.descending => {
            let after = plan
                .after
                .or(Some((since, u64::MAX)))
                .map(|place| place.max((since, u64::MAX)));
            Box::new(org.table.walk(plan.order, false, after).filter(chosen))
        }
        (Order::Modified, Some(_)) => Box::new(
            org.table
                .walk(plan.order, true, plan.after)
                .take_while(changed)
                .filter(chosen),
        ),
        (_, None) => Box::new(
            org.table
                .walk(plan.order, plan.descending, plan.after)
                .filter(chosen),
        ),
    }
}

fn plan(org: &Org, ask: &Ask<'_>) -> Result<Plan, Refusal> {
    let params = ask.params;
    let ids = params.ids()?;
    let fields = columns(org, params)?;
    if fields.is_none() && ids.is_none() {
        return Err(Refusal::missing_param("fields"));
    }
    let per_page = params.per_page()?;
    let order = match params.get("sort_by") {
        None => Order::Id,
        Some(name) if name.eq_ignore_ascii_case("id") => Order::Id,
        Some("Created_Time") => Order::Created,
        Some("Modified_Time") => Order::Modified,
        Some(_) => return Err(Refusal::bad_param("sort_by")),
    };
    let descending = match params.get("sort_order") {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(_) => return Err(Refusal::bad_param("sort_order")),
    };
    let filter = match params.get("cvid") {
        Some(_) if params.get("sort_by").is_some() => {
            return Err(Refusal::ambiguous("cvid", "sort_by"));
        }
        Some(id) => view_filter(org, id)?,
        None => Filter::always(),
    };
    let mut plan = Plan {
        fields,
        per_page,
        order,
        descending,
        filter,
        ids,
        served: 0,
        after: None,
        by_token: false,
    };
    place(org, ask, &mut plan)?;
    Ok(plan)
}

/// Where the page begins: by its number, or behind the place in its token.
fn place(org: &Org, ask: &Ask<'_>, plan: &mut Plan) -> Result<(), Refusal> {
    let params = ask.params;
    let Some(text) = params.get("page_token") else {
        let page = params.page()?;
        if page > MAX_PAGE || (page - 1) * plan.per_page >= MAX_BY_PAGE {
            let message = "You can only get the first 2000 records without using page_token param";
            return Err(Refusal::new(
                400,
                "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
                message,
                json!({"limit": MAX_BY_PAGE}),
            ));
        }
        plan.served = (page - 1) * plan.per_page;
        return Ok(());
    };
    if params.get("page").is_some() {
        return Err(Refusal::ambiguous("page", "page_token"));
    }
    let token = Token::read(text).ok_or_else(|| Refusal::bad_param("page_token"))?;
    if token.bound != bound(org, params) {
        let message = "the page token does not belong to these parameters";
        return Err(Refusal::new(
            400,
            "TOKEN_BOUND_DATA_MISMATCH",
            message,
            json!({"param_name": "page_token"}),
        ));
    }
    if token.expiry <= ask.now || token.generation != org.token_generation {
        return Err(Refusal::new(
            400,
            "EXPIRED_VALUE",
            "Page token expired",
            json!({"param_name": "page_token"}),
        ));
    }
    if token.served >= MAX_BY_TOKEN {
        let message = "You can only get upto 100000 records using page_token param";
        return Err(Refusal::new(
            400,
            "PAGINATION_LIMIT_EXCEEDED",
            message,
            json!({"limit": MAX_BY_TOKEN}),
        ));
    }
    plan.served = token.served;
    plan.after = Some((token.key, token.id));
    plan.by_token = true;
    Ok(())
}

/// What a view selects; a bad or unknown id is refused.
pub fn view_filter(org: &Org, id: &str) -> Result<Filter, Refusal> {
    let view = id
        .parse::<u64>()
        .ok()
        .and_then(|id| org.views.iter().find(|view| view.id == id));
    let view = view.ok_or_else(|| Refusal::bad_param("cvid"))?;
    // A view over a field which has been removed selects nothing, as Zoho empties such views.
    Ok(views::filter(org, view.criteria.as_ref()).unwrap_or_else(|_| Filter::Any(Vec::new())))
}

/// The columns of `fields`; unknown and hidden names are dropped.
pub fn columns(org: &Org, params: &Params) -> Result<Option<Vec<Arc<Field>>>, Refusal> {
    let Some(names) = params.list("fields") else {
        return Ok(None);
    };
    if names.len() > MAX_FIELDS {
        return Err(Refusal::over_limit("fields", MAX_FIELDS));
    }
    let known = names
        .iter()
        .filter_map(|name| org.fields.get(name))
        .filter(|field| field.visible());
    Ok(Some(known.cloned().collect()))
}

/// `If-Modified-Since` and the like, as Unix seconds; a date-time without a zone is no date-time.
pub fn instant(header: Option<&str>) -> Option<i64> {
    header.and_then(time::parse_instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing::{START, add, org};
    use crate::zoho::writes::{Author, update};

    fn five() -> (Org, Vec<u64>) {
        let mut org = org();
        let ids: Vec<u64> = (0..5)
            .map(|n| add(&mut org, json!({"Last_Name": format!("P{n}")})))
            .collect();
        let author = Author {
            user: org.me(),
            now: START + 100,
        };
        update(&mut org, ids[1], &json!({"Title": "x"}), 0, author).unwrap();
        (org, ids)
    }

    fn all_pages(org: &Org, query: &str, since: Option<i64>) -> Result<Vec<u64>, String> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let full = token
                .as_ref()
                .map_or_else(|| query.to_owned(), |t| format!("{query}&page_token={t}"));
            let params = Params::parse(&full);
            let listing = contacts(
                org,
                &Ask {
                    params: &params,
                    since,
                    now: START,
                },
            );
            let page = match listing.map_err(|r| r.body["code"].as_str().unwrap().to_owned())? {
                Listing::Page(page) => page,
                Listing::Empty => return Ok(found),
                Listing::Unchanged => return Err("304".into()),
            };
            found.extend(
                page["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|r| r["id"].as_str().unwrap().parse::<u64>().unwrap()),
            );
            match page["info"]["next_page_token"].as_str() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(found),
            }
        }
    }

    #[test]
    fn pages_cover_the_list_in_order() {
        let (org, ids) = five();
        let check = |query: &str, since: Option<i64>, expect: &[usize]| {
            let expect: Vec<u64> = expect.iter().map(|at| ids[*at]).collect();
            assert_eq!(
                all_pages(&org, query, since),
                Ok(expect),
                "{query} {since:?}"
            );
        };
        check("fields=id", None, &[4, 3, 2, 1, 0]);
        check("fields=id&per_page=2", None, &[4, 3, 2, 1, 0]);
        check(
            "fields=id&per_page=2&sort_order=asc",
            None,
            &[0, 1, 2, 3, 4],
        );
        check(
            "fields=id&per_page=2&sort_by=Modified_Time&sort_order=asc",
            None,
            &[0, 2, 3, 4, 1],
        );
        check(
            "fields=id&per_page=2&sort_by=Modified_Time",
            None,
            &[1, 4, 3, 2, 0],
        );
        check(
            "fields=id&per_page=2&sort_by=Created_Time",
            Some(START - 1),
            &[4, 3, 2, 1, 0],
        );
        check(
            "fields=id&per_page=1&sort_by=Modified_Time&sort_order=asc",
            Some(START - 1),
            &[0, 2, 3, 4, 1],
        );
        check(
            "fields=id&per_page=1&sort_by=Modified_Time",
            Some(START),
            &[1],
        );
        check("fields=id&per_page=1", Some(START), &[1]);
        check(
            &format!("ids={},{},7&per_page=1", ids[2], ids[0]),
            None,
            &[2, 0],
        );
    }

    #[test]
    fn wrong_calls_are_refused_in_zohos_words() {
        let (org, _) = five();
        let check = |query: &str, since: Option<i64>, expect: &str| {
            assert_eq!(
                all_pages(&org, query, since),
                Err(expect.to_owned()),
                "{query}"
            );
        };
        let many = vec!["Email"; 51].join(",");
        check("", None, "REQUIRED_PARAM_MISSING");
        check(&format!("fields={many}"), None, "LIMIT_EXCEEDED");
        check("fields=id&per_page=201", None, "INVALID_DATA");
        check(
            "fields=id&page=11",
            None,
            "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
        );
        check(
            "fields=id&page=1&page_token=x",
            None,
            "AMBIGUITY_DURING_PROCESSING",
        );
        check("fields=id&page_token=x", None, "INVALID_DATA");
        check("fields=id&cvid=5", None, "INVALID_DATA");
        check(
            "fields=id&cvid=5&sort_by=id",
            None,
            "AMBIGUITY_DURING_PROCESSING",
        );
        check("fields=id", Some(START + 100), "304");
    }

    #[test]
    fn tokens_are_bound_and_expire() {
        let (mut org, _) = five();
        let token = |org: &Org| {
            let params = Params::parse("fields=id&per_page=2");
            let Ok(Listing::Page(page)) = contacts(
                org,
                &Ask {
                    params: &params,
                    since: None,
                    now: START,
                },
            ) else {
                panic!()
            };
            page["info"]["next_page_token"].as_str().unwrap().to_owned()
        };
        let token = token(&org);
        let check = |org: &Org, query: &str, now: i64, expect: Option<&str>| {
            let params = Params::parse(&format!("{query}&page_token={token}"));
            let code = contacts(
                org,
                &Ask {
                    params: &params,
                    since: None,
                    now,
                },
            )
            .err()
            .map(|r| r.body["code"].clone());
            assert_eq!(code, expect.map(Value::from), "{query} {now}");
        };
        check(&org, "fields=id&per_page=2", START, None);
        check(
            &org,
            "fields=id&per_page=3",
            START,
            Some("TOKEN_BOUND_DATA_MISMATCH"),
        );
        check(
            &org,
            "fields=id&per_page=2",
            START + TOKEN_SECONDS,
            Some("EXPIRED_VALUE"),
        );
        org.token_generation += 1;
        check(&org, "fields=id&per_page=2", START, Some("EXPIRED_VALUE"));
    }
}
