select 1+1 AS x FROM t.b
select i+1 AS x FROM t.b
select b+1 AS x FROM t.b
select ti+ti AS x FROM t.b
select i*i AS x FROM t.b
select ti*ti AS x FROM t.b
select si+si AS x FROM t.b
select -i AS x FROM t.b
select -b AS x FROM t.b
select -ti AS x FROM t.b
select i-i AS x FROM t.b
select mi+mi AS x FROM t.b
select ti+1 AS x FROM t.b
select i/2 AS x FROM t.b
select i/b AS x FROM t.b
select dc/3 AS x FROM t.b
select dc/dc AS x FROM t.b
select d/2 AS x FROM t.b
select 1/3 AS x FROM t.b
select ti/ti AS x FROM t.b
select b/b AS x FROM t.b
select i/1.5 AS x FROM t.b
select f/2 AS x FROM t.b
select bu/3 AS x FROM t.b
select i div 2 AS x FROM t.b
select b div 2 AS x FROM t.b
select dc div 2 AS x FROM t.b
select i%3 AS x FROM t.b
select b%3 AS x FROM t.b
select d%2 AS x FROM t.b
select dc%3 AS x FROM t.b
select dc%7.12345 AS x FROM t.b
select ti%3 AS x FROM t.b
select mod(i,0) AS x FROM t.b
select i div 0 AS x FROM t.b
select i/0 AS x FROM t.b
select dc+1 AS x FROM t.b
select dc+i AS x FROM t.b
select dc*dc AS x FROM t.b
select dc*2 AS x FROM t.b
select dc+1.23456 AS x FROM t.b
select i+1.5 AS x FROM t.b
select dc-dc AS x FROM t.b
select -dc AS x FROM t.b
select f+1 AS x FROM t.b
select f*2 AS x FROM t.b
select f+f AS x FROM t.b
select d+1 AS x FROM t.b
select dc+d AS x FROM t.b
select f+d AS x FROM t.b
select count(*) AS x FROM t.b
select count(i) AS x FROM t.b
select sum(i) AS x FROM t.b
select sum(ti) AS x FROM t.b
select sum(b) AS x FROM t.b
select sum(dc) AS x FROM t.b
select sum(d) AS x FROM t.b
select sum(f) AS x FROM t.b
select avg(i) AS x FROM t.b
select avg(b) AS x FROM t.b
select avg(dc) AS x FROM t.b
select avg(d) AS x FROM t.b
select avg(f) AS x FROM t.b
select min(i) AS x FROM t.b
select max(ti) AS x FROM t.b
select min(f) AS x FROM t.b
select max(dc) AS x FROM t.b
select min(vc) AS x FROM t.b
select max(dt) AS x FROM t.b
select sum(bu) AS x FROM t.b
select sum(iu) AS x FROM t.b
select avg(ti) AS x FROM t.b
select std(i) AS x FROM t.b
select variance(i) AS x FROM t.b
select var_pop(f) AS x FROM t.b
select bit_or(i) AS x FROM t.b
select bit_and(i) AS x FROM t.b
select group_concat(i) AS x FROM t.b
select count(distinct i) AS x FROM t.b
select sum(1) AS x FROM t.b
select sum(i+1) AS x FROM t.b
select avg(i+0.5) AS x FROM t.b
select sum(distinct i) AS x FROM t.b
select std(dc) AS x FROM t.b
select variance(dc) AS x FROM t.b
select sum('3') AS x FROM t.b
select max(ch) AS x FROM t.b
select i=1 AS x FROM t.b
select i<=>null AS x FROM t.b
select i is null AS x FROM t.b
select not i AS x FROM t.b
select i and 1 AS x FROM t.b
select i or null AS x FROM t.b
select vc like 'v%' AS x FROM t.b
select i in (1,2) AS x FROM t.b
select i between 1 and 9 AS x FROM t.b
select vc regexp 'x' AS x FROM t.b
select i xor 1 AS x FROM t.b
select ifnull(i,1) AS x FROM t.b
select ifnull(i,1.5) AS x FROM t.b
select ifnull(f,i) AS x FROM t.b
select ifnull(vc,'x') AS x FROM t.b
select ifnull(i,'x') AS x FROM t.b
select coalesce(ti,b) AS x FROM t.b
select coalesce(dc,i) AS x FROM t.b
select coalesce(null,i) AS x FROM t.b
select if(i,ti,b) AS x FROM t.b
select if(1,dc,d) AS x FROM t.b
select if(1,'a',vc) AS x FROM t.b
select if(1,1,'a') AS x FROM t.b
select case when i then 1 when b then 2.5 end AS x FROM t.b
select case i when 4 then 'a' else 'b' end AS x FROM t.b
select nullif(i,1) AS x FROM t.b
select nullif(vc,'a') AS x FROM t.b
select nullif(dc,1) AS x FROM t.b
select if(1,f,i) AS x FROM t.b
select if(1,f,f) AS x FROM t.b
select coalesce(f,dc) AS x FROM t.b
select if(1,bu,b) AS x FROM t.b
select if(1,iu,i) AS x FROM t.b
select nullif(f,1) AS x FROM t.b
select case when i then ti end AS x FROM t.b
select abs(i) AS x FROM t.b
select abs(ti) AS x FROM t.b
select abs(dc) AS x FROM t.b
select abs(d) AS x FROM t.b
select abs(f) AS x FROM t.b
select sign(i) AS x FROM t.b
select ceil(dc) AS x FROM t.b
select floor(d) AS x FROM t.b
select floor(dc) AS x FROM t.b
select round(i) AS x FROM t.b
select round(dc) AS x FROM t.b
select round(dc,2) AS x FROM t.b
select round(d) AS x FROM t.b
select round(d,2) AS x FROM t.b
select round(f,1) AS x FROM t.b
select round(dc,-1) AS x FROM t.b
select round(i,-1) AS x FROM t.b
select truncate(d,2) AS x FROM t.b
select truncate(dc,1) AS x FROM t.b
select ceil(i) AS x FROM t.b
select floor(f) AS x FROM t.b
select truncate(i,-1) AS x FROM t.b
select round(b) AS x FROM t.b
select round(ti) AS x FROM t.b
select ceil(ti) AS x FROM t.b
select sign(d) AS x FROM t.b
select pow(i,2) AS x FROM t.b
select sqrt(i) AS x FROM t.b
select exp(1) AS x FROM t.b
select ln(2) AS x FROM t.b
select log(2) AS x FROM t.b
select log10(i) AS x FROM t.b
select log2(8) AS x FROM t.b
select log(2,8) AS x FROM t.b
select sin(i) AS x FROM t.b
select cos(i) AS x FROM t.b
select tan(i) AS x FROM t.b
select asin(0.5) AS x FROM t.b
select acos(0.5) AS x FROM t.b
select atan(1) AS x FROM t.b
select atan2(1,2) AS x FROM t.b
select atan(1,2) AS x FROM t.b
select radians(d) AS x FROM t.b
select degrees(d) AS x FROM t.b
select pi() AS x FROM t.b
select cot(1) AS x FROM t.b
select mod(d,3) AS x FROM t.b
select greatest(i,b) AS x FROM t.b
select greatest(ti,ti) AS x FROM t.b
select least(i,1.5) AS x FROM t.b
select greatest(d,i) AS x FROM t.b
select greatest(f,f) AS x FROM t.b
select greatest('a',vc) AS x FROM t.b
select least(dc,1) AS x FROM t.b
select greatest(f,i) AS x FROM t.b
select greatest(ti,1) AS x FROM t.b
select cast(d as signed) AS x FROM t.b
select cast(i as unsigned) AS x FROM t.b
select cast(i as char) AS x FROM t.b
select cast(i as char(3)) AS x FROM t.b
select cast(d as decimal) AS x FROM t.b
select cast(d as decimal(10,3)) AS x FROM t.b
select cast(i as double) AS x FROM t.b
select cast('2020-01-01' as date) AS x FROM t.b
select cast('2020-01-01 10:11:12' as datetime) AS x FROM t.b
select cast(vc as binary) AS x FROM t.b
select cast('2020-01-01' as datetime(3)) AS x FROM t.b
select cast('12abc' as signed) AS x FROM t.b
select cast(3.6 as signed) AS x FROM t.b
select cast('3.6' as signed) AS x FROM t.b
select cast(-1 as unsigned) AS x FROM t.b
select cast(2.5e0 as signed) AS x FROM t.b
select cast(3.5e0 as signed) AS x FROM t.b
select cast(f as char) AS x FROM t.b
select cast(dc as char) AS x FROM t.b
select concat(vc,i) AS x FROM t.b
select concat('a',null) AS x FROM t.b
select upper(vc) AS x FROM t.b
select lower(vc) AS x FROM t.b
select length(vc) AS x FROM t.b
select char_length(vc) AS x FROM t.b
select substring(vc,1,2) AS x FROM t.b
select substr(vc,-1) AS x FROM t.b
select left(vc,1) AS x FROM t.b
select right(vc,1) AS x FROM t.b
select trim(' a ') AS x FROM t.b
select ltrim(vc) AS x FROM t.b
select replace(vc,'v','w') AS x FROM t.b
select instr(vc,'c') AS x FROM t.b
select locate('c',vc) AS x FROM t.b
select hex(i) AS x FROM t.b
select hex(vc) AS x FROM t.b
select unhex('41') AS x FROM t.b
select ascii(vc) AS x FROM t.b
select reverse(vc) AS x FROM t.b
select repeat(vc,2) AS x FROM t.b
select lpad(vc,5,'-') AS x FROM t.b
select concat_ws(',',vc,i) AS x FROM t.b
select space(2) AS x FROM t.b
select strcmp(vc,'a') AS x FROM t.b
select bin(i) AS x FROM t.b
select md5(vc) AS x FROM t.b
select substring_index(vc,'v',1) AS x FROM t.b
select rpad(vc,5,'-') AS x FROM t.b
select i<<2 AS x FROM t.b
select i>>1 AS x FROM t.b
select i&1 AS x FROM t.b
select i|1 AS x FROM t.b
select i^1 AS x FROM t.b
select ~i AS x FROM t.b
select bit_count(i) AS x FROM t.b
select x'4142' AS x FROM t.b
select 0x41 AS x FROM t.b
select b'101' AS x FROM t.b
select bt+0 AS x FROM t.b
select bt AS x FROM t.b
select en+0 AS x FROM t.b
select hex(bt) AS x FROM t.b
select year(dt) AS x FROM t.b
select month(dt) AS x FROM t.b
select day(dt) AS x FROM t.b
select hour(dtm) AS x FROM t.b
select minute(dtm) AS x FROM t.b
select second(dtm) AS x FROM t.b
select date(dtm) AS x FROM t.b
select date_add(dt, interval 1 day) AS x FROM t.b
select date_add(dtm, interval 1 hour) AS x FROM t.b
select dt + interval 1 day AS x FROM t.b
select datediff(dt,dtm) AS x FROM t.b
select date_format(dt,'%Y-%m') AS x FROM t.b
select dayofweek(dt) AS x FROM t.b
select dayofyear(dt) AS x FROM t.b
select weekday(dt) AS x FROM t.b
select week(dt) AS x FROM t.b
select quarter(dt) AS x FROM t.b
select last_day(dt) AS x FROM t.b
select to_days(dt) AS x FROM t.b
select timestampdiff(day,dt,dtm) AS x FROM t.b
select extract(year from dt) AS x FROM t.b
select dt+0 AS x FROM t.b
select dtm+0 AS x FROM t.b
select monthname(dt) AS x FROM t.b
select dayname(dt) AS x FROM t.b
select microsecond(dtm) AS x FROM t.b
select makedate(2020,3) AS x FROM t.b
select timestamp(dt) AS x FROM t.b
select date_sub(dt, interval 1 hour) AS x FROM t.b
select adddate(dt,1) AS x FROM t.b
select * from t.b
select * from t.b order by id
select id, vc from t.b order by vc, id
select id, vc from t.b order by vc desc, id
select id, i from t.b order by i desc, id limit 2
select vb from t.b order by vb
select count(*), count(vc), count(distinct vc) AS x FROM t.b
select distinct en from t.b
select upper(vc) as v, count(*) as n from t.b group by upper(vc)
select count(*) as n, sum(i) as s, avg(d) as a from t.b where 1=0
select ti, count(*) as n from t.b group by ti having n > 1
select ti, count(*) as n from t.b group by 1 order by 2 desc, 1
select ti as k, sum(i)+1 as s from t.b group by k order by s desc limit 2
select round(avg(d),2) as a, min(vc) as b, max(vc) as c, min(dt) as d from t.b where id<3
select ti, avg(i) as a, sum(dc)/count(*) as x from t.b group by ti order by ti
select id from t.b where vc='abc' order by id
select id from t.b where vc like 'a%' order by id
select id from t.b where vc in ('ABC','x') order by id
select id from t.b where vb='abc' order by id
select id from t.b where tx=12 order by id
select id from t.b where dt='2020-06-15' and dtm >= '2020-01-01' order by id
select id from t.b where dt between '1999-01-01' and '2020-02-01' order by id
select id from t.b where i<=>null order by id
select id from t.b where not (i > 3) order by id
select id from t.b where f = 0.1 order by id
select id from t.b where d < 1 order by id
select id from t.b where bu > 5 order by id
select id from t.b where i in (4,7,null) order by id
select id from t.b where i not in (4,7) order by id
select id from t.b where dc = 10.1234 order by id
select id from t.b where dc in (1.5, 0) order by id
select id from t.b where i order by id
select id from t.b where vc regexp '^[a-z]+$' order by id
select id from t.b where vc like '%\\_%' order by id
select id from t.b where en='X' order by id
select id, en from t.b order by en, id
select a.id as x, b.id as y from t.b as a, t.b as b where a.ti=b.ti and a.id<b.id order by 1,2
select a.id as x, b.id as y from t.b as a left join t.b as b on a.vc=b.vc and b.id<>a.id order by 1,2
select a.id as x from t.b as a join t.b as b on a.id=b.id where b.i>0 order by a.id
select q.n from (select count(*) as n from t.b) as q
select sum(q.s) as s from ((select sum(i) as s from t.b where id=1) union all (select sum(i) as s from t.b where id=2)) as q
select id from t.b where id in (select id from t.b where ti=0) order by id
select id, (select max(i) from t.b) as m from t.b order by id limit 1
(select 1 as a) union all (select 1.5) order by a desc
select case when i > 5 then 'big' when i is null then null else 'small' end as c, count(*) as n from t.b group by c order by c
select sum(case when i>0 then 1 else 0 end) as x, sum(i>0) as y, avg(i>0) as z from t.b
select std(i) as a, var_samp(ti) as b, stddev_samp(ti) as c, variance(dc) as e from t.b where id<>4
select bit_and(ti) as a, bit_or(ti) as b, bit_xor(ti) as c from t.b
select bit_and(ti) as a, bit_or(ti) as b from t.b where 1=0
select i/3 as a, dc/7 as b, ti/si as c, (i+1)/dc as d, sum(i)/3 as e from t.b where id=1
select i/0 as a, d/0 as b, i%0 as c, i div 0 as e from t.b
select cast(f as char) as a, cast(d as char) as b, concat(d,'x',f) as c, concat(dc,dt,dtm) as e from t.b
select cast(tx as signed) as a, tx+0 as b, cast(tx as decimal(10,2)) as c, cast(tx as double) as e from t.b
select cast(d as decimal(5,2)) as a from t.b
select cast(i as decimal(3,1)) as a from t.b
select cast(d as signed) as a, cast(dc as signed) as b, cast(dc as unsigned) as c, cast(ti as unsigned) as e from t.b where id<>4
select round(dc) as a, round(dc,2) as b, truncate(dc,2) as c, round(-dc,3) as e, round(dc,-3) as f, round(dc,6) as g from t.b
select round(f,2) as a, round(d,3) as b from t.b where id<>4
select sum(f) as a, avg(f) as b, min(f) as c, sum(d) as e from t.b where id<>4
select substring(vc,2) as a, substring(vc,-2,1) as b, left(vc,2) as c, right(vc,2) as e, substring(vc,0,2) as f, substring(vc,2,-1) as g from t.b
select instr(vc,'B') as a, locate('b',vc,2) as b, replace(vc,'b','X') as c, reverse(vc) as e, length(vc) as f, char_length(vc) as g, hex(vc) as h, ascii(vc) as i from t.b
select lpad(vc,6,'*') as a, rpad(vc,2,'*') as b, trim(vc) as c, concat_ws('-',vc,i,null,ti) as e, upper(vc) as f, lower(vc) as g, substring_index(vc,'b',1) as h, substring_index(vc,'b',-1) as i2 from t.b
select abs(i) as a, sign(d) as b, floor(dc) as c, ceil(dc) as e, ceil(f) as f, greatest(i,ti,2) as g, least(vc,'b') as h, greatest(d,dc) as i2 from t.b where id<>4
select i<<3 as a, i>>1 as b, i&3 as c, i|8 as e, i^5 as f, ~i as g, bit_count(i) as h from t.b where id<>4
select -1 << 63 as a, 1 << 64 as b, 5 >> 1 as c
select bu+0 as a, bu*1 as b, iu-1 as c from t.b where id=4
select year(dtm) as a, month(dt) as b, date_format(dtm,'%Y/%m/%d %H:%i:%s.%f') as c, date_format(dt,'%a %b %c %e %M %W %j %p %y %l') as e, dayofweek(dt) as f, weekday(dt) as g, week(dt) as h, quarter(dt) as i2, last_day(dt) as j, dayname(dt) as k, monthname(dt) as l from t.b
select dt + interval 1 month as a, dtm - interval 3 hour as b, date_add(dt, interval i day) as c, datediff(dt,'2020-01-01') as e, timestampdiff(month,dt,'2021-01-01') as f, extract(month from dt) as g, date(dtm) as h, microsecond(dtm) as j from t.b where id not in (4)
select ifnull(vc,'none') as a, coalesce(i,ti,0) as b, if(i>0,dc,0) as c, nullif(ti,0) as e, ifnull(i,1.25) as f, ifnull(dt,'x') as g, if(ti,d,i) as h from t.b
select vc, i from t.b where (id,ti) = (1,1)
select 'a' as a, 1 as b, null as c, 1.50 as d, 1e0 as e, -3 as f, true as g
select dc+1 as a, dc*2 as b, dc*dc as c, dc-i as e, dc%3 as f, -dc as g, i*1.5 as h, dc div 3 as i2 from t.b
select i+1 as a, i*2 as b, ti-1 as c, i%3 as e, i div 2 as f, -i as g from t.b where id<>4
select d*2 as a, f*2 as b, d+f as c, -f as e, d%3 as f2, sqrt(d) as g, ln(d) as h, log10(d) as i2, asin(d) as j, pow(ti,2) as k from t.b where id<>4
select sin(ti) as a, cos(d) as b, atan2(ti,si) as c, radians(d) as e, degrees(ti) as g, exp(ti) as h from t.b where id<>4
select vc from t.b group by vc order by vc
select distinct vc from t.b order by vc
select distinct ti, si from t.b order by ti desc, si
select count(distinct ti, si) as a, count(distinct dc) as b from t.b
select i, (i > 3) as a, (vc = 'abc') as b, i is null as c, not i as e, i and ti as f, i or null as g, i xor ti as h from t.b
select (1/3)*3 as a, 1/3+1/3+1/3 as b, i/7*7 as c, 2/3/3 as e, round(2/3,6) as f, cast(2/3 as decimal(20,10)) as g, cast(2/3 as char) as h, 1/3*1e0 as k, concat(2/3) as l, ifnull(2/3,1) as m from t.b where id=1
select avg(i/7)*7 as a, sum(1/3)*3 as b from t.b where id = 1
select id from t.b where i/7 = 0.5714
select id from t.b where i/7 > 0.57142
select 'a'='A ' as a, 'é'='e' as b, 'ß'='s' as c, 'a' like 'A' as e, 'a ' like 'a' as f, 'é' like 'e' as g, 'abc' regexp 'B' as h, '10'=10 as i2, '10abc'=10 as j, 'abc'=0 as k, '1e1'=10.0 as l, ' 5'=5 as m, '5 '+1 as n, 'x'+1 as o, -'3' as p, 'a'<'_' as q, 'Z'<'_' as r
select round(2.5) as a, round(-2.5) as b, round(2.5e0) as c, round(1.005e0,2) as e, round(2.675e0,2) as f, truncate(-1.999e0,2) as g, round(12345.678e0,-2) as h, round(1e20,2) as i, floor(-1.5) as j, ceil(-1.5e0) as k, round(-0.4e0) as l, 5 div 0.3 as m, -7 div 2 as n, -7 % 3 as o, -7.5 % 2 as p, 5.5 div 2 as q, -5.5e0 % 2 as r
select a.vc, count(*) as n from t.b as a group by a.vc having count(*) > 1 and max(a.id) > 2 order by n
select ti, vc, count(*) as n from t.b group by ti order by ti
select max(id) as m from t.b where vc is not null having m > 100
select id from t.b having id > 4 order by id
select id as k from t.b where id > 1 order by k+1 desc limit 2 offset 1
select count(*) as n from t.b group by i+1 order by n, i+1
select dt+0 as a, dtm+0 as b from t.b
select yr, yr+1 as a, bt, bt+1 as b, en+0 as c from t.b
select sum(yr) as a, sum(bt) as b from t.b
select ch, concat(ch,'|') as a, ch='CH' as b from t.b
select max(d) as a, min(d) as b, max(f) as c from t.b
select sum(distinct ti) as a, avg(distinct ti) as b from t.b
select id from t.b where b = '9000000000000000000' order by id
select id from t.b where i in ('4', 7) order by id
select id from t.b limit 18446744073709551615
select hex(bl) AS x FROM t.b
select concat(tx, tx) AS x FROM t.b
select id from t.b where dtm < timestamp '2020-02-01 00:00:00' order by id
select id from t.b where b = '9000000000000000001' order by id
SELECT id, CONCAT(bt) AS x FROM t.b
SELECT ti AS x FROM t.b UNION SELECT si FROM t.b
SELECT COUNT(*) FROM (SELECT vc AS x FROM t.b UNION SELECT 'VC') AS u
(SELECT ti AS x FROM t.b UNION ALL SELECT ti FROM t.b) UNION SELECT 127
SELECT lower(vc) AS x FROM t.b INTERSECT SELECT upper(ch) FROM t.b
SELECT iu AS x FROM t.b INTERSECT ALL SELECT 6 UNION ALL SELECT 6
SELECT iu AS x FROM t.b EXCEPT SELECT 6
SELECT iu AS x FROM t.b EXCEPT ALL SELECT 6
SELECT vc AS x FROM t.b EXCEPT (SELECT ch FROM t.b WHERE ch IS NOT NULL)
SELECT en AS x FROM t.b UNION ALL SELECT en FROM t.b
SELECT en AS x FROM t.b UNION SELECT ch FROM t.b
SELECT id, i > ANY (SELECT ti FROM t.b) AS x FROM t.b
SELECT id, i >= ALL (SELECT ti FROM t.b WHERE ti IS NOT NULL) AS x FROM t.b
SELECT id, i >= ALL (SELECT ti FROM t.b) AS x, i = ANY (SELECT si FROM t.b WHERE id > 100) AS y FROM t.b
SELECT id, vc = ANY (SELECT upper(ch) FROM t.b) AS x FROM t.b
SELECT id, (ti, si) IN (SELECT ti, si FROM t.b WHERE id < 3) AS x FROM t.b
SELECT id, (ti, si) NOT IN (SELECT ti, si FROM t.b) AS x FROM t.b
SELECT id, (vc, ti) IN (SELECT upper(vc), ti FROM t.b WHERE vc IS NOT NULL) AS x FROM t.b
SELECT id FROM t.b WHERE (ti, si) = (SELECT ti, si FROM t.b WHERE id = 2)
SELECT a.id AS x, c.id AS y FROM t.b AS a LEFT JOIN (t.b AS b JOIN t.b AS c ON b.id = c.id) ON a.id = b.id + 1
SELECT t.i FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 2 FROM n WHERE i < 9) SELECT * FROM n) AS t
SELECT t.i FROM (WITH RECURSIVE n(i) AS (SELECT 0 UNION SELECT (i + 3) % 10 FROM n) SELECT * FROM n) AS t
SELECT COUNT(*) AS x FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 2 FROM n) SELECT * FROM n) AS t
SELECT id, row_number() OVER (ORDER BY vc, id) AS x, rank() OVER (ORDER BY vc) AS y, dense_rank() OVER (ORDER BY en DESC) AS z FROM t.b ORDER BY id
SELECT id, percent_rank() OVER (ORDER BY d) AS x, cume_dist() OVER (ORDER BY d) AS y, ntile(3) OVER (ORDER BY id) AS z FROM t.b ORDER BY id
SELECT id, lag(vc) OVER (ORDER BY id) AS x, lead(en, 2) OVER (ORDER BY id) AS y, first_value(dc) OVER (ORDER BY id) AS z FROM t.b ORDER BY id
SELECT id, last_value(dt) OVER (ORDER BY id) AS x, nth_value(f, 2) OVER (ORDER BY id) AS y FROM t.b ORDER BY id
SELECT id, sum(i) OVER (ORDER BY id) AS x, avg(dc) OVER (PARTITION BY ti > 0) AS y, count(vc) OVER (PARTITION BY vc) AS z FROM t.b ORDER BY id
SELECT id, min(vc) OVER (PARTITION BY ti > 0) AS x, max(en) OVER () AS y, bit_or(ti) OVER () AS z, max(length(vc)) OVER () AS w FROM t.b ORDER BY id
SELECT id, sum(i) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS x, count(*) OVER (ORDER BY si RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS y FROM t.b ORDER BY id
SELECT id, median(i) OVER () AS x, percentile_cont(0.25) WITHIN GROUP (ORDER BY dc DESC) OVER () AS y, percentile_disc(0.5) WITHIN GROUP (ORDER BY si) OVER () AS z FROM t.b ORDER BY id
SELECT ti > 0 AS x, sum(count(*)) OVER (ORDER BY ti > 0) AS y FROM t.b GROUP BY ti > 0 ORDER BY 1
SELECT max(length(vc)) AS x, min(i) AS y, max(i + 1) AS z FROM t.b
