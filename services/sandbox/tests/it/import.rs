//! Exports as real programs write them, read whole: what arrives, and what is named as lost.

#![expect(clippy::expect_used, reason = "in a test a missing value is a failure")]

use serde_json::{Value, json};
use syncline_sandbox::import::{
    self, Fate, Format, Import, ImportedContact, LoadReport, Losses, Photo,
};

const FILES: [(&str, &[u8]); 10] = [
    ("icloud-3.0.vcf", include_bytes!("../data/icloud-3.0.vcf")),
    ("android-2.1.vcf", include_bytes!("../data/android-2.1.vcf")),
    ("outlook-2.1.vcf", include_bytes!("../data/outlook-2.1.vcf")),
    ("google-3.0.vcf", include_bytes!("../data/google-3.0.vcf")),
    (
        "nextcloud-4.0.vcf",
        include_bytes!("../data/nextcloud-4.0.vcf"),
    ),
    (
        "fastmail-4.0.vcf",
        include_bytes!("../data/fastmail-4.0.vcf"),
    ),
    (
        "google-current.csv",
        include_bytes!("../data/google-current.csv"),
    ),
    ("google-old.csv", include_bytes!("../data/google-old.csv")),
    (
        "outlook-utf16.csv",
        include_bytes!("../data/outlook-utf16.csv"),
    ),
    (
        "broken-mixed.vcf",
        include_bytes!("../data/broken-mixed.vcf"),
    ),
];

fn read(name: &str) -> Import {
    let (_, bytes) = FILES
        .iter()
        .find(|(file, _)| *file == name)
        .expect("a sample");
    import::read(bytes, name).expect("readable")
}

fn names(import: &Import) -> Vec<String> {
    import
        .contacts
        .iter()
        .map(ImportedContact::display)
        .collect()
}

fn zoho(contact: &ImportedContact) -> Value {
    import::to_zoho(contact, &mut Losses::default())
}

fn google(contact: &ImportedContact) -> Value {
    import::to_google(contact, &mut Losses::default()).person
}

fn named(import: &Import, what: &str, fate: Fate) -> bool {
    import
        .losses
        .iter()
        .any(|loss| loss.what == what && loss.fate == fate)
}

#[test]
fn icloud_groups_labels_and_photo_are_kept() {
    let import = read("icloud-3.0.vcf");
    assert_eq!(
        names(&import),
        [
            "Dr. Adaeze Ngozi Okafor",
            "Blue Door Plumbing",
            "07700900999"
        ]
    );
    let ada = &import.contacts[0];
    assert_eq!(ada.labels, ["Friends", "Book club", "Neighbours"]);
    let Some(Photo::Bytes { media_type, data }) = &ada.photo else {
        panic!("a photo")
    };
    assert_eq!(
        (media_type.as_deref(), data.len()),
        (Some("image/jpeg"), 283)
    );
    assert_eq!(
        google(ada),
        json!({
            "names": [{"honorificPrefix": "Dr.", "givenName": "Adaeze", "middleName": "Ngozi",
                "familyName": "Okafor", "phoneticGivenName": "ah-DAY-zeh"}],
            "nicknames": [{"value": "Ada"}],
            "emailAddresses": [
                {"value": "a.okafor@harbour-clinic.example", "type": "work", "metadata": {"sourcePrimary": true}},
                {"value": "ada@family.example", "type": "Family"}],
            "phoneNumbers": [
                {"value": "+44 7700 900123", "type": "mobile", "metadata": {"sourcePrimary": true}},
                {"value": "+44 7700 900124", "type": "mobile"},
                {"value": "+44 20 7946 0100", "type": "workFax"},
                {"value": "+44 20 7946 0101", "type": "other"}],
            "addresses": [
                {"type": "home", "streetAddress": "12 Quay Lane\nFlat 4", "city": "Bristol",
                    "postalCode": "BS1 4AA", "country": "United Kingdom", "countryCode": "GB"},
                {"type": "work", "streetAddress": "1 Harbour Road, Building C", "city": "Bristol", "region": "Avon",
                    "postalCode": "BS1 5TT", "country": "United Kingdom", "countryCode": "GB"}],
            "organizations": [{"name": "Harbour Clinic", "department": "Paediatrics, Ward 3", "title": "Consultant"}],
            "birthdays": [{"date": {"year": 0, "month": 4, "day": 12}}],
            "events": [{"date": {"year": 2011, "month": 9, "day": 3}, "type": "anniversary"}],
            "relations": [{"person": "Chidi Okafor", "type": "spouse", "metadata": {"sourcePrimary": true}}],
            "urls": [{"value": "https://ada.example/", "type": "homePage", "metadata": {"sourcePrimary": true}},
                {"value": "https://twitter.com/adaokafor", "type": "twitter"}],
            "imClients": [{"username": "ada.okafor", "protocol": "skype"}],
            "biographies": [{"value": "Met at the spring conference; likes tea, not coffee.\nSecond line.",
                "contentType": "TEXT_PLAIN"}],
        })
    );
    assert!(named(&import, "group member", Fate::Lost));
    assert_eq!(zoho(&import.contacts[1])["Last_Name"], "Blue Door Plumbing");
    assert_eq!(
        zoho(&import.contacts[2]),
        json!({"Last_Name": "07700900999", "Mobile": "07700900999"})
    );
}

