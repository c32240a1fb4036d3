//! Chance: the one place that asks the operating system for random bytes.
//!
//! Not for ids (`ids`) and not seedable: what is made here are keys, nonces and tokens, which must never repeat.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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
}
