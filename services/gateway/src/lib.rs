//! The REST API, OAuth callback and OpenAPI document.
