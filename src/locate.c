/*
 * locate.c
 *		The grid that a point lies in, by function and by trigger.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "grid.h"
#include "placement.h"
#include "planar.h"

/* Where the grids of a set are, for the tables of one owner. */
typedef struct GridSetEntry
{
	pg_uuid_t grid_set; /* hash key, with the next; must be first */
	Oid owner;
	Placement *placement;
	uint64 generation; /* of the placement, when it was found there */
} GridSetEntry;

/* What one expression or trigger knows during a statement. */
typedef struct CallState
{
	Placement *placement;
	Oid user; /* whose right to read the grids was checked */
	uint64 generation;
	TransactionId snapshot_xmax;
	uint32 snapshot_xcnt;
} CallState;

typedef struct TriggerState
{
	CallState call;
	AttrNumber point;
	AttrNumber grid;
	AttrNumber version; /* InvalidAttrNumber: the table has none */
	Oid grid_type;      /* the domain, where it is one */
	Oid grid_base;
	int32 grid_typmod;
	void *domain_extra;
} TriggerState;

/* A point as it lies in a row. */
typedef struct Point
{
	bool is_point;
	bool is_empty;
	int32 srid;
	MapPoint at;
} Point;

static HTAB *grid_sets = NULL;

PG_FUNCTION_INFO_V1(govcase_locate);
PG_FUNCTION_INFO_V1(govcase_assign_grid);
PG_FUNCTION_INFO_V1(govcase_grid_set);
PG_FUNCTION_INFO_V1(govcase_grids_of_set);
PG_FUNCTION_INFO_V1(govcase_why_unplaced);

/* ---------------------------------------------------------------------------
 * Points
 * ---------------------------------------------------------------------------
 */

/* As PostGIS stores them: flags, and the number of type POINT. */
#define SERIALIZED_HAS_Z     0x01
#define SERIALIZED_HAS_M     0x02
#define SERIALIZED_VERSION_2 0x40
#define SERIALIZED_POINT     1
#define SERIALIZED_HEADER    4 /* SRID and flags, behind the length word */

static Oid
point_function(const char *name)
{
	return postgis_function(name, 1, (Oid[]){geometry_type_oid()});
}

/* What PostGIS's own functions say of a geometry. */
static void
ask_about_point(Datum geometry, Point *point)
{
	char *type = TextDatumGetCString(
		OidFunctionCall1(point_function("st_geometrytype"), geometry));

	point->is_point = strcmp(type, "ST_Point") == 0;
	point->srid = DatumGetInt32(OidFunctionCall1(point_function("st_srid"), geometry));
	point->is_empty =
		DatumGetBool(OidFunctionCall1(point_function("st_isempty"), geometry));
	if (point->is_empty || !point->is_point)
		return;
	point->at.x = DatumGetFloat8(OidFunctionCall1(point_function("st_x"), geometry));
	point->at.y = DatumGetFloat8(OidFunctionCall1(point_function("st_y"), geometry));
}

/*
 * Read a point.  Calling PostGIS for each ordinate costs more than placing it, so
 * the form in which nearly every point is stored is read directly: length, SRID
 * in 21 bits, flags, type, number of points, ordinates.  Whatever has other flags
 * than that form is left to PostGIS.
 */
