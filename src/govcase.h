/*
 * govcase.h
 *		What every room shares: the schema's name, the SQLSTATEs, the settings.
 */
#ifndef GOVCASE_H
#define GOVCASE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/errcodes.h"

#include "compat.h"

#define GOVCASE_SCHEMA "govcase"

/*
 * Class VC is implementation-defined by the SQL standard.  Applications react
 * to these codes, not to texts, so a code never changes its meaning.
 */
#define ERRCODE_VC_MOVE_NOT_ALLOWED MAKE_SQLSTATE('V', 'C', '0', '0', '1')
#define ERRCODE_VC_UNMET_NEED       MAKE_SQLSTATE('V', 'C', '0', '0', '2')
#define ERRCODE_VC_APPEND_ONLY      MAKE_SQLSTATE('V', 'C', '0', '0', '3')
#define ERRCODE_VC_CHAIN_MISMATCH   MAKE_SQLSTATE('V', 'C', '0', '0', '4')
#define ERRCODE_VC_GRID             MAKE_SQLSTATE('V', 'C', '0', '0', '5')
#define ERRCODE_VC_INVARIANT        MAKE_SQLSTATE('V', 'C', '0', '0', '6')
#define ERRCODE_VC_NOT_TRUSTED      MAKE_SQLSTATE('V', 'C', '0', '0', '7')

/* Settings, defined in govcase.c. */
extern char *govcase_actor;          /* who acts; empty: the database user */
extern char *govcase_happened_at;    /* when a move happened; empty: now */
extern int govcase_clock_skew;       /* seconds a link may lie in the future */
extern int govcase_placement_memory; /* kilobytes of boundaries that a session keeps */

/* OID of a type, function or table of schema govcase; errors if missing. */
extern Oid govcase_type_oid(const char *name);
extern Oid govcase_relation_oid(const char *name);
/* OID of the function of that name without arguments (a trigger function). */
extern Oid govcase_trigger_function_oid(const char *name);

#endif /* GOVCASE_H */