#[test]
fn android_quoted_printable_is_decoded() {
    let import = read("android-2.1.vcf");
    assert_eq!(names(&import), ["Jörg Müller", "*100#", "Mailbox"]);
    let joerg = &import.contacts[0];
    assert_eq!(joerg.addresses[0].street, "Hauptstraße 5, Hinterhaus");
    assert_eq!(joerg.organisations[0].name, "Müller & Söhne, GmbH");
    assert_eq!(joerg.phones[2].label, "x-segelboot");
    assert_eq!(joerg.nicknames, ["Jocki"]);
    assert_eq!(
        (joerg.relations[0].label.as_str(), joerg.events.len()),
        ("spouse", 1)
    );
    assert!(
        joerg.notes.starts_with("Größe") && joerg.notes.ends_with("äöü Ende"),
        "{}",
        joerg.notes
    );
    assert!(matches!(&joerg.photo, Some(Photo::Bytes { data, .. }) if data.len() == 283));
    assert!(
        named(&import, "card", Fate::Guessed),
        "the last card has no END"
    );
}

#[test]
fn outlook_windows_1252_is_decoded() {
    let import = read("outlook-2.1.vcf");
    let renee = &import.contacts[0];
    assert_eq!(
        (renee.names.given.as_str(), renee.names.family.as_str()),
        ("Renée", "Größ")
    );
    assert_eq!(renee.organisations[0].name, "Café Central, Wien");
    assert_eq!(renee.organisations[0].title, "Geschäftsführerin");
    assert_eq!(renee.notes, "Zeile eins\nZeile zwei € 5");
    assert_eq!(
        renee.addresses.len(),
        1,
        "the printed address belongs to the other"
    );
    assert_eq!(
        renee.addresses[0].formatted,
        "Herrengasse 14, Top 3\n1010 Wien\nÖsterreich"
    );
    let body = zoho(renee);
    assert_eq!(body["Fax"], "+43 1 5550109");
    assert_eq!(body["Mailing_Street"], "Herrengasse 14, Top 3");
    assert_eq!(body["Salutation"], "Frau");
}

