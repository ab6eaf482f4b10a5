/*
 * partition_change.c
 *		Whether an ALTER TABLE attached or detached a partition.
 *
 * An event trigger in SQL learns which table was altered, but not how.  Only
 * the command itself tells an ATTACH from an ADD CONSTRAINT, which a parallel
 * restore runs while some triggers of a protection are still to come.
 */
#include "govcase.h"

#include "nodes/parsenodes.h"
#include "tcop/deparse_utility.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(govcase_partition_change);

/*
 * partition_change(pg_ddl_command) returns text
 *
 * 'attach' or 'detach', NULL where the command does neither; no command does
 * both.  Only for what pg_event_trigger_ddl_commands() returns: the type has no
 * other values.
 */
Datum
govcase_partition_change(PG_FUNCTION_ARGS)
{
	CollectedCommand *command = (CollectedCommand *) PG_GETARG_POINTER(0);
	ListCell *cell;

	if (command->type != SCT_AlterTable)
		PG_RETURN_NULL();
	foreach (cell, command->d.alterTable.subcmds)
	{
		CollectedATSubcmd *subcommand = lfirst(cell);
		AlterTableType type = castNode(AlterTableCmd, subcommand->parsetree)->subtype;

		if (type == AT_AttachPartition)
			PG_RETURN_TEXT_P(cstring_to_text("attach"));
		if (AlterTableTypeIsDetach(type))
			PG_RETURN_TEXT_P(cstring_to_text("detach"));
	}
	PG_RETURN_NULL();
}