static void
read_point(Datum geometry, Point *point)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(geometry);
	const unsigned char *bytes;
	Size length;
	uint32 words[2];
	uint32 srid;

	if (VARATT_IS_COMPRESSED(value) || VARATT_IS_EXTERNAL(value))
		value = pg_detoast_datum(value);
	bytes = (const unsigned char *) VARDATA_ANY(value);
	length = VARSIZE_ANY_EXHDR(value);
	if (length < SERIALIZED_HEADER + sizeof(words) ||
		(bytes[3] & ~(SERIALIZED_HAS_Z | SERIALIZED_HAS_M)) != SERIALIZED_VERSION_2)
	{
		ask_about_point(geometry, point);
		return;
	}
	memcpy(words, bytes + SERIALIZED_HEADER, sizeof(words));
	if (words[0] != SERIALIZED_POINT || words[1] > 1 ||
		(words[1] == 1 &&
		 length < SERIALIZED_HEADER + sizeof(words) + 2 * sizeof(double)))
	{
		ask_about_point(geometry, point);
		return;
	}
	srid = (uint32) bytes[0] << 16 | (uint32) bytes[1] << 8 | bytes[2];
	point->srid = (int32) (srid << 11) >> 11;
	point->is_point = true;
	point->is_empty = words[1] == 0;
	if (!point->is_empty)
		memcpy(&point->at, bytes + SERIALIZED_HEADER + sizeof(words), sizeof(MapPoint));
}

/* What keeps a point from being placed anywhere; NULL: nothing. */
static const char *
why_unplaceable(const Point *point)
{
	if (point->is_empty)
		return "empty";
	if (isnan(point->at.x) || isnan(point->at.y))
		return "not a number";
	if (isinf(point->at.x) || isinf(point->at.y))
		return "infinite";
	return NULL;
}

static bool
is_in_range(Placement *placement, const Point *point)
{
	return (fabs(point->at.x) <= 180 && fabs(point->at.y) <= 90) ||
		   !placement_is_geographic(placement);
}

/* Errors: 22023 for no point or another SRID, VC005 for degrees that there are not. */
static void
check_point(Placement *placement, const Point *point)
{
	if (!point->is_point)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only a point can be placed in a grid"),
				 errhint("Place a point of the geometry, such as ST_PointOnSurface().")));
	if (point->srid != placement->srid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("point has SRID %d, but grids of table \"%s\" have SRID %d",
						point->srid, get_rel_name(placement->grids), placement->srid),
				 point->srid == 0
					 ? errhint("Say which it has with ST_SetSRID(point, ...), and bring "
							   "it to the grids' with ST_Transform(point, %d).",
							   placement->srid)
				 : placement->srid == 0
					 ? errhint("Where the coordinates are the same, say so with "
							   "ST_SetSRID(point, 0).")
					 : errhint("Bring it to the grids' with ST_Transform(point, %d).",
							   placement->srid)));
	if (why_unplaceable(point) == NULL && !is_in_range(placement, point))
		ereport(ERROR,
				(errcode(ERRCODE_VC_GRID),
				 errmsg("point lies outside the range of longitude and latitude"),
				 errdetail("Its coordinates are %g and %g, in SRID %d.", point->at.x,
						   point->at.y, point->srid),
				 errhint("Longitude comes first, -180 to 180, then latitude, -90 to "
						 "90.")));
}

/* ---------------------------------------------------------------------------
 * Once a statement
 * ---------------------------------------------------------------------------
 */

static bool
may_read_grids(const Placement *placement, Oid user)
{
	return pg_class_aclcheck(placement->grids, user, ACL_SELECT) == ACLCHECK_OK ||
		   (pg_attribute_aclcheck(placement->grids, placement->code, user, ACL_SELECT) ==
				ACLCHECK_OK &&
			pg_attribute_aclcheck(placement->grids, placement->boundary, user,
								  ACL_SELECT) == ACLCHECK_OK);
}

/*
 * Have news of changed boundaries come in, if this is another statement than the
 * last.  An expression that PL/pgSQL keeps is one and the same for a whole
 * transaction; but then each evaluation has a snapshot of its own, in which a
 * transaction that has ended meanwhile shows.
 */
static bool
note_statement(CallState *state)
{
	TransactionId xmax = InvalidTransactionId;
	uint32 xcnt = 0;

	if (ActiveSnapshotSet())
	{
		Snapshot snapshot = GetActiveSnapshot();

		xmax = snapshot->xmax;
		xcnt = snapshot->xcnt;
	}
	if (xmax == state->snapshot_xmax && xcnt == state->snapshot_xcnt &&
		TransactionIdIsValid(xmax))
		return false;
	state->snapshot_xmax = xmax;
	state->snapshot_xcnt = xcnt;
	AcceptInvalidationMessages();
	return true;
}

