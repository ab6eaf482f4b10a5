/*
 * compat.h
 *		The differences between PostgreSQL 13 and 18, in one place.
 *
 * Each #if says what is new in which version and gives a shim for the others.
 * No other file of govcase compares PG_VERSION_NUM.
 */
#ifndef GOVCASE_COMPAT_H
#define GOVCASE_COMPAT_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/guc.h"

#if PG_VERSION_NUM < 130000
#error "govcase needs PostgreSQL 13 or later"
#endif

/* MarkGUCPrefixReserved is new in pg15; before, its task had another name. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/*
 * TriggerData.tg_updatedcols is new in pg14: which columns SET names.  Before,
 * nobody can tell, and only a changed value counts as given.
 */
#if PG_VERSION_NUM >= 140000
#define TriggerUpdatedColumns(trigdata) ((trigdata)->tg_updatedcols)
#else
#define TriggerUpdatedColumns(trigdata) ((const Bitmapset *) NULL)
#endif

/*
 * Soft errors are new in pg16: an input function reports bad text through
 * escontext instead of throwing.
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#define GovcaseReturnError(fcinfo, ...) ereturn((fcinfo)->context, (Datum) 0, __VA_ARGS__)
#else
#define GovcaseReturnError(fcinfo, ...) \
	do \
	{ \
		ereport(ERROR, __VA_ARGS__); \
		PG_RETURN_NULL(); \
	} while (0)
#endif

/* PG_MODULE_MAGIC_EXT is new in pg18: the library tells its name and version. */
#if PG_VERSION_NUM >= 180000
#define GOVCASE_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "govcase", .version = GOVCASE_VERSION)
#else
#define GOVCASE_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/*
 * InitMaterializedSRF is new in pg15 as SetSingleFuncCall, renamed in pg16;
 * before, each function prepared its tuplestore itself (govcase.c does).
 */
#if PG_VERSION_NUM >= 160000
#include "funcapi.h"
#elif PG_VERSION_NUM >= 150000
#include "funcapi.h"
#define InitMaterializedSRF(fcinfo, flags) SetSingleFuncCall(fcinfo, flags)
#else
#include "funcapi.h"
#define GOVCASE_OWN_MATERIALIZED_SRF
extern void govcase_materialized_srf(FunctionCallInfo fcinfo);
#define InitMaterializedSRF(fcinfo, flags) govcase_materialized_srf(fcinfo)
#endif

/*
 * A sort specialised for ssup_datum_unsigned_cmp is new in pg15.  Until pg17 it
 * compares the first key of ties twice, which costs a column with few distinct
 * values more than it gains; before, a plain comparator does better.
 */
#include "utils/sortsupport.h"

#if PG_VERSION_NUM >= 170000
#define UnsignedDatumComparator ssup_datum_unsigned_cmp
#else
static inline int
UnsignedDatumComparator(Datum x, Datum y, SortSupport support pg_attribute_unused())
{
	return (x > y) - (x < y);
}
#endif

/*
 * pg_do_encoding_conversion_buf is new in pg14: it stops at a character that has
 * no equivalent; before, the conversion itself raises 22P05.
 */
#if PG_VERSION_NUM < 140000
static inline int
pg_do_encoding_conversion_buf(Oid conversion, int from, int to, unsigned char *source,
							  int source_length, unsigned char *target,
							  int target_length pg_attribute_unused(),
							  bool no_error pg_attribute_unused())
{
	OidFunctionCall5(conversion, Int32GetDatum(from), Int32GetDatum(to),
					 CStringGetDatum((char *) source), CStringGetDatum((char *) target),
					 Int32GetDatum(source_length));
	return source_length;
}
#endif

/* index_beginscan takes a place for instrumentation since pg18. */
#if PG_VERSION_NUM >= 180000
#define index_beginscan_compat(table, index, snapshot, nkeys) \
	index_beginscan(table, index, snapshot, NULL, nkeys, 0)
#else
#define index_beginscan_compat(table, index, snapshot, nkeys) \
	index_beginscan(table, index, snapshot, nkeys, 0)
#endif

/* DETACH PARTITION … FINALIZE, after CONCURRENTLY was interrupted, is new in pg14. */
#if PG_VERSION_NUM >= 140000
#define AlterTableTypeIsDetach(type) \
	((type) == AT_DetachPartition || (type) == AT_DetachPartitionFinalize)
#else
#define AlterTableTypeIsDetach(type) ((type) == AT_DetachPartition)
#endif

/*
 * index_insert is told since pg14 whether an UPDATE left the columns unchanged,
 * and since pg17 what it keeps for the next row has to be cleaned up.
 */
#if PG_VERSION_NUM >= 170000
#define index_insert_compat(index, values, nulls, tid, table, unique, info) \
	do \
	{ \
		index_insert(index, values, nulls, tid, table, unique, false, info); \
		index_insert_cleanup(index, info); \
	} while (0)
#elif PG_VERSION_NUM >= 140000
#define index_insert_compat(index, values, nulls, tid, table, unique, info) \
	index_insert(index, values, nulls, tid, table, unique, false, info)
#else
#define index_insert_compat(index, values, nulls, tid, table, unique, info) \
	index_insert(index, values, nulls, tid, table, unique, info)
#endif

/*
 * pg_cryptohash is new in pg14; before, all that can be reached without OpenSSL's
 * headers is the SQL function.
 */
#if PG_VERSION_NUM >= 140000
#include "common/cryptohash.h"

typedef pg_cryptohash_ctx Sha256Context;

static inline Sha256Context *
sha256_create(void)
{
	return pg_cryptohash_create(PG_SHA256);
}

static inline bool
sha256_once(Sha256Context *context, const char *data, int length, uint8 *hash)
{
	return pg_cryptohash_init(context) >= 0 &&
		   pg_cryptohash_update(context, (const uint8 *) data, length) >= 0 &&
		   pg_cryptohash_final(context, hash, 32) >= 0;
}
#else
#include "utils/fmgroids.h"
#include "utils/memutils.h"

typedef FmgrInfo Sha256Context;

static inline Sha256Context *
sha256_create(void)
{
	Sha256Context *context = MemoryContextAlloc(TopMemoryContext, sizeof(Sha256Context));

	fmgr_info_cxt(F_SHA256_BYTEA, context, TopMemoryContext);
	return context;
}

static inline bool
sha256_once(Sha256Context *context, const char *data, int length, uint8 *hash)
{
	bytea *bytes = palloc(VARHDRSZ + length);
	bytea *digest;

	SET_VARSIZE(bytes, VARHDRSZ + length);
	memcpy(VARDATA(bytes), data, length);
	digest = DatumGetByteaPP(FunctionCall1(context, PointerGetDatum(bytes)));
	memcpy(hash, VARDATA_ANY(digest), 32);
	pfree(digest);
	pfree(bytes);
	return true;
}
#endif

#endif /* GOVCASE_COMPAT_H */