#[test]
fn cards_of_version_4_are_read() {
    let import = read("nextcloud-4.0.vcf");
    assert_eq!(names(&import), ["Søren Ångström", "Tove"]);
    let soren = &import.contacts[0];
    assert_eq!(soren.names.file_as, "Angstrom,Soren");
    assert_eq!(soren.phones[0].value, "+45-20-12-34-56");
    assert_eq!(
        soren.birthday.map(|date| date.text()).as_deref(),
        Some("--04-12")
    );
    assert_eq!(
        (soren.relations[0].value.as_str(), soren.labels.len()),
        ("Tove", 2)
    );
    assert_eq!(soren.labels[1], "two,words");
    assert_eq!(soren.urls[0].value, "https://nordlys.example/s?a=1;b=2,3");
    assert!(matches!(&soren.photo, Some(Photo::Bytes { data, .. }) if data.len() == 283));
    assert_eq!(import.contacts[1].labels, ["Nordics"]);

    let priya = &read("fastmail-4.0.vcf").contacts[0];
    assert_eq!(
        priya.notes,
        "A note that is folded in the middle of a word and goes on."
    );
    let mut losses = Losses::default();
    let body = import::to_zoho(priya, &mut losses);
    assert_eq!(body["Secondary_Email"], "priya.home@raman.example");
    let lost: Vec<&str> = losses
        .list()
        .iter()
        .map(|loss| loss.value.as_str())
        .collect();
    for value in [
        "priya.third@raman.example",
        "https://social.example/@priya",
        "she/her",
        "priya1200",
    ] {
        assert!(lost.contains(&value), "{value} of {lost:?}");
    }
}

#[test]
fn google_vcards_keep_what_is_no_date() {
    let tan = &read("google-3.0.vcf").contacts[0];
    assert_eq!(tan.emails[2].label, "Old school");
    assert_eq!(tan.leftover[0].value, "circa 1960");
    assert_eq!(tan.notes, "多行\n筆記");
    assert_eq!(tan.events[0].label, "First met");
}

#[test]
fn google_csv_of_both_kinds_is_read() {
    let import = read("google-current.csv");
    assert_eq!(import.format, Format::Csv);
    assert_eq!(
        names(&import),
        [
            "Dr. Lena Marie Vogt PhD",
            "Only Company Ltd",
            "mail.only@nobody.example",
            "Zoë"
        ]
    );
    let lena = &import.contacts[0];
    assert_eq!(lena.labels, ["starred", "Kunden"]);
    assert_eq!(lena.emails.len(), 3);
    assert_eq!(lena.notes, "First line\nsecond \"quoted\", line");
    assert_eq!(lena.custom[0].label, "Shoe size");
    let body = zoho(lena);
    assert_eq!(body["Date_of_Birth"], "1985-03-14");
    assert_eq!(body["Mailing_Street"], "Lindenweg 3, 2. OG");
    assert_eq!(body["Company"], "Vogt & Partner");
    assert_eq!(
        body["Tag"],
        json!([{"name": "starred"}, {"name": "Kunden"}])
    );
    assert_eq!(
        zoho(&import.contacts[3]),
        json!({"Last_Name": "Zoë", "Tag": [{"name": "Bücher"}]})
    );

    let old = read("google-old.csv");
    assert_eq!(names(&old), ["Carlos de la Vega", "Plain Name"]);
    let carlos = &old.contacts[0];
    assert_eq!(
        (carlos.phones.len(), carlos.im[0].label.as_str()),
        (2, "skype")
    );
    assert_eq!(carlos.organisations[0].role, "Bakes");
    let kept: Vec<&str> = carlos
        .leftover
        .iter()
        .map(|left| left.property.as_str())
        .collect();
    assert_eq!(
        kept,
        [
            "Initials",
            "Maiden Name",
            "Occupation",
            "Organization 1 - Location"
        ]
    );
    assert!(named(&old, "column", Fate::Moved));
}

#[test]
fn utf16_csv_with_tabs_is_read() {
    let import = read("outlook-utf16.csv");
    let zoe = &import.contacts[0];
    assert_eq!(zoe.display(), "Ms. Zoë Łukasik");
    assert_eq!(zoe.notes, "Zeile 1\nZeile 2");
    assert_eq!(zoe.labels, ["Work", "VIP"]);
    assert_eq!(zoe.addresses.len(), 2);
    assert_eq!(zoe.leftover[0].property, "Lieblingsfarbe");
    let body = zoho(zoe);
    assert_eq!(
        (&body["Phone"], &body["Fax"]),
        (&json!("+48 22 5550100"), &json!("+48 22 5550109"))
    );
}

