//! The conformance suite, run for every connector against the sandbox; what it skips is named here.

use syncline_connector::conformance::{Report, Subject, prove};

use super::creatio_support::Creatio;
use super::google_support::Google;
use super::hubspot_support::HubSpot;
use super::mailchimp_support::Audience;
use super::zoho_probe::ZohoProbe;
use super::zoho_support::Zoho;

fn skipped(report: &Report) -> Vec<&'static str> {
    report.skipped.iter().map(|(check, _)| *check).collect()
}

async fn google(group: bool) -> Report {
    let mut google = Google::start(30).await;
    if group {
        google.collection = format!("group:{}", google.group("Sales"));
    }
    let subject = Subject {
        connector: &google.connector,
        session: &google.session,
        probe: &google,
    };
    prove(subject).await.expect("conformance")
}

async fn zoho(view: bool) -> Report {
    let zoho = Zoho::start().await;
    zoho.seed(30);
    let probe = ZohoProbe::new(&zoho, view);
    let subject = Subject {
        connector: &zoho.connector,
        session: &zoho.session,
        probe: &probe,
    };
    prove(subject).await.expect("conformance")
}

#[tokio::test]
async fn google_contacts_conforms() {
    assert_eq!(skipped(&google(false).await), ["read-only fields"]);
}

#[tokio::test]
async fn a_group_of_google_contacts_conforms() {
    let report = google(true).await;
    let expected = ["pages", "edits while pages are read", "read-only fields"];
    assert_eq!(skipped(&report), expected);
}

#[tokio::test]
async fn zoho_crm_conforms() {
    assert_eq!(skipped(&zoho(false).await), [""; 0]);
}

#[tokio::test]
async fn a_list_view_of_zoho_crm_conforms() {
    assert_eq!(skipped(&zoho(true).await), ["changes"]);
}

#[tokio::test]
async fn hubspot_conforms() {
    let hubspot = HubSpot::start().await;
    let subject = Subject {
        connector: &hubspot.connector,
        session: &hubspot.session,
        probe: &hubspot,
    };
    let report = prove(subject).await.expect("conformance");
    assert_eq!(skipped(&report), [""; 0]);
}

#[tokio::test]
async fn a_mailchimp_audience_conforms() {
    let audience = Audience::start().await;
    let subject = Subject {
        connector: &audience.connector,
        session: &audience.session,
        probe: &audience,
    };
    let report = prove(subject).await.expect("conformance");
    assert_eq!(skipped(&report), [""; 0]);
}

async fn creatio(tag: bool) -> Report {
    let mut creatio = Creatio::start().await;
    if tag {
        creatio.collection = format!("tag:{}", creatio.tag("Sales"));
    }
    let subject = Subject {
        connector: &creatio.connector,
        session: &creatio.session,
        probe: &creatio,
    };
    prove(subject).await.expect("conformance")
}

/// Creatio has no trace of what was deleted, and nothing is deleted there by us.
#[tokio::test]
async fn creatio_conforms() {
    assert_eq!(skipped(&creatio(false).await), ["tombstones", "deletions"]);
}

#[tokio::test]
async fn a_tag_of_creatio_conforms() {
    let report = creatio(true).await;
    // Who has a tag is looked at each time: no cursor is too old for that.
    assert_eq!(
        skipped(&report),
        ["tombstones", "deletions", "expired cursors"]
    );
}
