//! Tests of the key ring's file.

use super::*;
use crate::scratch::Scratch;

fn made(scratch: &Scratch) -> (PathBuf, String) {
    let path = scratch.path("keys.toml");
    let active = read_or_create(&path).unwrap().active;
    (path, active)
}

#[test]
fn a_key_is_added_made_active_and_the_old_one_taken_out() {
    let scratch = Scratch::new();
    let (path, old) = made(&scratch);
    let mut file = KeyRingFile::hold(&path).unwrap();
    let id = file.add().unwrap();
    let ring = read(&path).unwrap();
    assert_eq!((ring.active, ring.keys.len()), (old.clone(), 2));
    file.activate(&id).unwrap();
    assert_eq!(read(&path).unwrap().active, id);
    file.remove(&old, &id).unwrap();
    let ring = read(&path).unwrap();
    assert_eq!(ring.active, id);
    assert!(ring.keys.into_keys().eq([id]));
    drop(file);
    let mut files = scratch.files();
    files.sort();
    assert_eq!(files, ["keys.lock", "keys.toml"]);
}

#[cfg(unix)]
#[test]
fn a_changed_file_is_still_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let (path, _) = made(&scratch);
    KeyRingFile::hold(&path).unwrap().add().unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn one_changes_it_at_a_time() {
    let scratch = Scratch::new();
    let (path, _) = made(&scratch);
    let first = KeyRingFile::hold(&path).unwrap();
    let second = KeyRingFile::hold(&path).map(drop).unwrap_err();
    assert!(matches!(second, KeyRingError::Busy(_)), "{second}");
    drop(first);
    assert!(KeyRingFile::hold(&path).is_ok());
}

#[test]
fn what_it_lacks_is_told_and_nothing_is_changed() {
    let scratch = Scratch::new();
    let (path, active) = made(&scratch);
    let before = std::fs::read(&path).unwrap();
    let mut file = KeyRingFile::hold(&path).unwrap();
    for refused in [
        file.activate("k2"),
        file.remove("k2", &active),
        // Not without another one to be active.
        file.remove(&active, &active),
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, KeyRingError::NoKey { .. }), "{refused}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let nowhere = KeyRingFile::hold(&scratch.path("none.toml"));
    let nowhere = nowhere.map(drop).unwrap_err();
    assert!(matches!(nowhere, KeyRingError::Missing(_)), "{nowhere}");
}

#[test]
fn ids_that_people_chose_are_kept() {
    let scratch = Scratch::new();
    let (path, _) = made(&scratch);
    let key = STANDARD.encode([7; 32]);
    let ids = ["plain-1", "with \"quotes\"", "with \\", "2026.11", "é"];
    let keys: Vec<String> = ids
        .iter()
        .map(|id| format!("{} = {key:?}\n", toml::Value::from(*id)))
        .collect();
    let text = format!("active = \"é\"\n[keys]\n{}", keys.concat());
    private_file::replace(&path, &text).unwrap();
    let added = KeyRingFile::hold(&path).unwrap().add().unwrap();
    let ring = read(&path).unwrap();
    assert_eq!(ring.active, "é");
    assert_eq!(ring.keys.len(), ids.len() + 1);
    for id in ids.into_iter().chain([added.as_str()]) {
        assert!(ring.keys.contains_key(id), "{id}");
    }
}

#[test]
fn a_damaged_file_is_told_without_its_keys() {
    let check = |text: &str, expect: &str| {
        let error = from_text(Path::new("keys.toml"), text).map(drop);
        let told = error.unwrap_err().to_string();
        assert!(told.contains(expect), "{told}");
        assert!(!told.contains("c2VjcmV0"), "{told}");
    };
    check("", "TOML");
    check("active = \"k\"\nkeys = { k = \"c2VjcmV0\" ", "TOML");
    check(
        "active = \"k\"\n[keys]\nk = \"c2VjcmV0\"",
        "`k` is not 32 bytes",
    );
    check("active = \"k\"\n[keys]\nk = \"???\"", "`k` is not 32 bytes");
    check("active = \"k\"\n[keys]", "active key `k`");
    check("active = \"k\"\nextra = \"c2VjcmV0\"\n[keys]", "TOML");
}
