//! What a pull has to remember between calls: where the last one ended, and where a listing stands.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// "Sync tokens expire 7 days after the full sync": a day before that, everything is read again.
const FRESH: TimeDelta = TimeDelta::days(6);

/// Where a complete pull ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Google's sync token.
    pub token: String,
    /// The mask that the token was made with: it is good for no other.
    pub mask: String,
    /// When, by Google's clock, the full listing began that this goes back to.
    pub full_at: Option<DateTime<Utc>>,
}

/// Where a listing stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stand {
    /// Google's page token; none for the first page.
    pub page: Option<String>,
    /// The sync token when only changes are read.
    pub token: Option<String>,
    /// As in `Place`.
    pub full_at: Option<DateTime<Utc>>,
    /// People listed on the pages before.
    pub seen: u64,
}

impl Stand {
    /// The beginning of a full listing.
    pub(super) const fn full() -> Self {
        Self {
            page: None,
            token: None,
            full_at: None,
            seen: 0,
        }
    }

    /// The beginning of a pull: of changes since a cursor that still fits, else of everything.
    pub(super) fn begin(cursor: Option<&str>) -> Self {
        let place = cursor
            .and_then(|text| serde_json::from_str::<Place>(text).ok())
            .filter(|place| place.mask == mask_hash());
        place.map_or_else(Self::full, |place| Self {
            page: None,
            token: Some(place.token),
            full_at: place.full_at,
            seen: 0,
        })
    }

    /// Whether, at an instant of Google's clock, the last full listing is too long ago to go on with changes.
    pub(super) fn is_stale(&self, now: Option<DateTime<Utc>>) -> bool {
        self.token.is_some()
            && match (self.full_at, now) {
                (Some(full_at), Some(now)) => now - full_at > FRESH,
                _ => false,
            }
    }
}

/// What members a pull asks for. Fixed, because sync tokens are bound to it.
pub(super) const MASK: &str = "addresses,biographies,birthdays,emailAddresses,memberships,metadata,names,nicknames,\
                               organizations,phoneNumbers,urls,userDefined";

/// Short for the mask in force.
pub(super) fn mask_hash() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(MASK.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_used_only_with_its_own_mask() {
        let place = Place {
            token: "t".into(),
            mask: mask_hash(),
            full_at: None,
        };
        let cursor = |place: &Place| serde_json::to_string(place).expect("json");
        assert_eq!(
            Stand::begin(Some(&cursor(&place))).token.as_deref(),
            Some("t")
        );
        let other = Place {
            mask: "0".into(),
            ..place
        };
        assert_eq!(Stand::begin(Some(&cursor(&other))), Stand::full());
        assert_eq!(Stand::begin(Some("nonsense")), Stand::full());
        assert_eq!(Stand::begin(None), Stand::full());
    }

    #[test]
    fn six_days_are_enough() {
        let at = |day: i64| DateTime::UNIX_EPOCH + TimeDelta::days(day);
        let stand = Stand {
            token: Some("t".into()),
            full_at: Some(at(0)),
            ..Stand::full()
        };
        assert!(!stand.is_stale(Some(at(6))));
        assert!(stand.is_stale(Some(at(6) + TimeDelta::seconds(1))));
        assert!(!stand.is_stale(None));
        assert!(
            !Stand {
                full_at: Some(at(0)),
                ..Stand::full()
            }
            .is_stale(Some(at(9)))
        );
    }
}