/* Does what was checked before hold no more? */
static inline bool
is_outdated(const CallState *state)
{
	return state->placement == NULL || !state->placement->ready ||
		   state->generation != state->placement->generation;
}

static void
use_placement(CallState *state, Oid grids)
{
	state->placement = placement_of(grids);
	state->generation = state->placement->generation;
}

/* ---------------------------------------------------------------------------
 * The function
 * ---------------------------------------------------------------------------
 */

/* 42501 where the caller may not see every grid. */
static void
check_reader(const Placement *placement, Oid user)
{
	if (!may_read_grids(placement, user))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(placement->grids));
	if (check_enable_rls(placement->grids, user, true) == RLS_ENABLED)
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row security hides grids of table \"%s\" from role \"%s\"",
					get_rel_name(placement->grids), GetUserNameFromId(user, false)),
			 errhint("Placement sees all grids or none; the trigger assign_grid places "
					 "rows as the tables' owners allow.")));
}

/*
 * locate(grids regclass, point geometry) returns text
 *
 * The code of the grid that covers the point, the first by rank of kind and then
 * by code; NULL where there is none and where the point is empty, infinite or not
 * a number.  STRICT.  STABLE: like a look-up in the catalog, it answers by what is
 * committed when it is asked.  PARALLEL SAFE: a worker builds its own tiles.
 * Errors: 22023 for another SRID and for what is no point, VC005 for coordinates
 * that are no degrees, 42501, and those of protection_of_grids().
 */
Datum
govcase_locate(PG_FUNCTION_ARGS)
{
	Oid grids = PG_GETARG_OID(0);
	Datum geometry = PG_GETARG_DATUM(1);
	CallState *state = fcinfo->flinfo->fn_extra;
	Oid user = GetUserId();
	PlacementAnswer answer;
	Point point;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallState));
		fcinfo->flinfo->fn_extra = state;
	}
	note_statement(state);
	if (is_outdated(state) || state->placement->grids != grids || state->user != user)
	{
		use_placement(state, grids);
		check_reader(state->placement, user);
		state->user = user;
	}

	read_point(geometry, &point);
	check_point(state->placement, &point);
	if (why_unplaceable(&point) != NULL)
		PG_RETURN_NULL();
	place_point(state->placement, &point.at, geometry, false, &answer);
	if (answer.code == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(answer.code);
}

/* ---------------------------------------------------------------------------
 * The trigger
 * ---------------------------------------------------------------------------
 */

/*
 * The table whose carrier bears the grid set; InvalidOid where there is none, or
 * more than one.  A table of the owner counts before others, because anybody can
 * write down somebody else's grid set.
 */
static Oid
find_grids_of_set(const pg_uuid_t *grid_set, Oid owner)
{
	char *text = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(grid_set)));
	List *tables = tables_of_grid_set(text, owner);

	if (tables == NIL)
		tables = tables_of_grid_set(text, InvalidOid);
	return list_length(tables) == 1 ? linitial_oid(tables) : InvalidOid;
}

/* The same, remembered until that table changes. */
static Oid
grids_of_set(const pg_uuid_t *grid_set, Oid owner)
{
	GridSetEntry key;
	GridSetEntry *entry;
	Oid grids;

	if (grid_sets == NULL)
	{
		HASHCTL control;

		memset(&control, 0, sizeof(control));
		control.keysize = offsetof(GridSetEntry, placement);
		control.entrysize = sizeof(GridSetEntry);
		grid_sets = hash_create("govcase grid sets", 8, &control, HASH_ELEM | HASH_BLOBS);
	}
	memset(&key, 0, sizeof(key));
	key.grid_set = *grid_set;
	key.owner = owner;
	entry = hash_search(grid_sets, &key, HASH_FIND, NULL);
	if (entry != NULL && entry->generation == entry->placement->generation)
		return entry->placement->grids;
	grids = find_grids_of_set(grid_set, owner);
	if (!OidIsValid(grids))
		return InvalidOid;
	entry = hash_search(grid_sets, &key, HASH_ENTER, NULL);
	entry->placement = placement_entry(grids);
	entry->generation = entry->placement->generation;
	return grids;
}

