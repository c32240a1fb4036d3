//! Zoho's JSON as its documentation prints it, and what we make of it. Calls are tried against the sandbox in
//! `tests/it/zoho.rs`.

use serde_json::{Value as Json, json};
use syncline_connector::{Connector, Kind};
use syncline_model::{Cardinality, FieldName, Kind as Holds};

use super::ZohoCrm;
use super::answer::{existing, judge_record, judge_request};
use super::fields::{Lists, Shape, descriptors, shapes, standard_names};
use super::owners::Users;
use super::wire::{DeletedList, FieldList, FieldMeta, List, Outcome, Outcomes, User, ViewList};

#[test]
fn the_definition_is_in_order() {
    let connector = ZohoCrm::new().expect("provider.toml parses");
    let definition = connector.definition();
    assert_eq!(definition.id.as_str(), "zoho_crm");
    let auth = definition.auth.oauth2().expect("OAuth 2.0");
    assert_eq!(auth.scope_separator, ",");
    assert_eq!(auth.header_prefix, "Zoho-oauthtoken");
    let param = |name: &str| auth.authorize_params.get(name).map(String::as_str);
    assert_eq!(param("access_type"), Some("offline"));
    assert_eq!(param("prompt"), Some("consent"));
    let host = |url: &str| {
        url.trim_start_matches("https://")
            .split('/')
            .next()
            .map(str::to_owned)
            .unwrap_or_default()
    };
    for url in [&definition.api_base, &auth.authorize_url, &auth.token_url] {
        assert!(definition.allowed_hosts.contains(&host(url)), "{url}");
    }
    let credits = definition
        .limits
        .iter()
        .find(|limit| limit.name == "credits")
        .expect("the bucket that calls draw from");
    assert!(credits.capacity >= 10, "one write of a hundred fits");
}

fn metadata(fields: Json) -> Vec<FieldMeta> {
    serde_json::from_value::<FieldList>(Json::Object(
        [("fields".to_owned(), fields)].into_iter().collect(),
    ))
    .expect("field metadata")
    .fields
}

/// As `GET /settings/fields` prints it, with the keys that matter here.
fn field(api_name: &str, data_type: &str, more: Json) -> Json {
    let mut field = json!({
        "api_name": api_name, "field_label": api_name.replace('_', " "), "data_type": data_type, "json_type": "string",
        "custom_field": false, "read_only": false, "field_read_only": false, "system_mandatory": false, "length": 120,
        "visible": true, "pick_list_values": [], "unique": {}, "lookup": {}, "created_source": "default",
        "operation_type": {"web_update": true, "api_create": true, "web_create": true, "api_update": true}
    });
    if let (Json::Object(field), Json::Object(more)) = (&mut field, more) {
        field.extend(more);
    }
    field
}

#[test]
fn every_field_becomes_what_it_can_be_mapped_as() {
    let check = |given: Json, expect: Option<(Holds, bool, Option<&str>)>| {
        let found = descriptors(&metadata(json!([given])), &Lists::default());
        let found = found
            .first()
            .map(|field| (field.kind, field.writable, field.standard.clone()));
        assert_eq!(
            found,
            expect.map(|(kind, writable, standard)| (kind, writable, standard.map(str::to_owned))),
            "{given}"
        );
    };
    let none = || json!({});
    check(
        field("First_Name", "text", none()),
        Some((Holds::Text, true, Some("given_name"))),
    );
    check(
        field("Email", "email", none()),
        Some((Holds::Email, true, Some("email.work"))),
    );
    check(
        field("Other_Phone", "phone", none()),
        Some((Holds::Phone, true, Some("phone.other"))),
    );
    check(
        field("Mailing_State", "text", none()),
        Some((Holds::Text, true, Some("address.mailing#region"))),
    );
    check(
        field("Other_Zip", "text", none()),
        Some((Holds::Text, true, Some("address.other#postal_code"))),
    );
    check(
        field("Date_of_Birth", "date", none()),
        Some((Holds::Date, true, Some("birthday"))),
    );
    check(
        field("Description", "textarea", none()),
        Some((Holds::LongText, true, Some("note"))),
    );
    check(
        field("Email_Opt_Out", "boolean", none()),
        Some((Holds::OptOut, true, Some("email_opt_out"))),
    );
    check(
        field("Lead_Source", "picklist", none()),
        Some((Holds::Choice, true, Some("lead_source"))),
    );
    check(
        field("Salutation", "picklist", none()),
        Some((Holds::Choice, true, None)),
    );
    check(
        field("Account_Name", "lookup", none()),
        Some((Holds::Reference, false, Some("company"))),
    );
    check(
        field("Full_Name", "text", json!({"read_only": true})),
        Some((Holds::FullName, false, None)),
    );
    check(
        field("Tag", "text", json!({"json_type": "jsonarray"})),
        Some((Holds::Choice, true, None)),
    );
    check(
        field("Size__c", "bigint", json!({"custom_field": true})),
        Some((Holds::Number, true, None)),
    );
    check(
        field("Score__c", "formula", json!({"json_type": "double"})),
        Some((Holds::Number, false, None)),
    );
    check(
        field(
            "Code__c",
            "text",
            json!({"operation_type": {"api_update": false}}),
        ),
        Some((Holds::Text, false, None)),
    );
    check(
        field("Code__c", "text", json!({"field_read_only": true})),
        Some((Holds::Text, false, None)),
    );
    check(field("Hidden__c", "text", json!({"visible": false})), None);
    check(field("Visits__c", "subform", none()), None);
    check(field("Record_Image", "profileimage", none()), None);
}

