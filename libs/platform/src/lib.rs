//! Configuration, telemetry, clock, ids, sealing of secrets, shutdown.
