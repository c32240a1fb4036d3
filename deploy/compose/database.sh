#!/bin/bash
# Runs in the PostgreSQL image when its data directory is new: Syncline's database, and a role that owns it and is no
# superuser. Syncline refuses a role that could pass over row-level security.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" -v password="$(cat /run/secrets/syncline-password)" <<'SQL'
create role syncline login nosuperuser nobypassrls password :'password';
create database syncline owner syncline;
revoke all on database syncline from public;
SQL
