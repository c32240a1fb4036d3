//! Prints the OpenAPI document, to be committed at `openapi/openapi.json`.

use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::io::stdout().write_all(syncline_gateway::openapi()?.as_bytes())?;
    Ok(())
}