static void
wrong_trigger(const Trigger *trigger, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
					errmsg("trigger \"%s\" cannot place rows", trigger->tgname),
					errdetail_internal("%s", detail),
					errhint("Use govcase.place_by() to create it.")));
}

/* The grid set that the trigger names. */
static pg_uuid_t
trigger_grid_set(const Trigger *trigger)
{
	if (trigger->tgnargs != 1 || strlen(trigger->tgargs[0]) != 36 ||
		strspn(trigger->tgargs[0], "0123456789abcdef-") != 36)
		wrong_trigger(trigger, "Its argument is not the set of a table of grids.");
	return *DatumGetUUIDP(
		DirectFunctionCall1(uuid_in, CStringGetDatum(trigger->tgargs[0])));
}

/* Look the trigger's columns up, and check that they can be filled. */
static void
read_trigger(TriggerState *state, Relation relation, const Trigger *trigger)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	Form_pg_attribute grid;

	if (trigger->tgnattr != 2 && trigger->tgnattr != 3)
		wrong_trigger(trigger, "It has to be for UPDATE OF the columns of the point, the "
							   "grid and, where there is one, the grid's version.");
	state->point = trigger->tgattr[0];
	state->grid = trigger->tgattr[1];
	state->version = trigger->tgnattr == 3 ? trigger->tgattr[2] : InvalidAttrNumber;
	if (TupleDescAttr(descriptor, state->point - 1)->atttypid != geometry_type_oid())
		wrong_trigger(trigger, "Its first column is no geometry.");
	grid = TupleDescAttr(descriptor, state->grid - 1);
	state->grid_type = grid->atttypid;
	state->grid_typmod = grid->atttypmod;
	state->grid_base = getBaseTypeAndTypmod(grid->atttypid, &state->grid_typmod);
	if (state->grid_base != TEXTOID && state->grid_base != VARCHAROID)
		wrong_trigger(trigger, "Its second column is neither text nor varchar.");
	if (state->version != InvalidAttrNumber &&
		TupleDescAttr(descriptor, state->version - 1)->atttypid != INT8OID)
		wrong_trigger(trigger, "Its third column is no bigint.");
}

/* VC007 where the grids cannot be found, 42501 where the owner may not see them. */
static void
find_trigger_grids(CallState *state, Relation relation, const Trigger *trigger)
{
	pg_uuid_t grid_set = trigger_grid_set(trigger);
	Oid owner = relation->rd_rel->relowner;
	Oid grids = grids_of_set(&grid_set, owner);

	if (!OidIsValid(grids))
		ereport(
			ERROR,
			(errcode(ERRCODE_VC_NOT_TRUSTED),
			 errmsg("the grids by which table \"%s\" is placed cannot be found",
					RelationGetRelationName(relation)),
			 errdetail("Trigger \"%s\" names a grid set that no protected table bears, "
					   "or more than one.",
					   trigger->tgname),
			 errhint("Protect the grids again with govcase.protect_grids() and call "
					 "govcase.place_by(), or govcase.unplace_by() to do without."),
			 errtable(relation)));
	use_placement(state, grids);
	if (!may_read_grids(state->placement, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", get_rel_name(grids)),
				 errdetail(
					 "Role \"%s\", who owns table \"%s\", may not read the grids by "
					 "which it is placed.",
					 GetUserNameFromId(owner, false), RelationGetRelationName(relation)),
				 errtable(relation)));
	state->user = owner;
}

