# The server is killed while base records lie staged.  What was staged is gone, and
# said to be; what was imported is there; and the file, copied again, is imported once.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('import');
$node->init;
$node->start;
my $as_importer = "SET search_path = city, govcase, public; SET govcase.account = 'importer';";

sub import_file
{
	my ($statements) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "$as_importer\n$statements");
	return $status ? "$out$err" : $out;
}

$node->safe_psql('postgres', q(
CREATE EXTENSION govcase CASCADE;
CALL govcase.create_registry('city');
SET search_path = city, govcase, public;
INSERT INTO region VALUES ('411600000000', '411699999999', 1, NULL, 'city');
INSERT INTO department (name, region) VALUES ('health', '411600000000');
INSERT INTO account VALUES ('importer');
INSERT INTO account_duty (account, duty, department) VALUES ('importer', 'importer', 1);
INSERT INTO account_login VALUES (session_user, 'vouched', NULL);
));

sub file
{
	my ($kind, $first, $last) = @_;
	return "COPY element_import (source_key, kind, region) FROM stdin;\n"
		. join('', map { "k$_\t$kind\t411600000000\n" } $first .. $last) . "\\.\n";
}

is(import_file("BEGIN;\nSELECT start_import(1);\n" . file('thing', 1, 1000) . "SELECT import_elements(1);\nCOMMIT;"),
	"1\n(1000,0,0,0)", 'a first file is imported');
is(import_file("BEGIN;\nSELECT start_import(1);\n" . file('place', 501, 1500) . 'COMMIT;'), '2', 'a second one is staged');
is($node->safe_psql('postgres', 'SELECT count(*) FROM city.element_import'), '1000', 'its rows lie there');

$node->stop('immediate');
$node->start;

is($node->safe_psql('postgres', 'SELECT count(*) FROM city.element_import'), '0', 'after the crash nothing is staged');
is($node->safe_psql('postgres', 'SELECT count(*), min(kind), max(kind) FROM city.element'),
	'1000|thing|thing', 'what was imported is there');
like(import_file('SELECT import_elements(2);'), qr/no rows are staged for import 2/, 'the second import says so');
is(import_file("BEGIN;\nSELECT stage_import(2);\n" . file('place', 501, 1500) . "SELECT import_elements(2);\nCOMMIT;"),
	"\n(500,500,0,0)", 'copied again it is imported');
is($node->safe_psql('postgres', q(SELECT kind, count(*), min(right(source_key, -1)::integer), max(right(source_key, -1)::integer)
	FROM city.element GROUP BY 1 ORDER BY 1)), "place|1000|501|1500\nthing|500|1|500", 'each record once');
is($node->safe_psql('postgres', 'SELECT id, new, changed, unchanged, rejected FROM city.import_run ORDER BY id'),
	"1|1000|0|0|0\n2|500|500|0|0", 'and counted once');

$node->stop;
done_testing();
