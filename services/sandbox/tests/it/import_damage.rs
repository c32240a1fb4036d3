//! No file may crash the import, whatever is in it; and what was readable before the damage stays readable.

#![expect(clippy::expect_used, reason = "in a test a missing value is a failure")]

use proptest::prelude::*;
use syncline_sandbox::import::{self, LoadReport, Losses};

use crate::import::samples;

/// Reads, converts for both accounts and prints: everything a load does.
fn run(bytes: &[u8], name: &str) -> usize {
    let Ok(import) = import::read(bytes, name) else {
        return 0;
    };
    let mut losses = Losses::default();
    for contact in &import.contacts {
        let body = import::to_zoho(contact, &mut losses);
        let last = body.get("Last_Name").and_then(|last| last.as_str());
        let last = last.expect("Last_Name is mandatory");
        assert!(!last.is_empty() && last.chars().count() <= 80);
        let google = import::to_google(contact, &mut losses);
        assert!(google.person.is_object());
    }
    let contacts = import.contacts.len();
    let losses = import.losses.into_iter().chain(losses.into_vec()).collect();
    let report = LoadReport {
        file: name.to_owned(),
        contacts,
        losses,
    };
    assert!(!report.to_string().is_empty());
    contacts
}

fn sample() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let all: Vec<_> = samples()
        .map(|(name, bytes)| (name, bytes.to_vec()))
        .collect();
    proptest::sample::select(all)
}

/// Pieces that mean something to a reader, in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 32] = [
        b"BEGIN:VCARD\r\n",
        b"END:VCARD\r\n",
        b"VERSION:2.1\n",
        b"VERSION:4.0\r",
        b"N:",
        b"FN",
        b"TEL;",
        b"BDAY:",
        b"PHOTO;ENCODING=b:",
        b"ENCODING=QUOTED-PRINTABLE",
        b"CHARSET=",
        b"shift_jis",
        b"=\r\n",
        b"=C3",
        b"\\",
        b"\\n",
        b";",
        b",",
        b":",
        b"\"",
        b"item1.",
        b"X-ABLabel:",
        b"\xFF\xFE",
        b"\xE4",
        b"\r\r\n",
        b"\n ",
        b"AGENT:\n",
        b"ADR;LABEL=\"",
        b"RELATED:urn:uuid:",
        b"--04",
        b"JSCOMPS=\"s,;1,2\"",
        b"data:;base64,",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES.to_vec()).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
        2 => "[a-zA-Z0-9äß日 ]{0,5}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        run(&bytes, "a.csv");
        run(&[b"BEGIN:VCARD\nVERSION:4.0\n", bytes.as_slice()].concat(), "a.vcf");
        run(&[b"First Name,Notes,Birthday\n", bytes.as_slice()].concat(), "a.csv");
    }

    #[test]
    fn any_pieces(bytes in pieces()) {
        run(&[b"BEGIN:VCARD\n", bytes.as_slice()].concat(), "a.vcf");
    }

    #[test]
    fn damaged_samples((name, mut bytes) in sample(), hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..12)) {
        for (place, byte, how) in hits {
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                _ => bytes.insert(at, byte),
            }
        }
        run(&bytes, name);
    }

    #[test]
    fn truncated_samples((name, bytes) in sample(), at in any::<prop::sample::Index>()) {
        let whole = run(&bytes, name);
        let part = run(&bytes[..at.index(bytes.len())], name);
        // A group's own half card may stand as a contact, as long as its kind is not known.
        prop_assert!(part <= whole + 1);
    }

    #[test]
    fn good_card_survives_what_precedes_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let noise: Vec<u8> = bytes.into_iter().filter(|byte| *byte != 0).collect();
        let file = [b"BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\n", noise.as_slice(), b"\r\nBEGIN:VCARD\r\nFN:Zed\r\nEND:VCARD\r\n"].concat();
        let import = import::read(&file, "a.vcf").expect("it begins with a card");
        prop_assert!(import.contacts.iter().any(|contact| contact.display() == "Zed"));
    }
}