#[test]
fn broken_cards_cost_only_themselves() {
    let import = read("broken-mixed.vcf");
    assert_eq!(
        names(&import),
        ["First Fine", "Never Ended", "Bad Photo", "Worf"]
    );
    let worf = &import.contacts[3];
    assert_eq!(worf.emails[0].value, "worf@qonos.example");
    assert!(
        worf.leftover
            .iter()
            .any(|left| left.value.contains("Inner Agent"))
    );
    let bad = &import.contacts[2];
    assert_eq!(bad.phones[0].value, "+1 555 0100");
    let report = LoadReport {
        file: "broken-mixed.vcf".to_owned(),
        contacts: import.contacts.len(),
        losses: import.losses,
    };
    let report = report.to_string();
    for line in [
        "broken-mixed.vcf: 4 contacts",
        "lost line \"This file was exported by an app\": it stands outside of any card (line 1)",
        "guessed card: the card has no END; what it has was read (Never Ended, line 7)",
        "lost card: there is nothing in it (line 12)",
        "its base64 cannot be decoded; kept as text (Bad Photo, line 19)",
        "lost KEY \"6 bytes\"",
        "moved BDAY \"sometime in May\"",
        "moved line \"this line is nothing\"",
    ] {
        assert!(report.contains(line), "{line}\n-- of --\n{report}");
    }
}

#[test]
fn what_the_accounts_cannot_hold_is_named() {
    // Every single text of every sample is in the body, or in a loss.
    for (name, _) in FILES {
        for contact in read(name).contacts {
            let mut losses = Losses::default();
            let zoho = import::to_zoho(&contact, &mut losses);
            assert_covered(name, &contact, &zoho, &losses);
            let mut losses = Losses::default();
            let google = import::to_google(&contact, &mut losses);
            assert_covered(name, &contact, &google.person, &losses);
        }
    }
}

fn assert_covered(file: &str, contact: &ImportedContact, body: &Value, losses: &Losses) {
    let mut all = String::new();
    texts(body, &mut all);
    for loss in losses.list() {
        all.push_str(&loss.value);
        all.push('\n');
    }
    let wanted = [
        &contact.emails,
        &contact.phones,
        &contact.urls,
        &contact.relations,
        &contact.im,
        &contact.social,
    ];
    let mut wanted: Vec<&str> = wanted
        .iter()
        .flat_map(|list| list.iter().map(|each| each.value.as_str()))
        .collect();
    wanted.extend(contact.leftover.iter().map(|left| left.value.as_str()));
    wanted.extend(contact.nicknames.iter().map(String::as_str));
    for address in &contact.addresses {
        wanted.extend(
            [
                &address.street,
                &address.city,
                &address.extended,
                &address.po_box,
            ]
            .map(String::as_str),
        );
    }
    for org in &contact.organisations {
        wanted.extend([&org.name, &org.title, &org.department, &org.role].map(String::as_str));
    }
    let names = &contact.names;
    wanted.extend(
        [
            &names.given,
            &names.family,
            &names.middle,
            &names.suffix,
            &names.file_as,
        ]
        .map(String::as_str),
    );
    for text in wanted {
        let start: String = text
            .chars()
            .take(50)
            .map(|each| if each.is_control() { ' ' } else { each })
            .collect();
        let flat = all.replace('\n', " ");
        assert!(
            flat.contains(&start),
            "{file}: {start:?} is neither in the body nor named:\n{all}"
        );
    }
}

fn texts(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, out)),
        _ => {}
    }
}

/// The samples, for the tests that damage them.
pub fn samples() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.into_iter()
}
