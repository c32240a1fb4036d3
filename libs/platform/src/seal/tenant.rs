//! A tenant's key: it seals the tenant's columns and hashes the tenant's match keys.

use uuid::Uuid;

use super::SealError;
use super::cipher::Key;

/// One tenant's data key. It is stored only wrapped (see [`super::KeyRing::wrap`]) and prints as nothing.
#[derive(Clone)]
pub struct TenantKey {
    root: Key,
    sealing: Key,
    matching: Key,
}

/// The place that a sealed value belongs to; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: Uuid,
    /// The table's name.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// The row's key, in any encoding that differs from row to row.
    pub row: &'a [u8],
}

impl TenantKey {
    /// A new key, by chance.
    pub fn generate() -> Self {
        Self::from_root(Key::generate())
    }

    pub(super) fn from_root(root: Key) -> Self {
        let sealing = root.derive("syncline seal 1");
        let matching = root.derive("syncline match 1");
        Self {
            root,
            sealing,
            matching,
        }
    }

    pub(super) fn root(&self) -> &Key {
        &self.root
    }

    /// Seals a value for a place. Sealing the same value twice gives different bytes.
    pub fn seal(&self, context: &Context<'_>, plaintext: &[u8]) -> Vec<u8> {
        self.sealing.seal(&context.bytes(), plaintext)
    }

    /// Opens a value that was sealed for this very place.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.sealing.open(&context.bytes(), sealed)
    }

    /// A keyed hash by which equal texts of one scope can be found without being stored: 16 bytes of HMAC-SHA256.
    pub fn match_hash(&self, scope: &[u8], text: &str) -> [u8; 16] {
        let length = (scope.len() as u64).to_be_bytes();
        let mac = self.matching.mac(&[&length, scope, text.as_bytes()]);
        let mut hash = [0; 16];
        for (to, from) in hash.iter_mut().zip(mac) {
            *to = from;
        }
        hash
    }
}

impl std::fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TenantKey(..)")
    }
}

impl Context<'_> {
    /// Every part after its length, so that no two places are written alike.
    fn bytes(&self) -> Vec<u8> {
        let parts: [&[u8]; 4] = [
            self.tenant.as_bytes(),
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.row,
        ];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Context<'static> = Context {
        tenant: Uuid::from_u128(1),
        table: "links",
        column: "body",
        row: b"row 1",
    };

    #[test]
    fn a_sealed_value_opens_in_its_place_only() {
        let key = TenantKey::generate();
        let sealed = key.seal(&HERE, b"ann@example.com");
        assert_eq!(key.open(&HERE, &sealed).unwrap(), b"ann@example.com");
        let check = |place: Context<'_>| {
            assert_eq!(
                key.open(&place, &sealed),
                Err(SealError::Refused),
                "{place:?}"
            );
        };
        check(Context {
            row: b"row 2",
            ..HERE
        });
        check(Context { row: b"", ..HERE });
        check(Context {
            table: "link",
            ..HERE
        });
        check(Context {
            column: "seen",
            ..HERE
        });
        check(Context {
            tenant: Uuid::from_u128(2),
            ..HERE
        });
        // The same letters, cut elsewhere.
        check(Context {
            table: "linksb",
            column: "ody",
            ..HERE
        });
        check(Context {
            column: "bodyrow 1",
            row: b"",
            ..HERE
        });
        let other = TenantKey::generate();
        assert_eq!(other.open(&HERE, &sealed), Err(SealError::Refused));
    }

    #[test]
    fn altered_and_truncated_values_are_refused() {
        let key = TenantKey::generate();
        let sealed = key.seal(&HERE, b"some text");
        for length in 0..sealed.len() {
            assert_eq!(
                key.open(&HERE, &sealed[..length]),
                Err(SealError::Refused),
                "{length} bytes"
            );
        }
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 0x80;
            assert!(key.open(&HERE, &altered).is_err(), "byte {at}");
        }
        let mut longer = sealed.clone();
        longer.push(0);
        assert_eq!(key.open(&HERE, &longer), Err(SealError::Refused));
        let mut newer = sealed;
        newer[0] = 2;
        assert_eq!(key.open(&HERE, &newer), Err(SealError::UnknownFormat(2)));
    }

    #[test]
    fn sealing_twice_differs_and_hides_the_text() {
        let key = TenantKey::generate();
        let (one, two) = (key.seal(&HERE, b"canary"), key.seal(&HERE, b"canary"));
        assert_ne!(one, two);
        assert!(!one.windows(6).any(|w| w == b"canary"));
        assert_eq!(key.open(&HERE, &key.seal(&HERE, b"")).unwrap(), b"");
    }

    #[test]
    fn match_hashes_agree_per_key_scope_and_text() {
        let key = TenantKey::generate();
        let hash = key.match_hash(b"pair", "ann@example.com");
        assert_eq!(hash, key.match_hash(b"pair", "ann@example.com"));
        assert_ne!(hash, key.match_hash(b"pair", "bob@example.com"));
        assert_ne!(hash, key.match_hash(b"other", "ann@example.com"));
        assert_ne!(hash, key.match_hash(b"paira", "nn@example.com"));
        assert_ne!(
            hash,
            TenantKey::generate().match_hash(b"pair", "ann@example.com")
        );
    }

    #[test]
    fn a_tenant_key_prints_as_nothing() {
        assert_eq!(format!("{:?}", TenantKey::generate()), "TenantKey(..)");
    }
}