/*
 * Does the command name the point? A command that names only the grid or its
 * version sets them by hand.  Where the server does not tell (13), whoever changed
 * the grid but not the point is taken to have done that.
 */
static bool
names_point(const TriggerData *data, const TriggerState *state)
{
	const Bitmapset *columns = TriggerUpdatedColumns(data);
	TupleDesc descriptor = RelationGetDescr(data->tg_relation);
	const AttrNumber attnums[] = {state->point, state->grid, state->version};
	bool changed[3] = {false, false, false};

	if (columns != NULL)
		return bms_is_member(state->point - FirstLowInvalidHeapAttributeNumber, columns);
	for (int i = 0; i < 3 && attnums[i] != InvalidAttrNumber; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, attnums[i] - 1);
		bool old_is_null;
		bool new_is_null;
		Datum old_value =
			heap_getattr(data->tg_trigtuple, attnums[i], descriptor, &old_is_null);
		Datum new_value =
			heap_getattr(data->tg_newtuple, attnums[i], descriptor, &new_is_null);

		changed[i] =
			old_is_null != new_is_null ||
			(!old_is_null && !datum_image_eq(old_value, new_value, attribute->attbyval,
											 attribute->attlen));
	}
	return changed[0] || !(changed[1] || changed[2]);
}

/* The value for the grid's column, as an assignment would make it. */
static Datum
grid_column_value(TriggerState *state, FmgrInfo *flinfo, const text *code)
{
	Datum value = PointerGetDatum(code);

	if (code != NULL && state->grid_base == VARCHAROID && state->grid_typmod >= 0)
		value = DirectFunctionCall3(varchar, value, Int32GetDatum(state->grid_typmod),
									BoolGetDatum(false));
	if (state->grid_type != state->grid_base)
		domain_check(value, code == NULL, state->grid_type, &state->domain_extra,
					 flinfo->fn_mcxt);
	return value;
}

/*
 * A row without a point, whose grid was set by hand: it bears the version of that
 * grid, unless it bears one already.
 */
static HeapTuple
with_version_of_grid(TriggerState *state, Relation relation, const Trigger *trigger,
					 HeapTuple row)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	Snapshot snapshot;
	Datum grid;
	Datum version;
	bool isnull;
	int column = state->version;
	int64 number;
	bool found;

	if (state->version == InvalidAttrNumber || grid_version_hook == NULL)
		return row;
	grid = heap_getattr(row, state->grid, descriptor, &isnull);
	if (isnull)
		return row;
	(void) heap_getattr(row, state->version, descriptor, &isnull);
	if (!isnull)
		return row;
	note_statement(&state->call);
	if (is_outdated(&state->call))
		find_trigger_grids(&state->call, relation, trigger);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	found = grid_version_hook(state->call.placement->grids, TextDatumGetCString(grid),
							  snapshot, &number);
	UnregisterSnapshot(snapshot);
	if (!found)
		return row;
	version = Int64GetDatum(number);
	isnull = false;
	return heap_modify_tuple_by_cols(row, descriptor, 1, &column, &version, &isnull);
}

/*
 * assign_grid('<grid set>'): BEFORE INSERT OR UPDATE OF point, grid [, version]
 * FOR EACH ROW
 *
 * Fills the grid of a row, and the grid's version, by its point; both are NULL
 * where the point is in no grid.  A row without a point keeps what it says, and
 * bears the version of the grid that it names.  The columns are those of UPDATE OF,
 * in this order, so that they follow renames and dumps.  Errors: 39P01 where it is
 * used otherwise, VC007, 42501, those of locate(), and what an assignment to the
 * column raises.
 */
