#!/bin/sh
# Makes the role of todo-store, owner of the one database, or gives it the password that is in force now. PostgreSQL's image
# runs it when the database is new; after `provision secrets --renew store` it is run by hand:
#   docker compose exec postgres /docker-entrypoint-initdb.d/10-store-role.sh
# The password goes from the file to the server, and into no list of processes.
set -eu
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -v database="$POSTGRES_DB" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set password `cat /run/secrets/store_password`
SELECT 'CREATE ROLE todo_store LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_store') \gexec
ALTER ROLE todo_store PASSWORD :'password';
ALTER DATABASE :"database" OWNER TO todo_store;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
