CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT, country TEXT, people INTEGER);
CREATE TABLE visit(id INTEGER PRIMARY KEY, city INTEGER REFERENCES city(id), who TEXT, day INTEGER, note TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<400)
INSERT INTO city SELECT i, 'city-'||i, 'country-'||(i%23), i*i*7919%900001 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<4000)
INSERT INTO visit SELECT i, 1+i*7919%400, 'guest-'||(i*31%577), i%365, substr('a long remark about a short visit, kept for the record and for nobody in particular',1,10+i*17%70) FROM n;
COMMIT;
CREATE INDEX visit_city ON visit(city);
CREATE INDEX visit_who ON visit(who, day);
ANALYZE;
CREATE VIEW busy AS SELECT city.name AS name, count(*) AS visits, group_concat(DISTINCT who) AS guests FROM visit JOIN city ON city.id=visit.city GROUP BY city.id;
SELECT count(*), max(length(guests)) FROM busy;
SELECT country, sum(people), count(*) FROM city GROUP BY country ORDER BY 2 DESC;
SELECT name, visits FROM busy ORDER BY visits DESC, name LIMIT 20;
SELECT who, group_concat(note, '; ') FROM visit WHERE day BETWEEN 10 AND 14 GROUP BY who ORDER BY who;
WITH RECURSIVE walk(c, depth) AS (SELECT 1, 0 UNION SELECT v2.city, depth+1 FROM walk JOIN visit v1 ON v1.city=walk.c JOIN visit v2 ON v2.who=v1.who AND v2.day=v1.day WHERE depth<3) SELECT depth, count(*) FROM walk GROUP BY depth;
UPDATE visit SET note = upper(note) || ' ' || day WHERE day%7=0;
DELETE FROM visit WHERE day%5=0;
SELECT json_group_array(json_object('city', name, 'guests', visits)) FROM (SELECT * FROM busy ORDER BY name LIMIT 100);
SELECT a.name, b.name, a.people+b.people AS total FROM city a JOIN city b ON a.country=b.country AND a.id<b.id ORDER BY total DESC LIMIT 25;
REINDEX;
VACUUM;
PRAGMA integrity_check;
