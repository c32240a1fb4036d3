//! Tests of the key ring.

use super::*;
use crate::scratch::Scratch;
use crate::seal::KeyRingFile;

const TENANT: Uuid = Uuid::from_u128(1);

fn hash(key: &TenantKey) -> [u8; 16] {
    key.match_hash(b"", "x")
}

#[test]
fn a_wrapped_key_unwraps_for_its_tenant_only() {
    let ring = KeyRing::generate();
    let key = TenantKey::generate();
    let wrapped = ring.wrap(&ring.active(), &key, TENANT).unwrap();
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
    let unknown = SealError::UnknownKey(wrapped.key_id.clone());
    assert_eq!(other.unwrap(&wrapped, TENANT).unwrap_err(), unknown);
    let cannot = other.wrap(&wrapped.key_id, &key, TENANT);
    assert_eq!(cannot.unwrap_err(), unknown);
}

#[test]
fn a_ring_is_made_once_and_then_opened() {
    let scratch = Scratch::new();
    let path = scratch.path("keys.toml");
    let made = KeyRing::open_or_create(&path).unwrap();
    let wrapped = made.wrap(&made.active(), &TenantKey::generate(), TENANT);
    let opened = KeyRing::open_or_create(&path).unwrap();
    assert!(opened.unwrap(&wrapped.unwrap(), TENANT).is_ok());
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
    let active = rings[0].active();
    let wrapped = rings[0].wrap(&active, &TenantKey::generate(), TENANT);
    let wrapped = wrapped.unwrap();
    for ring in &rings {
        assert!(ring.unwrap(&wrapped, TENANT).is_ok());
    }
}

#[test]
fn a_key_that_was_added_since_is_found_in_the_file() {
    let scratch = Scratch::new();
    let path = scratch.path("keys.toml");
    let running = KeyRing::open_or_create(&path).unwrap();
    let old = running.active();
    let id = KeyRingFile::hold(&path).unwrap().add().unwrap();
    assert_eq!(running.key_ids().len(), 1, "nothing asked for it yet");
    let key = TenantKey::generate();
    let wrapped = KeyRing::open(&path).unwrap().wrap(&id, &key, TENANT);
    let opened = running.unwrap(&wrapped.unwrap(), TENANT).unwrap();
    assert_eq!(hash(&opened), hash(&key));
    assert_eq!(running.key_ids().len(), 2);
    assert!(running.wrap(&old, &key, TENANT).is_ok());
}

#[test]
fn a_file_that_is_damaged_meanwhile_costs_a_running_ring_nothing() {
    let scratch = Scratch::new();
    let path = scratch.path("keys.toml");
    let running = KeyRing::open_or_create(&path).unwrap();
    std::fs::write(&path, "active =").unwrap();
    let key = TenantKey::generate();
    let unknown = running.wrap("k2", &key, TENANT).unwrap_err();
    assert_eq!(unknown, SealError::UnknownKey("k2".into()));
    assert!(running.wrap(&running.active(), &key, TENANT).is_ok());
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