#[test]
fn descriptors_tell_lengths_choices_and_the_owners_parts() {
    let choice = |actual: &str, display: &str, kind: &str| json!({"actual_value": actual, "display_value": display, "type": kind, "id": "1"});
    let metadata = metadata(json!([
        field("Owner", "ownerlookup", json!({"json_type": "jsonobject"})),
        field(
            "Last_Name",
            "text",
            json!({"system_mandatory": true, "length": 80})
        ),
        field(
            "Lead_Source",
            "picklist",
            json!({"pick_list_values": [
            choice("-None-", "-None-", "used"), choice("Cold Call", "Kaltakquise", "used"), choice("Fax", "Fax", "unused")]})
        ),
        field(
            "Colours__c",
            "multiselectpicklist",
            json!({"custom_field": true})
        ),
        field("Tag", "text", json!({"json_type": "jsonarray"})),
    ]));
    let lists = Lists {
        users: Users(vec![User {
            id: "7".into(),
            full_name: Some("Pat Boyle".into()),
            email: Some("pat@zylker.example".into()),
            profile: None,
        }]),
        tags: vec!["VIP".into()],
    };
    let found = descriptors(&metadata, &lists);
    let names: Vec<&str> = found.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Owner",
            "Owner.email",
            "Owner.id",
            "Last_Name",
            "Lead_Source",
            "Colours__c",
            "Tag"
        ]
    );
    let owner: Vec<(Holds, bool, &str)> = found[..3]
        .iter()
        .map(|field| (field.kind, field.writable, field.choices[0].value.as_str()))
        .collect();
    let reads_as = ["Pat Boyle", "pat@zylker.example", "7"];
    assert_eq!(owner, reads_as.map(|value| (Holds::Choice, true, value)));
    assert_eq!(found[6].membership.as_deref(), Some("tag"));
    assert_eq!(found[6].choices[0].value, "VIP");
    assert_eq!((found[3].required, found[3].max_length), (true, Some(80)));
    let choices: Vec<(&str, &str)> = found[4]
        .choices
        .iter()
        .map(|choice| (choice.value.as_str(), choice.label.as_str()))
        .collect();
    assert_eq!(choices, [("Cold Call", "Kaltakquise")]);
    assert_eq!(
        (found[5].cardinality, found[5].custom),
        (Cardinality::Many, true)
    );
}

#[test]
fn only_custom_fields_need_the_metadata() {
    assert!(standard_names().all(|name| !super::fields::is_unknown(&name)));
    let known = metadata(json!([
        field("Size__c", "bigint", json!({})),
        field("Visits__c", "subform", json!({})),
        field("Email", "email", json!({}))
    ]));
    let asked: Vec<FieldName> = ["Size__c", "Visits__c", "Gone__c", "Email", "Owner.email"]
        .map(FieldName::from)
        .into();
    assert_eq!(
        shapes(&known, &asked),
        [("Size__c".to_owned(), Shape::BigInt)].into()
    );
}

fn outcome(json: Json) -> Outcome {
    serde_json::from_value(json).expect("an outcome")
}

