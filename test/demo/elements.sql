\echo elements
