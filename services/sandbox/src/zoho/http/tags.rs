//! Tags: those of the module under `/settings/tags`, and those of records under `/actions/add_tags` and `remove_tags`.

use serde_json::{Value, json};

use super::settings::contacts_only;
use super::{Answer, Ask};
use crate::zoho::errors::{ItemError, Refusal};
use crate::zoho::org::Org;
use crate::zoho::tags::{TAGS_PER_MODULE, Tag, check_colour, check_name};
use crate::zoho::values;
use crate::zoho::writes::{self, TagChange};

const MAX_IDS: usize = 500;

/// `GET /settings/tags`.
pub fn list(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    let mine = ask
        .params
        .get("my_tags")
        .is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let tags = org
        .tags
        .iter()
        .filter(|tag| !mine || tag.created_by == org.me());
    let tags: Vec<Value> = tags.map(|tag| details(org, tag, true)).collect();
    if tags.is_empty() {
        return Ok(Answer::nothing());
    }
    let info = json!({"count": tags.len(), "allowed_count": TAGS_PER_MODULE});
    Ok(Answer::ok(json!({"tags": tags, "info": info})))
}

fn details(org: &Org, tag: &Tag, named: bool) -> Value {
    let mut object = json!({
        "created_time": org.show(tag.created), "modified_time": org.show(tag.modified), "color_code": tag.colour,
        "modified_by": org.user_ref(tag.modified_by), "id": tag.id.to_string(), "created_by": org.user_ref(tag.created_by)
    });
    if let Some(map) = object.as_object_mut().filter(|_| named) {
        map.insert("name".into(), json!(tag.name));
    }
    object
}

fn outcome(org: &Org, result: Result<u64, ItemError>, message: &str) -> Value {
    match result {
        Ok(id) => {
            let details = org.tags.get(id).map_or_else(
                || json!({"id": id.to_string()}),
                |tag| details(org, tag, false),
            );
            json!({"code": "SUCCESS", "details": details, "message": message, "status": "success"})
        }
        Err(error) => error.body(),
    }
}

/// `POST /settings/tags`.
pub fn create(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    let mut outcomes = Vec::new();
    for (index, item) in ask.array("tags")?.iter().enumerate() {
        let made = create_one(org, ask, item, index);
        outcomes.push(outcome(org, made, "tags created successfully"));
    }
    Ok(Answer::outcomes("tags", outcomes, 201, 400))
}

fn create_one(org: &mut Org, ask: &Ask, item: &Value, index: usize) -> Result<u64, ItemError> {
    let (name, colour) = read(item, index)?;
    let path = format!("$.tags[{index}].name");
    let missing = || {
        ItemError::new(
            "MANDATORY_NOT_FOUND",
            "required field not found",
            json!({"api_name": "name", "json_path": path}),
        )
    };
    let name = name.ok_or_else(missing)?;
    if let Some(known) = org.tags.named(name) {
        let details = json!({"id": known.id.to_string(), "api_name": "name", "json_path": path});
        return Err(ItemError::new("DUPLICATE_DATA", "duplicate data", details));
    }
    let author = ask.author(org);
    writes::create_tag(org, name, colour, author)
}

fn read(item: &Value, index: usize) -> Result<(Option<&str>, Option<String>), ItemError> {
    let name = item.get("name").and_then(Value::as_str);
    if let Some(name) = name {
        check_name(name, &format!("$.tags[{index}].name"))?;
    }
    let colour = check_colour(
        item.get("color_code"),
        &format!("$.tags[{index}].color_code"),
    )?;
    Ok((name, colour))
}

/// `PUT /settings/tags` and `PUT /settings/tags/{id}`.
pub fn update(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    let mut outcomes = Vec::new();
    for (index, item) in ask.array("tags")?.iter().enumerate() {
        let id = match &ask.id {
            Some(id) => id.parse().ok(),
            None => values::id_of(item),
        };
        let changed = update_one(org, ask, id.unwrap_or_default(), item, index);
        outcomes.push(outcome(org, changed, "tags updated successfully"));
    }
    Ok(Answer::outcomes("tags", outcomes, 200, 400))
}