#[test]
fn errors_of_one_record_say_what_to_do() {
    let check = |given: Json, kind: Kind, message: &str, blocked_by: Option<&str>| {
        let outcome = outcome(given);
        assert_eq!(judge_record(&outcome), (kind, message.to_owned()));
        assert_eq!(
            existing(&outcome).map(|id| id.to_string()).as_deref(),
            blocked_by
        );
    };
    let duplicate = json!({"code": "DUPLICATE_DATA", "details": {"api_name": "Email",
        "duplicate_record": {"Owner": {"name": "P B", "id": "41"}, "module": {"api_name": "Contacts", "id": "42"}, "id": "4150868000000376008"},
        "json_path": "$.data[0].Email", "id": "4150868000000376008", "more_records": false},
        "message": "duplicate data", "status": "error"});
    let same_email = "Zoho CRM allows no second contact with the same Email";
    check(
        duplicate.clone(),
        Kind::Rejected,
        same_email,
        Some("4150868000000376008"),
    );
    check(
        json!({"code": "MANDATORY_NOT_FOUND", "details": {"api_name": "Last_Name", "json_path": "$.data[0].Last_Name"}, "message": "required field not found", "status": "error"}),
        Kind::Rejected,
        "Zoho CRM needs Last_Name",
        None,
    );
    check(
        json!({"code": "INVALID_DATA", "details": {"maximum_length": 80, "api_name": "Last_Name", "json_path": "$.data[0].Last_Name"}, "message": "invalid data", "status": "error"}),
        Kind::Rejected,
        "Last_Name holds at most 80 characters in Zoho CRM",
        None,
    );
    check(
        json!({"code": "INVALID_DATA", "details": {"expected_data_type": "email", "api_name": "Email", "json_path": "$.data[0].Email"}, "message": "invalid data", "status": "error"}),
        Kind::Rejected,
        "Zoho CRM does not accept the value of Email as email",
        None,
    );
    let gone = "the contact is no longer in Zoho CRM";
    check(
        json!({"code": "INVALID_DATA", "details": {"api_name": "id", "json_path": "$.data[0].id"}, "message": "the id given seems to be invalid", "status": "error"}),
        Kind::NotFound,
        gone,
        None,
    );
    check(
        json!({"code": "INVALID_DATA", "details": {"id": "2"}, "message": "record not deleted", "status": "error"}),
        Kind::NotFound,
        gone,
        None,
    );
    check(
        json!({"code": "ALREADY_MODIFIED", "details": {"Modified_Time": "2026-02-03T04:05:06+01:00", "id": "4150868000000376008", "Modified_By": {"name": "P", "id": "1"}},
            "message": "record updated time has already passed if-unmodified-since time", "status": "error"}),
        Kind::VersionMismatch,
        "the contact was changed in Zoho CRM meanwhile",
        None,
    );
    check(
        json!({"code": "RECORD_LOCKED", "details": {"api_name": "id", "json_path": "$.data[0].id", "action": "record_locking"}, "message": "record is locked", "status": "error"}),
        Kind::Unavailable,
        "the contact is locked in Zoho CRM: the change waits",
        None,
    );
    check(
        json!({"code": "MULTIPLE_OR_MULTI_ERRORS", "details": {"errors": [duplicate, {"code": "MANDATORY_NOT_FOUND", "details": {"api_name": "Last_Name"}}]}, "message": "", "status": "error"}),
        Kind::Rejected,
        &format!("{same_email}; Zoho CRM needs Last_Name"),
        Some("4150868000000376008"),
    );
}

#[test]
fn a_missing_permission_is_named() {
    let check = |details: Json, expect: &str| {
        let given = outcome(json!({"code": "NO_PERMISSION", "details": details}));
        assert_eq!(
            judge_request(&given, Kind::Forbidden),
            (Kind::Forbidden, expect.to_owned())
        );
    };
    check(
        json!({"permissions": ["Crm_Implied_Edit_Contacts"]}),
        "the user's profile in Zoho CRM lacks a permission: Crm_Implied_Edit_Contacts",
    );
    check(
        json!({}),
        "the user's profile in Zoho CRM does not allow this",
    );
}

