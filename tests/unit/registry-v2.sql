-- A registry of schema version 2 as a relayd of that version left it when it
-- was killed: one home online, one offline, services of both nodes; a peer that was added to
-- stay, one that was linked, and an admin token.
PRAGMA application_id = 1380735314;
CREATE TABLE node ( id TEXT NOT NULL PRIMARY KEY, kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3), first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE session ( id INTEGER NOT NULL PRIMARY KEY, node TEXT NOT NULL UNIQUE REFERENCES node (id) ON DELETE CASCADE, epoch INTEGER NOT NULL, boot TEXT NOT NULL, address TEXT NOT NULL, since INTEGER NOT NULL, closed INTEGER, reason TEXT NOT NULL DEFAULT '');
CREATE TABLE service ( id INTEGER NOT NULL PRIMARY KEY, session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE, name TEXT NOT NULL, version TEXT NOT NULL, weight INTEGER NOT NULL, max_concurrency INTEGER NOT NULL, visibility INTEGER NOT NULL CHECK (visibility BETWEEN 1 AND 3), healthy INTEGER NOT NULL CHECK (healthy IN (0, 1)), UNIQUE (session, name, version));
CREATE TABLE method ( service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE, ord INTEGER NOT NULL, name TEXT NOT NULL, idempotent INTEGER NOT NULL CHECK (idempotent IN (0, 1)), timeout_ms INTEGER NOT NULL, PRIMARY KEY (service, ord)) WITHOUT ROWID;
CREATE TABLE label ( service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (service, key)) WITHOUT ROWID;
CREATE TABLE peer ( host TEXT NOT NULL, port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535), path TEXT NOT NULL, node TEXT NOT NULL, insecure INTEGER NOT NULL CHECK (insecure IN (0, 1)), added INTEGER NOT NULL, PRIMARY KEY (host, port, path)) WITHOUT ROWID;
CREATE TABLE token ( id INTEGER NOT NULL PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
CREATE INDEX service_name ON service (name);
INSERT INTO node VALUES ('main.example', 3, 1767000000000, 1767000000000, 0);
INSERT INTO node VALUES ('alice.home', 1, 1767000000000, 1767000005000, 7);
INSERT INTO node VALUES ('bob.home', 1, 1767000001000, 1767000002000, 2);
INSERT INTO session VALUES (0, 'main.example', 0, '', '', 1767000000000, NULL, '');
INSERT INTO session VALUES (1001, 'alice.home', 7, '00112233aabbccdd', '192.0.2.1:1000', 1767000004000, NULL, '');
INSERT INTO session VALUES (1000, 'bob.home', 2, '', '192.0.2.2:1000', 1767000001000, 1767000003000, 'gone');
INSERT INTO service VALUES (1, 1001, 'blog', '1.2.0', 1, 0, 3, 1);
INSERT INTO service VALUES (2, 0, 'own', '0.0.0', 1, 0, 1, 0);
INSERT INTO method VALUES (1, 0, 'create_post', 0, 0);
INSERT INTO method VALUES (1, 1, 'list', 1, 2000);
INSERT INTO label VALUES (1, 'lang', 'en');
INSERT INTO node VALUES ('relay-b.example.com', 2, 1767000001000, 1767000002000, 4);
INSERT INTO session VALUES (1002, 'relay-b.example.com', 4, '0123456789abcdef', '192.0.2.3:8081', 1767000001000, NULL, '');
INSERT INTO peer VALUES ('relay-b.example.com', 8081, '/ws/peers', 'relay-b.example.com', 1, 1767000000500);
INSERT INTO token VALUES (1, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 1767000000500);
PRAGMA user_version = 2;
