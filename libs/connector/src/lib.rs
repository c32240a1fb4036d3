//! What every connector is: trait, definition, errors, HTTP client, OAuth2.