#[test]
fn errors_of_a_call_are_decided_by_code() {
    let check = |code: &str, details: Json, by_status: Kind, expect: Kind| {
        let given =
            outcome(json!({"code": code, "details": details, "message": "m", "status": "error"}));
        assert_eq!(judge_request(&given, by_status).0, expect, "{code}");
    };
    check(
        "INVALID_TOKEN",
        json!({}),
        Kind::Unauthorized,
        Kind::Unauthorized,
    );
    check(
        "OAUTH_SCOPE_MISMATCH",
        json!({}),
        Kind::Unauthorized,
        Kind::Forbidden,
    );
    check(
        "OAUTH_SCOPE_MISMATCH",
        json!({}),
        Kind::Forbidden,
        Kind::Forbidden,
    );
    check(
        "NO_PERMISSION",
        json!({"permissions": ["Crm_Implied_View_Contacts"]}),
        Kind::Forbidden,
        Kind::Forbidden,
    );
    check(
        "AUTHORIZATION_FAILED",
        json!({}),
        Kind::Rejected,
        Kind::Forbidden,
    );
    check(
        "EXPIRED_VALUE",
        json!({"param_name": "page_token"}),
        Kind::Rejected,
        Kind::CursorExpired,
    );
    check(
        "TOKEN_BOUND_DATA_MISMATCH",
        json!({"param_name": "page_token"}),
        Kind::Rejected,
        Kind::CursorExpired,
    );
    check(
        "INVALID_DATA",
        json!({"param_name": "page_token"}),
        Kind::Rejected,
        Kind::CursorExpired,
    );
    check(
        "INVALID_DATA",
        json!({"param_name": "cvid"}),
        Kind::Rejected,
        Kind::NotFound,
    );
    check(
        "TOO_MANY_REQUESTS",
        json!({}),
        Kind::Rejected,
        Kind::RateLimited { retry_after: None },
    );
    check(
        "LIMIT_EXCEEDED",
        json!({"limit": 50, "param_name": "fields"}),
        Kind::Rejected,
        Kind::Rejected,
    );
}

#[test]
fn answers_parse_as_documented() {
    let list: List = serde_json::from_value(json!({"data": [{"Last_Name": "Boyle", "id": "4150868000000376008"}],
        "info": {"call": false, "per_page": 200, "next_page_token": "c8582", "count": 1, "sort_by": "id", "page": 1,
            "previous_page_token": null, "page_token_expiry": "2026-02-04T15:08:14+01:00", "sort_order": "desc", "email": false, "more_records": true}}))
    .expect("a list");
    assert_eq!(
        (
            list.data.len(),
            list.info.count,
            list.info.more_records,
            list.info.next_page_token.as_deref()
        ),
        (1, Some(1), true, Some("c8582"))
    );

    let deleted: DeletedList = serde_json::from_value(json!({"data": [
        {"deleted_by": null, "id": "410888000000680013", "display_name": null, "type": "permanent", "created_by": null, "deleted_time": "2026-06-19T11:19:38+05:30"}],
        "info": {"per_page": 200, "count": 1, "page": 1, "more_records": false}}))
    .expect("tombstones");
    assert_eq!(deleted.data[0].id, "410888000000680013");

    let outcomes: Outcomes = serde_json::from_value(json!({"data": [{"code": "SUCCESS", "details": {"Modified_Time": "2026-02-03T04:05:06+01:00",
        "Modified_By": {"name": "P", "id": "1"}, "Created_Time": "2026-02-03T04:05:06+01:00", "id": "4150868000000376008",
        "Created_By": {"name": "P", "id": "1"}, "$approval_state": "approved"}, "message": "record added", "status": "success"}]}))
    .expect("outcomes");
    assert_eq!(
        outcomes.data[0].details.modified_time.as_deref(),
        Some("2026-02-03T04:05:06+01:00")
    );

    let views: ViewList = serde_json::from_value(json!({"custom_views": [{"display_value": "All Contacts", "created_time": null, "access_type": "public",
        "system_name": "ALLVIEWS", "created_by": null, "default": true, "name": "All Contacts", "system_defined": true, "id": "3652397000000087501",
        "category": "public_views", "locked": false, "favorite": null}],
        "info": {"per_page": 200, "default": "3652397000000087501", "count": 1, "page": 1, "more_records": false}}))
    .expect("views");
    let all: Vec<_> = views
        .custom_views
        .into_iter()
        .map(super::collection)
        .collect();
    assert_eq!((all[0].id.as_str(), all[0].default), ("view:all", true));
}
