//! Accounts, from the consent page to a renewed token, against a provider that speaks HTTP on a port of its own.

#[cfg(test)]
mod access;
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod world;