Datum
govcase_assign_grid(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerState *state = fcinfo->flinfo->fn_extra;
	HeapTuple row;
	TupleDesc descriptor;
	PlacementAnswer answer;
	Datum geometry;
	Point point;
	int columns[2];
	Datum values[2];
	bool nulls[2];
	int ncolumns = 0;
	bool isnull;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"assign_grid\" was not called by a trigger"),
						errhint("Use govcase.place_by() to create one.")));
	if (!TRIGGER_FIRED_BEFORE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(data->tg_event))
		wrong_trigger(data->tg_trigger,
					  "It has to fire before INSERT or UPDATE, for each "
					  "row.");
	if (state == NULL)
	{
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(TriggerState));
		read_trigger(state, data->tg_relation, data->tg_trigger);
		fcinfo->flinfo->fn_extra = state;
	}
	row =
		TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	descriptor = RelationGetDescr(data->tg_relation);
	geometry = heap_getattr(row, state->point, descriptor, &isnull);
	if (isnull)
		return PointerGetDatum(
			with_version_of_grid(state, data->tg_relation, data->tg_trigger, row));
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) && !names_point(data, state))
		return PointerGetDatum(row);

	note_statement(&state->call);
	if (is_outdated(&state->call))
		find_trigger_grids(&state->call, data->tg_relation, data->tg_trigger);
	read_point(geometry, &point);
	check_point(state->call.placement, &point);
	if (why_unplaceable(&point) == NULL)
		place_point(state->call.placement, &point.at, geometry,
					state->version != InvalidAttrNumber, &answer);
	else
	{
		answer.code = NULL;
		answer.has_version = false;
	}

	columns[ncolumns] = state->grid;
	values[ncolumns] = grid_column_value(state, fcinfo->flinfo, answer.code);
	nulls[ncolumns++] = answer.code == NULL;
	if (state->version != InvalidAttrNumber)
	{
		columns[ncolumns] = state->version;
		values[ncolumns] = Int64GetDatum(answer.version);
		nulls[ncolumns++] = !answer.has_version;
	}
	return PointerGetDatum(
		heap_modify_tuple_by_cols(row, descriptor, ncolumns, columns, values, nulls));
}

/* ---------------------------------------------------------------------------
 * What SQL asks
 * ---------------------------------------------------------------------------
 */

/*
 * grid_set(grids regclass) returns (grid_set uuid, srid integer)
 *
 * What place_by() has to know.  Errors as protection_of_grids_table().
 */
Datum
govcase_grid_set(PG_FUNCTION_ARGS)
{
	GridProtection *protection = protection_of_grids_table(PG_GETARG_OID(0));
	pg_uuid_t *grid_set = palloc(sizeof(pg_uuid_t));
	TupleDesc descriptor;
	Datum values[2];
	bool nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	*grid_set = protection->grid_set;
	values[0] = UUIDPGetDatum(grid_set);
	values[1] = Int32GetDatum(protection->srid);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

/*
 * grids_of_set(grid_set uuid, owner oid) returns regclass
 *
 * The table by which a trigger of this owner's table places; NULL where there is
 * none, or more than one.
 */
Datum
govcase_grids_of_set(PG_FUNCTION_ARGS)
{
	Oid grids = find_grids_of_set(PG_GETARG_UUID_P(0), PG_GETARG_OID(1));

	if (!OidIsValid(grids))
		PG_RETURN_NULL();
	PG_RETURN_OID(grids);
}

/*
 * why_unplaced(grids regclass, point geometry) returns text
 *
 * What keeps a geometry from being placed among these grids, in words; NULL:
 * nothing.  STRICT, STABLE.  Errors as protection_of_grids().
 */
Datum
govcase_why_unplaced(PG_FUNCTION_ARGS)
{
	Placement *placement = placement_of(PG_GETARG_OID(0));
	const char *reason;
	Point point;

	read_point(PG_GETARG_DATUM(1), &point);
	if (!point.is_point)
		reason = "not a point";
	else if (point.srid != placement->srid)
		reason = "of another SRID";
	else
	{
		reason = why_unplaceable(&point);
		if (reason == NULL && !is_in_range(placement, &point))
			reason = "out of range";
	}
	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}
