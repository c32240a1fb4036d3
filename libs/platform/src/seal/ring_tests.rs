//! Tests of the key ring and its file.

use super::*;
use crate::scratch::Scratch;

const TENANT: Uuid = Uuid::from_u128(1);

#[test]
fn a_wrapped_key_unwraps_for_its_tenant_only() {
    let ring = KeyRing::generate();
    let key = TenantKey::generate();
    let wrapped = ring.wrap(&key, TENANT);
    let hash = |key: &TenantKey| key.match_hash(b"", "x");
    assert_eq!(hash(&ring.unwrap(&wrapped, TENANT).unwrap()), hash(&key));
    let refused = |wrapped: &WrappedKey, tenant| ring.unwrap(wrapped, tenant).unwrap_err();
    assert_eq!(
        refused(&wrapped, Uuid::from_u128(2)),
        SealError::Refused,
        "another tenant"
    );
    let mut altered = wrapped.clone();
    altered.bytes.pop();
    assert_eq!(refused(&altered, TENANT), SealError::Refused, "truncated");
    let other = KeyRing::generate();
    assert!(matches!(
        other.unwrap(&wrapped, TENANT),
        Err(SealError::UnknownKey(id)) if id == wrapped.key_id
    ));
}

#[test]
fn a_ring_is_made_once_and_then_opened() {
    let scratch = Scratch::new();
    let path = scratch.path("keys.toml");
    let made = KeyRing::open_or_create(&path).unwrap();
    let wrapped = made.wrap(&TenantKey::generate(), TENANT);
    let opened = KeyRing::open_or_create(&path).unwrap();
    assert!(opened.unwrap(&wrapped, TENANT).is_ok());
    assert_eq!(scratch.files(), ["keys.toml"]);
}

#[test]
fn many_first_starts_at_once_agree_on_one_ring() {
    let scratch = Scratch::new();
    let path = scratch.path("keys.toml");
    let rings: Vec<KeyRing> = std::thread::scope(|threads| {
        let started: Vec<_> = (0..8)
            .map(|_| threads.spawn(|| KeyRing::open_or_create(&path).unwrap()))
            .collect();
        started.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let wrapped = rings[0].wrap(&TenantKey::generate(), TENANT);
    for ring in &rings {
        assert!(ring.unwrap(&wrapped, TENANT).is_ok());
    }
}

#[test]
fn rotation_keeps_old_keys_and_wraps_with_the_new() {
    let scratch = Scratch::new();
    let path = scratch.path("keys.toml");
    let before = KeyRing::open_or_create(&path).unwrap();
    let wrapped = before.wrap(&TenantKey::generate(), TENANT);
    let after = KeyRing::rotate(&path).unwrap();
    assert_ne!(before.active(), after.active());
    let key = after.unwrap(&wrapped, TENANT).unwrap();
    let again = after.wrap(&key, TENANT);
    assert_eq!(again.key_id, after.active());
    let opened = KeyRing::open_or_create(&path).unwrap();
    assert!(opened.unwrap(&again, TENANT).is_ok());
    assert_eq!(opened.key_ids().count(), 2);
    assert_eq!(scratch.files(), ["keys.toml"]);
}

#[test]
fn a_damaged_file_is_told_without_its_keys() {
    let check = |text: &str, expect: &str| {
        let error = KeyRing::from_text(Path::new("keys.toml"), text).unwrap_err();
        let told = error.to_string();
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

#[test]
fn a_ring_prints_no_key() {
    let ring = KeyRing::from_keys("k", [("k".to_owned(), Zeroizing::new([7; 32]))]).unwrap();
    assert_eq!(
        format!("{ring:?}"),
        "KeyRing { active: \"k\", keys: 1, .. }"
    );
    assert!(KeyRing::from_keys("other", [("k".to_owned(), Zeroizing::new([7; 32]))]).is_none());
}
