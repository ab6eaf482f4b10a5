-- The types in databases of other encodings: the extension can be created there, and
-- Chinese labels are read and written in the database's own bytes.
\set QUIET on
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS govcase_test_euc_cn;
DROP DATABASE IF EXISTS govcase_test_euc_jp;
DROP DATABASE IF EXISTS govcase_test_latin1;
DROP DATABASE IF EXISTS govcase_test_sql_ascii;
CREATE DATABASE govcase_test_euc_cn TEMPLATE template0 ENCODING 'EUC_CN' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE govcase_test_euc_jp TEMPLATE template0 ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE govcase_test_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE govcase_test_sql_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';

-- EUC_CN, with a client that speaks UTF-8.
\c govcase_test_euc_cn
SET client_min_messages = warning;
CREATE EXTENSION govcase CASCADE;
RESET client_min_messages;
SET search_path = govcase, public;
SET client_encoding = 'UTF8';
SELECT value, label(value, 'zh'), label(value, 'zh')::risk_level = value AS read_back,
	convert_to(label(value, 'zh'), 'EUC_CN') AS bytes
FROM risk_levels();
SELECT count(*), bool_and(label_zh::case_state = value) AS read_back FROM case_states();
SELECT '　红色　'::risk_level, '办结'::case_state;
SELECT '紫'::risk_level;
-- A client that speaks EUC_CN means the same.
SET client_encoding = 'EUC_CN';
SELECT convert_from('\xbaec', 'EUC_CN')::risk_level;

-- EUC_JP is no encoding of simplified Chinese, but has the characters of one label.
\c govcase_test_euc_jp
SET client_min_messages = warning;
CREATE EXTENSION govcase CASCADE;
RESET client_min_messages;
SET search_path = govcase, public;
SET client_encoding = 'UTF8';
SELECT '移送'::case_state, '　RED　'::risk_level;
SELECT count(*), count(label_zh) FROM case_states();
SELECT label('transferred'::case_state, 'zh');
SELECT '紫'::risk_level;

-- LATIN1 has none; the list is whole all the same.
\c govcase_test_latin1
SET client_min_messages = warning;
CREATE EXTENSION govcase CASCADE;
RESET client_min_messages;
SET search_path = govcase, public;
SET client_encoding = 'UTF8';
SELECT value, rank, label_en, label_zh FROM risk_levels();
SELECT ' Red '::risk_level, label('red'::risk_level, 'en');
SELECT label('red'::risk_level, 'zh');
\echo :SQLSTATE
SELECT 'é'::risk_level;
\echo :SQLSTATE

-- In SQL_ASCII bytes mean what their writer meant; they are taken for UTF-8, and
-- those that are not are refused like any other bad label.
\c govcase_test_sql_ascii
SET client_min_messages = warning;
CREATE EXTENSION govcase CASCADE;
RESET client_min_messages;
SET search_path = govcase, public;
SET client_encoding = 'SQL_ASCII';
SELECT '红'::risk_level, ' Closed '::case_state, label('blue'::risk_level, 'zh');
SELECT 'purple'::risk_level;
\set VERBOSITY sqlstate
SELECT E'\xff'::risk_level;
SELECT E'\xe7\xba'::risk_level;
SELECT E'\xba\xec'::risk_level;
SELECT E'\xe3\x80'::risk_level;
\set VERBOSITY default

\c :home
DROP DATABASE govcase_test_euc_cn;
DROP DATABASE govcase_test_euc_jp;
DROP DATABASE govcase_test_latin1;
DROP DATABASE govcase_test_sql_ascii;