fn update_one(
    org: &mut Org,
    ask: &Ask,
    id: u64,
    item: &Value,
    index: usize,
) -> Result<u64, ItemError> {
    let (name, colour) = read(item, index)?;
    if let Some(other) = name
        .and_then(|name| org.tags.named(name))
        .filter(|other| other.id != id)
    {
        let details = json!({"id": other.id.to_string(), "api_name": "name", "json_path": format!("$.tags[{index}].name")});
        return Err(ItemError::new("DUPLICATE_DATA", "duplicate data", details));
    }
    let author = ask.author(org);
    let tag = org
        .tags
        .get_mut(id)
        .ok_or_else(|| unknown(&id.to_string()))?;
    if let Some(name) = name {
        name.clone_into(&mut tag.name);
    }
    if item.get("color_code").is_some() {
        tag.colour = colour;
    }
    (tag.modified, tag.modified_by) = (author.now, author.user);
    Ok(id)
}

fn unknown(id: &str) -> ItemError {
    ItemError::new(
        "INVALID_DATA",
        "the id given seems to be invalid",
        json!({"id": id}),
    )
}

/// `DELETE /settings/tags/{id}`.
pub fn delete(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let id = ask.path_id()?;
    let outcome = match org.tags.remove(id) {
        Some(tag) => {
            let details = json!({"id": tag.id.to_string()});
            json!({"code": "SUCCESS", "details": details, "message": "tags deleted successfully", "status": "success"})
        }
        None => unknown(&id.to_string()).body(),
    };
    Ok(Answer::outcomes("tags", vec![outcome], 200, 400))
}

/// `POST /Contacts/{id}/actions/add_tags`.
pub fn add_one(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let id = ask.id.clone().unwrap_or_default();
    let outcomes = change(org, ask, &[id], true)?;
    Ok(Answer::outcomes("data", outcomes, 200, 400))
}

/// `POST /Contacts/{id}/actions/remove_tags`.
pub fn remove_one(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let id = ask.id.clone().unwrap_or_default();
    let outcomes = change(org, ask, &[id], false)?;
    Ok(Answer::outcomes("data", outcomes, 200, 400))
}

/// `POST /Contacts/actions/add_tags`.
pub fn add_many(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    many(org, ask, true)
}

/// `POST /Contacts/actions/remove_tags`.
pub fn remove_many(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    many(org, ask, false)
}

fn many(org: &mut Org, ask: &Ask, add: bool) -> Result<Answer, Refusal> {
    let ids = ask.array("ids")?;
    if ids.len() > MAX_IDS {
        return Err(Refusal::array_too_long("ids", MAX_IDS));
    }
    let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let ids: Vec<String> = ids.iter().map(text).collect();
    let mut answer = Answer::outcomes("data", change(org, ask, &ids, add)?, 200, 400);
    if let Some(map) = answer.body.as_mut().and_then(Value::as_object_mut) {
        let items = map.get("data").and_then(Value::as_array);
        let fine = items.map_or(0, |items| {
            items
                .iter()
                .filter(|item| item.get("code") == Some(&json!("SUCCESS")))
                .count()
        });
        map.insert("wf_scheduler".into(), Value::Null);
        map.insert("success_count".into(), json!(fine.to_string()));
        map.insert("locked_count".into(), json!("0"));
    }
    Ok(answer)
}

fn change(org: &mut Org, ask: &Ask, ids: &[String], add: bool) -> Result<Vec<Value>, Refusal> {
    ask.array("tags")?;
    let body = ask.object()?;
    let overwrite = body
        .get("over_write")
        .is_some_and(|value| value == &json!(true) || value == &json!("true"));
    let how = match (add, overwrite) {
        (false, _) => TagChange::Remove,
        (true, true) => TagChange::Replace,
        (true, false) => TagChange::Add,
    };
    let author = ask.author(org);
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        // Read anew for each record: the first one may have created a tag which the others then know.
        let tags = values::tags(org, body.get("tags").unwrap_or(&Value::Null), "$.tags");
        let done = match (id.parse(), tags) {
            (Ok(number), Ok(tags)) => {
                writes::change_tags(org, number, &tags, how, author).map(|()| number)
            }
            (Err(_), _) => Err(unknown(id)),
            (_, Err(error)) => Err(error),
        };
        outcomes.push(match done {
            Ok(number) => {
                let tags = org.table.get(number).map(|record| crate::zoho::render::tags(org, record));
                let details = json!({"id": id, "tags": tags});
                json!({"code": "SUCCESS", "details": details, "message": "tags updated successfully", "status": "success"})
            }
            Err(error) => error.body(),
        });
    }
    Ok(outcomes)
}
