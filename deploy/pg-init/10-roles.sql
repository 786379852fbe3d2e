-- Run once by the postgres image on an empty volume: roles of little power and their databases.
-- The passwords come from the mounted secret files, so they stand in no environment and on no command line.
\set temporal `cat /run/secrets/temporal`
\set owner `cat /run/secrets/ieum_owner`
\set app `cat /run/secrets/ieum_app`
\set worker `cat /run/secrets/ieum_worker`

CREATE ROLE temporal LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'temporal';
CREATE ROLE ieum_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner';
CREATE ROLE ieum_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'app';
CREATE ROLE ieum_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'worker';

CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE ieum OWNER ieum_owner TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE temporal, temporal_visibility, ieum FROM PUBLIC;
GRANT CONNECT ON DATABASE ieum TO ieum_owner, ieum_app, ieum_worker;
GRANT TEMPORARY ON DATABASE ieum TO ieum_worker;

\connect ieum
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO ieum_owner;
GRANT USAGE ON SCHEMA public TO ieum_app, ieum_worker;
