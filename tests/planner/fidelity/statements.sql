SELECT i AS 'an alias', ti 'other', x AS `third`, s fourth FROM t WHERE NOT s LIKE 'a%' AND i = 5 OR ti = 1
SELECT t.*, i+1 FROM t
SELECT a.i, a.`key`, b.I FROM t a JOIN t AS b ON a.id = b.id AND LEFT(a.s, 1) = LEFT(b.s, 1)
SELECT a.id, b.id FROM t a LEFT JOIN t b ON a.id = b.id + 1 AND b.s NOT LIKE 'x%' WHERE a.i IS NOT NULL
SELECT COUNT(*), ti FROM t GROUP BY ti HAVING COUNT(*) > 0 AND NOT ti IS NULL ORDER BY ti DESC
SELECT LEFT(s, 1) AS k, COUNT(*) FROM t GROUP BY LEFT(s, 1) ORDER BY LEFT(s, 1)
SELECT i DIV 2, SUM(x) FROM t GROUP BY i DIV 2 ORDER BY 1
SELECT s, i FROM t ORDER BY s COLLATE utf8mb4_bin DESC, i
SELECT s FROM t WHERE dt + INTERVAL 1 DAY > '2000-01-01' AND (i, ti) IN ((5, 1), (-3, -128)) ORDER BY id
SELECT id FROM t WHERE s REGEXP '^a' OR BINARY c = 'A' ORDER BY id
SELECT id FROM t WHERE EXTRACT(YEAR FROM dt) = 2020 AND CAST(x AS DECIMAL(10,2)) > 0
SELECT DISTINCT IF(i > 0, 'p', 'n') FROM t ORDER BY 1
SELECT MAX(i), GROUP_CONCAT(s ORDER BY id SEPARATOR ';') FROM t WHERE !(i = 5)
SELECT i XOR ti AS a, i AND ti AS b FROM t ORDER BY i AND ti, a + 1, id
SELECT id, i OR ti AS o FROM t ORDER BY o + 1, id
SELECT id, x > 1 AS o FROM t HAVING o + 1 > 1 ORDER BY -o, id
SELECT COUNT(*) AS n, i IS NULL AS z FROM t GROUP BY z HAVING n * 2 > 1 ORDER BY z
SELECT SQL_NO_CACHE id FROM t LIMIT 2 OFFSET 1
SELECT id FROM t ORDER BY id LIMIT 1, 2
SELECT /*+ HINT */ id /* c */ FROM t -- end
SELECT id FROM t WHERE id = 1;
SELECT ti, SUM(i) FROM t GROUP BY ti WITH ROLLUP
(SELECT id FROM t WHERE id < 3)
SELECT 'x' FROM t WHERE 1
SELECT id FROM t WHERE s IN ('abc' 'd', 'abc')
SELECT date(ts) AS `date`, time(ts) time, year(dt) AS year FROM t ORDER BY `date`
SELECT t.order, t.key FROM t ORDER BY t.order
SELECT 'all', 'distinct' AS x FROM t
SELECT STRAIGHT_JOIN i FROM t
SELECT 'high_priority' FROM t
