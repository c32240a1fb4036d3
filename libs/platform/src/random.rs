//! Chance: the one place that asks the operating system for random bytes.
//!
//! Not for ids (`ids`) and not seedable: what is made here are keys, nonces and tokens, which must never repeat.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Fills a buffer with random bytes from the operating system.
#[expect(
    clippy::expect_used,
    reason = "without the system's randomness no secret can be made; there is nothing safe to go on with"
)]
pub fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system gives random bytes");
}

/// A fixed number of random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    fill(&mut buffer);
    buffer
}

/// A token of `length` random bytes, written in base64url without padding.
pub fn random_token(length: usize) -> String {
    let mut buffer = zeroize::Zeroizing::new(vec![0; length]);
    fill(&mut buffer);
    URL_SAFE_NO_PAD.encode(&*buffer)
}

/// What is kept of a token: its SHA-256. A token that is random enough needs no more, and looking it up by this tells
/// nothing by its timing.
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A number from 0 up to, not including, 1; for waits that should not fall together.
pub fn fraction() -> f64 {
    // 53 bits, as many as the number holds exactly.
    let number = u64::from_be_bytes(bytes()) >> 11;
    number as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_asked_entropy_and_differ() {
        let one = random_token(32);
        assert_eq!(one.len(), 43);
        assert!(
            one.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_ne!(one, random_token(32));
        assert_ne!(bytes::<24>(), bytes::<24>());
    }

    #[test]
    fn fractions_lie_in_their_range_and_spread() {
        let made: Vec<f64> = (0..200).map(|_| fraction()).collect();
        assert!(made.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(made.iter().any(|number| *number < 0.5));
        assert!(made.iter().any(|number| *number >= 0.5));
    }
}
